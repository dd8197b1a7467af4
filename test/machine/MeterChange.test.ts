/** What becomes of a meter when its rule changes while it is at work. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Gcra from "../../src/machine/Gcra.ts"
import type * as Limit from "../../src/machine/Limit.ts"
import * as Law from "../Law.ts"
import { byHistory, type Taken } from "./MeterByHistory.ts"
import { algorithms, but, type Case, cases, machines, type Make, play, rules, steps } from "./MeterCases.ts"

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

interface Turn {
  readonly before: Case
  readonly pause: number
  readonly after: Case
}

const turns: Arbitrary.Arbitrary<Turn> = Arbitrary.map(
  Arbitrary.all([cases(), Law.oneOf(0, 0, 1, 10, 50, 100, 1000), rules, steps(8, false)]),
  ([before, pause, rule, steps]) => ({
    before,
    pause,
    after: { rule, origin: 0, steps: steps.map((step) => ({ ...step, corrects: undefined })) }
  })
)

/** What is kept of the old rule is told by history; from there on it is a meter by the new rule. */
const goesOnByTheNewRule = (algorithm: Limit.Algorithm, make: Make) => ({ after, before, pause }: Turn): void => {
  const meter = make(before.rule)
  const first = play(meter, before, () => {})
  const origin = (first.at(-1)?.at ?? before.origin) + pause
  meter.reconfigure(after.rule, origin)
  const kept = byHistory[algorithm](before.rule).kept(first, after.rule, origin)
  const reference = byHistory[algorithm](after.rule)
  play(meter, { ...after, origin }, (second, units, now) => {
    const history = [...kept, ...second]
    assert.closeTo(meter.used(now), reference.used(history, now), 1e-4)
    assert.closeTo(meter.wait(units, now), reference.wait(history, units, now), 1e-2)
  })
}

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

describe.each(algorithms)("a meter by %s whose rule changes", (algorithm) => {
  const make = machines[algorithm]

  it.prop("keeps what was used when the limit is raised or lowered", [changesThat(Law.int(0, 20))], ([it]) => {
    keepsWhatWasUsed(algorithm, make)(it)
  }, Law.check(300))

  it.prop("goes on by the new rule with what that keeps of the old", [turns], ([it]) => {
    goesOnByTheNewRule(algorithm, make)(it)
  }, Law.check(150))

  const broken: ReadonlyArray<readonly [string, Make]> = [
    ["goes on by the old rule", but(make, () => ({ reconfigure: () => {} }))],
    [
      "keeps nothing",
      but(make, (meter) => ({
        reconfigure: (rule, now) => {
          meter.reset()
          meter.reconfigure(rule, now)
        }
      }))
    ]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, broken]) => Law.isBroken(turns, goesOnByTheNewRule(algorithm, broken))
  )

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

  it.each([["gcra", 11], ["tokenBucket", 10]] as const)(
    "has a larger burst at once after a whole idle window, not before, by %s",
    (algorithm, limit) => {
      for (const [at, left] of [[109, 2], [110, 5]] as const) {
        const meter = machines[algorithm]({ limit, window: 100, burst: 2 })
        // ten milliseconds a unit
        meter.take(1, 0)
        meter.reconfigure({ limit, window: 100, burst: 5 }, at)
        assert.strictEqual(meter.left(at), left, `at ${at}`)
      }
    }
  )

  it.each([["gcra", 11], ["tokenBucket", 10]] as const)(
    "has a larger burst at once where nothing was taken, nor corrected by more than nothing, by %s",
    (algorithm, limit) => {
      for (const [by, left] of [[0, 5], [1, 2]] as const) {
        const meter = machines[algorithm]({ limit, window: 100, burst: 2 })
        meter.correct(by, 10)
        meter.reconfigure({ limit, window: 100, burst: 5 }, 20)
        assert.strictEqual(meter.left(20), left, `corrected by ${by}`)
      }
    }
  )
})
