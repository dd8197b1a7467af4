/**
 * What is said to a rate limiter while it is at work: other limits, a pause,
 * what a service says of its own limits.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Limit from "../machine/Limit.ts"
import * as Limits from "../machine/Limits.ts"
import * as Configuration from "./Configuration.ts"
import type * as Description from "./Description.ts"
import * as Hint from "./Hint.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Now from "./Now.ts"
import * as RateLimiterOptions from "./RateLimiterOptions.ts"
import type * as Turns from "./Turns.ts"

/**
 * Lays options over those that hold.
 *
 * @category controls
 * @since 0.1.0
 */
export const update = (
  turns: Turns.Turns,
  options: RateLimiterOptions.Options
): Effect.Effect<void, Configuration.InvalidConfiguration> =>
  Effect.suspend(() => {
    const given = Object.fromEntries(Object.entries(Object(options)).filter(([, value]) => value !== undefined))
    if ("maxKeys" in given) {
      return Effect.fail(
        new Configuration.InvalidConfiguration({
          subject: "RateLimiter",
          field: "maxKeys",
          value: String(given.maxKeys),
          rule: "it is set once, for all keys"
        })
      )
    }
    return Effect.flatMap(
      RateLimiterOptions.decode({ ...turns.settings.options, ...given }),
      (settings) =>
        Effect.map(Now.current, (now) => {
          turns.settings = settings
          turns.change((limits) => limits.reconfigure(settings.specs, now))
        })
    )
  })

/**
 * Lets nothing pass for so long, at most `maxPause`.
 *
 * @category controls
 * @since 0.1.0
 */
export const pause = (
  turns: Turns.Turns,
  duration: Duration.Input
): Effect.Effect<void, InvalidArgument.InvalidArgument> =>
  Effect.flatMap(
    Effect.suspend(() => Effect.fromResult(Hint.toMillis("RateLimiter.pause", "duration", duration))),
    (millis) =>
      Effect.map(Now.current, (now) => {
        turns.change((limits) => limits.pause(now + Math.min(millis, turns.settings.maxPause)))
      })
  )

/**
 * When the call was sent whose answer is learned from, and what had been taken by then.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sent {
  readonly at: number
  readonly takenBefore: Limits.Cost
}

/**
 * Learns from an answer; to a call that was sent at a time, when so much had
 * been taken, if that is known.
 *
 * @category controls
 * @since 0.1.0
 */
export const learn = (
  turns: Turns.Turns,
  subject: string,
  hint: Hint.Hint,
  sent?: Sent
): Effect.Effect<void, InvalidArgument.InvalidArgument> =>
  Effect.suspend(() => {
    const decoded = Hint.decode(subject, hint)
    if (Result.isFailure(decoded)) return Effect.fail(decoded.failure)
    const { of, window } = decoded.success
    if (turns.limits.find(of, window) === undefined) {
      return Effect.fail(InvalidArgument.make(subject, "of", of, "it has to be one of the limits of this limiter"))
    }
    return Effect.map(Now.current, (now) => learnUnsafe(turns, of, window, decoded.success, sent, now))
  })

/**
 * The same, at once, of what is known to be sound; where there is no such limit
 * there is nothing to learn.
 *
 * @category controls
 * @since 0.1.0
 */
export const learnUnsafe = (
  turns: Turns.Turns,
  of: Limit.Unit,
  window: number | undefined,
  hint: Limit.Hint,
  sent: Sent | undefined,
  now: number
): void => {
  const limit = turns.limits.find(of, window)
  if (limit === undefined) return
  turns.limits.ease(now)
  const since = sent === undefined ? 0 : Limits.unitsOf(turns.limits.taken, of) - Limits.unitsOf(sent.takenBefore, of)
  turns.change(() => limit.learn(hint, since, sent?.at, now))
}

/**
 * What these turns do to a call.
 *
 * @category describing
 * @since 0.1.0
 */
export const describe = ({ key, settings: { maxQueued, maxWait, specs } }: Turns.Turns): Description.Description => ({
  _tag: "RateLimiter",
  key,
  limits: specs.map(RateLimiterOptions.show),
  maxQueued,
  maxWait
})
