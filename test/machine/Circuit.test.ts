import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import type * as CallStats from "../../src/machine/CallStats.ts"
import * as Circuit from "../../src/machine/Circuit.ts"
import * as TripRule from "../../src/machine/TripRule.ts"
import * as Law from "../Law.ts"
import * as CircuitByHistory from "./CircuitByHistory.ts"
import * as TripByHistory from "./TripByHistory.ts"

type Machine = Pick<typeof Circuit, "admit" | "settle" | "isolate" | "release" | "reset" | "current" | "closed">

const never = { rate: 0.5, limit: Infinity, forgetAfter: 1000 }

const openings: ReadonlyArray<ReadonlyArray<number>> = [[20], [20, 40, 80, 100], [30, 5, 50]]

const rulesArbitrary = (trip: Arbitrary.Arbitrary<Circuit.Rules["trip"]>): Arbitrary.Arbitrary<Circuit.Rules> =>
  Arbitrary.map(
    Arbitrary.all({
      trip,
      slowCalls: Law.int(1, 4),
      probes: Law.int(1, 3),
      successesToClose: Law.int(1, 3),
      spareProbes: Law.oneOf(0, 0, 1, 2),
      probeLease: Law.int(5, 40),
      jitter: Law.oneOf(0, 0.5, 1),
      openFor: Law.oneOf(0, 1, 2),
      rampFor: Law.oneOf(0, 0, 40, 160)
    }),
    ({ jitter, openFor, probeLease, probes, rampFor, slowCalls, spareProbes, successesToClose, trip }) => ({
      trip,
      // at a rate of a half a slow call weighs as much as one that is not
      stats: TripByHistory.shapeOf(trip, TripByHistory.window, slowCalls),
      openFor: openings[openFor]!,
      jitter,
      maxHint: 100,
      healthySpell: openings[openFor]![0]!,
      probes,
      probeLease,
      successesToClose,
      probeCalls: successesToClose + spareProbes,
      rampFor
    })
  )

const consecutive = Arbitrary.map(Law.int(1, 4), (failures): Circuit.Rules["trip"] => ({
  _tag: "Consecutive",
  failures
}))

interface Step {
  readonly do: "call" | "finish" | "pass" | "isolate" | "release" | "reset"
  readonly by: number
  readonly outcome: Circuit.Outcome
  readonly hint: number
  readonly rare: number
}

const stepArbitrary: Arbitrary.Arbitrary<Step> = Arbitrary.all({
  do: Law.oneOf("call", "call", "call", "finish", "finish", "finish", "pass", "isolate", "release", "release", "reset"),
  by: Law.int(0, 60),
  outcome: Law.oneOf("Success", "Success", "Slow", "Failure", "Failure", "Failure", "Ignored"),
  hint: Law.oneOf(0, 0, 0, 15, 70, 500, Infinity),
  // an operator's hand is rarer than traffic
  rare: Law.int(0, 9)
})

interface Case {
  readonly rules: Circuit.Rules
  readonly history: ReadonlyArray<Step>
}

const casesOf = (trip: Arbitrary.Arbitrary<Circuit.Rules["trip"]>): Arbitrary.Arbitrary<Case> =>
  Arbitrary.all({ rules: rulesArbitrary(trip), history: Law.list(stepArbitrary, 100) })

const cases = casesOf(consecutive)

const anyRule = casesOf(TripByHistory.rules)

/** Histories in which hands do more than calls. */
const byHand: Arbitrary.Arbitrary<Case> = Arbitrary.map(cases, ({ history, rules }) => ({
  rules,
  history: history.map((step) => ({ ...step, rare: step.rare % 2 }))
}))

