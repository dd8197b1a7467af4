import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Gcra from "../../src/machine/Gcra.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Gcra, "rule" | "wait" | "take">

interface Case {
  readonly limit: number
  readonly burst: number
  readonly window: number
  /** When the process started to count: clocks do not begin at zero. */
  readonly origin: number
  readonly arrivals: ReadonlyArray<{ readonly after: number; readonly cost: number; readonly patient: boolean }>
}

interface Passed {
  readonly at: number
  readonly cost: number
}

const traffic = (costs: (limit: number, burst: number) => Arbitrary.Arbitrary<number>, fullBurst = false) =>
  Arbitrary.flatMap(
    Law.int(fullBurst ? 1 : 2, 40),
    (limit) =>
      Arbitrary.flatMap(
        fullBurst ? Arbitrary.Constant(limit) : Law.int(1, limit - 1),
        (burst): Arbitrary.Arbitrary<Case> =>
          Arbitrary.all({
            limit: Arbitrary.Constant(limit),
            burst: Arbitrary.Constant(burst),
            window: Law.oneOf(7, 100, 1000, 60_000),
            origin: Law.oneOf(0, 12_345.678_9, 1e9),
            arrivals: Law.list(
              Arbitrary.all({
                after: Arbitrary.map(Arbitrary.all([Law.int(0, 3), Law.int(0, 100)]), ([zeros, by]) =>
                  zeros > 0 ? 0 : by),
                cost: costs(limit, burst),
                patient: Law.oneOf(true, false)
              }),
              150
            )
          })
      )
  )

const calls = traffic(() => Arbitrary.Constant(1))
const callsInOneBurst = traffic(() => Arbitrary.Constant(1), true)
const tokensWithinBurst = traffic((_, burst) => Law.int(1, burst))
const tokens = traffic((limit) => Law.int(1, limit))

/** Lets the arrivals through; the patient come back when they were told to, as one does who sleeps whole milliseconds. */
const play = (machine: Machine, { arrivals, burst, limit, origin, window }: Case): ReadonlyArray<Passed> => {
  const rule = machine.rule(limit, window, burst)
  const passed: Array<Passed> = []
  let tat = origin - 100 * window
  let now = origin
  for (const { after, cost, patient } of arrivals) {
    now += after
    const wait = machine.wait(tat, now, cost, rule)
    if (wait > 0 && !patient) continue
    now += Math.ceil(wait)
    assert.strictEqual(machine.wait(tat, now, cost, rule), 0, "who comes back when told to, passes")
    tat = machine.take(tat, now, cost, rule)
    passed.push({ at: now, cost })
  }
  return passed
}

const holdsTheLimitInEveryWindow = (machine: Machine) => (it: Case): void => {
  const passed = play(machine, it)
  for (const { at } of passed) {
    const inWindow = passed.filter((other) => other.at >= at && other.at < at + it.window - 1e-3)
    const beyondBurst = Math.max(0, ...inWindow.map(({ cost }) => cost - it.burst))
    assert.isAtMost(inWindow.reduce((sum, { cost }) => sum + cost, 0), it.limit + beyondBurst, `from ${at} on`)
  }
}

/** The reference: a bucket of `burst` that leaks one unit an `interval`, filled anew from all that ever passed. */
const level = (passed: ReadonlyArray<Passed>, now: number, interval: number): number =>
  Math.max(
    0,
    ...passed.map(({ at }, index) =>
      passed.slice(index).reduce((sum, { cost }) => sum + cost, 0) - (now - at) / interval
    )
  )

const leaksLikeABucket = (machine: Pick<Machine, "wait" | "take">) => ({ arrivals, burst, limit }: Case): void => {
  const rule = { interval: limit, tolerance: limit * burst }
  const passed: Array<Passed> = []
  let tat = 0
  let now = 0
  for (const { after, cost } of arrivals) {
    now += after
    const over = level(passed, now, rule.interval) + cost - burst
    const wait = machine.wait(tat, now, cost, rule)
    assert.closeTo(wait, Math.max(0, over * rule.interval), 2e-3)
    if (wait > 0) continue
    passed.push({ at: now, cost })
    tat = machine.take(tat, now, cost, rule)
  }
}

