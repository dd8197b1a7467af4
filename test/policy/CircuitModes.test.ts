import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { CircuitBreaker } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

const options: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(2),
  openFor: 20,
  jitter: 0,
  halfOpenProbes: 1,
  successesToClose: 1
}

const fails = Effect.fail("down")

const failTwice = (breaker: CircuitBreaker.CircuitBreaker) =>
  Effect.andThen(Effect.exit(breaker.protect(fails)), Effect.exit(breaker.protect(fails)))

const isOpen = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some((reason) => reason._tag === "Fail" && reason.error instanceof CircuitBreaker.CircuitOpen)

const watch = (breaker: CircuitBreaker.CircuitBreaker) => {
  const seen: Array<CircuitBreaker.Transition> = []
  breaker.watchUnsafe((transition) => seen.push(transition))
  return seen
}

describe("a circuit that only observes", () => {
  const ways: ReadonlyArray<readonly [string, Effect.Effect<CircuitBreaker.CircuitBreaker, unknown>]> = [
    ["from the start", CircuitBreaker.make({ ...options, mode: "observe" })],
    ["from now on", Effect.tap(CircuitBreaker.make(options), (breaker) => breaker.observe)]
  ]
  it.effect.each(ways)(
    "%s refuses nothing, and says when it would have opened, and for how many",
    ([, make]) =>
      Effect.gen(function*() {
        const breaker = yield* make
        const seen = watch(breaker)
        let reached = 0
        const call = Effect.suspend(() => Effect.fail(`down ${++reached}`))
        for (let n = 1; n <= 10; n++) {
          assert.strictEqual(yield* Effect.flip(breaker.protect(call)), `down ${n}`)
        }
        assert.deepStrictEqual(seen, [
          { key: "default", from: "Closed", to: "Open", because: "consecutive(2)", observed: true }
        ])
        assert.deepInclude(yield* breaker.state, { mode: "observe", state: "Open", openings: 1, spared: 8 })
        yield* TestClock.adjust(20)
        yield* breaker.protect(Effect.void)
        assert.deepStrictEqual(seen.slice(1), [
          { key: "default", from: "Open", to: "HalfOpen", observed: true },
          { key: "default", from: "HalfOpen", to: "Closed", observed: true }
        ])
      })
  )

  it.effect.prop(
    "goes through the same states as one that refuses, whatever is called",
    [Law.list(Law.oneOf("succeed", "fail", "fail", "wait"), 60)],
    ([history]) =>
      Effect.gen(function*() {
        const observing = yield* CircuitBreaker.make({ ...options, mode: "observe" })
        const enforcing = yield* CircuitBreaker.make(options)
        let spared = 0
        for (const step of history) {
          if (step === "wait") yield* TestClock.adjust(7)
          else {
            const work = step === "fail" ? fails : Effect.void
            const exit = yield* Effect.exit(enforcing.protect(work))
            if (isOpen(exit)) spared++
            assert.isFalse(isOpen(yield* Effect.exit(observing.protect(work))))
          }
          const { mode: _, spared: __, ...expected } = yield* enforcing.state
          assert.deepInclude(yield* observing.state, { ...expected, mode: "observe", spared })
        }
      }),
    Law.check(100)
  )

  it.effect("refuses from the moment it is told to, at a circuit that has opened meanwhile", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, mode: "observe" })
      yield* failTwice(breaker)
      yield* breaker.protect(Effect.void)
      yield* breaker.enforce
      assert.strictEqual((yield* Effect.flip(breaker.protect(Effect.void))).reason, "Open")
      yield* breaker.observe
      yield* breaker.protect(Effect.void)
      assert.strictEqual((yield* breaker.state).spared, 2)
    }))
})

describe("a circuit that is switched off", () => {
  it.effect("lets all pass and counts nothing", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, mode: "off" })
      const before = yield* breaker.state
      for (let n = 0; n < 5; n++) yield* failTwice(breaker)
      assert.deepStrictEqual(yield* breaker.state, before)
      assert.deepInclude(before, { state: "Closed", mode: "off" })
      yield* breaker.enforce
      yield* failTwice(breaker)
      assert.strictEqual((yield* Effect.flip(breaker.protect(Effect.void))).reason, "Open")
      yield* breaker.disable
      yield* breaker.protect(Effect.void)
      assert.deepInclude(yield* breaker.state, { state: "Open", mode: "off", spared: 0 })
    }))

  it.effect("does not hear the answers of calls that were under way", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const answer = yield* Deferred.make<void, string>()
      const calls = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(breaker.protect(Deferred.await(answer)), { startImmediately: true })
      )
      yield* breaker.disable
      yield* Deferred.fail(answer, "down")
      yield* Fiber.awaitAll(calls)
      assert.deepInclude(yield* breaker.state, { state: "Closed", suspicion: 0 })
    }))

  it.effect("gives the place of a probe back that was under way", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      yield* failTwice(breaker)
      yield* TestClock.adjust(20)
      const probe = yield* Effect.forkChild(breaker.protect(Effect.never), { startImmediately: true })
      assert.strictEqual((yield* Effect.flip(breaker.protect(Effect.void))).reason, "ProbesOut")
      yield* breaker.disable
      yield* Fiber.interrupt(probe)
      yield* breaker.enforce
      yield* breaker.protect(Effect.void)
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))
})

