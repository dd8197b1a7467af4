/** Meters of every kind, what may happen to one, and how it is lived through. */
import { assert } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as FixedWindow from "../../src/machine/FixedWindow.ts"
import * as Gcra from "../../src/machine/Gcra.ts"
import type * as Limit from "../../src/machine/Limit.ts"
import type { Meter, Rule } from "../../src/machine/Meter.ts"
import * as SlidingWindow from "../../src/machine/SlidingWindow.ts"
import * as TokenBucket from "../../src/machine/TokenBucket.ts"
import * as Law from "../Law.ts"
import type { Taken } from "./MeterByHistory.ts"

export type Make = (rule: Rule) => Meter

export const machines: Record<Limit.Algorithm, Make> = {
  gcra: Gcra.make,
  tokenBucket: TokenBucket.make,
  slidingWindow: SlidingWindow.make,
  fixedWindow: FixedWindow.make
}
export const algorithms = Object.keys(machines) as ReadonlyArray<Limit.Algorithm>

export const rules: Arbitrary.Arbitrary<Rule> = Arbitrary.flatMap(
  Law.int(1, 20),
  (limit) =>
    Arbitrary.all({
      limit: Arbitrary.Constant(limit),
      burst: Law.int(1, limit),
      window: Law.oneOf(7, 60, 100, 1000)
    })
)

export interface Step {
  readonly after: number
  /** Of the limit, in tenths of the burst where there is one. */
  readonly units: number
  readonly patient: boolean
  /** Which of those that passed turns out to have used another count, and which. */
  readonly corrects: number | undefined
  readonly by: number
}

export const steps = (mostUnits: number, overcharges: boolean): Arbitrary.Arbitrary<ReadonlyArray<Step>> =>
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

export interface Case {
  readonly rule: Rule
  readonly origin: number
  readonly steps: ReadonlyArray<Step>
}

export const cases = (mostUnits = 8, overcharges = false): Arbitrary.Arbitrary<Case> =>
  Arbitrary.all({ rule: rules, origin: Law.oneOf(0, 12_345, 1e9), steps: steps(mostUnits, overcharges) })

/** Lets the steps happen, and shows every state before something is taken. */
export const play = (
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

/** The meter, but for some of what it does. */
export const but = (make: Make, change: (meter: Meter, rule: Rule) => Partial<Meter>): Make => (rule) => {
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
