/** Edges of small parts, told exactly: what they say when they refuse, what they are called, and where they begin and end. */
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer, Schedule } from "effect"
import {
  Budget,
  Bulkhead,
  CircuitBreaker,
  Configuration,
  Deadline,
  Hedge,
  Idempotent,
  Policy,
  RateLimiter,
  ResponseCache,
  Retry,
  RetryBudget,
  Timeout
} from "effect-relay"
import { TestClock } from "effect/testing"
import * as Authority from "../../src/policy/Authority.ts"
import * as BulkheadOptions from "../../src/policy/BulkheadOptions.ts"
import * as CircuitRefusal from "../../src/policy/CircuitRefusal.ts"
import * as OpeningTimes from "../../src/policy/OpeningTimes.ts"
import * as Purse from "../../src/policy/Purse.ts"
import * as RateLimiterOptions from "../../src/policy/RateLimiterOptions.ts"
import * as WorstCase from "../../src/policy/WorstCase.ts"

describe("what a program asks the context for", () => {
  it("is named after its module, so that no two are alike and two copies of this package agree", () => {
    const keys = {
      Authority: Authority.CurrentAuthority,
      Budget: Budget.Budget,
      Bulkhead: Bulkhead.Bulkhead,
      CircuitBreaker: CircuitBreaker.CircuitBreaker,
      Deadline: Deadline.CurrentDeadline,
      Hedge: Hedge.Hedge,
      Idempotent: Idempotent.CurrentIdempotent,
      Purse: Purse.CurrentPurse,
      RateLimiter: RateLimiter.RateLimiter,
      ResponseCache: ResponseCache.ResponseCache,
      RetryBudget: RetryBudget.RetryBudget,
      Timeout: Timeout.Timeout
    }
    for (const [name, { key }] of Object.entries(keys)) assert.strictEqual(key, `effect-relay/policy/${name}`)
  })
})

describe("the times that a circuit stays open", () => {
  it("double from the first up to the cap, and are no more than 32", () => {
    assert.deepStrictEqual(OpeningTimes.doubling(10, 10), [10])
    assert.deepStrictEqual(OpeningTimes.doubling(10, 39), [10, 20, 39])
    assert.deepStrictEqual(OpeningTimes.doubling(10, 40), [10, 20, 40])
    assert.deepStrictEqual(
      OpeningTimes.doubling(1, Infinity),
      Array.from({ length: 32 }, (_, opening) => 2 ** opening)
    )
  })

  it.effect("of a schedule are asked for at the time at which each would begin", () =>
    Effect.gen(function*() {
      const briefly = Schedule.spaced("4 seconds").pipe(Schedule.upTo({ duration: "9 seconds" }))
      const times = yield* OpeningTimes.ofSchedule(briefly, Infinity)
      assert.deepStrictEqual(times, [4000, 4000, 4000])
    }))

  it.effect("of a schedule that has none are refused by name", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(OpeningTimes.ofSchedule(Schedule.recurs(0), 10))
      assert.strictEqual(
        failure.message,
        "CircuitBreaker: openFor is a schedule, but its first delay has to be finite and above zero"
      )
    }))
})

describe("a refusal of a circuit", () => {
  it("is shared as long as it says the same, to the millisecond", () => {
    const first = CircuitRefusal.make("eu", "Open", 4.2, undefined)
    assert.strictEqual(first.retryAfter, 5)
    assert.strictEqual(CircuitRefusal.make("eu", "Open", 4.9, first), first)
    assert.notStrictEqual(CircuitRefusal.make("eu", "Open", 5.1, first), first)
    const unknown = CircuitRefusal.make("eu", "ProbesOut", undefined, first)
    assert.deepStrictEqual([unknown.retryAfter, unknown.error.retryAfter], [-1, undefined])
    assert.strictEqual(CircuitRefusal.make("eu", "ProbesOut", undefined, unknown), unknown)
    assert.strictEqual(CircuitRefusal.make("eu", "RampingUp", undefined, unknown).error.reason, "RampingUp")
  })
})

describe("the options of a bulkhead", () => {
  it("have a number for each tier, the last for all that come after", () => {
    const of = (tier: number) => BulkheadOptions.maxConcurrent({ maxConcurrent: [5, 3], tier })
    assert.deepStrictEqual([of(0), of(1), of(2), of(9)], [5, 3, 3, 3])
    assert.strictEqual(BulkheadOptions.maxConcurrent({ maxConcurrent: 7, tier: 3 }), 7)
  })

  it.effect.each<readonly [object, string]>([
    [
      { maxConcurrent: 0 },
      "Bulkhead: maxConcurrent is 0, but it has to be a whole number from 1 up, or a list of them, one a tier"
    ],
    [{ order: "random" }, "Bulkhead: order is \"random\", but it has to be \"fifo\", \"lifo\" or \"adaptive\""],
    [
      { maxConcurrent: 5, adaptive: Bulkhead.aimd({ min: 6, max: 5 }) },
      "Bulkhead: adaptive.min is 6, but it has to be at most adaptive.max"
    ],
    [
      { maxConcurrent: 9, adaptive: Bulkhead.aimd({ min: 1, max: 5 }) },
      "Bulkhead: maxConcurrent is 9, but it has to be from adaptive.min to adaptive.max, 1 to 5"
    ]
  ])(
    "are refused by name: %o",
    ([options, message]) =>
      Effect.map(Effect.flip(Bulkhead.make(options)), (failure) => assert.strictEqual(failure.message, message))
  )

  it.effect("may leave an adaptive limit no choice", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 5, adaptive: Bulkhead.aimd({ min: 5, max: 5 }) })
      assert.strictEqual((yield* bulkhead.state).limit, 5)
    }))
})

