import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { Capabilities, type ChatRequest, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Law from "../Law.ts"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const image = { role: "user", content: [{ type: "image_url", image_url: { url: "data:," } }] }
const withTools: ChatRequest.ChatRequest = { ...Trial.hi, tools: [{ type: "function", function: { name: "f" } }] }
const withImage: ChatRequest.ChatRequest = { ...Trial.hi, messages: [image] }
const asJson: ChatRequest.ChatRequest = { ...Trial.hi, response_format: { type: "json_object" } }
const tokens = (count: number): ChatRequest.ChatRequest => ({ ...Trial.hi, max_tokens: count - 1 })

const able = (id: string, capabilities: Capabilities.Capabilities, tier = 0) =>
  make(id, [answer(id)], { capabilities, tier })

const cannot = { tools: false, vision: false, jsonMode: false } as const

describe("what a request needs", () => {
  const needs: ReadonlyArray<readonly [string, object, ReadonlyArray<string>]> = [
    ["a plain one", {}, []],
    ["tools", withTools, ["tools"]],
    ["functions, as they were called", { functions: [{ name: "f" }] }, ["tools"]],
    ["no tools", { tools: [] }, []],
    ["an image", withImage, ["images"]],
    ["an image among words", { messages: [Trial.hi.messages[0], { role: "user", content: ["a", ...image.content] }] }, [
      "images"
    ]],
    ["parts of text", { messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] }, []],
    ["JSON", asJson, ["a JSON response format"]],
    ["JSON by a schema", { response_format: { type: "json_schema" } }, ["a JSON response format"]],
    ["text", { response_format: { type: "text" } }, []],
    ["what nobody can read", { tools: 7, response_format: null, messages: [null, { content: [null, 3] }] }, []],
    ["all", { ...withTools, ...withImage, response_format: asJson["response_format"] }, [
      "tools",
      "images",
      "a JSON response format"
    ]]
  ]
  it.each(needs)("is read from it: %s", (_, request, words) => {
    const { bits } = Capabilities.neededBy({ ...Trial.hi, ...request }, 5)
    assert.deepStrictEqual(Capabilities.words(bits), words)
  })
})

describe("an endpoint that says it cannot", () => {
  const cases: ReadonlyArray<readonly [string, ChatRequest.ChatRequest, Capabilities.Capabilities]> = [
    ["tools", withTools, { tools: false }],
    ["images", withImage, { vision: false }],
    ["JSON", asJson, { jsonMode: false }],
    ["so many tokens", tokens(1001), { contextWindow: 1000 }]
  ]

  it.effect.each(cases)(
    "take %s is not asked for it, and is asked for everything else",
    ([, request, capabilities]) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Trial.chat({}, request)).text, "other")
        assert.strictEqual((yield* Trial.chat()).text, "cannot")
        assert.deepStrictEqual(yield* Trial.counts("cannot", "other"), [1, 1])
      }).pipe(Effect.provide(Trial.over([able("cannot", capabilities), make("other", [answer("other")], { tier: 1 })])))
  )

  it.effect("is asked for as much as just fits", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat({}, tokens(1000))).text, "cannot")
    }).pipe(Effect.provide(Trial.over([able("cannot", { contextWindow: 1000 }), able("other", {}, 1)]))))

  it.effect("is asked for operations of your own, whatever it cannot", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      assert.strictEqual((yield* execute(({ id }) => Effect.succeed(id))).value, "cannot")
    }).pipe(Effect.provide(Trial.over([able("cannot", { ...cannot, contextWindow: 1 })]))))

  it.effect("may say so of one model, by the name that callers use", () =>
    Effect.gen(function*() {
      const ask = (model: string, request: ChatRequest.ChatRequest) =>
        Effect.map(Trial.chat({}, { ...request, model }), ({ meta }) => [meta.endpoint, meta.model])
      assert.deepStrictEqual(yield* ask("small", withTools), ["other", "scripted"])
      assert.deepStrictEqual(yield* ask("large", withTools), ["one", "deployment"])
      assert.deepStrictEqual(yield* ask("unsaid", withTools), ["one", "deployment"])
    }).pipe(Effect.provide(Trial.over([
      make("one", [answer("one", { model: "deployment" })], {
        models: { small: "s-1", large: "l-1", unsaid: "u-1" },
        capabilities: { small: { tools: false }, large: { tools: true } }
      }),
      able("other", {}, 1)
    ]))))

  it.effect("is passed over on the second attempt as well", () =>
    Effect.gen(function*() {
      yield* Trial.play("first", status(503))
      const { meta } = yield* Trial.chat({}, withTools)
      assert.deepStrictEqual(meta.attempts.map(({ endpoint }) => endpoint), ["first", "third"])
    }).pipe(Effect.provide(Trial.over([able("first", {}), able("second", cannot, 1), able("third", {}, 2)]))))
})

