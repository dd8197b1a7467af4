/**
 * Orders of policies that are known to be wrong, and what to do about each.
 *
 * @since 0.1.0
 */
import type { Description } from "./Description.ts"
import * as OrderPairs from "./OrderPairs.ts"
import { duration, name } from "./Words.ts"
import * as WorstCase from "./WorstCase.ts"

type Of<T extends Description["_tag"]> = Extract<Description, { readonly _tag: T }>
type Findings = ReadonlyArray<OrderPairs.Finding>

const isBound = (policy: Description): policy is Of<"Timeout" | "Deadline"> =>
  (policy._tag === "Timeout" || policy._tag === "Deadline") && policy.duration < Infinity

/**
 * What is to be said of a stack, the innermost policy first: warnings before notes.
 *
 * @category getters
 * @since 0.1.0
 */
export const check = (stack: ReadonlyArray<Description>): Findings => {
  const findings = [
    ...endless(stack),
    ...hangingAttempts(stack),
    ...unheardHangs(stack),
    ...levels(stack),
    ...OrderPairs.check(stack),
    ...hedges(stack)
  ]
  return findings.toSorted((a, b) => Number(a.severity === "note") - Number(b.severity === "note"))
}

const places = (stack: ReadonlyArray<Description>, holds: (policy: Description) => boolean): ReadonlyArray<number> =>
  stack.flatMap((policy, index) => holds(policy) ? [index] : [])

const endless = (stack: ReadonlyArray<Description>): Findings => {
  if (WorstCase.of(stack).time < Infinity) return []
  const last = stack.findLastIndex(isBound)
  if (last === -1) {
    return [{
      rule: "no-timeout",
      severity: "warning",
      at: [],
      message: "nothing ends a call that hangs",
      remedy: "put a timeout around the call, or a deadline around the whole"
    }]
  }
  const at = places(stack, (policy) => WorstCase.within(policy, { attempts: 1, atOnce: 1, time: 1 }).time === Infinity)
  return [{
    rule: "no-end-of-waiting",
    severity: "warning",
    at: at.filter((index) => index > last),
    message: "a call ends in time, and may wait for ever before it or after it",
    remedy: "give the waits a bound, or put a deadline around the whole"
  }]
}

const hangingAttempts = (stack: ReadonlyArray<Description>): Findings =>
  places(stack, OrderPairs.retries).flatMap((retry): Findings => {
    const bound = stack.findIndex(isBound)
    if (bound < retry) return []
    return [{
      rule: "timeout-outside-retry",
      severity: "warning",
      at: [retry, bound],
      message: `one attempt that hangs uses up the whole ${name(stack[bound]!)}, and the retry never gets its turn`,
      remedy: "put a timeout inside the retry too, shorter than the one outside"
    }]
  })

const unheardHangs = (stack: ReadonlyArray<Description>): Findings =>
  places(stack, (policy) => policy._tag === "CircuitBreaker").flatMap((breaker): Findings => {
    const bound = stack.findIndex(isBound)
    if (bound < breaker) return []
    return [{
      rule: "timeout-outside-breaker",
      severity: "warning",
      at: [breaker, bound],
      message: `a call that hangs is interrupted by the ${name(stack[bound]!)}, and an interrupt says nothing to ` +
        `${name(stack[breaker]!)}: it never opens`,
      remedy: "put a timeout inside the breaker"
    }]
  })

const levels = (stack: ReadonlyArray<Description>): Findings => {
  const retrying = places(stack, OrderPairs.retries)
  const hedging = places(stack, (policy) => policy._tag === "Hedge")
  const attempts = retrying.map((index) => (stack[index] as Of<"Retry">).maxAttempts)
  const copies = hedging.map((index) => (stack[index] as Of<"Hedge">).maxCopies)
  const product = (counts: ReadonlyArray<number>): string =>
    `${counts.join(" × ")} = ${counts.reduce((a, b) => a * b, 1)}`
  return [
    ...(retrying.length < 2 ? [] : [{
      rule: "nested-retries",
      severity: "warning" as const,
      at: retrying,
      message: `retries at ${retrying.length} levels multiply: ${product(attempts)} attempts`,
      remedy: "retry at one level only"
    }]),
    ...(hedging.length < 2 ? [] : [{
      rule: "nested-hedges",
      severity: "warning" as const,
      at: hedging,
      message: `hedges at ${hedging.length} levels multiply: ${product(copies)} copies`,
      remedy: "hedge at one level only"
    }])
  ]
}

const hedges = (stack: ReadonlyArray<Description>): Findings =>
  stack.flatMap((hedge, index): Findings => {
    if (hedge._tag !== "Hedge") return []
    const inside = WorstCase.of(stack.slice(0, index))
    const marks = places(stack, (policy) => policy._tag === "Idempotent")
    const findings: Array<OrderPairs.Finding> = []
    if (marks.every((mark) => mark < index)) {
      findings.push({
        rule: marks.length === 0 ? "hedge-without-mark" : "mark-inside-hedge",
        severity: marks.length === 0 ? "note" : "warning",
        at: [...marks, index],
        message: marks.length === 0
          ? "the hedge copies only calls that are marked idempotent, and no mark is here"
          : "the hedge does not see a mark that stands inside it, and copies nothing",
        remedy: "put Idempotent.mark outside the hedge, if the call may be made twice"
      })
    }
    if (!WorstCase.begins(hedge, inside)) {
      findings.push({
        rule: "hedge-never-begins",
        severity: "note",
        at: [index],
        message: `what is inside ends after ${duration(inside.time)}, before a second copy would begin`,
        remedy: "hedge sooner, or not at all"
      })
    }
    return findings
  })
