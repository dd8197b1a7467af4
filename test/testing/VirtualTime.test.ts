import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Random } from "effect"
import { CircuitBreaker, RelayService, Timeout } from "effect-relay"
import { ScriptedEndpoint, VirtualTime } from "effect-relay/testing"
import * as Law from "../Law.ts"

/** Somebody who sleeps so many milliseconds again and again; `leaves` is when somebody else interrupts them, 0 for never. */
interface Sleeper {
  readonly naps: ReadonlyArray<number>
  readonly leaves: number
}

const cases = Law.list(Arbitrary.all({ naps: Law.list(Law.int(0, 6), 4), leaves: Law.oneOf(0, 0, 1, 4, 9) }), 12)

type Entry = readonly [who: number, what: "awake" | "gone", at: number]

type World = <A>(program: Effect.Effect<A>) => Effect.Effect<A>

const lived = (sleepers: ReadonlyArray<Sleeper>) =>
  Effect.gen(function*() {
    const log: Array<Entry> = []
    const note = (who: number, what: Entry[1]) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        log.push([who, what, now])
      })
    for (const [who, { leaves, naps }] of sleepers.entries()) {
      const life = Effect.forEach(naps, (nap) => Effect.andThen(Effect.sleep(nap), note(who, "awake")), {
        discard: true
      })
      const fiber = yield* Effect.forkChild(Effect.onInterrupt(life, () => note(who, "gone")), {
        startImmediately: true
      })
      if (leaves === 0) continue
      const interrupt = Effect.sync(() => fiber.interruptUnsafe())
      yield* Effect.forkChild(Effect.andThen(Effect.sleep(leaves), interrupt), { startImmediately: true })
    }
    yield* Effect.sleep(100)
    return log
  })

/** The reference: all who wait in one array, searched from end to end for whoever is next. */
const foretold = (sleepers: ReadonlyArray<Sleeper>): ReadonlyArray<Entry> => {
  interface Waiting {
    readonly at: number
    readonly place: number
    readonly who: number | undefined
    readonly go: () => void
  }
  const log: Array<Entry> = []
  let waiting: Array<Waiting> = []
  let now = 0
  let place = 0
  const wait = (nap: number, who: number | undefined, go: () => void): void => {
    waiting.push({ at: now + nap, place: nap === 0 ? -1e6 + place++ : place++, who, go })
  }
  sleepers.forEach(({ leaves, naps }, who) => {
    let left = true
    const live = (index: number): void => {
      if (index === naps.length) {
        left = false
        return
      }
      wait(naps[index]!, who, () => {
        log.push([who, "awake", now])
        live(index + 1)
      })
    }
    live(0)
    if (leaves === 0) return
    wait(leaves, undefined, () => {
      if (!left) return
      left = false
      waiting = waiting.filter((other) => other.who !== who)
      log.push([who, "gone", now])
    })
  })
  while (waiting.length > 0) {
    const next = waiting.reduce((a, b) => b.at < a.at || (b.at === a.at && b.place < a.place) ? b : a)
    waiting = waiting.filter((other) => other !== next)
    now = next.at
    next.go()
  }
  return log
}

const isAsForetold = (world: World) => (sleepers: ReadonlyArray<Sleeper>): Effect.Effect<void> =>
  Effect.map(world(lived(sleepers)), (log) => assert.deepStrictEqual(log, foretold(sleepers)))

const virtual: World = (program) => VirtualTime.run(program, { promises: false })

/** Virtual time whose clock sleeps otherwise. */
const sleeping = (sleep: (clock: Clock.Clock, millis: number) => Effect.Effect<void>): World => (program) =>
  virtual(Clock.clockWith((clock) =>
    Effect.provideService(program, Clock.Clock, {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
      currentTimeMillis: clock.currentTimeMillis,
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      currentTimeNanos: clock.currentTimeNanos,
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos,
      sleep: (duration) => sleep(clock, Duration.toMillis(duration))
    })
  ))

let late = 0
const earlier = (): number => 1e-6 * (100_000 - late++ % 100_000)

