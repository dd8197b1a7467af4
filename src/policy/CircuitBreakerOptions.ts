/**
 * What can be said about a circuit breaker when it is built.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Circuit from "../machine/Circuit.ts"
import * as Configuration from "./Configuration.ts"
import * as TripPolicy from "./TripPolicy.ts"

/**
 * The options of a circuit breaker; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** When a closed circuit opens: `consecutive` or `failureRate`. */
  readonly tripPolicy?: TripPolicy.TripPolicy | undefined
  /** A success that took longer counts as slow. Above zero; `"Infinity"` for never. */
  readonly slowCallDuration?: Duration.Input | undefined
  /** Share of slow calls tolerated, above 0 and below 1. */
  readonly slowCallRate?: number | undefined
  /** How many slow calls on end open the circuit, from 1 up. */
  readonly slowCallEvidence?: number | undefined
  /** Silence after which evidence starts to fade. */
  readonly forgetAfter?: Duration.Input | undefined
  /** How long the circuit stays open; doubled at each opening in close succession. */
  readonly openFor?: Duration.Input | undefined
  /** The longest it stays open, at least `openFor`. Without one, a longer `openFor` counts. */
  readonly maxOpenFor?: Duration.Input | undefined
  /** Share of an open duration, 0 to 1, that chance may take off it. */
  readonly jitter?: number | undefined
  /** How many probes a half-open circuit lets out at a time, 1 to 1000. */
  readonly halfOpenProbes?: number | undefined
  /** How many good probes close it, 1 to 1000. */
  readonly successesToClose?: number | undefined
  /** How long a probe that does not return keeps its place. */
  readonly probeLease?: Duration.Input | undefined
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
  slowCallDuration: "Infinity",
  slowCallRate: 0.5,
  slowCallEvidence: 13,
  forgetAfter: "15 seconds",
  openFor: "30 seconds",
  maxOpenFor: "2 minutes",
  jitter: 0.2,
  halfOpenProbes: 3,
  successesToClose: 3,
  probeLease: "1 minute",
  maxKeys: 10_000
} as const satisfies Required<Options>

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  tripPolicy: TripPolicy.TripPolicy,
  slowCallDuration: Configuration.durationOrForever,
  slowCallRate: Configuration.share("open"),
  slowCallEvidence: Configuration.integer(1),
  forgetAfter: Configuration.duration,
  openFor: Configuration.duration,
  maxOpenFor: Configuration.duration,
  jitter: Configuration.share("closed"),
  halfOpenProbes: Configuration.integer(1, 1000),
  successesToClose: Configuration.integer(1, 1000),
  probeLease: Configuration.duration,
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
export type Settings = typeof Settings.Type

// whoever asks for a longer opening than our cap, and for no cap, gets it
const longestOpening = (options: Options | undefined): Duration.Duration =>
  Duration.max(
    Duration.fromInputUnsafe(defaults.maxOpenFor),
    Option.getOrElse(Duration.fromInput(options?.openFor ?? 0), () => Duration.zero)
  )

/**
 * Lays options over the defaults and checks the whole.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Effect.Effect<Settings, Configuration.InvalidConfiguration> =>
  Configuration.decode("CircuitBreaker", Settings, options, { ...defaults, maxOpenFor: longestOpening(options) })

/**
 * What the machine makes of the settings.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toRules = (settings: Settings): Circuit.Rules => ({
  trip: settings.tripPolicy._tag === "Consecutive" ? settings.tripPolicy : {
    _tag: "Evidence",
    rule: { rate: settings.tripPolicy.rate, limit: settings.tripPolicy.evidence, forgetAfter: settings.forgetAfter }
  },
  slow: { rate: settings.slowCallRate, limit: settings.slowCallEvidence, forgetAfter: settings.forgetAfter },
  openFor: settings.openFor,
  maxOpenFor: settings.maxOpenFor,
  jitter: settings.jitter,
  probes: settings.halfOpenProbes,
  successesToClose: settings.successesToClose,
  probeLease: settings.probeLease
})
