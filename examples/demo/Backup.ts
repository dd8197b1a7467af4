/** The backup: steady, but now and then out of capacity, which it says with a 429 and `Retry-After`. */
import { Effect, Random } from "effect"
import * as Reply from "./Reply.ts"
import * as Timeline from "./Timeline.ts"
import type * as Upstream from "./Upstream.ts"

export const make = (timeline: Timeline.Timeline): Effect.Effect<Upstream.Behaviour> =>
  Effect.gen(function*() {
    const random = yield* Random.Random

    const chat = Effect.gen(function*() {
      const now = yield* timeline.elapsed
      const window = Timeline.busy.find(([from, until]) => from <= now && now < until)
      if (window !== undefined) {
        return Reply.refused(429, {
          message: "Too many requests at the moment, please slow down.",
          type: "rate_limit_error",
          code: "rate_limit_exceeded"
        }, Reply.retryAfter(window[1] - now))
      }
      yield* Effect.sleep(80 + 80 * random.nextDoubleUnsafe())
      return Reply.accepted()
    })

    return { chat, models: Effect.succeed(Reply.accepted()) }
  })
