import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Ledger from "../../src/machine/Ledger.ts"
import * as Law from "../Law.ts"

interface Case {
  readonly bounds: Ledger.Bounds
  readonly entries: ReadonlyArray<{
    readonly day: number
    readonly names: Ledger.Names
    readonly field: Ledger.Field
    readonly amount: number
  }>
}

const name = Law.oneOf("a", "b", "c", "d")

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  bounds: Arbitrary.all({ maxRows: Law.oneOf(1, 2, 5, 100), maxDays: Law.oneOf(1, 2, 100) }),
  entries: Law.list(
    Arbitrary.map(
      Arbitrary.all([
        Law.oneOf(0, 0, 1, 1, 2, 3),
        Law.oneOf("", "a", "b", "c"),
        name,
        Law.oneOf("", "m", "n"),
        Law.oneOf("cost", "input", "hits"),
        Law.oneOf(0, 1, 7, 2 ** 52, Number.MAX_SAFE_INTEGER)
      ]),
      ([day, tenant, endpoint, model, field, amount]) => ({
        day,
        names: { tenant: tenant || undefined, endpoint, model: model || undefined },
        field,
        amount
      })
    ),
    60
  )
})

type Add = typeof Ledger.add

const keyOf = (day: number, names: Ledger.Names | undefined): string =>
  JSON.stringify([day, names?.tenant ?? null, names?.endpoint ?? "(others)", names?.model ?? null])

/** The reference keeps everything, in big integers; of a day that is kept, nothing is lost. */
const addsUp = (add: Add, make: (bounds: Ledger.Bounds) => Ledger.Ledger) => ({ bounds, entries }: Case): void => {
  const ledger = make(bounds)
  const byDay = new Map<number, Map<Ledger.Field, bigint>>()
  const byKey = new Map<string, bigint>()
  // days go from the earliest when there are too many; what is earlier still counts for the earliest
  for (const { amount, day, field, names } of entries) {
    const { endpoint, model, tenant } = names
    if (!byDay.has(day) && byDay.size === bounds.maxDays) {
      const earliest = Math.min(...byDay.keys())
      if (day > earliest) byDay.delete(earliest)
    }
    const counted = byDay.size === bounds.maxDays && !byDay.has(day) ? Math.min(...byDay.keys()) : day
    const sums = byDay.get(counted) ?? new Map<Ledger.Field, bigint>()
    byDay.set(counted, sums.set(field, (sums.get(field) ?? 0n) + BigInt(amount)))
    const key = keyOf(counted, names) + field
    byKey.set(key, (byKey.get(key) ?? 0n) + BigInt(amount))
    add(ledger.at(day, tenant, endpoint, model), field, amount)
  }
  const rows = Array.from(ledger.rows())
  assert.isAtMost(rows.filter(([, names]) => names !== undefined).length, bounds.maxRows)
  assert.isAtMost(new Set(rows.map(([day]) => day)).size, bounds.maxDays)
  assert.strictEqual(new Set(rows.map(([day, names]) => keyOf(day, names))).size, rows.length)
  for (const [day, sums] of byDay) {
    for (const [field, sum] of sums) {
      const kept = rows.filter(([of]) => of === day).reduce((sum, [, , row]) => sum + Ledger.sumOf(row, field), 0n)
      assert.strictEqual(kept, sum, `${field} of day ${day}`)
    }
  }
  for (const [day, names, row] of rows) {
    assert.isTrue(byDay.has(day))
    for (const field of ["cost", "input", "hits"] as const) {
      assert.isTrue(Number.isSafeInteger(row[field]))
      const known = byKey.get(keyOf(day, names) + field) ?? 0n
      // some of it may be with the others
      if (names !== undefined) assert.isTrue(Ledger.sumOf(row, field) <= known)
      if (bounds.maxRows === 100 && names !== undefined) assert.strictEqual(Ledger.sumOf(row, field), known)
    }
  }
}

class Forgets extends Ledger.Ledger {
  override *rows() {
    for (const row of super.rows()) if (row[1] !== undefined) yield row
  }
}