describe("virtual time", () => {
  it.effect.prop(
    "wakes whoever is due first, and of those due at one time whoever began to sleep first",
    [cases],
    ([sleepers]) => isAsForetold(virtual)(sleepers),
    Law.check(300)
  )

  it.effect.prop(
    "does the same where fibers may wait for promises",
    [cases],
    ([sleepers]) => isAsForetold((program) => VirtualTime.run(program))(sleepers),
    Law.check(50)
  )

  const broken: ReadonlyArray<readonly [string, World]> = [
    ["oversleeps", sleeping((clock, millis) => clock.sleep(Duration.millis(millis < 3 ? millis : millis + 1)))],
    [
      "goes on at once where the wait is nothing",
      sleeping((clock, millis) => millis === 0 ? Effect.void : clock.sleep(Duration.millis(millis)))
    ],
    // each sleeps a nanosecond less long than whoever went to sleep before
    [
      "wakes whoever went to sleep last first",
      sleeping((clock, millis) =>
        millis === 0 ? clock.sleep(Duration.zero) : clock.sleep(Duration.millis(millis + earlier()))
      )
    ],
    ["cannot be interrupted", sleeping((clock, millis) => Effect.uninterruptible(clock.sleep(Duration.millis(millis))))]
  ]
  it.effect.each(broken)("is told from one that %s", ([, world]) => Law.isBrokenEffect(cases, isAsForetold(world)))

  it.effect("never goes back, and neither clock runs away from the other", () =>
    VirtualTime.run(
      Effect.gen(function*() {
        const clock = yield* Clock.clockWith(Effect.succeed)
        let before = clock.monotonicTimeNanosUnsafe()
        const look = Effect.sync(() => {
          const now = clock.monotonicTimeNanosUnsafe()
          assert.isTrue(now >= before)
          before = now
          assert.strictEqual(clock.currentTimeNanosUnsafe(), 1_000_000_000n + now)
          assert.strictEqual(clock.currentTimeMillisUnsafe(), 1000 + Math.floor(Number(now) / 1e6))
        })
        const naps = Array.from({ length: 200 }, (_, index) =>
          Effect.andThen(Effect.sleep(0.1 * ((index * 37) % 101)), look))
        yield* Effect.all(naps, { concurrency: "unbounded" })
        assert.strictEqual(before, 10_000_000n)
      }),
      { startAt: 1000, promises: false }
    ))

  it.effect("drops whoever is interrupted in their sleep", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { snapshot } = yield* VirtualTime.VirtualTime
      const fibers = yield* Effect.forEach(Array.from({ length: 1000 }), (_, index) =>
        Effect.forkChild(Effect.sleep(1 + index), { startImmediately: true }))
      assert.strictEqual((yield* snapshot).sleeping, 1000)
      yield* Fiber.interruptAll(fibers.slice(1))
      assert.deepStrictEqual(yield* snapshot, { elapsed: 0, sleeping: 1, woken: 0 })
      yield* Effect.sleep("1 day")
      assert.deepStrictEqual(yield* snapshot, { elapsed: 86_400_000, sleeping: 0, woken: 2 })
    })))

  it.effect("does not move while anybody can go on", () =>
    VirtualTime.run(Effect.gen(function*() {
      const sleeper = yield* Effect.forkChild(Effect.sleep(1), { startImmediately: true })
      for (let turn = 0; turn < 30_000; turn++) yield* Effect.yieldNow
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      yield* Fiber.join(sleeper)
      assert.strictEqual(yield* Clock.currentTimeMillis, 1)
    })))

  it.effect("goes on as long as anybody can, though nobody sleeps", () =>
    VirtualTime.run(Effect.gen(function*() {
      for (let turn = 0; turn < 30_000; turn++) yield* Effect.yieldNow
      assert.deepInclude(yield* VirtualTime.VirtualTime.use(({ snapshot }) => snapshot), { elapsed: 0, sleeping: 0 })
    })))

  it.effect("hears of promises before it moves, however long their chain is", () =>
    VirtualTime.run(Effect.gen(function*() {
      const chain = async () => {
        for (let link = 0; link < 100; link++) await undefined
        return "read"
      }
      const reader = yield* Effect.forkChild(
        Effect.andThen(Effect.promise(chain), Effect.promise(chain)).pipe(Effect.andThen(Clock.currentTimeMillis))
      )
      const napper = yield* Effect.forkChild(Effect.forEach([1, 2, 3], () => Effect.sleep(10)))
      assert.strictEqual(yield* Fiber.join(reader), 0)
      yield* Fiber.join(napper)
    })))

  it.effect("waits for the world outside when nobody sleeps", () =>
    VirtualTime.run(Effect.gen(function*() {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(() => setImmediate(resolve))))
      yield* Effect.sleep("1 hour")
      assert.strictEqual(yield* Clock.currentTimeMillis, 3_600_000)
    })))

  it.effect("is over with the effect that lives in it: what was left running stands still", () =>
    Effect.gen(function*() {
      let beats = 0
      const heart = Effect.forever(Effect.andThen(Effect.sleep(1), Effect.sync(() => beats++)))
      yield* VirtualTime.run(Effect.andThen(Effect.forkDetach(heart), Effect.sleep(10.5)))
      assert.strictEqual(beats, 10)
      for (let turn = 0; turn < 10; turn++) yield* Effect.yieldNow
      assert.strictEqual(beats, 10)
    }))

  const standstill = (life: Effect.Effect<unknown>) =>
    Effect.map(Effect.exit(VirtualTime.run(life, { promises: false })), (exit) => {
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.match(String(Exit.isFailure(exit) && Cause.squash(exit.cause)), /everybody waits and nobody sleeps/)
    })

  it.effect("says that nobody can wake any more, where nobody waits for promises", () =>
    Effect.gen(function*() {
      yield* standstill(Effect.never)
      yield* standstill(Effect.sleep("Infinity"))
      yield* standstill(Effect.andThen(Effect.sleep("1 day"), Effect.flatMap(Deferred.make<void>(), Deferred.await)))
      let closed = 0
      const holder = Effect.onInterrupt(Effect.andThen(Effect.yieldNow, Effect.never), () =>
        Effect.andThen(Effect.sleep("1 hour"), Effect.map(Clock.currentTimeMillis, (now) => closed = now)))
      yield* standstill(Effect.all([holder, Effect.sleep("1 minute")], { concurrency: "unbounded" }))
      assert.strictEqual(closed, 3_660_000, "after everybody has cleaned up")
    }))

  it.effect("says nothing while somebody outside may wake them", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const life = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      for (const promises of [true, false]) {
        const fiber = yield* Effect.forkChild(VirtualTime.run(life, { promises }))
        yield* Deferred.await(begun)
        yield* Effect.andThen(Effect.yieldNow, Effect.yieldNow)
        const exit = yield* Effect.andThen(Fiber.interrupt(fiber), Fiber.await(fiber))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      }
      const gate = yield* Deferred.make<void>()
      const through = Effect.andThen(
        Deferred.await(gate),
        Effect.andThen(Effect.sleep("1 hour"), Clock.currentTimeMillis)
      )
      const passing = yield* Effect.forkChild(VirtualTime.run(through, { promises: false }), { startImmediately: true })
      yield* Effect.yieldNow
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(passing), 3_600_000)
      const waiting = yield* Effect.forkChild(VirtualTime.run(Effect.never))
      for (let turn = 0; turn < 20; turn++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.isUndefined(waiting.pollUnsafe())
      yield* Fiber.interrupt(waiting)
    }))

  it.effect("ends as the effect does that lives in it", () =>
    Effect.gen(function*() {
      const options = { promises: false }
      assert.deepStrictEqual(yield* VirtualTime.run(Effect.succeed(1), options), 1)
      assert.deepStrictEqual(yield* Effect.flip(VirtualTime.run(Effect.fail("down"), options)), "down")
      assert.deepStrictEqual(yield* VirtualTime.run(Effect.as(Effect.sleep("1 hour"), 2), options), 2)
    }))

  it.effect("moves with every sleep, also when a number has no room for it", () =>
    VirtualTime.run(
      Effect.gen(function*() {
        yield* Effect.sleep("365 days")
        let before = yield* Clock.monotonicTimeNanos
        for (let nap = 0; nap < 100; nap++) {
          yield* Effect.sleep("1 nanos")
          const now = yield* Clock.monotonicTimeNanos
          assert.isTrue(now > before && now - before <= 4n)
          before = now
        }
      }),
      { promises: false }
    ))

  it.effect("lets an interrupt from outside in, and finalizers have their time", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<number>()
      const begun = yield* Deferred.make<void>()
      const life = Effect.andThen(Deferred.succeed(begun, undefined), Effect.forever(Effect.sleep(1))).pipe(
        Effect.onInterrupt(() =>
          Effect.andThen(
            Effect.sleep(5),
            Effect.flatMap(Clock.currentTimeMillis, (now) => Deferred.succeed(closed, now))
          )
        )
      )
      const fiber = yield* Effect.forkChild(VirtualTime.run(life, { promises: false }))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.isAtLeast(yield* Deferred.await(closed), 5)
    }))

  it.effect("shifts the wall clock, and nobody sleeps longer or shorter for it", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { shiftWallClock } = yield* VirtualTime.VirtualTime
      const sleeper = yield* Effect.forkChild(Effect.andThen(Effect.sleep("2 hours"), Clock.currentTimeMillis))
      const before = yield* Clock.monotonicTimeNanos
      yield* Effect.sleep("1 hour")
      yield* shiftWallClock("-30 minutes")
      assert.strictEqual(yield* Clock.currentTimeMillis, 30 * 60_000)
      assert.strictEqual(yield* Fiber.join(sleeper), 90 * 60_000)
      assert.strictEqual((yield* Clock.monotonicTimeNanos) - before, 7_200_000_000_000n)
    })))

  const numbers = Effect.all(Array.from({ length: 20 }, () => Effect.andThen(Effect.sleep(1), Random.next)))

  it.effect("draws the same numbers under the same seed, and others under another", () =>
    Effect.gen(function*() {
      const first = yield* VirtualTime.run(numbers, { seed: "one" })
      assert.deepStrictEqual(yield* VirtualTime.run(numbers, { seed: "one" }), first)
      assert.notDeepEqual(yield* VirtualTime.run(numbers, { seed: "two" }), first)
    }))

  it.effect("is the time of every policy, and of a relay", () =>
    VirtualTime.run(Effect.gen(function*() {
      const timeout = yield* Timeout.make({ duration: "90 minutes" })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(timeout.protect(Effect.never))))
      const breaker = yield* CircuitBreaker.make({
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor: "1 hour",
        jitter: 0
      })
      yield* Effect.exit(breaker.protect(Effect.fail("down")))
      yield* Effect.sleep("59 minutes")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(breaker.protect(Effect.void))))
      yield* Effect.sleep("1 minute")
      yield* breaker.protect(Effect.void)

      const silent = ScriptedEndpoint.make("silent", [ScriptedEndpoint.fault("silence")])
      const ready = ScriptedEndpoint.make("ready", [ScriptedEndpoint.answer("Bern.", { delay: "2 seconds" })], {
        tier: 1
      })
      const relayed = Effect.gen(function*() {
        const relay = yield* RelayService.RelayService
        return yield* relay.chat({ model: "any", messages: [{ role: "user", content: "Hi" }] })
      })
      const { meta, text } = yield* Effect.provide(
        relayed,
        RelayService.layerDefault({ endpoints: [silent.endpoint, ready.endpoint] }).pipe(
          Layer.provide(ScriptedEndpoint.layer(silent, ready))
        )
      )
      assert.strictEqual(text, "Bern.")
      assert.strictEqual(Duration.toMillis(meta.latency), 32_000)
    })))
})
