/** The reserve: small and slower, otherwise fine; it refuses what its slots do not hold. */
import { Effect, Option, Random, Semaphore } from "effect"
import * as Reply from "./Reply.ts"
import type * as Upstream from "./Upstream.ts"

export const slots = 6

const overloaded = Reply.refused(503, {
  message: "The server is overloaded.",
  type: "service_unavailable_error",
  code: "server_is_overloaded"
})

export const make: Effect.Effect<Upstream.Behaviour> = Effect.gen(function*() {
  const random = yield* Random.Random
  const semaphore = yield* Semaphore.make(slots)

  const answer = Effect.suspend(() => Effect.as(Effect.sleep(150 + 100 * random.nextDoubleUnsafe()), Reply.accepted()))
  const chat = Effect.map(
    Semaphore.withPermitsIfAvailable(semaphore, 1)(answer),
    Option.getOrElse(() => overloaded)
  )

  return { chat, models: Effect.succeed(Reply.accepted()) }
})
