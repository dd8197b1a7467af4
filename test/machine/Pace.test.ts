import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Pace from "../../src/machine/Pace.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Pace, "make" | "begin" | "forget" | "observe" | "expected">

const cases = Arbitrary.all({
  atOnce: Law.int(1, 10),
  origin: Law.oneOf(0, 1e9),
  history: Law.list(
    Arbitrary.all({
      do: Law.oneOf("observe", "observe", "observe", "observe", "observe", "begin", "forget"),
      after: Law.oneOf(0, 1, 5, 10, 20, 1000),
      slots: Law.int(1, 4)
    }),
    60
  )
})

interface Case {
  readonly atOnce: number
  readonly origin: number
  readonly history: ReadonlyArray<{
    readonly do: "observe" | "begin" | "forget"
    readonly after: number
    readonly slots: number
  }>
}

/** The reference keeps every turn since the last silence, and weighs each by how many slots came free after it. */
const weighsEveryTurn = (machine: Machine) => ({ atOnce, history, origin }: Case): void => {
  const pace = machine.make()
  let turns: Array<{ readonly time: number; readonly slots: number }> = []
  let at = -Infinity
  let since = 0
  let now = origin
  const mean = () => {
    let time = 0
    let slots = 0
    turns.forEach((turn, index) => {
      const later = turns.slice(index + 1).reduce((sum, other) => sum + other.slots, 0)
      time += turn.time * (15 / 16) ** later
      slots += turn.slots * (15 / 16) ** later
    })
    return { slots, gap: time / slots }
  }
  // a rounding apart from the very edge
  const isBelieved = () => turns.length > 0 && now - at <= (atOnce + 1) * mean().gap * (1 + 1e-9)
  machine.begin(pace, now)
  since = now
  for (const { after, do: action, slots } of history) {
    now += after
    if (action === "begin") {
      machine.begin(pace, now)
      since = now
    } else if (action === "forget") {
      machine.forget(pace)
      turns = []
    } else {
      if (!isBelieved()) turns = []
      turns.push({ time: now - since, slots })
      machine.observe(pace, slots, now, atOnce)
      at = since = now
    }
    const expected = machine.expected(pace, 7, now, atOnce)
    if (isBelieved() && mean().slots >= 4) assert.closeTo(expected ?? NaN, 7 * mean().gap, 1e-6)
    else assert.isUndefined(expected)
  }
}

describe("Pace", () => {
  it.prop("is the mean over all turns since the last silence, of which the latest weigh most", [cases], ([it]) => {
    weighsEveryTurn(Pace)(it)
  }, Law.check(300))

  it("knows the wait behind calls that always take the same", () => {
    const pace = Pace.make()
    Pace.begin(pace, 0)
    // five at once, 100 ms each, a fifth of them apart
    for (let now = 20; now <= 2000; now += 20) Pace.observe(pace, 1, now, 5)
    assert.closeTo(Pace.expected(pace, 10, 2000, 5)!, 200, 1e-6)
  })

  it("forgets a slow hour when nobody has waited for as long as a call takes", () => {
    const pace = Pace.make()
    Pace.begin(pace, 0)
    for (let now = 10_000; now <= 100_000; now += 10_000) Pace.observe(pace, 1, now, 1)
    assert.closeTo(Pace.expected(pace, 3, 101_000, 1)!, 30_000, 1e-6)
    assert.isUndefined(Pace.expected(pace, 3, 200_000, 1))
    Pace.begin(pace, 200_000)
    for (let now = 200_010; now <= 200_060; now += 10) Pace.observe(pace, 1, now, 1)
    assert.closeTo(Pace.expected(pace, 3, 200_060, 1)!, 30, 1e-6)
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["counts turns, not slots", { ...Pace, observe: (self, _, now, atOnce) => Pace.observe(self, 1, now, atOnce) }],
    ["counts the time in which nobody waited", { ...Pace, begin: () => {} }],
    ["believes one turn", {
      ...Pace,
      expected: (self, slots) => self.slots > 0 ? slots * self.time / self.slots : undefined
    }],
    ["keeps what it was to forget", { ...Pace, forget: () => {} }],
    ["remembers for ever", {
      ...Pace,
      observe: (self, slots, now) => {
        self.time += now - self.since
        self.slots += slots
        self.at = self.since = now
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(cases, weighsEveryTurn(machine))
  )
})
