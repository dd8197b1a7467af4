import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Duration, Effect, Fiber, Random, Schedule } from "effect"
import { CircuitBreaker, RateLimiter, Retry, Verdict } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"

/** What a schedule makes of failures: a delay each, until it gives up. */
const delays = <A, Input>(schedule: Schedule.Schedule<A, Input>, failures: ReadonlyArray<Input>) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    const delays: Array<number> = []
    for (const failure of failures) {
      const next = yield* Effect.result(step(0, failure))
      if (next._tag === "Failure") break
      delays.push(Duration.toMillis(next.success[1]))
    }
    return delays
  })

const times = <A>(count: number, value: A): ReadonlyArray<A> => Array.from({ length: count }, () => value)

const mean = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

describe("Retry.exponential", () => {
  it.effect.prop(
    "waits never longer than the cap nor than the exponential allows, and as often as it may",
    { base: Law.int(1, 1000), cap: Law.int(1, 20_000), retries: Law.int(0, 40), seed: Law.int(0, 1e6) },
    ({ base, cap, retries, seed }) =>
      Effect.gen(function*() {
        const waits = yield* delays(Retry.exponential({ base, cap, times: retries }), times(50, "down"))
        assert.lengthOf(waits, retries)
        waits.forEach((wait, n) => {
          assert.isAtLeast(wait, 0)
          assert.isAtMost(wait, Math.min(cap, base * 2 ** n))
        })
      }).pipe(Random.withSeed(seed)),
    Law.check(100)
  )

  it.effect("spreads each delay evenly from zero to the exponential", () =>
    Effect.gen(function*() {
      const runs = yield* Effect.forEach(times(4000, 0), () => delays(Retry.exponential(), times(4, "down")))
      for (const [n, most] of [100, 200, 400, 800].entries()) {
        const nth = runs.map((waits) => waits[n]! / most).toSorted((a, b) => a - b)
        // the deciles of an even spread are where their names say
        for (let tenth = 1; tenth < 10; tenth++) assert.closeTo(nth[tenth * 400]!, tenth / 10, 0.03)
        assert.isAbove(nth.at(-1)!, 0.99)
        assert.isBelow(nth[0]!, 0.01)
      }
    }).pipe(Random.withSeed("jitter")))

  it.effect("spreads the capped delays too, so that callers do not end up in step", () =>
    Effect.gen(function*() {
      const waits = yield* delays(Retry.exponential({ base: 1000, cap: 1000, times: 4000 }), times(4000, "down"))
      assert.closeTo(mean(waits), 500, 20)
      assert.isAbove(new Set(waits.map(Math.round)).size, 900)
    }).pipe(Random.withSeed("cap")))

  it.effect("is still finite at the 5000th attempt", () =>
    Effect.gen(function*() {
      const waits = yield* delays(Retry.exponential({ times: 5000 }), times(5000, "down"))
      assert.lengthOf(waits, 5000)
      assert.isTrue(waits.every((wait) => Number.isFinite(wait) && wait <= 20_000))
      assert.isAbove(mean(waits.slice(-500)), 9000)
    }).pipe(Random.withSeed("long")))

  it.effect("repeats under the same seed", () =>
    Effect.gen(function*() {
      const run = delays(Retry.standard, times(4, "down"))
      assert.deepStrictEqual(yield* run.pipe(Random.withSeed("a")), yield* run.pipe(Random.withSeed("a")))
      assert.notDeepEqual(yield* run.pipe(Random.withSeed("a")), yield* run.pipe(Random.withSeed("b")))
    }))
})

describe("Retry.honorRetryAfter", () => {
  const limited = (millis: number) =>
    new RateLimiter.RateLimited({ key: "k", source: "Upstream", retryAfter: Duration.millis(millis) })

  it.effect.prop(
    "never retries early, and gives up at once when told to wait longer than it would",
    [Arbitrary.all({ hints: Law.list(Law.int(0, 4000), 10), max: Law.int(1, 4000), seed: Law.int(0, 1e6) })],
    ([{ hints, max, seed }]) =>
      Effect.gen(function*() {
        const schedule = Retry.exponential({ times: 20 }).pipe(Retry.honorRetryAfter(max))
        const waits = yield* delays(schedule, hints.map(limited))
        const tooLong = hints.findIndex((hint) => hint > max)
        assert.lengthOf(waits, tooLong === -1 ? hints.length : tooLong)
        waits.forEach((wait, n) => assert.isAtLeast(wait, hints[n]!))
      }).pipe(Random.withSeed(seed)),
    Law.check(200)
  )

  it.effect("keeps to the jittered delay where nothing is said, or something unreadable", () =>
    Effect.gen(function*() {
      const failures = ["down", null, undefined, {}, { retryAfter: "soon" }, { retryAfter: 1e9 }, { retryAfter: NaN }]
      const honest = Retry.exponential({ times: 20 })
      const run = (schedule: Schedule.Schedule<number>) => delays(schedule, failures).pipe(Random.withSeed("same"))
      assert.deepStrictEqual(yield* run(honest.pipe(Retry.honorRetryAfter())), yield* run(honest))
    }))
})

describe("Retry.onlyRetryable", () => {
  it.effect.each(Object.entries(Verdict.byTag))("asks the verdict on %s", ([tag, verdict]) =>
    Effect.gen(function*() {
      const waits = yield* delays(Retry.exponential().pipe(Retry.onlyRetryable), times(10, { _tag: tag }))
      assert.lengthOf(waits, verdict.again ? 4 : 0)
    }))
})

describe("Retry.standard and Retry.none", () => {
  it.effect("make five calls and one", () =>
    Effect.gen(function*() {
      const calls = (schedule: Schedule.Schedule<number>) =>
        Effect.gen(function*() {
          let calls = 0
          const call = Effect.suspend(() => Effect.fail(++calls))
          const fiber = yield* Effect.forkChild(Effect.exit(Effect.retry(call, schedule)), { startImmediately: true })
          yield* TestClock.adjust("1 hour")
          yield* Fiber.join(fiber)
          return calls
        })
      assert.deepStrictEqual([yield* calls(Retry.standard), yield* calls(Retry.none)], [5, 1])
    }))

  it.effect("wait out a limiter's refusal, and pass on that of an open circuit at once", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "7 seconds" })
      yield* limiter.protect(Effect.void)
      const call = Effect.retry(limiter.protect(Clock.currentTimeMillis), Retry.standard)
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), 7000)

      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolate
      assert.strictEqual(
        (yield* Effect.flip(Effect.retry(breaker.protect(Effect.void), Retry.standard)))._tag,
        "CircuitOpen"
      )
      assert.strictEqual(yield* Clock.currentTimeMillis, 60_000)
    }))
})
