/**
 * What can be said about a bulkhead when it is built.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AdaptiveLimit from "./AdaptiveLimit.ts"
import * as Configuration from "./Configuration.ts"

/**
 * In which order those of one priority are served: the first to come first, the
 * last to come first, or the first first until an overload stands and then the
 * last.
 *
 * @category models
 * @since 0.1.0
 */
export type Order = "fifo" | "lifo" | "adaptive"

/**
 * The options of a bulkhead; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many calls run at once, from 1 up; a list has one number a tier, the last for every tier after it. */
  readonly maxConcurrent?: number | ReadonlyArray<number> | undefined
  /** How many calls may wait for a slot, from 0 up. */
  readonly maxQueued?: number | undefined
  /** How long a call may wait for its slot. */
  readonly maxWait?: Duration.Input | undefined
  /** In which order those of one priority are served. */
  readonly order?: Order | undefined
  /** One turn in this many goes to whoever has waited longest, whatever the priority and the order, from 1 up. */
  readonly oldestEvery?: number | undefined
  /** For the order `"adaptive"`: the longest wait that is no overload. */
  readonly codelTarget?: Duration.Input | undefined
  /** For the order `"adaptive"`: how long the longest wait has to be above `codelTarget`. */
  readonly codelInterval?: Duration.Input | undefined
  /** Learns the limit from the calls, from `maxConcurrent` on: `aimd`, `vegas`, `gradient2`, or `"off"`. */
  readonly adaptive?: AdaptiveLimit.AdaptiveLimit | "off" | undefined
  /** Which number of a list holds, from 0 up. */
  readonly tier?: number | undefined
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
  maxConcurrent: [20, 15, 10],
  maxQueued: 20,
  maxWait: "5 seconds",
  order: "fifo",
  oldestEvery: 8,
  codelTarget: "5 millis",
  codelInterval: "100 millis",
  adaptive: "off",
  tier: 0,
  maxKeys: 10_000
} as const satisfies Required<Options>

const orders: ReadonlyArray<unknown> = ["fifo", "lifo", "adaptive"] satisfies ReadonlyArray<Order>

const options = Schema.Struct({
  maxConcurrent: Configuration.field(
    (value): value is number | ReadonlyArray<number> =>
      Array.isArray(value)
        ? value.length > 0 && value.every((limit) => Configuration.isInteger(limit, 1))
        : Configuration.isInteger(value, 1),
    "it has to be a whole number from 1 up, or a list of them, one a tier"
  ),
  maxQueued: Configuration.integer(0),
  maxWait: Configuration.durationOrZero,
  order: Configuration.field(
    (value): value is Order => orders.includes(value),
    "it has to be \"fifo\", \"lifo\" or \"adaptive\""
  ),
  oldestEvery: Configuration.integer(1),
  codelTarget: Configuration.finiteDurationOrZero,
  codelInterval: Configuration.finiteDurationOrZero,
  adaptive: Schema.Union([Schema.Literal("off"), AdaptiveLimit.AdaptiveLimit]),
  tier: Configuration.integer(0),
  maxKeys: Configuration.integer(1)
})

/**
 * How many calls run at once, in the tier that the options name.
 *
 * @category getters
 * @since 0.1.0
 */
export const maxConcurrent = ({ maxConcurrent, tier }: Pick<Settings, "maxConcurrent" | "tier">): number =>
  typeof maxConcurrent === "number" ? maxConcurrent : maxConcurrent[Math.min(tier, maxConcurrent.length - 1)]!

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = options.check(Schema.makeFilter((settings: typeof options.Type) => {
  if (settings.adaptive === "off") return true
  const { max, min } = settings.adaptive
  if (min > max) return { path: ["adaptive", "min"], issue: "it has to be at most adaptive.max" }
  return Configuration.isInteger(maxConcurrent(settings), min, max) ||
    { path: ["maxConcurrent"], issue: `it has to be from adaptive.min to adaptive.max, ${min} to ${max}` }
}))

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = typeof options.Type

/**
 * Lays options over the defaults and checks the whole.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Effect.Effect<Settings, Configuration.InvalidConfiguration> =>
  Configuration.decode("Bulkhead", Settings, options, defaults)
