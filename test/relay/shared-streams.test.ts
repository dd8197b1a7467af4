/** Equal streams at one time: one call, whoever comes late, leaves, waits longer or reads slowly. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Stream } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, RateLimiter, RelayService, ResponseCache, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient } from "effect/http"
import { Persistence } from "effect/persistence"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { answer, events, make, status, stream } = ScriptedEndpoint

const cheap = { inputPerMillion: 1, outputPerMillion: 1 }
const dear = { inputPerMillion: 100, outputPerMillion: 100 }
const cached = { tenant: "acme", cache: true }

const event = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`
const delta = (content: string): string => event({ model: "m-1", choices: [{ index: 0, delta: { content } }] })
const stop = event({ model: "m-1", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })

/** A word a second, and then the end. */
const spoken = (...words: ReadonlyArray<string>): ScriptedEndpoint.Step =>
  events([...words.flatMap((word): ReadonlyArray<ScriptedEndpoint.Part> => [{ wait: "1 second" }, delta(word)]), stop])

const one = (script: readonly [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>], options?: Trial.Options) =>
  Effect.provide(Trial.over([make("a", script)], { retry: Retry.none, ...options }))

const heardOf = (begun: Effect.Success<ReturnType<typeof Hearing.begin>>) =>
  Effect.map(Fiber.await(begun.fiber), (exit): Hearing.Heard => ({ chunks: begun.chunks, exit }))

const state = Effect.flatMap(Trial.relay, ({ cache }) => cache.state)

