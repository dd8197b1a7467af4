/**
 * How long a caller is ready to wait.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Failure from "../endpoint/Failure.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Ambient from "../policy/Deadline.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as CallOptions from "./CallOptions.ts"
import * as RelayError from "./RelayError.ts"

const decodeRare = Schema.decodeUnknownOption(Configuration.anyDuration)

// the forms that people write have a short way
const millisOf = (deadline: unknown): number => {
  if (typeof deadline === "number") return deadline
  const millis = typeof deadline === "string"
    ? Option.map(Duration.fromInput(deadline as Duration.Input), Duration.toMillis)
    : decodeRare(deadline)
  return Option.getOrElse(millis, () => NaN)
}

/**
 * Milliseconds, or `undefined` for as long as it takes: the caller's own deadline
 * or the one it runs under, whichever is sooner. What is over before it began
 * fails at once, and so does what is no duration.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  deadline: Duration.Input | undefined
): Effect.Effect<number | undefined, RelayError.DeadlineExceeded | Failure.RequestRejected> =>
  Effect.withFiber((fiber): ReturnType<typeof decode> => {
    // most calls have none, and need not look at the clock
    if (deadline === undefined && fiber.getRef(Ambient.CurrentDeadline) === Infinity) return Effect.undefined
    const own = deadline === undefined ? Infinity : millisOf(deadline)
    if (Number.isNaN(own)) {
      const rule = "it has to be a duration such as \"5 seconds\""
      return Effect.fail(CallOptions.rejected({ argument: "deadline", value: Arguments.show(deadline), rule }))
    }
    const millis = Math.min(own, Ambient.leftUnsafe(fiber, Now.read(Now.clockOf(fiber))))
    if (millis <= 0) return Effect.fail(passed(0, Attempt.none))
    return millis === Infinity ? Effect.undefined : Effect.succeed(millis)
  })

/**
 * The failure of a call whose deadline of so many milliseconds has passed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const passed = (deadline: number, attempts: ReadonlyArray<Attempt.Attempt>): RelayError.DeadlineExceeded =>
  Rejection.make(RelayError.DeadlineExceeded, { deadline: Duration.millis(deadline), attempts })

// the call itself, which knows how long its endpoint took, is to speak first
const grace = 1

/**
 * Waits for a call that others may wait for as well, no longer than a deadline: to the millisecond where the call goes on
 * without whoever waits, which `isOver` is asked then.
 *
 * @category combinators
 * @since 0.1.0
 */
export const within =
  (deadline: number | undefined, isOver: () => boolean) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | RelayError.DeadlineExceeded, R> =>
    deadline === undefined ? self : Effect.raceFirst(
      self,
      Effect.sleep(deadline).pipe(
        Effect.andThen(Effect.suspend(() => isOver() ? Effect.sleep(grace) : Effect.void)),
        Effect.andThen(Effect.suspend(() => Effect.fail(passed(deadline, Attempt.none))))
      )
    )
