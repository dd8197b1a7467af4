import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Fiber, Schema } from "effect"
import { ResponseCache } from "effect-relay"
import { Persistence } from "effect/persistence"
import { TestClock } from "effect/testing"

class Down extends Data.TaggedError("Down")<{}> {}

const question = { tenant: "acme", request: "what" }
const thrown = (): never => {
  throw new Error("a bug")
}

describe("the terms of an answer", () => {
  it.effect("keep nothing where they throw, and fail no call", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const look = cache.through(question, Effect.succeed("an answer"), { isKept: thrown })
      assert.strictEqual((yield* look).value, "an answer")
      assert.isFalse((yield* look).hit)
    }))

  const worths: ReadonlyArray<readonly [string, () => ResponseCache.Worth, number, number]> = [
    ["it throws", thrown, 0, 0],
    ["it is none", () => undefined as never, 0, 0],
    ["it is no number", () => ({ tokens: NaN, money: Infinity }), 0, 0],
    ["it is below zero", () => ({ tokens: -3, money: -1 }), 0, 0],
    ["it is a fraction", () => ({ tokens: 2.9, money: 0.5 }), 2, 0],
    ["it is past what is counted", () => ({ tokens: 1, money: 1e300 }), 1, Number.MAX_SAFE_INTEGER]
  ]
  it.effect.each(worths)(
    "count what it is worth in whole numbers from zero up, if %s",
    ([, worth, tokens, money]) =>
      Effect.gen(function*() {
        const cache = yield* ResponseCache.make()
        const look = cache.through(question, Effect.succeed("an answer"), { worth })
        yield* look
        assert.isTrue((yield* look).hit)
        assert.deepInclude(yield* cache.state, { savedTokens: tokens, savedMoney: money })
      })
  )

  it.effect("say of no failure that it is the asker's own where they throw", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const ask = cache.through(question, Effect.delay(Effect.fail(new Down()), "1 second"), { isOwn: thrown })
      const begin = Effect.forkChild(Effect.flip(ask), { startImmediately: true })
      const calls = [yield* begin, yield* begin]
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* Fiber.joinAll(calls)).map(({ _tag }) => _tag), ["Down", "Down"])
      assert.deepInclude(yield* cache.state, { coalesced: 1, misses: 1 })
    }))

  it.effect("let no stale answer stand in where they throw", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleIfError: "1 hour" })
      yield* cache.through(question, Effect.succeed("an answer"))
      yield* TestClock.adjust("1 minute")
      const ask: Effect.Effect<string, Down> = Effect.fail(new Down())
      assert.strictEqual((yield* Effect.flip(cache.through(question, ask, { isExcused: thrown })))._tag, "Down")
      assert.isTrue((yield* cache.through(question, ask)).stale)
    }))

  it.effect("find nothing in a store below that they would not keep there", () =>
    Effect.gen(function*() {
      const [one, other] = yield* Effect.all([ResponseCache.makePersisted(), ResponseCache.makePersisted()])
      yield* one.through(question, Effect.succeed("half"), { codec: Schema.String })
      const terms = { codec: Schema.String, isKept: (text: string) => text !== "half" }
      assert.deepInclude(yield* other.through(question, Effect.succeed("whole"), terms), { value: "whole", hit: false })
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))
})
