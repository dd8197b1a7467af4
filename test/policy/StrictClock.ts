/** A clock that knows who sleeps on it. */
import { Clock, Duration, Effect } from "effect"

/**
 * The clock of the test, and how many timers are armed on it now and were at most. Its timers may be `early`
 * by so many milliseconds, but for the shortest.
 */
export const makeEarly = (early: number) =>
  Effect.map(Effect.withFiberSucceed((fiber) => fiber.getRef(Clock.Clock)), (clock) => {
    const timers = { armed: 0, peak: 0, ever: 0 }
    const counted: Clock.Clock = {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
      currentTimeMillis: clock.currentTimeMillis,
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      currentTimeNanos: clock.currentTimeNanos,
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos,
      sleep: (duration: Duration.Duration) =>
        Effect.suspend(() => {
          timers.ever++
          timers.peak = Math.max(timers.peak, ++timers.armed)
          const millis = Duration.toMillis(duration)
          return Effect.onExit(clock.sleep(Duration.millis(millis > early ? millis - early : millis)), () =>
            Effect.sync(() => timers.armed--))
        })
    }
    return { timers, provide: Effect.provideService(Clock.Clock, counted) }
  })

/** The same, with timers to the millisecond. */
export const make = makeEarly(0)
