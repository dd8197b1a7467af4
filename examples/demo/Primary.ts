/** The primary: fast, limited by the minute; later silently slow, in the end down. */
import { Effect, Random } from "effect"
import * as Reply from "./Reply.ts"
import * as Timeline from "./Timeline.ts"
import type * as Upstream from "./Upstream.ts"

export const requestsPerMinute = 1_200

/** So many may come at once; from then on the minute is metered evenly. */
const burst = 30

const perMilli = requestsPerMinute / 60_000

/** How many times longer an answer takes when the primary degrades. */
const slowdown = 20

const limitHeaders = (tokens: number) => ({
  "x-ratelimit-limit-requests": String(requestsPerMinute),
  "x-ratelimit-remaining-requests": String(Math.floor(tokens)),
  "x-ratelimit-reset-requests": `${Math.ceil((burst - tokens) / perMilli)}ms`
})

const tooMany = (tokens: number): Reply.Reply =>
  Reply.refused(429, {
    message:
      `Rate limit reached for demo on requests per min (RPM): Limit ${requestsPerMinute}. Please try again later.`,
    type: "requests",
    code: "rate_limit_exceeded"
  }, { ...limitHeaders(tokens), ...Reply.retryAfter((1 - tokens) / perMilli) })

export const make = (timeline: Timeline.Timeline): Effect.Effect<Upstream.Behaviour> =>
  Effect.gen(function*() {
    const random = yield* Random.Random
    let tokens = burst
    let filledAt = 0

    const admit = (now: number): boolean => {
      tokens = Math.min(burst, tokens + (now - filledAt) * perMilli)
      filledAt = now
      if (tokens < 1) return false
      tokens--
      return true
    }

    const chat = Effect.gen(function*() {
      const now = yield* timeline.elapsed
      const phase = Timeline.phaseAt(now)
      if (phase === "down") return Reply.broken
      if (!admit(now)) return tooMany(tokens)
      const headers = limitHeaders(tokens)
      const latency = (40 + 40 * random.nextDoubleUnsafe()) * (phase === "slow" ? slowdown : 1)
      // whoever still waits when the process dies gets nothing
      const left = Timeline.downFrom - now
      yield* Effect.sleep(Math.min(latency, left))
      return latency < left ? Reply.accepted(headers) : Reply.broken
    })

    // its health check stays fast and green while its answers crawl
    const models = Effect.map(
      timeline.elapsed,
      (now) => Timeline.phaseAt(now) === "down" ? Reply.broken : Reply.accepted()
    )

    return { chat, models }
  })
