import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Freshness from "../../src/machine/Freshness.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Freshness, "verdict" | "retention">

interface Case {
  readonly rule: Freshness.Rule
  readonly age: number
  readonly took: number
  readonly chance: number
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.map(
  Arbitrary.all([
    Law.int(1, 20),
    Law.oneOf(0, 1, 5, 20),
    Law.oneOf(0, 1, 5, 20),
    Law.oneOf(0, 0.5, 1, 3),
    Law.int(0, 45),
    Law.int(0, 6),
    Law.int(0, 100)
  ]),
  ([timeToLive, staleWhileRevalidate, staleIfError, earlyRefresh, age, took, percent]) => ({
    rule: { timeToLive, staleWhileRevalidate, staleIfError, earlyRefresh },
    age,
    took,
    chance: percent / 100
  })
)

/** What may be done with an answer: the rule, said one question at a time. */
const keepsTheRule = (machine: Machine) => ({ age, chance, rule, took }: Case): void => {
  const verdict = machine.verdict(rule, age, took, chance)
  const isFresh = age < rule.timeToLive
  const isWithin = (more: number) => !isFresh && age < rule.timeToLive + more
  assert.strictEqual(verdict === "Fresh" || verdict === "Early", isFresh)
  assert.strictEqual(verdict === "Stale", isWithin(rule.staleWhileRevalidate))
  assert.strictEqual(verdict === "Fallback", !isWithin(rule.staleWhileRevalidate) && isWithin(rule.staleIfError))
  assert.strictEqual(verdict === "Gone", age >= machine.retention(rule))
  // XFetch: ask anew where now - delta * beta * ln(random) is no earlier than the end
  const drawn = rule.earlyRefresh === 0 ? 0 : -took * rule.earlyRefresh * Math.log(chance)
  if (isFresh && !Number.isNaN(drawn)) assert.strictEqual(verdict === "Early", age + drawn >= rule.timeToLive)
}

describe("Freshness", () => {
  it.prop("gives an answer for what its age is good for", [cases], ([it]) => {
    keepsTheRule(Freshness)(it)
  }, Law.check(1000))

  it("asks anew from the very moment that is drawn", () => {
    const rule = { timeToLive: 100, staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 1 }
    const chance = Math.exp(-1)
    assert.strictEqual(Math.log(chance), -1)
    assert.strictEqual(Freshness.verdict(rule, 90, 10, chance), "Early")
    assert.strictEqual(Freshness.verdict(rule, 90, 9.999, chance), "Fresh")
  })

  it("asks anew the sooner the longer that takes, in 36.8 of 100 looks where as much time is left as it takes", () => {
    const rule = { timeToLive: 100, staleWhileRevalidate: 0, staleIfError: 0, earlyRefresh: 1 }
    let early = 0
    for (let chance = 0.5; chance < 1000; chance++) {
      if (Freshness.verdict(rule, 90, 10, chance / 1000) === "Early") early++
    }
    assert.strictEqual(early, 368)
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["keeps what is as old as its time to live", {
      ...Freshness,
      verdict: (rule, age, took, chance) => Freshness.verdict(rule, age - 1, took, chance)
    }],
    ["adds up the two times after it", {
      ...Freshness,
      retention: (rule) => rule.timeToLive + rule.staleIfError + rule.staleWhileRevalidate
    }],
    ["asks first although a stale answer may be given", {
      ...Freshness,
      verdict: (rule, age, took, chance) => Freshness.verdict({ ...rule, staleWhileRevalidate: 0 }, age, took, chance)
    }],
    ["never asks early", {
      ...Freshness,
      verdict: (rule, age, took) => Freshness.verdict(rule, age, took, 1)
    }]
  ]
  it.effect.each(broken)("is told from a rule that %s", ([, machine]) => Law.isBroken(cases, keepsTheRule(machine)))
})
