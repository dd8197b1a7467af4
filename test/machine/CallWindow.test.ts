import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as CallWindow from "../../src/machine/CallWindow.ts"
import * as Law from "../Law.ts"
import * as TripByHistory from "./TripByHistory.ts"

describe("CallWindow", () => {
  type Machine = Pick<typeof CallWindow, "make" | "record">
  const cases = Arbitrary.all({
    duration: Law.oneOf(1, 10, 50, 64, 333),
    start: Law.oneOf(0, 7, 1e6, 1.75e12),
    history: TripByHistory.histories
  })
  const countsTheRecent = (machine: Machine) =>
  (
    { duration, history, start }: { duration: number; start: number; history: TripByHistory.History }
  ): void => {
    const window = machine.make(duration)
    TripByHistory.read(history, start, (answers, { at, outcome }) => {
      machine.record(window, outcome === "Failure", outcome === "Slow", at)
      const { calls, failures, slowCalls } = TripByHistory.health(answers, duration, at)
      assert.deepStrictEqual([window.calls, window.failures, window.slowCalls], [calls, failures, slowCalls])
      const oldest = Math.min(...TripByHistory.within(answers, duration, at).map(({ at }) => at))
      assert.isBelow(at - oldest, duration, "what is older than the window has no say")
      const young = answers.filter((answer) => at - answer.at < 0.9 * duration)
      assert.isAtLeast(window.calls, young.length, "nine tenths of the window always count")
    })
  }

  it.prop("counts what came within the window, to a tenth of it", [cases], ([it]) => {
    countsTheRecent(CallWindow)(it)
  }, Law.check(200))

  it("counts with the latest what comes from before it", () => {
    const window = CallWindow.make(100)
    for (const now of [50, 100, 40, 100]) CallWindow.record(window, true, false, now)
    assert.deepStrictEqual([window.calls, window.failures], [4, 4])
  })

  it("does not count on for ever where a slot is too short to be numbered", () => {
    const window = CallWindow.make(1e-6)
    for (const now of [1e9, 2e9, 3e12]) {
      CallWindow.record(window, true, false, now)
      assert.deepStrictEqual([window.calls, window.failures], [1, 1])
    }
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["never slides", { ...CallWindow, record: (self, failed, slow) => CallWindow.record(self, failed, slow, 0) }],
    ["slides too late", { ...CallWindow, make: (duration) => CallWindow.make(1.1 * duration) }],
    ["slides too early", { ...CallWindow, make: (duration) => CallWindow.make(0.9 * duration) }],
    ["takes slow calls for failures", {
      ...CallWindow,
      record: (self, failed, slow, now) => CallWindow.record(self, failed || slow, slow, now)
    }]
  ]
  it.effect.each(broken)(
    "is told from a window that %s",
    ([, machine]) => Law.isBroken(cases, countsTheRecent(machine))
  )
})
