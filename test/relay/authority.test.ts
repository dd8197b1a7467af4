/** Nested relays, retries and hedges inside a relayed call: none of them multiplies what the outermost may do. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, References, Schedule } from "effect"
import { CircuitBreaker, Hedge, Idempotent, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient } from "effect/http"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const never = answer("execute sends nothing of its own")
const endpoints = (...ids: ReadonlyArray<string>) => ids.map((id) => make(id, [never]))
const patient: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(1000) }
const everySecond = Schedule.spaced("1 second")

/** A relay of these endpoints, beside others. */
const relayOf = (ids: ReadonlyArray<string>, options?: Trial.Options) =>
  Effect.provide(
    Trial.relay,
    Trial.over(endpoints(...ids), { retry: everySecond, circuitBreaker: patient, ...options })
  )

/** An operation that always fails, and how often it ran. */
const down = () => {
  const calls = { count: 0 }
  const operation = Effect.suspend(() => {
    calls.count++
    return Effect.fail("down")
  })
  return { calls, operation }
}

const most = 7

describe("inside a relayed call", () => {
  it.effect("another relay fails over, and both together send no more than the outer may", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x", "y"], { maxAttempts: most })
      const inner = yield* relayOf(["a", "b", "c"])
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(outer.execute(() => inner.execute(() => operation))))
      assert.strictEqual(calls.count, most)
    }))

  it.effect("a retry too", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x", "y"], { maxAttempts: most })
      const retry = yield* Retry.make({ schedule: everySecond, budget: "unlimited" })
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(outer.execute(() => retry.protect(operation))))
      assert.strictEqual(calls.count, most)
    }))

  it.effect("three deep, and with a retry in the middle, it is still the outermost that counts", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x", "y"], { maxAttempts: most })
      const middle = yield* relayOf(["m", "n"])
      const inner = yield* relayOf(["a", "b"])
      const retry = yield* Retry.make({ schedule: everySecond, budget: "unlimited" })
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(
        outer.execute(() => retry.protect(middle.execute(() => inner.execute(() => retry.protect(operation)))))
      ))
      assert.strictEqual(calls.count, most)
    }))

  it.effect("a level in between is not exceeded either", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x"], { maxAttempts: 100, retry: Retry.none })
      const middle = yield* relayOf(["m", "n"], { maxAttempts: 3 })
      const inner = yield* relayOf(["a", "b", "c", "d"])
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(outer.execute(() => middle.execute(() => inner.execute(() => operation)))))
      assert.strictEqual(calls.count, 3)
    }))

  it.effect("calls that run at once share what is left", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x"], { maxAttempts: most, retry: Retry.none })
      const inner = yield* relayOf(["a", "b", "c", "d", "e"])
      const { calls, operation } = down()
      const three = Array.from({ length: 3 }, () => Effect.exit(inner.execute(() => Effect.delay(operation, 10))))
      yield* Trial.whatever(
        Effect.flip(outer.execute(() => Effect.andThen(Effect.all(three, { concurrency: 3 }), Effect.fail("all"))))
      )
      // the first attempt of each is the operation's own doing; one more attempt is an attempt of the outer call
      assert.strictEqual(calls.count, 3 + most - 1)
    }))

  it.effect("another relay waits for nothing: the outer has somebody else to ask", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x", "y"], { retry: Retry.none })
      const inner = yield* relayOf(["a"])
      const { calls, operation } = down()
      const failure = yield* Effect.flip(outer.execute(() => inner.execute(() => operation)))
      assert.strictEqual(failure, "down")
      assert.deepStrictEqual([calls.count, yield* Trial.now], [2, 0])
    }))

  it.effect("retries are paid from the outer budget, and not from their own", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x"], { retry: Retry.none, retryBudget: 2 })
      const retry = yield* Retry.make({ schedule: everySecond })
      const { calls, operation } = down()
      const before = yield* retry.budget!.state
      yield* Trial.whatever(Effect.flip(outer.execute(() => retry.protect(operation))))
      assert.strictEqual(calls.count, 1 + 2)
      yield* Trial.whatever(Effect.flip(outer.execute(() => retry.protect(operation))))
      assert.strictEqual(calls.count, 1 + 2 + 1)
      assert.deepInclude(yield* retry.budget!.state, { deposits: before.deposits, reserve: before.reserve })
    }))

  it.effect("a retry that is interrupted while it waits gives back attempt and payment", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x"], { retry: Retry.none, retryBudget: 1, maxAttempts: 2 })
      const retry = yield* Retry.make({ schedule: everySecond })
      const { calls, operation } = down()
      const hasty = Effect.timeoutOption(Effect.ignore(retry.protect(operation)), "500 millis")
      yield* Trial.whatever(
        Effect.flip(outer.execute(() => Effect.andThen(hasty, retry.protect(operation))))
      )
      assert.strictEqual(calls.count, 3)
    }))

  it.effect("what a level in between gave back is there for the outermost, and only that one's budget pays", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x"], { retry: Retry.none, retryBudget: 1, maxAttempts: 2 })
      const middle = yield* relayOf(["m"], { retryBudget: 100 })
      const retry = yield* Retry.make({ schedule: everySecond })
      const { calls, operation } = down()
      const hasty = Effect.timeoutOption(Effect.ignore(retry.protect(operation)), "500 millis")
      const twice = Effect.andThen(hasty, retry.protect(operation))
      yield* Trial.whatever(Effect.flip(outer.execute(() => middle.execute(() => twice))))
      assert.strictEqual(calls.count, 3)
      // one retry was all that the outermost could pay for
      yield* Trial.whatever(Effect.flip(outer.execute(() => middle.execute(() => retry.protect(operation)))))
      assert.strictEqual(calls.count, 4)
    }))

  it.effect("calls share what is left to the last, wherever the scheduler steps in", () =>
    Effect.gen(function*() {
      for (let ops = 3; ops < 60; ops++) {
        const outer = yield* relayOf(["x"], { maxAttempts: most, retry: Retry.none })
        const inner = yield* relayOf(["a", "b", "c", "d", "e"])
        const { calls, operation } = down()
        const three = Array.from({ length: 3 }, () => Effect.exit(inner.execute(() => operation)))
        yield* outer.execute(() => Effect.all(three, { concurrency: 3 })).pipe(
          Effect.provideService(References.MaxOpsBeforeYield, ops)
        )
        assert.strictEqual(calls.count, 3 + most - 1, `after ${ops} operations`)
      }
    }))

  it.effect("a hedge takes its copies from the outer attempts, and pays for them from the outer budget", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: "1 second", maxCopies: 5 })
      for (const [options, expected] of [[{ maxAttempts: 3 }, 3], [{ retryBudget: 1 }, 2], [{}, 5]] as const) {
        const outer = yield* relayOf(["x"], { retry: Retry.none, ...options })
        let copies = 0
        const slow = Effect.suspend(() => Effect.delay(Effect.succeed(++copies), "20 seconds"))
        yield* Trial.whatever(outer.execute(() => slow.pipe(hedge.protect, Idempotent.mark)))
        assert.strictEqual(copies, expected)
      }
    }))

  it.effect.each([{}, { tenant: "acme", cache: true }])(
    "a chat is under the authority as well: %s",
    (options) =>
      Effect.gen(function*() {
        const relay = yield* Trial.relay
        const outer = yield* relayOf(["x", "y"], { maxAttempts: 5 })
        yield* Trial.whatever(Effect.flip(outer.execute(() => relay.chat(Trial.hi, options))))
        assert.deepStrictEqual(yield* Trial.counts("a", "b"), [3, 2])
      }).pipe(Effect.provide(
        Trial.over([make("a", [status(503)]), make("b", [status(503)], { tier: 1 })], { circuitBreaker: patient })
      ))
  )

  it.effect("the client of a chat is inside it, and what it tries again counts", () =>
    Effect.gen(function*() {
      const retry = yield* Retry.make({ schedule: everySecond, budget: "unlimited" })
      const a = make("a", [fault("refused")])
      const RetryingClient = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, (client) => HttpClient.transform(client, retry.protect))
      )
      const RelayLive = RelayService.layerDefault({ endpoints: [a.endpoint], health: "off", maxAttempts: 4 }).pipe(
        Layer.provide(RetryingClient),
        Layer.provideMerge(ScriptedEndpoint.layer(a))
      )
      yield* Effect.gen(function*() {
        yield* Trial.whatever(Trial.failure())
        assert.strictEqual(yield* Trial.count("a"), 4)
      }).pipe(Effect.provide(RelayLive))
    }))
})

