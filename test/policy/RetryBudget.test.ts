import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Layer } from "effect"
import { Configuration, InvalidArgument, RetryBudget } from "effect-relay"
import { TestClock } from "effect/testing"

const drain = (budget: RetryBudget.RetryBudget) =>
  Effect.gen(function*() {
    let retries = 0
    while (yield* budget.withdraw) retries++
    return retries
  })

describe("RetryBudget", () => {
  it.effect("pays for a tenth of the successes, and ten retries of its own", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make()
      for (let success = 0; success < 50; success++) yield* budget.deposit
      assert.deepStrictEqual(yield* budget.state, { key: "default", deposits: 5, reserve: 10 })
      assert.strictEqual(yield* drain(budget), 15)
      yield* budget.refund
      assert.strictEqual(yield* drain(budget), 1)
    }))

  it.effect("forgets successes, and lets its reserve come back", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make()
      for (let success = 0; success < 5000; success++) yield* budget.deposit
      assert.deepInclude(yield* budget.state, { deposits: 100 })
      assert.strictEqual(yield* drain(budget), 110)
      yield* TestClock.adjust("3500 millis")
      assert.strictEqual(yield* drain(budget), 3)
      for (let success = 0; success < 50; success++) yield* budget.deposit
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* budget.state, { deposits: 0, reserve: 10 })
    }))

  it.effect("starts over when it is reset", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make()
      yield* drain(budget)
      yield* budget.deposit
      yield* budget.reset
      assert.deepInclude(yield* budget.state, { deposits: 0, reserve: 10 })
    }))

  it.effect("has one balance a key, with options of its own if need be", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make({ reserve: 0, ratio: 1 })
      yield* budget.at("eu").deposit
      yield* budget.configure("us", { reserve: 2 })
      assert.deepStrictEqual(yield* budget.states, [
        { key: "default", deposits: 0, reserve: 0 },
        { key: "eu", deposits: 1, reserve: 0 },
        { key: "us", deposits: 0, reserve: 20 }
      ])
      yield* budget.resetKey("eu")
      assert.deepInclude(yield* budget.stateOf("eu"), { deposits: 0 })
      const stranger = yield* Effect.flip(budget.stateOf("asia"))
      assert.instanceOf(stranger, InvalidArgument.InvalidArgument)
      assert.strictEqual(stranger.subject, "RetryBudget.stateOf")
      assert.strictEqual((yield* Effect.flip(budget.configure("us", { ratio: -1 }))).field, "ratio")
      assert.deepInclude(yield* budget.stateOf("us"), { reserve: 20 })
    }))

  it.effect("does not forget a key that has spent its reserve: made anew it would be full", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make({ maxKeys: 2, reserve: 1 })
      assert.strictEqual(yield* drain(budget.at("spent")), 10)
      for (const key of ["a", "b", "c"]) yield* budget.at(key).withdraw
      assert.strictEqual(yield* drain(budget.at("spent")), 0)
      yield* TestClock.adjust("10 seconds")
      for (const key of ["d", "e", "f"]) yield* budget.at(key).withdraw
      assert.isFalse((yield* budget.keys).includes("spent"))
    }))

  it.effect("is a service, and refuses options that cannot work", () =>
    Effect.gen(function*() {
      const state = RetryBudget.RetryBudget.use((budget) => budget.state)
      assert.deepInclude(yield* Effect.provide(state, RetryBudget.layer({ reserve: 3 })), { reserve: 30 })
      const configured = RetryBudget.layerConfig({ reserve: Config.Number("reserve") }).pipe(
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ reserve: "4" })))
      )
      assert.deepInclude(yield* Effect.provide(state, configured), { reserve: 40 })
      const error = yield* Effect.flip(Layer.build(RetryBudget.layer({ ttl: "Infinity" })))
      assert.instanceOf(error, Configuration.InvalidConfiguration)
    }))
})
