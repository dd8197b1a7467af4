/**
 * The rules by which a closed circuit opens.
 *
 * All rules read one set of counts. They are asked after a failure or a slow
 * call only. The event of the opening names the
 * rule that did it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as TripRule from "../machine/TripRule.ts"
import * as Configuration from "./Configuration.ts"

/**
 * When a closed circuit opens.
 *
 * @category models
 * @since 0.1.0
 */
export type TripPolicy = TripRule.TripRule

/**
 * What a rule of your own is asked with: the counts of the breaker's `window`,
 * and the failures in a row.
 *
 * @category models
 * @since 0.1.0
 */
export type Health = TripRule.Health

/**
 * Opens after this many failures in a row, from 1 up.
 *
 * Simple, and twitchy: under a steady 30% of background errors, five in a row
 * come up thousands of times a day.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const consecutive = (failures: number): TripPolicy => ({ _tag: "Consecutive", failures })

/**
 * Opens once failures outweigh what the tolerated rate allows.
 *
 * `rate` (above 0, below 1, default 0.5) is the failure rate at which evidence
 * neither grows nor shrinks; `evidence` (1 up, default 13) is how many failures
 * on end it takes. It opens within 13 calls of an outage; under a steady 30% of
 * errors it opens once in some 265 000 calls. Where several are joined, all have
 * to be of the same rate.
 *
 * Source: CUSUM, E. S. Page, Biometrika 41 (1954).
 *
 * @category trip policies
 * @since 0.1.0
 */
export const failureRate = (options?: {
  readonly rate?: number | undefined
  readonly evidence?: number | undefined
}): TripPolicy => ({ ...options, _tag: "FailureRate", rate: options?.rate ?? 0.5, evidence: options?.evidence ?? 13 })

/**
 * Opens when this share of the last `calls` calls failed.
 *
 * `calls` is 1 to 100 000 (default 100), `rate` above 0 and at most 1 (default
 * 0.5), `minimumCalls` at most `calls` (default: as many). Slow to see an
 * outage where traffic is thin: prefer `failureRate`.
 *
 * Source: the count-based window of Resilience4j.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const countWindow = (options?: {
  readonly calls?: number | undefined
  readonly rate?: number | undefined
  readonly minimumCalls?: number | undefined
}): TripPolicy => {
  const calls = options?.calls ?? 100
  return {
    ...options,
    _tag: "CountWindow",
    calls,
    rate: options?.rate ?? 0.5,
    minimumCalls: options?.minimumCalls ?? calls
  }
}

/**
 * Opens when this share of the calls of the breaker's `window` failed.
 *
 * `rate` is above 0 and at most 1 (default 0.5), `minimumCalls` from 1 up
 * (default 20). What is older than the window has no say.
 *
 * Source: Hystrix (2012) and Polly's advanced circuit breaker.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const timeWindow = (options?: {
  readonly rate?: number | undefined
  readonly minimumCalls?: number | undefined
}): TripPolicy => ({
  ...options,
  _tag: "TimeWindow",
  rate: options?.rate ?? 0.5,
  minimumCalls: options?.minimumCalls ?? 20
})

/**
 * Opens when this share of the calls of the breaker's `window` were slow: took
 * longer than `slowCallDuration`.
 *
 * `rate` is above 0 and at most 1 (default 0.5), `minimumCalls` from 1 up
 * (default 20). Slow calls are weighed without this rule too, by `slowCallRate`
 * and `slowCallEvidence`.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const slowCallRate = (options?: {
  readonly rate?: number | undefined
  readonly minimumCalls?: number | undefined
}): TripPolicy => ({
  ...options,
  _tag: "SlowCallRate",
  rate: options?.rate ?? 0.5,
  minimumCalls: options?.minimumCalls ?? 20
})

/**
 * Holds when the breaker's `window` has at least this many calls, from 1 up:
 * for `and`, so that nothing opens on too little traffic.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const minimumCalls = (calls: number): TripPolicy => ({ _tag: "MinimumCalls", calls })

/**
 * A rule of your own over the counts, under the name that events will show. A
 * test that throws does not hold.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const custom = (name: string, test: (health: Health) => boolean): TripPolicy => ({ _tag: "Custom", name, test })

/**
 * Opens when any of the rules would.
 *
 * @category combinators
 * @since 0.1.0
 */
