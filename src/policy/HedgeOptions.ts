/**
 * What can be said about a hedge when it is built.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Patience from "../machine/Patience.ts"
import * as Configuration from "./Configuration.ts"

/**
 * A delay that follows the latency of the calls; made by `quantile`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Quantile {
  readonly _tag: "Quantile"
  readonly quantile: number
  readonly window: Duration.Input
  readonly fallback: Duration.Input
  readonly atLeast: Duration.Input
}

/**
 * A second copy after the time within which this share of the latest calls had
 * their answer: above 0, below 1.
 *
 * Latencies count for `window` (default 30 seconds). Until there are enough of
 * them, two beyond the quantile, the delay is `fallback` (default `"Infinity"`:
 * nothing is hedged yet). It is never shorter than `atLeast` (default 1
 * millisecond).
 *
 * @category delays
 * @since 0.1.0
 */
export const quantile = (
  quantile: number,
  options?: {
    readonly window?: Duration.Input | undefined
    readonly fallback?: Duration.Input | undefined
    readonly atLeast?: Duration.Input | undefined
  }
): Quantile => ({
  window: "30 seconds",
  fallback: "Infinity",
  atLeast: "1 millis",
  ...Object.fromEntries(Object.entries(Object(options)).filter(([, value]) => value !== undefined)),
  _tag: "Quantile",
  quantile
})

/**
 * Something that pays for extra calls, such as a retry budget. `withdrawUnsafe`
 * says whether it could pay for one, and has paid then.
 *
 * @category models
 * @since 0.1.0
 */
export interface Budget {
  readonly withdrawUnsafe: (now: number) => boolean
}

/**
 * The options of a hedge; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long the first copy has to itself: a duration, or `quantile`. */
  readonly delay?: Duration.Input | Quantile | undefined
  /** How many copies of a call run at most, the first included, 2 to 10. */
  readonly maxCopies?: number | undefined
  /**
   * Extra copies a successful call, above 0 up to 1. Where the delay is a
   * quantile, and nothing is said here, it is the share of calls beyond it.
   */
  readonly maxExtraLoad?: number | undefined
  /** How many extra copies there can be on end, from 1 up. */
  readonly burst?: number | undefined
  /**
   * A budget shared with others that has to pay too. Hedges take out of it and
   * pay nothing in: that is for its owner, such as the retries.
   */
  readonly budget?: Budget | undefined
  /** How many keys `at` remembers, from 1 up. */
  readonly maxKeys?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  delay: quantile(0.98),
  maxCopies: 2,
  maxExtraLoad: 0.02,
  burst: 10,
  maxKeys: 10_000
} as const satisfies Omit<Required<Options>, "budget">

const Common = {
  maxCopies: Configuration.integer(2, 10),
  maxExtraLoad: Configuration.field(
    (value): value is number => typeof value === "number" && value > 0 && value <= 1,
    "it has to be a number above 0 and up to 1"
  ),
  burst: Configuration.integer(1),
  budget: Schema.optionalKey(Configuration.field(
    (value): value is Budget => typeof Object(value).withdrawUnsafe === "function",
    "it has to be a budget, with a method withdrawUnsafe"
  )),
  maxKeys: Configuration.integer(1)
}

const Fixed = Schema.Struct({ delay: Configuration.finiteDurationOrZero, ...Common })

const Adaptive = Schema.Struct({
  delay: Schema.Struct({
    _tag: Schema.Literal("Quantile"),
    quantile: Configuration.share("open"),
    window: Configuration.duration,
    fallback: Configuration.durationOrForever,
    atLeast: Configuration.duration
  }),
  ...Common
})

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings extends Omit<typeof Fixed.Type, "delay"> {
  readonly delay: number | typeof Adaptive.Type.delay
}

/**
 * Lays options over the defaults and checks the whole.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Effect.Effect<Settings, Configuration.InvalidConfiguration> =>
  Effect.suspend((): Effect.Effect<Settings, Configuration.InvalidConfiguration> => {
    const { delay = defaults.delay }: { readonly delay?: unknown } = Object(options)
    if (!isQuantile(delay)) return Configuration.decode("Hedge", Fixed, options, defaults)
    // a delay that more calls outlast than the budget pays for leaves the slowest of them to chance
    const maxExtraLoad = typeof delay.quantile === "number" ? 1 - delay.quantile : defaults.maxExtraLoad
    return Configuration.decode("Hedge", Adaptive, options, { ...defaults, maxExtraLoad })
  })

const isQuantile = (delay: unknown): delay is { readonly _tag: "Quantile"; readonly quantile?: unknown } =>
  typeof delay === "object" && delay !== null && "_tag" in delay && delay._tag === "Quantile"

/**
 * The rule of the delay.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toRule = ({ delay }: Settings): Patience.Rule =>
  typeof delay === "number" ? { _tag: "Fixed", delay } : delay