describe("a request that no endpoint can take", () => {
  it.effect("is a RequestRejected that names what is missing, and nothing is sent", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({}, { ...withTools, ...withImage })
      assert.deepInclude(failure, {
        _tag: "RequestRejected",
        detail: "no endpoint that serves model \"any\" takes tools and images",
        attempts: []
      })
      assert.notProperty(failure, "endpoint")
      assert.include(failure.message, "takes tools and images")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [0, 0])
    }).pipe(Effect.provide(Trial.over([able("a", cannot), able("b", cannot)]))))

  it.effect("names only what is missing everywhere", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({}, { ...withTools, ...withImage })
      assert.deepInclude(failure, { detail: "no endpoint that serves model \"any\" takes images" })
    }).pipe(Effect.provide(Trial.over([able("a", cannot), able("b", { vision: false })]))))

  it.effect("names what is there, but never together", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({}, { ...withTools, ...withImage })
      assert.deepInclude(failure, { detail: "no endpoint that serves model \"any\" takes tools and images together" })
    }).pipe(Effect.provide(Trial.over([able("a", { tools: false }), able("b", { vision: false })]))))

  it.effect("is a ContextTooLong without an endpoint when only room is missing, and nothing is sent", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({}, { ...withTools, max_tokens: 5000 })
      assert.deepInclude(failure, { _tag: "ContextTooLong", model: "any", attempts: [] })
      assert.notProperty(failure, "endpoint")
      assert.include(failure.message, "too long for model \"any\" at every endpoint")
      assert.include(failure.message, "5001 tokens")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [0, 0])
    }).pipe(Effect.provide(Trial.over([
      able("a", { contextWindow: 5000 }),
      able("b", { tools: false, contextWindow: 1_000_000 })
    ]))))

  it.effect("is a ModelNotFound where no endpoint serves the model at all", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({}, { ...withTools, model: "huge" })
      assert.strictEqual(failure._tag, "ModelNotFound")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("a")], { models: ["small"], capabilities: cannot })]))))

  it.effect("can be taken once an endpoint is there that can", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("b")
      assert.strictEqual((yield* Trial.failure({}, tokens(2000)))._tag, "ContextTooLong")
      yield* endpoints.add(able("b", { contextWindow: 2000 }).endpoint)
      assert.strictEqual((yield* Trial.chat({}, tokens(2000))).text, "b")
      assert.strictEqual((yield* Trial.failure({}, tokens(2001)))._tag, "ContextTooLong")
    }).pipe(Effect.provide(Trial.over([able("a", { contextWindow: 1000 }), able("b", {})]))))

  it.effect("is told to whoever listens, once", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.failure({}, withTools)
      assert.deepStrictEqual(heard.map(({ _tag }) => _tag), ["CallFailed"])
    }).pipe(Effect.scoped, Effect.provide(Trial.over([able("a", cannot)]))))

  it.effect("does not keep a cached answer from being given", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const request = { ...withTools, temperature: 0 }
      yield* Trial.chat({ tenant: "acme" }, request)
      yield* endpoints.replace({ ...able("a", cannot).endpoint })
      assert.strictEqual((yield* Trial.chat({ tenant: "acme" }, request)).meta.cache, "hit")
      assert.strictEqual((yield* Trial.failure({ tenant: "other" }, request))._tag, "RequestRejected")
    }).pipe(Effect.provide(Trial.over([able("a", {})]))))
})

describe("whoever is asked", () => {
  const option = Law.oneOf("yes", "no", "unsaid")
  const endpoint = Arbitrary.all({
    tools: option,
    vision: option,
    jsonMode: option,
    window: Law.oneOf(0, 10, 100, 101, 5000),
    tier: Law.int(0, 1)
  })
  const cases = Arbitrary.all({
    endpoints: Law.list(endpoint, 5, 1),
    tools: Law.oneOf(true, false),
    vision: Law.oneOf(true, false),
    jsonMode: Law.oneOf(true, false),
    tokens: Law.oneOf(2, 11, 100, 101, 102, 5001)
  })
  const isOr = (said: string): boolean | undefined => said === "unsaid" ? undefined : said === "yes"

  it.effect.prop("is able, and somebody is asked whenever somebody is", [cases], ([it]) =>
    Effect.gen(function*() {
      const request: ChatRequest.ChatRequest = {
        ...(it.tools ? withTools : Trial.hi),
        ...(it.vision ? { messages: [image] } : {}),
        ...(it.jsonMode ? { response_format: { type: "json_schema" } } : {}),
        max_tokens: it.tokens - (it.vision ? 0 : 1)
      }
      const isAble = ({ jsonMode, tools, vision, window }: typeof it.endpoints[number]): boolean =>
        !(it.tools && tools === "no") && !(it.vision && vision === "no") && !(it.jsonMode && jsonMode === "no") &&
        (window === 0 || it.tokens <= window)
      const able = it.endpoints.flatMap((one, index) => isAble(one) ? [`e${index}`] : [])
      const failure = yield* Trial.failure({}, request)
      assert.sameMembers(failure.attempts.map(({ endpoint }) => endpoint), able)
      assert.strictEqual(failure._tag === "EndpointUnavailable", able.length > 0)
    }).pipe(Effect.provide(Trial.over(
      it.endpoints.map(({ jsonMode, tier, tools, vision, window }, index) =>
        make(`e${index}`, [status(503)], {
          tier,
          capabilities: {
            tools: isOr(tools),
            vision: isOr(vision),
            jsonMode: isOr(jsonMode),
            contextWindow: window === 0 ? undefined : window
          }
        })
      ),
      { retry: Retry.none }
    ))), Law.check(120))
})

