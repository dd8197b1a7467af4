import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber } from "effect"
import { Bulkhead, Deadline, type InvalidArgument, Policy } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Now from "../../src/policy/Now.ts"
import * as Crowd from "./Crowd.ts"
import * as StrictClock from "./StrictClock.ts"

const start = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(call, { startImmediately: true })

const within = (millis: number) => <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Now.current, (now) => Effect.provideService(call, Deadline.CurrentDeadline, now + millis))

describe("the slots of a bulkhead", () => {
  it.effect("are held until the finalizers of the call have run", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const call = Effect.ensuring(Effect.never, Effect.sleep("1 second"))
      const first = yield* start(bulkhead.protect(call))
      const second = yield* start(bulkhead.protect(Clock.currentTimeMillis))
      yield* start(Fiber.interrupt(first))
      yield* TestClock.adjust("999 millis")
      assert.include(yield* bulkhead.state, { running: 1, queued: 1 })
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(second), 1000)
    }))

  it.effect("go to those who wait when there come to be more of them, and are taken from nobody when fewer", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const calls = yield* Effect.forEach([1, 2, 3, 4, 5], () => start(bulkhead.protect(Effect.sleep("1 second"))))
      yield* bulkhead.resize(4)
      assert.include(yield* bulkhead.state, { running: 4, queued: 1, maxConcurrent: 4, limit: 4 })
      yield* bulkhead.resize(2)
      assert.include(yield* bulkhead.state, { running: 4, queued: 1, maxConcurrent: 2, limit: 2 })
      yield* Fiber.interrupt(calls[0]!)
      yield* Fiber.interrupt(calls[1]!)
      assert.include(yield* bulkhead.state, { running: 2, queued: 1 })
      yield* Fiber.interrupt(calls[2]!)
      assert.include(yield* bulkhead.state, { running: 2, queued: 0 })
      yield* TestClock.adjust("2 seconds")
      for (const call of calls.slice(3)) assert.isTrue(Exit.isSuccess(call.pollUnsafe() ?? Exit.interrupt()))
    }))

  it.effect.each([0, -1, 1.5, NaN, Infinity, "5", null, undefined])(
    "cannot be made %s",
    (size) =>
      Effect.gen(function*() {
        const bulkhead = yield* Bulkhead.make({ maxConcurrent: 3 })
        const before = yield* bulkhead.state
        const refusal = yield* Effect.flip(bulkhead.resize(size as number))
        assert.deepInclude(refusal, { _tag: "InvalidArgument", subject: "Bulkhead.resize", argument: "maxConcurrent" })
        assert.strictEqual(refusal.rule, "it has to be a whole number from 1 up")
        assert.deepStrictEqual(yield* bulkhead.state, before)
      })
  )

  it.effect("are shown with all that an operator asks for", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 5, order: "adaptive", maxWait: "1 minute" })
      const idle = yield* bulkhead.state
      assert.deepStrictEqual(idle, {
        key: "default",
        running: 0,
        weight: 0,
        queued: 0,
        queuedBy: { high: 0, normal: 0, low: 0, background: 0 },
        maxConcurrent: 5,
        limit: 5,
        maxQueued: 20,
        order: "fifo",
        expectedWait: 0
      })
      const call = Effect.sleep("100 millis")
      const wide = yield* start(bulkhead.protectWith({ weight: 5 })(Effect.never))
      for (const priority of ["high", "low", "low", 3] as const) yield* start(bulkhead.protectWith({ priority })(call))
      for (let n = 0; n < 8; n++) yield* start(bulkhead.protect(call))
      const full = yield* bulkhead.state
      assert.notProperty(full, "expectedWait", "nobody knows yet")
      assert.deepInclude(full, { running: 1, weight: 5, queued: 12, order: "fifo" })
      assert.deepStrictEqual(full.queuedBy, { high: 1, normal: 8, low: 2, background: 1 })
      yield* TestClock.adjust("100 millis")
      yield* start(bulkhead.protect(call))
      yield* TestClock.adjust("100 millis")
      yield* start(bulkhead.protect(call))
      assert.include(yield* bulkhead.state, { order: "lifo" })
      yield* Fiber.interrupt(wide)
      yield* TestClock.adjust("100 millis")
      assert.isAbove((yield* bulkhead.state).expectedWait!, 0)
      yield* bulkhead.reset
      assert.isUndefined((yield* bulkhead.state).expectedWait)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* bulkhead.state, idle)
    }))

  it.effect("are given to the last first, and said to be, in that order from the start and after a reset", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, order: "lifo" })
      assert.include(yield* bulkhead.state, { order: "lifo" })
      const order: Array<number> = []
      const running = yield* start(bulkhead.protect(Effect.never))
      const calls = yield* Effect.forEach([1, 2], (n) => start(bulkhead.protect(Effect.sync(() => order.push(n)))))
      yield* bulkhead.reset
      assert.include(yield* bulkhead.state, { order: "lifo", queued: 2 })
      yield* Fiber.interrupt(running)
      yield* Fiber.awaitAll(calls)
      assert.deepStrictEqual(order, [2, 1])
    }))

  it.effect("are given to the last first while an overload stands, also when somebody leaves", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, order: "adaptive", maxWait: "1 minute" })
      const calls: Array<Fiber.Fiber<void, unknown>> = []
      for (let n = 0; n < 6; n++) {
        calls.push(yield* start(bulkhead.protect(Effect.never)))
        yield* TestClock.adjust("60 millis")
      }
      assert.include(yield* bulkhead.state, { order: "lifo", queued: 5 })
      yield* Fiber.interrupt(calls[3]!)
      assert.include(yield* bulkhead.state, { order: "lifo", queued: 4 })
      yield* Fiber.interruptAll(calls)
    }))

  it.effect("are given to the last first while an overload stands, until the line is empty or all is forgotten", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, order: "adaptive", maxWait: "1 minute" })
      const order = Effect.map(bulkhead.state, ({ order }) => order)
      const overload = Effect.gen(function*() {
        const gate = yield* Deferred.make<void>()
        for (let n = 0; n < 5; n++) {
          yield* start(bulkhead.protect(Deferred.await(gate)))
          assert.strictEqual(yield* order, n < 4 ? "fifo" : "lifo")
          yield* TestClock.adjust("60 millis")
        }
        return gate
      })
      const gate = yield* overload
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.yieldNow
      assert.include(yield* bulkhead.state, { running: 0, order: "fifo" })
      yield* overload
      yield* bulkhead.reset
      assert.strictEqual(yield* order, "fifo")
      yield* start(bulkhead.protect(Effect.void))
      assert.strictEqual(yield* order, "fifo")
      yield* TestClock.adjust("100 millis")
      yield* start(bulkhead.protect(Effect.void))
      assert.strictEqual(yield* order, "lifo")
    }))

  it.effect("stay with a key that was resized, as long as it is", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxKeys: 2, maxConcurrent: 1 })
      yield* bulkhead.at("wide").resize(7)
      for (let n = 0; n < 10; n++) bulkhead.at(`k${n}`)
      assert.include(yield* bulkhead.stateOf("wide"), { maxConcurrent: 7 })
      yield* bulkhead.at("wide").resize(1)
      for (let n = 0; n < 10; n++) bulkhead.at(`k${n}`)
      assert.notInclude(yield* bulkhead.keys, "wide")
    }))

  it.effect("are guarded by functions that can be passed on alone, and that describe themselves as they are now", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 0, maxWait: "1 second" })
      const { protect, protectWith } = bulkhead
      assert.deepStrictEqual([yield* protect(Effect.succeed(1)), yield* protectWith({})(Effect.succeed(2))], [1, 2])
      yield* bulkhead.resize(3)
      const described = { _tag: "Bulkhead", key: "default", maxConcurrent: 3, maxQueued: 0, maxWait: 1000 } as const
      for (const policy of [protect, protectWith({ weight: 2 })]) {
        const stacked: Policy.Policy<Bulkhead.BulkheadFull | InvalidArgument.InvalidArgument> = policy
        assert.deepStrictEqual(stacked["~effect-relay/policy/Policy"](), described)
      }
      assert.strictEqual(Policy.make.length, 2)
    }))
})

