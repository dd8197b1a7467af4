import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Duration, Effect, Exit, Fiber, Schema } from "effect"
import { CircuitBreaker, InvalidArgument } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Circuit from "../../src/machine/Circuit.ts"
import * as CircuitBreakerOptions from "../../src/policy/CircuitBreakerOptions.ts"
import * as SavedCircuit from "../../src/policy/SavedCircuit.ts"
import * as Law from "../Law.ts"

const options: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(3),
  openFor: 20,
  maxOpenFor: 100,
  jitter: 0,
  halfOpenProbes: 1,
  successesToClose: 1,
  slowCallDuration: 5
}

const down = (retryAfter = 0) => Effect.fail({ _tag: "EndpointUnavailable", retryAfter: Duration.millis(retryAfter) })

/** Through the text that a file would hold. */
const throughJson = (saved: CircuitBreaker.Saved) =>
  Effect.flatMap(
    Schema.encodeEffect(CircuitBreaker.Saved)(saved),
    (encoded) => Effect.sync((): unknown => JSON.parse(JSON.stringify(encoded)))
  )

const histories = Law.list(
  Arbitrary.all({ do: Law.oneOf("succeed", "fail", "fail", "fail", "wait"), by: Law.int(0, 40) }),
  40
)

/** Lives through a history; a failure asks for as long as the next step says. */
const live = (
  breaker: CircuitBreaker.CircuitBreaker,
  history: ReadonlyArray<{ readonly do: "succeed" | "fail" | "wait"; readonly by: number }>
) =>
  Effect.forEach(history, (step) =>
    step.do === "wait"
      ? TestClock.adjust(step.by)
      : Effect.exit(breaker.protect(step.do === "fail" ? down(2 * step.by) : Effect.void)))

/** What a call of each kind would be told. */
const answer = (breaker: CircuitBreaker.CircuitBreaker) =>
  Effect.map(
    Effect.exit(breaker.protect(Effect.void)),
    (exit) => Exit.isSuccess(exit) ? "passes" : JSON.parse(JSON.stringify(exit.cause.reasons))
  )

