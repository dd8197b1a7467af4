/**
 * How long a caller is ready to wait.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Attempt from "../policy/Attempt.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as RelayError from "./RelayError.ts"

/**
 * Milliseconds, or `undefined` for as long as it takes. What is over before it
 * began, or makes no sense, fails at once.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  deadline: Duration.Input | undefined
): Effect.Effect<number | undefined, RelayError.DeadlineExceeded> => {
  if (deadline === undefined) return Effect.undefined
  const millis = Duration.toMillis(Duration.fromInputUnsafe(deadline))
  if (millis > 0) return Effect.succeed(millis)
  // also for NaN: a deadline that makes no sense is not an endless one
  return Effect.fail(
    Rejection.make(RelayError.DeadlineExceeded, { deadline: Duration.zero, attempts: Attempt.none })
  )
}

// the call itself, which knows its attempts, is to speak first
const grace = 1

/**
 * Waits for somebody else's call no longer than this.
 *
 * @category combinators
 * @since 0.1.0
 */
export const within =
  (deadline: number | undefined) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | RelayError.DeadlineExceeded, R> =>
    deadline === undefined ? self : Effect.timeoutOrElse(self, {
      duration: deadline + grace,
      orElse: () =>
        Effect.fail(
          Rejection.make(RelayError.DeadlineExceeded, { deadline: Duration.millis(deadline), attempts: Attempt.none })
        )
    })
