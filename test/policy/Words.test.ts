/** What is said of policies and their order, word for word: it is read by people, and never by code. */
import { assert, describe, it } from "@effect/vitest"
import type { Effect } from "effect"
import { Policy } from "effect-relay"
import type { Description } from "../../src/policy/Description.ts"
import * as Words from "../../src/policy/Words.ts"

const said = (description: Description): Policy.Policy =>
  Policy.make(<A, E, R>(self: Effect.Effect<A, E, R>) => self, () => description)

const bulkhead = said({ _tag: "Bulkhead", key: "db", maxConcurrent: 20, maxQueued: 5, maxWait: 2000 })
const endlessQueue = said({ _tag: "Bulkhead", key: "db", maxConcurrent: 1, maxQueued: 1, maxWait: Infinity })
const breaker = said({ _tag: "CircuitBreaker", key: "db" })
const deadline = said({ _tag: "Deadline", duration: 10_000 })
const fallback = said({ _tag: "Fallback", catches: undefined })
const some = said({ _tag: "Fallback", catches: ["A", "B"] })
const hedge = said({ _tag: "Hedge", maxCopies: 2, delay: 200 })
const limiter = said({ _tag: "RateLimiter", key: "api", limits: ["60 calls per 1m"], maxQueued: 10, maxWait: 5000 })
const cache = said({ _tag: "ResponseCache" })
const mark = said({ _tag: "Idempotent" })
const retry = said({ _tag: "Retry", maxAttempts: 3, maxDelay: 1000, retriesOpenCircuit: false, hasBudget: true })
const stubborn = said({ _tag: "Retry", maxAttempts: 4, maxDelay: 1000, retriesOpenCircuit: true, hasBudget: false })
const timeout = said({ _tag: "Timeout", duration: 1000 })
const brief = said({ _tag: "Timeout", duration: 199 })

const inMoreCopies = "put Idempotent.mark outside the hedge, if the call may be made twice"

