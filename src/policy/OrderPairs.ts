/**
 * Pairs of policies that are known to be wrong one way round, or worth knowing
 * of, and what to do about each.
 *
 * Sources: M. Nygard, "Release It!" (2007); B. Beyer et al., "Site Reliability
 * Engineering" (2016), chapters 21 and 22; the documentation of Polly and
 * resilience4j on the order of their own policies.
 *
 * @since 0.1.0
 */
import type { Description } from "./Description.ts"
import { duration, name } from "./Words.ts"

/**
 * Something to know about the order of a stack. A note may well be meant; a
 * warning hardly ever is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Finding {
  readonly rule: string
  readonly severity: "warning" | "note"
  /** Which policies, by their place in the stack, the innermost 0. */
  readonly at: ReadonlyArray<number>
  /** What happens, and why. */
  readonly message: string
  /** What to do about it, if anything. */
  readonly remedy: string | undefined
}

type Tag = Description["_tag"]
type Of<T extends Tag> = Extract<Description, { readonly _tag: T }>

interface Pair {
  readonly rule: string
  readonly severity: Finding["severity"]
  readonly inner: Tag
  readonly outer: ReadonlyArray<Tag>
  /** What happens when the first stands inside the second; `undefined` for nothing. */
  readonly message: (inner: Description, outer: Description) => string | undefined
  readonly remedy: string | undefined
}

const pair = <const I extends Tag, const O extends Tag>(
  rule: string,
  severity: Finding["severity"],
  inner: I,
  outer: ReadonlyArray<O>,
  message: (inner: Of<I>, outer: Of<O>) => string | undefined,
  remedy?: string
): Pair => ({ rule, severity, inner, outer, message: message as Pair["message"], remedy })

/**
 * Whether a policy makes more than one attempt.
 *
 * @category guards
 * @since 0.1.0
 */
export const retries = (policy: Description): policy is Of<"Retry"> => policy._tag === "Retry" && policy.maxAttempts > 1

const replaced = ({ catches }: Of<"Fallback">): string => catches === undefined ? "failures" : catches.join(", ")

