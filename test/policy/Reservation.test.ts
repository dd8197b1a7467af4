import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, References } from "effect"
import { InvalidArgument, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Limit from "../../src/machine/Limit.ts"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

const tokens = (limiter: RateLimiter.RateLimiter) =>
  Effect.map(limiter.state, ({ limits }) => limits.find(({ of }) => of === "tokens")!.remaining)

const make = RateLimiter.make({
  tokenLimit: 100,
  window: "1 minute",
  algorithm: "slidingWindow",
  maxWait: "1 hour"
})

const start = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(Effect.exit(call), { startImmediately: true })

describe("Reservation", () => {
  it.effect("charges the estimate, then what was really used, once", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      const less = yield* limiter.reserve({ tokens: 40 })
      assert.strictEqual(yield* tokens(limiter), 60)
      yield* less.settle({ tokens: 10 })
      assert.strictEqual(yield* tokens(limiter), 90)
      yield* less.settle({ tokens: 0 })
      yield* less.cancel
      assert.strictEqual(yield* tokens(limiter), 90)
      const more = yield* limiter.reserve({ tokens: 10 })
      yield* more.settle({ tokens: 70 })
      assert.strictEqual(yield* tokens(limiter), 20)
      const none = yield* limiter.reserve({ tokens: 20 })
      yield* none.cancel
      yield* none.settle({ tokens: 20 })
      assert.strictEqual(yield* tokens(limiter), 20)
    }))

  it.effect("refuses what is no count, stays open, and leaves the estimate standing", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      const reservation = yield* limiter.reserve({ tokens: 40 })
      for (const tokens of [NaN, -1, 0.5, Infinity]) {
        assert.instanceOf(yield* Effect.flip(reservation.settle({ tokens })), InvalidArgument.InvalidArgument)
      }
      assert.strictEqual(yield* tokens(limiter), 60)
      yield* reservation.settle({ tokens: 1 })
      assert.strictEqual(yield* tokens(limiter), 99)
    }))

  it.effect("moves those up who wait, in the step that gives back", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      const reservation = yield* limiter.reserve({ tokens: 100 })
      const first = yield* start(limiter.protectTokens(50)(Clock.currentTimeMillis))
      const second = yield* start(limiter.protectTokens(50)(Clock.currentTimeMillis))
      yield* TestClock.adjust("1 second")
      yield* reservation.settle({ tokens: 40 })
      assert.deepStrictEqual(yield* Fiber.join(first), Exit.succeed(1000))
      assert.isUndefined(second.pollUnsafe())
      assert.include(yield* limiter.state, { queued: 1 })
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* Fiber.join(second), Exit.succeed(60_000))
    }))

  it.effect("of a call is settled by its answer", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      const call = Effect.succeed({ used: 25 })
      assert.deepStrictEqual(
        yield* call.pipe(
          limiter.protectMeasured({ tokens: 50 }, ({ used }: { readonly used: number }) => ({ tokens: used }))
        ),
        { used: 25 }
      )
      assert.strictEqual(yield* tokens(limiter), 75)
      yield* limiter.withReservation({ tokens: 10 }, () => call, ({ used }) => ({ tokens: used }))
      assert.strictEqual(yield* tokens(limiter), 50)
      yield* limiter.withReservation({ tokens: 10 }, () => call)
      assert.strictEqual(yield* tokens(limiter), 40)
      yield* limiter.withReservation({ tokens: 10 }, ({ settle }) => settle({ tokens: 1 }), () => ({ tokens: 30 }))
      assert.strictEqual(yield* tokens(limiter), 39, "whichever comes first counts")
    }))

  it.effect("of a call that fails stands as it was estimated, unless it was settled", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      yield* Effect.exit(limiter.withReservation({ tokens: 30 }, () => Effect.fail("down"), () => ({ tokens: 0 })))
      assert.strictEqual(yield* tokens(limiter), 70)
      yield* Effect.exit(limiter.withReservation(
        { tokens: 30 },
        ({ settle }) => Effect.andThen(settle({ tokens: 0 }), Effect.fail("down"))
      ))
      assert.strictEqual(yield* tokens(limiter), 70)
      const wrong = yield* Effect.flip(
        limiter.withReservation({ tokens: 5 }, () => Effect.void, () => ({ tokens: NaN }))
      )
      assert.strictEqual(wrong._tag, "InvalidArgument")
      const thrown = yield* Effect.exit(limiter.withReservation({ tokens: 5 }, () => Effect.void, () => {
        throw new Error("no usage")
      }))
      assert.isTrue(Exit.isFailure(thrown) && Cause.hasDies(thrown.cause))
      assert.strictEqual(yield* tokens(limiter), 60)
    }))

  it.effect("of a call that is interrupted is given back before the interrupt returns", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      const running = yield* start(limiter.withReservation({ tokens: 100 }, () => Effect.never))
      const waiting = yield* start(limiter.withReservation({ tokens: 60 }, () => Effect.never))
      assert.strictEqual(yield* tokens(limiter), 0)
      yield* Fiber.interrupt(running)
      assert.strictEqual(yield* tokens(limiter), 40)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* tokens(limiter), 100)
    }))

  it.effect("changes nothing after a reset", () =>
    Effect.gen(function*() {
      const limiter = yield* make
      const before = yield* limiter.reserve({ tokens: 50 })
      yield* TestClock.adjust(1)
      yield* limiter.reset
      yield* limiter.protectTokens(80)(Effect.void)
      yield* before.settle({ tokens: 0 })
      assert.strictEqual(yield* tokens(limiter), 20)
    }))

  it.effect("given back lets one pass who was about to wait, and who loses no turn when interrupted then", () =>
    Effect.gen(function*() {
      for (const operations of [3, 4, 5, 6, 7, 8]) {
        for (let before = 0; before < 12; before++) {
          for (let after = 0; after < 6; after++) {
            const limiter = yield* RateLimiter.make({ limit: 1, algorithm: "slidingWindow", maxWait: "1 hour" })
            const reservation = yield* limiter.reserve({})
            let started = 0
            const work = Effect.suspend(() => {
              started++
              return Effect.never
            })
            const caller = yield* Effect.andThen(Crowd.turns(1), limiter.protect(work)).pipe(
              Effect.provideService(References.MaxOpsBeforeYield, operations),
              Effect.forkChild({ startImmediately: true })
            )
            yield* Crowd.turns(before)
            yield* reservation.cancel
            yield* Crowd.turns(after)
            yield* Fiber.interrupt(caller)
            const { limits, queued } = yield* limiter.state
            assert.deepStrictEqual([limits[0]!.remaining, queued], [1 - started, 0])
          }
        }
      }
    }))

  it.effect.prop(
    "gives back all that was not used, whoever is interrupted when, by every algorithm",
    [Law.oneOf(...Limit.names), Crowd.callers(20, 100)],
    ([algorithm, callers]) =>
      Effect.gen(function*() {
        const options = { tokenLimit: 10, tokenBurst: 0.5, limit: 6, window: 30, algorithm, maxWait: 200 } as const
        const limiter = yield* RateLimiter.make(options)
        // what a call really uses depends on nothing but who it is
        let calls = 0
        const account = yield* Crowd.admit(callers, (work) =>
          limiter.withReservation({ tokens: 3 }, () => work, () => ({ tokens: calls++ % 5 })))
        const started = account.served.map(({ started }) =>
          started
        )
        assert.deepStrictEqual(started, started.toSorted((a, b) => a! - b!))
        const fresh = yield* RateLimiter.make(options)
        const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
        assert.include(limiter.snapshotUnsafe(now), { queued: 0 })
        assert.deepStrictEqual(limiter.snapshotUnsafe(now), fresh.snapshotUnsafe(now))
      }),
    Law.check(100)
  )
})