describe("a finding", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<object>, string, string | undefined]> = [
    [
      "no-timeout",
      [breaker],
      "nothing ends a call that hangs",
      "put a timeout around the call, or a deadline around the whole"
    ],
    [
      "no-end-of-waiting",
      [timeout, endlessQueue],
      "a call ends in time, and may wait for ever before it or after it",
      "give the waits a bound, or put a deadline around the whole"
    ],
    [
      "timeout-outside-retry",
      [retry, timeout],
      "one attempt that hangs uses up the whole timeout, and the retry never gets its turn",
      "put a timeout inside the retry too, shorter than the one outside"
    ],
    [
      "timeout-outside-breaker",
      [breaker, deadline],
      "a call that hangs is interrupted by the deadline, and an interrupt says nothing to circuit breaker \"db\": it " +
      "never opens",
      "put a timeout inside the breaker"
    ],
    [
      "nested-retries",
      [timeout, retry, stubborn],
      "retries at 2 levels multiply: 3 × 4 = 12 attempts",
      "retry at one level only"
    ],
    [
      "nested-hedges",
      [timeout, hedge, hedge],
      "hedges at 2 levels multiply: 2 × 2 = 4 copies",
      "hedge at one level only"
    ],
    [
      "hedge-without-mark",
      [timeout, hedge],
      "the hedge copies only calls that are marked idempotent, and no mark is here",
      inMoreCopies
    ],
    [
      "mark-inside-hedge",
      [timeout, mark, hedge],
      "the hedge does not see a mark that stands inside it, and copies nothing",
      inMoreCopies
    ],
    [
      "hedge-never-begins",
      [brief, hedge, mark],
      "what is inside ends after 199ms, before a second copy would begin",
      "hedge sooner, or not at all"
    ],
    [
      "retry-of-open-circuit",
      [timeout, breaker, stubborn],
      "the retry goes on while circuit breaker \"db\" is open: each attempt is refused at once, and the waits are wasted",
      "do not retry CircuitOpen; it says itself how long it will last"
    ],
    [
      "retry-inside-breaker",
      [timeout, retry, breaker],
      "circuit breaker \"db\" sees only the last of 3 attempts, so it opens that much later",
      "put the breaker inside the retry, unless the call as a whole is to be judged"
    ],
    [
      "retry-inside-bulkhead",
      [timeout, retry, bulkhead],
      "a call keeps its slot in bulkhead \"db\" while it waits for its next attempt",
      "put the bulkhead inside the retry"
    ],
    [
      "retry-inside-limiter",
      [timeout, retry, limiter],
      "rate limiter \"api\" counts a call once, and not the attempts that follow",
      "put the limiter inside the retry"
    ],
    [
      "retry-inside-hedge",
      [timeout, retry, hedge],
      "each of 2 copies brings up to 3 attempts, just when answers are slow",
      "put the hedge inside the retry"
    ],
    [
      "hedge-inside-bulkhead",
      [timeout, hedge, bulkhead],
      "a slot in bulkhead \"db\" stands for up to 2 calls at once",
      "put the bulkhead inside the hedge to count each copy"
    ],
    [
      "hedge-inside-limiter",
      [timeout, hedge, limiter],
      "rate limiter \"api\" counts a call once, of which there may be 2 copies",
      "put the limiter inside the hedge to count each copy"
    ],
    [
      "cache-inside-breaker",
      [timeout, cache, breaker],
      "circuit breaker \"db\" takes hits for answers of the dependency, and refuses them while it is open",
      "put the cache outside"
    ],
    [
      "cache-inside-bulkhead",
      [timeout, cache, bulkhead],
      "hits take slots in bulkhead \"db\", and are refused when it is full",
      "put the cache outside"
    ],
    [
      "cache-inside-limiter",
      [timeout, cache, limiter],
      "rate limiter \"api\" charges for hits, which cost the dependency nothing",
      "put the cache outside"
    ],
    [
      "breaker-inside-cache",
      [timeout, breaker, cache],
      "hits are served while circuit breaker \"db\" is open, and only misses probe it: this is the order to have",
      undefined
    ],
    [
      "fallback-inside-retry",
      [timeout, fallback, retry],
      "the retry never sees the failures that the fallback replaces",
      "put the fallback outside the retry"
    ],
    [
      "fallback-inside-retry",
      [timeout, some, retry],
      "the retry never sees the A, B that the fallback replaces",
      "put the fallback outside the retry"
    ],
    [
      "fallback-inside-breaker",
      [timeout, fallback, breaker],
      "circuit breaker \"db\" counts replaced failures as successes, and stays closed",
      "put the fallback outside the breaker"
    ],
    [
      "fallback-inside-cache",
      [timeout, fallback, cache],
      "what the fallback answers is kept, and served when the dependency is well again",
      "put the fallback outside the cache"
    ],
    [
      "fallback-inside-hedge",
      [timeout, fallback, hedge],
      "a copy that fails wins with what the fallback answers, and the other is interrupted",
      "put the fallback outside the hedge"
    ],
    [
      "fallback-inside-refusal",
      [timeout, fallback, bulkhead],
      "the fallback sees nothing of the failures of the bulkhead \"db\" outside it",
      "put the fallback outside"
    ],
    [
      "fallback-inside-refusal",
      [timeout, fallback, limiter],
      "the fallback sees nothing of the failures of the rate limiter \"api\" outside it",
      "put the fallback outside"
    ],
    [
      "fallback-inside-refusal",
      [fallback, timeout],
      "the fallback sees nothing of the failures of the timeout outside it",
      "put the fallback outside"
    ],
    [
      "fallback-inside-refusal",
      [fallback, deadline],
      "the fallback sees nothing of the failures of the deadline outside it",
      "put the fallback outside"
    ],
    [
      "queue-inside-timeout",
      [bulkhead, timeout],
      "the timeout also counts the time spent waiting for bulkhead \"db\"",
      "put the timeout inside to measure the call alone"
    ],
    [
      "queue-inside-timeout",
      [limiter, timeout],
      "the timeout also counts the time spent waiting for rate limiter \"api\"",
      "put the timeout inside to measure the call alone"
    ],
    [
      "deadline-inside-retry",
      [deadline, retry],
      "each of 3 attempts gets 10s of its own",
      "put the deadline outside the retry to bound them all"
    ]
  ]
  it.each(cases)("says what happens, and what to do about it: %s", (rule, stack, message, remedy) => {
    const found = Policy.examine(stack).warnings.find((finding) => finding.rule === rule)
    assert.deepStrictEqual([found?.message, found?.remedy], [message, remedy])
  })
})

