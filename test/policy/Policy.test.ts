import { assert, describe, it } from "@effect/vitest"
import { Effect, flow, pipe } from "effect"
import { type Bulkhead, type CircuitBreaker, Fallback, Hedge, Idempotent, Policy, ResponseCache } from "effect-relay"
import type { Description } from "../../src/policy/Description.ts"

/** A policy that does nothing but say what it is. */
const said = (description: Description): Policy.Policy =>
  Policy.make(<A, E, R>(self: Effect.Effect<A, E, R>) => self, () => description)

const bulkhead = said({ _tag: "Bulkhead", key: "db", maxConcurrent: 20, maxQueued: 5, maxWait: 2000 })
const noQueue = said({ _tag: "Bulkhead", key: "db", maxConcurrent: 20, maxQueued: 0, maxWait: 2000 })
const breaker = said({ _tag: "CircuitBreaker", key: "db" })
const deadline = said({ _tag: "Deadline", duration: 10_000 })
const fallback = said({ _tag: "Fallback", catches: undefined })
const hedge = said({ _tag: "Hedge", maxCopies: 2, delay: 200 })
const limiter = said({ _tag: "RateLimiter", key: "api", limits: ["60 calls per 1m"], maxQueued: 10, maxWait: 5000 })
const cache = said({ _tag: "ResponseCache" })
const retry = said({
  _tag: "Retry",
  maxAttempts: 3,
  maxDelay: 1000,
  retriesOpenCircuit: false,
  hasBudget: true
})
const stubborn = said({
  _tag: "Retry",
  maxAttempts: 3,
  maxDelay: 1000,
  retriesOpenCircuit: true,
  hasBudget: false
})
const noRetry = said({ _tag: "Retry", maxAttempts: 1, maxDelay: 0, retriesOpenCircuit: true, hasBudget: false })
const timeout = said({ _tag: "Timeout", duration: 1000 })
const { mark } = Idempotent

/** What is said of a stack, the innermost first: warnings as they are, notes in brackets, each with its places. */
const findings = (...stack: ReadonlyArray<object>): ReadonlyArray<string> =>
  Policy.examine(stack).warnings.map(({ places, rule, severity }) =>
    [severity === "note" ? `(${rule})` : rule, ...places].join(" ")
  )

const numbers = (...stack: ReadonlyArray<object>) => {
  const { attempts, load, time } = Policy.examine(stack)
  return { attempts, time, ...load }
}

