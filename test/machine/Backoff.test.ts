import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Backoff from "../../src/machine/Backoff.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Backoff, "next">

interface Case {
  readonly rule: Backoff.Rule
  readonly randoms: ReadonlyArray<number>
}

const rules: Arbitrary.Arbitrary<Backoff.Rule> = Arbitrary.map(
  Arbitrary.all({
    shape: Law.oneOf("constant", "linear", "exponential", "fibonacci"),
    jitter: Law.oneOf("full", "equal", "decorrelated", "none"),
    base: Law.oneOf(0.5, 1, 7, 100, 5000),
    cap: Law.oneOf(1, 50, 1000, 20_000, 1e9)
  }),
  (rule) => rule.jitter === "decorrelated" && rule.cap <= rule.base ? { ...rule, cap: rule.base + 1 } : rule
)

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  rule: rules,
  randoms: Law.list(Arbitrary.map(Law.int(0, 999), (n) => n / 1000), 60, 1)
})

const fibonacci = (n: number): number => n <= 2 ? 1 : fibonacci(n - 1) + fibonacci(n - 2)

/** The reference: the delay of the nth retry from its number alone, in so many words. */
const nominal = ({ base, cap, shape }: Backoff.Rule, n: number): number =>
  Math.min(
    cap,
    {
      constant: base,
      linear: base * n,
      exponential: base * 2 ** (n - 1),
      fibonacci: base * fibonacci(Math.min(n, 18))
    }[
      shape
    ]
  )

const followsFormula = (machine: Machine) => ({ randoms, rule }: Case): void => {
  const { base, cap, jitter } = rule
  let row = Backoff.start
  let previous = base
  randoms.slice(0, rule.shape === "fibonacci" ? 18 : 60).forEach((random, index) => {
    row = machine.next(row, rule, random)
    const longest = jitter === "decorrelated" ? 3 * previous : nominal(rule, index + 1)
    const shortest = { full: 0, equal: longest / 2, decorrelated: base, none: longest }[jitter]
    const drawn = shortest + (longest - shortest) * random
    // what is drawn beyond the cap lies as far above its half as the draw lay beyond it, in proportion
    const half = Math.max(base, cap / 2)
    const expected = drawn <= cap ? drawn : half + (cap - half) * ((drawn - cap) / (longest - cap))
    assert.closeTo(row.delay, expected, 1e-9 * cap)
    assert.isAtLeast(row.delay, Math.min(shortest, cap) * (1 - 1e-12))
    assert.isAtMost(row.delay, Math.min(cap, longest))
    assert.strictEqual(row.count, index + 1)
    previous = row.delay
  })
}

const numbers = (count: number): ReadonlyArray<number> => {
  let seed = 20_260_420
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  })
}

const delays = (machine: Machine, rule: Backoff.Rule, count: number): ReadonlyArray<number> => {
  let row = Backoff.start
  return numbers(count).map((random) => (row = machine.next(row, rule, random)).delay)
}

const jittered = Arbitrary.all({
  shape: Law.oneOf("constant", "linear", "exponential", "fibonacci"),
  jitter: Law.oneOf("full", "equal", "decorrelated"),
  base: Law.oneOf(1, 100),
  cap: Law.oneOf(150, 20_000)
})

/** Callers that have come to the cap do not come back together: they are spread, and not piled up below it. */
const isSpreadAtCap = (machine: Machine) => (rule: Backoff.Rule): void => {
  const late = delays(machine, rule, 3000).slice(-2000)
  const least = Math.min(...late)
  const range = Math.max(...late) - least
  const tenths = new Map<number, number>()
  for (const delay of late) {
    assert.isBelow(delay, rule.cap, "never quite the cap")
    const tenth = Math.floor((delay - least) / range * 9.999)
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1)
  }
  assert.isAbove(new Set(late).size, 1990, "hardly two alike")
  assert.strictEqual(tenths.size, 10)
  assert.isAtMost(tenths.get(9)!, 800, "the last tenth before the cap does not hold most")
}

