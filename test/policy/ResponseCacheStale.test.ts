import { assert, describe, it } from "@effect/vitest"
import { Data, Deferred, Effect, Exit, Fiber, Random, Result, Schema } from "effect"
import { ResponseCache } from "effect-relay"
import { TestClock } from "effect/testing"

class Down extends Data.TaggedError("Down")<{}> {}
class Refused extends Data.TaggedError("Refused")<{}> {}

const question = { tenant: "acme", request: "what" }

/** An API that gives numbered answers, each after a second, or fails. */
const api = () => {
  const self = { asked: 0, stopped: 0, failure: undefined as Down | Refused | undefined }
  const ask = Effect.suspend(() => {
    const n = ++self.asked
    return Effect.andThen(
      Effect.sleep("1 second"),
      Effect.suspend(() => self.failure === undefined ? Effect.succeed(n) : Effect.fail(self.failure))
    )
  }).pipe(Effect.onInterrupt(() => Effect.sync(() => self.stopped++)))
  return { self, ask }
}

/** Asks, and lets as much time pass as an answer takes. */
const patiently = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(call, { startImmediately: true })
    if (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

describe("an answer past its time to live", () => {
  it.effect("is given at once and as stale, while one call asks anew", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "10 seconds" })
      const { ask, self } = api()
      const look = cache.through(question, ask)
      yield* patiently(look)
      yield* TestClock.adjust("1 minute")
      const stale = { value: 1, hit: true, stale: true }
      assert.deepStrictEqual([yield* look, yield* look], [stale, stale])
      assert.strictEqual(self.asked, 2)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* look, { value: 2, hit: true, stale: false })
      assert.deepInclude(yield* cache.state, { hits: 1, stale: 2, misses: 1, refreshed: 1, entries: 1 })
    }))

  it.effect("is asked for as anything else once the time for that is over", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "10 seconds" })
      const { ask } = api()
      yield* patiently(cache.through(question, ask))
      yield* TestClock.adjust("70 seconds")
      assert.deepStrictEqual(yield* patiently(cache.through(question, ask)), { value: 2, hit: false, stale: false })
    }))

  it.effect("stays when the call that asks anew fails, which nobody hears of", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "10 seconds" })
      const { ask, self } = api()
      yield* patiently(cache.through(question, ask))
      yield* TestClock.adjust("1 minute")
      self.failure = new Down()
      for (let time = 0; time < 3; time++) {
        assert.isTrue((yield* cache.through(question, ask)).stale)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(self.asked, 4)
    }))

  it.effect("is asked for anew with no more than sixty-four others at a time, and given all the same", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "1 hour" })
      const { ask, self } = api()
      const all = Effect.forEach(
        Array.from({ length: 70 }, (_, request) => cache.through({ tenant: "acme", request }, ask)),
        (look) => look,
        { concurrency: "unbounded" }
      )
      yield* patiently(all)
      yield* TestClock.adjust("1 minute")
      assert.isTrue((yield* all).every(({ stale }) => stale))
      assert.strictEqual(self.asked, 70 + 64)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* all).filter(({ stale }) => stale).length, 6)
      assert.strictEqual(self.asked, 70 + 64 + 6)
    }))

  it.effect("is asked for anew to the end, though who joined that has gone", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({
        capacity: 1,
        timeToLive: "1 minute",
        staleWhileRevalidate: "1 hour"
      })
      const { ask, self } = api()
      yield* patiently(cache.through(question, ask))
      yield* TestClock.adjust("1 minute")
      yield* cache.through(question, ask)
      // what is asked for more often takes its place
      for (let times = 0; times < 5; times++) yield* cache.through({ ...question, request: "else" }, Effect.succeed(0))
      assert.strictEqual((yield* cache.state).evicted, 1)
      const joined = yield* Effect.forkChild(cache.through(question, ask), { startImmediately: true })
      yield* Fiber.interrupt(joined)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([self.asked, self.stopped], [2, 0])
    }))

  it.effect("is what they get who come while it is asked for anew and no time is left for it", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleWhileRevalidate: "10 seconds" })
      const { ask, self } = api()
      yield* patiently(cache.through(question, ask))
      yield* TestClock.adjust("69500 millis")
      assert.isTrue((yield* cache.through(question, ask)).stale)
      const late = yield* Effect.forkChild(
        Effect.andThen(Effect.sleep(500), cache.through(question, ask)),
        { startImmediately: true }
      )
      // nobody needs the old answer any more, so the call for its sake is over
      yield* TestClock.adjust(500)
      assert.strictEqual(self.stopped, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(late)).value, 3)
    }))

  it.effect("stands in for a failure, for as long as it may", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleIfError: "1 hour" })
      const { ask, self } = api()
      yield* patiently(cache.through(question, ask))
      self.failure = new Down()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* patiently(cache.through(question, ask)), { value: 1, hit: true, stale: true })
      assert.strictEqual(self.asked, 2)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Effect.flip(patiently(cache.through(question, ask))))._tag, "Down")
    }))

  it.effect("stands in for no failure that is not excused, and for no defect", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", staleIfError: "1 hour" })
      const { ask, self } = api()
      const terms = { isExcused: ({ _tag }: Down | Refused) => _tag === "Down" }
      yield* patiently(cache.through(question, ask, terms))
      yield* TestClock.adjust("1 minute")
      self.failure = new Refused()
      assert.strictEqual((yield* Effect.flip(patiently(cache.through(question, ask, terms))))._tag, "Refused")
      self.failure = new Down()
      assert.isTrue((yield* patiently(cache.through(question, ask, terms))).stale)
      const exit = yield* Effect.exit(cache.through(question, Effect.die("a bug")))
      assert.isTrue(Exit.hasDies(exit))
    }))
})

