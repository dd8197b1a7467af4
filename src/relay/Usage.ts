/**
 * Writes down what calls take, for reports.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Ledger from "../machine/Ledger.ts"
import * as Configuration from "../policy/Configuration.ts"
import type * as Tokens from "../policy/Tokens.ts"
import type * as Expense from "./Expense.ts"
import * as UsageReport from "./UsageReport.ts"

/**
 * How much of its usage a relay remembers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Rows of a tenant, an endpoint, a model and a day, from 1 up. Beyond that the earliest go into what their day has of
   * `(others)`, so that no sum is lost; of a day that is full by itself, the new ones do.
   */
  readonly maxRows?: number | undefined
  /** Days that are remembered, today included, from 1 to 1000. */
  readonly days?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = { maxRows: 10_000, days: 35 } as const satisfies Options

const Settings = Schema.Struct({ maxRows: Configuration.integer(1), days: Configuration.integer(1, 1000) })

const millisPerDay = 86_400_000

const dayOf = (at: number): number => Math.floor(at / millisPerDay)

/**
 * The usage of one relay.
 *
 * @category models
 * @since 0.1.0
 */
export class Usage {
  readonly #ledger: Ledger.Ledger

  constructor(bounds: Ledger.Bounds) {
    this.#ledger = new Ledger.Ledger(bounds)
  }

  /** An attempt has ended, at a time in epoch milliseconds. */
  attempted(
    at: number,
    tenant: string | undefined,
    endpoint: string,
    model: string | undefined,
    isAnswered: boolean,
    bill: Expense.Bill | undefined
  ): void {
    const row = this.#ledger.at(dayOf(at), tenant, endpoint, model)
    row.attempts++
    if (isAnswered) row.answered++
    if (bill === undefined) return
    const { cacheRead = 0, cacheWrite = 0, input, output, reasoning = 0, total } = bill.tokens
    Ledger.add(row, "input", input)
    Ledger.add(row, "output", output)
    Ledger.add(row, "total", total)
    if (cacheRead > 0) Ledger.add(row, "cacheRead", cacheRead)
    if (cacheWrite > 0) Ledger.add(row, "cacheWrite", cacheWrite)
    if (reasoning > 0) Ledger.add(row, "reasoning", reasoning)
    if (bill.isEstimated) row.estimated++
    if (bill.cost === undefined) row.unpriced++
    else Ledger.add(row, "cost", bill.cost)
  }

  /** A cache has answered, and saved what the answer took when it came; at a time in epoch milliseconds. */
  hit(
    at: number,
    tenant: string | undefined,
    endpoint: string,
    model: string | undefined,
    saved: { readonly tokens: Tokens.Tokens; readonly cost?: number | undefined }
  ): void {
    const row = this.#ledger.at(dayOf(at), tenant, endpoint, model)
    row.hits++
    Ledger.add(row, "savedTokens", saved.tokens.total)
    Ledger.add(row, "savedCost", saved.cost ?? 0)
  }

  /** All that is remembered, the earliest day first. */
  get report(): Effect.Effect<ReadonlyArray<UsageReport.Row>> {
    return Effect.sync(() => Array.from(this.#ledger.rows(), rowOf))
  }
}

const rowOf = ([day, names, row]: readonly [number, Ledger.Names | undefined, Ledger.Row]): UsageReport.Row => {
  const { endpoint, model, tenant } = names ?? {
    tenant: UsageReport.others,
    endpoint: UsageReport.others,
    model: UsageReport.others
  }
  const sum = (field: Ledger.Field): bigint => Ledger.sumOf(row, field)
  return {
    day: new Date(day * millisPerDay).toISOString().slice(0, 10),
    ...(tenant === undefined ? {} : { tenant }),
    endpoint,
    ...(model === undefined ? {} : { model }),
    calls: row.answered + row.hits,
    hits: row.hits,
    attempts: row.attempts,
    failed: row.attempts - row.answered,
    tokens: {
      input: sum("input"),
      output: sum("output"),
      total: sum("total"),
      cacheRead: sum("cacheRead"),
      cacheWrite: sum("cacheWrite"),
      reasoning: sum("reasoning")
    },
    cost: sum("cost"),
    estimated: row.estimated,
    unpriced: row.unpriced,
    saved: { tokens: sum("savedTokens"), cost: sum("savedCost") }
  }
}

/**
 * The usage of a relay that remembers so much.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options | undefined): Effect.Effect<Usage, Configuration.InvalidConfiguration> =>
  Effect.map(
    Configuration.decode("RelayService.usage", Settings, options, defaults),
    ({ days, maxRows }) => new Usage({ maxRows, maxDays: days })
  )
