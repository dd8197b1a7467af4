import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Pulse from "../../src/machine/Pulse.ts"
import * as Law from "../Law.ts"

const cases = Arbitrary.all({
  rule: Arbitrary.all({
    firstToken: Law.oneOf(5, 20, 60),
    idle: Law.oneOf(5, 20, 60),
    characters: Law.oneOf(0, 0, 3, 8),
    stretch: Law.oneOf(10, 30)
  }),
  steps: Law.list(
    Arbitrary.all({
      after: Law.oneOf(0, 1, 2, 4, 9, 25),
      do: Law.oneOf("token", "token", "token", "token", "hold", "resume", "said"),
      amount: Law.int(0, 6)
    }),
    40
  )
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

const patience = 100

interface Verdict {
  readonly verdict: Pulse.Verdict | undefined
  readonly at: number
}

/** When a stream is over, and why, by living through each of its milliseconds. */
const liveThrough = ({ rule, steps }: Case): Verdict => {
  const waiting = { token: 0, stretch: 0, end: undefined as number | undefined }
  let characters = 0
  let hasBegun = false
  let isHeld = false
  let left = 0
  const queue = steps.map((step) => ({ ...step, at: left += step.after }))
  for (let at = 0; at <= left + patience; at++) {
    if (at > 0 && !isHeld) {
      waiting.token++
      waiting.stretch++
      if (waiting.end !== undefined) waiting.end--
    }
    for (const step of queue.filter((step) => step.at === at)) {
      if (step.do === "hold") isHeld = true
      if (step.do === "resume") isHeld = false
      // held up, nothing is read
      if (isHeld) continue
      if (step.do === "said") waiting.end = Math.min(waiting.end ?? Infinity, step.amount)
      if (step.do === "token") {
        if (!hasBegun) waiting.stretch = 0
        hasBegun = true
        waiting.token = 0
        characters += step.amount
      }
    }
    if (isHeld) continue
    if (waiting.end !== undefined) {
      if (waiting.end <= 0) return { verdict: "Said", at }
      continue
    }
    if (!hasBegun && waiting.token >= rule.firstToken) return { verdict: "FirstToken", at }
    if (!hasBegun) continue
    if (waiting.token >= rule.idle) return { verdict: "Idle", at }
    if (rule.characters === 0 || waiting.stretch < rule.stretch) continue
    if (characters < rule.characters) return { verdict: "Slow", at }
    characters = 0
    waiting.stretch = 0
  }
  return { verdict: undefined, at: left + patience }
}

interface Machine extends Pick<typeof Pulse, "beat" | "check" | "due" | "hold" | "resume" | "said"> {}

/** The same by one timer, which looks when it is due and at no other time. */
const byTimer = (machine: Machine, { rule, steps }: Case): Verdict => {
  const self = Pulse.make(0)
  let timer = machine.due(self, rule)
  let now = 0
  const ring = (until: number): Verdict | undefined => {
    while (timer <= until) {
      const at = timer
      const verdict = machine.check(self, rule, at)
      if (verdict !== undefined) return { verdict, at }
      timer = machine.due(self, rule)
      assert.isAbove(timer, at, "the timer rings for ever")
    }
    return undefined
  }
  for (const step of steps) {
    // what happens in the millisecond of the timer happens before it
    const over = ring(now + step.after - 1)
    if (over !== undefined) return over
    now += step.after
    let isSooner = false
    if (step.do === "token" && self.heldSince === undefined) isSooner = machine.beat(self, step.amount, now)
    if (step.do === "hold" && self.heldSince === undefined) machine.hold(self, now)
    if (step.do === "resume") {
      isSooner = self.heldSince !== undefined
      machine.resume(self, now)
    }
    if (step.do === "said" && self.heldSince === undefined) isSooner = machine.said(self, step.amount, now)
    if (isSooner) timer = machine.due(self, rule)
    if (now < machine.due(self, rule)) {
      assert.isUndefined(machine.check(self, rule, now), "there is a verdict before it is due")
    }
  }
  return ring(now + patience) ?? { verdict: undefined, at: now + patience }
}

const livesAsLong = (machine: Machine) => (it: Case): void => {
  assert.deepStrictEqual(byTimer(machine, it), liveThrough(it))
}

describe("Pulse", () => {
  it.prop("ends a stream when its time is up, to the millisecond, with one timer", [cases], ([it]) => {
    livesAsLong(Pulse)(it)
  }, Law.check(2000))

  const broken: ReadonlyArray<readonly [string, Partial<Machine>]> = [
    ["counts the time in which its reader held it up", {
      resume: (self) => {
        self.heldSince = undefined
      }
    }],
    ["does not look again after a token", {
      due: (self, rule) => self.hasBegun ? Infinity : Pulse.due(self, rule)
    }],
    ["counts what came before for each stretch", {
      check: (self, rule, now) => {
        const { characters } = self
        const verdict = Pulse.check(self, rule, now)
        self.characters = characters
        return verdict
      }
    }],
    ["gives its verdict whenever it is asked", {
      check: (self, rule) => Pulse.check(self, rule, Pulse.due(self, rule))
    }],
    ["takes silence after the end for a stall", {
      said: () => false
    }],
    ["begins the first stretch before the first token", {
      beat: (self, characters, now) => {
        const { stretchedFrom } = self
        const isFirst = Pulse.beat(self, characters, now)
        self.stretchedFrom = stretchedFrom
        return isFirst
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, part]) => Law.isBroken(cases, livesAsLong({ ...Pulse, ...part }))
  )

  it("may be due sooner with the first token, and with no other", () => {
    const self = Pulse.make(0)
    assert.deepStrictEqual([Pulse.beat(self, 1, 1), Pulse.beat(self, 1, 2), Pulse.beat(self, 0, 2)], [
      true,
      false,
      false
    ])
  })

  it("is due sooner only when the end is to come sooner than it was", () => {
    const self = Pulse.make(0)
    assert.isFalse(Pulse.said(self, Infinity, 0))
    assert.isTrue(Pulse.said(self, 5, 1))
    assert.isFalse(Pulse.said(self, 5, 2))
    assert.isFalse(Pulse.said(self, 4, 2))
    assert.isTrue(Pulse.said(self, 3, 2))
  })

  it("is not due at the end of a stretch in which any number of characters will do", () => {
    const rule = { firstToken: 10, idle: 60, characters: 0, stretch: 20 }
    const self = Pulse.make(0)
    Pulse.beat(self, 1, 5)
    assert.strictEqual(Pulse.due(self, rule), 65)
    assert.strictEqual(Pulse.due(self, { ...rule, characters: 1 }), 25)
  })

  it("tells how long its reader held it up", () => {
    const self = Pulse.make(0)
    Pulse.hold(self, 5)
    Pulse.resume(self, 25)
    Pulse.resume(self, 40)
    Pulse.hold(self, 50)
    Pulse.resume(self, 51)
    assert.strictEqual(self.held, 21)
  })
})
