import { assert, describe, it } from "@effect/vitest"
import * as Aimd from "../../src/machine/Aimd.ts"
import type * as ConcurrencyLimit from "../../src/machine/ConcurrencyLimit.ts"
import * as Law from "../Law.ts"
import * as Samples from "./Samples.ts"
import * as Server from "./Server.ts"

type Machine = ConcurrencyLimit.ConcurrencyLimit<Aimd.Rule, Aimd.Aimd>

const ruleOf = (bounds: ConcurrencyLimit.Bounds): Aimd.Rule => ({ ...bounds, backoff: 0.9, timeout: 25 })

/** The reference reads all calls again; of those that were dropped, one that began before another cut is the same drop. */
const behavesAsTold = Samples.follows<Aimd.Rule, Aimd.Aimd>(ruleOf, (ended, start, { backoff, max, min, timeout }) => {
  const cuts: Array<number> = []
  let limit = start
  for (const { at, inFlight, isDropped, rtt } of ended) {
    if (isDropped || rtt > timeout) {
      if (cuts.some((cut) => cut >= at - rtt)) continue
      cuts.push(at)
      limit = Math.max(min, limit * backoff)
    } else if (inFlight >= Math.floor(limit) / 2) limit = Math.min(max, limit + 1 / limit)
  }
  return limit
})

describe("Aimd", () => {
  it.prop("adds one a limit's worth of successes, and takes a share at a drop", [Samples.cases], ([it]) => {
    behavesAsTold(Aimd)(it)
  }, Law.check(200))

  it.prop("does not grow where the limit is not used to its half", [Samples.cases], ([it]) => {
    Samples.growsOnlyWhenTried(Aimd, ruleOf({ min: 1, max: 1000 }), it)
  }, Law.check(100))

  it("takes the drops of one storm for one", () => {
    const state = Aimd.make(100)
    for (let n = 0; n < 50; n++) {
      Aimd.observe(state, { rtt: 20 + n, inFlight: 100, isDropped: true }, 1000 + n, ruleOf({ min: 1, max: 200 }))
    }
    assert.closeTo(state.limit, 90, 1e-9)
  })

  it.each([5, 20, 100])("finds out that a service turns away more than %d calls at once", (capacity) => {
    const mean = Server.meanLimit(Aimd, { ...ruleOf({ min: 1, max: 500 }), timeout: Infinity }, {
      capacity: 1000,
      work: 50,
      patience: capacity
    })
    assert.closeTo(mean, capacity, Math.max(1, 0.15 * capacity))
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["takes no notice of drops", {
      ...Aimd,
      observe: (self, sample, now, rule) => Aimd.observe(self, { ...sample, isDropped: false }, now, rule)
    }],
    ["knows no bounds", {
      ...Aimd,
      observe: (self, sample, now, rule) => Aimd.observe(self, sample, now, { ...rule, min: 0, max: Infinity })
    }],
    ["cuts for every drop of a storm", {
      ...Aimd,
      observe: (self, sample, now, rule) => {
        self.cutAt = -Infinity
        Aimd.observe(self, sample, now, rule)
      }
    }],
    ["grows by one with every success", {
      ...Aimd,
      observe: (self, sample, now, rule) => {
        const { limit } = self
        Aimd.observe(self, sample, now, rule)
        if (self.limit > limit) self.limit = Math.min(rule.max, limit + 1)
      }
    }],
    ["grows unused", {
      ...Aimd,
      observe: (self, sample, now, rule) => Aimd.observe(self, { ...sample, inFlight: Infinity }, now, rule)
    }],
    ["takes a clock that was set back for a fast answer", {
      ...Aimd,
      observe: (self, sample, now, rule) => Aimd.observe(self, { ...sample, rtt: Math.abs(sample.rtt) }, now, rule)
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(Samples.cases, behavesAsTold(machine))
  )
})