describe("Backoff", () => {
  it.prop(
    "is what the formulas say, whatever the chance",
    [cases],
    ([it]) => followsFormula(Backoff)(it),
    Law.check(400)
  )

  it("takes a delay that is drawn as just the cap", () => {
    const rule = { shape: "constant", jitter: "decorrelated", base: 100, cap: 150 } as const
    assert.strictEqual(Backoff.next(Backoff.start, rule, 0.25).delay, 150)
  })

  it.prop("is still spread at the cap", [jittered], ([rule]) => isSpreadAtCap(Backoff)(rule), Law.check(48))

  it.prop("is a finite duration within the cap after 5000 retries, and as long as may be", [rules], ([rule]) => {
    for (const random of [0, 0.5, 1 - 2 ** -53]) {
      let row = Backoff.start
      let sound = 0
      for (let retry = 0; retry < 5000; retry++) {
        row = Backoff.next(row, rule, random)
        if (Number.isFinite(row.delay) && row.delay >= 0 && row.delay <= rule.cap) sound++
      }
      assert.strictEqual(sound, 5000)
      if (rule.jitter === "none" && rule.shape !== "constant" && rule.base * 5000 >= rule.cap) {
        assert.strictEqual(row.delay, rule.cap)
      }
    }
  }, Law.check(100))

  it("does not overflow at the largest durations there are", () => {
    for (const shape of ["constant", "linear", "exponential", "fibonacci"] as const) {
      const rule = { shape, jitter: "equal", base: 1e308, cap: Number.MAX_VALUE } as const
      assert.isTrue(delays(Backoff, rule, 5000).every(Number.isFinite))
      assert.isTrue(delays(Backoff, { ...rule, jitter: "decorrelated" }, 5000).every(Number.isFinite))
    }
  })

  it.prop(
    "adds up to no more than it says",
    [rules, Law.int(0, 300), Law.oneOf(0, 0.4, 30, 5000, 1e10)],
    ([rule, times, atLeast]) => {
      let row = Backoff.start
      let total = 0
      let longest = rule.base
      for (let retry = 0; retry < times; retry++) {
        row = Backoff.next(row, { ...rule, jitter: "none" }, 0)
        longest = Math.min(rule.cap, longest * 3)
        total += Math.max(atLeast, rule.jitter === "decorrelated" ? longest : row.nominal)
      }
      assert.closeTo(Backoff.longestTotal(rule, times, atLeast), total, 1e-9 * (total + 1))
    },
    Law.check(300)
  )

  it("says so at once, however many retries and however far the cap", () => {
    for (const shape of ["constant", "linear", "exponential", "fibonacci"] as const) {
      const rule = { shape, jitter: "full", base: 1e-3, cap: 1e12 } as const
      assert.isTrue(Number.isFinite(Backoff.longestTotal(rule, 1e12, 0)))
    }
    assert.strictEqual(Backoff.longestTotal({ shape: "linear", jitter: "none", base: 1, cap: 5 }, 0, Infinity), 0)
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["jitters above the cap", {
      next: (row, rule, random) => {
        const next = Backoff.next(row, rule, random)
        return rule.jitter === "equal" ? { ...next, delay: next.delay * 1.5 } : next
      }
    }],
    ["grows by a retry too many", {
      next: (row, rule, random) => Backoff.next({ ...row, count: row.count + 1 }, rule, random)
    }],
    ["forgets its last delay", {
      next: (row, rule, random) => Backoff.next({ ...row, delay: rule.base }, rule, random)
    }],
    ["does not jitter", { next: (row, rule) => Backoff.next(row, rule, 0.5) }]
  ]
  it.effect.each(broken)(
    "is told from a backoff that %s",
    ([, machine]) => Law.isBroken(cases, followsFormula(machine))
  )

  const inStep: ReadonlyArray<readonly [string, Machine]> = [
    ["cuts decorrelated delays off at the cap", {
      next: (row, rule, random) => {
        if (rule.jitter !== "decorrelated") return Backoff.next(row, rule, random)
        const previous = row.count === 0 ? rule.base : row.delay
        const drawn = rule.base + (3 * previous - rule.base) * random
        return { ...Backoff.next(row, rule, random), delay: Math.min(rule.cap, drawn) }
      }
    }],
    ["jitters before it caps", {
      next: (row, rule, random) => {
        const next = Backoff.next(row, { ...rule, cap: rule.cap * 8 }, random)
        return { ...next, delay: Math.min(rule.cap, next.delay) }
      }
    }]
  ]
  it.effect.each(inStep)(
    "is told from a backoff that %s",
    ([, machine]) => Law.isBroken(jittered, isSpreadAtCap(machine))
  )
})
