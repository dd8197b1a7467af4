/** A rate limiter in the hands of code that asks several policies in one step, as a relay does. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, References } from "effect"
import { Deadline, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as RateLimiterOptions from "../../src/policy/RateLimiterOptions.ts"
import * as Turns from "../../src/policy/Turns.ts"
import * as StrictClock from "./StrictClock.ts"

const one = { calls: 1, tokens: 0 }

const start = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(call, { startImmediately: true })

const millis = (error: RateLimiter.RateLimited) => Duration.toMillis(error.retryAfter!)

const waitOf = (limiter: RateLimiter.RateLimiter, now: number) => Math.ceil(limiter.waitUnsafe(one, now))

/** One call a second, and the first of them taken. */
const taken = (options?: RateLimiter.Options) =>
  Effect.tap(
    RateLimiter.make({ limit: 1, window: "1 second", algorithm: "slidingWindow", ...options }),
    (limiter) => Effect.sync(() => limiter.takeUnsafe(one, 0))
  )

describe("what is taken by hand", () => {
  it.effect("counts until its window has passed, unless it is given back", () =>
    Effect.gen(function*() {
      const limiter = yield* taken()
      assert.deepStrictEqual(limiter.takenUnsafe(), one)
      assert.strictEqual(waitOf(limiter, 400), 600)
      limiter.refundUnsafe(one, 0)
      assert.strictEqual(limiter.waitUnsafe(one, 400), 0)
      limiter.takeUnsafe({ calls: 1, tokens: 5 }, 400)
      assert.deepStrictEqual(limiter.takenUnsafe(), { calls: 2, tokens: 5 })
    }))

  it.effect("moves those up who wait when it is given back", () =>
    Effect.gen(function*() {
      const limiter = yield* taken({ maxWait: "1 minute" })
      const call = yield* start(limiter.protect(Effect.succeed("sent")))
      assert.include(yield* limiter.state, { queued: 1 })
      limiter.refundUnsafe(one, 0)
      assert.deepStrictEqual(call.pollUnsafe(), Exit.succeed("sent"))
    }))

  it.effect("lets those come sooner who come after others who wait, when some of it is given back", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({
        limit: 1,
        window: "1 second",
        algorithm: "tokenBucket",
        maxWait: "1 minute"
      })
      limiter.takeUnsafe({ calls: 2, tokens: 0 }, 0)
      yield* start(limiter.protect(Effect.void))
      assert.strictEqual(waitOf(limiter, 0), 3000)
      limiter.refundUnsafe(one, 0)
      assert.strictEqual(waitOf(limiter, 0), 2000)
    }))

  it.effect("makes those wait longer who come after it, also behind a line", () =>
    Effect.gen(function*() {
      const limiter = yield* taken({ maxWait: "1 minute" })
      yield* start(limiter.protect(Effect.void))
      assert.strictEqual(waitOf(limiter, 100), 1900)
      limiter.takeUnsafe(one, 100)
      assert.strictEqual(waitOf(limiter, 100), 2000)
    }))

  it.effect("makes way for what a service says of its limit", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 10, window: "1 second", algorithm: "slidingWindow" })
      limiter.learnUnsafe("calls", { remaining: 0 }, { at: 0, takenBefore: { calls: 0, tokens: 0 } }, 0)
      assert.isAbove(limiter.waitUnsafe(one, 0), 0)
    }))

  it.effect("is refused with one error a millisecond, and without a time where it never passes", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make()
      const refusal = limiter.refusalUnsafe(4.2)
      assert.deepInclude({ ...refusal }, { key: "default", source: "Limiter", attempts: [] })
      assert.strictEqual(millis(refusal), 5)
      assert.strictEqual(limiter.refusalUnsafe(4.9), refusal)
      assert.strictEqual(millis(limiter.refusalUnsafe(5.1)), 6)
      assert.deepStrictEqual({ ...limiter.refusalUnsafe(Infinity) }, {
        _tag: "RateLimited",
        key: "default",
        source: "Limiter",
        attempts: []
      } as never)
      assert.strictEqual((yield* Effect.flip(limiter.stateOf("strange"))).subject, "RateLimiter.stateOf")
    }))
})