describe("the worst case", () => {
  const call = { attempts: 1, atOnce: 1, time: 200 }
  const hedge = { _tag: "Hedge", maxCopies: 2, delay: 200 } as const
  const retry = { _tag: "Retry", maxAttempts: 3, maxDelay: 10, retriesOpenCircuit: false, hasBudget: false } as const

  it("counts a copy that begins when what is inside would just end", () => {
    assert.strictEqual(WorstCase.within(hedge, call).attempts, 2)
    assert.strictEqual(WorstCase.within({ ...hedge, delay: 201 }, call).attempts, 1)
  })

  it("goes through a stack within a stack", () => {
    const nested = WorstCase.of([{ _tag: "Stack", parts: [{ _tag: "Timeout", duration: 5 }, retry] }, retry])
    assert.deepStrictEqual(nested, { attempts: 9, atOnce: 1, time: 3 * (3 * 5 + 10) + 10 })
  })

  it("of nothing, for ever, is nothing", () => {
    const never = { ...retry, maxAttempts: 0, maxDelay: 0 }
    assert.strictEqual(WorstCase.within(never, { ...call, time: Infinity }).time, 0)
    assert.strictEqual(WorstCase.within({ ...retry, maxAttempts: Infinity }, { ...call, time: 0 }).time, 10)
  })
})

describe("a rate limiter", () => {
  it.effect("has for each of its limits the burst of what that counts, unless it has one of its own", () =>
    Effect.gen(function*() {
      const { specs } = yield* RateLimiterOptions.decode({
        limit: 5,
        tokenLimit: 50,
        burst: 0.25,
        tokenBurst: 0.5,
        limits: [
          { of: "calls", limit: 100, window: "1 day" },
          { of: "tokens", limit: 1000, window: "1 day" },
          { of: "tokens", limit: 2000, window: "2 days", burst: 0.75 }
        ]
      })
      assert.deepStrictEqual(specs.map(({ burst, of }) => [of, burst]), [
        ["calls", 0.25],
        ["tokens", 0.5],
        ["calls", 0.25],
        ["tokens", 0.5],
        ["tokens", 0.75]
      ])
    }))

  it.effect.each<readonly [RateLimiter.Options, string]>([
    [
      { algorithm: "guess" as never },
      "it has to be one of \"gcra\", \"tokenBucket\", \"slidingWindow\", \"fixedWindow\""
    ],
    [
      { limits: [{ of: "minutes" as never, limit: 1, window: "1 day" }] },
      "it has to be \"calls\" or \"tokens\""
    ]
  ])(
    "is refused with the rule it breaks: %o",
    ([options, rule]) =>
      Effect.map(Effect.flip(RateLimiter.make(options)), (failure) => assert.strictEqual(failure.rule, rule))
  )

  it.effect("keeps what an update does not speak of, and says what cannot be updated", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 5, window: "1 minute" })
      yield* limiter.update({ window: "2 minutes", limit: undefined })
      assert.deepInclude((yield* limiter.state).limits[0], { limit: 5, window: 120_000 })
      assert.strictEqual(
        (yield* Effect.flip(limiter.update({ maxKeys: 5 } as never))).message,
        "RateLimiter: maxKeys is 5, but it is set once, for all keys"
      )
    }))

  it.effect("learns of no limit that it has not, and says so", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 5 })
      assert.strictEqual(
        (yield* Effect.flip(limiter.learn({ of: "tokens", remaining: 3 }))).message,
        "RateLimiter.learn: of is \"tokens\", but it has to be one of the limits of this limiter"
      )
      limiter.learnUnsafe("tokens", { remaining: 0 }, { at: 0, takenBefore: { calls: 0, tokens: 0 } }, 0)
      yield* limiter.protect(Effect.void)
    }))

  it.effect("gives back what a reservation did not use, of calls as of tokens", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 10, algorithm: "slidingWindow" })
      const reservation = yield* limiter.reserve({ calls: 6 })
      yield* reservation.settle({ calls: 1 })
      assert.strictEqual((yield* limiter.state).limits[0]!.remaining, 9)
      assert.strictEqual(
        (yield* Effect.flip(reservation.settle({ calls: -1 }))).message,
        "Reservation.settle: calls is -1, but it has to be a whole number from 0 up"
      )
      assert.strictEqual(
        (yield* Effect.flip(reservation.learn({ of: "minutes" as never }))).message,
        "Reservation.learn: of is \"minutes\", but it has to be \"calls\" or \"tokens\""
      )
    }))
})

