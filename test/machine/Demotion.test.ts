import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Demotion from "../../src/machine/Demotion.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Demotion, "demote" | "setDown" | "isDemoted">

interface Case {
  readonly size: number
  readonly rule: Demotion.Rule
  readonly steps: ReadonlyArray<{
    readonly does: "demote" | "down" | "up" | "recount"
    readonly who: number
    readonly after: number
  }>
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  size: Law.int(1, 6),
  rule: Arbitrary.map(
    Arbitrary.all([Law.oneOf(0, 0.3, 0.5, 1), Law.oneOf(0, 0.3, 0.5, 1)]),
    ([maxShare, panicBelow]) => ({ lasts: 100, maxShare, panicBelow })
  ),
  steps: Law.list(
    Arbitrary.all({
      does: Law.oneOf("demote", "demote", "demote", "down", "up", "recount"),
      who: Law.int(0, 5),
      after: Law.oneOf(0, 1, 50, 100, 300, 1500)
    }),
    60
  )
})

/** The reference: remembers who is out until when, and counts everybody whenever it is asked. */
const keepsTheBounds = (machine: Machine) => ({ rule, size, steps }: Case): void => {
  const places = Array.from({ length: size }, Demotion.place)
  let group = Demotion.group(size, places)
  const until = places.map(() => -Infinity)
  const times = places.map(() => 0)
  const down = places.map(() => false)
  let now = 0
  for (const { after, does, who: any } of steps) {
    now += after
    const who = any % size
    const isOut = (one: number): boolean => until[one]! > now
    const count = (is: (one: number) => boolean): number => places.filter((_, one) => is(one)).length
    if (does === "recount") group = Demotion.group(size, places)
    if (does === "down" || does === "up") {
      down[who] = does === "down"
      machine.setDown(group, places[who]!, down[who])
    }
    if (does === "demote") {
      const hasRoom = !isOut(who) && count(isOut) + 1 <= rule.maxShare * size
      assert.strictEqual(machine.demote(group, places[who]!, now, rule), hasRoom)
      if (hasRoom) {
        times[who] = now - until[who]! > 10 * rule.lasts ? 1 : times[who]! + 1
        until[who] = now + rule.lasts * Math.min(10, times[who])
      }
    }
    assert.isAtMost(count(isOut), rule.maxShare * size)
    const isPanic = count((one) => !isOut(one) && !down[one]) < rule.panicBelow * size
    places.forEach((place, one) => {
      assert.strictEqual(machine.isDemoted(group, place, now, rule), isOut(one) && !isPanic, `${one} at ${now}`)
    })
  }
}

describe("Demotion", () => {
  it.prop("keeps the cap, ends in time, and counts for nothing in a panic", [cases], ([it]) => {
    keepsTheBounds(Demotion)(it)
  }, Law.check(400))

  const rule: Demotion.Rule = { lasts: 100, maxShare: 0.5, panicBelow: 0.5 }

  it("lasts longer each time, and at most ten times as long; a long good spell is a clean slate", () => {
    const place = Demotion.place()
    const group = Demotion.group(2, [place, Demotion.place()])
    const lengths: Array<number> = []
    let now = 0
    for (let time = 0; time < 12; time++) {
      assert.isTrue(Demotion.demote(group, place, now, rule))
      lengths.push(place.until - now)
      now = place.until + 1000
    }
    assert.deepStrictEqual(lengths, [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1000, 1000])
    now++
    assert.isTrue(Demotion.demote(group, place, now, rule))
    assert.strictEqual(place.until - now, 100)
  })

  it("was at no time, where there was none, so that no call is older", () => {
    assert.deepInclude(Demotion.place(), { since: -Infinity, until: -Infinity, times: 0 })
  })

  it("is never of one alone, nor of more than half of an odd number", () => {
    const alone = Demotion.place()
    assert.isFalse(Demotion.demote(Demotion.group(1, [alone]), alone, 0, rule))
    const [a, b, c] = [Demotion.place(), Demotion.place(), Demotion.place()]
    const group = Demotion.group(3, [a, b, c])
    assert.deepStrictEqual([a, b, c].map((place) => Demotion.demote(group, place, 0, rule)), [true, false, false])
  })

  it("counts for nothing while too few of the others can be used, and counts again after", () => {
    const [a, b] = [Demotion.place(), Demotion.place()]
    const group = Demotion.group(2, [a, b])
    Demotion.demote(group, a, 0, rule)
    assert.isTrue(Demotion.isDemoted(group, a, 1, rule))
    Demotion.setDown(group, b, true)
    assert.isFalse(Demotion.isDemoted(group, a, 1, rule))
    Demotion.setDown(group, b, false)
    assert.isTrue(Demotion.isDemoted(group, a, 1, rule))
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["never lets go", {
      ...Demotion,
      demote: (self, place, now, rule) => Demotion.demote(Object.assign(self, { nextEnd: Infinity }), place, now, rule)
    }],
    ["knows no cap", {
      ...Demotion,
      demote: (self, place, now, rule) => Demotion.demote(self, place, now, { ...rule, maxShare: 1 })
    }],
    ["knows no panic", {
      ...Demotion,
      isDemoted: (self, place, now, rule) => Demotion.isDemoted(self, place, now, { ...rule, panicBelow: 0 })
    }],
    ["counts who is down and demoted twice", {
      ...Demotion,
      setDown: (self, place, isDown) => {
        if (place.isDown !== isDown) self.unusable += isDown ? 1 : -1
        place.isDown = isDown
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a warden that %s",
    ([, machine]) => Law.isBroken(cases, keepsTheBounds(machine))
  )
})