export const or = (...rules: ReadonlyArray<TripPolicy>): TripPolicy => ({ _tag: "Or", rules })

/**
 * Opens when all of the rules would.
 *
 * @category combinators
 * @since 0.1.0
 */
export const and = (...rules: ReadonlyArray<TripPolicy>): TripPolicy => ({ _tag: "And", rules })

const rate = Configuration.field(
  (value): value is number => typeof value === "number" && value > 0 && value <= 1,
  "it has to be a number above 0 and at most 1"
)

const longestRing = 100_000

// joined rules may be nested, but not without end
const deepest = 8

const joined = (depth: number): Schema.Codec<ReadonlyArray<TripPolicy>, unknown> =>
  Schema.Unknown.pipe(
    Schema.refine(
      (value): value is ReadonlyArray<unknown> => Array.isArray(value) && value.length > 0 && value.length <= 16,
      { message: "it has to have 1 to 16 rules" }
    ),
    Schema.decodeTo(Schema.Array(ruleAt(depth + 1)))
  ) as Schema.Codec<ReadonlyArray<TripPolicy>, unknown>

const ruleAt = (depth: number): Schema.Codec<TripPolicy, unknown> =>
  Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("Consecutive"), failures: Configuration.integer(1) }),
    Schema.Struct({
      _tag: Schema.Literal("FailureRate"),
      rate: Configuration.share("open"),
      evidence: Configuration.integer(1)
    }),
    Schema.Struct({
      _tag: Schema.Literal("CountWindow"),
      calls: Configuration.integer(1, longestRing),
      rate,
      minimumCalls: Configuration.integer(1, longestRing)
    }).check(
      Schema.makeFilter(({ calls, minimumCalls }) =>
        minimumCalls <= calls || { path: ["minimumCalls"], issue: "it has to be at most calls" }
      )
    ),
    Schema.Struct({ _tag: Schema.Literal("TimeWindow"), rate, minimumCalls: Configuration.integer(1) }),
    Schema.Struct({ _tag: Schema.Literal("SlowCallRate"), rate, minimumCalls: Configuration.integer(1) }),
    Schema.Struct({ _tag: Schema.Literal("MinimumCalls"), calls: Configuration.integer(1) }),
    Schema.Struct({
      _tag: Schema.Literal("Custom"),
      name: Configuration.field(
        (value): value is string => typeof value === "string" && value.length > 0,
        "it has to be a text that is not empty"
      ),
      test: Configuration.field(
        (value): value is (health: Health) => boolean => typeof value === "function",
        "it has to be a function"
      )
    }),
    ...(depth === deepest ? [] : [
      Schema.Struct({ _tag: Schema.Literal("Or"), rules: Schema.suspend(() => joined(depth)) }),
      Schema.Struct({ _tag: Schema.Literal("And"), rules: Schema.suspend(() => joined(depth)) })
    ])
  ]).annotate({
    message: `it has to be a rule such as consecutive(5), joined with \`or\` and \`and\` at most ${deepest} deep`
  }) as Schema.Codec<TripPolicy, unknown>

// all rules read one balance, so there can be but one price of a failure
const weighsOneWay = (policy: TripPolicy): boolean =>
  new Set(TripRule.parts(policy).flatMap((rule) => rule._tag === "FailureRate" ? [rule.rate] : [])).size <= 1

/**
 * A trip policy within its bounds.
 *
 * @category fields
 * @since 0.1.0
 */
export const TripPolicy: Schema.Codec<TripPolicy, unknown> = ruleAt(0).check(
  Schema.makeFilter((policy) => weighsOneWay(policy) || "its failureRate rules have to be of the same rate")
)