describe("an answer shortly before the end of its time", () => {
  it.effect("is asked for anew by chance, and given all the same", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute", earlyRefresh: 1 })
      const { ask, self } = api()
      yield* patiently(cache.through(question, ask))
      yield* TestClock.adjust("30 seconds")
      for (let look = 0; look < 100; look++) yield* cache.through(question, ask)
      assert.strictEqual(self.asked, 1, "half a minute is a long time")
      yield* TestClock.adjust("29 seconds")
      for (let look = 0; look < 100; look++) {
        assert.deepStrictEqual(yield* cache.through(question, ask), { value: 1, hit: true, stale: false })
      }
      assert.strictEqual(self.asked, 2, "and only once at a time")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* cache.through(question, ask), { value: 2, hit: true, stale: false })
    }).pipe(Random.withSeed("early")))
})

describe("a failure", () => {
  it.effect("is kept for as long as its tag says, and no other is", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ failures: { Refused: "5 seconds" } })
      const { ask, self } = api()
      self.failure = new Refused()
      const refusal = Effect.flip(patiently(cache.through(question, ask)))
      assert.strictEqual((yield* refusal)._tag, "Refused")
      yield* TestClock.adjust(4999)
      assert.strictEqual((yield* refusal)._tag, "Refused")
      assert.strictEqual(self.asked, 1)
      yield* TestClock.adjust(1)
      self.failure = new Down()
      assert.strictEqual((yield* refusal)._tag, "Down")
      assert.strictEqual((yield* refusal)._tag, "Down")
      assert.strictEqual(self.asked, 3)
    }))

  it.effect("takes no answer's place that may stand in for it", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({
        timeToLive: "1 minute",
        staleIfError: "1 hour",
        failures: { Refused: "5 seconds" }
      })
      const { ask, self } = api()
      yield* patiently(cache.through(question, ask))
      yield* TestClock.adjust("1 minute")
      self.failure = new Refused()
      yield* Effect.flip(patiently(cache.through(question, ask, { isExcused: () => false })))
      assert.isTrue((yield* patiently(cache.through(question, ask))).stale)
    }))

  it.effect("that is the asker's own is not kept, whatever its tag", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ failures: { Refused: "5 seconds" } })
      const { ask, self } = api()
      self.failure = new Refused()
      const terms = { isOwn: () => true }
      yield* Effect.flip(patiently(cache.through(question, ask, terms)))
      yield* Effect.flip(patiently(cache.through(question, ask, terms)))
      assert.strictEqual(self.asked, 2)
    }))
})

