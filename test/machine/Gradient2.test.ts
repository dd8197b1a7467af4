import { assert, describe, it } from "@effect/vitest"
import type * as ConcurrencyLimit from "../../src/machine/ConcurrencyLimit.ts"
import * as Gradient2 from "../../src/machine/Gradient2.ts"
import * as Law from "../Law.ts"
import * as Samples from "./Samples.ts"
import * as Server from "./Server.ts"

type Machine = ConcurrencyLimit.ConcurrencyLimit<Gradient2.Rule, Gradient2.Gradient2>

const ruleOf = (bounds: ConcurrencyLimit.Bounds): Gradient2.Rule => ({ ...bounds, tolerance: 1.5, window: 50 })

interface Window {
  readonly since: number
  readonly times: Array<number>
  readonly inFlight: Array<number>
}

const mean = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

/** The usual time after so many windows, from the mean of each. */
const usualOf = (means: ReadonlyArray<number>): number => {
  let usual = 0
  means.forEach((took, index) => {
    const weight = index < 10 ? 1 / (index + 1) : 2 / 601
    usual += (took - usual) * weight
    if (usual / 2 > took) usual *= 0.95
  })
  return usual
}

/** The reference keeps every window with every call in it. */
const behavesAsTold = Samples.follows<Gradient2.Rule, Gradient2.Gradient2>(ruleOf, (ended, start, rule) => {
  const means: Array<number> = []
  const cuts: Array<number> = []
  let limit = start
  let open: Window | undefined
  for (const { at, inFlight, isDropped, rtt } of ended) {
    open ??= { since: at, times: [], inFlight: [] }
    if (isDropped) {
      if (cuts.some((cut) => at - cut < rule.window)) continue
      cuts.push(at)
      limit = Math.max(rule.min, limit * 0.9)
      continue
    }
    open.times.push(rtt)
    open.inFlight.push(inFlight)
    if (at - open.since < rule.window || open.times.length < 10) continue
    const { since } = open
    const took = mean(open.times)
    means.push(took)
    if (Math.max(...open.inFlight) >= Math.floor(limit) / 2) {
      const gradient = took === 0 ? 1 : Math.min(1, Math.max(0.5, 1.5 * usualOf(means) / took))
      const next = 0.8 * limit + 0.2 * (limit * gradient + 4)
      if (next < limit || !cuts.some((cut) => cut >= since)) limit = Math.min(rule.max, Math.max(rule.min, next))
    }
    open = { since: at, times: [], inFlight: [] }
  }
  return limit
})