describe("equal streams at one time", () => {
  it.effect("are one call, which one of them pays for, however many they are", () =>
    Effect.gen(function*() {
      const all = yield* Effect.all(Array.from({ length: 1000 }, () => Hearing.begin(cached)))
      yield* Trial.pass("3 seconds")
      const heard = yield* Effect.forEach(all, heardOf)
      for (const each of heard) {
        assert.deepStrictEqual(Hearing.brief(each), ["Start a", "The ", "answer ", "is 7.", "Finish"])
        assert.strictEqual(Hearing.finishOf(each).meta.firstChunk, 1000)
      }
      const caches = heard.map((each) => Hearing.finishOf(each).meta.cache)
      assert.deepStrictEqual([caches[0], new Set(caches.slice(1))], ["miss", new Set(["hit"])])
      assert.deepInclude(Hearing.finishOf(heard[1]!).meta, { attempts: [], cost: 0, usage: [], latency: 3000 })
      assert.strictEqual(yield* Trial.count("a"), 1)
      assert.deepInclude(yield* state, { misses: 1, coalesced: 999, hits: 0 })
    }).pipe(one([spoken("The ", "answer ", "is 7.")])))

  it.effect("say to whoever comes late what came so far, and the rest as it comes", () =>
    Effect.gen(function*() {
      yield* Hearing.begin(cached)
      yield* Trial.pass(Duration.millis(2500))
      const late = yield* Hearing.begin(cached)
      assert.deepStrictEqual(Hearing.brief(late), ["Start a", "The answer "])
      yield* Trial.pass(Duration.millis(500))
      const heard = yield* heardOf(late)
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "The answer ", "is 7.", "Finish"])
      assert.deepInclude(Hearing.finishOf(heard).meta, { firstChunk: 0, latency: 500, cache: "hit" })
      const { chunks } = yield* Hearing.whole(cached)
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start a", "The answer is 7.", "Finish"])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(one([spoken("The ", "answer ", "is 7.")])))

  it.effect("are nobody's: who began it may leave, and the last to leave ends it", () =>
    Effect.gen(function*() {
      const first = yield* Hearing.begin(cached)
      const second = yield* Hearing.begin(cached)
      const third = yield* Hearing.begin(cached)
      yield* Trial.pass("1 second")
      yield* Fiber.interrupt(first.fiber)
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(Hearing.brief(second), ["Start a", "The ", "answer "])
      yield* Fiber.interrupt(second.fiber)
      assert.strictEqual((yield* Trial.received("a"))[0]!.cancelled, false)
      yield* Fiber.interrupt(third.fiber)
      assert.strictEqual((yield* Trial.received("a"))[0]!.cancelled, true)
      assert.deepInclude(yield* Trial.status("a"), { inFlight: 0, failed: 0 })
      yield* Hearing.begin(cached)
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(one([spoken("The ", "answer ", "is 7.")])))

  it.effect("are as patient as the most patient of them", () =>
    Effect.gen(function*() {
      const hasty = yield* Hearing.begin({ ...cached, deadline: "2500 millis" })
      yield* Trial.pass(Duration.millis(500))
      const calm = yield* Hearing.begin({ ...cached, deadline: "1 minute" })
      const hastier = yield* Hearing.begin({ ...cached, deadline: "1200 millis" })
      yield* Trial.pass(Duration.millis(2500))
      const broken = Hearing.interruptionOf(yield* heardOf(hasty))
      assert.deepInclude(broken, { because: "DeadlineExceeded", text: "The answer ", endpoint: "a" })
      assert.strictEqual(Hearing.interruptionOf(yield* heardOf(hastier)).text, "The ")
      assert.deepStrictEqual(Hearing.brief(yield* heardOf(calm)), ["Start a", "The ", "answer ", "is 7.", "Finish"])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(one([spoken("The ", "answer ", "is 7.")])))

  it.effect("end when nobody has time any more", () =>
    Effect.gen(function*() {
      const first = yield* Hearing.begin({ ...cached, deadline: "1 second" })
      const second = yield* Hearing.begin({ ...cached, deadline: "3 seconds" })
      yield* Trial.pass(Duration.millis(1001))
      assert.deepInclude(Hearing.failureOf(yield* heardOf(first)), { _tag: "DeadlineExceeded" })
      yield* Trial.pass(Duration.millis(1998))
      assert.isFalse(Trial.hasEnded(second.fiber))
      yield* Trial.pass(Duration.millis(1))
      const failure = Hearing.failureOf(yield* heardOf(second))
      assert.deepInclude(failure, { _tag: "DeadlineExceeded" })
      assert.isTrue((yield* Trial.received("a"))[0]!.cancelled)
      assert.strictEqual((yield* Trial.status("a")).inFlight, 0)
    }).pipe(one([events([{ fault: "silence" }])])))

  it.effect("keep nobody waiting for a slow reader, and wait for the quickest", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const gate = yield* Deferred.make<void>()
      const words = Array.from({ length: 200 }, (_, index) => `${index} `)
      const texts: Array<string> = []
      const slow = yield* Trial.start(Stream.runForEach(relay.stream(Trial.hi, cached), (chunk) =>
        Effect.suspend(() => {
          if (chunk._tag === "TextDelta") texts.push(chunk.text)
          return chunk._tag === "Start" ? Deferred.await(gate) : Effect.void
        })))
      yield* Trial.pass("20 seconds")
      const held = yield* Trial.received("a")
      assert.isFalse(Trial.hasEnded(slow))
      const quick = yield* Hearing.begin(cached)
      yield* Trial.pass("200 seconds")
      assert.strictEqual(Hearing.textOf((yield* heardOf(quick)).chunks), words.join(""))
      assert.isFalse(Trial.hasEnded(slow))
      assert.strictEqual(yield* Trial.count("a"), held.length)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(slow)
      assert.strictEqual(texts.join(""), words.join(""))
    }).pipe(one([spoken(...Array.from({ length: 200 }, (_, index) => `${index} `))])))

  it.effect("are of one tenant, one question and one way to go on, and no others", () =>
    Effect.gen(function*() {
      yield* Hearing.begin(cached)
      const others: ReadonlyArray<RelayService.StreamOptions> = [
        { ...cached, tenant: "other" },
        { ...cached, commit: "whole" },
        { ...cached, restart: false },
        { ...cached, idleTimeout: "1 second" },
        { ...cached, cache: false },
        { ...cached, retry: 1 }
      ]
      for (const [index, options] of others.entries()) {
        yield* Hearing.begin(options)
        assert.strictEqual(yield* Trial.count("a"), index + 2, JSON.stringify(options))
      }
      yield* Hearing.begin(cached, { ...Trial.hi, seed: 1 })
      yield* Trial.start(Trial.chat(cached))
      assert.strictEqual(yield* Trial.count("a"), others.length + 3)
      yield* Hearing.begin({ ...cached, label: "x", hedge: false, deadline: "1 minute", retry: 0 })
      assert.strictEqual(yield* Trial.count("a"), others.length + 3)
    }).pipe(one([spoken("The ", "answer.")], { stream: { afterCommit: "restart" } })))

  it.effect("are not joined after all was forgotten, and what comes of them is not kept", () =>
    Effect.gen(function*() {
      const { cache } = yield* Trial.relay
      const before = yield* Hearing.begin(cached)
      yield* Trial.pass(Duration.millis(1500))
      yield* cache.clear
      const after = yield* Hearing.begin(cached)
      assert.deepStrictEqual(Hearing.brief(after), [])
      assert.strictEqual(yield* Trial.count("a"), 2)
      yield* Trial.pass(Duration.millis(500))
      assert.strictEqual(Hearing.textOf((yield* heardOf(before)).chunks), "Old news.")
      assert.strictEqual((yield* state).entries, 0)
      yield* Trial.pass(Duration.millis(500))
      assert.strictEqual(Hearing.textOf((yield* heardOf(after)).chunks), "News.")
    }).pipe(one([spoken("Old ", "news."), spoken("News.")])))

  it.effect("are one where they ask anew from what they are told", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const again = Stream.runForEach(relay.stream(Trial.hi, cached), (chunk) =>
        chunk._tag === "Start" ? Effect.forkDetach(Hearing.whole(cached), { startImmediately: true }) : Effect.void)
      const both = [yield* Trial.start(again), yield* Trial.start(again)]
      yield* Trial.pass("2 seconds")
      yield* Fiber.joinAll(both)
      assert.deepInclude(yield* state, { misses: 1, coalesced: 3 })
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(one([spoken("The ", "answer.")])))
})

describe("the failure of a stream that many wait for", () => {
  it.effect("is that of all who waited for it, and of nobody who comes later", () =>
    Effect.gen(function*() {
      const both = [yield* Hearing.begin(cached), yield* Hearing.begin(cached)]
      yield* Trial.pass("1 second")
      for (const each of both) {
        assert.deepInclude(Hearing.interruptionOf(yield* heardOf(each)), { text: "Half", because: "InvalidResponse" })
      }
      assert.strictEqual(yield* Trial.count("a"), 1)
      assert.deepInclude(yield* state, { misses: 1, coalesced: 1, entries: 0 })
      assert.strictEqual(Hearing.textOf((yield* Hearing.whole(cached)).chunks), "Whole.")
    }).pipe(one([events([{ wait: "1 second" }, delta("Half")]), stream(["Whole."])])))

  it.effect("is mended for all of them by what was kept, if nothing came out", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Trial.pass("10 minutes")
      const both = [yield* Hearing.begin(cached), yield* Hearing.begin(cached)]
      yield* Trial.pass("1 second")
      for (const each of both) {
        const heard = yield* heardOf(each)
        assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Old.", "Finish"])
        assert.strictEqual(Hearing.finishOf(heard).meta.cache, "stale")
      }
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(one([stream(["Old."]), { ...status(500), delay: Duration.seconds(1) }], {
      responseCache: { staleIfError: "1 hour" }
    })))

  it.effect("is not everybody's where it is of who began it: the others ask for themselves, one of them for all", () =>
    Effect.gen(function*() {
      const question = { ...Trial.hi, max_tokens: 100 }
      // enough for what a may take, and not for b
      const poor = yield* Hearing.begin({ ...cached, budget: { dollars: 0.001 } }, question)
      yield* Trial.pass("1 second")
      const others = [yield* Hearing.begin(cached, question), yield* Hearing.begin(cached, question)]
      yield* Trial.pass("3 seconds")
      assert.strictEqual(Hearing.failureOf(yield* heardOf(poor))._tag, "RelayExhausted")
      for (const each of others) {
        assert.deepStrictEqual(Hearing.brief(yield* heardOf(each)), ["Start b", "Rich.", "Finish"])
      }
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [2, 1])
    }).pipe(Effect.provide(Trial.over([
      make("a", [{ ...status(500), delay: Duration.seconds(2) }, status(500)], { tier: 0, prices: cheap }),
      make("b", [stream(["Rich."])], { tier: 1, prices: dear })
    ], { retry: Retry.none }))))

  it.effect("is kept for a while where that was said, for streams as for chats, but not that of a part", () =>
    Effect.gen(function*() {
      assert.strictEqual(Hearing.interruptionOf(yield* Hearing.whole(cached)).text, "Half")
      assert.strictEqual((yield* state).entries, 0)
      assert.strictEqual(Hearing.failureOf(yield* Hearing.whole(cached))._tag, "RequestRejected")
      assert.strictEqual(Hearing.failureOf(yield* Hearing.whole(cached))._tag, "RequestRejected")
      assert.strictEqual((yield* Trial.failure(cached))._tag, "RequestRejected")
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(one([events([delta("Half")]), status(400)], {
      responseCache: { failures: { RequestRejected: "1 minute", StreamInterrupted: "1 minute" } }
    })))

  it.effect("is a break where it was interrupted from inside after a part came", () =>
    Effect.gen(function*() {
      const both = [yield* Hearing.begin(cached), yield* Hearing.begin(cached)]
      yield* Trial.pass("2 seconds")
      for (const each of both) {
        assert.deepInclude(Hearing.interruptionOf(yield* heardOf(each)), { text: "The ", because: "InvalidResponse" })
      }
    }).pipe(
      Effect.provide(
        RelayService.layer({ endpoints: [make("a", [stream(["x"])]).endpoint], health: "off", retry: Retry.none }).pipe(
          Layer.provide([
            CircuitBreaker.layer(),
            Bulkhead.layer(),
            RateLimiter.layer(),
            ResponseCache.layer(),
            Layer.effect(
              HttpClient.HttpClient,
              Effect.map(
                HttpClient.HttpClient,
                HttpClient.transform((sent) =>
                  Effect.map(sent, (response) =>
                    Object.create(response, {
                      stream: {
                        value: Stream.concat(
                          Stream.make(new TextEncoder().encode(delta("The "))),
                          Stream.fromEffect(Effect.andThen(Effect.sleep("1 second"), Effect.interrupt))
                        )
                      }
                    }))
                )
              )
            ).pipe(Layer.provide(ScriptedEndpoint.layer(make("a", [stream(["x"])]))))
          ])
        )
      )
    ))
})

describe("a call that many wait for", () => {
  const both = [["streams", (options: RelayService.StreamOptions) => Hearing.whole(options)], [
    "chats",
    (options: RelayService.ChatOptions) =>
      Effect.map(Effect.exit(Trial.chat(options)), (exit) => ({ chunks: [], exit: Exit.asVoid(exit) }))
  ]] as const

  it.effect.each(both)(
    "waits in line as long as the most patient of them does: %s",
    ([, ask]) =>
      Effect.gen(function*() {
        yield* Trial.start(Trial.chat({ cache: false }))
        const hasty = yield* Trial.start(ask({ ...cached, deadline: "1 second" }))
        const others = [
          yield* Trial.start(ask({ ...cached, deadline: "1 minute" })),
          yield* Trial.start(ask(cached))
        ]
        yield* Trial.pass("1 second")
        assert.isTrue(Trial.hasEnded(hasty))
        yield* Trial.pass("1 minute")
        for (const other of others) assert.isTrue(Exit.isSuccess((yield* Fiber.join(other)).exit))
        assert.strictEqual(yield* Trial.count("a"), 2)
      }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.", { delay: "5 seconds" }), answer("Hello.")])], {
        retry: Retry.none,
        bulkhead: { maxConcurrent: 1 }
      })))
  )

  it.effect.each(both)(
    "waits for another round as long as the most patient of them does: %s",
    ([, ask]) =>
      Effect.gen(function*() {
        const hasty = yield* Trial.start(ask({ ...cached, deadline: "3 seconds" }))
        const calm = yield* Trial.start(ask(cached))
        yield* Trial.pass("3 seconds")
        assert.strictEqual(Hearing.failureOf(yield* Fiber.join(hasty))._tag, "DeadlineExceeded")
        yield* Trial.pass("1 minute")
        assert.isTrue(Exit.isSuccess((yield* Fiber.join(calm)).exit))
        assert.strictEqual(yield* Trial.count("a"), 2)
      }).pipe(Effect.provide(Trial.over([
        make("a", [{ ...status(429, { retryAfter: 5 }), delay: Duration.seconds(1) }, answer("Hello.")])
      ])))
  )

  it.effect.each(both)(
    "fails for all of them where it is a budget of all that does not suffice: %s",
    ([, ask]) =>
      Effect.gen(function*() {
        const all = yield* Effect.forEach(Array.from({ length: 20 }), () => Trial.start(ask(cached)))
        yield* Trial.pass("2 seconds")
        for (const one of all) {
          assert.include(["RelayExhausted", "BudgetExceeded"], Hearing.failureOf(yield* Fiber.join(one))._tag)
        }
        assert.strictEqual(yield* Trial.count("a"), 1)
      }).pipe(Effect.provide(Trial.over([
        make("a", [{ ...status(500), delay: Duration.seconds(2) }], { tier: 0, prices: cheap }),
        make("b", [stream(["Rich."])], { tier: 1, prices: { inputPerMillion: 1e5, outputPerMillion: 1e5 } })
      ], { retry: Retry.none, budgets: { perTenant: { dollars: 0.1 } } })))
  )

  it.effect("tells what it runs through of no end, which it has not got by then; one call for itself does", () =>
    Effect.gen(function*() {
      const left: Array<number> = []
      const noting = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(
          HttpClient.HttpClient,
          HttpClient.transform((sent) =>
            Effect.flatMap(Deadline.left, (time) => {
              left.push(Duration.toMillis(time))
              return sent
            })
          )
        )
      ).pipe(Layer.provide(ScriptedEndpoint.layer(make("a", [answer("x")]))))
      yield* Effect.gen(function*() {
        for (const options of [{}, cached]) {
          yield* Hearing.whole({ ...options, deadline: "3 seconds" })
          yield* Trial.chat({ ...options, deadline: "3 seconds" }, { ...Trial.hi, seed: 1 })
          yield* Trial.chat(options, { ...Trial.hi, seed: 2 }).pipe(Deadline.within("2 seconds"))
        }
      }).pipe(
        Effect.provide(
          RelayService.layerDefault({ endpoints: [make("a", [stream(["x"])]).endpoint], health: "off" }).pipe(
            Layer.provide(noting)
          )
        )
      )
      assert.deepStrictEqual(left, [3000, 3000, 2000, Infinity, Infinity, Infinity])
    }))
})

