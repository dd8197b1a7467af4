import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import type * as Limit from "../../src/machine/Limit.ts"
import * as Law from "../Law.ts"
import { byHistory, type Taken } from "./MeterByHistory.ts"
import { algorithms, but, type Case, cases, machines, type Make, play } from "./MeterCases.ts"

const agreesWithItsHistory = (algorithm: Limit.Algorithm, make: Make) => (it: Case): void => {
  const reference = byHistory[algorithm](it.rule)
  const meter = make(it.rule)
  play(meter, it, (history, units, now) => {
    // some times later, and then again: asking changes nothing
    for (const at of [now, now + 5, now + it.rule.window, now]) {
      assert.closeTo(meter.wait(units, at), reference.wait(history, units, at), 1e-2, `${units} at ${at}`)
      assert.closeTo(meter.fork().wait(units, at), meter.wait(units, at), 1e-6, "a fork stands where it stands")
      const used = reference.used(history, at)
      assert.closeTo(meter.used(at), used, 1e-5, `used at ${at}`)
      if (used > 1e-5) assert.isFalse(meter.isIdle(at), `${used} still count`)
    }
    const left = meter.left(now)
    if (left > 0) assert.strictEqual(meter.wait(left, now), 0, `${left} are left`)
    if (left < it.rule.burst) assert.isAbove(meter.wait(left + 1, now), 0, `no more than ${left} are left`)
  })
}

const isNeverMoreGenerous = (algorithm: Limit.Algorithm, make: Make) => (it: Case): void => {
  const reference = byHistory[algorithm](it.rule)
  const meter = make(it.rule)
  play(
    meter,
    it,
    (history, units, now) => assert.isAtLeast(meter.wait(units, now), reference.wait(history, units, now) - 1e-2)
  )
}

const holdsItsWorstWindow = (algorithm: Limit.Algorithm, make: Make) => (it: Case): void => {
  const most = byHistory[algorithm](it.rule).worstWindow(it.rule)
  const passed = play(make(it.rule), it, () => {})
  for (const { at } of passed) {
    const inWindow = passed.filter((other) => other.at >= at && other.at < at + it.rule.window)
    assert.isAtMost(inWindow.reduce((sum, { units }) => sum + units, 0), most, `from ${at} on`)
  }
}

const knowsTheMillisecond = (make: Make) => (it: Case): void => {
  const meter = make(it.rule)
  play(meter, it, (_, units, now) => {
    const wait = Math.ceil(meter.wait(units, now))
    if (wait > 0) assert.isAbove(meter.wait(units, now + wait - 1), 0)
    assert.strictEqual(meter.wait(units, now + wait), 0)
  })
}

const forgets = (make: Make) => (it: Case): void => {
  const meter = make(it.rule)
  const history = play(meter, it, () => {})
  // a burst that is the whole limit is paid back at one unit a window
  const later = (history.at(-1)?.at ?? 0) + (it.rule.limit + 1) * it.rule.window + 1
  assert.isTrue(meter.isIdle(later))
  for (const { at, units } of history) meter.correct(-units, at)
  const fresh = make(it.rule)
  for (let n = 0; n < 2 * it.rule.limit; n++) {
    assert.closeTo(meter.wait(1, later), fresh.wait(1, later), 1e-2, "in the end it is as good as new")
    meter.take(1, later)
    fresh.take(1, later)
  }
}

