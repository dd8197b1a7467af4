/**
 * What can be said about a circuit breaker when it is built.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Circuit from "../machine/Circuit.ts"
import * as TripRule from "../machine/TripRule.ts"
import * as Classification from "./Classification.ts"
import * as Configuration from "./Configuration.ts"
import * as OpeningTimes from "./OpeningTimes.ts"
import * as TripPolicy from "./TripPolicy.ts"

/**
 * Whether a breaker refuses calls: `enforce` does, `observe` only says that it
 * would have, `off` counts nothing either.
 *
 * @category models
 * @since 0.1.0
 */
export type Mode = "enforce" | "observe" | "off"

/**
 * The options of a circuit breaker; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** When a closed circuit opens: `consecutive`, `failureRate`, `countWindow`, `timeWindow`, …, joined with `or` and `and`. */
  readonly tripPolicy?: TripPolicy.TripPolicy | undefined
  /** The time that `timeWindow`, `slowCallRate`, `minimumCalls` and `custom` look back on. */
  readonly window?: Duration.Input | undefined
  /** What counts as a success, a failure, or neither. */
  readonly classify?: Classification.Classification | "standard" | undefined
  /** A success that took longer counts as slow. Above zero; `"Infinity"` for never. */
  readonly slowCallDuration?: Duration.Input | undefined
  /** Share of slow calls tolerated, above 0 and below 1. */
  readonly slowCallRate?: number | undefined
  /** How many slow calls on end open the circuit, from 1 up. */
  readonly slowCallEvidence?: number | undefined
  /** Silence after which evidence starts to fade. */
  readonly forgetAfter?: Duration.Input | undefined
  /**
   * How long the circuit stays open: a duration, doubled at each opening in close
   * succession, or a schedule whose delays are those of the first, second, …
   * opening; the last of them, at most the 32nd, holds for all after it.
   */
  readonly openFor?: Duration.Input | Schedule.Schedule<unknown> | undefined
  /** The longest it stays open, also where a failure asks for longer. At least `openFor`; without one, a longer `openFor` counts. */
  readonly maxOpenFor?: Duration.Input | undefined
  /** Share of an open duration, 0 to 1, that chance may take off it. What a failure asks for is never cut. */
  readonly jitter?: number | undefined
  /** How many probes a half-open circuit lets out at a time, 1 to 1000. */
  readonly halfOpenProbes?: number | undefined
  /**
   * How many good probes close it, 1 to 1000, the first bad one reopening it; or
   * which share `ratio`, above 0 and at most 1, `of` how many. It reopens as soon
   * as that is out of reach.
   */
  readonly successesToClose?: number | { readonly ratio: number; readonly of: number } | undefined
  /** How long a probe that does not return keeps its place. */
  readonly probeLease?: Duration.Input | undefined
  /** How long after closing the share of calls that pass grows from a tenth to all; zero for all at once. */
  readonly rampFor?: Duration.Input | undefined
  /** Whether calls are refused, or only observed. */
  readonly mode?: Mode | undefined
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
  tripPolicy: TripPolicy.failureRate(),
  window: "10 seconds",
  classify: "standard",
  slowCallDuration: "Infinity",
  slowCallRate: 0.5,
  slowCallEvidence: 13,
  forgetAfter: "5 minutes",
  openFor: "30 seconds",
  maxOpenFor: "2 minutes",
  jitter: 0.2,
  halfOpenProbes: 3,
  successesToClose: 3,
  probeLease: "1 minute",
  rampFor: 0,
  mode: "enforce",
  maxKeys: 10_000
} as const satisfies Required<Options>