describe("the order of a stack", () => {
  const orders: ReadonlyArray<readonly [string, ReadonlyArray<object>, ReadonlyArray<string>]> = [
    ["is right as the design has it", [timeout, bulkhead, breaker, limiter, hedge, mark, retry, deadline, cache], [
      "(breaker-inside-cache) 1 7"
    ]],
    ["is wrong where a retry tries an open circuit again", [timeout, breaker, stubborn], ["retry-of-open-circuit 1 2"]],
    ["is right where it does not", [timeout, breaker, retry], []],
    ["lets a breaker inside out see only the last attempt", [timeout, retry, breaker], ["(retry-inside-breaker) 1 2"]],
    ["is wrong where one hanging attempt takes all the time", [retry, timeout], ["timeout-outside-retry 1 2"]],
    ["is as wrong with a deadline", [retry, breaker, deadline], [
      "timeout-outside-retry 1 3",
      "timeout-outside-breaker 1 2",
      "(retry-inside-breaker) 2 3"
    ]],
    ["is wrong where the breaker hears nothing of calls that hang", [breaker, timeout], [
      "timeout-outside-breaker 1 2"
    ]],
    ["is right where it hears of them", [timeout, breaker, deadline], []],
    ["is right with a timeout inside as well", [timeout, retry, timeout], []],
    ["is wrong where nothing ends a call", [breaker], ["no-timeout"]],
    ["is wrong where there is nothing at all", [], ["no-timeout"]],
    ["is wrong where a wait has no end", [
      timeout,
      said({ _tag: "Bulkhead", key: "db", maxConcurrent: 1, maxQueued: 1, maxWait: Infinity }),
      breaker
    ], ["no-end-of-waiting 2"]],
    ["is right where nobody waits, or a deadline ends it", [
      timeout,
      said({ _tag: "Bulkhead", key: "db", maxConcurrent: 1, maxQueued: 0, maxWait: Infinity }),
      said({ _tag: "Bulkhead", key: "db", maxConcurrent: 1, maxQueued: 1, maxWait: Infinity }),
      deadline
    ], []],
    ["names only the endless waits that nothing outside of them ends", [
      said({ _tag: "Bulkhead", key: "db", maxConcurrent: 1, maxQueued: 1, maxWait: Infinity }),
      timeout,
      said({ _tag: "Bulkhead", key: "all", maxConcurrent: 1, maxQueued: 1, maxWait: Infinity })
    ], ["no-end-of-waiting 1", "(queue-inside-timeout) 2 3"]],
    [
      "asks of a hedge only what is inside of it",
      [timeout, hedge, said({ _tag: "Deadline", duration: 100 }), mark],
      []
    ],
    ["is right where a queue lets nobody wait", [
      said({ _tag: "Bulkhead", key: "db", maxConcurrent: 1, maxQueued: 5, maxWait: 0 }),
      timeout
    ], []],
    ["takes an endless timeout for none", [said({ _tag: "Timeout", duration: Infinity })], ["no-timeout"]],
    ["is wrong with retries at two levels", [timeout, retry, retry], ["nested-retries 1 2"]],
    ["is right with a retry that never retries", [timeout, noRetry, breaker, retry], []],
    ["is wrong with a hedge around a retry", [timeout, retry, hedge, mark], ["retry-inside-hedge 2 3"]],
    ["is wrong with a hedge around a hedge", [timeout, hedge, hedge, mark], ["nested-hedges 2 3"]],
    ["is wrong where a slot is held between attempts", [timeout, retry, noQueue], ["retry-inside-bulkhead 1 2"]],
    ["is wrong where attempts are not counted", [timeout, retry, limiter], ["retry-inside-limiter 1 2"]],
    ["says so where copies are not counted", [timeout, hedge, noQueue, limiter, mark], [
      "(hedge-inside-bulkhead) 3 4",
      "(hedge-inside-limiter) 2 4"
    ]],
    ["is wrong with a cache inside a breaker, a bulkhead, a limiter", [timeout, cache, breaker, noQueue, limiter], [
      "cache-inside-breaker 3 4",
      "cache-inside-bulkhead 2 4",
      "cache-inside-limiter 1 4"
    ]],
    ["is right with a breaker inside a cache, and says what that does", [timeout, breaker, cache], [
      "(breaker-inside-cache) 1 2"
    ]],
    ["is wrong with a fallback inside what has to see failures", [timeout, fallback, retry, breaker, cache], [
      "fallback-inside-retry 3 4",
      "fallback-inside-breaker 2 4",
      "fallback-inside-cache 1 4",
      "(retry-inside-breaker) 2 3",
      "(breaker-inside-cache) 1 2"
    ]],
    ["is wrong with a fallback inside a hedge", [timeout, fallback, hedge, mark], ["fallback-inside-hedge 2 3"]],
    ["says what a fallback inside cannot see", [timeout, fallback, noQueue, timeout], [
      "(fallback-inside-refusal) 2 3",
      "(fallback-inside-refusal) 1 3"
    ]],
    ["is right with a fallback outermost, or one that has its reasons", [
      timeout,
      Fallback.byTag({ BulkheadFull: () => Effect.succeed(1) }),
      noQueue,
      fallback
    ], []],
    ["says that a timeout outside a queue counts the wait", [bulkhead, limiter, timeout], [
      "(queue-inside-timeout) 1 3",
      "(queue-inside-timeout) 1 2"
    ]],
    ["says that a deadline inside a retry is one an attempt", [deadline, retry], ["(deadline-inside-retry) 1 2"]],
    ["says that a hedge copies only what is marked", [timeout, hedge], ["(hedge-without-mark) 1"]],
    ["is wrong with the mark inside the hedge", [timeout, mark, hedge], ["mark-inside-hedge 1 2"]],
    ["is right with a mark on both sides", [timeout, mark, hedge, mark], []],
    ["says that a hedge comes too late", [said({ _tag: "Timeout", duration: 199 }), hedge, mark], [
      "(hedge-never-begins) 2"
    ]]
  ]
  it.each(orders)("%s", (_, stack, expected) => assert.deepStrictEqual(findings(...stack), expected))

  it("comes with a reason for each finding, and a remedy for each warning", () => {
    const all = orders.flatMap(([, stack]) => Policy.examine(stack).warnings)
    for (const { message, remedy, severity } of all) {
      assert.isAbove(message.length, 20)
      if (severity === "warning") assert.isDefined(remedy)
    }
  })
})

