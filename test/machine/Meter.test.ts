import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as FixedWindow from "../../src/machine/FixedWindow.ts"
import * as Gcra from "../../src/machine/Gcra.ts"
import type * as Limit from "../../src/machine/Limit.ts"
import type { Meter, Rule } from "../../src/machine/Meter.ts"
import * as SlidingWindow from "../../src/machine/SlidingWindow.ts"
import * as TokenBucket from "../../src/machine/TokenBucket.ts"
import * as Law from "../Law.ts"
import { byHistory, type Taken } from "./MeterByHistory.ts"

type Make = (rule: Rule) => Meter

const machines: Record<Limit.Algorithm, Make> = {
  gcra: Gcra.make,
  tokenBucket: TokenBucket.make,
  slidingWindow: SlidingWindow.make,
  fixedWindow: FixedWindow.make
}
const algorithms = Object.keys(machines) as ReadonlyArray<Limit.Algorithm>

const rules: Arbitrary.Arbitrary<Rule> = Arbitrary.flatMap(
  Law.int(1, 20),
  (limit) =>
    Arbitrary.all({
      limit: Arbitrary.Constant(limit),
      burst: Law.int(1, limit),
      window: Law.oneOf(7, 60, 100, 1000)
    })
)

interface Step {
  readonly after: number
  /** Of the limit, in tenths of the burst where there is one. */
  readonly units: number
  readonly patient: boolean
  /** Which of those that passed turns out to have used another count, and which. */
  readonly corrects: number | undefined
  readonly by: number
}

const steps = (mostUnits: number, overcharges: boolean): Arbitrary.Arbitrary<ReadonlyArray<Step>> =>
  Law.list(
    Arbitrary.map(
      Arbitrary.all([
        Law.int(0, 3),
        Law.int(0, 40),
        Law.int(1, mostUnits),
        Law.oneOf(true, false),
        Law.int(0, 60),
        Law.int(overcharges ? -3 : 0, 10)
      ]),
      ([zeros, by, units, patient, which, less]) => ({
        after: zeros > 1 ? 0 : by,
        units,
        patient,
        corrects: which < 20 ? which : undefined,
        by: -less
      })
    ),
    40
  )

interface Case {
  readonly rule: Rule
  readonly origin: number
  readonly steps: ReadonlyArray<Step>
}

const cases = (mostUnits = 8, overcharges = false): Arbitrary.Arbitrary<Case> =>
  Arbitrary.all({ rule: rules, origin: Law.oneOf(0, 12_345, 1e9), steps: steps(mostUnits, overcharges) })

/** Lets the steps happen, and shows every state before something is taken. */
const play = (
  meter: Meter,
  { origin, rule, steps }: Case,
  look: (history: ReadonlyArray<Taken>, units: number, now: number) => void
): ReadonlyArray<Taken> => {
  const history: Array<Taken> = []
  let now = origin
  for (const step of steps) {
    now += step.after
    const corrected = step.corrects === undefined ? undefined : history[step.corrects % Math.max(1, history.length)]
    if (corrected !== undefined) {
      const by = Math.max(step.by, -corrected.units)
      meter.correct(by, corrected.at)
      corrected.units += by
    }
    const units = Math.min(step.units, rule.burst)
    look(history, units, now)
    const wait = Math.ceil(meter.wait(units, now))
    if (wait > 0 && !step.patient) continue
    now += wait
    assert.strictEqual(meter.wait(units, now), 0, "who comes back when told to, passes")
    meter.take(units, now)
    history.push({ at: now, units })
  }
  return history
}