describe("Gcra", () => {
  it.prop("lets no more than the limit through in any window, wherever it starts", [calls], ([it]) => {
    holdsTheLimitInEveryWindow(Gcra)(it)
  }, Law.check(500))

  it.prop("holds the limit also when all of it may come in one burst", [callsInOneBurst], ([it]) => {
    holdsTheLimitInEveryWindow(Gcra)(it)
  }, Law.check(500))

  it.prop("holds a limit of tokens", [tokensWithinBurst], ([it]) => {
    holdsTheLimitInEveryWindow(Gcra)(it)
  }, Law.check(500))

  it.prop("holds a limit of tokens also when one call carries more than the burst", [tokens], ([it]) => {
    holdsTheLimitInEveryWindow(Gcra)(it)
  }, Law.check(500))

  it.prop("knows the wait to the millisecond: one earlier is refused, then it passes", [calls], ([it]) => {
    const rule = Gcra.rule(it.limit, it.window, it.burst)
    let tat = it.origin
    for (let n = 0; n < 60; n++) {
      const wait = Math.ceil(Gcra.wait(tat, it.origin, 1, rule))
      if (wait > 0) assert.isAbove(Gcra.wait(tat, it.origin + wait - 1, 1, rule), 0, `${wait - 1} of ${wait}`)
      assert.strictEqual(Gcra.wait(tat, it.origin + wait, 1, rule), 0)
      tat = Gcra.take(tat, it.origin, 1, rule)
    }
  }, Law.check(150))

  it.prop("leaks like a bucket that is filled anew from its whole history", [tokensWithinBurst], ([it]) => {
    leaksLikeABucket(Gcra)(it)
  }, Law.check(150))

  it.prop("lets the whole limit through within a window, the burst of it at once", [calls], ([it]) => {
    const rule = Gcra.rule(it.limit, it.window, it.burst)
    let tat = Gcra.idle
    let now = 0
    for (let passed = 1; passed <= it.limit; passed++) {
      now += Gcra.wait(tat, now, 1, rule)
      tat = Gcra.take(tat, now, 1, rule)
      if (passed <= it.burst) assert.strictEqual(now, 0)
      else assert.isAbove(now, 0)
    }
    // not at its end, where the next one begins
    assert.isBelow(now, it.window - 0.1)
  }, Law.check(100))

  it.prop(
    "is as it was when what was taken is given back at once",
    [tokens],
    ([{ arrivals, burst, limit, window }]) => {
      const rule = Gcra.rule(limit, window, burst)
      let tat = 1000
      for (const { cost } of arrivals) {
        assert.closeTo(Gcra.refund(Gcra.take(tat, 1000, cost, rule), cost, rule), tat, 1e-6)
        tat = Gcra.take(tat, 1000, cost, rule)
      }
    },
    Law.check(100)
  )

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["adds the burst to the limit", {
      ...Gcra,
      rule: (limit, window, burst) => ({ interval: window / limit, tolerance: window / limit * burst })
    }],
    ["saves up what was not used", { ...Gcra, take: (tat, _, cost, rule) => tat + rule.interval * cost }],
    ["names a wait that is too short", {
      ...Gcra,
      wait: (tat, now, cost, rule) => Gcra.wait(tat, now, cost, rule) / 2
    }]
  ]
  it.effect.each(broken)(
    "is told from a limiter that %s",
    ([, machine]) => Law.isBroken(calls, holdsTheLimitInEveryWindow(machine))
  )

  const leaky: ReadonlyArray<readonly [string, Pick<Machine, "wait" | "take">]> = [
    ["lets one more come at once", {
      ...Gcra,
      wait: (tat, now, cost, rule) => Math.max(0, Gcra.wait(tat, now, cost, rule) - rule.interval)
    }],
    ["counts calls where tokens are meant", {
      ...Gcra,
      take: (tat, now, _, rule) => Gcra.take(tat, now, 1, rule)
    }]
  ]
  it.effect.each(leaky)(
    "is told from a bucket that %s",
    ([, machine]) => Law.isBroken(tokensWithinBurst, leaksLikeABucket(machine))
  )
})