describe("a request that is too long after all", () => {
  const tooLong = status(400, { code: "context_length_exceeded" })
  const long = (id: string, contextWindow: number | undefined, tier: number) =>
    make(id, [tooLong], { tier, capabilities: { contextWindow } })

  it.effect("is not tried where the window is no larger, and is where it is, or where nobody knows", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat()
      assert.deepStrictEqual(meta.attempts.map(({ endpoint }) => endpoint), ["a", "unknown", "larger", "d"])
      const { execute } = yield* Trial.relay
      // an operation of one's own says nothing of windows
      const failure = yield* Effect.flip(execute(({ id }) => Effect.fail({ _tag: "ContextTooLong", id })))
      assert.deepInclude(failure, { _tag: "ContextTooLong" })
    }).pipe(Effect.provide(Trial.over([
      long("a", 100_000, 0),
      long("same", 100_000, 1),
      long("smaller", 50_000, 2),
      long("unknown", undefined, 3),
      long("larger", 100_001, 4),
      long("as-large", 100_001, 5),
      make("d", [answer("d")], { tier: 6 })
    ]))))

  it.effect("is not tried again in a later round where it was refused, or would be", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure())
      assert.strictEqual(failure._tag, "RelayExhausted")
      assert.deepStrictEqual(yield* Trial.counts("a", "smaller", "unknown"), [1, 0, 1])
      assert.isAbove(yield* Trial.count("down"), 1)
    }).pipe(Effect.provide(Trial.over([
      long("a", 100_000, 0),
      long("smaller", 50_000, 1),
      long("unknown", undefined, 2),
      make("down", [status(503)], { tier: 3 })
    ]))))

  it.effect("fails as too long where nobody has more room", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* Trial.failure(), { _tag: "ContextTooLong", endpoint: "a" })
      assert.deepStrictEqual(yield* Trial.counts("a", "smaller"), [1, 0])
    }).pipe(Effect.provide(Trial.over([long("a", 100_000, 0), long("smaller", 50_000, 1)]))))

  it.effect.prop("goes on to just those that may have room", {
    endpoints: Law.list(
      Arbitrary.all({
        window: Law.oneOf(0, 1000, 2000, 3000),
        ofModel: Law.oneOf(true, false),
        isDown: Law.oneOf(true, false)
      }),
      6,
      1
    )
  }, ({ endpoints }) =>
    Effect.gen(function*() {
      let refused = 0
      const asked = endpoints.flatMap(({ isDown, window }, index) => {
        if (window !== 0 && window <= refused) return []
        if (!isDown) refused = Math.max(refused, window)
        return [`e${index}`]
      })
      const { attempts } = yield* Trial.failure()
      assert.deepStrictEqual(attempts.map(({ endpoint }) => endpoint), asked)
    }).pipe(Effect.provide(Trial.over(
      endpoints.map(({ isDown, ofModel, window }, tier) => {
        const offer = { contextWindow: window === 0 ? undefined : window }
        const capabilities = ofModel ? { any: offer, other: { contextWindow: 5 } } : offer
        return make(`e${tier}`, [isDown ? status(503) : tooLong], { tier, capabilities })
      }),
      { retry: Retry.none }
    ))), Law.check(120))
})

describe("a chat that a client sends", () => {
  const send = (request: ChatRequest.ChatRequest) =>
    Effect.flatMap(
      Trial.relay,
      (relay) => relay.send({ method: "POST", path: "/chat/completions", body: JSON.stringify(request) })
    )

  it.effect.each<readonly [string, ChatRequest.ChatRequest, Capabilities.Capabilities]>([
    ["tools", withTools, { tools: false }],
    ["images", withImage, { vision: false }],
    ["so many tokens", tokens(1001), { contextWindow: 1000 }]
  ])(
    "is kept from an endpoint that cannot take %s, and from all if none can",
    ([, request, capabilities]) =>
      Effect.gen(function*() {
        const { meta } = yield* send(request).pipe(
          Effect.provide(Trial.over([able("small", capabilities), able("other", {}, 1)]))
        )
        assert.deepStrictEqual(meta.attempts.map(({ endpoint }) => endpoint), ["other"])
        const failure = yield* send(request).pipe(
          Effect.flip,
          Effect.provide(Trial.over([able("small", capabilities)]))
        )
        assert.include(["ContextTooLong", "RequestRejected"], failure._tag)
        assert.deepStrictEqual(failure.attempts, [])
      })
  )
})
