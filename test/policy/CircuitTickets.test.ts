/** A circuit in the hands of code that asks several policies in one step, as a relay does; and what a call costs it. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { CircuitBreaker } from "effect-relay"
import { TestClock } from "effect/testing"

const options: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(1),
  openFor: 20,
  jitter: 0,
  halfOpenProbes: 1,
  successesToClose: 1
}

const { CircuitOpen } = CircuitBreaker

const fails = Effect.fail("down")

const opened = (more?: CircuitBreaker.Options) =>
  Effect.tap(CircuitBreaker.make({ ...options, ...more }), (breaker) => Effect.exit(breaker.protect(fails)))

describe("a circuit that is asked by hand", () => {
  it.effect("refuses what it would refuse, and changes nothing by being looked at", () =>
    Effect.gen(function*() {
      const breaker = yield* opened()
      const refusal = breaker.refusalUnsafe(5)
      assert.deepInclude({ ...refusal }, { _tag: "CircuitOpen", key: "default", reason: "Open" })
      assert.strictEqual(refusal, breaker.admitUnsafe(5))
      assert.isUndefined(breaker.refusalUnsafe(20))
      assert.strictEqual(breaker.snapshotUnsafe(5).state, "Open")
      assert.notInstanceOf(breaker.admitUnsafe(20), CircuitOpen)
      assert.strictEqual(breaker.refusalUnsafe(20)?.reason, "ProbesOut")
    }))

  it.effect.each(["observe", "off"] as const)(
    "refuses nothing in mode %s, but what is held open by hand",
    (mode) =>
      Effect.gen(function*() {
        const breaker = yield* opened()
        yield* breaker[mode === "off" ? "disable" : mode]
        assert.isUndefined(breaker.refusalUnsafe(5))
        assert.notInstanceOf(breaker.admitUnsafe(5), CircuitOpen)
        assert.strictEqual(breaker.snapshotUnsafe(5).spared, mode === "off" ? 0 : 1)
        yield* breaker.isolate
        assert.strictEqual(breaker.refusalUnsafe(5)?.reason, "Isolated")
        const verdict = breaker.admitUnsafe(5)
        assert.isTrue(verdict instanceof CircuitOpen && verdict.reason === "Isolated")
      })
  )

  it.effect("counts no call that it did not count from its beginning, whatever it has come to since", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      for (let changes = 0; changes < 4; changes++) {
        yield* breaker.disable
        const ticket = breaker.admitUnsafe(0)
        yield* breaker.enforce
        assert.isFalse(ticket instanceof CircuitOpen)
        breaker.settleUnsafe(ticket as Exclude<typeof ticket, CircuitBreaker.CircuitOpen>, "Failure", 0, 0)
        assert.strictEqual(breaker.snapshotUnsafe(0).state, "Closed")
        yield* breaker.reset
      }
    }))

  it.effect("lets all pass while it is closed", () =>
    Effect.gen(function*() {
      const { refusalUnsafe } = yield* Effect.map(CircuitBreaker.make(), (breaker) => ({
        refusalUnsafe: breaker.refusalUnsafe.bind(breaker)
      }))
      assert.isUndefined(refusalUnsafe(0))
    }))

  it.effect("says what it is to whoever asks about a stack", () =>
    Effect.gen(function*() {
      const { protect } = (yield* CircuitBreaker.make()).at("eu")
      assert.deepStrictEqual(protect["~effect-relay/policy/Policy"](), { _tag: "CircuitBreaker", key: "eu" })
    }))

  it.effect("is held open as long as a scope is", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const scope = yield* Scope.make()
      yield* Scope.provide(breaker.isolateScoped, scope)
      assert.strictEqual((yield* breaker.state).state, "Isolated")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))

  it.effect("goes on to tell others when one looks away", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const seen: Array<string> = []
      const one = () => seen.push("one")
      breaker.watchUnsafe(one)
      const lookAway = breaker.watchUnsafe(() => seen.push("other"))
      yield* Effect.exit(breaker.protect(fails))
      assert.deepStrictEqual(seen.splice(0), ["one", "other"])
      breaker.unwatchUnsafe(one)
      yield* breaker.reset
      assert.deepStrictEqual(seen.splice(0), ["other"])
      assert.isFalse(breaker.isIdleUnsafe(0))
      lookAway()
      yield* Effect.exit(breaker.protect(fails))
      assert.deepStrictEqual(seen, [])
    }))
})

describe("a circuit is idle", () => {
  it.effect("while it is closed and holds nothing against anyone, not before", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, tripPolicy: CircuitBreaker.consecutive(3) })
      assert.isTrue(breaker.isIdleUnsafe(0))
      yield* Effect.exit(breaker.protect(fails))
      assert.strictEqual(breaker.suspicionUnsafe(0), 1)
      assert.isFalse(breaker.isIdleUnsafe(0), "one failure is held against it")
      yield* breaker.protect(Effect.void)
      assert.isTrue(breaker.isIdleUnsafe(0))
      const hold = yield* breaker.isolate
      assert.isFalse(breaker.isIdleUnsafe(0), "it is held")
      yield* hold.release
      yield* breaker.reset
      assert.isTrue(breaker.isIdleUnsafe(0))
    }))
})

/** A clock that knows how often it was looked at. */
const watched = Effect.map(Clock.Clock, (clock) => {
  const seen = { looks: 0 }
  const counting: Clock.Clock = Object.create(clock, {
    monotonicTimeNanosUnsafe: {
      value: () => {
        seen.looks++
        return clock.monotonicTimeNanosUnsafe()
      }
    }
  })
  return { seen, provide: Effect.provideService(Clock.Clock, counting) }
})

