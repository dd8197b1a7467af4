import { assert, describe, it } from "@effect/vitest"
import * as Baseline from "../../src/machine/Baseline.ts"

const excesses = (calls: ReadonlyArray<readonly [kind: string, log: number]>): ReadonlyArray<number> => {
  const baseline: Baseline.Baseline = new Map()
  return calls.map(([kind, log]) => Baseline.excess(baseline, kind, log))
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

describe("Baseline", () => {
  it("finds nothing unusual in a kind of which it has seen one", () => {
    assert.deepStrictEqual(excesses([["large", 9], ["small", 2]]), [0, 0])
  })

  it("does not hold a kind against whoever is asked for nothing else", () => {
    const mixed = excesses(Array.from({ length: 400 }, (_, call) => call % 2 === 0 ? ["large", 9] : ["small", 2]))
    assert.closeTo(
      mean(mixed.filter((_, call) => call % 2 === 0)),
      mean(mixed.filter((_, call) => call % 2 === 1)),
      1e-9
    )
  })

  it("keeps the whole difference between two that are asked for the same", () => {
    const both = excesses(Array.from({ length: 400 }, (_, call) => ["same", call % 2 === 0 ? 9 : 2]))
    const late = both.slice(100)
    const difference = mean(late.filter((_, call) => call % 2 === 0)) - mean(late.filter((_, call) => call % 2 === 1))
    assert.closeTo(difference, 7, 0.2)
  })

  it("follows what is usual now", () => {
    const moved = excesses([
      ...Array.from({ length: 1000 }, () => ["same", 2] as const),
      ...Array.from({ length: 300 }, () => ["same", 9] as const)
    ])
    assert.closeTo(moved[999]!, 0, 1e-9)
    assert.isAbove(moved[1000]!, 6)
    assert.closeTo(moved[1299]!, 0, 0.1)
  })

  it("keeps 256 kinds, and lets go of the one that came first", () => {
    const baseline: Baseline.Baseline = new Map()
    for (let kind = 0; kind < 300; kind++) Baseline.excess(baseline, `kind-${kind}`, 5)
    assert.strictEqual(baseline.size, 256)
    assert.isFalse(baseline.has("kind-43"))
    assert.isTrue(baseline.has("kind-44"))
  })
})
