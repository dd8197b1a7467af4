import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { Configuration, Timeout, Verdict } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"
import * as StrictClock from "./StrictClock.ts"

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** What a crowd met with, against what each of them was allowed. */
const holds = (limit: number, callers: ReadonlyArray<Crowd.Caller>, account: Crowd.Account): void => {
  const inOrder = callers.toSorted((a, b) => a.arrives - b.arrives)
  account.visits.forEach((visit, index) => {
    const { patience, works } = inOrder[index]!
    const took = visit.left - visit.arrived
    const ends = Math.min(works, limit, patience ?? Infinity)
    assert.strictEqual(took, ends, "to the millisecond")
    const allowed = [
      ...(works === ends ? ["Success"] : []),
      ...(limit === ends ? ["TimedOut"] : []),
      ...(patience === ends ? ["Interrupted"] : [])
    ]
    assert.include(allowed, visit.outcome)
  })
  const runningAt = (time: number): number => {
    let running = 0
    for (const [at, count] of account.running) if (at <= time) running = count
    return running
  }
  for (const { left } of account.visits) {
    const inside = account.visits.filter((other) => other.arrived <= left && other.left > left).length
    assert.isAtMost(runningAt(left), inside, "who has left has run its finalizers")
  }
}

describe("Timeout", () => {
  it.effect.prop(
    "ends everyone in time and to the millisecond, finalizers included, and leaves no timer behind",
    [Law.int(1, 25), Crowd.callers(25, 60)],
    ([limit, callers]) =>
      Effect.gen(function*() {
        const { provide, timers } = yield* StrictClock.make
        const timeout = yield* Timeout.make({ duration: limit })
        // only the timeout's own timers count: the work sleeps on the clock of the test
        const clock = yield* Clock.clockWith(Effect.succeed)
        const account = yield* Crowd.admit(
          callers,
          (work) => timeout.protect(Effect.provideService(work, Clock.Clock, clock)).pipe(provide)
        )
        holds(limit, callers, account)
        yield* Effect.yieldNow
        assert.strictEqual(timers.armed, 0)
        assert.isAtMost(timers.peak, 1, "one timer for all")
      }),
    Law.check(150)
  )

  const callers = [{ arrives: 0, works: 20, patience: undefined }]
  const late = (after: number) => Effect.andThen(Effect.sleep(after), Effect.fail({ _tag: "TimedOut" }))
  const broken: ReadonlyArray<readonly [string, (work: Effect.Effect<void>) => Effect.Effect<void, object>, string]> = [
    [
      "does not wait for finalizers",
      (work) => Effect.andThen(Effect.forkDetach(work, { startImmediately: true }), late(5)),
      "finalizers"
    ],
    ["is late", (work) => Effect.raceFirst(work, late(6)), "millisecond"],
    ["never ends", (work) => work, "millisecond"]
  ]
  it.effect.each(broken)("is told from a timeout that %s", ([, protect, what]) =>
    Effect.gen(function*() {
      const account = yield* Crowd.admit(callers, protect)
      assert.throws(() => holds(5, callers, account), what)
    }))

  it.effect("loses nobody, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: "1 second" })
      let running = 0
      const count = (work: Effect.Effect<void>) =>
        Effect.onExitPrimitive(
          Effect.suspend(() => {
            running++
            return work
          }),
          () => {
            running--
            return undefined
          }
        )
      return {
        protect: (work) => timeout.protect(count(work)),
        check: (fibers, victim) =>
          Effect.sync(() => {
            assert.strictEqual(running, 0)
            const others = fibers.filter((_, caller) => caller !== victim)
            for (const fiber of others) assert.isTrue(Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt()))
          })
      }
    })))

  it.effect("says how long it was", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: "90 seconds" })
      const fiber = yield* start(Effect.flip(timeout.protect(Effect.never)))
      yield* TestClock.adjust("89999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      const error = yield* Fiber.join(fiber)
      assert.instanceOf(error, Timeout.TimedOut)
      assert.strictEqual(error.message, "no answer within 1m 30s")
      assert.notMatch(error.stack ?? "", /\n\s+at /)
      const json = JSON.parse(JSON.stringify(yield* Schema.encodeEffect(Timeout.TimedOut)(error)))
      assert.deepStrictEqual({ ...(yield* Schema.decodeUnknownEffect(Timeout.TimedOut)(json)) }, { ...error })
    }))

  it.effect("counts against whoever took too long, and may be tried again", () =>
    Effect.gen(function*() {
      const error = new Timeout.TimedOut({ duration: Duration.seconds(1) })
      assert.deepStrictEqual(Verdict.of(error), { breaker: "Failure", again: true, elsewhere: true })
    }))

  it.effect("waits for the finalizers, and a caller's interrupt does so too", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: 10 })
      let released = 0
      const slowToLeave = Effect.onExit(Effect.never, () =>
        Effect.andThen(Effect.sleep(7), Effect.sync(() => released++)))
      const late = yield* start(Effect.flip(timeout.protect(slowToLeave)))
      yield* TestClock.adjust(16)
      assert.deepStrictEqual([late.pollUnsafe(), released], [undefined, 0])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual([(yield* Fiber.join(late))._tag, released], ["TimedOut", 1])

      const hasty = yield* start(timeout.protect(slowToLeave))
      yield* TestClock.adjust(3)
      const interrupt = yield* start(Fiber.interrupt(hasty))
      yield* TestClock.adjust(6)
      assert.deepStrictEqual([interrupt.pollUnsafe(), released], [undefined, 1])
      yield* TestClock.adjust(1)
      yield* Fiber.join(interrupt)
      const exit = yield* Fiber.await(hasty)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.strictEqual(released, 2)
    }))

  it.effect("drops what comes too late from an effect that cannot be interrupted", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: 10 })
      const stubborn = Effect.uninterruptible(Effect.as(Effect.sleep(25), "late"))
      const fiber = yield* start(Effect.exit(timeout.protect(stubborn)))
      yield* TestClock.adjust(24)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      const exit = yield* Fiber.join(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Timeout.TimedOut)
    }))

  it.effect("does not hide a finalizer that dies, in time or out of it", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: 10 })
      const careless = Effect.onInterrupt(Effect.never, () => Effect.die("leak"))
      const late = yield* start(Effect.exit(timeout.protect(careless)))
      yield* TestClock.adjust(10)
      const exit = yield* Fiber.join(late)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause) && Cause.hasFails(exit.cause))

      const hasty = yield* start(timeout.protect(careless))
      yield* Fiber.interrupt(hasty)
      const interrupted = yield* Fiber.await(hasty)
      assert.isTrue(Exit.isFailure(interrupted) && Cause.hasDies(interrupted.cause))
    }))

  it.effect("passes on answers, failures, defects and interrupts from within, and the services from without", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make()
      for (const pause of [Effect.void, Effect.yieldNow]) {
        const within = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.exit(timeout.protect(Effect.andThen(pause, effect)))
        assert.deepStrictEqual(yield* within(Effect.succeed(1)), Exit.succeed(1))
        assert.deepStrictEqual(yield* within(Effect.fail("no")), Exit.fail("no"))
        assert.deepStrictEqual(yield* within(Effect.die("bug")), Exit.die("bug"))
        assert.isTrue(Exit.hasInterrupts(yield* within(Effect.interrupt)))
      }
      const service = timeout.protect(Effect.andThen(Effect.yieldNow, Timeout.Timeout))
      assert.strictEqual(yield* Effect.provideService(service, Timeout.Timeout, timeout), timeout)
    }))

  it.effect("arms nothing for an effect that ends at once, and one timer for a row of short ones", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const timeout = yield* Timeout.make({ duration: "1 second" })
      yield* provide(Effect.forEach([1, 2, 3], () => timeout.protect(Effect.void)))
      assert.strictEqual(timers.ever, 0)
      const soon = Effect.callback<void>((resume) => queueMicrotask(() => resume(Effect.void)))
      yield* provide(Effect.forEach(Array.from({ length: 100 }), () => timeout.protect(soon), { discard: true }))
      assert.strictEqual(timers.ever, 1)
      yield* Effect.yieldNow
      assert.strictEqual(timers.armed, 0)
    }))

  it.effect("shares one timer among all of the same length, and keeps them apart by length", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const all = yield* Effect.forEach([5, 5, 5, 9], (duration) => Timeout.make({ duration }))
      const fibers = yield* Effect.forEach(all, (timeout) => start(provide(Effect.flip(timeout.protect(Effect.never)))))
      assert.strictEqual(timers.armed, 2)
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(fibers.map((fiber) => fiber.pollUnsafe() !== undefined), [true, true, true, false])
      yield* TestClock.adjust(4)
      yield* Effect.yieldNow
      assert.strictEqual(timers.armed, 0)
      yield* Fiber.joinAll(fibers)
    }))

  it.effect("nests: the shorter one ends the call", () =>
    Effect.gen(function*() {
      const short = yield* Timeout.make({ duration: 5 })
      const long = yield* Timeout.make({ duration: 8 })
      for (
        const both of [Effect.never.pipe(short.protect, long.protect), Effect.never.pipe(long.protect, short.protect)]
      ) {
        const before = yield* Clock.currentTimeMillis
        const fiber = yield* start(Effect.flip(both))
        yield* TestClock.adjust(5)
        assert.strictEqual(Duration.toMillis((yield* Fiber.join(fiber)).duration), 5)
        assert.strictEqual(yield* Clock.currentTimeMillis, before + 5)
      }
    }))

  it.effect("is not early, even where the timers are", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.makeEarly(2)
      const timeout = yield* Timeout.make({ duration: 10 })
      const fiber = yield* start(Effect.flip(timeout.protect(Effect.never)).pipe(provide))
      yield* TestClock.adjust(9)
      assert.deepStrictEqual([fiber.pollUnsafe(), timers.ever], [undefined, 2])
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "TimedOut")
    }))

  it.effect("goes on ending calls when an observer of one throws", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: 5 })
      const first = yield* start(timeout.protect(Effect.never))
      first.addObserver(() => {
        throw new Error("somebody else's")
      })
      const second = yield* start(Effect.flip(timeout.protect(Effect.never)))
      yield* TestClock.adjust(5)
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Fiber.join(second))._tag, "TimedOut")
    }))

  it.effect("describes itself", () =>
    Effect.gen(function*() {
      const { protect } = yield* Timeout.make({ duration: "2 seconds" })
      assert.deepStrictEqual(protect["~effect-relay/policy/Policy"](), { _tag: "Timeout", duration: 2000 })
    }))

  it.effect("is a service too, and refuses what is no time", () =>
    Effect.gen(function*() {
      const layered = Timeout.Timeout.useSync(({ duration }) => duration).pipe(
        Effect.provide(Timeout.layer({ duration: "3 seconds" }))
      )
      assert.deepStrictEqual(yield* layered, Duration.seconds(3))
      const error = yield* Effect.flip(Layer.build(Timeout.layer({ duration: 0 })))
      assert.instanceOf(error, Configuration.InvalidConfiguration)
    }))
})
