/**
 * How long the openings of a circuit last that follow each other closely.
 *
 * A schedule is asked once, when the breaker is built, so that opening a circuit
 * stays one synchronous step.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Configuration from "./Configuration.ts"

/**
 * How many openings can have a time of their own; the last one's holds for all after it.
 *
 * @category constants
 * @since 0.1.0
 */
export const most = 32

/**
 * The times of a duration: doubled at each opening, up to `cap`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const doubling = (first: number, cap: number): ReadonlyArray<number> => {
  const times = [first]
  while (times.length < most && times.at(-1)! < cap) times.push(Math.min(cap, first * 2 ** times.length))
  return times
}

/**
 * The times of a schedule: its delays, up to `cap`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofSchedule = (
  schedule: Schedule.Schedule<unknown>,
  cap: number
): Effect.Effect<ReadonlyArray<number>, Configuration.InvalidConfiguration> =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    const times: Array<number> = []
    let now = 0
    while (times.length < most) {
      const next = yield* step(now, undefined).pipe(Pull.catchDone(() => Effect.undefined))
      if (next === undefined) break
      const delay = Duration.toMillis(next[1])
      if (!(delay > 0 && delay < Infinity)) break
      times.push(Math.min(cap, delay))
      now += delay
    }
    return times.length > 0 ? times : yield* new Configuration.InvalidConfiguration({
      subject: "CircuitBreaker",
      field: "openFor",
      value: "a schedule",
      rule: "its first delay has to be finite and above zero"
    })
  })
