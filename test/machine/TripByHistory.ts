/**
 * What a trip rule ought to say, found the slow way: from the list of all answers, by the
 * definition of each rule.
 */
import { Arbitrary } from "effect"
import type * as CallStats from "../../src/machine/CallStats.ts"
import type * as TripRule from "../../src/machine/TripRule.ts"
import * as Law from "../Law.ts"

/** An answer that counted. */
export interface Answer {
  readonly outcome: "Success" | "Slow" | "Failure"
  readonly at: number
}

const count = (answers: ReadonlyArray<Answer>, outcome: Answer["outcome"]): number =>
  answers.filter((answer) => answer.outcome === outcome).length

/** The worst balance of any run of answers up to the last, where a good one pays `price` for a bad one. */
export const worstRun = (bad: ReadonlyArray<boolean>, rate: number): number => {
  let worst = 0
  for (let from = 0; from < bad.length; from++) {
    worst = Math.max(worst, bad.slice(from).reduce((sum, isBad) => sum + (isBad ? 1 : -rate / (1 - rate)), 0))
  }
  return worst
}

/** The failures in a row at the end. */
const streak = (answers: ReadonlyArray<Answer>): number => {
  const since = answers.findLastIndex(({ outcome }) => outcome !== "Failure")
  return answers.length - 1 - since
}

/** The answers of the last ten tenths of the window, the one that `now` falls into included. */
export const within = (answers: ReadonlyArray<Answer>, window: number, now: number): ReadonlyArray<Answer> =>
  answers.filter(({ at }) => Math.floor(10 * at / window) > Math.floor(10 * now / window) - 10)

/** What a rule of one's own is to see. */
export const health = (answers: ReadonlyArray<Answer>, window: number, now: number): TripRule.Health => {
  const recent = within(answers, window, now)
  const share = (outcome: Answer["outcome"]) => recent.length === 0 ? 0 : count(recent, outcome) / recent.length
  return {
    consecutiveFailures: streak(answers),
    calls: recent.length,
    failures: count(recent, "Failure"),
    slowCalls: count(recent, "Slow"),
    failureRate: share("Failure"),
    slowCallRate: share("Slow")
  }
}

/** The name of what opens a circuit with these answers, of which the last came `now`. */
export const tripped = (
  rule: TripRule.TripRule,
  answers: ReadonlyArray<Answer>,
  window: number,
  now: number
): string | undefined => {
  const { calls, failureRate, slowCallRate } = health(answers, window, now)
  switch (rule._tag) {
    case "Or":
      return rule.rules.map((rule) => tripped(rule, answers, window, now)).find((name) => name !== undefined)
    case "And": {
      const names = rule.rules.map((rule) => tripped(rule, answers, window, now))
      return names.includes(undefined) ? undefined : names.join(" and ")
    }
    case "Consecutive":
      return streak(answers) >= rule.failures ? `consecutive(${rule.failures})` : undefined
    case "FailureRate": {
      const failed = answers.map(({ outcome }) => outcome === "Failure")
      return worstRun(failed, rule.rate) >= rule.evidence ? `failureRate(${rule.rate})` : undefined
    }
    case "CountWindow": {
      const last = answers.slice(-rule.calls)
      return last.length >= rule.minimumCalls && count(last, "Failure") / last.length >= rule.rate
        ? `countWindow(${rule.rate} of ${rule.calls})`
        : undefined
    }
    case "TimeWindow":
      return calls >= rule.minimumCalls && failureRate >= rule.rate ? `timeWindow(${rule.rate})` : undefined
    case "SlowCallRate":
      return calls >= rule.minimumCalls && slowCallRate >= rule.rate ? `slowCallRate(${rule.rate})` : undefined
    case "MinimumCalls":
      return calls >= rule.calls ? `minimumCalls(${rule.calls})` : undefined
    case "Custom": {
      const seen = health(answers, window, now)
      // the one that throws has no say
      return rule.name !== "faulty" && rule.test(seen) ? rule.name : undefined
    }
  }
}

const outnumbered: TripRule.TripRule = {
  _tag: "Custom",
  name: "outnumbered",
  test: ({ calls, consecutiveFailures, failures, slowCalls }) => failures + slowCalls > 2 && consecutiveFailures < calls
}