describe("the demand of a call", () => {
  const wrong: ReadonlyArray<readonly [argument: string, demand: unknown]> = [
    ["weight", { weight: 0 }],
    ["weight", { weight: -1 }],
    ["weight", { weight: 1.5 }],
    ["weight", { weight: NaN }],
    ["weight", { weight: Infinity }],
    ["weight", { weight: "2" }],
    ["weight", { weight: null }],
    ["weight", { weight: 6 }],
    ["priority", { priority: "urgent" }],
    ["priority", { priority: 4 }],
    ["priority", { priority: -1 }],
    ["priority", { priority: 0.5 }],
    ["priority", { priority: NaN }],
    ["priority", { priority: "length" }],
    ["priority", { priority: null }],
    ["wieght", { wieght: 2 }]
  ]
  it.effect.each(wrong)("is refused for its %s: %o", ([argument, demand]) =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 5 })
      const before = yield* bulkhead.state
      const guard = bulkhead.protectWith(demand as Bulkhead.Demand)
      const refusal = yield* Effect.flip(guard(Effect.die("it ran")))
      assert.deepInclude(refusal, { _tag: "InvalidArgument", subject: "Bulkhead.protectWith", argument })
      assert.deepStrictEqual(yield* bulkhead.state, before)
    }))

  it.effect.each([{}, { weight: undefined, priority: undefined }, undefined, null])(
    "is usual where it says nothing: %o",
    (demand) =>
      Effect.gen(function*() {
        const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
        yield* start(bulkhead.protect(Effect.never))
        yield* start(bulkhead.protectWith(demand as Bulkhead.Demand)(Effect.never))
        assert.deepInclude(yield* bulkhead.state, { queuedBy: { high: 0, normal: 1, low: 0, background: 0 } })
      })
  )

  it.effect("may be as heavy as the bulkhead has come to be wide", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const call = bulkhead.protectWith({ weight: 2 })(Effect.succeed("done"))
      assert.include((yield* Effect.flip(call)).message, "weight is 2, but it has to be at most 1")
      yield* bulkhead.resize(2)
      assert.strictEqual(yield* call, "done")
    }))
})

