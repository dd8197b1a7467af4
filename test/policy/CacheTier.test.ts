import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { ResponseCache } from "effect-relay"
import { KeyValueStore, Persistence } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as StrictClock from "./StrictClock.ts"

const question = { tenant: "acme", request: "what" }
const codec = Schema.Struct({ text: Schema.String })
const terms = { codec }

const counter = () => {
  const self = { asked: 0 }
  return { self, ask: Effect.sync(() => ({ text: `answer ${++self.asked}` })) }
}

/** Two caches, as of two processes, over what one layer gives. */
const pair = (options?: ResponseCache.Options) =>
  Effect.all([ResponseCache.makePersisted(options), ResponseCache.makePersisted(options)])

const failing = (
  store: Partial<Persistence.BackingPersistenceStore>
): Layer.Layer<Persistence.BackingPersistence> => {
  const error = Effect.fail(new Persistence.PersistenceError({ message: "down" }))
  return Layer.succeed(Persistence.BackingPersistence, {
    make: () =>
      Effect.succeed({
        get: () => error,
        getMany: () => error,
        set: () => error,
        setMany: () => error,
        remove: () => error,
        clear: error,
        ...store
      })
  })
}

/** Whatever the cache tells of its store while something runs. */
const toldWhile = <A, E>(cache: ResponseCache.ResponseCache, self: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const told: Array<string> = []
    const listener = yield* Effect.forkChild(
      Stream.runForEach(cache.storeFailures, ({ because, operation }) =>
        Effect.sync(() => told.push(`${operation} ${because}`))),
      { startImmediately: true }
    )
    yield* Effect.yieldNow
    const value = yield* self
    yield* Effect.yieldNow
    yield* Fiber.interrupt(listener)
    return [value, told] as const
  })

describe("a cache over a store", () => {
  const backings: ReadonlyArray<readonly [string, Layer.Layer<Persistence.BackingPersistence>]> = [
    ["of a backing in memory", Persistence.layerBackingMemory],
    ["of keys and values", Persistence.layerBackingKvs.pipe(Layer.provide(KeyValueStore.layerMemory))]
  ]
  it.effect.each(backings)("answers what another process asked, %s", ([, layer]) =>
    Effect.gen(function*() {
      const [one, other] = yield* pair({ timeToLive: "1 minute" })
      const { ask, self } = counter()
      yield* one.through(question, ask, terms)
      yield* TestClock.adjust("50 seconds")
      assert.deepStrictEqual(yield* other.through(question, ask, terms), {
        value: { text: "answer 1" },
        hit: true,
        stale: false
      })
      assert.deepInclude(yield* other.state, { hits: 1, misses: 0, entries: 1 })
      // it is as old there as it is here
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* other.through(question, ask, terms)).value.text, "answer 2")
      assert.strictEqual(self.asked, 2)
    }).pipe(Effect.provide(layer), Effect.scoped))

  it.effect("hands out from it what nobody can change", () =>
    Effect.gen(function*() {
      const [one, other] = yield* pair()
      const { ask } = counter()
      yield* one.through(question, ask, terms)
      const { value } = yield* other.through(question, ask, terms)
      assert.throws(() => Object.assign(value, { text: "spam" }), TypeError)
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))

  it.effect("keeps to itself what has no codec, and what is not to be kept", () =>
    Effect.gen(function*() {
      const [one, other] = yield* pair()
      const { ask } = counter()
      yield* one.through(question, ask)
      assert.isFalse((yield* other.through(question, ask, { codec, isKept: () => false })).hit)
      const [third] = yield* pair()
      assert.isFalse((yield* third.through(question, ask, terms)).hit)
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))

  it.effect("leaves no timer behind, whoever answers and whoever is interrupted", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const cache = yield* ResponseCache.makePersisted()
      const { ask } = counter()
      const look = Effect.forkChild(provide(cache.through(question, ask, terms)), { startImmediately: true })
      const first = yield* look
      yield* TestClock.adjust(10)
      yield* Fiber.join(first)
      assert.deepStrictEqual([timers.armed, timers.ever > 0], [0, true])
      yield* cache.clear
      yield* Fiber.interrupt(yield* look)
      assert.strictEqual(timers.armed, 0)
    }).pipe(
      Effect.provide(failing({
        get: () => Effect.delay(Effect.undefined, 10),
        set: () => Effect.void,
        clear: Effect.void
      })),
      Effect.scoped
    ))

  it.effect("arms no timer for one that answers at once", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const cache = yield* ResponseCache.makePersisted()
      yield* provide(cache.through(question, counter().ask, terms))
      yield* provide(cache.through({ ...question, tenant: "other" }, counter().ask, terms))
      assert.strictEqual(timers.ever, 0)
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))

  it.effect("has begun to write when the answer is given, for as long as it may be of use", () => {
    const written: Array<unknown> = []
    return Effect.gen(function*() {
      yield* TestClock.setTime(1000)
      const cache = yield* ResponseCache.makePersisted({
        timeToLive: "1 minute",
        staleWhileRevalidate: "1 second",
        staleIfError: "1 hour"
      })
      const call = yield* Effect.forkChild(
        cache.through(question, Effect.delay(Effect.succeed({ text: "late" }), 50), terms),
        { startImmediately: true }
      )
      yield* TestClock.adjust(50)
      yield* Fiber.join(call)
      assert.deepStrictEqual(written, [[{ at: 1050, took: 50, value: { text: "late" } }, 3_660_000]])
      yield* cache.through({ tenant: "acme", request: "now" }, Effect.succeed({ text: "now" }), terms)
      assert.deepStrictEqual(written.slice(1), [[{ at: 1050, took: 0, value: { text: "now" } }, 3_660_000]])
    }).pipe(
      Effect.provide(failing({
        get: () => Effect.undefined,
        set: (_, value, timeToLive) =>
          Effect.suspend(() => {
            written.push([value, Duration.toMillis(timeToLive!)])
            return Effect.never
          })
      })),
      Effect.scoped
    )
  })

  it.effect("looks into it once for all who ask at the same time", () => {
    let looked = 0
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const { ask } = counter()
      const fibers = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(cache.through(question, ask, terms), { startImmediately: true })
      )
      yield* TestClock.adjust(10)
      yield* Fiber.joinAll(fibers)
      assert.strictEqual(looked, 1)
    }).pipe(
      Effect.provide(failing({ get: () => Effect.delay(Effect.sync(() => (looked++, undefined)), 10) })),
      Effect.scoped
    )
  })

  it.effect("forgets there as well what it is told to forget", () =>
    Effect.gen(function*() {
      const [one, other] = yield* pair()
      const { ask } = counter()
      yield* one.through(question, ask, terms)
      yield* one.clear
      assert.isFalse((yield* other.through(question, ask, terms)).hit)
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))
})

