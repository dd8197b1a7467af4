/**
 * A refused call, made ready for the next caller who is refused alike.
 *
 * Many are refused in the same millisecond for the same reason, and an error
 * costs more than the decision: they get the same one.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Circuit from "../machine/Circuit.ts"
import * as Attempt from "./Attempt.ts"
import { CircuitOpen } from "./CircuitOpen.ts"
import * as Rejection from "./Rejection.ts"

/**
 * A refusal.
 *
 * @category models
 * @since 0.1.0
 */
export interface CircuitRefusal {
  /** Whole milliseconds; -1 where nobody can know. */
  readonly retryAfter: number
  readonly error: CircuitOpen
  readonly fail: Effect.Effect<never, CircuitOpen>
}

/**
 * The refusal for a reason, with so many milliseconds to wait; `last`, if it says the same.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  key: string,
  reason: Circuit.Refusal["reason"],
  wait: number | undefined,
  last: CircuitRefusal | undefined
): CircuitRefusal => {
  const retryAfter = wait === undefined ? -1 : Math.ceil(wait)
  if (last !== undefined && last.retryAfter === retryAfter && last.error.reason === reason) return last
  const error = Rejection.make(
    CircuitOpen,
    wait === undefined
      ? { key, reason, attempts: Attempt.none }
      : { key, reason, retryAfter: Duration.millis(retryAfter), attempts: Attempt.none }
  )
  return { retryAfter, error, fail: Effect.fail(error) }
}
