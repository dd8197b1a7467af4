import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Rendezvous from "../../src/machine/Rendezvous.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Rendezvous, "make" | "find">

const sites = (count: number, weightOf: (index: number) => number = () => 1): ReadonlyArray<Rendezvous.Site> =>
  Array.from({ length: count }, (_, index) => ({ name: `endpoint-${index}`, weight: weightOf(index) }))

const all = (): boolean => true

// more than there are names anywhere here: an order without end ends there as well
const enough = 1000

const keys = Array.from({ length: 300 }, (_, index) => `conversation ${index}`)

const winners = (machine: Machine, self: Rendezvous.Rendezvous, accept: (index: number) => boolean = all) =>
  keys.map((key) => machine.find(self, key, enough, accept))

interface Case {
  readonly count: number
  readonly out: ReadonlyArray<number>
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  count: Law.oneOf(1, 2, 5, 30, 400),
  out: Law.list(Law.int(0, 399), 6)
})

/** A key moves only if the one it would go to is out, and then to one that is not. */
const movesOnlyWhatHasTo = (machine: Machine) => ({ count, out }: Case): void => {
  const self = machine.make(sites(count))
  const isIn = (index: number): boolean => !out.includes(index)
  const before = winners(machine, self)
  const after = winners(machine, self, isIn)
  const isAnyIn = sites(count).some((_, index) => isIn(index))
  before.forEach((winner, key) => {
    assert.isTrue(winner >= 0 && winner < count)
    if (isIn(winner)) assert.strictEqual(after[key], winner)
    else assert.isTrue(isAnyIn ? isIn(after[key]!) && after[key]! >= 0 : after[key] === -1)
  })
}

const sharesOf = (self: Rendezvous.Rendezvous, size: number, draws: number): ReadonlyArray<number> => {
  const counts = Array.from({ length: size }, () => 0)
  for (let key = 0; key < draws; key++) counts[Rendezvous.find(self, `user-${key}`, 1, all)]!++
  return counts
}

describe("Rendezvous", () => {
  it.prop("moves only the keys of those that are out", [cases], ([it]) => {
    movesOnlyWhatHasTo(Rendezvous)(it)
  }, Law.check(40))

  it("has an order of all for every key, each once", () => {
    const self = Rendezvous.make(sites(300))
    for (const key of keys.slice(0, 20)) {
      const order: Array<number> = []
      assert.strictEqual(Rendezvous.find(self, key, enough, (index) => order.push(index) < 0), -1)
      assert.strictEqual(new Set(order).size, 300)
      assert.strictEqual(order.length, 300)
    }
  })

  it("gives up after so many looks", () => {
    const self = Rendezvous.make(sites(300))
    let looks = 0
    assert.strictEqual(Rendezvous.find(self, "key", 64, () => looks++ < 0), -1)
    assert.strictEqual(looks, 64)
  })

  it("chooses alike in every process: the order of the names makes no difference", () => {
    const names = sites(50)
    const one = Rendezvous.make(names)
    const other = Rendezvous.make(names.toReversed())
    assert.deepStrictEqual(
      winners(Rendezvous, one).map((index) => names[index]),
      winners(Rendezvous, other).map((index) => names.toReversed()[index])
    )
  })

  it("chooses as it always did: another hash would send every key elsewhere", () => {
    assert.deepStrictEqual(winners(Rendezvous, Rendezvous.make(sites(50))).slice(0, 8), [34, 46, 4, 29, 15, 10, 35, 10])
  })

  it("sends a key somewhere whose hash is that of the cluster, of which nothing is left then", () => {
    assert.strictEqual(Rendezvous.find(Rendezvous.make([sites(19)[18]!]), "k7375117", 1, all), 0)
  })

  it("gives each its share by weight", () => {
    const weighted = sharesOf(Rendezvous.make(sites(4, (index) => index + 1)), 4, 20_000)
    weighted.forEach((count, index) => assert.closeTo(count / 20_000, (index + 1) / 10, 0.015))
    const many = sharesOf(Rendezvous.make(sites(300)), 300, 30_000)
    // a hundred each, give or take what chance makes of it
    assert.isAbove(Math.min(...many), 60)
    assert.isBelow(Math.max(...many), 145)
  })

  it("moves few keys when a name is added: its own, and as many again where it shares a cluster", () => {
    for (const count of [9, 1000]) {
      const before = Rendezvous.make(sites(count))
      const after = Rendezvous.make(sites(count + 1))
      let moved = 0
      const draws = 5000
      for (let key = 0; key < draws; key++) {
        const was = Rendezvous.find(before, `user-${key}`, 1, all)
        if (Rendezvous.find(after, `user-${key}`, 1, all) !== was) moved++
      }
      assert.isAbove(moved, 0)
      assert.isAtMost(moved / draws, 2 / (count + 1) + 0.005, `of ${count}`)
    }
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["deals out anew what is left", {
      make: Rendezvous.make,
      find: (self, key, maxLooks, accept) => {
        const left = Array.from(self.low.keys()).filter(accept)
        return left.length === 0 ? -1 : left[Rendezvous.find(self, key, maxLooks, all) % left.length]!
      }
    }],
    ["has no second choice", {
      make: Rendezvous.make,
      find: (self, key, _, accept) => Rendezvous.find(self, key, 1, accept)
    }],
    ["sends to who is out", { make: Rendezvous.make, find: (self, key) => Rendezvous.find(self, key, 1, all) }]
  ]
  it.effect.each(broken)(
    "is told from an order that %s",
    ([, machine]) => Law.isBroken(cases, movesOnlyWhatHasTo(machine))
  )
})