const agreesWithItsHistory = (algorithm: Limit.Algorithm, make: Make) => (it: Case): void => {
  const reference = byHistory[algorithm](it.rule)
  const meter = make(it.rule)
  play(meter, it, (history, units, now) => {
    // some times later, and then again: asking changes nothing
    for (const at of [now, now + 5, now + it.rule.window, now]) {
      assert.closeTo(meter.wait(units, at), reference.wait(history, units, at), 1e-2, `${units} at ${at}`)
      assert.closeTo(meter.fork().wait(units, at), meter.wait(units, at), 1e-6, "a fork stands where it stands")
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

interface Change {
  /** Which of those that passed before the change is given back after it. */
  readonly givesBack: number | undefined
  readonly before: Case
  readonly after: Case
}

const changesThat = (givesBack: Arbitrary.Arbitrary<number>): Arbitrary.Arbitrary<Change> =>
  Arbitrary.map(
    Arbitrary.all([cases(), rules, steps(8, false), givesBack]),
    ([before, rule, steps, which]) => ({
      givesBack: which < 15 ? which : undefined,
      before,
      after: { rule: { ...rule, window: before.rule.window }, origin: 0, steps }
    })
  )

/** No window holds more than the larger of the two rules allows, also not one that the change falls into. */
const keepsWhatWasUsed = (algorithm: Limit.Algorithm, make: Make) => ({ after, before, givesBack }: Change): void => {
  const meter = make(before.rule)
  const first = play(
    meter,
    { ...before, steps: before.steps.map((step) => ({ ...step, corrects: undefined })) },
    () => {}
  )
  const origin = (first.at(-1)?.at ?? before.origin) + (after.steps[0]?.after ?? 0)
  meter.reconfigure(after.rule, origin)
  const given = givesBack === undefined ? undefined : first[givesBack % Math.max(1, first.length)]
  if (given !== undefined) {
    meter.correct(-given.units, given.at)
    given.units = 0
  }
  const second = play(meter, { ...after, origin }, () => {})
  const { worstWindow } = byHistory[algorithm](after.rule)
  const most = Math.max(worstWindow(before.rule), worstWindow(after.rule))
  const passed = [...first, ...second]
  const sum = (passed: ReadonlyArray<Taken>) => passed.reduce((sum, { units }) => sum + units, 0)
  for (const { at } of passed) {
    const inWindow = (other: Taken) => other.at >= at && other.at < at + after.rule.window
    assert.isAtMost(sum(passed.filter(inWindow)), most, `from ${at} on, with a change at ${origin}`)
    assert.isAtMost(sum(second.filter(inWindow)), worstWindow(after.rule), "the new rule holds for what comes after it")
  }
}

/** The meter, but for some of what it does. */
const but = (make: Make, change: (meter: Meter, rule: Rule) => Partial<Meter>): Make => (rule) => {
  const meter = make(rule)
  const whole: Meter = {
    wait: (units, now) => meter.wait(units, now),
    take: (units, now) => meter.take(units, now),
    correct: (by, takenAt) => meter.correct(by, takenAt),
    left: (now) => meter.left(now),
    used: (now) => meter.used(now),
    isIdle: (now) => meter.isIdle(now),
    reset: () => meter.reset(),
    reconfigure: (rule, now) => meter.reconfigure(rule, now),
    fork: () => meter.fork()
  }
  return { ...whole, ...change(meter, rule) }
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

  it.prop("keeps what was used when the limit is raised or lowered", [changesThat(Law.int(0, 20))], ([it]) => {
    keepsWhatWasUsed(algorithm, make)(it)
  }, Law.check(300))

  it.effect("is told from one that starts anew with every change", () =>
    Law.isBroken(
      changesThat(Arbitrary.Constant(20)),
      keepsWhatWasUsed(
        algorithm,
        but(make, (meter) => ({
          reconfigure: (rule, now) => {
            meter.reconfigure(rule, now)
            meter.reset()
          }
        }))
      )
    ))

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
    ["names a wait that is too short", but(make, (meter) => ({ wait: (units, now) => meter.wait(units, now) / 2 }))]
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

describe("a meter that paces", () => {
  it("gives back no more than it still held, also after a change of its rate", () => {
    const meter = Gcra.make({ limit: 10, window: 100, burst: 10 })
    meter.take(5, 0)
    // four of the five are forgotten by now
    meter.take(1, 400)
    meter.reconfigure({ limit: 20, window: 100, burst: 10 }, 400)
    assert.closeTo(meter.used(400), 2, 1e-6)
    meter.correct(-5, 0)
    assert.closeTo(meter.used(400), 1, 1e-6)
  })
})

describe("a sliding window with a limit above what it keeps apart", () => {
  const limit = 20_000
  const window = 60_000
  const many = Law.list(Arbitrary.all({ after: Law.int(0, 40), units: Law.int(1, 400) }), 400, 100)

  it.prop("never lets too many pass, and makes nobody wait more than a moment longer", [many], ([steps]) => {
    const meter = SlidingWindow.make({ limit, window, burst: limit })
    const reference = byHistory.slidingWindow({ limit, window, burst: limit })
    const passed: Array<Taken> = []
    let now = 0
    for (const { after, units } of steps) {
      now += after
      const wait = meter.wait(units, now)
      const exact = passed.reduce((sum, { units }) => sum + units, units) <= limit
        ? 0
        : reference.wait(passed, units, now)
      assert.isAtLeast(wait, exact - 1e-2)
      assert.isAtMost(wait, exact + window / 8000)
      now += Math.ceil(wait)
      meter.take(units, now)
      passed.push({ at: now, units })
    }
  }, Law.check(20))

  it("keeps a bounded number of times, also when most is given back", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 1e9, burst: 10 })
    const before = process.memoryUsage().arrayBuffers
    for (let now = 0; now < 1e6; now++) {
      meter.take(1, now)
      if (now > 10) meter.correct(-1, now)
    }
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 2 ** 20)
    assert.strictEqual(meter.used(1e6), 11)
    meter.correct(-1, 3)
    assert.strictEqual(meter.used(1e6), 10)
  })
})
