import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Circuit from "../../src/machine/Circuit.ts"
import * as Law from "../Law.ts"
import * as CircuitByHistory from "./CircuitByHistory.ts"

type Machine = Pick<typeof Circuit, "admit" | "settle" | "isolate" | "reset" | "current">

const never = { rate: 0.5, limit: Infinity, forgetAfter: 1000 }

const rulesArbitrary = Arbitrary.map(
  Arbitrary.all([Law.int(1, 4), Law.int(1, 4), Law.int(1, 3), Law.int(1, 3), Law.int(5, 40), Law.oneOf(0, 0.5)]),
  ([failures, slowCalls, probes, successesToClose, probeLease, jitter]): Circuit.Rules => ({
    trip: { _tag: "Consecutive", failures },
    // at a rate of a half a slow call weighs as much as one that is not
    stats: { failures: never, slow: { rate: 0.5, limit: slowCalls, forgetAfter: 1e9 }, rings: [], window: 0 },
    openFor: [20, 40, 80, 100],
    jitter,
    maxHint: 100,
    healthySpell: 20,
    probes,
    probeLease,
    successesToClose,
    probeCalls: successesToClose,
    rampFor: 0
  })
)

interface Step {
  readonly do: "call" | "finish" | "pass" | "isolate" | "reset"
  readonly by: number
  readonly outcome: Circuit.Outcome
  readonly rare: number
}

const stepArbitrary: Arbitrary.Arbitrary<Step> = Arbitrary.all({
  do: Law.oneOf("call", "call", "finish", "finish", "finish", "pass", "isolate", "reset"),
  by: Law.int(0, 60),
  outcome: Law.oneOf("Success", "Success", "Slow", "Failure", "Failure", "Failure", "Ignored"),
  // an operator's hand is rarer than traffic
  rare: Law.int(0, 9)
})

const cases = Arbitrary.all({ rules: rulesArbitrary, history: Law.list(stepArbitrary, 100) })

interface Case {
  readonly rules: Circuit.Rules
  readonly history: ReadonlyArray<Step>
}

/** Plays a history to the machine and to the reference, and compares after each step. */
const agreesWithItsHistory = (machine: Machine) => ({ history, rules }: Case): void => {
  const model = CircuitByHistory.make(rules)
  const calls: Array<CircuitByHistory.Call> = []
  let circuit: Circuit.Circuit = Circuit.closed(0, rules)
  let now = 0
  for (const step of history) {
    const before: Circuit.Circuit = circuit
    if (step.do === "call") {
      const [verdict, next] = machine.admit(circuit, now, rules)
      const expected = model.ask(now)
      circuit = next
      if (Circuit.isTicket(verdict)) {
        assert.isTrue(expected, "a call passed")
        const call = { ticket: verdict, era: model.era(), leaseUntil: now + rules.probeLease }
        calls.push(call)
        model.started(call)
      } else {
        assert.deepStrictEqual(verdict, expected)
        if (verdict.retryAfter !== undefined) {
          const passesAfter = (wait: number) => Circuit.isTicket(machine.admit(next, now + wait, rules)[0])
          assert.isFalse(passesAfter(Math.ceil(verdict.retryAfter) - 1), "a millisecond before retryAfter")
          assert.isTrue(passesAfter(Math.ceil(verdict.retryAfter)), "at retryAfter")
        }
      }
    } else if (step.do === "finish" && calls.length > 0) {
      const [call] = calls.splice(step.by % calls.length, 1)
      const random = step.by / 61
      const late = call!.era !== model.era()
      circuit = machine.settle(circuit, call!.ticket, step.outcome, now, random, rules)
      model.finished(call!, step.outcome, now, random)
      if (late) assert.strictEqual(circuit, before, "a late answer moved the state")
    } else if (step.do === "pass") {
      now += step.by
    } else if (step.rare === 0 && step.do === "isolate") {
      circuit = machine.isolate(circuit, now)
      model.isolate(now)
    } else if (step.rare === 0 && step.do === "reset") {
      circuit = machine.reset(circuit, now, rules)
      model.reset(now)
    }
    assert.strictEqual(machine.current(circuit, now), model.state(now))
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

describe("Circuit", () => {
  it.prop("says at any time what its whole history says", { case: cases }, ({ case: it }) => {
    agreesWithItsHistory(Circuit)(it)
  }, Law.check(500))

  it.prop("frees the place of a probe that never returns, exactly when its lease ends", [rulesArbitrary], ([rules]) => {
    let circuit = opened(rules)
    const halfOpenAt = 20
    for (let probe = 0; probe < rules.probes; probe++) {
      const [verdict, next] = Circuit.admit(circuit, halfOpenAt, rules)
      assert.isTrue(Circuit.isTicket(verdict))
      circuit = next
    }
    const passes = (now: number) => Circuit.isTicket(Circuit.admit(circuit, now, rules)[0])
    assert.isFalse(passes(halfOpenAt + rules.probeLease - 1))
    assert.isTrue(passes(halfOpenAt + rules.probeLease))
  }, Law.check(100))

  it("stays open longer at each opening in close succession, up to its longest, and never for ever", () => {
    const rules: Circuit.Rules = {
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
    let circuit = opened(rules)
    const lengths: Array<number> = []
    for (let n = 0; n < 2000; n++) {
      assert(circuit._tag === "Open")
      lengths.push(circuit.until - circuit.since)
      const now = circuit.until
      const [ticket, halfOpen] = Circuit.admit(circuit, now, rules)
      assert(Circuit.isTicket(ticket))
      circuit = Circuit.settle(halfOpen, ticket, "Failure", now, 0, rules)
    }
    assert.deepStrictEqual(lengths.slice(0, 5), [20, 40, 80, 100, 100])
    assert.strictEqual(lengths.at(-1), 100)
  })

  const settle = Circuit.settle
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
      settle: (self, ticket, outcome, now, random, rules) =>
        self._tag === "Closed" && outcome === "Success"
          ? self
          : settle(self, ticket, outcome, now, random, rules)
    }],
    ["keeps its epoch when isolated", {
      ...Circuit,
      isolate: (self, now) => ({ ...Circuit.isolate(self, now), epoch: self.epoch })
    }]
  ]
  it.effect.each(broken)(
    "is told from a circuit that %s",
    ([, machine]) => Law.isBroken(cases, agreesWithItsHistory(machine))
  )
})
