/**
 * Policies in words.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { Description } from "./Description.ts"

/**
 * Milliseconds in words.
 *
 * @category conversions
 * @since 0.1.0
 */
export const duration = (millis: number): string =>
  millis === Infinity ? "for ever" : Duration.format(Duration.millis(millis))

const counted = (count: number, one: string): string =>
  count === Infinity ? `any number of ${one}s` : `${count} ${one}${count === 1 ? "" : "s"}`

/**
 * What a policy is called in a sentence.
 *
 * @category conversions
 * @since 0.1.0
 */
export const name = (policy: Description): string => {
  switch (policy._tag) {
    case "Budget":
      return "budget"
    case "Bulkhead":
      return `bulkhead "${policy.key}"`
    case "CircuitBreaker":
      return `circuit breaker "${policy.key}"`
    case "Deadline":
      return "deadline"
    case "Fallback":
      return "fallback"
    case "Hedge":
      return "hedge"
    case "Idempotent":
      return "mark"
    case "RateLimiter":
      return `rate limiter "${policy.key}"`
    case "ResponseCache":
      return "response cache"
    case "Retry":
      return "retry"
    case "Timeout":
      return "timeout"
    case "Stack":
      return "stack"
    default:
      return policy.name === "" ? "custom function" : `custom function "${policy.name}"`
  }
}

const queue = (maxQueued: number, maxWait: number): string =>
  maxQueued === 0 || maxWait === 0 ? "nobody waits" : `${maxQueued} may wait, ${upTo(maxWait)}`

const upTo = (millis: number): string => millis === Infinity ? "for ever" : `up to ${duration(millis)}`

/**
 * What a policy does, with its numbers.
 *
 * @category conversions
 * @since 0.1.0
 */
export const does = (policy: Description): string => {
  switch (policy._tag) {
    case "Budget":
      return `relayed calls inside spend at most ${policy.limits.join(" and ")}`
    case "Bulkhead":
      return `${counted(policy.maxConcurrent, "call")} at once, ${queue(policy.maxQueued, policy.maxWait)}`
    case "CircuitBreaker":
      return "refuses calls while its circuit is open"
    case "Deadline":
      return `all that is inside shares ${duration(policy.duration)}`
    case "Fallback":
      return `answers instead of ${policy.catches === undefined ? "every failure" : policy.catches.join(", ")}`
    case "Hedge":
      return `up to ${policy.maxCopies} copies, the next ${hedgeDelay(policy.delay, policy.quantile)}`
    case "Idempotent":
      return "says that what is inside may be done twice"
    case "RateLimiter":
      return `${policy.limits.join(", ")}; ${queue(policy.maxQueued, policy.maxWait)}`
    case "ResponseCache":
      return "answers what was asked before without a call"
    case "Retry":
      return [
        `up to ${counted(policy.maxAttempts, "attempt")}`,
        `waits ${upTo(policy.maxDelay)} between them in all`,
        ...(policy.hasBudget ? ["while its budget pays"] : []),
        ...(policy.retriesOpenCircuit ? ["even when a circuit is open"] : [])
      ].join(", ")
    case "Timeout":
      return `ends what is inside after ${duration(policy.duration)}`
    case "Stack":
      return `several policies: ${policy.parts.map(name).join(", ")}`
    default:
      return "nothing is known of it"
  }
}

const hedgeDelay = (delay: number, quantile: number | undefined): string => {
  if (quantile === undefined) return `after ${duration(delay)} without an answer`
  const share = `${Number((quantile * 100).toFixed(2))} %`
  return `when a call takes longer than ${share} do, which is ${delay === Infinity ? "not known yet" : duration(delay)}`
}
