import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Random } from "effect"
import * as Outlier from "../../src/machine/Outlier.ts"
import * as Tally from "../../src/machine/Tally.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Tally, "make" | "fade" | "failed" | "answered"> & Pick<typeof Outlier, "judge">

const decay = 1000
const rule: Outlier.Rule = { evidence: 3, failureGap: 0.2, latencyFactor: 3, latencyFloor: 50 }

interface Call {
  readonly by: number
  readonly failed: boolean
  readonly millis: number
  readonly after: number
}

// some fail more than others, and some are slower: a roll of the dice decides by how much
const histories: Arbitrary.Arbitrary<ReadonlyArray<Call>> = Arbitrary.map(
  Arbitrary.all({
    members: Law.list(Arbitrary.all({ fails: Law.oneOf(0, 0, 30, 100), millis: Law.oneOf(5, 20, 100, 900) }), 3, 3),
    calls: Law.list(Arbitrary.all({ by: Law.int(0, 2), roll: Law.int(0, 99), after: Law.int(0, 60) }), 80, 10)
  }),
  ({ calls, members }) =>
    calls.map(({ after, by, roll }) => ({
      by,
      after,
      failed: roll < members[by]!.fails,
      millis: members[by]!.millis * (1 + roll / 50)
    }))
)

const logOf = (millis: number): number => Math.log(millis)

/** The reference: goes through all calls of both sides, each worth what is left of it. */
const verdictOf = (calls: ReadonlyArray<Call & { readonly at: number }>, now: number, who: number) => {
  const sum = (side: (call: Call) => boolean, value: (call: Call) => number): number =>
    calls.filter(side).reduce((sum, call) => sum + Math.exp((call.at - now) / decay) * value(call), 0)
  const own = ({ by }: Call) => by === who
  const theirs = ({ by }: Call) => by !== who
  const failed = (call: Call) => call.failed ? 1 : 0
  const answered = (call: Call) => call.failed ? 0 : 1
  const log = (call: Call) => call.failed ? 0 : logOf(call.millis)

  const [n, m] = [sum(own, () => 1), sum(theirs, () => 1)]
  const [f, g] = [sum(own, failed), sum(theirs, failed)]
  const [a, b] = [sum(own, answered), sum(theirs, answered)]
  const rate = (f + g) / (n + m)
  const gap = f / n - g / m
  const needed = Math.max(rule.failureGap, 3 * Math.sqrt(rate * (1 - rate) * (1 / n + 1 / m)))
  const behind = sum(own, log) / a - sum(theirs, log) / b
  const isFailing = n >= rule.evidence && m >= rule.evidence && gap > needed
  const isSlow = a >= rule.evidence && b >= rule.evidence && behind > Math.log(rule.latencyFactor) &&
    sum(own, log) / a > Math.log(rule.latencyFloor)
  // where rounding decides, nothing is said
  const edges = [n, m, a, b].map((side) => side - rule.evidence).concat(gap - needed, behind - Math.log(3))
  return { isEdge: edges.some((edge) => Math.abs(edge) < 1e-6), reason: isFailing ? "Failing" : isSlow ? "Slow" : "" }
}

const seen = new Set<string>()

const saysWhatAllCallsSay = (machine: Machine) => (history: ReadonlyArray<Call>): void => {
  const all = machine.make()
  const own = [machine.make(), machine.make(), machine.make()]
  const told: Array<Call & { readonly at: number }> = []
  let now = 0
  for (const call of history) {
    now += call.after
    told.push({ ...call, at: now })
    for (const tally of [own[call.by]!, all]) {
      const log = logOf(call.millis)
      if (call.failed) machine.failed(tally, now, decay)
      else machine.answered(tally, log, log - 3, now, decay)
    }
    own.forEach((tally, who) => {
      machine.fade(tally, now, decay)
      const { isEdge, reason } = verdictOf(told, now, who)
      if (isEdge) return
      seen.add(reason)
      assert.strictEqual(machine.judge(tally, all, rule) ?? "", reason, `member ${who} after ${told.length} calls`)
    })
  }
}