describe("a store that is broken", () => {
  it.effect("is a miss and a word about it, and is left alone for a second", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const { ask } = counter()
      const ask2 = (request: string) => cache.through({ tenant: "acme", request }, ask, terms)
      const [answer, told] = yield* toldWhile(cache, ask2("a"))
      assert.deepStrictEqual(answer, { value: { text: "answer 1" }, hit: false, stale: false })
      assert.deepStrictEqual(told, ["get Failed"])
      yield* ask2("b")
      assert.strictEqual((yield* cache.state).storeFailures, 1)
      yield* TestClock.adjust("1 second")
      yield* ask2("c")
      assert.strictEqual((yield* cache.state).storeFailures, 2)
      assert.isTrue((yield* ask2("a")).hit)
    }).pipe(Effect.provide(failing({})), Effect.scoped))

  it.effect("breaks nothing by a defect, and nothing by a write that fails", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const { ask } = counter()
      const [answer, told] = yield* toldWhile(cache, cache.through(question, ask, terms))
      assert.isFalse(answer.hit)
      assert.deepStrictEqual(told, ["set Failed"])
      const [, cleared] = yield* toldWhile(
        cache,
        Effect.andThen(TestClock.adjust("1 second"), cache.clear)
      )
      assert.deepStrictEqual(cleared, ["clear Failed"])
    }).pipe(
      Effect.provide(failing({ get: () => Effect.undefined, set: () => Effect.die("a bug") })),
      Effect.scoped
    ))

  const hangs: ReadonlyArray<readonly [string, Effect.Effect<never>]> = [
    ["hangs", Effect.never],
    ["hangs and cannot be interrupted", Effect.uninterruptible(Effect.never)]
  ]
  it.effect.each(hangs)("is waited for as long as it may take, if it %s", ([, hanging]) =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted({ storeTimeout: "20 millis" })
      const { ask } = counter()
      const call = yield* Effect.forkChild(cache.through(question, ask, terms), { startImmediately: true })
      yield* TestClock.adjust(19)
      assert.isUndefined(call.pollUnsafe())
      const [, told] = yield* toldWhile(cache, TestClock.adjust(1))
      assert.strictEqual((yield* Fiber.join(call)).value.text, "answer 1")
      assert.deepStrictEqual(told, ["get Late"])
    }).pipe(Effect.provide(failing({ get: () => hanging })), Effect.scoped))

  it.effect("is asked no more once sixty-four operations hang in it", () => {
    let asked = 0
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted({ storeTimeout: "20 millis" })
      const { ask } = counter()
      const [, told] = yield* toldWhile(
        cache,
        Effect.gen(function*() {
          for (let request = 0; request < 70; request++) {
            const call = yield* Effect.forkChild(cache.through({ tenant: "acme", request }, ask, terms), {
              startImmediately: true
            })
            yield* TestClock.adjust("2 seconds")
            assert.isFalse((yield* Fiber.join(call)).hit)
          }
        })
      )
      assert.strictEqual(asked, 64)
      assert.deepStrictEqual(told, [...Array.from({ length: 64 }, () => "get Late"), ...Array(6).fill("get Busy")])
    }).pipe(
      Effect.provide(failing({
        get: () => Effect.uninterruptible(Effect.andThen(Effect.sync(() => asked++), Effect.never)),
        set: () => Effect.void
      })),
      Effect.scoped
    )
  })

  it.effect("is asked on, however many operations took their time and ended", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted({ storeTimeout: "20 millis" })
      const { ask } = counter()
      const [, told] = yield* toldWhile(
        cache,
        Effect.gen(function*() {
          for (let request = 0; request < 70; request++) {
            const call = yield* Effect.forkChild(cache.through({ tenant: "acme", request }, ask, terms), {
              startImmediately: true
            })
            yield* TestClock.adjust(1)
            assert.deepInclude(yield* Fiber.join(call), { value: { text: "x" }, hit: true })
          }
        })
      )
      assert.deepStrictEqual(told, [])
    }).pipe(
      Effect.provide(failing({ get: () => Effect.delay(Effect.succeed({ at: 0, took: 1, value: { text: "x" } }), 1) })),
      Effect.scoped
    ))

  it.effect("stops what it was asked for when that is late, and when nobody waits for it any more", () => {
    let stopped = 0
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted({ storeTimeout: "20 millis" })
      const { ask } = counter()
      const look = Effect.forkChild(cache.through(question, ask, terms), { startImmediately: true })
      const [, told] = yield* toldWhile(
        cache,
        Effect.gen(function*() {
          yield* Fiber.interrupt(yield* look)
          assert.strictEqual(stopped, 1)
          // that was no fault of the store, so it is asked again at once
          const call = yield* look
          yield* TestClock.adjust(20)
          yield* Fiber.join(call)
          assert.strictEqual(stopped, 2)
        })
      )
      assert.deepStrictEqual(told, ["get Late"])
    }).pipe(
      Effect.provide(failing({ get: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => stopped++)) })),
      Effect.scoped
    )
  })

  it.effect("is given nothing that its codec refuses, which is a word about it and no matter for the caller", () => {
    let written = 0
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const strange = Effect.succeed({ text: 3 as never })
      const [answer, told] = yield* toldWhile(cache, cache.through(question, strange, terms))
      assert.deepStrictEqual([answer.value, told, written], [{ text: 3 as never }, ["set Unreadable"], 0])
    }).pipe(
      Effect.provide(failing({ get: () => Effect.undefined, set: () => Effect.sync(() => written++) })),
      Effect.scoped
    )
  })

  const unreadable: ReadonlyArray<readonly [string, object]> = [
    ["no record", []],
    ["an answer of another form", { at: 0, took: 1, value: { text: 3 } }],
    ["a record without a time", { value: { text: "x" } }],
    ["a record without a value", { at: 0, took: 1 }]
  ]
  it.effect.each(unreadable)("is as good as empty where it has %s", ([, found]) =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const { ask } = counter()
      const [answer, told] = yield* toldWhile(cache, cache.through(question, ask, terms))
      assert.deepStrictEqual([answer.value.text, told], ["answer 1", ["get Unreadable"]])
    }).pipe(Effect.provide(failing({ get: () => Effect.succeed(found), set: () => Effect.void })), Effect.scoped))

  it.effect("does not hold up whoever is interrupted while it hangs", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      const cache = yield* ResponseCache.makePersisted()
      const { ask, self } = counter()
      const call = yield* Effect.forkChild(provide(cache.through(question, ask, terms)), { startImmediately: true })
      assert.strictEqual(timers.armed, 1)
      yield* Fiber.interrupt(call)
      assert.deepStrictEqual([self.asked, timers.armed], [0, 0])
    }).pipe(Effect.provide(failing({ get: () => Effect.uninterruptible(Effect.never) })), Effect.scoped))

  it.effect("is not believed where it has what was written in the future", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted({ timeToLive: "1 minute" })
      const { ask } = counter()
      assert.isFalse((yield* cache.through(question, ask, terms)).hit)
      assert.deepInclude(yield* cache.state, { hits: 0, misses: 1, storeFailures: 0 })
    }).pipe(
      Effect.provide(failing({
        get: () => Effect.succeed({ at: 1e12, took: 1, value: { text: "x" } }),
        set: () => Effect.void
      })),
      Effect.scoped
    ))

  const thrown = (): never => {
    throw new URIError("URI malformed")
  }
  const throwing: ReadonlyArray<readonly [string, Partial<Persistence.BackingPersistenceStore>]> = [
    ["get Failed", { get: thrown }],
    ["set Failed", { get: () => Effect.undefined, set: thrown }]
  ]
  it.effect.each(throwing)(
    "breaks no call where it throws before there is an effect: %s",
    ([failure, store]) =>
      Effect.gen(function*() {
        const cache = yield* ResponseCache.makePersisted()
        const [answer, told] = yield* toldWhile(cache, cache.through(question, counter().ask, terms))
        assert.deepStrictEqual([answer.value.text, told], ["answer 1", [failure]])
      }).pipe(Effect.provide(failing(store)), Effect.scoped)
  )
})

