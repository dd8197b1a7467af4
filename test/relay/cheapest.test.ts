import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Random } from "effect"
import type * as Lineup from "../../src/endpoint/Lineup.ts"
import * as Cheapest from "../../src/relay/Cheapest.ts"
import * as Choice from "../../src/relay/Choice.ts"
import * as Law from "../Law.ts"

const price = Law.oneOf(0, 1, 2, 3, 7, 20)
const cases = Arbitrary.all({
  prices: Law.list(Arbitrary.all([price, price]), 60, 1),
  input: Law.int(1, 5000),
  output: Law.oneOf(0, 1, 10, 300, 4000)
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

/** What the choice is about, and nothing else of an endpoint. */
const tierOf = (prices: Case["prices"]): Lineup.Tier =>
  prices.map(([inputPerMillion, outputPerMillion]) => ({
    endpoint: { prices: { usual: { inputPerMillion, outputPerMillion }, byModel: new Map() } },
    isDegraded: () => false,
    fitness: { load: () => 1 }
  })) as never

/** The reference goes through all prices; rounding the mix costs what the prices of the two differ by, and a 64th of it. */
const costsLeast = (strategy: Choice.Strategy, random: Random.Random) => ({ input, output, prices }: Case): void => {
  const wish: Choice.Wish = { ...Choice.noWish, input, output }
  const choice: Choice.Choice = { tried: new Set(), now: 0, random, wish, isLastResort: false, looks: Choice.maxLooks }
  const answer = output === 0 ? input : output
  const costOf = ([ask, tell]: readonly [number, number]): number => (input * ask + answer * tell) / (input + answer)
  const chosen = strategy.pick(tierOf(prices), choice)!.endpoint.prices.usual!
  const pair = [chosen.inputPerMillion, chosen.outputPerMillion] as const
  const best = prices.reduce((best, other) => costOf(other) < costOf(best) ? other : best)
  const slack = (Math.abs(pair[0] - pair[1]) + Math.abs(best[0] - best[1])) / (2 * Cheapest.steps)
  assert.isAtMost(costOf(pair), costOf(best) + slack + 1e-9)
}

const capped = Arbitrary.all({
  endpoints: Law.list(Arbitrary.all([price, Law.oneOf(50, 100, 300, 900, 5000, -1)]), 8, 1),
  cap: Law.oneOf(0, 100, 250, 10_000)
})

type Capped = typeof capped extends Arbitrary.Arbitrary<infer A> ? A : never

/** The reference looks at all: nobody is too slow, and of those who are not, nobody costs less. Lessons aside. */
const isFastEnough =
  (make: (cap: number) => Choice.Strategy, random: Random.Random) => ({ cap, endpoints }: Capped): void => {
    const tier: Lineup.Tier = endpoints.map(([perMillion, latency]) => ({
      endpoint: {
        prices: { usual: { inputPerMillion: perMillion, outputPerMillion: perMillion }, byModel: new Map() },
        latency
      },
      isDegraded: () => false,
      fitness: { load: () => 1, steady: () => latency < 0 ? undefined : latency }
    })) as never
    const wish: Choice.Wish = { ...Choice.noWish, input: 10, output: 10 }
    const strategy = make(cap)
    const pick = () => {
      const choice = { tried: new Set<never>(), now: 0, random, wish, isLastResort: false, looks: Choice.maxLooks }
      const target = strategy.pick(tier, choice)!
      return endpoints[tier.indexOf(target)]!
    }
    // the first call may be a lesson, the second in the same ten seconds is none
    pick()
    const [perMillion, latency] = pick()
    const least = Math.min(...endpoints.flatMap(([, latency]) => latency < 0 ? [] : [latency]))
    const isEligible = ([, latency]: readonly [number, number]): boolean => latency <= least + cap
    assert.isTrue(isEligible([perMillion, latency]))
    // one of those that cost the same is drawn: the others of its price may be slower
    const better = endpoints.filter((other) => isEligible(other) && other[0] < perMillion)
    const hasSlowTwin = better.every(([cost]) => endpoints.some((other) => other[0] === cost && !isEligible(other)))
    if (!hasSlowTwin) assert.isEmpty(better)
  }

describe("the cheapest that is fast enough", () => {
  it.effect.prop(
    "is neither slower than the fastest by more than the cap, nor dearer than it has to be",
    [capped],
    ([it]) => Effect.map(Random.Random, (random) => isFastEnough(Cheapest.within, random)(it)),
    Law.check(400)
  )

  const broken: ReadonlyArray<readonly [string, (cap: number) => Choice.Strategy]> = [
    ["has no cap", () => Cheapest.make()],
    ["allows half of the cap", (cap) => Cheapest.within(cap / 2)],
    ["takes the fastest, whatever it costs", () => Cheapest.within(0)]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, make]) => Effect.flatMap(Random.Random, (random) => Law.isBroken(capped, isFastEnough(make, random)))
  )
})

describe("the cheapest", () => {
  it.effect.prop(
    "costs no more than any other, but for the rounding of the mix",
    [cases],
    ([it]) => Effect.map(Random.Random, (random) => costsLeast(Cheapest.make(), random)(it)),
    Law.check(300)
  )

  const broken: ReadonlyArray<readonly [string, (strategy: Choice.Strategy) => Choice.Strategy]> = [
    ["looks at the price of the question alone", (strategy) => ({
      ...strategy,
      pick: (tier, choice) => strategy.pick(tier, { ...choice, wish: { ...choice.wish, output: 0.001 } })
    })],
    ["takes the first", (strategy) => ({ ...strategy, pick: ([first]) => first })],
    ["takes every mix for the one before", (strategy) => {
      let before: Choice.Wish | undefined
      return {
        ...strategy,
        pick: (tier, choice) => strategy.pick(tier, { ...choice, wish: before ??= choice.wish })
      }
    }]
  ]
  it.effect.each(broken)("is told from one that %s", ([, variant]) =>
    Effect.flatMap(
      Random.Random,
      (random) => {
        const strategy = variant(Cheapest.make())
        return Law.isBroken(cases, costsLeast(strategy, random))
      }
    ))
})