const Checked = Schema.Struct({
  tripPolicy: TripPolicy.TripPolicy,
  window: Configuration.duration,
  classify: Schema.Union([Schema.Literal("standard"), Classification.Classification]),
  slowCallDuration: Configuration.durationOrForever,
  slowCallRate: Configuration.share("open"),
  slowCallEvidence: Configuration.integer(1),
  forgetAfter: Configuration.duration,
  openFor: Configuration.duration,
  maxOpenFor: Configuration.duration,
  jitter: Configuration.share("closed"),
  halfOpenProbes: Configuration.integer(1, 1000),
  successesToClose: Configuration.field(
    (value): value is number | { readonly ratio: number; readonly of: number } => {
      if (Configuration.isInteger(value, 1, 1000)) return true
      const { of, ratio, ...rest } = Object(value)
      return Object.keys(rest).length === 0 && Configuration.isInteger(of, 1, 1000) && typeof ratio === "number" &&
        ratio > 0 && ratio <= 1
    },
    "it has to be a whole number from 1 to 1000, or { ratio, of } with a ratio above 0 and at most 1, of 1 to 1000"
  ),
  probeLease: Configuration.duration,
  rampFor: Configuration.finiteDurationOrZero,
  mode: Configuration.field(
    (value): value is Mode => value === "enforce" || value === "observe" || value === "off",
    "it has to be \"enforce\", \"observe\" or \"off\""
  ),
  maxKeys: Configuration.integer(1)
}).check(
  Schema.makeFilter(({ maxOpenFor, openFor }) =>
    openFor <= maxOpenFor || { path: ["maxOpenFor"], issue: "it has to be at least openFor" }
  )
)

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings extends Omit<typeof Checked.Type, "openFor"> {
  /** How long the first, second, … opening lasts. */
  readonly openFor: ReadonlyArray<number>
}

// whoever asks for a longer opening than our cap, and for no cap, gets it
const longestOpening = (openFor: Duration.Input | undefined): Duration.Duration =>
  Duration.max(
    Duration.fromInputUnsafe(defaults.maxOpenFor),
    Option.getOrElse(Duration.fromInput(openFor ?? 0), () => Duration.zero)
  )

const check = (options: Options | undefined, openFor: Duration.Input | undefined) =>
  Configuration.decode(
    "CircuitBreaker",
    Checked,
    // what is no object of options is left to be refused
    Object.prototype.toString.call(options) === "[object Object]" ? { ...options, openFor } : options,
    {
      ...defaults,
      maxOpenFor: longestOpening(openFor)
    }
  )

/**
 * Lays options over the defaults and checks the whole.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Effect.Effect<Settings, Configuration.InvalidConfiguration> => {
  const openFor = options?.openFor
  if (!Schedule.isSchedule(openFor)) {
    return Effect.map(check(options, openFor), (settings) => ({
      ...settings,
      openFor: OpeningTimes.doubling(settings.openFor, settings.maxOpenFor)
    }))
  }
  const cap = options?.maxOpenFor === undefined ? Infinity : undefined
  // no cap is below a millisecond
  return Effect.flatMap(
    check(options, 1),
    (settings) =>
      Effect.map(OpeningTimes.ofSchedule(openFor, cap ?? settings.maxOpenFor), (times) => ({
        ...settings,
        openFor: times,
        maxOpenFor: Math.max(settings.maxOpenFor, ...times)
      }))
  )
}

const countsOf = (trip: TripRule.TripRule) => {
  const rules = TripRule.parts(trip)
  return {
    rings: Array.from(new Set(rules.flatMap((rule) => rule._tag === "CountWindow" ? [rule.calls] : []))),
    hasWindow: rules.some(({ _tag }) =>
      _tag === "TimeWindow" || _tag === "SlowCallRate" || _tag === "MinimumCalls" || _tag === "Custom"
    )
  }
}

// the fewest that are such a share; a product alone may be off by one, as 0.07 of 100 is
const leastOf = ({ of, ratio }: { readonly ratio: number; readonly of: number }): number => {
  const about = Math.ceil(ratio * of)
  return about > 1 && (about - 1) / of >= ratio ? about - 1 : about
}

/**
 * What the machine makes of the settings.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toRules = (settings: Settings): Circuit.Rules => {
  const { hasWindow, rings } = countsOf(settings.tripPolicy)
  const { successesToClose: closing } = settings
  return {
    trip: settings.tripPolicy,
    stats: {
      failures: TripRule.evidenceOf(settings.tripPolicy, settings.forgetAfter),
      slow: { rate: settings.slowCallRate, limit: settings.slowCallEvidence, forgetAfter: settings.forgetAfter },
      rings,
      window: hasWindow ? settings.window : 0
    },
    openFor: settings.openFor,
    jitter: settings.jitter,
    maxHint: settings.maxOpenFor,
    healthySpell: settings.openFor[0]!,
    probes: settings.halfOpenProbes,
    probeLease: settings.probeLease,
    successesToClose: typeof closing === "number" ? closing : leastOf(closing),
    probeCalls: typeof closing === "number" ? closing : closing.of,
    rampFor: settings.rampFor
  }
}
