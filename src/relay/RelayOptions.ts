/**
 * What can be said about a relay when it is built.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as AccountLimits from "../endpoint/AccountLimits.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Health from "../endpoint/Health.ts"
import * as HealthMonitor from "../endpoint/HealthMonitor.ts"
import type * as Peers from "../endpoint/Peers.ts"
import * as Configuration from "../policy/Configuration.ts"
import type * as Hedge from "../policy/Hedge.ts"
import * as Retry from "../policy/Retry.ts"
import * as Balance from "./Balance.ts"
import type * as Budgets from "./Budgets.ts"
import type * as RelayError from "./RelayError.ts"
import * as StreamOptions from "./StreamOptions.ts"
import * as Usage from "./Usage.ts"

/**
 * How endpoints are checked while nobody calls them.
 *
 * @category models
 * @since 0.1.0
 */
export interface HealthOptions {
  /** When to check. Default: every ten seconds, jittered. */
  readonly schedule?: Schedule.Schedule<unknown> | undefined
  /** How long a check may take. */
  readonly timeout?: Duration.Input | undefined
  /** What is fetched below an endpoint's base URL. */
  readonly path?: string | undefined
  /** How endpoints are checked that do not say it themselves. Default: `"auto"`. */
  readonly check?: Health.Check | undefined
}

/**
 * When slow calls get a second copy; what is not said is as in `Hedge.defaults`.
 * The relay's retry budget pays, and each model has a hedge of its own.
 *
 * @category models
 * @since 0.1.0
 */
export type HedgeOptions = Omit<Hedge.Options, "budget">

/**
 * When an endpoint is far worse than the others of its tier, and what follows: it is degraded, so it is asked last.
 *
 * @category models
 * @since 0.1.0
 */
export interface OutlierOptions {
  /** How long calls count: after this one has faded to a third. */
  readonly window?: Duration.Input | undefined
  /** Calls of that time that the endpoint, and the others together, have to have had, from 1 up. */
  readonly evidence?: number | undefined
  /** By how much its share of failures has to be above theirs, above 0 and below 1. */
  readonly failureGap?: number | undefined
  /** How many times as long as theirs its answers have to take, and longer than `slowFloor`; from 1 up. */
  readonly latencyFactor?: number | undefined
  /** How long it stays degraded; the n-th time in a row n times that, and at most ten times. */
  readonly degradedFor?: Duration.Input | undefined
  /** The share of a tier that can be degraded in this way at once, rounded down; 0 to 1. */
  readonly maxShare?: number | undefined
  /** Nobody counts as degraded in this way while less than this share of a tier is usable; 0 to 1. */
  readonly panicBelow?: number | undefined
}

/**
 * The options of a relay; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** At least one. They can be changed later. */
  readonly endpoints: ReadonlyArray<Endpoint.Options>
  /** What is known of accounts, by the names that endpoints call them; of any other account its endpoints' limits hold alone. */
  readonly accounts?: Readonly<Record<string, AccountLimits.Options>> | undefined
  /** How calls are shared among the endpoints of a tier. */
  readonly balance?: Balance.Balance | undefined
  /** How long an endpoint warms up that is new, or came back: until then it gets less; 0 turns that off. */
  readonly slowStart?: Duration.Input | undefined
  /** When an endpoint is degraded for being worse than its peers, or `"off"`. */
  readonly outliers?: OutlierOptions | "off" | undefined
  /** When to begin another round after every candidate has failed. */
  readonly retry?: Schedule.Schedule<unknown, RelayError.RelayError> | undefined
  /** How long one attempt may take, body included. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest the relay waits between rounds; a longer `retryAfter` fails at once. */
  readonly maxWait?: Duration.Input | undefined
  /** How often one call may be sent, all endpoints and rounds together, 1 to 1000. */
  readonly maxAttempts?: number | undefined
  /** Retry rounds that can be afforded when nothing succeeds, from 0 up. */
  readonly retryBudget?: number | undefined
  /** What a success adds to that, 0 to 1. */
  readonly retryRatio?: number | undefined
  /** What its calls may spend: all together, each tenant, each label. Default: as much as they like. */
  readonly budgets?: Budgets.Options | undefined
  /** How much of what its calls took it remembers. */
  readonly usage?: Usage.Options | undefined
  /** A second copy of slow calls, at another endpoint of the same tier, or `"off"`. */
  readonly hedge?: HedgeOptions | "off" | undefined
  /** What streams keep to that do not say otherwise. */
  readonly stream?: StreamOptions.Options | undefined
  /** An answer is slow when it takes more than this many times what the endpoint usually takes, from 1 up … */
  readonly slowFactor?: number | undefined
  /** … and more than this. */
  readonly slowFloor?: Duration.Input | undefined
  /** A longer body is refused while it is read, from 1 up. */
  readonly maxResponseBytes?: number | undefined
  /** Checks of the endpoints, or `"off"`. */
  readonly health?: HealthOptions | "off" | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  accounts: {},
  balance: "peakEwma",
  slowStart: "30 seconds",
  outliers: {
    window: "30 seconds",
    evidence: 20,
    failureGap: 0.2,
    latencyFactor: 5,
    degradedFor: "30 seconds",
    maxShare: 0.5,
    panicBelow: 0.5
  },
  retry: Retry.standard,
  attemptTimeout: "30 seconds",
  maxWait: "30 seconds",
  maxAttempts: 16,
  retryBudget: 100,
  retryRatio: 0.1,
  usage: Usage.defaults,
  hedge: "off",
  stream: StreamOptions.defaults,
  slowFactor: 3,
  slowFloor: "1 second",
  maxResponseBytes: 8 * 1024 * 1024,
  health: { schedule: HealthMonitor.everyTenSeconds, timeout: "5 seconds", path: "/models", check: "auto" }
} as const satisfies Omit<Required<Options>, "endpoints" | "budgets">

