import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber } from "effect"
import { Budget, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const cold = { ...Trial.hi, temperature: 0 }
const acme = { tenant: "acme" }
const numbered = make("a", [answer("1", { delay: "1 second" }), answer("2"), answer("3"), answer("4")])
const ask = (options = {}, request = cold) => Trial.whatever(Trial.chat(options, request))
const cached = { ...acme, cache: true }

describe("the response cache", () => {
  it.effect("answers an equal request of the same tenant without an endpoint", () =>
    Effect.gen(function*() {
      const miss = yield* ask(acme)
      assert.deepInclude(miss.meta, { endpoint: "a", cache: "miss", latency: 1000, model: "scripted" })
      const hit = yield* ask(acme, { temperature: 0, messages: [...cold.messages], model: "any" })
      assert.strictEqual(hit.text, "1")
      assert.deepInclude(hit.meta, {
        endpoint: "a",
        cache: "hit",
        latency: 0,
        attempts: [],
        model: "scripted",
        tokens: miss.meta.tokens
      })
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over([numbered]))))

  it.effect("is bypassed without a tenant, with room for chance, and when the caller says so", () =>
    Effect.gen(function*() {
      const bypassed = [
        yield* ask(),
        yield* ask(acme, Trial.hi as never),
        yield* ask(acme, { ...cold, temperature: 0.7 }),
        yield* ask({ ...acme, cache: false })
      ]
      assert.deepStrictEqual(bypassed.map(({ meta, text }) => [meta.cache, meta.bypass, text]), [
        ["bypass", "NoTenant", "1"],
        ["bypass", "Chance", "2"],
        ["bypass", "Chance", "3"],
        ["bypass", "Unwanted", "4"]
      ])
    }).pipe(Effect.provide(Trial.over([numbered]))))

  it.effect("keeps answers with room for chance when the caller, or its layer, says so", () =>
    Effect.gen(function*() {
      yield* ask({ ...acme, cache: true }, Trial.hi as never)
      assert.strictEqual((yield* ask({ ...acme, cache: true }, Trial.hi as never)).meta.cache, "hit")
    }).pipe(
      Effect.provide(Trial.over([numbered])),
      Effect.andThen(
        Effect.gen(function*() {
          yield* ask(acme, Trial.hi as never)
          assert.strictEqual((yield* ask(acme, Trial.hi as never)).meta.cache, "hit")
        }).pipe(Effect.provide(Trial.over([numbered], { responseCache: { cacheNonDeterministic: true } })))
      )
    ))

  it.effect("keeps no failure", () =>
    Effect.gen(function*() {
      yield* Trial.failure(acme, cold)
      const { meta, text } = yield* ask(acme)
      assert.deepStrictEqual([meta.cache, text], ["miss", "Hello."])
    }).pipe(Effect.provide(Trial.over([make("a", [status(500), answer("Hello.")])], { retry: Retry.none }))))

  it.effect("keeps a failure for as long as its tag says", () =>
    Effect.gen(function*() {
      const rejected = Effect.map(Trial.failure(acme, cold), ({ _tag }) => _tag)
      assert.deepStrictEqual([yield* rejected, yield* rejected], ["RequestRejected", "RequestRejected"])
      assert.strictEqual(yield* Trial.count("a"), 1)
      yield* Trial.pass("5 seconds")
      assert.strictEqual((yield* ask(acme)).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([make("a", [status(400), answer("Hello.")])], {
      responseCache: { failures: { RequestRejected: "5 seconds" } }
    }))))

  it.effect("forgets after its time to live, and when it is cleared", () =>
    Effect.gen(function*() {
      const { cache } = yield* Trial.relay
      yield* ask(acme)
      yield* Trial.pass("5 minutes")
      assert.strictEqual((yield* ask(acme)).text, "2")
      yield* cache.clear
      assert.strictEqual((yield* ask(acme)).text, "3")
      assert.deepInclude(yield* cache.state, { entries: 1, hits: 0, misses: 3 })
    }).pipe(Effect.provide(Trial.over([numbered]))))

  it.effect("answers with what is stale while one call asks anew, and says so", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* ask(acme)
      yield* Trial.pass("5 minutes")
      const { meta, text } = yield* ask(acme)
      assert.deepStrictEqual([meta.cache, meta.attempts, text], ["stale", [], "1"])
      yield* Trial.pass("1 second")
      assert.deepStrictEqual((yield* ask(acme)).text, "2")
      const hits = heard.flatMap((event) => event._tag === "CacheHit" ? [event.stale] : [])
      assert.deepStrictEqual(hits, [true, false])
    }).pipe(Effect.provide(Trial.over([numbered], { responseCache: { staleWhileRevalidate: "1 minute" } }))))

  const outage = (...rest: ReadonlyArray<ScriptedEndpoint.Step>) =>
    Trial.over([make("a", [answer("1"), ...rest])], { retry: Retry.none, responseCache: { staleIfError: "1 hour" } })

  it.effect("answers with what is stale in place of a failure of the moment", () =>
    Effect.gen(function*() {
      yield* ask(acme)
      yield* Trial.pass("5 minutes")
      const { meta, text } = yield* ask(acme)
      assert.deepStrictEqual([meta.cache, text], ["stale", "1"])
    }).pipe(Effect.provide(outage(status(500)))))

  it.effect("answers with what is stale whoever has no time to wait for more, or no money", () =>
    Effect.gen(function*() {
      yield* ask(acme)
      yield* Trial.pass("5 minutes")
      const { meta } = yield* ask({ ...acme, deadline: "2 seconds" })
      assert.deepStrictEqual([meta.cache, meta.latency], ["stale", 2000])
      assert.strictEqual((yield* ask({ ...acme, budget: { tokens: 1 } })).meta.cache, "stale")
    }).pipe(Effect.provide(outage(answer("2", { delay: "10 seconds" })))))

  it.effect("keeps what won of two copies, and not what lost", () =>
    Effect.gen(function*() {
      const { meta, text } = yield* ask(acme)
      assert.deepStrictEqual([meta.endpoint, text], ["b", "fast"])
      yield* Trial.pass("1 minute")
      const again = yield* ask(acme)
      assert.deepStrictEqual([again.meta.cache, again.meta.endpoint, again.text], ["hit", "b", "fast"])
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("slow", { delay: "20 seconds" })]),
      make("b", [answer("fast", { delay: "1 second" })])
    ], { hedge: { delay: "2 seconds" }, balance: "roundRobin" }))))

  it.effect("lets stand what says no, whatever it has", () =>
    Effect.gen(function*() {
      yield* ask(acme)
      yield* Trial.pass("5 minutes")
      assert.strictEqual((yield* Trial.failure(acme, cold))._tag, "RequestRejected")
    }).pipe(Effect.provide(outage(status(400)))))

  it.effect("counts the tokens and the money that hits save, and charges nobody for them", () =>
    Effect.gen(function*() {
      const { cache } = yield* Trial.relay
      const budget = yield* Budget.make({ tokens: 10_000, dollars: 1 })
      const { tokens } = yield* ask({ ...acme, budget })
      const spent = yield* budget.state
      yield* ask({ ...acme, budget })
      yield* ask({ ...acme, budget })
      assert.deepStrictEqual(yield* budget.state, spent)
      const { savedMoney, savedTokens } = yield* cache.state
      assert.strictEqual(savedTokens, 2 * tokens.total)
      // two dollars for a million of input, eight for one of output
      assert.strictEqual(savedMoney, 2 * (tokens.input * 2000 + tokens.output * 8000))
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("1")], { prices: { inputPerMillion: 2, outputPerMillion: 8 } })
    ]))))

  it.effect("answers while every endpoint is down", () =>
    Effect.gen(function*() {
      yield* ask(acme)
      yield* Trial.play("a", fault("refused"))
      assert.strictEqual((yield* ask(acme)).text, "1")
    }).pipe(Effect.provide(Trial.over([numbered]))))
})