describe("who comes late to a stream", () => {
  it.effect("that was begun anew hears nothing of what is void", () =>
    Effect.gen(function*() {
      const early = yield* Hearing.begin(cached)
      yield* Trial.pass(Duration.millis(2500))
      const late = yield* Hearing.begin(cached)
      yield* Trial.pass("2 seconds")
      assert.deepStrictEqual(Hearing.brief(yield* heardOf(early)), [
        "Start a",
        "Wro",
        "Restarted a",
        "Start b",
        "Right, ",
        "at last.",
        "Finish"
      ])
      assert.deepStrictEqual(Hearing.brief(yield* heardOf(late)), ["Start b", "Right, ", "at last.", "Finish"])
    }).pipe(Effect.provide(Trial.over([
      make("a", [events([{ wait: "1 second" }, delta("Wro")])], { tier: 0 }),
      make("b", [spoken("Right, ", "at last.")], { tier: 1 })
    ], { retry: Retry.none, stream: { afterCommit: "restart" } }))))

  it.effect("that somebody else went on with hears all of it, and who goes on", () =>
    Effect.gen(function*() {
      const early = yield* Hearing.begin(cached)
      yield* Trial.pass(Duration.millis(2500))
      const late = yield* Hearing.begin(cached)
      yield* Trial.pass("2 seconds")
      const expected = ["Start a", "One, ", "Continued a", "Start b", "two, ", "three.", "Finish"]
      assert.deepStrictEqual(Hearing.brief(yield* heardOf(early)), expected)
      const heard = yield* heardOf(late)
      assert.deepStrictEqual(Hearing.brief(heard), expected)
      assert.deepStrictEqual(Hearing.finishOf(heard).tokens, Hearing.finishOf(yield* heardOf(early)).tokens)
      assert.strictEqual((yield* state).entries, 0)
    }).pipe(Effect.provide(Trial.over([
      make("a", [events([{ wait: "1 second" }, delta("One, ")])], { tier: 0 }),
      make("b", [spoken("two, ", "three.")], { tier: 1, prefill: true })
    ], { retry: Retry.none, stream: { afterCommit: "continue" } }))))
})