const faulty: TripRule.TripRule = {
  _tag: "Custom",
  name: "faulty",
  test: () => {
    throw new Error("no idea")
  }
}

/** Any single rule, with small numbers, so that short histories reach them. */
export const single = (rate: number): Arbitrary.Arbitrary<TripRule.TripRule> =>
  Arbitrary.map(
    Arbitrary.all({
      tag: Law.oneOf(
        "Consecutive",
        "FailureRate",
        "CountWindow",
        "TimeWindow",
        "SlowCallRate",
        "MinimumCalls",
        "outnumbered",
        "faulty"
      ),
      few: Law.int(1, 4),
      many: Law.int(0, 3),
      share: Law.oneOf(0.25, 0.5, 1)
    }),
    ({ few, many, share, tag }): TripRule.TripRule => {
      switch (tag) {
        case "Consecutive":
          return { _tag: tag, failures: few }
        case "FailureRate":
          return { _tag: tag, rate, evidence: few }
        case "CountWindow":
          return { _tag: tag, calls: few + many, rate: share, minimumCalls: few }
        case "TimeWindow":
        case "SlowCallRate":
          return { _tag: tag, rate: share, minimumCalls: few }
        case "MinimumCalls":
          return { _tag: tag, calls: few + many }
        case "outnumbered":
          return outnumbered
        case "faulty":
          return faulty
      }
    }
  )

/** Rules of all kinds, alone, joined, and joined once more. At these rates sums are exact. */
export const rules: Arbitrary.Arbitrary<TripRule.TripRule> = Arbitrary.flatMap(
  Law.oneOf(0.2, 0.5, 0.75),
  (rate) => {
    const joined = (rule: Arbitrary.Arbitrary<TripRule.TripRule>): Arbitrary.Arbitrary<TripRule.TripRule> =>
      Arbitrary.map(
        Arbitrary.all([Law.oneOf("Or", "And", "alone"), Law.list(rule, 3, 1)]),
        ([join, rules]) => join === "alone" ? rules[0]! : { _tag: join, rules }
      )
    return joined(joined(single(rate)))
  }
)

const leaves = (rule: TripRule.TripRule): ReadonlyArray<TripRule.TripRule> =>
  "rules" in rule ? rule.rules.flatMap(leaves) : [rule]

/** The counts that a rule needs. Evidence neither fades nor is forgotten. */
export const shapeOf = (rule: TripRule.TripRule, window: number, slowCalls = Infinity): CallStats.Shape => {
  const all = leaves(rule)
  const lengths = all.flatMap((leaf) => leaf._tag === "CountWindow" ? [leaf.calls] : [])
  const isTimed = all.some(({ _tag }) => !["Consecutive", "FailureRate", "CountWindow"].includes(_tag))
  const weighing = all.find((leaf) => leaf._tag === "FailureRate")
  return {
    failures: { rate: weighing?.rate ?? 0.5, limit: 13, forgetAfter: 1e9 },
    slow: { rate: 0.5, limit: slowCalls, forgetAfter: 1e9 },
    rings: lengths.filter((length, index) => lengths.indexOf(length) === index),
    window: isTimed ? window : 0
  }
}

/** Answers, and how long after the one before they came. */
export const histories = Law.list(
  Arbitrary.all({ outcome: Law.oneOf("Success", "Slow", "Failure"), after: Law.int(0, 40) }),
  80
)

export type History = ReadonlyArray<{ readonly outcome: Answer["outcome"]; readonly after: number }>

/** Reads a history from its beginning, with all answers up to each. */
export const read = (
  history: History,
  start: number,
  at: (answers: ReadonlyArray<Answer>, last: Answer) => void
): void => {
  const answers: Array<Answer> = []
  let now = start
  for (const { after, outcome } of history) {
    now += after
    const last = { outcome, at: now }
    answers.push(last)
    at(answers, last)
  }
}

/** A rule and what happens to it. */
export const trials = Arbitrary.all({ rule: rules, history: histories })

/** The length of the time window, which rules have in common. */
export const window = 50
