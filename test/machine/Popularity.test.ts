import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Popularity from "../../src/machine/Popularity.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Popularity, "make" | "count" | "of" | "print">

const cases = Arbitrary.all({ entries: Law.int(1, 3), asked: Law.list(Law.int(0, 12), 300) })

/** The reference: a count for each key, and all of them halved at the end of each period. */
const countsWhatIsAsked =
  (machine: Machine) => ({ asked, entries }: { entries: number; asked: ReadonlyArray<number> }): void => {
    const table = machine.make(entries)
    const counts = new Map<string, number>()
    for (const [index, number] of asked.entries()) {
      const key = `key ${number}`
      if (index > 0 && index % (30 * entries) === 0) {
        for (const [key, count] of counts) counts.set(key, Math.floor(count / 2))
      }
      counts.set(key, Math.min(15, (counts.get(key) ?? 0) + 1))
      machine.count(table, machine.print(key))
      for (const [key, count] of counts) assert.strictEqual(machine.of(table, machine.print(key)), count)
    }
  }

describe("Popularity", () => {
  it.prop("counts how often keys were asked for, and halves all counts in time", [cases], ([it]) => {
    countsWhatIsAsked(Popularity)(it)
  }, Law.check(100))

  it("forgets first who was asked for once, when a great many are", () => {
    const table = Popularity.make(1000)
    const popular = Array.from({ length: 1000 }, (_, n) => Popularity.print(`popular ${n}`))
    for (let time = 0; time < 5; time++) for (const print of popular) Popularity.count(table, print)
    for (let n = 0; n < 20_000; n++) Popularity.count(table, Popularity.print(`once ${n}`))
    const known = popular.filter((print) => Popularity.of(table, print) === 5).length
    assert.isAtLeast(known, 999)
  })

  it("takes hardly any key for another", () => {
    const table = Popularity.make(1000)
    for (let n = 0; n < 10_000; n++) Popularity.count(table, Popularity.print(`asked ${n}`))
    let mistaken = 0
    for (let n = 0; n < 100_000; n++) if (Popularity.of(table, Popularity.print(`not asked ${n}`)) > 0) mistaken++
    assert.isAtMost(mistaken, 1)
  })

  it("has sixteen slots an entry, from 256 up to four million, and halves after thirty counts an entry", () => {
    const sizeOf = (entries: number) => {
      const { counts, mask, period, prints } = Popularity.make(entries)
      assert.strictEqual(prints.length, counts.length)
      return [counts.length, mask, period]
    }
    assert.deepStrictEqual(sizeOf(1), [256, 63, 30])
    assert.deepStrictEqual(sizeOf(100), [2048, 511, 3000])
    assert.deepStrictEqual(sizeOf(1_000_000), [2 ** 22, 2 ** 20 - 1, 30_000_000])
  })

  it.prop("has the prints of FNV-1a and MurmurHash3, by big integers", [Arbitrary.schema(Schema.String)], ([key]) => {
    const bits = (value: bigint) => BigInt.asUintN(32, value)
    let hash = 0x811c9dc5n
    for (let at = 0; at < key.length; at++) hash = bits((hash ^ BigInt(key.charCodeAt(at))) * 0x01000193n)
    hash = bits((hash ^ (hash >> 16n)) * 0x85ebca6bn)
    hash = bits((hash ^ (hash >> 13n)) * 0xc2b2ae35n)
    assert.strictEqual(Popularity.print(key), Number(BigInt.asIntN(32, hash ^ (hash >> 16n))))
  }, Law.check(200))

  it("has room for four keys a bucket, of which a fifth takes the place of the first that was asked for least", () => {
    const table = Popularity.make(1)
    const [a, b, c, d, e] = [1, 2, 3, 4, 5].map((n) => n * 64 + 7)
    for (const print of [a!, b!, c!, d!, a!, d!, e!]) Popularity.count(table, print)
    assert.deepStrictEqual([a, b, c, d, e].map((print) => Popularity.of(table, print!)), [2, 0, 1, 2, 1])
    // the last bucket has no neighbour to take from
    const last = [1, 2, 3, 4, 5].map((n) => n * 64 + 63)
    for (const print of last) Popularity.count(table, print)
    assert.deepStrictEqual(last.map((print) => Popularity.of(table, print)), [0, 1, 1, 1, 1])
  })

  it("counts to fifteen and no further", () => {
    const table = Popularity.make(1)
    for (let time = 0; time < 15; time++) Popularity.count(table, 7)
    assert.strictEqual(Popularity.of(table, 7), 15)
    for (let time = 0; time < 3; time++) Popularity.count(table, 7)
    assert.strictEqual(Popularity.of(table, 7), 15)
  })

  it("lets go first who came first, also of those who are counted anew after all was forgotten", () => {
    const table = Popularity.make(1)
    const [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map((n) => n * 64 + 7)
    for (const print of [a!, b!, ...Array(28).fill(8)]) Popularity.count(table, print)
    // all counts are halved, and those of one are gone
    for (const print of [b!, c!, d!, e!, f!]) Popularity.count(table, print)
    assert.deepStrictEqual([b, c, d, e, f].map((print) => Popularity.of(table, print!)), [0, 1, 1, 1, 1])
  })

  it("remembers nothing once it is cleared", () => {
    const table = Popularity.make(1)
    Popularity.count(table, 7)
    Popularity.clear(table)
    assert.deepStrictEqual([Popularity.of(table, 7), table.counted], [0, 0])
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["forgets nothing", { ...Popularity, make: (entries) => ({ ...Popularity.make(entries), period: Infinity }) }],
    ["knows only one key a bucket", {
      ...Popularity,
      count: (table, print) => {
        const first = (print & table.mask) * 4
        table.counts.fill(0, first, first + 4)
        Popularity.count(table, print)
      }
    }],
    ["takes keys for the same that begin alike", { ...Popularity, print: (key) => Popularity.print(key.slice(0, 5)) }],
    ["counts on without an end", { ...Popularity, of: (table, print) => Popularity.of(table, print) % 15 }]
  ]
  it.effect.each(broken)(
    "is told from a table that %s",
    ([, machine]) => Law.isBroken(cases, countsWhatIsAsked(machine))
  )
})