describe("Gradient2", () => {
  it.prop("follows the ratio of the usual time to the time now, window by window", [Samples.cases], ([it]) => {
    behavesAsTold(Gradient2)(it)
  }, Law.check(200))

  it.prop("does not grow where the limit is not used to its half", [Samples.cases], ([it]) => {
    Samples.growsOnlyWhenTried(Gradient2, ruleOf({ min: 1, max: 1000 }), it)
  }, Law.check(100))

  it.each([5, 20, 50])("finds out that a service turns away more than %d calls at once", (capacity) => {
    const rule = ruleOf({ min: 1, max: 500 })
    const mean = Server.meanLimit(Gradient2, rule, { capacity: capacity / 1.2, work: 50, patience: capacity })
    assert.closeTo(mean, capacity, Math.max(1, 0.15 * capacity))
  })

  it("shrinks when calls take twice as long, and grows again when they do not", () => {
    const rule = ruleOf({ min: 1, max: 100 })
    const state = Gradient2.make(100)
    let now = 0
    const feed = (rtt: number, samples: number) => {
      for (let n = 0; n < samples; n++) {
        now += 5
        Gradient2.observe(state, { rtt, inFlight: Math.floor(state.limit), isDropped: false }, now, rule)
      }
    }
    feed(10, 200)
    assert.strictEqual(state.limit, 100)
    feed(20, 200)
    assert.isBelow(state.limit, 70)
    feed(10, 2000)
    assert.strictEqual(state.limit, 100)
  })

  describe("at the edges", () => {
    const rule = ruleOf({ min: 1, max: 1000 })
    const play = (samples: ReadonlyArray<readonly [at: number, rtt: number]>, isDropped = false) => {
      const state = Gradient2.make(100)
      for (const [at, rtt] of samples) Gradient2.observe(state, { rtt, inFlight: 100, isDropped }, at, rule)
      return state
    }
    // windows of ten samples each that took so long
    const windows = (...times: ReadonlyArray<number>) =>
      times.flatMap((rtt, n) => Array.from({ length: 10 }, (_, k) => [60 * n + (k === 9 ? 60 : 0), rtt] as const))

    it("cuts again a window after a cut, and not a millisecond sooner", () => {
      assert.closeTo(play([[0, 1], [49, 1]], true).limit, 90, 1e-9)
      assert.closeTo(play([[0, 1], [50, 1]], true).limit, 81, 1e-9)
    })

    it("closes a window of ten samples when its time has come, and not a millisecond sooner", () => {
      const nine = Array.from({ length: 9 }, () => [0, 10] as const)
      assert.strictEqual(play([...nine, [49, 10]]).windows, 0)
      assert.strictEqual(play([...nine, [50, 10]]).windows, 1)
    })

    it("takes the plain mean of ten windows for usual, and moves slowly from there", () => {
      const ten = Array.from({ length: 10 }, (_, n) => 10 + n)
      assert.closeTo(play(windows(...ten)).usual, 14.5, 1e-9)
      assert.closeTo(play(windows(...ten, 20)).usual, 14.5 + 5.5 * 2 / 601, 1e-9)
    })

    it("forgets faster only what is more than twice as slow as now", () => {
      assert.strictEqual(play(windows(30, 10)).usual, 20)
      assert.closeTo(play(windows(31, 10)).usual, 0.95 * 20.5, 1e-9)
    })

    it("raises nothing in a window that began with a cut", () => {
      const state = play([[0, 10]], true)
      for (const at of [0, 0, 0, 0, 0, 0, 0, 0, 0, 60]) {
        Gradient2.observe(state, { rtt: 10, inFlight: 100, isDropped: false }, at, rule)
      }
      assert.deepStrictEqual([state.windows, state.limit], [1, 90])
    })

    it("grows on calls that take no time", () => {
      assert.closeTo(play(windows(0)).limit, 100.8, 1e-9)
    })
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["takes no notice of drops", {
      ...Gradient2,
      observe: (self, sample, now, rule) => {
        if (!sample.isDropped) Gradient2.observe(self, sample, now, rule)
      }
    }],
    ["grows in a window with a drop", {
      ...Gradient2,
      observe: (self, sample, now, rule) => {
        const { cutAt } = self
        if (!sample.isDropped) self.cutAt = -Infinity
        Gradient2.observe(self, sample, now, rule)
        if (!sample.isDropped) self.cutAt = cutAt
      }
    }],
    ["knows no bounds", {
      ...Gradient2,
      observe: (self, sample, now, rule) => Gradient2.observe(self, sample, now, { ...rule, min: 0, max: Infinity })
    }],
    ["judges by every single call", {
      ...Gradient2,
      observe: (self, sample, now, rule) => {
        self.samples += 9
        self.sum += 9 * sample.rtt
        Gradient2.observe(self, sample, now, rule)
      }
    }],
    ["cuts for every drop of a storm", {
      ...Gradient2,
      observe: (self, sample, now, rule) => {
        if (sample.isDropped) self.cutAt = -Infinity
        Gradient2.observe(self, sample, now, rule)
      }
    }],
    ["holds on to what was usual long ago", {
      ...Gradient2,
      observe: (self, sample, now, rule) => {
        const { usual, windows } = self
        Gradient2.observe(self, sample, now, rule)
        if (windows > 0) self.usual = usual
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(Samples.cases, behavesAsTold(machine))
  )
})
