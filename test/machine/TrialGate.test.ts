import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as TrialGate from "../../src/machine/TrialGate.ts"
import * as Law from "../Law.ts"
import { type Call, TrialGateByHistory } from "./TrialGateByHistory.ts"

type Machine = Pick<typeof TrialGate, "mayPass" | "remaining" | "pass" | "leave" | "answered" | "refused" | "open">

interface Step {
  readonly after: number
  readonly what: "ask" | "answer" | "refuse" | "leave" | "open"
  /** Which of the calls under way. */
  readonly which: number
  readonly wait: number
}

const lease = 60

const cases: Arbitrary.Arbitrary<ReadonlyArray<Step>> = Law.list(
  Arbitrary.map(
    Arbitrary.all([
      Law.oneOf(0, 0, 1, 5, 20, 70),
      Law.oneOf("ask", "ask", "ask", "ask", "answer", "answer", "refuse", "refuse", "leave", "open"),
      Law.int(0, 100),
      Law.oneOf(0, 10, 50, 100)
    ]),
    ([after, what, which, wait]) => ({ after, what, which, wait })
  ),
  60
)

/** Calls come, pass and end in any order, and at every step the gate says what its whole history says. */
const behavesAsHistory = (machine: Machine) => (steps: ReadonlyArray<Step>): void => {
  const gate = TrialGate.make()
  const history = new TrialGateByHistory(lease)
  const underWay: Array<Call> = []
  let now = 0
  let trials: Array<Call> = []
  for (const { after, wait, what, which } of steps) {
    now += after
    if (what === "open") {
      machine.open(gate, now)
      history.open(now)
      trials = []
    } else if (what === "ask") {
      assert.strictEqual(machine.mayPass(gate, now), history.mayPass(now))
      if (machine.mayPass(gate, now)) {
        const call = history.pass(now)
        machine.pass(gate, call, now, lease)
        underWay.push(call)
        trials = call.onTrial ? [...trials, call] : []
      }
    } else if (underWay.length > 0) {
      const [call] = underWay.splice(which % underWay.length, 1) as [Call]
      if (what === "answer") {
        machine.answered(gate, call, call.sentAt)
        history.answered(call)
      } else if (what === "refuse") {
        assert.strictEqual(
          machine.refused(gate, call.sentAt, now + wait, now),
          history.refused(call, now + wait, now)
        )
      }
      machine.leave(gate, call)
      call.hasLeft = true
    }
    assert.strictEqual(gate.isOpen, history.isOpen)
    if (!gate.isOpen) assert.strictEqual(gate.until, history.until)
    const left = history.isOpen ? 0 : history.until - now
    assert.strictEqual(machine.remaining(gate, now), left > 0 ? left : undefined)
    assert.strictEqual(machine.mayPass(gate, now), history.mayPass(now))
    const onTrial = trials.filter(({ hasLeft, sentAt }) => !hasLeft && now < sentAt + lease)
    if (!gate.isOpen) assert.isAtMost(onTrial.length, 1, "one trial at a time")
  }
}

const call = (): object => ({})

describe("TrialGate", () => {
  it.prop("does what its history says, whatever the order of calls, ends and resets", [cases], ([steps]) => {
    behavesAsHistory(TrialGate)(steps)
  }, Law.check(1000))

  it("lets one pass when its time has come, to the millisecond, and nobody beside it", () => {
    const gate = TrialGate.make()
    TrialGate.refused(gate, 0, 100, 0)
    assert.deepStrictEqual([TrialGate.mayPass(gate, 99), TrialGate.remaining(gate, 99)], [false, 1])
    assert.isTrue(TrialGate.mayPass(gate, 100))
    TrialGate.pass(gate, call(), 100, lease)
    assert.deepStrictEqual([TrialGate.mayPass(gate, 100), TrialGate.remaining(gate, 100)], [false, undefined])
  })

  it("asking takes nothing", () => {
    const gate = TrialGate.make()
    TrialGate.refused(gate, 0, 100, 0)
    for (let time = 0; time < 10; time++) assert.isTrue(TrialGate.mayPass(gate, 100))
  })

  it("gives the place of a trial that said nothing to the next, at once", () => {
    const gate = TrialGate.make()
    TrialGate.refused(gate, 0, 100, 0)
    const trial = call()
    TrialGate.pass(gate, trial, 100, lease)
    TrialGate.leave(gate, call())
    assert.isFalse(TrialGate.mayPass(gate, 100))
    TrialGate.leave(gate, trial)
    assert.isTrue(TrialGate.mayPass(gate, 100))
  })

  it("is not wedged by a trial that never returns", () => {
    const gate = TrialGate.make()
    TrialGate.refused(gate, 0, 100, 0)
    TrialGate.pass(gate, call(), 100, lease)
    assert.isFalse(TrialGate.mayPass(gate, 100 + lease - 1))
    assert.isTrue(TrialGate.mayPass(gate, 100 + lease))
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["lets everybody pass when its time has come", {
      ...TrialGate,
      mayPass: (gate, now) => gate.isOpen || now >= gate.until
    }],
    ["lets the trial pass too early", { ...TrialGate, mayPass: (gate, now) => TrialGate.mayPass(gate, now + 1) }],
    ["tells of its time when it is open again", {
      ...TrialGate,
      remaining: (gate, now) => now < gate.until ? gate.until - now : undefined
    }],
    ["keeps the place of a trial that has left", { ...TrialGate, leave: () => {} }],
    ["gives the place away when anybody leaves", {
      ...TrialGate,
      leave: (gate) => {
        gate.trial = undefined
      }
    }],
    ["waits for ever for its trial", {
      ...TrialGate,
      pass: (gate, call, now) => TrialGate.pass(gate, call, now, Infinity)
    }],
    ["is opened by an answer from before", {
      ...TrialGate,
      answered: (gate, call) => TrialGate.answered(gate, call, Infinity)
    }],
    ["is opened only by a call that was sent after the last refusal", {
      ...TrialGate,
      answered: (gate, _, sentAt) => TrialGate.answered(gate, {}, sentAt)
    }],
    ["is closed by a refusal from before it opened", {
      ...TrialGate,
      refused: (gate, _, until, now) => TrialGate.refused(gate, Infinity, until, now)
    }],
    ["forgets a longer refusal over a shorter one", {
      ...TrialGate,
      refused: (gate, sentAt, until, now) => {
        if (sentAt >= gate.openedBy) gate.until = -Infinity
        return TrialGate.refused(gate, sentAt, until, now)
      }
    }]
  ]
  it.effect.each(broken)("is told from a gate that %s", ([, machine]) => Law.isBroken(cases, behavesAsHistory(machine)))
})
