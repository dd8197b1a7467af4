/** A cache for who asks in a way of their own: what is found, kept and given in place of a failure. */
import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Fiber, Layer, Random, Result, Schema, Stream } from "effect"
import { ResponseCache } from "effect-relay"
import { Persistence } from "effect/persistence"
import { TestClock } from "effect/testing"

class Down extends Data.TaggedError("Down")<{}> {}

const question = { tenant: "acme", request: "what" }
const key = Result.getOrThrow(ResponseCache.keyOf(question))
/** What could have failed. */
const answer = (value: number): Effect.Effect<number, Down> => Effect.succeed(value)
const worth = (value: number) => ({ tokens: value, money: 3 * value })
const fresh = { value: 7, hit: true, stale: false }
const stale = { ...fresh, stale: true }

describe("an answer that is kept by hand", () => {
  it.effect("is found for as long as it is fresh, and counts as a hit that saves what it is worth", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "1 hour" })
      assert.isUndefined(yield* cache.find(key))
      yield* cache.keep(key, 7, 20, { worth })
      yield* TestClock.adjust(59_999)
      assert.deepStrictEqual(yield* cache.find(key), fresh)
      assert.deepStrictEqual(yield* cache.through(question, Effect.succeed(8)), fresh)
      yield* TestClock.adjust(1)
      assert.isUndefined(yield* cache.find(key))
      assert.deepInclude(yield* cache.state, { hits: 2, misses: 2, stale: 0, savedTokens: 14, savedMoney: 42 })
    }))

  it.effect("has to go for want of room if it is good for nothing, and then if nobody asks for it", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ capacity: 2, timeToLive: "1 minute" })
      const keyOf = (request: number) => Result.getOrThrow(ResponseCache.keyOf({ tenant: "acme", request }))
      const keep = (request: number) => cache.keep(keyOf(request), request, 20)
      const there = (...requests: ReadonlyArray<number>) =>
        Effect.forEach(requests, (request) => Effect.map(cache.find(keyOf(request)), (found) => found !== undefined))
      yield* keep(1)
      yield* there(1)
      yield* keep(2)
      yield* TestClock.adjust("30 seconds")
      yield* keep(3)
      assert.deepStrictEqual(yield* there(1, 2, 3), [true, false, true])
      yield* TestClock.adjust("30 seconds")
      yield* keep(4)
      assert.deepStrictEqual(yield* there(3, 4), [true, true])
    }))

  it.effect("is one that nobody can change", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const value = { text: "hi" }
      yield* cache.keep(key, value, 20)
      assert.throws(() => (value.text = "spam"), TypeError)
    }))

  it.effect("is kept if whoever asked began no sooner than all was forgotten", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      yield* TestClock.adjust(100)
      yield* cache.clear
      yield* TestClock.adjust(20)
      yield* cache.keep(key, 7, 21)
      assert.isUndefined(yield* cache.find(key))
      yield* cache.keep(key, 7, 20)
      assert.deepStrictEqual(yield* cache.find(key), fresh)
    }))

  it.effect("is kept only if its terms say so", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      yield* cache.keep(key, 7, 20, { isKept: (value) => value > 7 })
      assert.isUndefined(yield* cache.find(key))
      yield* cache.keep(key, 8, 20, { isKept: (value) => value > 7 })
      assert.strictEqual((yield* cache.find<number>(key))?.value, 8)
    }))

  it.effect("stands in for a failure for as long as that is said, fresh or not, and counts as stale", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleIfError: "1 hour" })
      assert.isUndefined(yield* cache.standIn(key))
      yield* cache.keep(key, 7, 20, { worth })
      assert.deepStrictEqual(yield* cache.standIn(key), stale)
      yield* TestClock.adjust(60_000 + 3_600_000 - 1)
      assert.deepStrictEqual(yield* cache.standIn(key), stale)
      yield* TestClock.adjust(1)
      assert.isUndefined(yield* cache.standIn(key))
      assert.deepInclude(yield* cache.state, { hits: 0, misses: 0, stale: 2, savedTokens: 14 })
    }))

  it.effect("stands in for nothing where that is not said", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute" })
      yield* cache.keep(key, 7, 20)
      assert.isUndefined(yield* cache.standIn(key))
    }))
})