const schedule = <Input>() =>
  Schema.Unknown.pipe(Schema.refine(
    (value): value is Schedule.Schedule<unknown, Input> => Schedule.isSchedule(value),
    { message: "it has to be a Schedule, such as Retry.standard" }
  ))

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  endpoints: Configuration.field(
    (value): value is ReadonlyArray<Endpoint.Options> => Array.isArray(value) && value.length > 0,
    "it has to name at least one endpoint"
  ),
  // each is checked by itself
  accounts: Configuration.field(
    (value): value is Readonly<Record<string, AccountLimits.Options>> =>
      typeof value === "object" && value !== null && !Array.isArray(value),
    "it has to be an object of accounts"
  ),
  balance: Configuration.field(
    Balance.isBalance,
    `it has to be one of ${Balance.names.map((name) => JSON.stringify(name)).join(", ")}, ` +
      "{ cheapest: { maxAddedLatency: \"200 millis\" } }, or a function"
  ),
  slowStart: Configuration.finiteDurationOrZero,
  outliers: Configuration.field(
    (value): value is OutlierOptions | "off" => value === "off" || (typeof value === "object" && value !== null),
    "it has to be \"off\" or an object of options"
  ),
  retry: schedule<RelayError.RelayError>(),
  attemptTimeout: Configuration.duration,
  maxWait: Configuration.durationOrZero,
  maxAttempts: Configuration.integer(1, 1000),
  retryBudget: Configuration.integer(0),
  retryRatio: Configuration.share("closed"),
  // checked by themselves
  budgets: Schema.optional(Configuration.field(
    (value): value is Budgets.Options => typeof value === "object" && value !== null && !Array.isArray(value),
    "it has to be an object of budgets"
  )),
  usage: Configuration.field(
    (value): value is Usage.Options => typeof value === "object" && value !== null && !Array.isArray(value),
    "it has to be an object of usage options"
  ),
  hedge: Configuration.field(
    (value): value is HedgeOptions | "off" => value === "off" || (typeof value === "object" && value !== null),
    "it has to be \"off\" or an object of hedge options"
  ),
  // checked by itself, against defaults of its own
  stream: Configuration.field(
    (value): value is StreamOptions.Options => typeof value === "object" && value !== null && !Array.isArray(value),
    "it has to be an object of stream options"
  ),
  slowFactor: Configuration.atLeast(1),
  slowFloor: Configuration.durationOrZero,
  maxResponseBytes: Configuration.integer(1),
  health: Configuration.field(
    (value): value is HealthOptions | "off" => value === "off" || (typeof value === "object" && value !== null),
    "it has to be \"off\" or an object of health options"
  )
})

/**
 * The options of health checks within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const HealthSettings = Schema.Struct({
  schedule: schedule<unknown>(),
  timeout: Configuration.duration,
  path: Health.path,
  check: Health.check
})

const OutlierSettings = Schema.Struct({
  window: Configuration.duration,
  evidence: Configuration.integer(1),
  failureGap: Configuration.share("open"),
  latencyFactor: Configuration.atLeast(1),
  degradedFor: Configuration.duration,
  maxShare: Configuration.share("closed"),
  panicBelow: Configuration.share("closed")
})

/**
 * The options of outliers within their bounds, as rules of the endpoints; below `latencyFloor` milliseconds no answer is
 * slow.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeOutliers = (
  options: OutlierOptions | "off",
  latencyFloor: number
): Effect.Effect<Peers.Rules, Configuration.InvalidConfiguration> =>
  Configuration.decode(
    "RelayService.outliers",
    OutlierSettings,
    options === "off" ? {} : options,
    defaults.outliers
  ).pipe(Effect.map(({ degradedFor, evidence, failureGap, latencyFactor, maxShare, panicBelow, window }) => ({
    decay: window,
    verdicts: options === "off" ? undefined : {
      outlier: { evidence, failureGap, latencyFactor, latencyFloor },
      demotion: { lasts: degradedFor, maxShare, panicBelow }
    }
  })))