describe("those who wait for somebody else's call", () => {
  const waiting = (cache: ResponseCache.ResponseCache, ask: Effect.Effect<number, Down | Refused>) =>
    Effect.forkChild(
      cache.through(question, ask, { isOwn: ({ _tag }: Down | Refused) => _tag === "Refused" }),
      { startImmediately: true }
    )

  it.effect("ask for themselves, one for all, when that caller's own failure ends it", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const leader = yield* waiting(cache, Effect.delay(Effect.fail(new Refused()), "1 second"))
      const { ask, self } = api()
      const followers = [yield* waiting(cache, ask), yield* waiting(cache, ask), yield* waiting(cache, ask)]
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(Fiber.join(leader)))._tag, "Refused")
      assert.strictEqual(self.asked, 1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* Fiber.joinAll(followers)).map(({ hit, value }) => [hit, value]), [
        [false, 1],
        [true, 1],
        [true, 1]
      ])
      assert.deepInclude(yield* cache.state, { coalesced: 2, misses: 2 })
    }))

  it.effect("ask for themselves when it is interrupted from inside", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const leader = yield* waiting(cache, Effect.delay(Effect.interrupt, "1 second"))
      const follower = yield* waiting(cache, Effect.succeed(7))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(leader)))
      assert.strictEqual((yield* Fiber.join(follower)).value, 7)
    }))

  it.effect("are not those who come while it is being stopped: these ask anew, and wait for nothing else", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const isBack = yield* Deferred.make<void>()
      const slowToStop = Effect.onExit(Effect.never, () => Deferred.await(isBack))
      const leader = yield* waiting(cache, slowToStop)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(leader), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* cache.through(question, Effect.succeed(7))).value, 7)
      assert.isUndefined(stopping.pollUnsafe(), "the interrupt waits for what the call has to give back")
      yield* Deferred.succeed(isBack, undefined)
      yield* Fiber.join(stopping)
      assert.deepInclude(yield* cache.through(question, Effect.succeed(8)), { value: 7, hit: true })
    }))

  it.effect("share its failure otherwise, and nobody who comes later does", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const { ask, self } = api()
      self.failure = new Down()
      const fibers = [yield* waiting(cache, ask), yield* waiting(cache, ask)]
      yield* TestClock.adjust("1 second")
      for (const fiber of fibers) assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "Down")
      assert.strictEqual(self.asked, 1)
      assert.deepInclude(yield* cache.state, { hits: 0, misses: 1, coalesced: 1, stale: 0 })
      self.failure = undefined
      assert.strictEqual((yield* patiently(cache.through(question, ask))).value, 2)
    }))
})

describe("what a cache counts", () => {
  it.effect("is what was saved, in whole tokens and nanodollars", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const terms = { worth: (value: number) => ({ tokens: value, money: 3 * value }) }
      const ask = cache.through(question, Effect.delay(Effect.succeed(100), "1 second"), terms)
      yield* patiently(Effect.all([ask, ask], { concurrency: 2 }))
      yield* ask
      assert.deepInclude(yield* cache.state, { savedTokens: 200, savedMoney: 600, hits: 1, coalesced: 1, misses: 1 })
    }))

  it.effect("is shown as what can be told on, as JSON", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ capacity: 7, maxBytes: 7000 })
      yield* cache.through(question, Effect.succeed("x"))
      yield* cache.through(question, Effect.succeed("x"))
      const state = yield* cache.state
      assert.deepStrictEqual(state, {
        entries: 1,
        capacity: 7,
        bytes: 256 + Result.getOrThrow(ResponseCache.keyOf(question)).length + 17,
        maxBytes: 7000,
        hits: 1,
        misses: 1,
        stale: 0,
        coalesced: 0,
        refreshed: 0,
        evicted: 0,
        savedTokens: 0,
        savedMoney: 0,
        storeFailures: 0
      })
      const json = JSON.stringify(yield* Schema.encodeEffect(ResponseCache.Snapshot)(state))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(ResponseCache.Snapshot)(JSON.parse(json)), state)
      for (const field of Object.keys(state)) {
        const wrong = Schema.decodeUnknownResult(ResponseCache.Snapshot)({ ...state, [field]: 0.5 })
        assert.isTrue(Result.isFailure(wrong), field)
      }
    }))

  it.effect("is how much room the answers take, and which had to go for want of it", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ maxBytes: 10_000 })
      for (let request = 0; request < 20; request++) {
        yield* cache.through({ tenant: "acme", request }, Effect.succeed({ text: "x".repeat(2000) }))
      }
      const { bytes, entries, evicted } = yield* cache.state
      assert.isAtMost(bytes, 10_000)
      assert.isAtLeast(bytes, entries * 2000)
      assert.strictEqual(entries + evicted, 20)
      const large = cache.through(question, Effect.succeed("x".repeat(20_000)))
      yield* large
      assert.isFalse((yield* large).hit)
    }))
})
