import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import * as Patience from "../../src/machine/Patience.ts"

const rule = (options?: Partial<Extract<Patience.Rule, { readonly _tag: "Quantile" }>>): Patience.Rule => ({
  _tag: "Quantile",
  quantile: 0.9,
  window: 30_000,
  fallback: Infinity,
  atLeast: 1,
  ...options
})

interface Spell {
  readonly share: number
  readonly delay: number
}

/**
 * Ten thousand calls, a hundred a second, of which one in ten is slow: which
 * share of them outlasts the delay once it has settled?
 */
const spell = (observe: (patience: Patience.Patience, first: number, taken: number, now: number) => void) =>
  Effect.map(Random.Random, (random): Spell => {
    const patience = Patience.make(rule())
    let outlasted = 0
    let delay = Infinity
    const latency = (): number => (random.nextDoubleUnsafe() < 0.1 ? 1000 : 100) * (1 + random.nextDoubleUnsafe())
    for (let call = 0; call < 10_000; call++) {
      const now = call * 10
      delay = Patience.delay(patience, now, rule())
      const first = latency()
      const taken = Math.min(first, delay + latency())
      if (call >= 5000 && first > delay) outlasted++
      observe(patience, first, taken, now)
    }
    return { share: outlasted / 5000, delay }
  }).pipe(Random.withSeed("patience"))

describe("Patience", () => {
  it("is what it was told where it is fixed", () => {
    const fixed: Patience.Rule = { _tag: "Fixed", delay: 200 }
    const patience = Patience.make(fixed)
    for (let n = 0; n < 1000; n++) Patience.observe(patience, 5, n)
    assert.deepStrictEqual([Patience.delay(patience, 5000, fixed), patience.expected], [200, 200])
  })

  it("is the fallback until two calls can be expected beyond the quantile", () => {
    const patience = Patience.make(rule({ fallback: 77 }))
    assert.strictEqual(Patience.enough(0.9), 20)
    assert.strictEqual(Patience.enough(0.98), 100)
    for (let n = 0; n < 19; n++) Patience.observe(patience, 10, 0)
    assert.deepStrictEqual([Patience.delay(patience, 0, rule({ fallback: 77 })), patience.expected], [77, 77])
    Patience.observe(patience, 10, 0)
    assert.strictEqual(Patience.delay(patience, 0, rule({ fallback: 77 })), 11)
  })

  it("goes back to the fallback after a silent window", () => {
    const patience = Patience.make(rule({ fallback: 77 }))
    for (let n = 0; n < 100; n++) Patience.observe(patience, 10, 0)
    assert.strictEqual(Patience.delay(patience, 29_999, rule({ fallback: 77 })), 11)
    assert.strictEqual(Patience.delay(patience, 31_000, rule({ fallback: 77 })), 77)
  })

  it("is never shorter than allowed, and whole milliseconds", () => {
    const patience = Patience.make(rule({ atLeast: 25.2 }))
    for (let n = 0; n < 100; n++) Patience.observe(patience, 0.2, 0)
    assert.strictEqual(Patience.delay(patience, 0, rule({ atLeast: 25.2 })), 26)
  })

  it("expects a copy to take as long as half of the calls do", () => {
    const patience = Patience.make(rule())
    for (let n = 0; n < 100; n++) Patience.observe(patience, n < 60 ? 10 : 500, 0)
    assert.closeTo(Patience.delay(patience, 0, rule()), 500, 8)
    assert.closeTo(patience.expected, 10, 0.2)
  })

  it("is looked up anew after a thirtieth of the window", () => {
    const patience = Patience.make(rule())
    for (let n = 0; n < 100; n++) Patience.observe(patience, 10, 0)
    assert.strictEqual(Patience.delay(patience, 0, rule()), 11)
    for (let n = 0; n < 900; n++) Patience.observe(patience, 100, 0)
    assert.strictEqual(Patience.delay(patience, 999, rule()), 11)
    assert.closeTo(Patience.delay(patience, 1000, rule()), 100, 2)
  })

  it.effect("lets that share of calls outlast it which its quantile says, though the slow ones are overtaken", () =>
    Effect.map(spell((patience, _, taken, now) => Patience.observe(patience, taken, now)), ({ delay, share }) => {
      assert.closeTo(share, 0.1, 0.02)
      assert.isAbove(delay, 180)
    }))

  it.effect("is told from one that leaves out the calls that were overtaken: it sinks, and hedges twice as many", () =>
    Effect.map(
      spell((patience, first, taken, now) => {
        if (first === taken) Patience.observe(patience, taken, now)
      }),
      ({ share }) => assert.isAbove(share, 0.15)
    ))
})
