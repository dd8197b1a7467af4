import { assert, describe, it } from "@effect/vitest"
import * as CallStats from "../../src/machine/CallStats.ts"
import * as TripRule from "../../src/machine/TripRule.ts"
import * as Law from "../Law.ts"
import * as TripByHistory from "./TripByHistory.ts"

const { window } = TripByHistory

describe("TripRule", () => {
  type Machine = Pick<typeof TripRule, "tripped">
  const readsTheHistory = (machine: Machine, record: typeof CallStats.record = CallStats.record) =>
  (
    { history, rule }: { readonly rule: TripRule.TripRule; readonly history: TripByHistory.History }
  ): void => {
    const shape = TripByHistory.shapeOf(rule, window)
    const stats = CallStats.make(shape)
    TripByHistory.read(history, 0, (answers, { at, outcome }) => {
      record(stats, outcome === "Failure", outcome === "Slow", at, shape)
      assert.strictEqual(machine.tripped(rule, stats), TripByHistory.tripped(rule, answers, window, at))
    })
  }

  it.prop("says of every rule, alone and joined, what all the answers say", [TripByHistory.trials], ([it]) => {
    readsTheHistory(TripRule)(it)
  }, Law.check(1000))

  it.prop("is named in the words of its parts", [TripByHistory.rules], ([rule]) => {
    const name = TripRule.nameOf(rule)
    for (const part of TripRule.parts(rule)) {
      assert.notInclude(["Or", "And"], part._tag)
      assert.include(name, TripRule.nameOf(part))
    }
  }, Law.check(100))

  it("weighs failures as its first rule that does, or as the default", () => {
    const fifth: TripRule.TripRule = { _tag: "FailureRate", rate: 0.2, evidence: 7 }
    const three: TripRule.TripRule = { _tag: "Consecutive", failures: 3 }
    assert.deepStrictEqual(TripRule.evidenceOf({ _tag: "And", rules: [three, { _tag: "Or", rules: [fifth] }] }, 9), {
      rate: 0.2,
      limit: 7,
      forgetAfter: 9
    })
    assert.deepStrictEqual(TripRule.evidenceOf(three, 9), { rate: 0.5, limit: 13, forgetAfter: 9 })
  })

  it("has a name for each kind, with its figures, and for what is joined", () => {
    const three: TripRule.TripRule = { _tag: "Consecutive", failures: 3 }
    const own: TripRule.TripRule = { _tag: "Custom", name: "at night", test: () => true }
    assert.deepStrictEqual(
      [
        three,
        { _tag: "FailureRate", rate: 0.2, evidence: 7 } as const,
        { _tag: "CountWindow", calls: 20, rate: 0.5, minimumCalls: 10 } as const,
        { _tag: "TimeWindow", rate: 0.3, minimumCalls: 10 } as const,
        { _tag: "SlowCallRate", rate: 0.4, minimumCalls: 10 } as const,
        { _tag: "MinimumCalls", calls: 50 } as const,
        own,
        { _tag: "Or", rules: [three, own] } as const,
        { _tag: "And", rules: [three, { _tag: "Or", rules: [own, three] }] } as const
      ].map(TripRule.nameOf),
      [
        "consecutive(3)",
        "failureRate(0.2)",
        "countWindow(0.5 of 20)",
        "timeWindow(0.3)",
        "slowCallRate(0.4)",
        "minimumCalls(50)",
        "at night",
        "consecutive(3) or at night",
        "consecutive(3) and at night or consecutive(3)"
      ]
    )
  })

  it("tells a rule of one's own what was seen, with its shares, and nothing in the beginning", () => {
    const told: Array<TripRule.Health> = []
    const own: TripRule.TripRule = { _tag: "Custom", name: "own", test: (health) => told.push(health) < 0 }
    const shape = TripByHistory.shapeOf(own, window)
    const stats = CallStats.make(shape)
    TripRule.tripped(own, stats)
    for (
      const [failed, slow] of [[true, false], [false, true], [false, false], [true, false], [true, false]] as const
    ) {
      CallStats.record(stats, failed, slow, 0, shape)
    }
    TripRule.tripped(own, stats)
    assert.deepStrictEqual(told, [
      { consecutiveFailures: 0, calls: 0, failures: 0, slowCalls: 0, failureRate: 0, slowCallRate: 0 },
      { consecutiveFailures: 2, calls: 5, failures: 3, slowCalls: 1, failureRate: 0.6, slowCallRate: 0.2 }
    ])
  })

  const mapParts = (
    rule: TripRule.TripRule,
    change: (rule: TripRule.TripRule) => TripRule.TripRule
  ): TripRule.TripRule =>
    "rules" in rule ? change({ ...rule, rules: rule.rules.map((rule) => mapParts(rule, change)) }) : change(rule)
  const changed = (change: (rule: TripRule.TripRule) => TripRule.TripRule): Machine => ({
    tripped: (rule, stats) => TripRule.tripped(mapParts(rule, change), stats)
  })
  const broken: ReadonlyArray<readonly [string, Machine]> = [
    [
      "names the last that holds",
      changed((rule) => "rules" in rule ? { ...rule, rules: rule.rules.toReversed() } : rule)
    ],
    ["takes and for or", changed((rule) => rule._tag === "And" ? { ...rule, _tag: "Or" } : rule)],
    ["takes or for and", changed((rule) => rule._tag === "Or" ? { ...rule, _tag: "And" } : rule)],
    [
      "waits for one failure more",
      changed((rule) => rule._tag === "Consecutive" ? { ...rule, failures: rule.failures + 1 } : rule)
    ],
    [
      "asks for one piece of evidence less",
      changed((rule) => rule._tag === "FailureRate" ? { ...rule, evidence: rule.evidence - 1 } : rule)
    ],
    ["does not wait for enough calls", changed((rule) => "minimumCalls" in rule ? { ...rule, minimumCalls: 1 } : rule)],
    [
      "takes slow calls for failures",
      changed((rule) => rule._tag === "TimeWindow" ? { ...rule, _tag: "SlowCallRate" } : rule)
    ],
    [
      "lets calls be one fewer",
      changed((rule) => rule._tag === "MinimumCalls" ? { ...rule, calls: rule.calls - 1 } : rule)
    ],
    ["takes an error for a yes", {
      tripped: (rule, stats) => rule._tag === "Custom" ? rule.name : TripRule.tripped(rule, stats)
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(TripByHistory.trials, readsTheHistory(machine))
  )

  const miscounted: ReadonlyArray<readonly [string, typeof CallStats.record]> = [
    [
      "take slow calls for failures",
      (stats, failed, slow, ...rest) => CallStats.record(stats, failed || slow, slow, ...rest)
    ],
    [
      "count no good calls",
      (stats, failed, slow, ...rest) => failed || slow ? CallStats.record(stats, failed, slow, ...rest) : undefined
    ],
    ["keep a streak through good calls", (stats, failed, ...rest) => {
      const { streak } = stats
      CallStats.record(stats, failed, ...rest)
      stats.streak = Math.max(stats.streak, streak)
    }]
  ]
  it.effect.each(miscounted)(
    "is told from counts that %s",
    ([, record]) => Law.isBroken(TripByHistory.trials, readsTheHistory(TripRule, record))
  )
})