/** Plays a history to the machine and to the reference, and compares after each step. */
const agreesWithItsHistory = (machine: Machine) => ({ history, rules }: Case): void => {
  const model = CircuitByHistory.make(rules)
  const calls: Array<CircuitByHistory.Call> = []
  const holds: Array<CircuitByHistory.Hold> = []
  let circuit: Circuit.Circuit = machine.closed(0, rules)
  let now = 0
  for (const step of history) {
    const before: Circuit.Circuit = circuit
    if (step.do === "call") {
      const expected = model.ask(now)
      const [verdict, next] = machine.admit(circuit, now, rules)
      circuit = next
      const passed = Circuit.isTicket(verdict)
      if (expected !== "either") assert.deepStrictEqual(passed ? true : verdict, expected)
      model.asked(passed, now)
      if (passed) {
        const call = { ticket: verdict, era: model.era(), leaseUntil: now + rules.probeLease }
        calls.push(call)
        model.started(call)
      } else if (verdict.retryAfter !== undefined) {
        const passesAfter = (wait: number) => Circuit.isTicket(machine.admit(next, now + wait, rules)[0])
        assert.isFalse(passesAfter(Math.ceil(verdict.retryAfter) - 1), "a millisecond before retryAfter")
        assert.isTrue(passesAfter(Math.ceil(verdict.retryAfter)), "at retryAfter")
      }
    } else if (step.do === "finish" && calls.length > 0) {
      const [call] = calls.splice(step.by % calls.length, 1)
      const random = step.by / 61
      const late = call!.era !== model.era()
      circuit = machine.settle(circuit, call!.ticket, step.outcome, now, random, rules, step.hint)
      model.finished(call!, step.outcome, now, random, step.hint)
      if (late) assert.strictEqual(circuit, before, "a late answer moved the state")
      if (circuit._tag === "Open" && before._tag !== "Open") {
        assert.include(["Failure", "Slow"], step.outcome, "neither a success nor an interrupt opens")
        assert.isAtLeast(circuit.until - now, Math.min(step.hint, rules.maxHint), "never shorter than the hint")
        assert.isAtMost(circuit.until - now, 100, "never longer than the longest")
      }
    } else if (step.do === "pass") {
      now += step.by
    } else if (step.rare === 0 && step.do === "isolate") {
      const isolated = machine.isolate(circuit, now)
      circuit = isolated
      model.isolate(now)
      holds.push({ epoch: isolated.epoch, era: model.era() })
    } else if (step.do === "release" && holds.length > 0) {
      const [hold] = holds.splice(step.by % holds.length, 1)
      circuit = machine.release(circuit, hold!.epoch, now, rules)
      model.release(hold!, now)
    } else if (step.rare === 0 && step.do === "reset") {
      circuit = machine.reset(circuit, now, rules)
      model.reset(now)
    }
    assert.strictEqual(machine.current(circuit, now), model.state(now))
    assert.strictEqual(circuit._tag === "Open" ? circuit.because : undefined, model.because())
    assert.strictEqual(Circuit.openings(circuit, now, rules), model.openings(now))
    assert.strictEqual(Circuit.share(circuit, now, rules), model.share(now))
    assert.isAtLeast(circuit.epoch, before.epoch)
    if (circuit._tag !== before._tag) assert.isAbove(circuit.epoch, before.epoch)
    if (circuit._tag === "HalfOpen") {
      assert.isAtMost(circuit.leases.filter((lease) => lease.until > now).length, rules.probes)
    }
  }
}

const opened = (rules: Circuit.Rules): Circuit.Circuit => {
  let circuit: Circuit.Circuit = Circuit.closed(0, rules)
  while (circuit._tag === "Closed") circuit = Circuit.settle(circuit, circuit.ticket, "Failure", 0, 0, rules)
  return circuit
}

const plain: Circuit.Rules = {
  trip: { _tag: "Consecutive", failures: 1 },
  stats: { failures: never, slow: never, rings: [], window: 0 },
  openFor: [20, 40, 80, 100],
  jitter: 0,
  maxHint: 0,
  healthySpell: 20,
  probes: 1,
  probeLease: 10,
  successesToClose: 1,
  probeCalls: 1,
  rampFor: 0
}

