import { assert, describe, it } from "@effect/vitest"
import type * as ConcurrencyLimit from "../../src/machine/ConcurrencyLimit.ts"
import * as Vegas from "../../src/machine/Vegas.ts"
import * as Law from "../Law.ts"
import * as Samples from "./Samples.ts"
import * as Server from "./Server.ts"

type Machine = ConcurrencyLimit.ConcurrencyLimit<ConcurrencyLimit.Bounds, Vegas.Vegas>

/** The reference keeps every time since the fastest was last asked for, and looks for the fastest of them. */
const behavesAsTold = Samples.follows<ConcurrencyLimit.Bounds, Vegas.Vegas>(
  (bounds) => bounds,
  (ended, start, rule) => {
    const within = (limit: number) => Math.min(rule.max, Math.max(rule.min, limit))
    let limit = start
    let times: Array<number> = []
    let asked: number | undefined
    for (const { inFlight, isDropped, rtt } of ended) {
      const step = Math.max(1, Math.log10(limit))
      if (isDropped) {
        limit = within(limit - step)
        continue
      }
      const time = Math.max(0.001, rtt)
      const fastest = Math.min(asked ?? Infinity, ...times)
      times.push(time)
      if (times.length > 30 * limit) {
        asked = time
        times = []
      } else if (time >= fastest && inFlight >= Math.floor(limit) / 2) {
        const waiting = Math.ceil(limit * (1 - fastest / time))
        if (waiting <= step) limit = within(limit + 6 * step)
        else if (waiting < 3 * step) limit = within(limit + step)
        else if (waiting > 6 * step) limit = within(limit - step)
      }
    }
    return limit
  }
)

describe("Vegas", () => {
  it.prop("keeps a few calls waiting at the other side, by the fastest time", [Samples.cases], ([it]) => {
    behavesAsTold(Vegas)(it)
  }, Law.check(200))

  it.prop("does not grow where the limit is not used to its half", [Samples.cases], ([it]) => {
    Samples.growsOnlyWhenTried(Vegas, { min: 1, max: 1000 }, it)
  }, Law.check(100))

  it.each([5, 20, 100])("finds out that a service works on %d calls at once", (capacity) => {
    const mean = Server.meanLimit(Vegas, { min: 1, max: 500 }, { capacity, work: 50, patience: Infinity })
    assert.closeTo(mean, capacity + 6 * Math.max(1, Math.log10(capacity)), 6 + 0.3 * capacity)
  })

  it("asks anew for the fastest time with the first sample past thirty for each call", () => {
    const state = Vegas.make(1)
    const feed = (rtt: number) => {
      Vegas.observe(state, { rtt, inFlight: 1, isDropped: false }, 0, { min: 1, max: 1 })
      return [state.fastest, state.samples]
    }
    for (let sample = 1; sample < 30; sample++) feed(10)
    assert.deepStrictEqual(feed(5), [5, 30])
    assert.deepStrictEqual(feed(50), [50, 0])
  })

  it("finds out when a service has become slower for good", () => {
    const state = Vegas.make(20)
    let now = 0
    const feed = (rtt: number) => {
      Vegas.observe(state, { rtt, inFlight: Math.floor(state.limit), isDropped: false }, now++, { min: 1, max: 20 })
    }
    for (let n = 0; n < 200; n++) feed(10)
    for (let n = 0; n < 10; n++) feed(100)
    assert.isBelow(state.limit, 12)
    for (let n = 0; n < 2000; n++) feed(100)
    assert.strictEqual(state.limit, 20)
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["takes no notice of drops", {
      ...Vegas,
      observe: (self, sample, now, rule) => Vegas.observe(self, { ...sample, isDropped: false }, now, rule)
    }],
    ["knows no bounds", {
      ...Vegas,
      observe: (self, sample, now) => Vegas.observe(self, sample, now, { min: 0, max: Infinity })
    }],
    ["never asks for the fastest time again", {
      ...Vegas,
      observe: (self, sample, now, rule) => {
        self.samples = 0
        Vegas.observe(self, sample, now, rule)
      }
    }],
    ["compares each call with the last", {
      ...Vegas,
      observe: (self, sample, now, rule) => {
        Vegas.observe(self, sample, now, rule)
        self.fastest = Math.max(0.001, sample.rtt)
      }
    }],
    ["grows unused", {
      ...Vegas,
      observe: (self, sample, now, rule) => Vegas.observe(self, { ...sample, inFlight: Infinity }, now, rule)
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(Samples.cases, behavesAsTold(machine))
  )
})