describe("Outlier", () => {
  const sound: Machine = { ...Tally, ...Outlier }

  it.prop("says of each what a look at all calls of all says", [histories], ([history]) => {
    saysWhatAllCallsSay(sound)(history)
  }, Law.check(150))

  it("has been told of every kind", () => assert.sameMembers(Array.from(seen), ["", "Failing", "Slow"]))

  const healthy = (calls: number, failures: number, millis = 100): Tally.Tally => ({
    calls,
    failures,
    logs: (calls - failures) * Math.log(millis),
    excess: (calls - failures) * Math.log(millis),
    at: 0
  })
  const together = (...tallies: ReadonlyArray<Tally.Tally>): Tally.Tally => {
    const all = Tally.make()
    for (const tally of tallies) Tally.add(all, tally, 0, decay)
    return all
  }

  it("says nothing while either side has shown too little", () => {
    const bad = healthy(20, 20)
    const strict = { ...rule, evidence: 20 }
    assert.isUndefined(Outlier.judge(bad, together(bad, healthy(19, 0)), strict))
    assert.strictEqual(Outlier.judge(bad, together(bad, healthy(20, 0)), strict), "Failing")
    const fewer = healthy(19, 19)
    assert.isUndefined(Outlier.judge(fewer, together(fewer, healthy(1000, 0)), strict))
  })

  it("says nothing of one that has no peers, nor of all when all are as bad", () => {
    const bad = healthy(100, 100)
    assert.isUndefined(Outlier.judge(bad, together(bad), rule))
    assert.isUndefined(Outlier.judge(bad, together(bad, healthy(100, 95)), rule))
  })

  it("does not call slow what is fast in itself, however much faster the others are", () => {
    const slow = healthy(50, 0, 49)
    assert.isUndefined(Outlier.judge(slow, together(slow, healthy(50, 0, 1)), rule))
    const slower = healthy(50, 0, 51)
    assert.strictEqual(Outlier.judge(slower, together(slower, healthy(50, 0, 1)), rule), "Slow")
  })

  it("asks for a gap that is wide and no chance, and for slowness beyond its factor and its floor, each to the edge", () => {
    const judge = (own: Tally.Tally, others: Tally.Tally): string | undefined =>
      Outlier.judge(own, together(own, others), rule)
    // of so many calls any gap is no chance
    assert.isUndefined(judge(healthy(1000, 150), healthy(1000, 0)))
    assert.isUndefined(judge(healthy(1000, 200), healthy(1000, 0)), "a gap of a fifth is not above a fifth")
    assert.strictEqual(judge(healthy(1000, 201), healthy(1000, 0)), "Failing")
    // two thirds, which is three times the deviation of a third in nine and nine
    assert.isUndefined(judge(healthy(9, 6), healthy(9, 0)))
    assert.strictEqual(judge(healthy(9, 6.01), healthy(9, 0)), "Failing")

    const answering = (calls: number, logs: number, excess: number): Tally.Tally => ({
      calls,
      failures: 0,
      logs: calls * logs,
      excess: calls * excess,
      at: 0
    })
    const usual = answering(4, 0, 0)
    assert.isUndefined(judge(answering(4, 9, Math.log(3)), usual), "three times as long is not longer than that")
    assert.strictEqual(judge(answering(4, 9, Math.log(3) + 1e-9), usual), "Slow")
    assert.isUndefined(judge(answering(4, Math.log(50), 5), usual), "just at the floor")
    assert.strictEqual(judge(answering(4, Math.log(50) + 1e-9, 5), usual), "Slow")
    assert.strictEqual(judge(answering(3, 9, 5), answering(3, 0, 0)), "Slow", "three are enough, on both sides")
    for (const [own, others] of [[2.9, 3], [3, 2.9]] as const) {
      // those that failed are told, and are no answers
      const failing = (answers: number): Tally.Tally => ({
        ...answering(answers, 9, 5),
        calls: 10,
        failures: 10 - answers
      })
      assert.isUndefined(judge(failing(own), { ...failing(others), excess: 0 }))
    }
  })

  it.effect("leaves equals alone, at any rate of failures", () =>
    Effect.gen(function*() {
      const random = yield* Random.Random
      const strict: Outlier.Rule = { ...rule, evidence: 20 }
      for (const rate of [0.01, 0.1, 0.3, 0.5]) {
        let verdicts = 0
        const all = Tally.make()
        const own = [Tally.make(), Tally.make(), Tally.make()]
        for (let call = 0; call < 20_000; call++) {
          const tally = own[call % 3]!
          for (const each of [tally, all]) Tally.fade(each, call * 10, decay * 10)
          const failed = random.nextDoubleUnsafe() < rate
          const log = Math.log(50 + 400 * random.nextDoubleUnsafe())
          for (const each of [tally, all]) {
            if (failed) Tally.failed(each, call * 10, decay * 10)
            else Tally.answered(each, log, log, call * 10, decay * 10)
          }
          if (Outlier.judge(tally, all, strict) !== undefined) verdicts++
        }
        assert.isAtMost(verdicts, 4, `of 20 000 calls that fail at ${rate}`)
      }
    }).pipe(Random.withSeed("equals")))

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["compares it with itself as well", {
      ...sound,
      judge: (own, all, rule) => Outlier.judge(own, together(own, all), rule)
    }],
    ["takes chance for a difference", {
      ...sound,
      judge: (own, all, rule) => {
        const others = all.calls - own.calls
        const gap = own.failures / own.calls - (all.failures - own.failures) / others
        return own.calls >= rule.evidence && others >= rule.evidence && gap > rule.failureGap
          ? "Failing"
          : Outlier.judge(own, all, rule)
      }
    }],
    ["forgets nothing", {
      ...sound,
      fade: () => {},
      failed: (self, now, decay) => Tally.failed(Object.assign(self, { at: now }), now, decay),
      answered: (self, log, excess, now, decay) =>
        Tally.answered(Object.assign(self, { at: now }), log, excess, now, decay)
    }],
    ["needs no evidence of the others", {
      ...sound,
      judge: (own, all, rule) =>
        own.calls < rule.evidence ? undefined : Outlier.judge(own, all, { ...rule, evidence: 1 })
    }],
    ["hears nothing of latencies", {
      ...sound,
      judge: (own, all, rule) => Outlier.judge(own, all, { ...rule, latencyFactor: Infinity })
    }],
    ["has no floor", { ...sound, judge: (own, all, rule) => Outlier.judge(own, all, { ...rule, latencyFloor: 0 }) }]
  ]
  it.effect.each(broken)(
    "is told from a judge that %s",
    ([, machine]) => Law.isBroken(histories, saysWhatAllCallsSay(machine))
  )
})