describe("a circuit that was saved", () => {
  it.effect.prop(
    "and is restored answers as the first would have, at any later time",
    [Arbitrary.all({ history: histories, away: Law.int(0, 150), later: histories })],
    ([{ away, history, later }]) =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker.make(options)
        yield* live(breaker, history)
        const before = yield* breaker.state
        const saved = yield* throughJson(yield* breaker.save)
        yield* TestClock.adjust(away)
        const other = yield* CircuitBreaker.make(options)
        yield* other.restore(saved)
        const { openings: _, ...expected } = yield* breaker.state
        const { openings: __, ...restored } = yield* other.state
        assert.deepStrictEqual(restored, expected)
        // a healthy spell begins anew, so only what was not closed goes on in step
        for (const step of before.state === "Closed" ? [] : later) {
          yield* Effect.all([live(other, [step]), step.do === "wait" ? Effect.void : live(breaker, [step])])
          assert.strictEqual((yield* other.state).retryAfter, (yield* breaker.state).retryAfter)
          if (step.do === "succeed") assert.deepStrictEqual(yield* answer(other), yield* answer(breaker))
        }
      }),
    Law.check(200)
  )

  it.effect("keeps what is held against it, and the failures in a row", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      yield* live(breaker, [{ do: "fail", by: 0 }, { do: "fail", by: 0 }])
      const other = yield* CircuitBreaker.make(options)
      yield* other.restore(yield* throughJson(yield* breaker.save))
      assert.deepInclude(yield* other.state, { state: "Closed", suspicion: 2 })
      yield* Effect.exit(other.protect(down()))
      assert.strictEqual((yield* other.state).state, "Open")
    }))

  it.effect("lets evidence and openings fade in the time between", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ forgetAfter: "10 seconds", openFor: "30 seconds" })
      const saved: CircuitBreaker.Saved = {
        version: 1,
        key: "default",
        savedAt: 0,
        openings: 2,
        circuit: { _tag: "Closed", failures: 8, slow: 0, streak: 0 }
      }
      yield* TestClock.adjust("15 seconds")
      yield* breaker.restore(saved)
      assert.strictEqual((yield* breaker.state).suspicion, 4)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual((yield* breaker.save).openings, 1)
    }))

  it.effect("has lost nothing where no time has passed, at whatever time that is", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ forgetAfter: "10 seconds" })
      yield* TestClock.adjust("1 hour")
      yield* breaker.restore({
        version: 1,
        key: "default",
        savedAt: 3_600_000,
        openings: 0,
        circuit: { _tag: "Closed", failures: 8, slow: 0, streak: 0 }
      })
      assert.strictEqual((yield* breaker.state).suspicion, 8)
    }))

  it.effect("begins a new epoch, so that no answer from before counts, whether it was closed or open", () =>
    Effect.gen(function*() {
      const rules = CircuitBreakerOptions.toRules(yield* CircuitBreakerOptions.decode(undefined))
      const clock = yield* Clock.Clock
      const before = Circuit.closed(0, rules, 7)
      for (
        const circuit of [
          { _tag: "Closed", failures: 0, slow: 0, streak: 0 },
          { _tag: "Open", until: 5, because: "failureRate(0.5)" }
        ]
      ) {
        const saved = { version: 1, key: "db", savedAt: 0, openings: 0, circuit }
        const restored = SavedCircuit.restore("db", saved, before, clock, rules)
        assert.deepInclude(restored as object, { _tag: circuit._tag, epoch: 8 })
      }
      const refusal = SavedCircuit.restore(
        "db",
        {
          version: 1,
          key: "db",
          savedAt: 0,
          openings: 0,
          circuit: { _tag: "Closed", failures: 0, slow: 0, streak: 0 }
        },
        Circuit.isolate(before, 0),
        clock,
        rules
      )
      assert.strictEqual(
        (refusal as InvalidArgument.InvalidArgument).message,
        "CircuitBreaker.restore: saved.key is \"db\", but that circuit is held open by hand, release it first"
      )
    }))

  it.effect("keeps evidence of slow calls, which only a slow call makes open it", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const saved: CircuitBreaker.Saved = {
        version: 1,
        key: "default",
        savedAt: 0,
        openings: 0,
        circuit: { _tag: "Closed", failures: 0, slow: 13, streak: 0 }
      }
      yield* breaker.restore(saved)
      yield* Effect.exit(breaker.protect(down()))
      assert.strictEqual((yield* breaker.state).state, "Closed")
      const slow = yield* Effect.forkChild(breaker.protect(Effect.sleep(6)), { startImmediately: true })
      yield* TestClock.adjust(6)
      yield* Fiber.join(slow)
      assert.deepInclude(yield* breaker.state, { state: "Open", because: "slowCalls" })
    }))

  it.effect("is kept as open until now where it was half-open, and as closed where it was held by hand", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(1000)
      const breaker = yield* CircuitBreaker.make(options)
      yield* live(breaker, [{ do: "fail", by: 0 }, { do: "fail", by: 0 }, { do: "fail", by: 0 }, {
        do: "wait",
        by: 20
      }])
      yield* Effect.forkChild(breaker.protect(Effect.never), { startImmediately: true })
      assert.deepStrictEqual(yield* breaker.save, {
        version: 1,
        key: "default",
        savedAt: 1020,
        openings: 1,
        circuit: { _tag: "Open", until: 1020, because: "halfOpen" }
      })
      yield* breaker.isolate
      assert.deepStrictEqual(yield* breaker.save, {
        version: 1,
        key: "default",
        savedAt: 1020,
        openings: 0,
        circuit: { _tag: "Closed", failures: 0, slow: 0, streak: 0 }
      })
    }))

  it.effect("tells whoever watches that it is open again", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      yield* live(breaker, [{ do: "fail", by: 0 }, { do: "fail", by: 0 }, { do: "fail", by: 0 }])
      const other = yield* CircuitBreaker.make(options)
      const seen: Array<CircuitBreaker.Transition> = []
      other.watchUnsafe((transition) => seen.push(transition))
      yield* other.restore(yield* breaker.save)
      assert.deepStrictEqual(seen, [
        { key: "default", from: "Closed", to: "Open", because: "consecutive(3)", observed: false }
      ])
      yield* other.restore({
        version: 1,
        key: "default",
        savedAt: 0,
        openings: 0,
        circuit: { _tag: "Closed", failures: 0, slow: 0, streak: 0 }
      })
      assert.strictEqual((yield* other.state).state, "Closed")
    }))

  it.effect("does not hear the answers of calls from before it was restored", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, tripPolicy: CircuitBreaker.consecutive(1) })
      const empty = yield* breaker.save
      const call = yield* Effect.forkChild(breaker.protect(Effect.andThen(Effect.sleep(1), down())), {
        startImmediately: true
      })
      yield* breaker.restore(empty)
      yield* TestClock.adjust(1)
      yield* Fiber.await(call)
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))

  const wallClocks: ReadonlyArray<readonly [string, number, number]> = [
    ["set back by a year", -31_536_000_000, 100],
    ["set back by little", -7, 27],
    ["set forward by little", 7, 13],
    ["set forward by a year", 31_536_000_000, 0]
  ]
  it.effect.each(wallClocks)(
    "stays open for no longer than it might, at a wall clock %s",
    ([, by, left]) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(1e12)
        const breaker = yield* CircuitBreaker.make({ ...options, tripPolicy: CircuitBreaker.consecutive(1) })
        yield* Effect.exit(breaker.protect(down()))
        const saved = yield* breaker.save
        const other = yield* CircuitBreaker.make(options)
        yield* TestClock.setTime(1e12 + by)
        yield* other.restore(saved)
        assert.strictEqual((yield* other.state).retryAfter ?? 0, left)
        assert.strictEqual((yield* other.state).state, left === 0 ? "HalfOpen" : "Open")
      })
  )

  it.effect("is as open as the options of the next process allow", () =>
    Effect.gen(function*() {
      const other = yield* CircuitBreaker.make({ ...options, openFor: 10, maxOpenFor: 15 })
      yield* other.restore({
        version: 1,
        key: "default",
        savedAt: 0,
        openings: 900,
        circuit: { _tag: "Open", until: 1e15, because: "a rule of then" }
      })
      assert.deepInclude(yield* other.state, { state: "Open", retryAfter: 15, because: "a rule of then" })
      yield* TestClock.adjust(15)
      yield* Effect.exit(other.protect(down()))
      assert.strictEqual((yield* other.state).retryAfter, 15)
    }))

  it.effect("counts as opened once, at least, where it is open", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      yield* breaker.restore({
        version: 1,
        key: "default",
        savedAt: 0,
        openings: 0,
        circuit: { _tag: "Open", until: 0, because: "a rule of then" }
      })
      yield* Effect.exit(breaker.protect(down()))
      assert.strictEqual((yield* breaker.state).retryAfter, 40)
    }))

  it.effect("can be read by the function itself, handed on", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      yield* Effect.flatMap(breaker.save, breaker.restore)
    }))

  const closed = { _tag: "Closed", failures: 0, slow: 0, streak: 0 }
  const good = { version: 1, key: "default", savedAt: 0, openings: 0, circuit: closed }
  const bad: ReadonlyArray<readonly [string, unknown, readonly [argument: string, value: string, rule: string]]> = [
    ["nothing", undefined, ["saved", "\"undefined\"", "it has to be an object, as `save` gives it"]],
    ["null", null, ["saved", "\"null\"", "it has to be an object, as `save` gives it"]],
    ["a text", JSON.stringify(good), ["saved", "\"string\"", "it has to be an object, as `save` gives it"]],
    ["a list", [good], ["saved", "\"array\"", "it has to be an object, as `save` gives it"]],
    ["an empty object", {}, ["saved.version", "undefined", "it is required"]],
    ["another version", { ...good, version: 2 }, ["saved.version", "2", "it has to be 1"]],
    ["another key", { ...good, key: "eu" }, ["saved.key", "\"eu\"", "it has to be \"default\""]],
    ["a key that is none", { ...good, key: 5 }, ["saved.key", "5", "it has to be string"]],
    ["openings below zero", { ...good, openings: -1 }, ["saved.openings", "-1", "it has to be "]],
    ["too many openings", { ...good, openings: 1001 }, ["saved.openings", "1001", "it has to be "]],
    ["half an opening", { ...good, openings: 0.5 }, ["saved.openings", "0.5", "it has to be "]],
    ["a state nobody knows", { ...good, circuit: { _tag: "Ajar" } }, ["saved.circuit", "object", "it has to be "]],
    ["evidence below zero", { ...good, circuit: { ...closed, failures: -1 } }, [
      "saved.circuit.failures",
      "-1",
      "it has to be "
    ]],
    ["evidence without end", { ...good, circuit: { ...closed, slow: Infinity } }, [
      "saved.circuit.slow",
      "Infinity",
      "it has to be "
    ]],
    ["a streak that is no number", { ...good, circuit: { ...closed, streak: NaN } }, [
      "saved.circuit.streak",
      "NaN",
      "it has to be "
    ]],
    ["no end of an opening", { ...good, circuit: { _tag: "Open", because: "x" } }, [
      "saved.circuit.until",
      "undefined",
      "it is required"
    ]],
    ["an opening for ever", { ...good, circuit: { _tag: "Open", until: Infinity, because: "x" } }, [
      "saved.circuit.until",
      "Infinity",
      "it has to be "
    ]],
    ["more than was saved", { ...good, password: "hunter2" }, [
      "saved.password",
      "not shown here",
      "there is no such option"
    ]]
  ]
  it.effect.each(bad)(
    "is refused with a reason, and nothing is changed, if it is %s",
    ([, saved, expected]) =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker.make(options)
        for (let n = 0; n < 3; n++) {
          const before = [yield* breaker.state, yield* breaker.save]
          const error = yield* Effect.flip(breaker.restore(saved))
          assert.instanceOf(error, InvalidArgument.InvalidArgument)
          const [argument, value, rule] = expected
          assert.deepInclude(error, { subject: "CircuitBreaker.restore", argument, value })
          assert.strictEqual(error.rule.slice(0, rule.length), rule)
          assert.deepStrictEqual([yield* breaker.state, yield* breaker.save], before)
          yield* live(breaker, [{ do: "fail", by: 0 }, { do: "fail", by: 0 }])
        }
      })
  )

  it.effect("is refused by a circuit that is held open by hand, which stays held", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const saved = yield* breaker.save
      const hold = yield* breaker.isolate
      const error = yield* Effect.flip(breaker.restore(saved))
      assert.include(error.message, "held open by hand")
      assert.strictEqual((yield* breaker.state).state, "Isolated")
      yield* hold.release
      assert.strictEqual((yield* breaker.state).state, "Closed")
      yield* breaker.restore(saved)
    }))
})