const pairs: ReadonlyArray<Pair> = [
  pair(
    "retry-of-open-circuit",
    "warning",
    "CircuitBreaker",
    ["Retry"],
    (breaker, retry) =>
      retries(retry) && retry.retriesOpenCircuit
        ? `the retry goes on while ${name(breaker)} is open: each attempt is refused at once, and the waits are wasted`
        : undefined,
    "do not retry CircuitOpen; it says itself how long it will last"
  ),
  pair(
    "retry-inside-breaker",
    "note",
    "Retry",
    ["CircuitBreaker"],
    (retry, breaker) =>
      retries(retry)
        ? `${name(breaker)} sees only the last of ${retry.maxAttempts} attempts, so it opens that much later`
        : undefined,
    "put the breaker inside the retry, unless the call as a whole is to be judged"
  ),
  pair(
    "retry-inside-bulkhead",
    "warning",
    "Retry",
    ["Bulkhead"],
    (retry, bulkhead) =>
      retries(retry) ? `a call keeps its slot in ${name(bulkhead)} while it waits for its next attempt` : undefined,
    "put the bulkhead inside the retry"
  ),
  pair(
    "retry-inside-limiter",
    "warning",
    "Retry",
    ["RateLimiter"],
    (retry, limiter) =>
      retries(retry) ? `${name(limiter)} counts a call once, and not the attempts that follow` : undefined,
    "put the limiter inside the retry"
  ),
  pair(
    "retry-inside-hedge",
    "warning",
    "Retry",
    ["Hedge"],
    (retry, hedge) =>
      retries(retry)
        ? `each of ${hedge.maxCopies} copies brings up to ${retry.maxAttempts} attempts, just when answers are slow`
        : undefined,
    "put the hedge inside the retry"
  ),
  pair(
    "hedge-inside-bulkhead",
    "note",
    "Hedge",
    ["Bulkhead"],
    ({ maxCopies }, bulkhead) => `a slot in ${name(bulkhead)} stands for up to ${maxCopies} calls at once`,
    "put the bulkhead inside the hedge to count each copy"
  ),
  pair(
    "hedge-inside-limiter",
    "note",
    "Hedge",
    ["RateLimiter"],
    ({ maxCopies }, limiter) => `${name(limiter)} counts a call once, of which there may be ${maxCopies} copies`,
    "put the limiter inside the hedge to count each copy"
  ),
  pair(
    "cache-inside-breaker",
    "warning",
    "ResponseCache",
    ["CircuitBreaker"],
    (_, breaker) => `${name(breaker)} takes hits for answers of the dependency, and refuses them while it is open`,
    "put the cache outside"
  ),
  pair(
    "cache-inside-bulkhead",
    "warning",
    "ResponseCache",
    ["Bulkhead"],
    (_, bulkhead) => `hits take slots in ${name(bulkhead)}, and are refused when it is full`,
    "put the cache outside"
  ),
  pair(
    "cache-inside-limiter",
    "warning",
    "ResponseCache",
    ["RateLimiter"],
    (_, limiter) => `${name(limiter)} charges for hits, which cost the dependency nothing`,
    "put the cache outside"
  ),
  pair(
    "breaker-inside-cache",
    "note",
    "CircuitBreaker",
    ["ResponseCache"],
    (breaker) => `hits are served while ${name(breaker)} is open, and only misses probe it: this is the order to have`
  ),
  pair(
    "fallback-inside-retry",
    "warning",
    "Fallback",
    ["Retry"],
    (fallback, retry) =>
      retries(retry) ? `the retry never sees the ${replaced(fallback)} that the fallback replaces` : undefined,
    "put the fallback outside the retry"
  ),
  pair(
    "fallback-inside-breaker",
    "warning",
    "Fallback",
    ["CircuitBreaker"],
    (fallback, breaker) => `${name(breaker)} counts replaced ${replaced(fallback)} as successes, and stays closed`,
    "put the fallback outside the breaker"
  ),
  pair(
    "fallback-inside-hedge",
    "warning",
    "Fallback",
    ["Hedge"],
    () => "a copy that fails wins with what the fallback answers, and the other is interrupted",
    "put the fallback outside the hedge"
  ),
  pair(
    "fallback-inside-cache",
    "warning",
    "Fallback",
    ["ResponseCache"],
    () => "what the fallback answers is kept, and served when the dependency is well again",
    "put the fallback outside the cache"
  ),
  pair(
    "fallback-inside-refusal",
    "note",
    "Fallback",
    ["Timeout", "Deadline", "Bulkhead", "RateLimiter"],
    ({ catches }, outer) =>
      catches === undefined ? `the fallback sees nothing of the failures of the ${name(outer)} outside it` : undefined,
    "put the fallback outside"
  ),
  ...(["Bulkhead", "RateLimiter"] as const).map((inner) =>
    pair(
      "queue-inside-timeout",
      "note",
      inner,
      ["Timeout"],
      (policy) =>
        policy.maxQueued > 0 && policy.maxWait > 0
          ? `the timeout also counts the time spent waiting for ${name(policy)}`
          : undefined,
      "put the timeout inside to measure the call alone"
    )
  ),
  pair(
    "deadline-inside-retry",
    "note",
    "Deadline",
    ["Retry"],
    (deadline, retry) =>
      retries(retry)
        ? `each of ${retry.maxAttempts} attempts gets ${duration(deadline.duration)} of its own`
        : undefined,
    "put the deadline outside the retry to bound them all"
  )
]

/**
 * What is to be said of the pairs in a stack, the innermost policy first.
 *
 * @category getters
 * @since 0.1.0
 */
export const check = (stack: ReadonlyArray<Description>): ReadonlyArray<Finding> =>
  pairs.flatMap(({ inner, message, outer, remedy, rule, severity }) =>
    stack.flatMap((inside, i) =>
      inside._tag === inner
        ? stack.slice(i + 1).flatMap((outside, offset): ReadonlyArray<Finding> => {
          const said = outer.includes(outside._tag) ? message(inside, outside) : undefined
          return said === undefined ? [] : [{ rule, severity, at: [i, i + 1 + offset], message: said, remedy }]
        })
        : []
    )
  )
