/**
 * The ways in which a bulkhead can learn from its calls how many of them may
 * run at once.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Aimd from "../machine/Aimd.ts"
import * as ConcurrencyLimit from "../machine/ConcurrencyLimit.ts"
import * as Gradient2 from "../machine/Gradient2.ts"
import * as Vegas from "../machine/Vegas.ts"
import * as Configuration from "./Configuration.ts"
import { RateLimited } from "./RateLimited.ts"
import * as Verdict from "./Verdict.ts"

/**
 * What every way to learn has.
 *
 * @category models
 * @since 0.1.0
 */
export interface Common {
  /** The lowest limit, from 1 up. */
  readonly min?: number | undefined
  /** The highest limit, at least `min`. */
  readonly max?: number | undefined
  /** Whether a failure speaks of overload; `isOverload` unless given. */
  readonly isDrop?: ((error: unknown) => boolean) | undefined
}

type Given<A> = { readonly [K in keyof A]-?: Exclude<A[K], undefined> }

/**
 * The options of `aimd`.
 *
 * @category models
 * @since 0.1.0
 */
export interface AimdOptions extends Common {
  /** What a drop leaves of the limit, above 0 and below 1. */
  readonly backoff?: number | undefined
  /** A success that took longer is a drop. Above zero; `"Infinity"` for never. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * The options of `gradient2`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gradient2Options extends Common {
  /** How many times the usual a call may take before the limit shrinks, from 1 up. */
  readonly tolerance?: number | undefined
  /** Over how long calls are averaged. */
  readonly window?: Duration.Input | undefined
}

/**
 * How a bulkhead learns its limit: `aimd`, `vegas` or `gradient2`.
 *
 * @category models
 * @since 0.1.0
 */
export type AdaptiveLimit =
  | { readonly _tag: "Aimd" } & Given<AimdOptions>
  | { readonly _tag: "Vegas" } & Given<Common>
  | { readonly _tag: "Gradient2" } & Given<Gradient2Options>

const overloads = new Set<string | undefined>([
  "RateLimited",
  "BulkheadFull",
  "EndpointUnavailable",
  "TimedOut",
  "TimeoutError"
])

/**
 * Whether a failure speaks of overload, by its tag: `RateLimited` of a service,
 * `BulkheadFull`, `EndpointUnavailable`, `TimedOut` and Effect's `TimeoutError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isOverload = (error: unknown): boolean => {
  // what our own limiter refused was never sent
  const isOurs = error instanceof RateLimited && error.source === "Limiter"
  return !isOurs && overloads.has(Verdict.tagOf(error))
}

/**
 * What holds for each way to learn where nothing is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  aimd: { min: 1, max: 200, isDrop: isOverload, backoff: 0.9, timeout: "Infinity" },
  vegas: { min: 1, max: 200, isDrop: isOverload },
  gradient2: { min: 1, max: 200, isDrop: isOverload, tolerance: 1.5, window: "1 second" }
} as const satisfies { aimd: Given<AimdOptions>; vegas: Given<Common>; gradient2: Given<Gradient2Options> }

const over = <A extends object>(defaults: A, options: object | undefined): A => ({
  ...defaults,
  ...Object.fromEntries(Object.entries(Object(options)).filter(([, value]) => value !== undefined))
})

/**
 * One more for every limit's worth of successes, a share less at a drop. Looks
 * at drops alone unless it has a `timeout`: right where the time of a call
 * depends on what is asked, as with language models.
 *
 * Source: Netflix concurrency-limits, which takes calls of 5 seconds for drops.
 *
 * @category adaptive limits
 * @since 0.1.0
 */
export const aimd = (options?: AimdOptions): AdaptiveLimit => ({
  _tag: "Aimd",
  ...over<Given<AimdOptions>>(defaults.aimd, options)
})

/**
 * Keeps a few calls waiting at the other side, by comparing each call with the
 * fastest. For calls that take about the same time.
 *
 * Source: Netflix concurrency-limits.
 *
 * @category adaptive limits
 * @since 0.1.0
 */
export const vegas = (options?: Common): AdaptiveLimit => ({
  _tag: "Vegas",
  ...over<Given<Common>>(defaults.vegas, options)
})

/**
 * Follows the ratio of the usual time of a call to the time it takes now, in
 * windows of at least ten calls. For calls whose times vary.
 *
 * Source: Netflix concurrency-limits.
 *
 * @category adaptive limits
 * @since 0.1.0
 */
export const gradient2 = (options?: Gradient2Options): AdaptiveLimit => ({
  _tag: "Gradient2",
  ...over<Given<Gradient2Options>>(defaults.gradient2, options)
})

const common = {
  min: Configuration.integer(1),
  max: Configuration.integer(1),
  isDrop: Configuration.field(
    (value): value is (error: unknown) => boolean => typeof value === "function",
    "it has to be a function of the error"
  )
}

/**
 * A way to learn within its bounds; durations are milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const AdaptiveLimit = Schema.Union([
  Schema.Struct({
    _tag: Schema.Literal("Aimd"),
    ...common,
    backoff: Configuration.share("open"),
    timeout: Configuration.durationOrForever
  }),
  Schema.Struct({ _tag: Schema.Literal("Vegas"), ...common }),
  Schema.Struct({
    _tag: Schema.Literal("Gradient2"),
    ...common,
    tolerance: Configuration.atLeast(1),
    window: Configuration.duration
  })
])

/**
 * A way to learn within its bounds; durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = typeof AdaptiveLimit.Type

/**
 * A machine at work, whichever it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Learner {
  readonly limit: () => number
  readonly observe: (sample: ConcurrencyLimit.Sample, now: number) => void
}

const learner = <Rule extends ConcurrencyLimit.Bounds, State extends ConcurrencyLimit.Learned>(
  machine: ConcurrencyLimit.ConcurrencyLimit<Rule, State>,
  rule: Rule,
  limit: number
): Learner => {
  const state = machine.make(limit)
  return {
    limit: () => ConcurrencyLimit.whole(state),
    observe: (sample, now) => machine.observe(state, sample, now, rule)
  }
}

/**
 * Begins to learn, from a limit on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const learn = (settings: Settings, limit: number): Learner => {
  switch (settings._tag) {
    case "Aimd":
      return learner(Aimd, settings, limit)
    case "Vegas":
      return learner(Vegas, settings, limit)
    case "Gradient2":
      return learner(Gradient2, settings, limit)
  }
}
