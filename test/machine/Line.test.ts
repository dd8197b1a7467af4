import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import type * as Limit from "../../src/machine/Limit.ts"
import { type Cost, Limits } from "../../src/machine/Limits.ts"
import { exactUpTo, Line, type Waiting } from "../../src/machine/Line.ts"
import type * as WaitList from "../../src/machine/WaitList.ts"
import * as Law from "../Law.ts"

const specs: Arbitrary.Arbitrary<ReadonlyArray<Limit.Spec>> = Law.list(
  Arbitrary.flatMap(
    Law.int(1, 10),
    (limit) =>
      Arbitrary.all({
        of: Law.oneOf("calls", "tokens"),
        limit: Arbitrary.Constant(limit),
        window: Law.oneOf(7, 30, 100),
        margin: Law.oneOf(0, 0, 3),
        burst: Law.oneOf(0, 0.3, 1),
        algorithm: Law.oneOf("gcra", "tokenBucket", "slidingWindow", "fixedWindow")
      })
  ),
  3,
  1
)

const cases = Arbitrary.all({
  specs,
  others: specs,
  steps: Law.list(
    Arbitrary.all({
      after: Law.oneOf(0, 0, 1, 4, 30),
      do: Law.oneOf("come", "come", "come", "come", "leave", "give back", "pause", "change"),
      cost: Arbitrary.all({ calls: Law.int(0, 2), tokens: Law.int(0, 4) }),
      patience: Law.oneOf(0, 20, 100, 1000),
      // by how much the timers up to this step are late
      late: Law.oneOf(0, 0, 0, 2),
      which: Law.int(0, 40)
    }),
    60
  )
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

interface Guest extends Waiting {
  readonly name: number
}

/** When someone with this cost would pass, by living through the times until then. */
const liveThrough = (limits: Limits, waiting: ReadonlyArray<Guest>, cost: Cost, now: number): number => {
  const future = limits.fork()
  let at = now
  for (const guest of waiting) {
    const wait = Math.ceil(future.wait(guest.cost, at))
    if (at + wait > guest.until) continue
    at += wait
    future.take(guest.cost, at)
  }
  return Math.max(waiting.length > 0 ? 1 : 0, at + future.wait(cost, at) - now)
}

interface Machine {
  readonly line: (
    limits: Limits
  ) => Pick<Line<Guest>, "wait" | "enter" | "leave" | "serve" | "change" | "upset" | "first">
}

const foretells = (machine: Machine) => ({ others, specs, steps }: Case): void => {
  const limits = new Limits(specs)
  const line = machine.line(limits)
  const places = new Map<number, WaitList.Place<Guest>>()
  const taken: Array<{ readonly at: number; readonly cost: Cost }> = []
  let waiting: Array<Guest> = []
  let now = 0
  const dismiss = (guest: Guest): void => {
    waiting = waiting.filter((other) => other !== guest)
  }
  const serve = (until: number, late: number): void => {
    for (let place = line.first; place !== undefined; place = line.first) {
      assert.strictEqual(place.value, waiting[0], "first come, first served")
      const wait = Math.ceil(limits.wait(place.value.cost, now))
      dismiss(place.value)
      if (now + wait > place.value.until) {
        line.leave(place)
        continue
      }
      if (now + wait > until) {
        waiting.unshift(place.value)
        return
      }
      now = wait > 0 ? Math.min(until, now + wait + late) : now
      line.serve(place, now)
      taken.push({ at: now, cost: place.value.cost })
    }
  }
  for (const [name, step] of steps.entries()) {
    const at = now + step.after
    serve(at, step.late)
    now = at
    const wait = line.wait(step.cost, now)
    const expected = liveThrough(limits, waiting, step.cost, now)
    assert.isTrue(wait === expected || Math.abs(wait - expected) < 1e-2, `waits ${wait}, not ${expected}`)
    switch (step.do) {
      case "come": {
        const guest: Guest = { cost: step.cost, until: now + step.patience, turn: NaN, name }
        if (waiting.length === 0 && wait === 0) {
          limits.take(step.cost, now)
          taken.push({ at: now, cost: step.cost })
        } else if (Math.ceil(wait) <= step.patience) {
          places.set(name, line.enter(guest, now))
          waiting.push(guest)
        }
        break
      }
      case "leave": {
        const guest = waiting[step.which % Math.max(1, waiting.length)]
        if (guest === undefined) break
        dismiss(guest)
        line.leave(places.get(guest.name)!)
        break
      }
      case "pause":
        limits.pause(now + step.which)
        line.upset()
        break
      case "give back": {
        const one = taken.splice(step.which % Math.max(1, taken.length), 1)[0]
        if (one === undefined) break
        limits.refund(one.cost, one.at)
        line.change()
        break
      }
      case "change":
        if (step.which > 30) limits.reconfigure(others, now)
        line.upset()
    }
  }
}

describe("Line", () => {
  it.prop("foretells to the millisecond when who comes now would pass", [cases], ([it]) => {
    foretells({ line: (limits) => new Line<Guest>(limits) })(it)
  }, Law.check(400))

  it("keeps its word for a long line too, give or take a turn in a thousand", () => {
    const limits = new Limits([{ of: "calls", limit: 1, window: 10, margin: 0, burst: 1, algorithm: "gcra" }])
    const line = new Line<Guest>(limits)
    const cost: Cost = { calls: 1, tokens: 0 }
    const size = 20 * exactUpTo
    const places: Array<WaitList.Place<Guest>> = []
    limits.take(cost, 0)
    for (let name = 0; name < size; name++) places.push(line.enter({ cost, until: Infinity, turn: NaN, name }, 0))
    assert.strictEqual(Math.ceil(line.wait(cost, 0)), 10 * (size + 1))
    for (let gone = 1; gone < 100; gone++) {
      line.leave(places[100 + 7 * gone]!)
      const exact = 10 * (size + 1 - gone)
      assert.isAtLeast(Math.ceil(line.wait(cost, 0)), exact)
      assert.isAtMost(line.wait(cost, 0), exact * (1 + 1.1 / exactUpTo))
    }
  })

  const one: Cost = { calls: 1, tokens: 0 }
  const paced: Limit.Spec = { of: "calls", limit: 1, window: 10, margin: 0, burst: 1, algorithm: "gcra" }
  class Watched extends Limits {
    forks = 0
    override fork(): Limits {
      this.forks++
      return super.fork()
    }
  }
  const busy = (until: ReadonlyArray<number>) => {
    const limits = new Watched([paced])
    limits.take(one, 0)
    const line = new Line<Guest>(limits)
    const places = until.map((until, name) => line.enter({ cost: one, until, turn: NaN, name }, 0))
    return { limits, line, places }
  }

  it("foretells once while all pass when they were told to, and anew after one who came late", () => {
    const { limits, line, places } = busy([100, 100, 100])
    assert.deepStrictEqual(places.map(({ value }) => value.turn), [10, 20, 30])
    line.serve(places[0]!, 10)
    line.serve(places[1]!, 20)
    assert.strictEqual(Math.ceil(line.wait(one, 20)), 20)
    assert.strictEqual(limits.forks, 1)
    line.serve(places[2]!, 33)
    line.enter({ cost: one, until: 100, turn: NaN, name: 3 }, 33)
    assert.strictEqual(Math.ceil(line.wait(one, 33)), 20)
    assert.strictEqual(limits.forks, 2)
  })

  it("goes on as foretold when one leaves that would never have passed", () => {
    const { limits, line, places } = busy([100, 15, 100])
    assert.deepStrictEqual(places.map(({ value }) => value.turn), [10, NaN, 20])
    line.leave(places[1]!)
    assert.strictEqual(Math.ceil(line.wait(one, 0)), 30)
    assert.strictEqual(limits.forks, 1)
  })

  it("lets no one stand in the way who can never pass, however patient", () => {
    const line = new Line<Guest>(new Limits([{ ...paced, limit: 2, algorithm: "slidingWindow" }]))
    const { value } = line.enter({ cost: { calls: 3, tokens: 0 }, until: Infinity, turn: 0, name: 0 }, 0)
    assert.isNaN(value.turn)
    assert.strictEqual(line.wait(one, 0), 1)
  })

  class Careless extends Line<Guest> {
    override change(): void {}
  }
  class Unmoved extends Line<Guest> {
    override upset(): void {}
  }
  class Overtaken extends Line<Guest> {
    readonly #limits: Limits
    constructor(limits: Limits) {
      super(limits)
      this.#limits = limits
    }
    override wait(cost: Cost, now: number): number {
      return this.#limits.wait(cost, now)
    }
  }
  class Early extends Line<Guest> {
    override wait(cost: Cost, now: number): number {
      return Math.max(0, super.wait(cost, now) - 1)
    }
  }
  const broken: ReadonlyArray<readonly [string, new(limits: Limits) => Line<Guest>]> = [
    ["takes no notice of what is given back", Careless],
    ["takes no notice of other limits and pauses", Unmoved],
    ["lets newcomers overtake", Overtaken],
    ["names a time that is too early", Early]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, Broken]) => Law.isBroken(cases, foretells({ line: (limits) => new Broken(limits) }))
  )
})