/** How often a call and its end look at the clock. */
const looksOf = <A, E>(breaker: CircuitBreaker.CircuitBreaker, call: Effect.Effect<A, E>) =>
  Effect.flatMap(
    watched,
    ({ provide, seen }) => Effect.map(Effect.exit(provide(breaker.protect(call))), () => seen.looks)
  )

describe("a call through a closed circuit", () => {
  it.effect("looks at no clock where there is nothing to learn from its success", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make()
      assert.strictEqual(yield* looksOf(breaker, Effect.void), 0)
      assert.strictEqual(yield* looksOf(breaker, fails), 1, "a failure is learned from")
      assert.strictEqual(yield* looksOf(breaker, Effect.void), 1, "and so is the success after it")
      const reopened = yield* opened({ rampFor: 0 })
      yield* TestClock.adjust(20)
      yield* reopened.protect(Effect.void)
      assert.include(yield* reopened.state, { state: "Closed", share: 1 })
      assert.strictEqual(yield* looksOf(reopened, Effect.void), 1, "and one soon after it has opened")
    }))

  it.effect("looks at none either when it is interrupted", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make()
      const { provide, seen } = yield* watched
      const fiber = yield* Effect.forkChild(provide(breaker.protect(Effect.never)), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(seen.looks, 0)
    }))

  it.effect("looks twice where it is timed, and once where it is asked what its success means", () =>
    Effect.gen(function*() {
      const timed = yield* CircuitBreaker.make({ slowCallDuration: 5 })
      assert.strictEqual(yield* looksOf(timed, Effect.void), 2)
      const asked = yield* CircuitBreaker.make({ classify: { result: () => "Success" } })
      assert.strictEqual(yield* looksOf(asked, Effect.void), 1)
    }))

  it.effect("looks no more when it ends after the circuit has moved on", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const gate = yield* Deferred.make<void>()
      const late = yield* Effect.forkChild(looksOf(breaker, Deferred.await(gate)), { startImmediately: true })
      yield* Effect.exit(breaker.protect(fails))
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(late), 0)
      assert.strictEqual((yield* breaker.state).state, "Open")
    }))

  it.effect("is slow when it takes longer than it may, not when it takes just so long, whatever the time is", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      for (const [takes, state] of [[5, "Closed"], [6, "Open"]] as const) {
        const breaker = yield* CircuitBreaker.make({
          ...options,
          slowCallDuration: 5,
          tripPolicy: CircuitBreaker.slowCallRate({ rate: 1, minimumCalls: 1 })
        })
        const call = yield* Effect.forkChild(breaker.protect(Effect.sleep(takes)), { startImmediately: true })
        yield* TestClock.adjust(takes)
        yield* Fiber.join(call)
        assert.strictEqual((yield* breaker.state).state, state, `${takes} ms`)
      }
    }))

  it.effect("that succeeds can be a failure, also as the first of all", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, classify: { result: () => "Failure" } })
      yield* breaker.protect(Effect.void)
      assert.strictEqual((yield* breaker.state).state, "Open")
    }))

  it.effect("is not counted once the circuit is switched off", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      yield* breaker.disable
      assert.strictEqual(yield* looksOf(breaker, fails), 2)
      assert.deepInclude(yield* breaker.state, { state: "Closed", suspicion: 0 })
    }))
})
