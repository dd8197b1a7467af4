/**
 * What is said of an account: its options, their defaults and their bounds.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Id from "../endpoint/Id.ts"
import * as Configuration from "../policy/Configuration.ts"

/**
 * A time in the simulation, counted from its beginning.
 *
 * @category models
 * @since 0.1.0
 */
export interface Span {
  readonly from: Duration.Input
  /** Above zero; `"Infinity"` for until the end. */
  readonly lasts: Duration.Input
}

/**
 * A time during which the limits are only this share of what they are otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shrinkage extends Span {
  /**
   * Above 0, and 1 at most. What can come at once shrinks along, so where less than one request is left of it, nothing is
   * let through.
   */
  readonly to: number
}

/**
 * The options of an account; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Requests that become available a minute, above 0; `Infinity` for no limit. */
  readonly requestsPerMinute?: number | undefined
  /** Requests that can come at once, from 1 up. Default: as many as in a minute. */
  readonly burst?: number | undefined
  /** Tokens that become available a minute, as many of them at once; a request's at least, `Infinity` for no limit. */
  readonly tokensPerMinute?: number | undefined
  /** Whether a 429 says in whole seconds when to come again. */
  readonly retryAfter?: boolean | undefined
  /** Whether a request that was refused counts as well. */
  readonly refusalsCount?: boolean | undefined
  /** How long a refusal takes. */
  readonly refusesIn?: Duration.Input | undefined
  /** When the limits are smaller. Two at one time count both. */
  readonly shrinkages?: ReadonlyArray<Shrinkage> | undefined
  /** When the quota is used up: every request is refused as `insufficient_quota`. */
  readonly emptyDuring?: ReadonlyArray<Span> | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  requestsPerMinute: Infinity,
  tokensPerMinute: Infinity,
  retryAfter: true,
  refusalsCount: false,
  refusesIn: "15 millis",
  shrinkages: [],
  emptyDuring: []
} as const satisfies Required<Omit<Options, "burst">>

/**
 * A `Span` within its bounds, in milliseconds.
 *
 * @category schemas
 * @since 0.1.0
 */
export const span = {
  from: Configuration.finiteDurationOrZero,
  lasts: Configuration.durationOrForever
}

const limit = Configuration.field(
  (value): value is number => typeof value === "number" && value > 0,
  "it has to be a number above zero, `Infinity` for no limit"
)

const Settings = Schema.Struct({
  requestsPerMinute: limit,
  burst: Schema.optional(Configuration.atLeast(1)),
  tokensPerMinute: limit,
  retryAfter: Configuration.flag,
  refusalsCount: Configuration.flag,
  refusesIn: Configuration.finiteDurationOrZero,
  shrinkages: Schema.Array(Schema.Struct({
    ...span,
    to: Configuration.field(
      (value): value is number => typeof value === "number" && value > 0 && value <= 1,
      "it has to be a number above 0, and 1 at most"
    )
  })),
  emptyDuring: Schema.Array(Schema.Struct(span))
}).check(
  Schema.makeFilter(({ burst, requestsPerMinute }) =>
    burst === undefined || requestsPerMinute < Infinity || {
      path: ["burst"],
      issue: "it has to come with requestsPerMinute"
    }
  )
)

const Name = Schema.Struct({ id: Id.field })

/**
 * The options within their bounds. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings extends Omit<typeof Settings.Type, "burst"> {
  readonly id: string
  readonly burst: number
}

/**
 * The options within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  id: string,
  options: Options | undefined
): Result.Result<Settings, Configuration.InvalidConfiguration> =>
  Result.flatMap(
    Configuration.decodeResult("SimulatedAccount", Name, { id }, {}),
    ({ id }) =>
      Result.map(
        Configuration.decodeResult(`SimulatedAccount ${JSON.stringify(id)}`, Settings, options, defaults),
        ({ burst, ...settings }) => ({ ...settings, id, burst: burst ?? Math.max(1, settings.requestsPerMinute) })
      )
  )