describe("Circuit", () => {
  it.prop("says at any time what its whole history says", { case: cases }, ({ case: it }) => {
    agreesWithItsHistory(Circuit)(it)
  }, Law.check(500))

  it.prop("does so by any rule, alone and joined, and names the one that opened it", { case: anyRule }, (
    { case: it }
  ) => {
    agreesWithItsHistory(Circuit)(it)
  }, Law.check(500))

  it.prop("closes for the last who holds it open and lets go, or for a reset", { case: byHand }, ({ case: it }) => {
    agreesWithItsHistory(Circuit)(it)
  }, Law.check(200))

  it.prop(
    "frees the place of a probe that never returns, exactly when its lease ends",
    [rulesArbitrary(consecutive)],
    ([rules]) => {
      let circuit = opened(rules)
      const halfOpenAt = 100
      for (let probe = 0; probe < rules.probes; probe++) {
        const [verdict, next] = Circuit.admit(circuit, halfOpenAt, rules)
        assert.isTrue(Circuit.isTicket(verdict))
        circuit = next
      }
      const passes = (now: number) => Circuit.isTicket(Circuit.admit(circuit, now, rules)[0])
      assert.isFalse(passes(halfOpenAt + rules.probeLease - 1))
      assert.isTrue(passes(halfOpenAt + rules.probeLease))
    },
    Law.check(100)
  )

  it("stays open longer at each opening in close succession, up to its longest, and never for ever", () => {
    let circuit = opened(plain)
    const lengths: Array<number> = []
    for (let n = 0; n < 2000; n++) {
      assert(circuit._tag === "Open")
      lengths.push(circuit.until - circuit.since)
      const now = circuit.until
      const [ticket, halfOpen] = Circuit.admit(circuit, now, plain)
      assert(Circuit.isTicket(ticket))
      circuit = Circuit.settle(halfOpen, ticket, "Failure", now, 0, plain)
    }
    assert.deepStrictEqual(lengths.slice(0, 5), [20, 40, 80, 100, 100])
    assert.strictEqual(lengths.at(-1), 100)
  })

  it.prop(
    "is forgiven one opening for each healthy spell, however often it is called meanwhile",
    [Law.int(1, 10), Law.list(Law.int(0, 30), 30)],
    ([openings, gaps]) => {
      const rules: Circuit.Rules = { ...plain, trip: { _tag: "Consecutive", failures: 1000 } }
      let circuit: Circuit.Circuit = Circuit.closed(0, rules, 0, openings)
      let now = 0
      for (const gap of gaps) {
        now += gap
        assert(circuit._tag === "Closed")
        circuit = Circuit.settle(circuit, circuit.ticket, gap % 2 === 0 ? "Success" : "Failure", now, 0, rules)
        const left = Math.max(0, openings - Math.floor(now / rules.healthySpell))
        assert.strictEqual(Circuit.openings(circuit, now, rules), left)
      }
    },
    Law.check(100)
  )

  const settle = Circuit.settle
  const withRules = (change: (rules: Circuit.Rules) => Circuit.Rules): Machine => ({
    ...Circuit,
    admit: (self, now, rules) => Circuit.admit(self, now, change(rules)),
    settle: (self, ticket, outcome, now, random, rules, hint) =>
      settle(self, ticket, outcome, now, random, change(rules), hint),
    release: (self, epoch, now, rules) => Circuit.release(self, epoch, now, change(rules))
  })
  let kept: CallStats.CallStats | undefined
  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["listens to late answers", {
      ...Circuit,
      settle: (self, ticket, ...rest) => settle(self, { ...ticket, epoch: self.epoch }, ...rest)
    }],
    ["lets one probe too many out", {
      ...Circuit,
      admit: (self, now, rules) => Circuit.admit(self, now, { ...rules, probes: rules.probes + 1 })
    }],
    ["waits for ever for a lost probe", {
      ...Circuit,
      admit: (self, now, rules) => Circuit.admit(self, now, { ...rules, probeLease: 1e9 })
    }],
    ["keeps the place of an interrupted probe", {
      ...Circuit,
      settle: (self, ticket, outcome, ...rest) => outcome === "Ignored" ? self : settle(self, ticket, outcome, ...rest)
    }],
    ["takes an interrupt for a success", {
      ...Circuit,
      settle: (self, ticket, outcome, ...rest) =>
        settle(self, ticket, outcome === "Ignored" ? "Success" : outcome, ...rest)
    }],
    ["promises a wait that is a millisecond short", {
      ...Circuit,
      admit: (self, now, rules) => {
        const [verdict, next] = Circuit.admit(self, now, rules)
        return Circuit.isTicket(verdict) || verdict.retryAfter === undefined
          ? [verdict, next]
          : [{ ...verdict, retryAfter: verdict.retryAfter - 1 }, next]
      }
    }],
    ["forgives no failure", {
      ...Circuit,
      settle: (self, ticket, outcome, ...rest) =>
        self._tag === "Closed" && outcome === "Success" ? self : settle(self, ticket, outcome, ...rest)
    }],
    ["keeps its epoch when isolated", {
      ...Circuit,
      isolate: (self, now) => ({ ...Circuit.isolate(self, now), epoch: self.epoch })
    }],
    ["remembers its openings after a reset", {
      ...Circuit,
      reset: (self, now, rules) => ({
        ...Circuit.reset(self, now, rules),
        openings: Circuit.openings(self, now, rules)
      })
    }],
    ["never forgives an opening", withRules((rules) => ({ ...rules, healthySpell: 1e9 }))],
    ["lets chance cut a hint", {
      ...Circuit,
      settle: (self, ticket, outcome, now, random, rules, hint = 0) =>
        settle(self, ticket, outcome, now, random, rules, hint * (1 - rules.jitter * random))
    }],
    ["does what a hint says, however long", withRules((rules) => ({ ...rules, maxHint: Infinity }))],
    ["pays no heed to hints", withRules((rules) => ({ ...rules, maxHint: 0 }))],
    ["adds chance to an opening", {
      ...Circuit,
      settle: (self, ticket, outcome, now, random, ...rest) => settle(self, ticket, outcome, now, -random, ...rest)
    }],
    [
      "closes at one good probe too few",
      withRules((rules) => ({
        ...rules,
        successesToClose: Math.max(1, rules.successesToClose - 1)
      }))
    ],
    [
      "waits for all its probes when nothing can be won any more",
      withRules((rules) => ({
        ...rules,
        probeCalls: rules.probeCalls + 1
      }))
    ],
    ["reopens at the first bad probe", withRules((rules) => ({ ...rules, probeCalls: rules.successesToClose }))],
    ["is content with a slow probe", {
      ...Circuit,
      settle: (self, ticket, outcome, ...rest) =>
        settle(self, ticket, self._tag === "HalfOpen" && outcome === "Slow" ? "Success" : outcome, ...rest)
    }],
    ["lets all pass once it is closed", withRules((rules) => ({ ...rules, rampFor: 0 }))],
    [
      "is not bothered by slow calls",
      withRules((rules) => ({
        ...rules,
        stats: { ...rules.stats, slow: { ...rules.stats.slow, limit: 1e9 } }
      }))
    ],
    ["names another rule", {
      ...Circuit,
      settle: (self, ...rest) => {
        const next = settle(self, ...rest)
        return next._tag === "Open" ? { ...next, because: "consecutive(1)" } : next
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a circuit that %s",
    ([, machine]) => Law.isBroken(cases, agreesWithItsHistory(machine))
  )

  const letGo: ReadonlyArray<readonly [string, Machine]> = [
    ["closes for whoever lets go first", {
      ...Circuit,
      release: (self, epoch, now, rules) =>
        Circuit.release(self._tag === "Isolated" ? { ...self, holds: 1 } : self, epoch, now, rules)
    }],
    ["lets go for one who held it long ago", {
      ...Circuit,
      release: (self, _, now, rules) => Circuit.release(self, self.epoch, now, rules)
    }]
  ]
  it.effect.each(letGo)(
    "is told from a circuit that %s",
    ([, machine]) => Law.isBroken(byHand, agreesWithItsHistory(machine))
  )

  const misruled: ReadonlyArray<readonly [string, Machine]> = [
    ["opens at a success", {
      ...Circuit,
      settle: (self, ticket, outcome, now, random, rules, hint) => {
        const next = settle(self, ticket, outcome, now, random, rules, hint)
        if (next._tag !== "Closed" || self._tag !== "Closed" || outcome !== "Success") return next
        const name = TripRule.tripped(rules.trip, next.stats)
        return name === undefined ? next : settle(next, ticket, "Slow", now, random, rules, hint)
      }
    }],
    ["takes over what it counted before it opened", {
      ...Circuit,
      settle: (self, ...rest) => {
        const next = settle(self, ...rest)
        if (self._tag === "Closed" && next._tag === "Open") kept = self.stats
        return self._tag === "HalfOpen" && next._tag === "Closed" && kept !== undefined
          ? { ...next, stats: kept }
          : next
      },
      closed: (...rest) => {
        kept = undefined
        return Circuit.closed(...rest)
      }
    }],
    ["has no end of its window", {
      ...Circuit,
      closed: (now, rules, ...rest) =>
        Circuit.closed(now, { ...rules, stats: { ...rules.stats, window: 1e6 * rules.stats.window } }, ...rest)
    }]
  ]
  it.effect.each(misruled)(
    "is told from a circuit that %s",
    ([, machine]) => Law.isBroken(anyRule, agreesWithItsHistory(machine))
  )
})
