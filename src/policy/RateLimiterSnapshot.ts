/**
 * What a rate limiter shows of itself.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as Turns from "./Turns.ts"

/**
 * What a rate limiter shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  queued: Schema.Int,
  /** Milliseconds until one more call may pass, behind those that wait; 0 for now. */
  retryAfter: Schema.Number,
  /** Milliseconds until a pause is over, if there is one. */
  pausedFor: Schema.optionalKey(Schema.Number),
  /** The share of the limits that is used, while a refusal holds it below 1. */
  slowedTo: Schema.optionalKey(Schema.Number),
  limits: Schema.Array(Schema.Struct({
    of: Schema.Literals(["calls", "tokens"]),
    algorithm: Schema.Literals(["gcra", "tokenBucket", "slidingWindow", "fixedWindow"]),
    /** What holds now: as configured, or the less that was learned. */
    limit: Schema.Int,
    /** Milliseconds. */
    window: Schema.Number,
    /** What may pass at once, as far as this limit goes. */
    remaining: Schema.Int
  }))
})

/**
 * What a rate limiter shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

const oneCall = { calls: 1, tokens: 0 }

/**
 * What these turns look like at `now`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (turns: Turns.Turns, now: number): Snapshot => {
  turns.limits.ease(now)
  const { all, pausedUntil, share } = turns.limits
  return {
    key: turns.key,
    queued: turns.queued,
    retryAfter: Math.ceil(turns.wait(oneCall, now)),
    ...(pausedUntil > now ? { pausedFor: Math.ceil(pausedUntil - now) } : {}),
    ...(share < 1 ? { slowedTo: share } : {}),
    limits: all.map((limit) => {
      const { algorithm, of, window } = limit.spec
      return { of, algorithm, limit: limit.limit, window, remaining: Math.floor(limit.left(now)) }
    })
  }
}