describe("an old stream", () => {
  it.effect("is asked anew by one call, in whatever way many ask at once", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Trial.pass("6 minutes")
      for (const options of [{}, { commit: "whole" }, { idleTimeout: "1 second" }] as const) {
        assert.strictEqual(Hearing.finishOf(yield* Hearing.whole({ ...cached, ...options })).meta.cache, "stale")
      }
      assert.strictEqual((yield* Trial.chat(cached)).meta.cache, "stale")
      assert.strictEqual(yield* Trial.count("a"), 2)
      assert.deepStrictEqual((yield* Trial.chat(cached)).meta.attempts, [])
    }).pipe(one([stream(["Old."]), spoken("New ", "answer.")], {
      responseCache: { staleWhileRevalidate: "10 minutes" }
    })))

  it.effect("may be past all use while it is asked anew: who joins that call then hears all of it", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Trial.pass(Duration.millis(5 * 60_000 + 500))
      assert.strictEqual(Hearing.finishOf(yield* Hearing.whole(cached)).meta.cache, "stale")
      yield* Trial.pass("2 seconds")
      const late = yield* Hearing.begin(cached)
      yield* Trial.pass("2 seconds")
      assert.deepStrictEqual(Hearing.brief(yield* heardOf(late)), [
        "Start a",
        "One, two, ",
        "three, ",
        "four.",
        "Finish"
      ])
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(one([stream(["Old."]), spoken("One, ", "two, ", "three, ", "four.")], {
      responseCache: { staleWhileRevalidate: "1 second", staleIfError: "3 seconds" }
    })))

  it.effect("is given at once while one call asks anew, however many ask", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Trial.pass("6 minutes")
      for (const _ of [1, 2]) {
        const heard = yield* Hearing.whole(cached)
        assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Old.", "Finish"])
        assert.deepInclude(Hearing.finishOf(heard).meta, { cache: "stale", latency: 0 })
      }
      yield* Trial.pass("2 seconds")
      assert.deepStrictEqual(Hearing.brief(yield* Hearing.whole(cached)), ["Start a", "New answer.", "Finish"])
      assert.strictEqual(yield* Trial.count("a"), 2)
      assert.deepInclude(yield* state, { refreshed: 1, stale: 2, hits: 1 })
    }).pipe(one([stream(["Old."]), spoken("New ", "answer.")], {
      responseCache: { staleWhileRevalidate: "10 minutes" }
    })))
})

