/**
 * Sums by day and by three names, exact and bounded.
 *
 * Entries are whole numbers from 0 up, and safe ones, so that a sum is exact as long as it is safe itself; before it would
 * not be, it is carried into a big integer. Nothing overflows, and nothing is rounded.
 *
 * Of rows there are so many at most. A new one beyond that makes room: the first row of the earliest day goes into what that
 * day has of all others. Where only today has rows, a new one is today's of all others. Days go when there are too many.
 *
 * @since 0.1.0
 */

/**
 * What is summed up.
 *
 * @category constants
 * @since 0.1.0
 */
export const fields = [
  "answered",
  "attempts",
  "estimated",
  "unpriced",
  "input",
  "output",
  "total",
  "cacheRead",
  "cacheWrite",
  "reasoning",
  "cost",
  "hits",
  "savedTokens",
  "savedCost"
] as const

/**
 * One of the sums.
 *
 * @category models
 * @since 0.1.0
 */
export type Field = typeof fields[number]

/**
 * The sums of one row.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row extends Record<Field, number> {
  /** What was too much for the numbers. */
  carried: Partial<Record<Field, bigint>> | undefined
}

/**
 * What a row is about: a tenant, an endpoint, a model; `undefined` where there is none.
 *
 * @category models
 * @since 0.1.0
 */
export interface Names {
  readonly tenant: string | undefined
  readonly endpoint: string
  readonly model: string | undefined
}

/**
 * How much is kept.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bounds {
  /** Rows of all days together, those of all others aside, from 1 up. */
  readonly maxRows: number
  /** From 1 up. */
  readonly maxDays: number
}

const emptyRow = (): Row => ({
  answered: 0,
  attempts: 0,
  estimated: 0,
  unpriced: 0,
  input: 0,
  output: 0,
  total: 0,
  cacheRead: 0,
  cacheWrite: 0,
  reasoning: 0,
  cost: 0,
  hits: 0,
  savedTokens: 0,
  savedCost: 0,
  carried: undefined
})

/**
 * Adds a safe whole number from 0 up to a sum.
 *
 * @category transitions
 * @since 0.1.0
 */
export const add = (row: Row, field: Field, amount: number): void => {
  const sum = row[field] + amount
  if (sum <= Number.MAX_SAFE_INTEGER) {
    row[field] = sum
    return
  }
  const carried = row.carried ??= {}
  carried[field] = (carried[field] ?? 0n) + BigInt(row[field])
  row[field] = amount
}

/**
 * A sum, exactly.
 *
 * @category getters
 * @since 0.1.0
 */
export const sumOf = (row: Row, field: Field): bigint => (row.carried?.[field] ?? 0n) + BigInt(row[field])

type Models = Map<string | undefined, Row>
type Endpoints = Map<string, Models>

interface Day {
  readonly day: number
  readonly tenants: Map<string | undefined, Endpoints>
  rows: number
  others: Row | undefined
}

const merge = (into: Row, row: Row): void => {
  for (const field of fields) {
    add(into, field, row[field])
    const more = row.carried?.[field]
    if (more === undefined) continue
    const carried = into.carried ??= {}
    carried[field] = (carried[field] ?? 0n) + more
  }
}

const firstOf = <K, V>(map: Map<K, V>): readonly [K, V] => map.entries().next().value!

/**
 * The sums of some days.
 *
 * @category models
 * @since 0.1.0
 */
export class Ledger {
  readonly #bounds: Bounds
  /** From the earliest. */
  readonly #days: Array<Day> = []
  #rows = 0
  #today: Day | undefined
  // whom the latest row is of: most calls come in runs of the same
  #tenant: string | undefined
  #endpoint = ""
  #model: string | undefined
  #row: Row | undefined

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  /** The row of these names on a day, by its number: for one addition, since it may be folded into another later. */
  at(day: number, tenant: string | undefined, endpoint: string, model: string | undefined): Row {
    const today = this.#today?.day === day ? this.#today : this.#turnTo(day)
    if (
      this.#row !== undefined && this.#tenant === tenant && this.#endpoint === endpoint && this.#model === model
    ) return this.#row
    const row = today.tenants.get(tenant)?.get(endpoint)?.get(model) ?? this.#begin(today, tenant, endpoint, model)
    this.#tenant = tenant
    this.#endpoint = endpoint
    this.#model = model
    return this.#row = row
  }

  /** Every row there is; those of all others have no names. */
  *rows(): Generator<readonly [day: number, names: Names | undefined, row: Row]> {
    for (const { day, others, tenants } of this.#days) {
      for (const [tenant, endpoints] of tenants) {
        for (const [endpoint, models] of endpoints) {
          for (const [model, row] of models) yield [day, { tenant, endpoint, model }, row]
        }
      }
      if (others !== undefined) yield [day, undefined, others]
    }
  }

  #turnTo(day: number): Day {
    this.#row = undefined
    let known = this.#days.find((other) => other.day === day)
    if (known === undefined) {
      if (this.#days.length >= this.#bounds.maxDays) {
        const [earliest] = this.#days
        // a clock that was set back further than what is kept adds to the earliest
        if (day < earliest!.day) return this.#today = earliest!
        this.#days.shift()
        this.#rows -= earliest!.rows
      }
      known = { day, tenants: new Map(), rows: 0, others: undefined }
      this.#days.push(known)
      this.#days.sort((a, b) => a.day - b.day)
    }
    return this.#today = known
  }

  #begin(today: Day, tenant: string | undefined, endpoint: string, model: string | undefined): Row {
    if (this.#rows >= this.#bounds.maxRows && !this.#makeRoom(today)) return today.others ??= emptyRow()
    let endpoints = today.tenants.get(tenant)
    if (endpoints === undefined) today.tenants.set(tenant, endpoints = new Map())
    let models = endpoints.get(endpoint)
    if (models === undefined) endpoints.set(endpoint, models = new Map())
    const row = emptyRow()
    models.set(model, row)
    today.rows++
    this.#rows++
    return row
  }

  #makeRoom(today: Day): boolean {
    const earliest = this.#days.find(({ rows }) => rows > 0)
    if (earliest === undefined || earliest === today) return false
    const [tenant, endpoints] = firstOf(earliest.tenants)
    const [endpoint, models] = firstOf(endpoints)
    const [model, row] = firstOf(models)
    merge(earliest.others ??= emptyRow(), row)
    models.delete(model)
    if (models.size === 0) endpoints.delete(endpoint)
    if (endpoints.size === 0) earliest.tenants.delete(tenant)
    earliest.rows--
    this.#rows--
    return true
  }
}