describe("a policy", () => {
  const retrying = {
    _tag: "Retry",
    maxAttempts: 3,
    maxDelay: 1000,
    retriesOpenCircuit: false,
    hasBudget: false
  } as const
  const hedging = { _tag: "Hedge", maxCopies: 3, delay: 200 } as const
  const queueing = { _tag: "Bulkhead", key: "db", maxConcurrent: 20, maxQueued: 5, maxWait: 2000 } as const
  const cases: ReadonlyArray<readonly [Description, name: string, does: string]> = [
    [queueing, "bulkhead \"db\"", "20 calls at once, 5 may wait, up to 2s"],
    [{ ...queueing, maxWait: Infinity }, "bulkhead \"db\"", "20 calls at once, 5 may wait, for ever"],
    [{ ...queueing, maxWait: 0 }, "bulkhead \"db\"", "20 calls at once, nobody waits"],
    [{ ...queueing, maxConcurrent: 1, maxQueued: 0 }, "bulkhead \"db\"", "1 call at once, nobody waits"],
    [
      { ...queueing, maxConcurrent: Infinity, maxQueued: 0 },
      "bulkhead \"db\"",
      "any number of calls at once, nobody waits"
    ],
    [{ _tag: "CircuitBreaker", key: "db" }, "circuit breaker \"db\"", "refuses calls while its circuit is open"],
    [{ _tag: "Deadline", duration: 10_000 }, "deadline", "all that is inside shares 10s"],
    [{ _tag: "Deadline", duration: Infinity }, "deadline", "all that is inside shares for ever"],
    [{ _tag: "Fallback", catches: undefined }, "fallback", "answers instead of every failure"],
    [{ _tag: "Fallback", catches: ["A", "B"] }, "fallback", "answers instead of A, B"],
    [hedging, "hedge", "up to 3 copies, the next after 200ms without an answer"],
    [
      { ...hedging, quantile: 0.985 },
      "hedge",
      "up to 3 copies, the next when a call takes longer than 98.5 % do, which is 200ms"
    ],
    [
      { ...hedging, delay: Infinity, quantile: 0.99999 },
      "hedge",
      "up to 3 copies, the next when a call takes longer than 100 % do, which is not known yet"
    ],
    [{ _tag: "Idempotent" }, "mark", "says that what is inside may be done twice"],
    [
      { _tag: "RateLimiter", key: "api", limits: ["60 calls per 1m", "9 tokens per 1s"], maxQueued: 0, maxWait: 5 },
      "rate limiter \"api\"",
      "60 calls per 1m, 9 tokens per 1s; nobody waits"
    ],
    [{ _tag: "ResponseCache" }, "response cache", "answers what was asked before without a call"],
    [retrying, "retry", "up to 3 attempts, waits up to 1s between them in all"],
    [
      { ...retrying, maxAttempts: Infinity, maxDelay: Infinity, retriesOpenCircuit: true, hasBudget: true },
      "retry",
      "up to any number of attempts, waits for ever between them in all, while its budget pays, even when a circuit is open"
    ],
    [{ _tag: "Timeout", duration: 1500 }, "timeout", "ends what is inside after 1s 500ms"],
    [{ _tag: "Custom", name: "" }, "custom function", "nothing is known of it"],
    [{ _tag: "Custom", name: "log" }, "custom function \"log\"", "nothing is known of it"],
    [
      { _tag: "Stack", parts: [{ _tag: "Idempotent" }, { _tag: "Timeout", duration: 1 }] },
      "stack",
      "several policies: mark, timeout"
    ]
  ]
  it.each(cases)("has a name, and a sentence for what it does: %o", (description, name, does) => {
    assert.deepStrictEqual([Words.name(description), Words.does(description)], [name, does])
  })
})
