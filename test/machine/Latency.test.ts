import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Random } from "effect"
import * as Latency from "../../src/machine/Latency.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Latency, "observe" | "current" | "penalize">

const rule: Latency.Rule = { decay: 10_000, slowFactor: 5, slowFloor: 100, warmup: 20 }

const cases = Law.list(
  Arbitrary.all({ millis: Law.int(1, 30_000), after: Law.int(0, 20_000), failed: Law.oneOf(false, false, true) }),
  60
)

type Case = ReadonlyArray<{ readonly millis: number; readonly after: number; readonly failed: boolean }>

/**
 * The reference: the average is the present worth of the last peak, blended with
 * what came since, every answer weighed by its age.
 */
const remembersPeaksAndFades = (machine: Machine) => (answers: Case): void => {
  const latency = Latency.make()
  let now = 0
  let average = 0
  for (const { after, failed, millis } of answers) {
    now += after
    const faded = average * Math.exp(-after / rule.decay)
    average = millis > average ? millis : faded + millis * (1 - Math.exp(-after / rule.decay))
    if (failed) machine.penalize(latency, millis, now, rule)
    else machine.observe(latency, millis, now, rule)
    const seen = machine.current(latency, now, rule)
    assert.closeTo(seen, average, average * 1e-9)
    assert.isAtLeast(seen, millis, "no faster than it just was, unless it was slower before")
    assert.isAtMost(seen, Math.max(...answers.map(({ millis }) => millis)) * (1 + 1e-9))
    assert.closeTo(machine.current(latency, now + rule.decay, rule), average / Math.E, average * 1e-9)
  }
}

const answer = (latency: Latency.Latency, millis: number, times: number) => {
  for (let n = 0; n < times; n++) Latency.observe(latency, millis, n, rule)
}