describe("the worst case of a stack", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<object>, object]> = [
    ["a bare call", [], { attempts: 1, time: Infinity, perCall: 1, perCallAtOnce: 1, atOnce: Infinity, rates: [] }],
    ["retries of hedged calls", [timeout, hedge, retry], {
      attempts: 6,
      time: 3 * 1200 + 1000,
      perCall: 6,
      perCallAtOnce: 2
    }],
    ["a hedge that follows the latency", [
      timeout,
      said({ _tag: "Hedge", maxCopies: 3, delay: Infinity, quantile: 0.98 })
    ], { attempts: 3, time: 3000 }],
    ["a hedge that never begins", [said({ _tag: "Timeout", duration: 199 }), hedge], { attempts: 1, time: 199 }],
    ["queues", [timeout, bulkhead, limiter], { attempts: 1, time: 8000 }],
    ["no queue", [timeout, noQueue], { time: 1000 }],
    ["a deadline around all", [timeout, bulkhead, stubborn, deadline], { time: 10_000 }],
    ["slots that stand for copies", [hedge, bulkhead], { atOnce: 40, perCallAtOnce: 2 }],
    ["the smallest of two bulkheads", [
      bulkhead,
      hedge,
      said({ _tag: "Bulkhead", key: "all", maxConcurrent: 5, maxQueued: 0, maxWait: 0 })
    ], { atOnce: 10 }],
    ["limits that do not count attempts", [limiter, retry], { rates: [{ limit: "60 calls per 1m", times: 1 }] }],
    ["limits that do", [retry, limiter], { rates: [{ limit: "60 calls per 1m", times: 3 }] }],
    ["retries without end", [
      said({
        _tag: "Retry",
        maxAttempts: Infinity,
        maxDelay: Infinity,
        retriesOpenCircuit: false,
        hasBudget: false
      }),
      timeout
    ], { attempts: Infinity, time: 1000 }]
  ]
  it.each(cases)("counts %s", (_, stack, expected) => {
    const all = numbers(...stack)
    assert.deepStrictEqual({ ...all, ...expected }, all)
  })
})

describe("the text of an explanation", () => {
  it("says all of it, outermost first", () => {
    const stack = [timeout, bulkhead, breaker, limiter, hedge, mark, stubborn, cache, fallback]
    assert.strictEqual(
      Policy.explain(stack),
      `Outermost first
  1. fallback: answers instead of every failure
  2. response cache: answers what was asked before without a call
  3. retry: up to 3 attempts, waits up to 1s between them in all, even when a circuit is open
  4. mark: says that what is inside may be done twice
  5. hedge: up to 2 copies, the next after 200ms without an answer
  6. rate limiter "api": 60 calls per 1m; 10 may wait, up to 5s
  7. circuit breaker "db": refuses calls while its circuit is open
  8. bulkhead "db": 20 calls at once, 5 may wait, up to 2s
  9. timeout: ends what is inside after 1s
  10. the call

One call at worst
  attempts: 6 (retry 3 × hedge 2)
  time: 25s 600ms, without what the fallback may take

Load at worst
  one call becomes up to 6, 2 at once
  at most 20 at once in all
  60 calls per 1m

Warnings
  3, 7: the retry goes on while circuit breaker "db" is open: each attempt is refused at once, and the waits are wasted; do not retry CircuitOpen; it says itself how long it will last

Notes
  2, 7: hits are served while circuit breaker "db" is open, and only misses probe it: this is the order to have`
    )
  })

  it("says that nothing is known of a function without a description, and never throws", () => {
    const throwing = Policy.make((self: unknown) => self, () => {
      throw new Error("bug")
    })
    const odd: ReadonlyArray<any> = [
      function log() {},
      (self: unknown) => self,
      throwing,
      said(undefined as never),
      said({ _tag: "Stack" } as never),
      said({ _tag: "RateLimiter" } as never),
      null,
      undefined,
      5,
      {},
      Object.defineProperty({}, "~effect-relay/policy/Policy", {
        get: () => {
          throw new Error("bug")
        }
      })
    ]
    for (const policy of [...odd, odd]) {
      assert.include(Policy.explain(policy), "custom function")
      assert.include(Policy.explain([policy]), "custom function")
    }
    assert.include(Policy.explain(odd[0]), `1. custom function "log": nothing is known of it`)
    assert.include(Policy.explain(odd[0]), "time: unbounded, without what custom functions may take")
  })

  it("reads the limits as they are now", () => {
    let maxConcurrent = 5
    const stack = Policy.compose(
      timeout,
      Policy.make(<A, E, R>(self: Effect.Effect<A, E, R>) => self, () => ({
        _tag: "Bulkhead",
        key: "db",
        maxConcurrent,
        maxQueued: 0,
        maxWait: 0
      }))
    )
    assert.include(Policy.explain(stack), "5 calls at once")
    maxConcurrent = 1
    assert.include(Policy.explain(stack), "1 call at once")
  })

  it.effect("speaks for real policies", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make()
      const cache = yield* ResponseCache.make()
      const texts = Policy.examine([hedge.protect, mark, Fallback.value(1), cache]).parts.map(({ text }) => text)
      assert.deepStrictEqual(texts, [
        "response cache: answers what was asked before without a call",
        "fallback: answers instead of every failure",
        "mark: says that what is inside may be done twice",
        "hedge: up to 2 copies, the next when a call takes longer than 98 % do, which is not known yet"
      ])
    }))
})