describe("a turn that is waited for", () => {
  it.effect("is taken at once where there is room, in the step that says so", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 2, window: "1 second", algorithm: "slidingWindow" })
      let seen: unknown
      yield* limiter.awaitTurn(one, 0, () => {
        seen = limiter.takenUnsafe()
      })
      assert.deepStrictEqual([seen, limiter.takenUnsafe()], [one, one])
    }))

  it.effect("comes in order, and is the caller's from the step on that takes it", () =>
    Effect.gen(function*() {
      const limiter = yield* taken()
      const turns: Array<string> = []
      const waits = (name: string) => start(limiter.awaitTurn(one, 5000, () => turns.push(name)))
      const [first, second, third] = [yield* waits("first"), yield* waits("second"), yield* waits("third")]
      assert.include(yield* limiter.state, { queued: 3 })
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(turns, [])
      yield* TestClock.adjust(1)
      yield* Fiber.join(first)
      assert.deepStrictEqual(turns, ["first"])
      yield* Fiber.interrupt(second)
      assert.include(yield* limiter.state, { queued: 1 })
      yield* TestClock.adjust(1000)
      yield* Fiber.interrupt(third)
      assert.deepStrictEqual(turns, ["first", "third"])
      // nothing is given back of what was handed over
      assert.deepStrictEqual([limiter.takenUnsafe().calls, waitOf(limiter, 2000)], [3, 1000])
    }))

  it.effect("is refused at once where it would come too late, for the caller or its deadline", () =>
    Effect.gen(function*() {
      const limiter = yield* taken({ maxQueued: 1 })
      const asks = (maxWait: number) => limiter.awaitTurn(one, maxWait, () => assert.fail("it took a turn"))
      assert.strictEqual(millis(yield* Effect.flip(asks(999))), 1000)
      const within = (left: number) => Effect.provideService(asks(5000), Deadline.CurrentDeadline, left)
      assert.strictEqual(millis(yield* Effect.flip(within(999))), 1000)
      const fiber = yield* start(within(1000))
      assert.strictEqual(millis(yield* Effect.flip(asks(5000))), 2000, "the line is full")
      yield* Fiber.interrupt(fiber)
      assert.include(yield* limiter.state, { queued: 0 })
    }))

  it.effect("is refused once it is put off too long, wherever the scheduler steps in", () =>
    Effect.gen(function*() {
      for (const operations of [3, 4, 5, 6, 7, 8]) {
        const limiter = yield* taken({ maxPause: "1 minute" })
        const waiting = yield* start(
          Effect.exit(limiter.awaitTurn(one, 2000, () => {})).pipe(
            Effect.provideService(References.MaxOpsBeforeYield, operations)
          )
        )
        for (let n = 0; n < 20; n++) yield* Effect.yieldNow
        yield* limiter.pause("30 seconds")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(waiting)))
        assert.include(yield* limiter.state, { queued: 0 })
      }
    }))
})

describe("the turns of a limiter", () => {
  /** One call a second of which one is taken, and somebody who has asked for the next and not yet come for it. */
  const asked = (options: RateLimiter.Options, maxWait: number) =>
    Effect.gen(function*() {
      const settings = yield* RateLimiterOptions.decode({
        limit: 1,
        window: "1 second",
        algorithm: "slidingWindow",
        ...options
      })
      const turns = new Turns.Turns("k", settings, { now: 0 })
      turns.take(one, 0)
      const seen: Array<number> = []
      const comes = yield* Effect.withFiberSucceed((fiber) =>
        turns.await(fiber, one, maxWait, () => seen.push(turns.limits.taken.calls))
      )
      return { comes, seen, turns }
    })

  it.effect("are asked for again by whoever comes: one that has come up meanwhile is taken at once", () =>
    Effect.gen(function*() {
      const { comes, seen } = yield* asked({ maxQueued: 0 }, 5000)
      yield* TestClock.adjust("1 second")
      yield* comes
      assert.deepStrictEqual(seen, [2])
    }))

  it.effect("are asked for again by whoever comes: one that was taken meanwhile is not waited for too long", () =>
    Effect.gen(function*() {
      const { comes, seen, turns } = yield* asked({}, 1500)
      yield* TestClock.adjust("1 second")
      turns.take(one, 1000)
      assert.strictEqual(millis(yield* Effect.flip(comes)), 1000)
      assert.deepStrictEqual([seen, turns.queued], [[], 0])
    }))

  it.effect("have one timer, armed anew only where the first in line is to pass earlier or is another", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const limiter = yield* taken({ limit: 2, maxWait: "1 hour" })
      yield* TestClock.adjust(500)
      limiter.takeUnsafe(one, 500)
      const seen: Array<number> = []
      const count = () => [timers.armed, timers.ever]
      const waits = (n: number) => start(provide(limiter.protect(Effect.sync(() => seen.push(n)))))
      const first = yield* waits(1)
      assert.deepStrictEqual(count(), [1, 1])
      const second = yield* waits(2)
      yield* waits(3)
      assert.deepStrictEqual(count(), [1, 1], "those behind need none")
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(count(), [1, 1], "nor does who leaves from there change it")
      yield* Fiber.interrupt(first)
      assert.deepStrictEqual(count(), [1, 1], "nor who leaves at the head for one that passes at the same time")
      limiter.takeUnsafe(one, 500)
      yield* limiter.learn({ of: "calls", remaining: 0 })
      assert.deepStrictEqual(count(), [1, 1], "one that is too early asks again")
      yield* limiter.reset
      yield* Effect.yieldNow
      assert.deepStrictEqual(seen, [3])
      assert.deepStrictEqual(count(), [0, 1])
    }))

  it.effect("put their timer forward when something is given back, and leave none of the old ones", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const limiter = yield* taken({ limit: 2, maxWait: "1 hour" })
      yield* TestClock.adjust(500)
      limiter.takeUnsafe({ calls: 2, tokens: 0 }, 500)
      const call = yield* start(provide(limiter.protect(Effect.succeed("sent"))))
      assert.include(yield* limiter.state, { queued: 1 })
      assert.deepStrictEqual([timers.armed, timers.ever], [1, 1])
      limiter.refundUnsafe(one, 500)
      assert.deepStrictEqual([timers.armed, timers.ever], [1, 2])
      yield* TestClock.adjust(499)
      assert.isUndefined(call.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(call.pollUnsafe(), Exit.succeed("sent"))
      assert.deepStrictEqual([timers.armed, timers.ever], [0, 2])
    }))
})
