import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
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