describe("a store that cannot be opened", () => {
  const of = (make: Persistence.BackingPersistence["Service"]["make"]) =>
    Effect.provide(Layer.succeed(Persistence.BackingPersistence, { make }))
  const memory = () =>
    Effect.scoped(Effect.flatMap(Persistence.BackingPersistence, ({ make }) => make("any"))).pipe(
      Effect.provide(Persistence.layerBackingMemory)
    )

  const closed: ReadonlyArray<readonly [string, Persistence.BackingPersistence["Service"]["make"]]> = [
    ["by a defect", () => Effect.die("no driver")],
    ["and throws", () => {
      throw new Error("no driver")
    }]
  ]
  it.effect.each(closed)("is one that fails: a miss, and a word about it, %s", ([, make]) =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const [answer, told] = yield* toldWhile(cache, cache.through(question, counter().ask, terms))
      assert.deepStrictEqual([answer.value.text, told], ["answer 1", ["get Failed"]])
    }).pipe(of(make), Effect.scoped))

  it.effect("is waited for as long as any that hangs, and used once it is open", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted({ storeTimeout: "20 millis" })
      const { ask } = counter()
      const call = yield* Effect.forkChild(cache.through(question, ask, terms), { startImmediately: true })
      const [, told] = yield* toldWhile(cache, TestClock.adjust(20))
      assert.strictEqual((yield* Fiber.join(call)).value.text, "answer 1")
      assert.deepStrictEqual(told, ["get Late"])
      yield* TestClock.adjust("10 seconds")
      yield* cache.through({ ...question, request: "else" }, ask, terms)
      assert.strictEqual((yield* cache.state).storeFailures, 1)
    }).pipe(of(() => Effect.delay(memory(), "5 seconds")), Effect.scoped))

  it.effect("is opened anew by who asks later, and what the attempt took is back", () => {
    let attempts = 0
    let open = 0
    const make = () =>
      Effect.andThen(
        Effect.acquireRelease(Effect.sync(() => open++), () => Effect.sync(() => open--)),
        Effect.suspend(() => ++attempts < 3 ? Effect.die("not yet") : memory())
      )
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const { ask } = counter()
      assert.deepStrictEqual([attempts, open], [1, 0])
      yield* cache.through(question, ask, terms)
      assert.deepStrictEqual([attempts, open], [2, 0])
      yield* TestClock.adjust("1 second")
      yield* cache.through({ ...question, request: "else" }, ask, terms)
      assert.deepStrictEqual([attempts, open], [3, 1])
      assert.strictEqual((yield* cache.state).storeFailures, 1)
      yield* cache.through({ ...question, request: "more" }, ask, terms)
      assert.strictEqual(attempts, 3)
    }).pipe(of(make), Effect.scoped, Effect.andThen(Effect.sync(() => assert.strictEqual(open, 0))))
  })
})
