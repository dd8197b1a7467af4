import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Stream } from "effect"
import { CircuitBreaker } from "effect-relay"
import { TestClock } from "effect/testing"
import type * as Circuit from "../../src/machine/Circuit.ts"
import * as CircuitBreakerOptions from "../../src/policy/CircuitBreakerOptions.ts"
import type * as CircuitWatch from "../../src/policy/CircuitWatch.ts"
import type * as Keyed from "../../src/policy/Keyed.ts"
import * as WorkingCircuit from "../../src/policy/WorkingCircuit.ts"
import * as Crowd from "./Crowd.ts"

const options: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(1),
  openFor: 10,
  jitter: 0,
  halfOpenProbes: 1,
  successesToClose: 1
}

const fails = Effect.fail("down")

/** Opens and closes a circuit so many times. */
const flap = (breaker: CircuitBreaker.CircuitBreaker, times: number) =>
  Effect.gen(function*() {
    for (let n = 0; n < times; n++) {
      yield* Effect.exit(breaker.protect(fails))
      yield* breaker.reset
    }
  })

const names = (transitions: ReadonlyArray<CircuitBreaker.Transition>) =>
  transitions.map(({ from, key, to }) => `${key}: ${from} -> ${to}`)

/** A circuit of its own, and who watches all of the family. */
const alone = Effect.gen(function*() {
  const settings = yield* CircuitBreakerOptions.decode(options)
  const all: CircuitWatch.Listeners = new Set()
  const rules: Circuit.Rules = CircuitBreakerOptions.toRules(settings)
  const family = {} as Keyed.Family<CircuitBreaker.CircuitBreaker, CircuitBreaker.Options, CircuitBreaker.Snapshot>
  const handle = WorkingCircuit.make("k", { maxKeys: 1, settings, rules, classification: {} }, family, all)
  return { handle, all }
})

describe("the transitions of a circuit", () => {
  it.effect("come in order, with the rule that opened it", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const seen = yield* Effect.forkChild(Stream.runCollect(Stream.take(breaker.transitions, 5)), {
        startImmediately: true
      })
      yield* Effect.exit(breaker.protect(fails))
      yield* TestClock.adjust(10)
      yield* breaker.protect(Effect.void)
      yield* breaker.isolate
      yield* breaker.reset
      assert.deepStrictEqual(yield* Fiber.join(seen), [
        { key: "default", from: "Closed", to: "Open", because: "consecutive(1)", observed: false },
        { key: "default", from: "Open", to: "HalfOpen", observed: false },
        { key: "default", from: "HalfOpen", to: "Closed", observed: false },
        { key: "default", from: "Closed", to: "Isolated", observed: false },
        { key: "default", from: "Isolated", to: "Closed", observed: false }
      ])
    }))

  it.effect("are those of its own key, or of all keys, as one asks", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const collect = (transitions: Stream.Stream<CircuitBreaker.Transition>, count: number) =>
        Effect.forkChild(Effect.map(Stream.runCollect(Stream.take(transitions, count)), names), {
          startImmediately: true
        })
      const own = yield* collect(breaker.at("eu").transitions, 1)
      const all = yield* collect(breaker.at("us").allTransitions, 3)
      yield* breaker.configure("tight", { openFor: 1 })
      for (const key of ["us", "eu", "tight"]) yield* Effect.exit(breaker.at(key).protect(fails))
      assert.deepStrictEqual(yield* Fiber.join(own), ["eu: Closed -> Open"])
      assert.deepStrictEqual(yield* Fiber.join(all), [
        "us: Closed -> Open",
        "eu: Closed -> Open",
        "tight: Closed -> Open"
      ])
    }))

  it.effect("are seen by all who watch, from when they begin to", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const watch = Effect.forkChild(Stream.runCollect(Stream.take(breaker.transitions, 2)), { startImmediately: true })
      const one = yield* watch
      yield* flap(breaker, 1)
      const other = yield* watch
      yield* flap(breaker, 1)
      assert.deepStrictEqual(names(yield* Fiber.join(one)), names(yield* Fiber.join(other)))
    }))

  it.effect("wait for whoever is slow, but for at most the last 256", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(options)
      const gate = yield* Latch.make(false)
      const seen: Array<CircuitBreaker.Transition> = []
      const slow = yield* breaker.transitions.pipe(
        Stream.runForEach((transition) => Effect.andThen(gate.await, Effect.sync(() => seen.push(transition)))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* flap(breaker, 1)
      yield* Crowd.turns(10)
      yield* flap(breaker, 5000)
      yield* breaker.isolate
      yield* gate.open
      yield* Crowd.turns(2000)
      // what it had taken already comes before those that were kept
      assert.isAtLeast(seen.length, 256)
      assert.isAtMost(seen.length, 256 + 2)
      assert.deepStrictEqual(names(seen.slice(-2)), ["default: Open -> Closed", "default: Closed -> Isolated"])
      yield* Fiber.interrupt(slow)
    }))

  it.effect("are kept for nobody who has gone", () =>
    Effect.gen(function*() {
      const { all, handle } = yield* alone
      const idle = () => handle.isIdleUnsafe(0)
      for (const transitions of [handle.transitions, handle.allTransitions]) {
        for (const consume of [Stream.runDrain(transitions), Stream.runCollect(Stream.take(transitions, 1))]) {
          const fiber = yield* Effect.forkChild(consume, { startImmediately: true })
          assert.isTrue(all.size === 1 || !idle(), "is watched")
          yield* flap(handle, 1)
          yield* Crowd.turns(10)
          yield* Fiber.interrupt(fiber)
          assert.isTrue(all.size === 0 && idle(), "is not")
        }
      }
    }))

  it.effect("go on for a key that makes no room while somebody watches it", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...options, maxKeys: 3 })
      const seen: Array<string> = []
      const lookAway = breaker.at("eu").watchUnsafe(({ to }) => seen.push(to))
      for (let n = 0; n < 20; n++) breaker.at(`k${n}`)
      yield* Effect.exit(breaker.at("eu").protect(fails))
      assert.deepStrictEqual(seen, ["Open"])
      yield* breaker.at("eu").reset
      lookAway()
      for (let n = 0; n < 20; n++) breaker.at(`k${n}`)
      assert.notInclude(yield* breaker.keys, "eu")
    }))
})
