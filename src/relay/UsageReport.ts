/**
 * What the calls of a relay took, by day, tenant, endpoint and model.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const sums = Schema.BigIntFromString

/**
 * What was taken by one tenant of one model of one endpoint, on one day. Sums are exact, so they are big integers; as JSON
 * they are texts.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Row = Schema.Struct({
  /** Of the clock, in UTC, such as `2026-11-28`: the day on which the attempts ended. */
  day: Schema.String,
  /** Absent for calls without one. */
  tenant: Schema.optionalKey(Schema.String),
  endpoint: Schema.String,
  /** By the endpoint's name for it; absent for what has none. */
  model: Schema.optionalKey(Schema.String),
  /**
   * Answers, of the endpoint or of the cache. One that a cache fetches in the background, or that a relay inside an operation
   * gives, is one as well.
   */
  calls: Schema.Int,
  /** Of these, by the cache. */
  hits: Schema.Int,
  /** Requests that were sent, retries and copies included, and those of them that were not answered. */
  attempts: Schema.Int,
  failed: Schema.Int,
  /** What was counted, failed attempts included. */
  tokens: Schema.Struct({
    input: sums,
    output: sums,
    total: sums,
    cacheRead: sums,
    cacheWrite: sums,
    reasoning: sums
  }),
  /** Nanodollars: `Money.format` makes dollars of them. */
  cost: sums,
  /** Attempts whose tokens nobody counted, so that they were reckoned. */
  estimated: Schema.Int,
  /** Attempts that took tokens at prices nobody knows: their cost is not in the sum. */
  unpriced: Schema.Int,
  /** What the hits would have taken. */
  saved: Schema.Struct({ tokens: sums, cost: sums })
})

/**
 * What was taken by one tenant of one model of one endpoint, on one day.
 *
 * @category models
 * @since 0.1.0
 */
export type Row = typeof Row.Type

/**
 * The name of whatever had no room for a row of its own.
 *
 * @category constants
 * @since 0.1.0
 */
export const others = "(others)"

/**
 * What rows can be put together by.
 *
 * @category models
 * @since 0.1.0
 */
export type Name = "day" | "tenant" | "endpoint" | "model"

/**
 * The sums of rows that are put together.
 *
 * @category models
 * @since 0.1.0
 */
export type Sums = Omit<Row, Name>

const together = (a: Sums, b: Sums): Sums => ({
  calls: a.calls + b.calls,
  hits: a.hits + b.hits,
  attempts: a.attempts + b.attempts,
  failed: a.failed + b.failed,
  tokens: {
    input: a.tokens.input + b.tokens.input,
    output: a.tokens.output + b.tokens.output,
    total: a.tokens.total + b.tokens.total,
    cacheRead: a.tokens.cacheRead + b.tokens.cacheRead,
    cacheWrite: a.tokens.cacheWrite + b.tokens.cacheWrite,
    reasoning: a.tokens.reasoning + b.tokens.reasoning
  },
  cost: a.cost + b.cost,
  estimated: a.estimated + b.estimated,
  unpriced: a.unpriced + b.unpriced,
  saved: { tokens: a.saved.tokens + b.saved.tokens, cost: a.saved.cost + b.saved.cost }
})

const nothing: Sums = {
  calls: 0,
  hits: 0,
  attempts: 0,
  failed: 0,
  tokens: { input: 0n, output: 0n, total: 0n, cacheRead: 0n, cacheWrite: 0n, reasoning: 0n },
  cost: 0n,
  estimated: 0,
  unpriced: 0,
  saved: { tokens: 0n, cost: 0n }
}

/**
 * All rows as one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const total = (rows: ReadonlyArray<Row>): Sums => rows.reduce<Sums>(together, nothing)

/**
 * The rows put together by one of their names; `undefined` is the name of those that have none.
 *
 * ```ts
 * import { Money, UsageReport } from "effect-relay"
 *
 * const costs = (rows: ReadonlyArray<UsageReport.Row>) =>
 *   Array.from(UsageReport.by(rows, "tenant"), ([tenant, { cost }]) => `${tenant}: ${Money.format(cost)}`)
 *
 * console.log(costs([]))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const by = (rows: ReadonlyArray<Row>, name: Name): ReadonlyMap<string | undefined, Sums> => {
  const groups = new Map<string | undefined, Sums>()
  for (const row of rows) groups.set(row[name], together(groups.get(row[name]) ?? nothing, row))
  return groups
}
