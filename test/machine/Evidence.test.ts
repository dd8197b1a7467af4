import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Random } from "effect"
import * as Evidence from "../../src/machine/Evidence.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Evidence, "record" | "weigh" | "convicts">

interface Case {
  readonly rule: Evidence.Rule
  readonly calls: ReadonlyArray<{ readonly bad: boolean; readonly after: number }>
}

const cases = (silence: number): Arbitrary.Arbitrary<Case> =>
  Arbitrary.all({
    rule: Arbitrary.map(
      Arbitrary.all([Law.oneOf(0.1, 0.25, 0.5, 0.75, 0.9), Law.int(1, 6)]),
      ([rate, limit]) => ({ rate, limit, forgetAfter: 1000 })
    ),
    calls: Law.list(Arbitrary.all({ bad: Law.oneOf(true, false), after: Law.int(0, silence) }), 60)
  })

/** The reference: the worst balance of any run of calls up to now, in which good calls pay for bad ones at the rate. */
const worstBalance = (calls: Case["calls"], rate: number): number => {
  const balance = (run: Case["calls"]) => run.reduce((sum, { bad }) => sum + (bad ? 1 : -rate / (1 - rate)), 0)
  return Math.max(0, ...calls.map((_, from) => balance(calls.slice(from))))
}

const weighsTheWorstRun = (machine: Machine) => ({ calls, rule }: Case): void => {
  let evidence = Evidence.none
  let now = 0
  calls.forEach(({ after, bad }, index) => {
    now += after
    evidence = machine.record(evidence, bad, now, rule)
    const expected = worstBalance(calls.slice(0, index + 1), rule.rate)
    assert.closeTo(machine.weigh(evidence, now, rule), expected, 1e-9)
    // not at the edge, where rounding decides
    if (Math.abs(expected - rule.limit) > 1e-9) {
      assert.strictEqual(machine.convicts(evidence, rule), expected >= rule.limit)
    }
  })
}

const fadesInSilence = (machine: Machine) => ({ calls, rule }: Case): void => {
  let evidence = Evidence.none
  let now = 0
  for (const { after, bad } of calls) {
    now += after
    const before = machine.weigh(evidence, now, rule)
    evidence = machine.record(evidence, bad, now, rule)
    const weight = machine.weigh(evidence, now, rule)
    assert.closeTo(weight, Math.max(0, before + (bad ? 1 : -rule.rate / (1 - rule.rate))), 1e-9)
    const worthAfter = (silence: number) => machine.weigh(evidence, now + silence, rule)
    assert.strictEqual(worthAfter(rule.forgetAfter), weight)
    assert.closeTo(worthAfter(rule.forgetAfter * 1.5), weight / 2, 1e-9)
    assert.closeTo(worthAfter(rule.forgetAfter * 2), weight / 4, 1e-9)
  }
}

describe("Evidence", () => {
  // each pause is far shorter than it takes to forget
  it.prop("weighs as much as the worst run of calls up to now", [cases(20)], ([it]) => {
    weighsTheWorstRun(Evidence)(it)
  }, Law.check(200))

  it.prop("stands for a while, then halves at every half of that", [cases(3000)], ([it]) => {
    fadesInSilence(Evidence)(it)
  }, Law.check(150))

  it.prop("convicts at the limit when nothing but bad calls come, not before", [cases(0)], ([{ rule }]) => {
    let evidence = Evidence.none
    for (let calls = 1; calls <= rule.limit; calls++) {
      evidence = Evidence.record(evidence, true, 0, rule)
      assert.strictEqual(Evidence.convicts(evidence, rule), calls === rule.limit)
    }
  }, Law.check(50))

  it("allocates nothing for a good call that has nothing to pay for", () => {
    const rule = { rate: 0.5, limit: 13, forgetAfter: 1000 }
    assert.strictEqual(Evidence.record(Evidence.none, false, 5, rule), Evidence.none)
    const blank = { weight: 0, at: 3 }
    assert.strictEqual(Evidence.record(blank, false, 5, rule), blank)
  })

  it("holds nothing any more against who has paid for everything", () => {
    const rule = { rate: 0.5, limit: 13, forgetAfter: 1000 }
    const bad = Evidence.record(Evidence.none, true, 5, rule)
    assert.strictEqual(Evidence.record(bad, false, 6, rule), Evidence.none)
  })

  it.effect("takes a day of calls to convict at 30% of errors, where five in a row are met every few seconds", () =>
    Effect.gen(function*() {
      const rule = { rate: 0.5, limit: 13, forgetAfter: 15_000 }
      const random = yield* Random.Random
      const calls = 500_000
      let evidence = Evidence.none
      let streak = 0
      let convictions = 0
      let streaks = 0
      for (let call = 0; call < calls; call++) {
        const bad = random.nextDoubleUnsafe() < 0.3
        evidence = Evidence.record(evidence, bad, call * 50, rule)
        streak = bad ? streak + 1 : 0
        if (streak === 5) {
          streaks++
          streak = 0
        }
        if (Evidence.convicts(evidence, rule)) {
          convictions++
          evidence = Evidence.none
        }
      }
      assert.isAtMost(convictions, 5)
      assert.isAbove(streaks, 800)
    }).pipe(Random.withSeed("evidence")))

  /** Calls until the verdict, in the mean, where a share of all calls is bad: a walk that goes up or down by one. */
  const callsUntilVerdict = (limit: number, share: number): number => {
    let sum = 0
    for (let weight = 0, up = 0; weight < limit; weight++) {
      up = weight === 0 ? 1 / share : (1 + (1 - share) * up) / share
      sum += up
    }
    return sum
  }

  it.effect("convicts a healthy endpoint as rarely as the theory has it: once in some 265 000 calls", () =>
    Effect.gen(function*() {
      assert.closeTo(callsUntilVerdict(13, 0.3), 265_837, 1)
      // the same walk with a lower limit, so that it can be seen
      const rule = { rate: 0.5, limit: 4, forgetAfter: 1e9 }
      const random = yield* Random.Random
      let calls = 0
      for (let verdicts = 0; verdicts < 4000; verdicts++) {
        for (let evidence = Evidence.none; !Evidence.convicts(evidence, rule); calls++) {
          evidence = Evidence.record(evidence, random.nextDoubleUnsafe() < 0.3, 0, rule)
        }
      }
      const expected = callsUntilVerdict(4, 0.3)
      assert.closeTo(calls / 4000, expected, expected / 20)
    }).pipe(Random.withSeed("evidence")))

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["never forgives", {
      ...Evidence,
      record: (self, bad, ...rest) => bad ? Evidence.record(self, bad, ...rest) : self
    }],
    ["holds good calls in reserve", {
      ...Evidence,
      record: (self, bad, now, rule) => ({ weight: self.weight + (bad ? 1 : -rule.rate / (1 - rule.rate)), at: now })
    }],
    ["convicts one call late", { ...Evidence, convicts: (self, rule) => self.weight >= rule.limit + 1 }]
  ]
  it.effect.each(broken)(
    "is told from a judge that %s",
    ([, machine]) => Law.isBroken(cases(20), weighsTheWorstRun(machine))
  )

  const forgetful: ReadonlyArray<readonly [string, Machine]> = [
    ["never forgets", { ...Evidence, weigh: (self) => self.weight }],
    ["forgets at once", { ...Evidence, weigh: (self, now, rule) => now > self.at + rule.forgetAfter ? 0 : self.weight }]
  ]
  it.effect.each(forgetful)(
    "is told from a judge that %s",
    ([, machine]) => Law.isBroken(cases(3000), fadesInSilence(machine))
  )
})
