import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import type * as TripRule from "../../src/machine/TripRule.ts"
import * as CircuitBreakerOptions from "../../src/policy/CircuitBreakerOptions.ts"

const rulesOf = (options: CircuitBreakerOptions.Options) =>
  Effect.map(CircuitBreakerOptions.decode(options), CircuitBreakerOptions.toRules)

describe("what a circuit has to remember", () => {
  const half = { rate: 0.5, minimumCalls: 5 }
  const lastTwenty: TripRule.TripRule = { _tag: "CountWindow", calls: 20, ...half }
  const lastTen: TripRule.TripRule = { _tag: "CountWindow", calls: 10, ...half }
  it.effect.each<readonly [TripRule.TripRule, rings: ReadonlyArray<number>, window: number]>([
    [{ _tag: "Consecutive", failures: 3 }, [], 0],
    [{ _tag: "FailureRate", rate: 0.5, evidence: 7 }, [], 0],
    [lastTwenty, [20], 0],
    [{ _tag: "TimeWindow", ...half }, [], 7000],
    [{ _tag: "SlowCallRate", ...half }, [], 7000],
    [{ _tag: "MinimumCalls", calls: 5 }, [], 7000],
    [{ _tag: "Custom", name: "own", test: () => false }, [], 7000],
    [{ _tag: "Or", rules: [lastTwenty, { _tag: "And", rules: [lastTen, lastTwenty] }] }, [20, 10], 0],
    [{ _tag: "And", rules: [lastTen, { _tag: "MinimumCalls", calls: 5 }] }, [10], 7000]
  ])(
    "is what its rules ask for, once: %o",
    ([tripPolicy, rings, window]) =>
      Effect.map(rulesOf({ tripPolicy: tripPolicy as never, window: "7 seconds" }), ({ stats }) => {
        assert.deepStrictEqual([stats.rings, stats.window], [rings, window])
      })
  )
})

describe("how a circuit closes", () => {
  it.effect.each<readonly [number | { readonly ratio: number; readonly of: number }, number, number]>([
    [3, 3, 3],
    [{ ratio: 0.5, of: 4 }, 2, 4],
    [{ ratio: 0.51, of: 4 }, 3, 4],
    [{ ratio: 0.07, of: 100 }, 7, 100],
    [{ ratio: 1, of: 5 }, 5, 5],
    [{ ratio: 0.01, of: 3 }, 1, 3]
  ])(
    "takes the fewest successes that are such a share: %o",
    ([successesToClose, successes, calls]) =>
      Effect.map(rulesOf({ successesToClose }), (rules) => {
        assert.deepStrictEqual([rules.successesToClose, rules.probeCalls], [successes, calls])
      })
  )
})

describe("how long a circuit opens", () => {
  it.effect("is bounded by a cap that was given, and by none for a schedule without one", () =>
    Effect.gen(function*() {
      const openFor = Schedule.spaced("1 hour")
      const free = yield* rulesOf({ openFor })
      assert.deepStrictEqual([free.openFor[0], free.maxHint], [3_600_000, 3_600_000])
      const capped = yield* rulesOf({ openFor, maxOpenFor: "1 minute" })
      assert.deepStrictEqual([capped.openFor[0], capped.maxHint], [60_000, 60_000])
    }))
})