describe("a failure that is kept", () => {
  it.effect("is neither found nor given in place of another, and takes the room of its key", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ failures: { Down: "1 minute" }, staleIfError: "1 hour" })
      yield* Effect.flip(cache.throughKey(key, Effect.fail(new Down())))
      assert.deepStrictEqual([yield* cache.find(key), yield* cache.standIn(key)], [undefined, undefined])
      const { bytes, entries, hits, misses } = yield* cache.state
      assert.deepStrictEqual([bytes, entries, hits, misses], [256 + key.length, 1, 0, 2])
      assert.strictEqual((yield* Effect.flip(cache.throughKey(key, answer(7))))._tag, "Down")
      assert.deepInclude(yield* cache.state, { hits: 1, misses: 2 })
      // an answer takes its place
      yield* cache.keep(key, 7, 20)
      assert.deepStrictEqual(yield* cache.find(key), fresh)
    }))

  it.effect("is one that its terms let be kept, and nobody's own", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ failures: { Down: "1 minute" } })
      const fails = (terms: ResponseCache.Terms<never, Down>) =>
        Effect.flip(cache.throughKey(key, Effect.fail(new Down()), terms))
      yield* fails({ isFailureKept: () => false })
      yield* fails({ isFailureKept: () => true, isOwn: () => true })
      yield* fails({
        isFailureKept: () => {
          throw new Error("no")
        }
      })
      assert.strictEqual((yield* cache.state).entries, 0)
      yield* fails({ isFailureKept: () => true, isOwn: () => false })
      assert.strictEqual((yield* cache.state).entries, 1)
    }))

  const strange: ReadonlyArray<readonly [string, unknown]> = [
    ["a text", "Down"],
    ["null", null],
    ["nothing", undefined],
    ["an object without a tag", { tag: "Down" }],
    ["a name that every object has", { _tag: "toString" }]
  ]
  it.effect.each(strange)("is none that is %s", ([, failure]) =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ failures: { Down: "1 minute" } })
      assert.strictEqual(yield* Effect.flip(cache.throughKey(key, Effect.fail(failure))), failure)
      assert.strictEqual((yield* cache.state).entries, 0)
      assert.strictEqual(yield* cache.throughKey(key, Effect.succeed("up")).pipe(Effect.map((it) => it.value)), "up")
    }))

  it.effect("takes the place of an answer from the moment at which that is good for nothing", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", failures: { Down: "1 second" } })
      const fails = Effect.flip(cache.throughKey(key, Effect.fail(new Down())))
      yield* TestClock.adjust(500)
      yield* cache.keep(key, 7, 20)
      yield* TestClock.adjust("1 minute")
      yield* fails
      assert.strictEqual((yield* Effect.flip(cache.throughKey(key, answer(8))))._tag, "Down")
    }))

  it.effect("takes no answer's place that is good for something, even if it came while somebody asked", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", failures: { Down: "1 hour" } })
      const asking = yield* Effect.forkChild(
        Effect.flip(cache.throughKey(key, Effect.delay(Effect.fail(new Down()), 60_499))),
        { startImmediately: true }
      )
      yield* TestClock.adjust(500)
      yield* cache.keep(key, 7, 20)
      yield* TestClock.adjust(59_999)
      yield* Fiber.join(asking)
      assert.deepStrictEqual(yield* cache.find(key), fresh)
    }))
})

describe("a gathering", () => {
  /** Counts from 1 to 3, a count a second, for whoever entered by then. */
  const counting = (kind: string, told: Array<string>, name: string) => ({
    kind,
    open: () => new Set<(count: number) => void>(),
    enter: (meeting: Set<(count: number) => void>) => {
      meeting.add((count) => told.push(`${name} ${count}`))
    },
    call: (meeting: Set<(count: number) => void>) =>
      Effect.as(
        Effect.forEach([1, 2, 3], (count) =>
          Effect.delay(Effect.sync(() => meeting.forEach((tell) => tell(count))), "1 second")),
        7
      )
  })
  const start = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })

  it.effect("is told what its one call says before it ends, and gets what that brings", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const told: Array<string> = []
      const first = yield* start(cache.gather(key, counting("", told, "a"), { worth }))
      yield* TestClock.adjust(1500)
      const second = yield* start(cache.gather(key, counting("", told, "b"), { worth }))
      yield* TestClock.adjust(1500)
      assert.deepStrictEqual(told, ["a 1", "a 2", "b 2", "a 3", "b 3"])
      assert.deepStrictEqual(yield* Fiber.joinAll([first, second]), [{ ...fresh, hit: false }, fresh])
      assert.deepStrictEqual(yield* cache.gather(key, counting("", told, "c")), fresh)
      assert.lengthOf(told, 5)
      assert.deepInclude(yield* cache.state, { misses: 1, coalesced: 1, hits: 1, savedTokens: 14 })
    }))

  it.effect("is of one kind, and what one of them brings is there for all", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "1 hour" })
      const told: Array<string> = []
      const calls = yield* Effect.forEach(["", "y", ""], (kind, index) =>
        start(cache.gather(key, counting(kind, told, `${kind} ${index}`))))
      const alone = yield* start(cache.throughKey(key, Effect.delay(Effect.succeed(7), "3 seconds")))
      const late = yield* start(cache.gather(key, counting("", told, "late")))
      yield* TestClock.adjust("3 seconds")
      const hits = (yield* Fiber.joinAll([...calls, alone, late])).map(({ hit }) =>
        hit
      )
      assert.deepStrictEqual(hits, [false, false, true, false, true])
      assert.deepStrictEqual(told.slice(0, 4), [" 0 1", " 2 1", "late 1", "y 1 1"])
      // one call asks anew, with nobody to tell
      yield* TestClock.adjust("1 minute")
      for (const _ of [1, 2]) assert.deepStrictEqual(yield* cache.gather(key, counting("x", told, "d")), stale)
      assert.deepInclude(yield* cache.state, { refreshed: 1, stale: 2 })
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* cache.gather(key, counting("x", told, "d")), fresh)
      assert.notInclude(told.join(), "d")
    }))
})

