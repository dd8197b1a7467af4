import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, Exit, Fiber, Layer } from "effect"
import { Configuration, Deadline, RelayService, Timeout } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"
import * as StrictClock from "./StrictClock.ts"

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** How a call under deadlines ends, and when. */
const ending = <A, E>(call: Effect.Effect<A, E>, after: Duration.Input = "1 hour") =>
  Effect.gen(function*() {
    const before = yield* Clock.currentTimeMillis
    const fiber = yield* start(
      Effect.map(Effect.result(call), (result) => [result, Clock.currentTimeMillis] as const).pipe(
        Effect.flatMap(([result, time]) => Effect.map(time, (now) => [result, now - before] as const))
      )
    )
    yield* TestClock.adjust(after)
    return yield* Fiber.join(fiber)
  })

describe("Deadline.within", () => {
  it.effect("that never ends costs no fiber, and what is inside runs where it would have", () =>
    Effect.gen(function*() {
      const id = Effect.withFiberSucceed((fiber) => fiber.id)
      assert.strictEqual(yield* id.pipe(Deadline.within(Infinity)), yield* id)
      assert.notStrictEqual(yield* id.pipe(Deadline.within(1000)), yield* id)
    }))

  it.effect.prop(
    "ends everyone by the sooner of two deadlines, finalizers included, and leaves no timer behind",
    [Law.int(0, 25), Law.int(0, 25), Crowd.callers(25, 60)],
    ([outer, inner, callers]) =>
      Effect.gen(function*() {
        const { provide, timers } = yield* StrictClock.make
        const clock = yield* Clock.clockWith(Effect.succeed)
        const account = yield* Crowd.admit(callers, (work) =>
          Effect.provideService(work, Clock.Clock, clock).pipe(
            Deadline.within(inner),
            Deadline.within(outer),
            provide
          ))
        const inOrder = callers.toSorted((a, b) => a.arrives - b.arrives)
        const limit = Math.min(outer, inner)
        account.visits.forEach((visit, index) => {
          const { patience, works } = inOrder[index]!
          const ends = Math.min(works, limit, patience ?? Infinity)
          assert.strictEqual(visit.left - visit.arrived, ends, "to the millisecond")
          if (limit === 0) {
            assert.isUndefined(visit.started, "nothing starts where no time is left")
            return assert.strictEqual(visit.outcome, "DeadlineExceeded")
          }
          assert.include([
            ...(works === ends ? ["Success"] : []),
            ...(limit === ends ? ["DeadlineExceeded"] : []),
            ...(patience === ends ? ["Interrupted"] : [])
          ], visit.outcome)
        })
        yield* Effect.yieldNow
        assert.strictEqual(timers.armed, 0)
      }),
    Law.check(150)
  )

  it.effect("tells what runs in it how long it has left", () =>
    Effect.gen(function*() {
      const millis = Effect.map(Deadline.left, Duration.toMillis)
      const look = Effect.gen(function*() {
        const first = yield* millis
        yield* Effect.sleep(30)
        return [first, yield* millis, yield* Effect.withFiberSucceed((fiber) => Deadline.leftUnsafe(fiber, 30))]
      })
      assert.deepStrictEqual(yield* Deadline.left, Duration.infinity)
      const fiber = yield* start(look.pipe(Deadline.within(100)))
      yield* TestClock.adjust(30)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [100, 70, 70])
      assert.strictEqual(yield* Effect.provideService(millis, Deadline.CurrentDeadline, 10), 0)
    }))

  it.effect("only ever shortens what there is", () =>
    Effect.gen(function*() {
      const left = Effect.map(Deadline.left, Duration.toMillis)
      const inside = (inner: Duration.Input) => left.pipe(Deadline.within(inner), Deadline.within("50 millis"))
      assert.strictEqual(yield* inside("20 millis"), 20)
      assert.strictEqual(yield* inside("2 hours"), 50)
      assert.strictEqual(yield* inside("Infinity"), 50)
      assert.strictEqual(yield* Deadline.within("Infinity")(left), Infinity)
    }))

  it.effect("starts nothing once the time is over, whoever set it", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(5)
      let starts = 0
      const call = Effect.sync(() => starts++)
      const over = [
        call.pipe(Deadline.within(0)),
        call.pipe(Deadline.within("-1 seconds")),
        call.pipe(Deadline.within("1 hour"), Effect.provideService(Deadline.CurrentDeadline, 5)),
        call.pipe(Deadline.within("Infinity"), Effect.provideService(Deadline.CurrentDeadline, 4))
      ]
      for (const late of over) {
        const error = yield* Effect.flip(late)
        assert.instanceOf(error, Deadline.DeadlineExceeded)
        assert.deepStrictEqual(error.deadline, Duration.zero)
      }
      assert.strictEqual(starts, 0)
    }))

  it.effect("ends a call by a deadline that somebody set by hand", () =>
    Effect.gen(function*() {
      const call = Effect.never.pipe(Deadline.within("1 hour"), Effect.provideService(Deadline.CurrentDeadline, 40))
      const [result, took] = yield* ending(call)
      assert.strictEqual(took, 40)
      assert.isTrue(result._tag === "Failure" && Duration.toMillis(result.failure.deadline) === 40)
    }))

  it.effect("says how long the caller was ready to wait", () =>
    Effect.gen(function*() {
      const [result, took] = yield* ending(Effect.never.pipe(Deadline.within("3 seconds")))
      assert.strictEqual(took, 3000)
      assert.strictEqual(
        result._tag === "Failure" ? result.failure.message : result,
        "no answer within the deadline of 3s"
      )
    }))

  it.effect("leaves the end of one attempt to a timeout further in", () =>
    Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: 10 })
      const [inner] = yield* ending(Effect.never.pipe(timeout.protect, Deadline.within(20)))
      assert.strictEqual(inner._tag === "Failure" && inner.failure._tag, "TimedOut")
      const [outer] = yield* ending(Effect.never.pipe(timeout.protect, Deadline.within(5)))
      assert.strictEqual(outer._tag === "Failure" && outer.failure._tag, "DeadlineExceeded")
    }))

  it.effect("keeps a caller's interrupt an interrupt, and waits for finalizers", () =>
    Effect.gen(function*() {
      let released = false
      const call = Effect.onExit(
        Effect.never,
        () => Effect.andThen(Effect.sleep(7), Effect.sync(() => released = true))
      )
      const fiber = yield* start(call.pipe(Deadline.within("1 minute")))
      const interrupt = yield* start(Fiber.interrupt(fiber))
      yield* TestClock.adjust(6)
      assert.isUndefined(interrupt.pollUnsafe())
      yield* TestClock.adjust(1)
      yield* Fiber.join(interrupt)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(released && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    }))

  it.effect("refuses what is no duration, when it is made", () =>
    Effect.gen(function*() {
      for (const wrong of [NaN, "soon", null, {}, { secnds: 5 }]) {
        assert.throws(() => Deadline.within(wrong as never), Configuration.InvalidConfiguration)
        assert.strictEqual((yield* Effect.flip(Deadline.make({ duration: wrong as never }))).field, "duration")
      }
      const { protect } = yield* Deadline.make({ duration: "1 second" })
      assert.deepStrictEqual(protect["~effect-relay/policy/Policy"](), { _tag: "Deadline", duration: 1000 })
    }))
})