describe("a retry", () => {
  it.effect("that would try an open circuit again is known for it, however closely its predicate looks", () =>
    Effect.gen(function*() {
      const retry = yield* Retry.make({
        while: (failure) => {
          const { attempts, key, reason } = failure as CircuitBreaker.CircuitOpen
          return reason === "Open" && key.length > 0 && attempts.length === 0
        }
      })
      assert.include(Policy.explain(retry.protect), "even when a circuit is open")
    }))
})

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
  } catch (error) {
    return error
  }
  return undefined
}

describe("what is refused by name", () => {
  it("a schedule that cannot be, and a bound that is none", () => {
    const messageOf = (build: () => unknown): string | undefined => (thrownBy(build) as Error | undefined)?.message
    assert.include(
      messageOf(() => Retry.exponential({ base: "1 second", cap: "1 second", jitter: "decorrelated" })),
      "but it has to be longer than the base for jitter that is \"decorrelated\""
    )
    assert.include(
      messageOf(() => Retry.exponential({ jitter: "some" as never })),
      "\"full\" or \"equal\" or \"decorrelated\" or \"none\""
    )
    assert.include(messageOf(() => Retry.honorRetryAfter("soon" as never)), "Retry.honorRetryAfter: max is \"soon\"")
  })

  it.effect("a rate of nothing, which any call would reach", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(CircuitBreaker.make({ tripPolicy: CircuitBreaker.countWindow({ rate: 0 }) }))
      assert.strictEqual(failure.rule, "it has to be a number above 0 and at most 1")
      assert.deepStrictEqual(CircuitBreaker.minimumCalls(5), { _tag: "MinimumCalls", calls: 5 })
      const { consecutive, failureRate, or } = CircuitBreaker
      yield* CircuitBreaker.make({ tripPolicy: or(failureRate(), consecutive(3), failureRate({ evidence: 5 })) })
      const { state } = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.minimumCalls(5) })
      assert.strictEqual((yield* state).state, "Closed")
    }))

  it("is thrown by what is built at once, as the error that it is", () => {
    for (const build of [() => Deadline.within("soon" as never), () => Budget.within({})]) {
      assert.instanceOf(thrownBy(build), Configuration.InvalidConfiguration)
    }
  })

  it.effect("a deadline that is no duration, in either form", () =>
    Effect.gen(function*() {
      const soon = "soon" as never
      const rule = "duration is \"soon\", but it has to be a duration such as \"5 seconds\""
      assert.strictEqual((yield* Effect.flip(Deadline.make({ duration: soon }))).message, `Deadline: ${rule}`)
      assert.throws(() => Deadline.within(soon), Configuration.InvalidConfiguration, `Deadline.within: ${rule}`)
    }))

  it("a policy that is none", () => {
    for (const [policy, value] of [[null, "null"], [5, "number"], ["retry", "string"], [{}, "object"]] as const) {
      assert.throws(
        () => Policy.compose(policy as never),
        Configuration.InvalidConfiguration,
        `Policy.compose: 0 is ${value}, but it has to be a policy`
      )
    }
  })
})

describe("a mark of idempotence", () => {
  it.effect("is not there, unless it was made, and is taken off again", () =>
    Effect.gen(function*() {
      const current = Effect.withFiberSucceed((fiber) => fiber.getRef(Idempotent.CurrentIdempotent))
      assert.strictEqual(yield* current, false)
      assert.strictEqual(yield* current.pipe(Idempotent.mark), true)
      assert.strictEqual(yield* current.pipe(Idempotent.unmark, Idempotent.mark), false)
      assert.include(Policy.explain(Idempotent.unmark), "1. custom function \"not idempotent\": nothing is known of it")
    }))
})

describe("a layer from configuration", () => {
  it.effect("of a timeout has what the configuration says", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.Timeout
      const fiber = yield* Effect.forkChild(Effect.exit(timeout.protect(Effect.never)), { startImmediately: true })
      yield* TestClock.adjust(20)
      assert.strictEqual(fiber.pollUnsafe()?._tag, "Success")
    }).pipe(
      Effect.provide(Layer.fresh(Timeout.layerConfig({ duration: Config.Duration("duration") }))),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ duration: "20 millis" }))
    ))
})

describe("the tags of a classification", () => {
  it.effect("may stand in an object without a prototype", () =>
    Effect.gen(function*() {
      const tags = Object.assign(Object.create(null) as object, { Odd: "Ignored" }) as { Odd: "Ignored" }
      const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1), classify: { tags } })
      yield* Effect.exit(breaker.protect(Effect.fail({ _tag: "Odd" })))
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))
})
