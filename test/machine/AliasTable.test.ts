import { assert, describe, it } from "@effect/vitest"
import * as AliasTable from "../../src/machine/AliasTable.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof AliasTable, "make" | "draw">

const weights = Law.list(Law.oneOf(0.001, 1, 1, 2, 3.5, 1000), 40, 1)

/** The reference: the part of a fine comb of numbers that falls on each is its part of the sum. */
const drawsByWeight = (machine: Machine) => (weights: ReadonlyArray<number>): void => {
  const table = machine.make(weights)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const counts = weights.map(() => 0)
  const teeth = 1000 * weights.length
  for (let tooth = 0; tooth < teeth; tooth++) counts[machine.draw(table, (tooth + 0.5) / teeth)]!++
  // each column is off by a tooth at most
  counts.forEach((count, index) => assert.closeTo(count, teeth * weights[index]! / total, weights.length + 1))
}

describe("AliasTable", () => {
  it.prop("draws each as often as its weight has it", [weights], ([it]) => drawsByWeight(AliasTable)(it), Law.check(60))

  it("draws one that is there from either end", () => {
    const table = AliasTable.make([1, 1e6, 3])
    for (const random of [0, 1 - 2 ** -53]) assert.include([0, 1, 2], AliasTable.draw(table, random))
  })

  it("gives each column its part from the bottom up, the upper bound not included", () => {
    const table = AliasTable.make([1, 3])
    assert.strictEqual(AliasTable.draw(table, 0.25 - 2 ** -53), 0)
    assert.strictEqual(AliasTable.draw(table, 0.25), 1)
  })

  it("takes what rounding leaves of a column for the whole of it", () => {
    assert.deepStrictEqual(Array.from(AliasTable.make([0.1, 0.1, 0.1]).share), [1, 1, 1])
  })

  it.each([[[0.1, 0.2, 0.3]], [[0.1, 0.7, 0.7]], [[1, 3, 5, 7, 11]], [[0.3, 0.2, 0.1]]])(
    "lets nobody but the heavier fill up a column, whatever rounding leaves: %j",
    (weights) => {
      const { other, share } = AliasTable.make(weights)
      const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
      const lightest = Math.min(
        Infinity,
        ...Array.from(other).filter((_, column) => share[column]! < 1).map((by) => weights[by]!)
      )
      assert.isAtLeast(lightest, mean - 1e-9)
    }
  )

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["takes all for equal", { ...AliasTable, draw: (self, random) => Math.floor(random * self.share.length) }],
    ["never draws the other", {
      ...AliasTable,
      make: (weights) => ({ ...AliasTable.make(weights), other: Uint32Array.from(weights, (_, index) => index) })
    }]
  ]
  it.effect.each(broken)("is told from a draw that %s", ([, machine]) => Law.isBroken(weights, drawsByWeight(machine)))
})
