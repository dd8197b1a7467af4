import { assert, describe, it } from "@effect/vitest"
import * as CallStats from "../../src/machine/CallStats.ts"
import * as Law from "../Law.ts"
import * as TripByHistory from "./TripByHistory.ts"

const { window } = TripByHistory

describe("CallStats", () => {
  it.prop(
    "suspects what the worst run of failures, or of slow answers, weighs",
    [TripByHistory.trials],
    ([{ history, rule }]) => {
      const shape = TripByHistory.shapeOf(rule, window)
      const stats = CallStats.make(shape)
      TripByHistory.read(history, 0, (answers, { at, outcome }) => {
        CallStats.record(stats, outcome === "Failure", outcome === "Slow", at, shape)
        const failures = TripByHistory.worstRun(
          answers.map(({ outcome }) => outcome === "Failure"),
          shape.failures.rate
        )
        // a failure says nothing of speed
        const answered = answers.filter(({ outcome }) => outcome !== "Failure")
        const slow = TripByHistory.worstRun(answered.map(({ outcome }) => outcome === "Slow"), 0.5)
        assert.closeTo(CallStats.suspicion(stats, at, shape), Math.max(failures, slow), 1e-9)
      })
    },
    Law.check(200)
  )

  it.prop("is clean only where a good call would change nothing", [TripByHistory.trials], ([{ history, rule }]) => {
    const shape = TripByHistory.shapeOf(rule, window)
    const stats = CallStats.make(shape)
    assert.strictEqual(CallStats.isClean(stats), shape.rings.length === 0 && shape.window === 0)
    TripByHistory.read(history, 0, (_, { at, outcome }) => {
      CallStats.record(stats, outcome === "Failure", outcome === "Slow", at, shape)
      if (!CallStats.isClean(stats)) return
      const before = structuredClone(stats)
      CallStats.record(stats, false, false, at, shape)
      assert.deepStrictEqual(stats, before)
    })
  }, Law.check(200))
})
