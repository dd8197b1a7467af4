import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Overload from "../../src/machine/Overload.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Overload, "make" | "observe" | "isStanding">

const cases = Arbitrary.all({
  target: Law.oneOf(0, 5, 20),
  interval: Law.oneOf(0, 50, 100),
  origin: Law.oneOf(0, 1e9),
  history: Law.list(Arbitrary.all({ after: Law.int(0, 60), longestWait: Law.int(0, 40) }), 40)
})

interface Case {
  readonly target: number
  readonly interval: number
  readonly origin: number
  readonly history: ReadonlyArray<{ readonly after: number; readonly longestWait: number }>
}

/** The reference reads all that was ever seen: the last run above the target has lasted an interval. */
const standsAfterAnInterval = (machine: Machine) => ({ history, interval, origin, target }: Case): void => {
  const overload = machine.make()
  const rule = { target, interval }
  const seen: Array<{ readonly at: number; readonly isAbove: boolean }> = []
  let now = origin
  for (const { after, longestWait } of history) {
    now += after
    machine.observe(overload, longestWait, now, rule)
    seen.push({ at: now, isAbove: longestWait > target })
    const lastBelow = seen.findLastIndex(({ isAbove }) => !isAbove)
    const run = seen.slice(lastBelow + 1)
    assert.strictEqual(machine.isStanding(overload, now, rule), run.length > 0 && now - run[0]!.at >= interval)
  }
}

describe("Overload", () => {
  it.prop("stands when the longest wait has been above the target for an interval", [cases], ([it]) => {
    standsAfterAnInterval(Overload)(it)
  }, Law.check(300))

  it("takes no clock that is set back for time that has passed", () => {
    const overload = Overload.make()
    const rule = { target: 5, interval: 100 }
    Overload.observe(overload, 50, 1000, rule)
    assert.isFalse(Overload.isStanding(overload, 0, rule))
    assert.isTrue(Overload.isStanding(overload, 1100, rule))
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["takes a burst for an overload", { ...Overload, isStanding: ({ since }) => since < Infinity }],
    ["never forgets", {
      ...Overload,
      observe: (self, longestWait, now, rule) => {
        if (longestWait > rule.target) Overload.observe(self, longestWait, now, rule)
      }
    }],
    ["begins anew with every long wait", {
      ...Overload,
      observe: (self, longestWait, now, rule) => {
        self.since = longestWait > rule.target ? now : Infinity
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(cases, standsAfterAnInterval(machine))
  )
})
