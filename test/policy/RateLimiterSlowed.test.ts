/** A rate limiter after a refusal by the service: it slows down, says so, and nobody waits longer than that takes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"

const one = { calls: 1, tokens: 0 }

const start = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(call, { startImmediately: true })

/** Ten a second, of which sixty may come at once. */
const paced = (options?: RateLimiter.Options) =>
  RateLimiter.make({ limit: 600, algorithm: "tokenBucket", burst: 0.1, maxWait: "1 hour", ...options })

const slowedTo = (limiter: RateLimiter.RateLimiter) => Effect.map(limiter.state, (state) => state.slowedTo)

describe("a limiter that is told to slow down", () => {
  it.effect("goes on at seven tenths with nothing left of its burst, and is back within a minute", () =>
    Effect.gen(function*() {
      const limiter = yield* paced()
      assert.strictEqual(yield* slowedTo(limiter), undefined)
      yield* limiter.slowDown
      const { limits, retryAfter, slowedTo: share } = yield* limiter.state
      assert.strictEqual(share, 0.7)
      assert.deepInclude(limits[0], { limit: 600, remaining: 0 })
      assert.isAtMost(retryAfter, 143)
      assert.isAtLeast(retryAfter, 140)
      yield* TestClock.adjust("10 seconds")
      assert.isAbove((yield* slowedTo(limiter))!, 0.7)
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(yield* slowedTo(limiter), undefined)
    }))

  it.effect("is slowed once by refusals within a second", () =>
    Effect.gen(function*() {
      const limiter = yield* paced()
      yield* limiter.slowDown
      yield* TestClock.adjust("500 millis")
      yield* limiter.slowDown
      assert.isAtLeast((yield* slowedTo(limiter))!, 0.7)
    }))

  it.effect("slows down as far as it was set to, and not at all where it was set to 1", () =>
    Effect.gen(function*() {
      for (const [backOff, share] of [[0.5, 0.5], [1, undefined]] as const) {
        const limiter = yield* paced({ backOff })
        yield* limiter.slowDown
        assert.strictEqual(yield* slowedTo(limiter), share)
      }
    }))

  it.effect("has nothing to slow down where it is unlimited", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make()
      yield* limiter.slowDown
      assert.strictEqual(yield* slowedTo(limiter), undefined)
      assert.isTrue(limiter.isAmpleUnsafe(0))
      assert.strictEqual(limiter.waitUnsafe(one, 0), 0)
    }))

  it.effect("forgets it with a reset, and alone when it is lifted", () =>
    Effect.gen(function*() {
      const limiter = yield* paced()
      limiter.takeUnsafe({ calls: 30, tokens: 0 }, 0)
      yield* limiter.slowDown
      limiter.liftUnsafe(0)
      assert.deepInclude((yield* limiter.state).limits[0], { remaining: 0 })
      assert.strictEqual(yield* slowedTo(limiter), undefined)
      yield* TestClock.adjust("1 second")
      yield* limiter.slowDown
      yield* limiter.reset
      assert.deepInclude((yield* limiter.state).limits[0], { remaining: 60 })
      assert.strictEqual(yield* slowedTo(limiter), undefined)
    }))

  it.effect("serves those who wait when it said, though more and more comes back", () =>
    Effect.gen(function*() {
      const limiter = yield* paced({ limit: 60, burst: 0 })
      yield* limiter.slowDown
      yield* limiter.protect(Effect.void).pipe(Effect.andThen(Effect.void), start)
      const { retryAfter } = yield* limiter.state
      const second = yield* start(limiter.protect(Effect.succeed("sent")))
      yield* TestClock.adjust(retryAfter - 1)
      assert.strictEqual(second.pollUnsafe(), undefined)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(second.pollUnsafe(), Exit.succeed("sent"))
    }))

  it.effect("holds those back who wait already", () =>
    Effect.gen(function*() {
      const limiter = yield* paced({ limit: 60, burst: 0 })
      limiter.takeUnsafe(one, 0)
      const call = yield* start(limiter.protect(Effect.succeed("sent")))
      yield* limiter.slowDown
      yield* TestClock.adjust("1 second")
      assert.strictEqual(call.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(call.pollUnsafe(), Exit.succeed("sent"))
    }))

  it.effect("serves a line in the time that its pace takes, and not later", () =>
    Effect.gen(function*() {
      const limiter = yield* paced({ burst: 0 })
      yield* limiter.slowDown
      let sent = 0
      for (let n = 0; n < 200; n++) yield* start(limiter.protect(Effect.sync(() => sent++)))
      yield* TestClock.adjust("20 seconds")
      // as if nothing came back it would be 140; all of it 200
      assert.isAbove(sent, 165)
      assert.isBelow(sent, 200)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(sent, 200)
    }))

  it.effect("comes back only when its pause is over", () =>
    Effect.gen(function*() {
      const limiter = yield* paced()
      yield* limiter.pause("2 minutes")
      yield* limiter.slowDown
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* slowedTo(limiter), 0.7)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* slowedTo(limiter), undefined)
    }))

  it.effect("learns from an answer at the pace that holds by then", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      for (const looks of [true, false]) {
        const limiter = yield* paced()
        const now = seen.length === 0 ? 0 : 200_000
        if (now > 0) yield* TestClock.adjust(now - 30_000)
        yield* limiter.slowDown
        yield* TestClock.adjust("30 seconds")
        if (looks) yield* limiter.state
        yield* limiter.learn({ of: "calls", remaining: 5 })
        yield* TestClock.adjust("1 second")
        seen.push((yield* limiter.state).limits[0]!.remaining)
      }
      assert.strictEqual(seen[0], seen[1])
    }))

  it.effect("is ample while more than half of its burst is left and nobody waits", () =>
    Effect.gen(function*() {
      const limiter = yield* paced()
      limiter.takeUnsafe({ calls: 29, tokens: 0 }, 0)
      assert.isTrue(limiter.isAmpleUnsafe(0))
      limiter.takeUnsafe(one, 0)
      assert.isFalse(limiter.isAmpleUnsafe(0))
      yield* TestClock.adjust("10 seconds")
      yield* limiter.pause("1 second")
      yield* start(limiter.protect(Effect.void))
      assert.isFalse(limiter.isAmpleUnsafe(10_000))
    }))
})
