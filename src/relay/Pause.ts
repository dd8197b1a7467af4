/**
 * Waiting between two rounds, when every candidate has failed and may do better later.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type * as Schedule from "effect/Schedule"
import type * as Attempt from "../policy/Attempt.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as RelayError from "./RelayError.ts"

/**
 * A relay's schedule at work for one call.
 *
 * @category models
 * @since 0.1.0
 */
export type Step = Effect.Success<
  ReturnType<typeof Schedule.toStep<unknown, RelayError.RelayError, never, never>>
>

/**
 * What the schedule is told: a relay's is told of the relay's failures, and one
 * of somebody else's as what it came to.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toInput = (failure: unknown, attempts: ReadonlyArray<Attempt.Attempt>): RelayError.RelayError =>
  RelayError.isRelayError(failure) ? failure : Rejection.make(RelayError.RelayExhausted, { attempts })

/**
 * Milliseconds until the next round, never fewer than `soonest`; `undefined`
 * when the schedule has ended.
 *
 * @category getters
 * @since 0.1.0
 */
export const next = (
  step: Step,
  millis: number,
  input: RelayError.RelayError,
  soonest: number
): Effect.Effect<number | undefined> =>
  step(millis, input).pipe(
    Effect.map(([, delay]) => Math.max(soonest, Duration.toMillis(delay))),
    Pull.catchDone(() => Effect.undefined)
  )

/**
 * Whether a wait is no longer than the relay allows, and ends while time is left.
 *
 * @category getters
 * @since 0.1.0
 */
export const isWorthwhile = (relay: { readonly maxWait: number }, delay: number, left: number): boolean =>
  delay <= relay.maxWait && delay < left