describe("composing", () => {
  const trace = (name: string, seen: Array<string>): Policy.Policy =>
    Policy.make(
      <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.andThen(Effect.sync(() => seen.push(name)), self),
      () => ({ _tag: "Custom", name })
    )

  it.effect("runs the policies as a pipe would, and keeps what they say", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const [a, b, c] = [trace("a", seen), trace("b", seen), trace("c", seen)]
      const stack = Policy.compose(Policy.compose(a, b), c)
      assert.strictEqual(yield* stack(Effect.succeed(5)), 5)
      yield* Effect.succeed(5).pipe(a, b, c)
      assert.deepStrictEqual(seen, ["c", "b", "a", "c", "b", "a"])
      assert.strictEqual(Policy.explain(stack), Policy.explain([a, b, c]))
      assert.strictEqual(Policy.explain([Policy.compose(a), [b, c]]), Policy.explain([a, b, c]))
    }))

  it("refuses what is no function when it is built", () => {
    assert.throws(
      () => Policy.compose(breaker, null as never),
      "Policy.compose: 1 is null, but it has to be a policy"
    )
  })

  it("fails with the union of what the policies can fail with, in pipe, in flow and in compose", () => {
    type A = CircuitBreaker.CircuitOpen
    type B = Bulkhead.BulkheadFull
    const call: Effect.Effect<number, "own", "needs"> = Effect.fail("own")
    const first = breaker as Policy.Policy as Policy.Policy<A>
    const second = bulkhead as Policy.Policy as Policy.Policy<B, "more">
    const piped: Effect.Effect<number, "own" | A | B, "needs" | "more"> = pipe(call, first, mark, second)
    const flowed: Effect.Effect<number, "own" | A | B, "needs" | "more"> = flow(first, mark, second)(call)
    const composed: Policy.Policy<A | B, "more"> = Policy.compose(first, mark, second)
    const applied: Effect.Effect<number, "own" | A | B, "needs" | "more"> = composed(call)
    // @ts-expect-error the failure of the first is in it
    const a: Effect.Effect<number, "own" | B, "needs" | "more"> = pipe(call, first, mark, second)
    // @ts-expect-error the failure of the second is in it
    const b: Policy.Policy<A, "more"> = Policy.compose(first, mark, second)
    // @ts-expect-error the need of the second is in it
    const c: Policy.Policy<A | B> = Policy.compose(first, mark, second)
    // @ts-expect-error the failure of the first is in it, composed again
    const d: Policy.Policy<B, "more"> = Policy.compose(Policy.compose(first), second)
    const many: Policy.Policy<A | B, "more"> = Policy.compose(mark, mark, mark, mark, mark, mark, first, second)
    // @ts-expect-error the failures of the seventh are in it
    const fewer: Policy.Policy<B, "more"> = Policy.compose(mark, mark, mark, mark, mark, mark, first, second)
    // @ts-expect-error what takes failures away is no policy
    const e = Policy.compose(first, Fallback.value(1))
    // @ts-expect-error a function that says nothing of itself has to be made a policy first
    const f = Policy.compose(first, (self: Effect.Effect<number>) => self)
    assert.lengthOf([piped, flowed, composed, applied, a, b, c, d, many, fewer, e, f], 12)
  })
})
