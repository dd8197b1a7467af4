/** A bulkhead in the hands of code that asks several policies in one step, as a relay does. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { Bulkhead, type Policy } from "effect-relay"
import { TestClock } from "effect/testing"

const start = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(call, { startImmediately: true })

const busy = { _tag: "EndpointUnavailable" } as const

describe("the slots that are taken by hand", () => {
  it.effect("are as many as there are, one a time, and are there again once given back", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 0 })
      const taken = [1, 2, 3].map(() => [bulkhead.hasRoomUnsafe(), bulkhead.takeUnsafe()])
      assert.deepStrictEqual(taken, [[true, true], [true, true], [false, false]])
      assert.include(bulkhead.snapshotUnsafe(), { running: 2, weight: 2 })
      assert.isFalse(bulkhead.isIdleUnsafe())
      assert.strictEqual((yield* Effect.flip(bulkhead.protect(Effect.void))).reason, "Full")
      bulkhead.releaseUnsafe()
      assert.deepStrictEqual([bulkhead.hasRoomUnsafe(), bulkhead.isIdleUnsafe()], [true, false])
      bulkhead.releaseUnsafe()
      assert.isTrue(bulkhead.isIdleUnsafe())
      assert.include(bulkhead.snapshotUnsafe(), { running: 0, weight: 0 })
    }))

  it.effect("pass straight to who waits, and no newcomer takes one in between", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2 })
      bulkhead.takeUnsafe()
      const wide = yield* start(bulkhead.protectWith({ weight: 2 })(Effect.succeed("ran")))
      // one is free, and somebody waits for it
      assert.deepStrictEqual([bulkhead.hasRoomUnsafe(), bulkhead.takeUnsafe()], [false, false])
      bulkhead.releaseUnsafe()
      assert.strictEqual(yield* Fiber.join(wide), "ran")
      assert.include(bulkhead.snapshotUnsafe(), { running: 0, queued: 0 })
    }))

  it.effect("are waited for, and are the caller's from the step on in which they are taken", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 2, maxWait: "1 second" })
      const seen: Array<number> = []
      const waits = () => start(bulkhead.awaitSlot(() => seen.push(bulkhead.snapshotUnsafe().running)))
      const [first, second, third] = [yield* waits(), yield* waits(), yield* waits()]
      yield* Fiber.join(first)
      assert.deepStrictEqual(seen, [1])
      assert.include(bulkhead.snapshotUnsafe(), { running: 1, queued: 2 })
      assert.strictEqual((yield* Effect.flip(bulkhead.awaitSlot(() => seen.push(0)))).reason, "Full")
      yield* Fiber.interrupt(second)
      assert.include(bulkhead.snapshotUnsafe(), { running: 1, queued: 1 })
      bulkhead.releaseUnsafe()
      yield* Fiber.interrupt(third)
      assert.deepStrictEqual(seen, [1, 1])
      assert.include(bulkhead.snapshotUnsafe(), { running: 1, queued: 0 }, "a slot that was taken is not given back")
      const late = yield* start(bulkhead.awaitSlot(() => seen.push(0)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(Fiber.join(late))).reason, "WaitedTooLong")
      assert.deepStrictEqual(seen, [1, 1])
    }))

  it.effect("are there at once for who would wait, also where nobody may", () =>
    Effect.gen(function*() {
      for (const options of [{ maxQueued: 0 }, { maxWait: 0 }]) {
        const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, ...options })
        let taken = 0
        yield* bulkhead.awaitSlot(() => taken++)
        assert.deepStrictEqual([taken, bulkhead.snapshotUnsafe().running], [1, 1])
        const { reason } = yield* Effect.flip(bulkhead.awaitSlot(() => taken++))
        assert.deepStrictEqual([taken, reason], [1, options.maxQueued === 0 ? "Full" : "WaitedTooLong"])
      }
    }))

  it.effect("are refused with one error as long as it says the same", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 3 })
      const full = bulkhead.refusalUnsafe("Full")
      assert.deepInclude({ ...full }, { key: "default", reason: "Full", maxConcurrent: 2, maxQueued: 3, attempts: [] })
      assert.strictEqual(bulkhead.refusalUnsafe("Full"), full)
      assert.deepInclude({ ...bulkhead.refusalUnsafe("TooLate") }, { reason: "TooLate", maxConcurrent: 2 })
      yield* bulkhead.resize(5)
      assert.deepInclude({ ...bulkhead.refusalUnsafe("TooLate") }, { reason: "TooLate", maxConcurrent: 5 })
    }))
})

describe("an adaptive limit that is told by hand", () => {
  it.effect("learns from what it is told, and is told what is a drop", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 10, adaptive: Bulkhead.aimd({ backoff: 0.5 }) })
      assert.deepStrictEqual([busy, { _tag: "RequestRejected" }].map(bulkhead.isDropUnsafe, bulkhead), [true, false])
      bulkhead.takeUnsafe()
      bulkhead.sampleUnsafe(5, true, 1000)
      bulkhead.releaseUnsafe()
      assert.include(bulkhead.snapshotUnsafe(), { limit: 5, maxConcurrent: 10 })
    }))

  it.effect("is none where the limit is fixed: nothing is a drop, nothing is learned, and no call is timed", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 10 })
      assert.isFalse(bulkhead.isDropUnsafe(busy))
      bulkhead.sampleUnsafe(5, true, 1000)
      assert.include(bulkhead.snapshotUnsafe(), { limit: 10 })
      let looks = 0
      const clock: Clock.Clock = Object.create(yield* Clock.Clock, {
        monotonicTimeNanosUnsafe: { value: () => BigInt(looks++) }
      })
      const guarded = (options: Bulkhead.Options) =>
        Effect.flatMap(Bulkhead.make(options), ({ protect }) => Effect.map(protect(Effect.void), () => looks)).pipe(
          Effect.provideService(Clock.Clock, clock)
        )
      assert.strictEqual(yield* guarded({}), 0)
      assert.strictEqual(yield* guarded({ adaptive: Bulkhead.aimd() }), 2)
    }))
})

describe("a bulkhead that guards by hand and by policy", () => {
  it.effect("has one guard, made once, and is named in what its family refuses", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make()
      const guard: Policy.Policy<Bulkhead.BulkheadFull> = bulkhead.protect
      assert.strictEqual(bulkhead.protect, guard)
      assert.strictEqual(bulkhead.protectWith, bulkhead.protectWith)
      assert.strictEqual(
        (yield* Effect.flip(bulkhead.stateOf("strange"))).message,
        "Bulkhead.stateOf: key is \"strange\", but it has to be a key in use; `keys` lists them"
      )
      yield* start(bulkhead.at("used").protect(Effect.never))
      assert.strictEqual((yield* Effect.flip(bulkhead.configure("used", {}))).subject, "Bulkhead")
    }))
})