describe("equal requests at the same time", () => {
  const slow = Trial.over([make("a", [answer("Hello.", { delay: "10 seconds" })])])

  it.effect("are asked once; only the first was a miss", () =>
    Effect.gen(function*() {
      const replies = yield* Trial.whatever(
        Effect.all([1, 2, 3].map(() => Trial.chat(cached)), { concurrency: "unbounded" })
      )
      assert.deepStrictEqual(replies.map(({ meta }) => meta.cache), ["miss", "hit", "hit"])
      assert.deepStrictEqual(replies.map(({ meta }) => meta.latency), [10_000, 10_000, 10_000])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(slow)))

  it.effect("go on when the first caller is interrupted, and stop with the last", () =>
    Effect.gen(function*() {
      const [first, second] = yield* Effect.all([Trial.start(Trial.chat(cached)), Trial.start(Trial.chat(cached))])
      yield* Trial.pass("1 second")
      yield* Fiber.interrupt(first)
      assert.isFalse((yield* Trial.received("a"))[0]!.cancelled)
      yield* Fiber.interrupt(second)
      assert.isTrue((yield* Trial.received("a"))[0]!.cancelled)
      assert.strictEqual((yield* Trial.status("a")).inFlight, 0)
    }).pipe(Effect.provide(slow)))

  it.effect("have each their own deadline: a short one ends its call alone", () =>
    Effect.gen(function*() {
      const patient = yield* Trial.start(Trial.chat(cached))
      const hurried = yield* Trial.start(Trial.failure({ ...cached, deadline: "2 seconds" }))
      yield* Trial.pass("2001 millis")
      assert.isTrue(Trial.hasEnded(hurried), "the deadline of the second caller has passed")
      assert.strictEqual((yield* Fiber.join(hurried))._tag, "DeadlineExceeded")
      yield* Trial.pass("8 seconds")
      assert.strictEqual((yield* Fiber.join(patient)).text, "Hello.")
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(slow)))

  it.effect("do not fail by the deadline of another", () =>
    Effect.gen(function*() {
      const hurried = yield* Trial.start(Trial.failure({ ...cached, deadline: "2 seconds" }))
      const patient = yield* Trial.start(Trial.chat(cached))
      yield* Trial.pass("2 seconds")
      const failure = yield* Fiber.join(hurried)
      assert.strictEqual(failure._tag, "DeadlineExceeded")
      assert.deepStrictEqual(
        failure.attempts.map(({ duration, endpoint, outcome, sent }) => [endpoint, outcome, sent, duration]),
        [
          ["a", "DeadlineExceeded", true, 2000]
        ]
      )
      yield* Trial.pass("20 seconds")
      assert.strictEqual(Exit.isSuccess(yield* Fiber.await(patient)), true, "it had time for an answer")
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(slow)))

  it.effect("do not fail for want of another's money, also where that only kept somebody else from being asked", () =>
    Effect.gen(function*() {
      const question = { ...Trial.hi, max_tokens: 100 }
      const poor = yield* Trial.start(Trial.failure({ ...cached, budget: { dollars: 0.001 } }, question))
      const other = yield* Trial.start(Trial.chat(cached, question))
      yield* Trial.pass("2 seconds")
      assert.strictEqual((yield* Fiber.join(poor))._tag, "RelayExhausted")
      yield* Trial.pass("2 seconds")
      assert.strictEqual((yield* Fiber.join(other)).text, "Hello.")
      assert.deepStrictEqual(yield* Trial.counts("cheap", "dear"), [2, 1])
    }).pipe(Effect.provide(Trial.over([
      make("cheap", [{ ...status(500), delay: Duration.seconds(2) }, status(500)], {
        tier: 0,
        prices: { inputPerMillion: 1, outputPerMillion: 1 }
      }),
      make("dear", [answer("Hello.")], { tier: 1, prices: { inputPerMillion: 100, outputPerMillion: 100 } })
    ], { retry: Retry.none }))))

  it.effect("have the time that is left to them once another's was too short", () =>
    Effect.gen(function*() {
      yield* Trial.start(Trial.failure({ ...cached, deadline: "2 seconds" }))
      const patient = yield* Trial.start(Trial.failure({ ...cached, deadline: "3 seconds" }))
      yield* Trial.pass("3 seconds")
      assert.isTrue(Trial.hasEnded(patient), "neither a second more nor a millisecond")
      assert.strictEqual((yield* Fiber.join(patient))._tag, "DeadlineExceeded")
      assert.isTrue((yield* Trial.received("a"))[0]!.cancelled)
    }).pipe(Effect.provide(slow)))

  it.effect("wait for as long as the most patient of them, also where who began has gone", () =>
    Effect.gen(function*() {
      const hurried = yield* Trial.start(Trial.chat({ ...cached, deadline: "6 seconds" }))
      const patient = yield* Trial.start(Trial.chat(cached))
      yield* Trial.pass("5 seconds")
      yield* Fiber.interrupt(hurried)
      yield* Trial.pass("1 minute")
      const { meta } = yield* Fiber.join(patient)
      assert.deepStrictEqual([meta.cache, meta.latency], ["hit", 10_000])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(slow)))

  it.effect("fail together when the one request fails", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach([1, 2], () => Trial.start(Trial.failure(cached)))
      yield* Trial.pass("1 second")
      const failures = yield* Effect.forEach(calls, (call) => Fiber.join(call))
      assert.deepStrictEqual(failures.map(({ _tag, attempts }) => [_tag, attempts.length]), [
        ["Unauthorized", 1],
        ["Unauthorized", 1]
      ])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over([make("a", [status(401, { delay: "1 second" })])]))))
})

describe("a stale answer in place of a failure that was paid for", () => {
  it.effect("comes with what was tried, and what that cost", () =>
    Effect.gen(function*() {
      yield* ask(acme)
      yield* Trial.pass("10 minutes")
      const { meta, text } = yield* ask(acme)
      assert.strictEqual(text, "Good.")
      assert.deepInclude(meta, { cache: "stale", cost: 15_000 })
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), ["InvalidResponse"])
      assert.strictEqual(meta.usage.length, 1)
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("Good."), answer("Bad.")], {
        prices: { inputPerMillion: 1, outputPerMillion: 1 },
        validate: ({ text }) => text === "Bad." ? "it is bad" : undefined
      })
    ], { retry: Retry.none, responseCache: { staleIfError: "1 hour" } }))))
})

