import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Backlog from "../../src/machine/Backlog.ts"
import * as Law from "../Law.ts"

type Machine = Pick<Backlog.Backlog, "note" | "giveBack" | "scale">

/** All that was ever taken, with what was held just before each. */
class ByHistory implements Machine {
  #taken: ReadonlyArray<{ readonly at: number; readonly held: number }> = []

  note(at: number, held: number): void {
    if (this.#taken.at(-1)?.at !== at) this.#taken = [...this.#taken, { at, held }]
  }

  giveBack(amount: number, takenAt: number): number {
    const freed = Math.min(amount, ...this.#taken.filter(({ at }) => at > takenAt).map(({ held }) => held))
    this.#taken = this.#taken.map(({ at, held }) => ({
      at,
      held: at > takenAt ? held - freed : held + amount - freed
    }))
    return freed
  }

  scale(factor: number): void {
    this.#taken = this.#taken.map(({ at, held }) => ({ at, held: held * factor }))
  }
}

interface Step {
  readonly kind: "take" | "give back" | "scale"
  readonly by: number
  readonly amount: number
}

const cases: Arbitrary.Arbitrary<ReadonlyArray<Step>> = Law.list(
  Arbitrary.all({
    kind: Law.oneOf("take", "take", "take", "give back", "give back", "scale"),
    by: Law.int(0, 12),
    amount: Law.int(0, 40)
  }),
  32
)

const followsHistory = (make: () => Machine) => (steps: ReadonlyArray<Step>): void => {
  const machine = make()
  const reference = new ByHistory()
  let now = 1000
  for (const { amount, by, kind } of steps) {
    if (kind === "take") {
      now += by
      machine.note(now, amount)
      reference.note(now, amount)
    } else if (kind === "give back") {
      assert.strictEqual(machine.giveBack(amount, now - 4 * by), reference.giveBack(amount, now - 4 * by))
    } else {
      // halves and doubles are exact
      const factor = by % 2 === 0 ? 2 : 0.5
      machine.scale(factor)
      reference.scale(factor)
    }
  }
  for (let takenAt = now - 60; takenAt <= now; takenAt++) {
    assert.strictEqual(machine.giveBack(0.5, takenAt), reference.giveBack(0.5, takenAt), `taken at ${takenAt}`)
  }
}

const but = (change: (backlog: Backlog.Backlog) => Partial<Machine>) => (): Machine => {
  const backlog = new Backlog.Backlog()
  return {
    note: (at, held) => backlog.note(at, held),
    giveBack: (amount, takenAt) => backlog.giveBack(amount, takenAt),
    scale: (factor) => backlog.scale(factor),
    ...change(backlog)
  }
}

describe("Backlog", () => {
  it.prop("gives back at most the least that was held at any later taking, and shifts what it remembers", [cases], ([
    it
  ]) => {
    followsHistory(() => new Backlog.Backlog())(it)
  }, Law.check(500))

  const broken: ReadonlyArray<readonly [string, () => Machine]> = [
    ["gives back all that is asked for", but(() => ({ giveBack: (amount) => amount }))],
    ["keeps its old measure", but(() => ({ scale: () => {} }))],
    [
      "takes in what is taken twice at one time",
      but((backlog) => {
        let ticks = 0
        return { note: (at, held) => backlog.note(at + (ticks += 1e-9), held) }
      })
    ],
    ["forgets all but the latest taking", () => {
      let backlog = new Backlog.Backlog()
      return {
        note: (at, held) => {
          backlog = new Backlog.Backlog()
          backlog.note(at, held)
        },
        giveBack: (amount, takenAt) => backlog.giveBack(amount, takenAt),
        scale: (factor) => backlog.scale(factor)
      }
    }]
  ]
  it.effect.each(broken)("is told from one that %s", ([, make]) => Law.isBroken(cases, followsHistory(make)))

  // held rises by one with every taking: each is a minimum of its own
  const rising = (count: number): Backlog.Backlog => {
    const backlog = new Backlog.Backlog()
    for (let n = 1; n <= count; n++) backlog.note(n, n)
    return backlog
  }

  it.each([1, 2, 31, 32, 33])("tells %d rising minima apart", (count) => {
    for (let n = 0; n < count; n++) assert.strictEqual(rising(count).giveBack(100, n), n + 1)
    assert.strictEqual(rising(count).giveBack(100, count), 100)
  })

  it("takes what comes after the thirty-third for as low as that: less may be given back, never more", () => {
    for (let n = 32; n < 40; n++) assert.strictEqual(rising(40).giveBack(100, n), 33)
    assert.strictEqual(rising(40).giveBack(100, 31), 32)
  })

  const wasteful: ReadonlyArray<readonly [string, (n: number) => readonly [at: number, held: number]]> = [
    ["at one time", (n) => [0, n]],
    ["of one height", (n) => [n, 0.5]],
    ["that are lower than those before", (n) => [n, 100 - n]]
  ]
  it.each(wasteful)("spends no place on takings %s", (_, noteOf) => {
    const play = <M extends Machine>(machine: M): M => {
      for (let n = 0; n < 50; n++) machine.note(...noteOf(n))
      // another that is the lowest of all takes their places
      machine.note(99, 0)
      for (let n = 1; n <= 32; n++) machine.note(99 + n, n)
      return machine
    }
    for (let takenAt = 98; takenAt < 132; takenAt++) {
      const freed = play(new Backlog.Backlog()).giveBack(100, takenAt)
      assert.strictEqual(freed, play(new ByHistory()).giveBack(100, takenAt), `taken at ${takenAt}`)
    }
  })

  it("still tells apart as many minima after takings at one time, of one height and of two", () => {
    const notes: ReadonlyArray<(n: number) => readonly [number, number]> = [
      (n) => [0, n],
      (n) => [n, 0],
      (n) => [n, (n + 1) % 2]
    ]
    for (const noteOf of notes) {
      const backlog = new Backlog.Backlog()
      for (let n = 0; n < 50; n++) backlog.note(...noteOf(n))
      for (let n = 1; n <= 32; n++) backlog.note(100 + n, n)
      assert.strictEqual(backlog.giveBack(100, 131), 32)
    }
  })
})
