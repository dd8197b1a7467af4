import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Fiber, Layer, Schema } from "effect"
import { ResponseCache } from "effect-relay"
import { Persistence } from "effect/persistence"
import { TestClock } from "effect/testing"

class Down extends Data.TaggedError("Down")<{}> {}

const question = { tenant: "acme", request: "what" }
const slow = (text: string) => Effect.delay(Effect.succeed(text), "1 second")
const begin = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(call, { startImmediately: true })

describe("a call that is under way when the cache is cleared", () => {
  it.effect("is joined by nobody who comes later, and answers those who came before", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const old = [yield* begin(cache.through(question, slow("old"))), yield* begin(cache.through(question, slow("x")))]
      yield* cache.clear
      const later = [
        yield* begin(cache.through(question, slow("new"))),
        yield* begin(cache.through(question, slow("y")))
      ]
      yield* TestClock.adjust("1 second")
      const texts = (yield* Fiber.joinAll([...old, ...later])).map(({ value }) => value)
      assert.deepStrictEqual(texts, ["old", "old", "new", "new"])
    }))

  it.effect("is not kept, and takes no newer answer's place", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const old = yield* begin(cache.through(question, slow("old")))
      yield* cache.clear
      yield* TestClock.adjust("500 millis")
      yield* cache.through(question, Effect.succeed("new"))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(old)
      assert.deepInclude(yield* cache.through(question, slow("never")), { value: "new", hit: true })
    }))

  it.effect("leaves no failure behind either", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ failures: { Down: "1 minute" } })
      const old = yield* begin(Effect.flip(cache.through(question, Effect.delay(Effect.fail(new Down()), "1 second"))))
      yield* cache.clear
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(old)
      assert.strictEqual((yield* cache.through(question, Effect.succeed("new"))).value, "new")
    }))

  it.effect("is not kept where it asks for an answer anew, and nobody waits", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "1 minute" })
      yield* cache.through(question, Effect.succeed("old"))
      yield* TestClock.adjust("1 minute")
      assert.isTrue((yield* cache.through(question, slow("older"))).stale)
      yield* cache.clear
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* cache.state).entries, 0)
    }))

  it.effect("is not kept either where whoever asked in a way of their own keeps it", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const key = yield* Effect.fromResult(ResponseCache.keyOf(question))
      yield* TestClock.adjust("10 seconds")
      yield* cache.clear
      yield* TestClock.adjust("1 second")
      yield* cache.keep(key, "old", 2000)
      assert.isUndefined(yield* cache.find(key))
      yield* cache.keep(key, "new", 500)
      assert.strictEqual((yield* cache.find(key))?.value, "new")
    }))

  it.effect("is not kept where it was looked for in the store below, nor written there", () => {
    const written: Array<unknown> = []
    const found = { at: 0, took: 1, value: "old" }
    const store = {
      get: () => Effect.delay(Effect.succeed(written.length === 0 ? found : undefined), 10),
      getMany: () => Effect.succeed([] as never),
      set: (_: string, value: object) =>
        Effect.sync(() => {
          written.push(value)
        }),
      setMany: () => Effect.void,
      remove: () => Effect.void,
      clear: Effect.sync(() => {
        written.push("cleared")
      })
    }
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const terms = { codec: Schema.String }
      const below = yield* begin(cache.through(question, slow("asked"), terms))
      const asked = yield* begin(cache.through({ ...question, request: "else" }, slow("else"), {}))
      yield* TestClock.adjust(5)
      yield* cache.clear
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([(yield* Fiber.join(below)).value, (yield* Fiber.join(asked)).value], ["old", "else"])
      assert.strictEqual((yield* cache.state).entries, 0)
      const late = yield* begin(cache.through(question, slow("late"), terms))
      yield* TestClock.adjust(500)
      yield* cache.clear
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(late)
      assert.deepStrictEqual(written, ["cleared", "cleared"])
    }).pipe(
      Effect.provide(Layer.succeed(Persistence.BackingPersistence, { make: () => Effect.succeed(store) })),
      Effect.scoped
    )
  })
  it.effect("is not kept either where it finds in the store below what is going from there", () => {
    let below: object | undefined = { at: 0, took: 1, value: "old" }
    const store = {
      get: () => Effect.sync(() => below),
      getMany: () => Effect.succeed([] as never),
      set: () => Effect.void,
      setMany: () => Effect.void,
      remove: () => Effect.void,
      clear: Effect.delay(
        Effect.sync(() => {
          below = undefined
        }),
        10
      )
    }
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const look = cache.through(question, Effect.succeed("new"), { codec: Schema.String })
      const clearing = yield* begin(cache.clear)
      assert.strictEqual((yield* look).value, "old")
      yield* TestClock.adjust(10)
      yield* Fiber.join(clearing)
      assert.strictEqual((yield* look).value, "new")
    }).pipe(
      Effect.provide(Layer.succeed(Persistence.BackingPersistence, { make: () => Effect.succeed(store) })),
      Effect.scoped
    )
  })
})