describe("a request that is changed while it is under way", () => {
  it.effect("is sent again as it was when it came", () =>
    Effect.gen(function*() {
      const message = { role: "user", content: "Hi" }
      const call = yield* Trial.start(Trial.chat(acme, { ...cold, messages: [message] }))
      message.content = "changed"
      yield* Trial.pass("1 minute")
      assert.strictEqual((yield* Fiber.join(call)).text, "Hello.")
      const contents = (yield* Trial.received("a")).map(({ body }) => JSON.stringify(body["messages"]))
      assert.deepStrictEqual(
        contents,
        Array.from({ length: 2 }, () => JSON.stringify([{ role: "user", content: "Hi" }]))
      )
    }).pipe(Effect.provide(Trial.over([make("a", [status(503, { delay: "1 second" }), answer("Hello.")])]))))
})

describe("a request that is changed while somebody else's call is waited for", () => {
  it.effect("is asked, and kept, as it was when it came", () =>
    Effect.gen(function*() {
      const message = { role: "user", content: "Hi" }
      const question = { ...cold, max_tokens: 100 }
      yield* Trial.start(Trial.failure({ ...acme, budget: { dollars: 0.001 } }, question))
      const second = yield* Trial.start(Trial.chat(acme, { ...question, messages: [message] }))
      message.content = "changed"
      yield* Trial.pass("1 minute")
      yield* Fiber.join(second)
      assert.strictEqual((yield* ask(acme, question)).meta.cache, "hit")
      assert.deepStrictEqual(yield* Trial.counts("cheap", "dear"), [2, 0])
    }).pipe(Effect.provide(Trial.over([
      make("cheap", [{ ...status(500), delay: Duration.seconds(2) }, answer("Hello.")], {
        tier: 0,
        prices: { inputPerMillion: 1, outputPerMillion: 1 }
      }),
      make("dear", [answer("Hello.")], { tier: 1, prices: { inputPerMillion: 100, outputPerMillion: 100 } })
    ], { retry: Retry.none }))))
})

describe("an answer that a filter cut off", () => {
  it.effect("is not kept", () =>
    Effect.gen(function*() {
      yield* ask(acme)
      assert.strictEqual((yield* ask(acme)).meta.cache, "miss")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Par", { finishReason: "content_filter" })])]))))
})