describe("streams over a store that is slow", () => {
  const store = Layer.effect(
    Persistence.BackingPersistence,
    Effect.map(Persistence.BackingPersistence, ({ make }) => ({
      make: (storeId: string) =>
        Effect.map(make(storeId), (store) => ({
          ...store,
          get: (key: string) => Effect.delay(store.get(key), "20 millis")
        }))
    }))
  ).pipe(Layer.provide(Persistence.layerBackingMemory))

  it.effect("look into it once, ask once, and hear all", () =>
    Effect.gen(function*() {
      const all = yield* Effect.all(Array.from({ length: 10 }, () => Hearing.begin(cached)))
      yield* Trial.pass("1 second")
      for (const each of all) {
        assert.deepStrictEqual(Hearing.brief(yield* heardOf(each)), ["Start a", "Hello.", "Finish"])
      }
      assert.strictEqual(yield* Trial.count("a"), 1)
      assert.deepInclude(yield* state, { misses: 1, coalesced: 9 })
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(Trial.chat(cached))))
    }).pipe(
      Effect.provide(
        RelayService.layer({ endpoints: [make("a", [answer("Hello.")]).endpoint], health: "off" }).pipe(
          Layer.provide([
            CircuitBreaker.layer(),
            Bulkhead.layer(),
            RateLimiter.layer(),
            ResponseCache.layerPersisted().pipe(Layer.provide(store))
          ]),
          Layer.provideMerge(ScriptedEndpoint.layer(make("a", [answer("Hello.")])))
        )
      )
    ))

  it.effect("that has the answer hear it, one and all", () =>
    Effect.gen(function*() {
      const relay = (layer: Layer.Layer<ResponseCache.ResponseCache, unknown>) =>
        RelayService.layer({ endpoints: [make("a", [stream(["Hello."])]).endpoint], health: "off" }).pipe(
          Layer.provide([CircuitBreaker.layer(), Bulkhead.layer(), RateLimiter.layer(), layer]),
          Layer.fresh
        )
      const persisted = Layer.fresh(ResponseCache.layerPersisted()).pipe(
        Layer.provide(Layer.succeed(Persistence.BackingPersistence, yield* Persistence.BackingPersistence))
      )
      yield* Hearing.whole(cached).pipe(Effect.provide(relay(persisted)), Trial.whatever)
      yield* Effect.gen(function*() {
        const both = [yield* Hearing.begin(cached), yield* Hearing.begin(cached)]
        yield* Trial.pass("1 second")
        for (const each of both) {
          const heard = yield* heardOf(each)
          assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Hello.", "Finish"])
          assert.strictEqual(Hearing.finishOf(heard).meta.cache, "hit")
        }
      }).pipe(Effect.provide(relay(persisted)))
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide([store, ScriptedEndpoint.layer(make("a", [stream(["Hello."])]))])))
})