class NeverForgets extends Ledger.Ledger {
  constructor(bounds: Ledger.Bounds) {
    super({ ...bounds, maxRows: bounds.maxRows + 1 })
  }
}

const broken: ReadonlyArray<readonly [string, Add, (bounds: Ledger.Bounds) => Ledger.Ledger]> = [
  ["adds numbers that are too large", (row, field, amount) => {
    row[field] += amount
  }, (bounds) => new Ledger.Ledger(bounds)],
  ["loses what has no room", Ledger.add, (bounds) => new Forgets(bounds)],
  ["has one row too many", Ledger.add, (bounds) => new NeverForgets(bounds)]
]

describe("Ledger", () => {
  it.prop("adds up exactly, within its bounds", [cases], ([it]) => {
    addsUp(Ledger.add, (bounds) => new Ledger.Ledger(bounds))(it)
  }, Law.check(400))

  it.effect.each(broken)("is told from one that %s", ([, add, make]) => Law.isBroken(cases, addsUp(add, make)))

  /** The rows in short: the day, and the name or `*` for all others. */
  const shortly = (ledger: Ledger.Ledger): ReadonlyArray<string> =>
    Array.from(ledger.rows(), ([day, names]) => `${day} ${names?.endpoint ?? "*"}`)

  it("has as many rows as it may, whatever went before", () => {
    const ledger = new Ledger.Ledger({ maxRows: 3, maxDays: 2 })
    const add = (day: number, ...endpoints: ReadonlyArray<string>) => {
      for (const endpoint of endpoints) Ledger.add(ledger.at(day, undefined, endpoint, undefined), "hits", 1)
    }
    add(0, "a", "b", "c")
    assert.deepStrictEqual(shortly(ledger), ["0 a", "0 b", "0 c"])
    add(1, "d", "e")
    assert.deepStrictEqual(shortly(ledger), ["0 c", "0 *", "1 d", "1 e"])
    // a day that goes takes its rows along
    add(2, "f")
    assert.deepStrictEqual(shortly(ledger), ["1 d", "1 e", "2 f"])
    add(2, "g", "h")
    assert.deepStrictEqual(shortly(ledger), ["1 *", "2 f", "2 g", "2 h"])
    add(3, "i")
    assert.deepStrictEqual(shortly(ledger), ["2 g", "2 h", "2 *", "3 i"])
  })

  it("counts for the others of today whoever comes when only today has rows", () => {
    const ledger = new Ledger.Ledger({ maxRows: 1, maxDays: 2 })
    const first = ledger.at(0, undefined, "a", undefined)
    const others = ledger.at(0, undefined, "b", undefined)
    assert.strictEqual(ledger.at(0, undefined, "c", undefined), others)
    assert.strictEqual(ledger.at(0, undefined, "a", undefined), first)
    assert.deepStrictEqual(shortly(ledger), ["0 a", "0 *"])
  })

  it("begins a row with nothing in it", () => {
    const row = new Ledger.Ledger({ maxRows: 1, maxDays: 1 }).at(0, undefined, "a", undefined)
    assert.deepStrictEqual(Ledger.fields.map((field) => Ledger.sumOf(row, field)), Ledger.fields.map(() => 0n))
  })

  it("carries each sum by itself, and only what is too much for a number", () => {
    const row = new Ledger.Ledger({ maxRows: 1, maxDays: 1 }).at(0, undefined, "a", undefined)
    Ledger.add(row, "hits", Number.MAX_SAFE_INTEGER)
    assert.deepStrictEqual([row.hits, row.carried], [Number.MAX_SAFE_INTEGER, undefined])
    for (let time = 0; time < 3; time++) Ledger.add(row, "cost", Number.MAX_SAFE_INTEGER)
    Ledger.add(row, "input", 1)
    assert.strictEqual(Ledger.sumOf(row, "cost"), 3n * BigInt(Number.MAX_SAFE_INTEGER))
    assert.strictEqual(Ledger.sumOf(row, "input"), 1n)
  })
})
