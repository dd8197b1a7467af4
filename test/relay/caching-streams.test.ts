/** Streams and the response cache: what is kept, and how it comes out again. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { Persistence } from "effect/persistence"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { answer, events, fault, make, status, stream } = ScriptedEndpoint

const words = ["The capital ", "of Switzerland ", "is Bern."]
const text = words.join("")
const cached = { tenant: "acme", cache: true }

type Script = readonly [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>]

const over = (script: Script, options?: Trial.Options) =>
  Trial.over([make("a", script)], { retry: Retry.none, ...options })

const event = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`
const delta = (delta: object, reason: string | null = null): string =>
  event({ model: "m-1", choices: [{ index: 0, delta, finish_reason: reason }] })

describe("a stream that came whole", () => {
  it.effect("comes out again for its tenant, at once, marked, and without a request", () =>
    Effect.gen(function*() {
      const first = Hearing.finishOf(yield* Hearing.whole(cached))
      assert.deepStrictEqual([first.meta.cache, first.meta.bypass], ["miss", undefined])
      const heard = yield* Hearing.whole(cached)
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", text, "Finish"])
      assert.deepStrictEqual(Hearing.finishOf(heard), {
        ...first,
        meta: {
          endpoint: "a",
          model: "scripted",
          firstChunk: 0,
          latency: 0,
          attempts: [],
          cost: 0,
          usage: [],
          cache: "hit"
        }
      })
      assert.strictEqual(yield* Trial.count("a"), 1)
      yield* Hearing.whole({ ...cached, tenant: "other" })
      assert.strictEqual(yield* Trial.count("a"), 2)
      const { cache } = yield* Trial.relay
      assert.deepInclude(yield* cache.state, { hits: 1, misses: 2, savedTokens: 13 })
    }).pipe(Effect.provide(over([stream(words), stream(words)]))))

  it.effect("says again what it thought, said and called, in that order", () =>
    Effect.gen(function*() {
      const first = yield* Hearing.whole(cached)
      const second = yield* Hearing.whole(cached)
      assert.deepStrictEqual(Hearing.brief(second), [
        "Start a",
        "ReasoningDelta Hm, so.",
        "Two calls.",
        "ToolCallDelta",
        "ToolCallDelta",
        "Finish"
      ])
      const calls = ({ chunks }: Hearing.Heard) => {
        const called = new Map<number, { id: string; name: string; arguments: string }>()
        for (const chunk of chunks) {
          if (chunk._tag !== "ToolCallDelta") continue
          const call = called.get(chunk.index) ?? { id: "", name: "", arguments: "" }
          called.set(chunk.index, {
            id: call.id + (chunk.id ?? ""),
            name: call.name + (chunk.name ?? ""),
            arguments: call.arguments + chunk.arguments
          })
        }
        return Array.from(called)
      }
      assert.deepStrictEqual(calls(second), calls(first))
      assert.lengthOf(calls(second), 2)
    }).pipe(Effect.provide(over([
      events([
        delta({ reasoning_content: "Hm, " }),
        delta({ reasoning_content: "so." }),
        delta({ content: "Two " }),
        delta({ content: "calls." }),
        delta({ tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: "{\"a\"" } }] }),
        delta({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }),
        delta({ tool_calls: [{ index: 1, id: "c2", function: { name: "g", arguments: "{}" } }] }),
        delta({}, "tool_calls"),
        "data: [DONE]\n\n"
      ])
    ]))))

  it.effect("answers an equal chat, and the other way round", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      const reply = yield* Trial.chat(cached)
      assert.deepInclude(reply, { text, finishReason: "stop", truncated: false })
      assert.deepInclude(reply.meta, { cache: "hit", endpoint: "a", attempts: [] })
      assert.deepStrictEqual((reply.body as { choices: Array<{ message: unknown }> }).choices[0]!.message, {
        role: "assistant",
        content: text,
        refusal: null
      })
      assert.strictEqual(yield* Trial.count("a"), 1)
      yield* Trial.chat({ ...cached, tenant: "b" })
      const heard = yield* Hearing.whole({ ...cached, tenant: "b" })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Hello.", "Finish"])
      assert.strictEqual(Hearing.finishOf(heard).meta.cache, "hit")
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(over([stream(words), answer("Hello.")]))))

  it.effect("whose tokens nobody counted has none in a chat", () =>
    Effect.gen(function*() {
      const { tokens } = Hearing.finishOf(yield* Hearing.whole(cached))
      assert.deepInclude(tokens, { isEstimated: true })
      const reply = yield* Trial.chat(cached)
      assert.deepStrictEqual(reply.tokens, { input: 0, output: 0, total: 0 })
      assert.notProperty(reply.body, "usage")
    }).pipe(Effect.provide(over([events([delta({ content: text }), delta({}, "stop")])]))))

  it.effect("is read anew after its time, and stands in for a failure before anything came", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Trial.pass("5 minutes")
      const heard = yield* Hearing.whole(cached)
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", text, "Finish"])
      assert.strictEqual(Hearing.finishOf(heard).meta.cache, "stale")
      assert.strictEqual(yield* Trial.count("a"), 2)
      assert.strictEqual(Hearing.failureOf(yield* Hearing.whole(cached))._tag, "RequestRejected")
    }).pipe(Effect.provide(over([stream(words), fault("refused"), status(400)], {
      responseCache: { staleIfError: "1 hour" }
    }))))

  it.effect("does not stand in for one that breaks off after something came", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Trial.pass("5 minutes")
      assert.strictEqual(Hearing.interruptionOf(yield* Hearing.whole(cached)).text, "Half")
    }).pipe(Effect.provide(over([stream(words), events([delta({ content: "Half" })])], {
      responseCache: { staleIfError: "1 hour" },
      stream: { commit: "firstToken", afterCommit: "fail" }
    }))))
})

describe("a stream that is not kept", () => {
  const isAskedAgain = (script: Script, options?: Trial.Options) =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      const before = yield* Trial.count("a")
      yield* Hearing.whole(cached)
      assert.isAbove(yield* Trial.count("a"), before)
    }).pipe(Effect.provide(over(script, options)))

  it.effect("was cut at the token limit", () =>
    isAskedAgain([events([delta({ content: "Par" }), delta({}, "length")])]))

  it.effect("was cut by a filter", () =>
    isAskedAgain([events([delta({ content: "Par" }), delta({}, "content_filter")])]))

  it.effect("was broken off", () => isAskedAgain([events([delta({ content: "Par" })])]))

  it.effect("is of two, one of whom went on where the other broke off", () =>
    Effect.gen(function*() {
      const first = yield* Hearing.whole(cached)
      assert.include(first.chunks.map(({ _tag }) => _tag), "Continued")
      yield* Hearing.whole(cached)
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(Trial.over([
      make("a", [events([delta({ content: "The capital of " })])], { tier: 0, prefill: true }),
      make("b", [stream(["Switzerland ", "is Bern."])], { tier: 1, prefill: true })
    ], { retry: Retry.none, stream: { commit: "firstToken", afterCommit: "continue" } }))))

  it.effect("is of one who began anew, as far as it is void", () =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      const heard = yield* Hearing.whole(cached)
      assert.deepStrictEqual(Hearing.brief(heard), ["Start b", text, "Finish"])
    }).pipe(Effect.provide(Trial.over([
      make("a", [events([delta({ content: "No, that is wr" })])], { tier: 0 }),
      make("b", [stream(words)], { tier: 1 })
    ], { retry: Retry.none, stream: { commit: "firstToken", afterCommit: "restart" } }))))

  it.effect("says why the cache was bypassed", () =>
    Effect.gen(function*() {
      const why = (options?: RelayService.StreamOptions) =>
        Effect.map(Hearing.whole(options), (heard) => Hearing.finishOf(heard).meta.bypass)
      assert.deepStrictEqual([
        yield* why(),
        yield* why({ cache: true }),
        yield* why({ tenant: "acme" }),
        yield* why({ tenant: "acme", cache: false }),
        yield* why({ ...cached, headers: { "openai-beta": "x" } }),
        yield* why({ ...cached, headers: { authorization: "Bearer x" } })
      ], ["NoTenant", "NoTenant", "Chance", "Unwanted", "OwnHeaders", undefined])
    }).pipe(Effect.provide(over([stream(words)]))))
})

describe("answers in a store that relays share", () => {
  const relay = () =>
    RelayService.layer({
      health: "off",
      endpoints: [make("a", [answer("Hello.")]).endpoint]
    }).pipe(
      Layer.provide([CircuitBreaker.layer(), Bulkhead.layer(), RateLimiter.layer(), ResponseCache.layerPersisted()]),
      Layer.fresh
    )

  it.effect("answer another relay, whole and bit by bit, as they came", () =>
    Effect.gen(function*() {
      const first = yield* Trial.chat(cached).pipe(Effect.provide(relay()))
      const again = yield* Trial.chat(cached).pipe(Effect.provide(relay()))
      assert.deepStrictEqual({ ...again, meta: {} }, { ...first, meta: {} })
      assert.deepInclude(again.meta, { cache: "hit", attempts: [] })
      const heard = yield* Hearing.whole(cached).pipe(Effect.provide(relay()))
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Hello.", "Finish"])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(
      Effect.provide([Persistence.layerBackingMemory, ScriptedEndpoint.layer(make("a", [answer("Hello.")]))])
    ))

  const kept = {
    endpoint: "z",
    model: "m",
    text: "lie",
    finishReason: "stop",
    truncated: false,
    toolCalls: [],
    tokens: { input: 1, output: 1, total: 2, isEstimated: false },
    body: {}
  }
  it.effect.each<readonly [string, object]>([
    ["half a token", { tokens: { ...kept.tokens, total: 0.5 } }],
    ["tokens below zero", { tokens: { ...kept.tokens, input: -1 } }],
    ["more tokens than can be added up", { tokens: { ...kept.tokens, output: 1e300 } }],
    ["a cost below zero", { cost: -5000 }],
    ["a cost past what is counted", { cost: 1e300 }]
  ])("are not believed where they say %s", ([, lie]) =>
    Effect.gen(function*() {
      const reply = yield* Trial.chat(cached)
      assert.strictEqual(reply.text, "Hello.")
      const { usage } = yield* Trial.relay
      assert.lengthOf(yield* usage, 1)
    }).pipe(
      Effect.provide(
        relay().pipe(
          Layer.provide(Layer.succeed(Persistence.BackingPersistence, {
            make: () =>
              Effect.succeed({
                get: () => Effect.succeed({ at: 0, took: 5, value: { ...kept, ...lie } }),
                getMany: () => Effect.die("not asked for"),
                set: () => Effect.void,
                setMany: () => Effect.void,
                remove: () => Effect.void,
                clear: Effect.void
              })
          })),
          Layer.provideMerge(ScriptedEndpoint.layer(make("a", [answer("Hello.")])))
        )
      )
    ))

  it.effect("are no condition: a store that fails is told of, and nobody's failure", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const reply = yield* Trial.chat(cached)
      assert.strictEqual(reply.meta.cache, "miss")
      yield* Effect.yieldNow
      yield* Effect.yieldNow
      assert.deepInclude(heard.find(({ _tag }) => _tag === "CacheStoreFailed"), {
        operation: "get",
        because: "Failed"
      })
    }).pipe(
      Effect.provide(
        relay().pipe(
          Layer.provide(Layer.succeed(Persistence.BackingPersistence, {
            make: () => {
              const error = Effect.fail(new Persistence.PersistenceError({ message: "down" }))
              return Effect.succeed({
                get: () => error,
                getMany: () => error,
                set: () => error,
                setMany: () => error,
                remove: () => error,
                clear: error
              })
            }
          })),
          Layer.provideMerge(ScriptedEndpoint.layer(make("a", [answer("Hello.")])))
        )
      )
    ))
})
