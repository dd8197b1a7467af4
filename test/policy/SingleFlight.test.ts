/** Calls that many wait for, at the edges that a cache hardly comes to. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Context, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as SingleFlight from "../../src/policy/SingleFlight.ts"

const key = "key"

/** A call that says nothing before it ends. */
const alone = <A, E>(call: Effect.Effect<A, E>) => ({ open: () => undefined, enter: () => undefined, call: () => call })

/** Who waits for a call, and would rather have -1 than the failure "own" of another's. */
const join = (flights: SingleFlight.SingleFlight<number, string>, call: Effect.Effect<number, string>) =>
  joinAt(flights, alone(call))

const joinAt = <M>(
  flights: SingleFlight.SingleFlight<number, string, M>,
  gathering: SingleFlight.Gathering<number, string, never, M>
) =>
  // in virtual time
  Effect.contextWith((context: Context.Context<never>) =>
    SingleFlight.join(flights, key, gathering, context, {
      land: (exit) => exit,
      isOwn: (failure) => failure === "own",
      again: Effect.succeed(-1)
    })
  )

const begin = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })

describe("a call that many wait for", () => {
  it.effect("is begun once for nobody, however often that is asked for", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string>()
      let begun = 0
      const call = Effect.suspend(() => Effect.as(Effect.sleep("1 second"), ++begun))
      const context = yield* Effect.context<never>()
      SingleFlight.ensure(flights, key, alone(call), context, 3_600_000)
      SingleFlight.ensure(flights, key, alone(call), context, 3_600_000)
      const joined = yield* begin(join(flights, call))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(joined), 1)
      assert.strictEqual(begun, 1)
      SingleFlight.ensure(flights, key, alone(call), context, 3_600_000)
      assert.strictEqual(begun, 2)
    }))

  it.effect("goes on for nobody only so long, and then for those who have joined, or not at all", () =>
    Effect.gen(function*() {
      for (const isJoined of [true, false]) {
        const flights = SingleFlight.make<number, string>()
        let isStopped = false
        const call = Effect.onInterrupt(Effect.delay(Effect.succeed(1), "10 seconds"), () =>
          Effect.sync(() => {
            isStopped = true
          }))
        SingleFlight.ensure(flights, key, alone(call), yield* Effect.context<never>(), 5000)
        yield* TestClock.adjust("4 seconds")
        const joined = isJoined ? yield* begin(join(flights, Effect.succeed(2))) : undefined
        assert.deepStrictEqual([isStopped, flights.flights.size], [false, 1])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([isStopped, flights.flights.size], isJoined ? [false, 1] : [true, 0])
        if (joined === undefined) continue
        // from now on it is as any other
        const other = yield* begin(join(flights, Effect.succeed(2)))
        yield* Fiber.interrupt(other)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* Fiber.join(joined), 1)
        SingleFlight.ensure(flights, key, alone(call), yield* Effect.context<never>(), 5000)
        yield* begin(join(flights, Effect.succeed(2))).pipe(Effect.flatMap(Fiber.interrupt))
        assert.isFalse(isStopped, "who leaves before its time does not end it")
        yield* TestClock.adjust("5 seconds")
        assert.isTrue(isStopped)
      }
    }))

  it.effect("is as any other once it was kept for long enough: the last who has joined ends it by leaving", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string>()
      let isStopped = false
      const call = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          isStopped = true
        }))
      SingleFlight.ensure(flights, key, alone(call), yield* Effect.context<never>(), 5000)
      const joined = yield* begin(join(flights, Effect.succeed(2)))
      yield* TestClock.adjust("5 seconds")
      assert.isFalse(isStopped)
      yield* Fiber.interrupt(joined)
      assert.isTrue(isStopped)
    }))

  it.effect("that is kept no longer takes out nothing but itself, at once, and lets its time go when it ends", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string>()
      let asleep = 0
      const context = yield* Effect.map(Effect.context<never>(), (context) =>
        Context.add(context, Clock.Clock, {
          ...Context.get(context, Clock.Clock),
          sleep: (time) =>
            Effect.suspend(() => {
              asleep++
              return Effect.ensuring(Context.get(context, Clock.Clock).sleep(time), Effect.sync(() => asleep--))
            })
        }))
      const isBack = yield* Deferred.make<void>()
      // it takes its time to end, and nobody is to wait for that
      const slow = Effect.onExit(Effect.never, () => Deferred.await(isBack))
      SingleFlight.ensure(flights, key, alone(slow), context, 5000)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(flights.flights.size, 0)
      const next = yield* begin(join(flights, Effect.delay(Effect.succeed(2), "1 second")))
      yield* Deferred.succeed(isBack, undefined)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(next), 2)
      // one that was left behind
      SingleFlight.ensure(flights, key, alone(Effect.never), context, 5000)
      SingleFlight.leave(flights)
      SingleFlight.ensure(flights, key, alone(Effect.never), context, 9000)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(flights.flights.size, 1)
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual([flights.flights.size, asleep], [0, 0])
      SingleFlight.ensure(flights, key, alone(Effect.yieldNow.pipe(Effect.as(1))), context, 1e9)
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepStrictEqual([flights.flights.size, asleep], [0, 0])
    }))

  it.effect("takes out nothing but itself when it ends, also if it was a long time in ending", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string>()
      const isBack = yield* Deferred.make<void>()
      const first = yield* begin(join(flights, Effect.onExit(Effect.never, () => Deferred.await(isBack))))
      const stopping = yield* begin(Fiber.interrupt(first))
      const second = yield* begin(join(flights, Effect.delay(Effect.succeed(2), "1 second")))
      yield* Deferred.succeed(isBack, undefined)
      yield* Fiber.join(stopping)
      const third = yield* begin(join(flights, Effect.succeed(3)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll([second, third]), [2, 2])
    }))

  it.effect("is left behind with those who wait for it, and takes out no other under its key", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string>()
      const slow = (value: number) => Effect.delay(Effect.succeed(value), "1 second")
      const [first, other] = [yield* begin(join(flights, slow(1))), yield* begin(join(flights, slow(1)))]
      SingleFlight.leave(flights)
      const second = yield* begin(join(flights, slow(2)))
      yield* Fiber.interrupt(first)
      yield* Fiber.interrupt(other)
      const third = yield* begin(join(flights, slow(3)))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll([second, third]), [2, 2])
    }))

  it.effect("is there no more once it has ended", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string>()
      assert.strictEqual(yield* join(flights, Effect.succeed(1)), 1)
      assert.strictEqual(flights.flights.size, 0)
      const later = yield* begin(join(flights, Effect.delay(Effect.succeed(2), "1 second")))
      assert.strictEqual(flights.flights.size, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(later), 2)
      assert.strictEqual(flights.flights.size, 0)
    }))

  const ends: ReadonlyArray<readonly [string, Cause.Cause<string>, boolean]> = [
    ["its caller's own failure", Cause.fail("own"), false],
    ["an interrupt from inside", Cause.interrupt(), false],
    ["both of them", Cause.combine(Cause.fail("own"), Cause.interrupt()), false],
    ["a failure of everybody's", Cause.fail("down"), true],
    ["a defect", Cause.die("a bug"), true],
    ["its caller's own failure and a defect", Cause.combine(Cause.fail("own"), Cause.die("a bug")), true]
  ]
  it.effect.each(ends)(
    "tells who joined of %s, or lets them ask anew: %#",
    ([, cause, isNews]) =>
      Effect.gen(function*() {
        const flights = SingleFlight.make<number, string>()
        const call = Effect.delay(Effect.failCause(cause), "1 second")
        const [first, joined] = [yield* begin(join(flights, call)), yield* begin(join(flights, call))]
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.await(first), Exit.failCause(cause))
        assert.deepStrictEqual(yield* Fiber.await(joined), isNews ? Exit.failCause(cause) : Exit.succeed(-1))
      })
  )

  it.effect("has one place for all who wait for it, told to each before it says anything, and another the next time", () =>
    Effect.gen(function*() {
      const flights = SingleFlight.make<number, string, Array<string>>()
      const entered: Array<Array<string>> = []
      const gathering = (name: string) => ({
        open: () => [`opened by ${name}`],
        enter: (meeting: Array<string>) => {
          meeting.push(name)
          entered.push(meeting)
        },
        call: (meeting: Array<string>) =>
          Effect.suspend(() => {
            meeting.push(`called by ${name}`)
            return Effect.delay(Effect.succeed(meeting.length), "1 second")
          })
      })
      const both = [yield* begin(joinAt(flights, gathering("a"))), yield* begin(joinAt(flights, gathering("b")))]
      yield* TestClock.adjust("1 second")
      yield* Fiber.joinAll(both)
      assert.deepStrictEqual(entered[0], ["opened by a", "a", "called by a", "b"])
      assert.strictEqual(entered[0], entered[1])
      SingleFlight.ensure(flights, key, gathering("c"), yield* Effect.context<never>(), 3_600_000)
      yield* begin(joinAt(flights, gathering("d")))
      assert.deepStrictEqual(entered[2], ["opened by c", "called by c", "d"])
    }))
})
