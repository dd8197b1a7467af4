/**
 * What is said of virtual time: its options, their defaults and their bounds.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"

/**
 * The options of virtual time; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What all chance comes from: a whole number, or a text. */
  readonly seed?: number | string | undefined
  /** What the wall clock shows at first, whole epoch milliseconds. */
  readonly startAt?: number | undefined
  /**
   * Whether fibers may wait for promises as well. Then a turn of the event loop, a microsecond or two, goes before each
   * step of time, so that what has been settled meanwhile is heard: whatever a chain of microtasks settles, at the time at
   * which it began. What comes from outside them is not waited for while anybody sleeps, and so heard at some time or other:
   * a network, a disk, `crypto.subtle`, a timer, `setImmediate`. `false` is faster, where fibers wait for time and for each
   * other only; then `run` says when nobody can wake any more.
   */
  readonly promises?: boolean | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  seed: 0,
  startAt: 0,
  promises: true
} as const satisfies Required<Options>

// the last millisecond of a `Date`
const lastDate = 8.64e15

const Settings = Schema.Struct({
  seed: Configuration.field(
    (value): value is number | string => typeof value === "string" || Number.isSafeInteger(value),
    "it has to be a whole number, or a text"
  ),
  startAt: Configuration.field(
    (value): value is number => Configuration.isInteger(value, -lastDate, lastDate),
    "it has to be whole milliseconds, as `Date.now()` has them"
  ),
  promises: Configuration.flag
})

const Shift = Schema.Struct({
  by: Configuration.anyDuration.check(
    Schema.makeFilter((millis) => Number.isFinite(millis) || "it has to be a duration that ends")
  )
})

/**
 * The options within their bounds.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = typeof Settings.Type

/**
 * The options within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Result.Result<Settings, Configuration.InvalidConfiguration> =>
  Configuration.decodeResult("VirtualTime", Settings, options, defaults)

/**
 * How far a wall clock is put forward, in milliseconds; below zero for back.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeShift = (by: unknown): Result.Result<number, Configuration.InvalidConfiguration> =>
  Result.map(
    Configuration.decodeResult("VirtualTime.shiftWallClock", Shift, { by }, {}),
    ({ by }) => by
  )