describe("a relay under a deadline", () => {
  const slow = ScriptedEndpoint.make("slow", [ScriptedEndpoint.answer("late", { delay: "1 minute" })])
  const layer = RelayService.layerDefault({ endpoints: [slow.endpoint], health: "off" }).pipe(
    Layer.provideMerge(ScriptedEndpoint.layer(slow))
  )
  const chat = RelayService.RelayService.use((relay) =>
    relay.chat({ model: "m", messages: [{ role: "user", content: "Hello?" }] }, { deadline: "30 seconds" })
  )

  it.effect("keeps it like one of its own, if it is the sooner", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const [result, took] = yield* ending(
        Effect.flip(chat).pipe(
          Effect.provideService(RelayService.RelayService, relay),
          Effect.provideService(Deadline.CurrentDeadline, 2000)
        )
      )
      assert.strictEqual(took, 2000)
      assert.isTrue(result._tag === "Success" && result.success._tag === "DeadlineExceeded")
    }).pipe(Effect.provide(layer)))

  it.effect("asks nobody once it is over", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(chat).pipe(Effect.provideService(Deadline.CurrentDeadline, 0))
      assert.strictEqual(failure._tag, "DeadlineExceeded")
      const recorder = yield* ScriptedEndpoint.Recorder
      assert.lengthOf(yield* recorder.received("slow"), 0)
    }).pipe(Effect.provide(layer)))

  it.effect("tells an operation how long the caller waits", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const left = (options?: { readonly deadline: Duration.Input }) =>
        Effect.map(relay.execute(() => Effect.map(Deadline.left, Duration.toMillis), options), ({ value }) => value)
      assert.strictEqual(yield* left(), Infinity)
      assert.strictEqual(yield* left({ deadline: "2 seconds" }), 2000)
      assert.strictEqual(yield* left({ deadline: "2 seconds" }).pipe(Deadline.within("1 second")), 1000)
    }).pipe(Effect.provide(layer)))
})