describe("a gathering whose call throws while it asks anew", () => {
  it.effect("takes nothing from who has an old answer, and asks anew the next time", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "1 hour" })
      yield* cache.keep(key, 7, 20)
      yield* TestClock.adjust("1 minute")
      const broken = cache.gather(key, {
        kind: "",
        open: () => undefined,
        enter: () => undefined,
        call: (): Effect.Effect<number> => {
          throw new Error("a bug")
        }
      })
      for (let n = 0; n < 100; n++) assert.deepStrictEqual(yield* broken, stale)
      assert.deepInclude(yield* cache.state, { refreshed: 100 })
    }))
})

describe("what a cache counts", () => {
  it.effect("is a call that somebody began, whoever leaves, and who joined one to its end", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const start = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })
      const call = cache.through(question, Effect.delay(Effect.succeed(7), 10))
      const [began, joined, left] = [yield* start(call), yield* start(call), yield* start(call)]
      yield* Fiber.interrupt(began)
      yield* Fiber.interrupt(left)
      assert.deepInclude(yield* cache.state, { misses: 1, coalesced: 0, hits: 0 })
      yield* TestClock.adjust(10)
      yield* Fiber.join(joined)
      yield* call
      assert.deepInclude(yield* cache.state, { misses: 1, coalesced: 1, hits: 1 })
    }))

  it.effect("is a stale answer, and no miss, where that stands in for the failure of one's own call", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleIfError: "1 hour" })
      yield* cache.through(question, answer(7))
      yield* TestClock.adjust("1 minute")
      const fails = cache.through(question, Effect.delay(Effect.fail(new Down()), 10))
      const all = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(fails, { startImmediately: true }))
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.joinAll(all), [stale, stale, stale])
      assert.deepInclude(yield* cache.state, { misses: 1, stale: 3, coalesced: 0 })
    }))

  it.effect("of the bytes of a text is two for a character, if one of them takes two", () =>
    Effect.gen(function*() {
      const bytesOf = (text: string) =>
        Effect.gen(function*() {
          const cache = yield* ResponseCache.make()
          yield* cache.keep(key, text, 20)
          return (yield* cache.state).bytes
        })
      const base = yield* bytesOf("")
      assert.strictEqual((yield* bytesOf("\u00ff".repeat(100))) - base, 100)
      assert.strictEqual((yield* bytesOf(`${"a".repeat(99)}\u0100`)) - base, 200)
    }))
})

describe("a caller of a cache", () => {
  it.effect("who joined another's call is told that it got somebody else's answer, and that it is fresh", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const ask = Effect.forkChild(cache.through(question, Effect.delay(Effect.succeed(7), 10)), {
        startImmediately: true
      })
      const both = [yield* ask, yield* ask]
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.joinAll(both), [{ ...fresh, hit: false }, fresh])
      assert.deepInclude(yield* cache.state, { savedTokens: 0, savedMoney: 0 })
    }))

  it.effect("loses nothing of its chance where nothing is asked for early", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      yield* cache.keep(key, 7, 20)
      const drawn = (look: Effect.Effect<unknown>) =>
        Effect.andThen(look, Effect.withFiberSucceed((fiber) => fiber.getRef(Random.Random).nextDoubleUnsafe())).pipe(
          Random.withSeed("chance")
        )
      assert.strictEqual(yield* drawn(cache.throughKey(key, Effect.succeed(8))), yield* drawn(Effect.void))
    }))

  it.effect("may have a codec and no store", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const terms = { codec: Schema.Number }
      assert.deepStrictEqual(yield* cache.through(question, Effect.succeed(7), terms), { ...fresh, hit: false })
      assert.deepStrictEqual(yield* cache.find(key, terms), fresh)
    }))

  it.effect("hears nothing of a store that is not there", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      assert.deepStrictEqual(yield* Stream.runCollect(cache.storeFailures), [])
    }))
})