describe("Tally", () => {
  it("knows what most answers take, whatever a few take, and nothing while nothing was answered", () => {
    const tally = Tally.make()
    assert.strictEqual(Tally.typical(tally), 0)
    Tally.failed(tally, 0, decay)
    assert.strictEqual(Tally.typical(tally), 0)
    for (let call = 0; call < 99; call++) Tally.answered(tally, Math.log(100), 0, call, decay)
    Tally.answered(tally, Math.log(100_000), 0, 99, decay)
    assert.isBelow(Tally.typical(tally), 120)
  })

  it("forgets what was usual when nothing is left of it", () => {
    const tally = Tally.make()
    Tally.answered(tally, Math.log(100), 0, 0, decay)
    Tally.fade(tally, 2 * decay, decay)
    assert.closeTo(Tally.typical(tally), 100, 1e-6)
    Tally.fade(tally, 3 * decay, decay)
    assert.strictEqual(Tally.typical(tally), 0)
  })

  it("of many is that of the others once one has left", () => {
    const [one, other, all] = [Tally.make(), Tally.make(), Tally.make()]
    for (const tally of [one, all]) Tally.failed(tally, 100, decay)
    for (const tally of [other, all]) Tally.answered(tally, 5, 2, 700, decay)
    Tally.subtract(all, one, 900, decay)
    Tally.fade(other, 900, decay)
    for (const field of ["calls", "failures", "logs", "excess"] as const) assert.closeTo(all[field], other[field], 1e-9)
    Tally.subtract(all, { ...other, calls: other.calls + 1e-12 }, 900, decay)
    assert.strictEqual(all.calls, 0)
  })
})
