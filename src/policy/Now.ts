/**
 * The one place where policies read the time.
 *
 * Durations are measured on the monotonic clock: a wall clock that is set back
 * or forward frees nothing and locks nothing.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/**
 * Milliseconds on a clock's monotonic scale; only differences mean anything.
 *
 * @category getters
 * @since 0.1.0
 */
export const read = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

/**
 * The clock of a running fiber, which tests may have replaced.
 *
 * @category getters
 * @since 0.1.0
 */
export const clockOf = (fiber: Fiber.Fiber<unknown, unknown>): Clock.Clock => fiber.getRef(Clock.Clock)

/**
 * The same, for code that is not in a hurry.
 *
 * @category getters
 * @since 0.1.0
 */
export const current: Effect.Effect<number> = Effect.withFiberSucceed((fiber) => read(clockOf(fiber)))