describe("a cache over a store, for who asks in a way of their own", () => {
  const terms = { codec: Schema.Number, worth }
  const pair = (options?: ResponseCache.Options) =>
    Effect.all([ResponseCache.makePersisted(options), ResponseCache.makePersisted(options)])

  it.effect("finds there what another process has kept, with its age", () =>
    Effect.gen(function*() {
      const [one, other] = yield* pair({ timeToLive: "1 minute", staleIfError: "1 hour" })
      yield* TestClock.adjust("1 day")
      yield* one.keep(key, 7, 20, terms)
      yield* TestClock.adjust(59_999)
      assert.isUndefined(yield* other.find(key))
      assert.deepStrictEqual(yield* other.find(key, terms), fresh)
      assert.deepInclude(yield* other.state, { hits: 1, misses: 1, entries: 1, savedTokens: 7 })
      yield* TestClock.adjust(1)
      assert.isUndefined(yield* other.find(key, terms))
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))

  it.effect("does not take for fresh what is as old there as its time to live, but may give it for a failure", () =>
    Effect.gen(function*() {
      const [one, other] = yield* pair({ timeToLive: "1 minute", staleIfError: "1 hour" })
      yield* one.keep(key, 7, 20, terms)
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(yield* other.find(key, terms))
      assert.deepStrictEqual(yield* other.standIn(key), stale)
      const [third] = yield* pair({ timeToLive: "1 minute", staleIfError: "1 hour" })
      assert.deepStrictEqual(yield* third.through(question, Effect.fail(new Down()), terms), stale)
      const [fourth] = yield* pair({ timeToLive: "1 minute", staleIfError: "1 hour" })
      assert.deepStrictEqual(yield* fourth.through(question, Effect.succeed(8), terms), {
        ...fresh,
        value: 8,
        hit: false
      })
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))

  it.effect("writes there what is kept here, and nothing else", () =>
    Effect.gen(function*() {
      const [one, other] = yield* pair()
      yield* one.keep(key, 7, 20)
      yield* one.keep(key, 7, 20, { ...terms, isKept: () => false })
      assert.isUndefined(yield* other.find(key, terms))
      yield* one.keep(key, 7, 20, { ...terms, isKept: () => true })
      assert.deepStrictEqual(yield* other.find(key, terms), fresh)
    }).pipe(Effect.provide(Persistence.layerBackingMemory), Effect.scoped))

  it.effect("is a service, and its store has the name that it is given", () => {
    const names: Array<string> = []
    const backing = Layer.effect(
      Persistence.BackingPersistence,
      Effect.map(Persistence.BackingPersistence, ({ make }) => ({
        make: (storeId: string) => {
          names.push(storeId)
          return make(storeId)
        }
      }))
    ).pipe(Layer.provide(Persistence.layerBackingMemory))
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.ResponseCache
      yield* cache.keep(key, 7, 20, terms)
      assert.deepStrictEqual(yield* cache.find(key), fresh)
      assert.deepStrictEqual(names, ["answers"])
    }).pipe(Effect.provide(ResponseCache.layerPersisted({ storeId: "answers" }).pipe(Layer.provide(backing))))
  })

  it.effect("opens its store once, however many look into it meanwhile", () => {
    let opened = 0
    const backing = Layer.effect(
      Persistence.BackingPersistence,
      Effect.map(Persistence.BackingPersistence, ({ make }) => ({
        make: (storeId: string) =>
          Effect.suspend(() => {
            opened++
            return Effect.delay(make(storeId), 10)
          })
      }))
    ).pipe(Layer.provide(Persistence.layerBackingMemory))
    return Effect.gen(function*() {
      const cache = yield* ResponseCache.makePersisted()
      const look = Effect.forkChild(cache.find(key, terms), { startImmediately: true })
      const both = [yield* look, yield* look]
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(yield* Fiber.joinAll(both), [undefined, undefined])
      assert.deepInclude(yield* cache.state, { storeFailures: 0 })
      assert.strictEqual(opened, 1)
    }).pipe(Effect.provide(backing), Effect.scoped)
  })

  it.effect("may be a service without one", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.ResponseCache
      assert.strictEqual((yield* cache.state).capacity, 3)
    }).pipe(Effect.provide(ResponseCache.layer({ capacity: 3 }))))
})