describe("Latency", () => {
  it.prop("jumps up with a slow answer, comes down with fast ones, and fades in silence", [cases], ([answers]) => {
    remembersPeaksAndFades(Latency)(answers)
  }, Law.check(200))

  it.prop(
    "never looks slower for a faster answer",
    [Law.int(1, 5000), Law.int(0, 40_000), Law.int(1, 6000), Law.int(1, 6000)],
    ([peak, after, one, other]) => {
      const averageAfter = (millis: number): number => {
        const latency = Latency.make()
        Latency.penalize(latency, peak, 0, rule)
        Latency.penalize(latency, millis, after, rule)
        return Latency.current(latency, after, rule)
      }
      assert.isAtMost(averageAfter(Math.min(one, other)), averageAfter(Math.max(one, other)) + 1e-9)
    },
    Law.check(300)
  )

  it("has nothing to say of an endpoint that was never measured", () => {
    const latency = Latency.make()
    assert.deepStrictEqual(
      [Latency.current(latency, 5, rule), Latency.usual(latency, rule), Latency.isSlow(latency, 1e9, rule)],
      [0, undefined, false]
    )
  })

  it.effect("finds the median of what is usual within a fifth, whatever the outliers", () =>
    Effect.gen(function*() {
      const latency = Latency.make()
      const random = yield* Random.Random
      for (let n = 0; n < 5000; n++) {
        // half are at most 200, and one in twenty is a hundred times as slow
        const millis = 100 * 4 ** random.nextDoubleUnsafe()
        Latency.observe(latency, random.nextDoubleUnsafe() < 0.05 ? millis * 100 : millis, n, rule)
      }
      assert.closeTo(Latency.usual(latency, rule)!, 200, 40)
    }).pipe(Random.withSeed("latency")))

  it.effect("knows after its warm-up what is usual", () =>
    Effect.gen(function*() {
      const random = yield* Random.Random
      for (let n = 0; n < 50; n++) {
        const latency = Latency.make()
        for (let n = 0; n < rule.warmup; n++) {
          Latency.observe(latency, 100 * 4 ** random.nextDoubleUnsafe(), n, rule)
        }
        assert.isAbove(Latency.usual(latency, rule)!, 100)
        assert.isBelow(Latency.usual(latency, rule)!, 400)
      }
    }).pipe(Random.withSeed("warm-up")))

  it("is warm with the last answer of its warm-up, not before", () => {
    const latency = Latency.make()
    answer(latency, 200, rule.warmup - 1)
    assert.deepStrictEqual([Latency.usual(latency, rule), Latency.isSlow(latency, 1e9, rule)], [undefined, false])
    answer(latency, 200, 1)
    assert.closeTo(Latency.usual(latency, rule)!, 200, 1e-9)
    assert.isTrue(Latency.isSlow(latency, 1100, rule))
  })

  it("takes the only answer for the usual where one is enough", () => {
    const latency = Latency.make()
    const hasty = { ...rule, warmup: 1 }
    Latency.observe(latency, 300, 0, hasty)
    assert.closeTo(Latency.usual(latency, hasty)!, 300, 1e-9)
  })

  it("forgets a wild first answer while it warms up, and hardly hears a wild last one", () => {
    const first = Latency.make()
    answer(first, 10_000, 1)
    answer(first, 200, rule.warmup - 1)
    assert.closeTo(Latency.usual(first, rule)!, 200, 50)
    const last = Latency.make()
    answer(last, 200, rule.warmup - 1)
    answer(last, 1e6, 1)
    assert.closeTo(Latency.usual(last, rule)!, 200, 5)
  })

  it("calls slow what takes many times the usual, and never what is fast in itself", () => {
    const quick = Latency.make()
    answer(quick, 10, 100)
    const steady = Latency.make()
    answer(steady, 200, 100)
    const isSlow = (latency: Latency.Latency, millis: number) => Latency.isSlow(latency, millis, rule)
    assert.deepStrictEqual([isSlow(quick, 99), isSlow(quick, 100), isSlow(quick, 101)], [false, false, true])
    assert.deepStrictEqual([isSlow(steady, 900), isSlow(steady, 1100)], [false, true])
  })

  it("does not take a slow spell for the new normal: a tenth of the answers may be slow, or all for a while", () => {
    const latency = Latency.make()
    answer(latency, 200, 200)
    answer(latency, 4000, 20)
    assert.isTrue(Latency.isSlow(latency, 4000, rule))
    for (let n = 0; n < 50; n++) {
      answer(latency, 200, 9)
      answer(latency, 4000, 1)
    }
    assert.isTrue(Latency.isSlow(latency, 4000, rule))
  })

  const fadesToNothing = (machine: Pick<typeof Latency, "expected">) => (answers: Case): void => {
    const latency = Latency.make()
    let now = 0
    for (const { after, millis } of answers) Latency.observe(latency, millis, now += after, rule)
    const usual = Latency.usual(latency, rule)
    const average = Latency.current(latency, now, rule)
    const at = (silence: number) => machine.expected(latency, now + silence, rule)
    let before = at(0)
    for (const silence of [0, 1000, 10_000, 60_000, 300_000]) {
      const lately = Latency.current(latency, now + silence, rule)
      // what is usual wears off six times as slowly
      const floor = usual === undefined ? 0 : Math.min(average, usual) / 2 * Math.exp(-silence / (6 * rule.decay))
      assert.closeTo(at(silence), Math.max(lately, floor), 1e-6)
      assert.isAtMost(at(silence), before)
      before = at(silence)
    }
  }

  it.prop("expects ever less of who is silent: half of the usual soon, and less in a while", [cases], ([answers]) => {
    fadesToNothing(Latency)(answers)
  }, Law.check(200))

  it.effect("is told from one that never asks the slow again", () =>
    Law.isBroken(
      cases,
      fadesToNothing({
        expected: (self, now, rule) => Math.max(Latency.current(self, now, rule), (Latency.usual(self, rule) ?? 0) / 2)
      })
    ))

  it("takes, when it is asked, what is usual, however long it was silent, and more while a slow answer is fresh", () => {
    const latency = Latency.make()
    assert.strictEqual(Latency.steady(latency, 0, rule), 0)
    // failures are no measurements: the penalty stays until there is one
    Latency.penalize(latency, 500, 0, rule)
    assert.strictEqual(Latency.steady(latency, 600_000, rule), 500)
    const measured = Latency.make()
    answer(measured, 100, 100)
    Latency.observe(measured, 1000, 100, rule)
    assert.strictEqual(Latency.steady(measured, 100, rule), 1000)
    assert.closeTo(Latency.steady(measured, 600_000, rule), 100, 3)
  })

  it("takes, when it is asked, no more than it did of late, however slow it used to be", () => {
    const latency = Latency.make()
    answer(latency, 900, 100)
    Latency.observe(latency, 50, 120_000, rule)
    assert.closeTo(Latency.steady(latency, 120_000, rule), 50, 1)
    assert.closeTo(Latency.steady(latency, 600_000, rule), 50, 1)
  })

  it("takes who was slow for long, and has become fast, for fast after one answer", () => {
    const latency = Latency.make()
    answer(latency, 900, 100)
    Latency.observe(latency, 50, 120_000, rule)
    assert.closeTo(Latency.expected(latency, 120_000, rule), 50, 1)
  })

  it("has the slow wait longer for their turn, the slower they are", () => {
    const until = (times: number): number => {
      const slow = Latency.make()
      answer(slow, 100 * times, 40)
      let silence = 0
      while (Latency.expected(slow, 40 + silence, rule) > 100) silence += 100
      return silence / 1000
    }
    assert.deepStrictEqual([3, 10, 100].map(until).map(Math.round), [24, 97, 235])
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["smooths peaks away", {
      ...Latency,
      observe: (self, millis, now, rule) => {
        const average = Latency.current(self, now, rule)
        Latency.observe(self, millis, now, rule)
        if (average > 0) self.average = (average + millis) / 2
      }
    }],
    ["never fades", { ...Latency, current: (self) => self.average }],
    ["takes a failure for a fast answer", {
      ...Latency,
      penalize: (self, _, now, rule) => Latency.penalize(self, 1, now, rule)
    }]
  ]
  it.effect.each(broken)(
    "is told from a memory that %s",
    ([, machine]) => Law.isBroken(cases, remembersPeaksAndFades(machine))
  )
})