describe("beyond a relayed call", () => {
  it.effect("two calls one after the other each have all their attempts", () =>
    Effect.gen(function*() {
      const relay = yield* relayOf(["a", "b"], { maxAttempts: 3 })
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(relay.execute(() => operation)))
      yield* Trial.whatever(Effect.flip(relay.execute(() => operation)))
      assert.strictEqual(calls.count, 6)
    }))

  it.effect("a call that is all alone is waited for, retried and hedged as ever", () =>
    Effect.gen(function*() {
      const retry = yield* Retry.make({ schedule: Schedule.upTo(everySecond, { times: 3 }) })
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(retry.protect(operation)))
      assert.strictEqual(calls.count, 4)
    }))

  it.effect("work that outlives the call is its own master", () =>
    Effect.gen(function*() {
      const outer = yield* relayOf(["x"], { maxAttempts: 1, retry: Retry.none })
      const inner = yield* relayOf(["a", "b"], { maxAttempts: 6 })
      const { calls, operation } = down()
      const late = Effect.delay(Effect.exit(inner.execute(() => operation)), "1 second")
      const { value } = yield* outer.execute(() => Effect.forkDetach(late, { startImmediately: true }))
      const exit = yield* Trial.whatever(Fiber.join(value))
      assert.isTrue(Exit.isFailure(exit))
      assert.strictEqual(calls.count, 6)
    }))

  it.effect("a retry around a relay is not inside it", () =>
    Effect.gen(function*() {
      const relay = yield* relayOf(["a", "b"], { retry: Retry.none })
      const retry = yield* Retry.make({ schedule: Schedule.upTo(everySecond, { times: 2 }) })
      const { calls, operation } = down()
      yield* Trial.whatever(Effect.flip(retry.protect(relay.execute(() => operation))))
      assert.strictEqual(calls.count, 6)
    }))
})