describe.each(algorithms)("a meter by %s", (algorithm) => {
  const make = machines[algorithm]

  it.prop("says what all that was ever taken says, also when some of it is given back late", [cases()], ([it]) => {
    agreesWithItsHistory(algorithm, make)(it)
  }, Law.check(200))

  it.prop("is never more generous than that when more was used than was taken", [cases(8, true)], ([it]) => {
    isNeverMoreGenerous(algorithm, make)(it)
  }, Law.check(200))

  it.prop("lets no more pass in any window than it promises, whatever is given back when", [cases()], ([it]) => {
    holdsItsWorstWindow(algorithm, make)(it)
  }, Law.check(300))

  it.prop("knows the wait to the millisecond: one earlier is refused, then it passes", [cases()], ([it]) => {
    knowsTheMillisecond(make)(it)
  }, Law.check(100))

  it.prop("is as good as new in the end, and lends nothing twice", [cases()], ([it]) => {
    forgets(make)(it)
  }, Law.check(200))

  it("is idle once nothing counts any more, to the millisecond", () => {
    const meter = make({ limit: 1, window: 100, burst: 1 })
    assert.isTrue(meter.isIdle(0))
    meter.take(1, 0)
    assert.deepStrictEqual([meter.isIdle(0), meter.isIdle(99), meter.isIdle(100)], [false, false, true])
  })

  it.each([-2, 0, 3])("that nothing was taken from counts what others took only if it was more: %s", (by) => {
    const rule = { limit: 4, window: 100, burst: 4 }
    const meter = make(rule)
    const history: Array<Taken> = by > 0 ? [{ at: 10, units: by }] : []
    const agrees = () => {
      for (const at of [15, 60, 109, 110, 114, 115, 500]) {
        const used = byHistory[algorithm](rule).used(history, at)
        assert.closeTo(meter.used(at), used, 1e-5, `at ${at}`)
        if (used === 0) assert.isTrue(meter.isIdle(at), `at ${at}`)
      }
    }
    meter.correct(by, 10)
    agrees()
    meter.take(1, 15)
    history.push({ at: 15, units: 1 })
    agrees()
  })

  it.prop("does not mind whether it is told of a taking before or after, nor when what came before is given back", [
    Arbitrary.all([cases(), Law.list(Law.oneOf(true, false), 40, 40)])
  ], ([[it, late]]) => {
    let n = 0
    const told = but(make, (meter) => ({
      take: (units, now) => late[n++ % late.length]! ? meter.correct(units, now) : meter.take(units, now)
    }))
    agreesWithItsHistory(algorithm, told)(it)
  }, Law.check(200))

  it("counts what turns out to have been taken after a pause, and forgives none of it for what came before", () => {
    const meter = make({ limit: 4, window: 100, burst: 4 })
    meter.take(2, 0)
    meter.correct(3, 1000)
    assert.closeTo(meter.used(1000), 3, 1e-6)
    meter.correct(-2, 0)
    assert.closeTo(meter.used(1000), 3, 1e-6)
    meter.correct(-3, 1000)
    assert.closeTo(meter.used(1000), 0, 1e-6)
  })

  const broken: ReadonlyArray<readonly [string, Make]> = [
    ["forgets to count", but(make, () => ({ take: () => {} }))],
    ["counts calls where tokens are meant", but(make, (meter) => ({ take: (_, now) => meter.take(1, now) }))],
    [
      "gives back what was forgotten",
      but(make, (meter, rule) => ({
        correct: (by, takenAt) => meter.correct(by, takenAt + rule.window)
      }))
    ],
    ["gives nothing back", but(make, () => ({ correct: () => {} }))],
    [
      "lets one more pass",
      but(make, (meter) => ({ wait: (units, now) => units > 1 ? meter.wait(units - 1, now) : 0 }))
    ],
    ["names a wait that is too short", but(make, (meter) => ({ wait: (units, now) => meter.wait(units, now) / 2 }))],
    ["does not know what was used", but(make, () => ({ used: () => 0 }))],
    ["is always idle", but(make, () => ({ isIdle: () => true }))]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, broken]) => Law.isBroken(cases(), agreesWithItsHistory(algorithm, broken))
  )

  const loose: ReadonlyArray<readonly [string, Make]> = [
    ["has a window of half the length", (rule) => make({ ...rule, window: rule.window / 2 })],
    [
      "gives back without end",
      but(make, (meter) => ({
        correct: (by, takenAt) => {
          meter.correct(by, takenAt)
          if (by < 0) meter.reset()
        }
      }))
    ]
  ]
  it.effect.each(loose)(
    "is told by its worst window from one that %s",
    ([, broken]) => Law.isBroken(cases(), holdsItsWorstWindow(algorithm, broken))
  )
})