describe("those who wait for a slot", () => {
  it.effect("are never put out for somebody who matters more: at a full queue the newcomer is refused", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 1 })
      yield* start(bulkhead.protect(Effect.sleep("1 second")))
      const waiting = yield* start(bulkhead.protectWith({ priority: "background" })(Effect.succeed("served")))
      const refusal = yield* Effect.flip(bulkhead.protectWith({ priority: "high" })(Effect.void))
      assert.include(refusal, { _tag: "BulkheadFull", reason: "Full" })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(waiting), "served")
    }))

  it.effect("are refused now where their turn, as things stand, would come too late for them to end in time", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxWait: "1 minute" })
      const call = bulkhead.protect(Effect.sleep("1 second"))
      for (let n = 0; n < 10; n++) yield* start(call)
      // nothing is known yet, so the hasty are let in
      const hasty = yield* start(within(1000)(call))
      yield* TestClock.adjust("6 seconds")
      assert.include(yield* Effect.flip(Fiber.join(hasty)), { _tag: "BulkheadFull", reason: "TooLate" })
      // one runs and three wait: a newcomer would start in 4 seconds and end in 5
      assert.include(yield* bulkhead.state, { running: 1, queued: 3, expectedWait: 4000 })
      const late = yield* Effect.exit(within(4999)(call))
      assert.include(yield* Effect.flip(late), { _tag: "BulkheadFull", reason: "TooLate" })
      const inTime = yield* start(within(5000)(call))
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(Exit.isSuccess(inTime.pollUnsafe() ?? Exit.interrupt()))
    }))

  it.effect("leave at their deadline, and those whose deadline has passed do not come in", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxWait: "1 minute" })
      yield* start(bulkhead.protect(Effect.never))
      const left = yield* start(Effect.flip(within(500)(bulkhead.protect(Effect.void))))
      const stays = yield* start(bulkhead.protect(Effect.void))
      for (const millis of [0, -1]) {
        const refusal = yield* Effect.flip(within(millis)(bulkhead.protect(Effect.void)))
        assert.strictEqual(
          refusal.message,
          "bulkhead \"default\" has no free slot before the deadline: 1 may run at once"
        )
      }
      yield* TestClock.adjust("499 millis")
      assert.isUndefined(left.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Fiber.join(left)).reason, "TooLate")
      assert.include(yield* bulkhead.state, { queued: 1 })
      yield* TestClock.adjust("59500 millis")
      assert.strictEqual((yield* Effect.flip(Fiber.join(stays))).reason, "WaitedTooLong")
    }))

  it.effect("have waited too long, and are not too late, where both come at once", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxWait: "1 second" })
      yield* start(bulkhead.protect(Effect.never))
      const waiting = yield* start(within(1000)(bulkhead.protect(Effect.void)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(Fiber.join(waiting))).reason, "WaitedTooLong")
    }))

  it.effect("need no timer where they may wait for ever, nor where they may not wait at all", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      for (const [maxWait, queued] of [["Infinity", 1], [0, 0]] as const) {
        const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxWait })
        const call = provide(bulkhead.protect(Effect.never))
        const calls = yield* Effect.forEach([1, 2], () => start(call))
        assert.include(yield* bulkhead.state, { running: 1, queued })
        assert.strictEqual(timers.ever, 0)
        yield* Fiber.interruptAll(calls)
      }
    }))

  it.effect("are not asked for a deadline where a slot is free", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make()
      assert.strictEqual(yield* within(-1)(bulkhead.protect(Effect.succeed("ran"))), "ran")
    }))

  it.effect("let the next run that fits when one that does not leaves, or runs out of time", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxWait: "1 second" })
      const heavy = bulkhead.protectWith({ weight: 2 })(Effect.void)
      for (const leave of [Fiber.interrupt, () => TestClock.adjust("500 millis")]) {
        const running = yield* start(bulkhead.protect(Effect.never))
        const first = yield* start(Effect.exit(heavy))
        yield* TestClock.adjust("500 millis")
        const second = yield* start(bulkhead.protect(Effect.succeed("ran")))
        assert.include(yield* bulkhead.state, { running: 1, queued: 2 })
        yield* leave(first)
        assert.strictEqual(yield* Fiber.join(second), "ran")
        yield* Fiber.interrupt(running)
      }
    }))

  it.effect("may come again at once when they are refused, ten thousand in a line", () =>
    Effect.gen(function*() {
      const crowd = 10_000
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: crowd, maxWait: "1 second" })
      const order: Array<number> = []
      const gate = yield* Deferred.make<void>()
      yield* start(bulkhead.protect(Deferred.await(gate)))
      const context = yield* Effect.context<never>()
      let refused = 0
      for (let n = 0; n < crowd; n++) {
        const call = bulkhead.protect(Effect.sync(() => order.push(n)))
        // run apart from this fiber, which would keep all of them as children
        Effect.runForkWith(context)(Effect.catchTag(call, "BulkheadFull", () => {
          refused++
          return call
        }))
      }
      assert.include(yield* bulkhead.state, { queued: crowd })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(refused, crowd)
      assert.include(yield* bulkhead.state, { queued: crowd })
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.yieldNow
      assert.include(yield* bulkhead.state, { running: 0, queued: 0 })
      assert.lengthOf(order, crowd)
      assert.isTrue(order.every((n, index) => n === index))
    }))

  it.effect("are served, and rung for, also when an observer of one of them throws", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxWait: "1 second" })
      const context = yield* Effect.context<never>()
      for (const isServed of [true, false]) {
        const gate = yield* Deferred.make<void>()
        const running = yield* start(bulkhead.protect(Deferred.await(gate)))
        const waiting = Array.from({ length: 5 }, () => Effect.runForkWith(context)(bulkhead.protect(Effect.void)))
        for (const call of waiting.slice(1, 3)) {
          call.addObserver(() => {
            throw new Error("out of luck")
          })
        }
        if (isServed) yield* Effect.exit(Deferred.succeed(gate, undefined))
        yield* TestClock.adjust("1 second")
        for (const call of waiting) assert.strictEqual(Exit.isSuccess(call.pollUnsafe()!), isServed)
        assert.include(yield* bulkhead.state, { queued: 0 })
        yield* Fiber.interrupt(running)
      }
      assert.include(yield* bulkhead.state, { running: 0, queued: 0 })
    }))

  it.effect("share one timer, and leave none behind", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let sleeping = 0
      let slept = 0
      const counting: Clock.Clock = {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        currentTimeNanos: clock.currentTimeNanos,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) =>
          Effect.suspend(() => {
            sleeping++
            slept++
            return Effect.ensuring(clock.sleep(duration), Effect.sync(() => sleeping--))
          })
      }
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 1000 })
      const gate = yield* Deferred.make<void>()
      const call = Effect.provideService(bulkhead.protect(Deferred.await(gate)), Clock.Clock, counting)
      const calls = yield* Effect.forEach(Array.from({ length: 100 }), () => start(call))
      assert.deepStrictEqual([sleeping, slept], [1, 1])
      yield* Effect.provideService(Effect.ignore(within(1000)(call)), Clock.Clock, counting).pipe(start)
      assert.deepStrictEqual([sleeping, slept], [1, 2], "one whose time is up before the others' wakes it earlier")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([sleeping, slept], [1, 3])
      yield* Deferred.succeed(gate, undefined)
      for (const call of calls) yield* Fiber.await(call)
      yield* Crowd.turns(2)
      assert.strictEqual(sleeping, 0)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(slept, 3)
      // and so it is the next time
      const [first, second] = yield* Effect.forEach([1, 2], () =>
        start(Effect.provideService(bulkhead.protect(Effect.never), Clock.Clock, counting)))
      assert.deepStrictEqual([sleeping, slept], [1, 4])
      yield* Fiber.interrupt(second!)
      yield* Crowd.turns(2)
      assert.strictEqual(sleeping, 0)
      // nor does it outlive those whose time is up
      const late = yield* start(Effect.provideService(bulkhead.protect(Effect.never), Clock.Clock, counting))
      assert.strictEqual(sleeping, 1)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isFailure(yield* Fiber.await(late)))
      assert.strictEqual(sleeping, 0)
      yield* Fiber.interrupt(first!)
    }))
})
