import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Schema } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"

type Refusal = Bulkhead.BulkheadFull | CircuitBreaker.CircuitOpen | RateLimiter.RateLimited

interface ErrorClass extends Schema.Codec<Refusal, unknown> {
  new(fields: never): Refusal
}

const bulkheadFull = Effect.gen(function*() {
  const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 0 })
  return yield* bulkhead.at("db").protect(bulkhead.at("db").protect(Effect.void))
})

const waitedTooLong = Effect.gen(function*() {
  const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 1, maxWait: 0 })
  yield* Effect.forkChild(bulkhead.protect(Effect.never), { startImmediately: true })
  yield* Effect.forkChild(bulkhead.protect(Effect.never), { startImmediately: true })
  return yield* bulkhead.protect(Effect.void)
})

const circuitOpen = Effect.gen(function*() {
  const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1), jitter: 0 })
  yield* Effect.exit(breaker.at("eu").protect(Effect.fail("down")))
  yield* TestClock.adjust("1 second")
  return yield* breaker.at("eu").protect(Effect.void)
})

const isolated = Effect.gen(function*() {
  const breaker = yield* CircuitBreaker.make()
  yield* breaker.isolate
  return yield* breaker.protect(Effect.void)
})

const rateLimited = Effect.gen(function*() {
  const limiter = yield* RateLimiter.make({ limit: 1, window: "90 seconds" })
  yield* limiter.protect(Effect.void)
  return yield* limiter.protect(Effect.void)
})

interface Case {
  readonly refusal: Effect.Effect<void, unknown>
  readonly errorClass: ErrorClass
  readonly message: string
  readonly retryAfter?: number
}

const cases: ReadonlyArray<readonly [string, Case]> = [
  ["BulkheadFull", {
    refusal: bulkheadFull,
    errorClass: Bulkhead.BulkheadFull as unknown as ErrorClass,
    message: `bulkhead "db" is full: 1 running, 0 allowed to wait`
  }],
  ["BulkheadFull", {
    refusal: waitedTooLong,
    errorClass: Bulkhead.BulkheadFull as unknown as ErrorClass,
    message: `bulkhead "default" had no free slot in time: 2 may run at once`
  }],
  ["CircuitOpen", {
    refusal: circuitOpen,
    errorClass: CircuitBreaker.CircuitOpen as unknown as ErrorClass,
    message: `circuit "eu" is open, try again in 29s`,
    retryAfter: 29_000
  }],
  ["CircuitOpen", {
    refusal: isolated,
    errorClass: CircuitBreaker.CircuitOpen as unknown as ErrorClass,
    message: `circuit "default" is held open by hand`
  }],
  ["RateLimited", {
    refusal: rateLimited,
    errorClass: RateLimiter.RateLimited as unknown as ErrorClass,
    message: `rate limiter "default" is at its limit, try again in 1m 30s`,
    retryAfter: 90_000
  }]
]

describe("a rejection", () => {
  it.effect.each(cases)(
    "is a real error of its class without a stack: %s",
    ([tag, { errorClass, message, refusal }]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(refusal)
        assert.instanceOf(error, Error)
        assert.isTrue(error instanceof errorClass)
        assert.strictEqual((error as Refusal)._tag, tag)
        assert.strictEqual(error.name, tag)
        assert.strictEqual(error.message, message)
        assert.notMatch(error.stack ?? "", /\n\s+at /)
        assert.include(Cause.pretty(Cause.fail(error)), message)
        assert.include(String(error), message)
      })
  )

  it.effect.each(cases)("is caught by its tag: %s", ([, { refusal }]) =>
    Effect.gen(function*() {
      const caught = yield* (refusal as Effect.Effect<void, Refusal>).pipe(
        Effect.as(""),
        Effect.catchTags({
          BulkheadFull: ({ reason }) => Effect.succeed(reason),
          CircuitOpen: ({ reason }) => Effect.succeed(reason),
          RateLimited: ({ source }) => Effect.succeed(source)
        })
      )
      assert.include(["Full", "WaitedTooLong", "Open", "Isolated", "Limiter"], caught)
    }))

  it.effect.each(cases)(
    "crosses a wire and comes back as it was: %s",
    ([, { errorClass, message, refusal, retryAfter }]) =>
      Effect.gen(function*() {
        const error = (yield* Effect.flip(refusal)) as Refusal
        const wire = JSON.stringify(yield* Schema.encodeEffect(errorClass)(error))
        const back = yield* Schema.decodeUnknownEffect(errorClass)(JSON.parse(wire))
        assert.isTrue(back instanceof errorClass)
        assert.strictEqual(back.message, message)
        assert.deepStrictEqual({ ...back }, { ...error })
        assert.deepStrictEqual(back.attempts, [])
        const wait = "retryAfter" in back ? back.retryAfter : undefined
        assert.strictEqual(wait === undefined ? undefined : Duration.toMillis(wait), retryAfter)
      })
  )

  it.effect.each(cases)(
    "reads like one that was made with `new`: %s",
    ([, { errorClass, refusal }]) =>
      Effect.gen(function*() {
        const error = (yield* Effect.flip(refusal)) as Refusal
        const made = Reflect.construct(errorClass, [{ ...error }]) as Refusal
        assert.deepStrictEqual({ ...error }, { ...made })
        assert.deepStrictEqual(Object.getOwnPropertyNames(error), Object.getOwnPropertyNames(made))
        assert.strictEqual(String(error), String(made))
        assert.strictEqual(JSON.stringify(error), JSON.stringify(made))
      })
  )

  it.effect("leaves the stacks of other errors alone", () =>
    Effect.gen(function*() {
      yield* Effect.exit(rateLimited)
      assert.match(new Error("bug").stack ?? "", /\n\s+at /)
    }))
})