describe("a circuit that is held open by hand", () => {
  it.effect.each(["enforce", "observe", "off"] as const)(
    "refuses in mode %s, and events say so",
    (mode) =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker.make({ ...options, mode })
        const seen = watch(breaker)
        const hold = yield* breaker.isolate
        const refusal = yield* Effect.flip(breaker.protect(Effect.void))
        assert.deepInclude(refusal, { reason: "Isolated", message: "circuit \"default\" is held open by hand" })
        assert.notProperty(refusal, "retryAfter")
        yield* TestClock.adjust("1 day")
        assert.strictEqual((yield* breaker.state).state, "Isolated")
        yield* hold.release
        yield* breaker.protect(Effect.void)
        assert.deepStrictEqual(seen, [
          { key: "default", from: "Closed", to: "Isolated", observed: false },
          { key: "default", from: "Isolated", to: "Closed", observed: false }
        ])
      })
  )

  it.effect("stays so until everybody has let go, each once", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const one = yield* breaker.isolate
      const other = yield* breaker.isolate
      yield* one.release
      yield* one.release
      assert.strictEqual((yield* breaker.state).state, "Isolated")
      yield* other.release
      assert.strictEqual((yield* breaker.state).state, "Closed")
      yield* other.release
      yield* one.release
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))

  it.effect("closes for a reset, and those who held it hold nothing any more", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, rampFor: "1 minute" })
      const old = yield* breaker.isolate
      yield* breaker.reset
      assert.deepInclude(yield* breaker.state, { state: "Closed", share: 1 })
      const fresh = yield* breaker.isolate
      yield* old.release
      assert.strictEqual((yield* breaker.state).state, "Isolated")
      yield* fresh.release
      assert.deepInclude(yield* breaker.state, { state: "Closed", share: 0.1 })
    }))

  it.effect("is let go by whoever took it, however the work ends", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const held = Effect.acquireUseRelease(breaker.isolate, () => Effect.never, (hold) => hold.release)
      const fiber = yield* Effect.forkChild(held, { startImmediately: true })
      assert.strictEqual((yield* breaker.state).state, "Isolated")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))

  it.effect("takes no notice of calls that were under way, and forgives what came before", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, tripPolicy: CircuitBreaker.consecutive(1) })
      const call = yield* Effect.forkChild(breaker.protect(Effect.andThen(Crowd.turns(2), fails)), {
        startImmediately: true
      })
      const hold = yield* breaker.isolate
      yield* Fiber.await(call)
      yield* hold.release
      assert.deepInclude(yield* breaker.state, { state: "Closed", suspicion: 0, openings: 0 })
    }))
})

describe("a circuit that has just closed", () => {
  it.effect("lets a growing share of the calls pass, and says so", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, rampFor: 1000 })
      yield* failTwice(breaker)
      yield* TestClock.adjust(20)
      yield* breaker.protect(Effect.void)
      const passes = Effect.gen(function*() {
        let passed = 0
        for (let n = 0; n < 100; n++) {
          const exit = yield* Effect.exit(breaker.protect(Effect.void))
          if (Exit.isSuccess(exit)) passed++
        }
        return passed
      })
      const seen: Array<readonly [share: number, passed: number]> = []
      for (let n = 0; n < 5; n++) {
        seen.push([(yield* breaker.state).share, yield* passes])
        yield* TestClock.adjust(250)
      }
      assert.deepStrictEqual(seen.map(([share]) => share), [0.1, 0.25, 0.5, 0.75, 1])
      for (const [share, passed] of seen) assert.closeTo(passed, 100 * share, 1)
    }))

  it.effect("opens again when those who pass fail", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, rampFor: 1000 })
      yield* failTwice(breaker)
      yield* TestClock.adjust(20)
      yield* breaker.protect(Effect.void)
      let reached = 0
      const call = Effect.suspend(() => {
        reached++
        return fails
      })
      for (let n = 0; n < 30; n++) yield* Effect.exit(breaker.protect(call))
      assert.strictEqual(reached, 2)
      assert.deepInclude(yield* breaker.state, { state: "Open", openings: 2 })
    }))
})

describe("a circuit that is half-open", () => {
  it.effect("closes at a share of good probes, the rounding of numbers aside", () =>
    Effect.gen(function*() {
      const shares: ReadonlyArray<readonly [ratio: number, of: number, good: number]> = [
        [0.07, 100, 7],
        [0.55, 100, 55],
        [0.28, 25, 7],
        [0.5, 3, 2],
        [0.001, 5, 1],
        [1, 4, 4]
      ]
      for (const [ratio, of, good] of shares) {
        for (const bad of [0, of - good, of - good + 1]) {
          const breaker = yield* CircuitBreaker.make({ ...options, successesToClose: { ratio, of } })
          yield* failTwice(breaker)
          yield* TestClock.adjust(20)
          for (let n = 0; n < bad; n++) yield* Effect.exit(breaker.protect(fails))
          const isLost = bad > of - good
          assert.strictEqual(
            (yield* breaker.state).state,
            isLost ? "Open" : "HalfOpen",
            `${ratio} of ${of}, ${bad} bad`
          )
          if (isLost) continue
          for (let n = 1; n < good; n++) yield* breaker.protect(Effect.void)
          assert.strictEqual((yield* breaker.state).state, "HalfOpen", `${ratio} of ${of}`)
          yield* breaker.protect(Effect.void)
          assert.strictEqual((yield* breaker.state).state, "Closed", `${ratio} of ${of}`)
        }
      }
    }))
})
