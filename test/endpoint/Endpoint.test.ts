import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Layer, Redacted, Schema } from "effect"
import { Configuration, Dialect, Endpoint, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { inspect } from "node:util"

const make = (description: unknown) => Effect.suspend(() => Endpoint.make(description as Endpoint.Options))

const refusalOf = (description: unknown) => Effect.flip(make(description))

type Refused = readonly [name: string, more: object, field: string, value: string | undefined, rule: RegExp]

const aText = /text|string/
const aSafeText = /it has to be a text .* without line breaks, control characters and halves of characters/
const aHeaderName = /it has to be a header name/
const aUrl = /has to be a URL/
const fromOne = /has to be a whole number from 1 up/
const fromZero = /has to be a whole number from 0 up/
const anAmount = /number/
const aDuration = /has to be a .*duration/
const noOption = /there is no such option/

const refused: ReadonlyArray<Refused> = [
  ["an empty id", { id: "" }, "id", `""`, aText],
  ["a blank id", { id: " " }, "id", `" "`, aText],
  ["an id that is no text", { id: 7 }, "id", "7", aText],
  ["an id that is a symbol", { id: Symbol("primary") }, "id", undefined, aText],
  ["an id with half a character, which no URL can hold", { id: "a\ud800" }, "id", `"a\\ud800"`, aSafeText],
  ["an id with a line break, which no header can hold", { id: "a\nb" }, "id", `"a\\nb"`, aSafeText],
  ["an id with a NUL in it", { id: "a\0" }, "id", `"a\\u0000"`, aSafeText],
  ["an id of two lines to those who read Unicode", { id: "a\u2028b" }, "id", undefined, aSafeText],
  ["no id", { id: undefined }, "id", "undefined", /./],
  ["an empty account", { account: "" }, "account", `""`, aText],
  ["an address that is no URL", { baseUrl: "api.openai.com/v1" }, "baseUrl", `"api.openai.com/v1"`, aUrl],
  ["an empty address", { baseUrl: "" }, "baseUrl", `""`, aUrl],
  ["an address of another protocol", { baseUrl: "ftp://host/v1" }, "baseUrl", `"ftp://host/v1"`, aUrl],
  ["an address that is no text", { baseUrl: new URL("https://host/v1") }, "baseUrl", undefined, /string|URL/],
  [
    "an address with a query, to which no path can be added",
    { baseUrl: "https://host/v1?a=b" },
    "baseUrl",
    undefined,
    /./
  ],
  [
    "an address with a fragment, to which no path can be added",
    { baseUrl: "https://host/v1#a" },
    "baseUrl",
    undefined,
    /./
  ],
  ["an address with a password in it", { baseUrl: "https://me:pass@host/v1" }, "baseUrl", undefined, /./],
  ["a tier below zero", { tier: -1 }, "tier", "-1", fromZero],
  ["half a tier", { tier: 0.5 }, "tier", "0.5", fromZero],
  ["a tier that is a text", { tier: "0" }, "tier", `"0"`, /./],
  ["a tier that is NaN", { tier: Number.NaN }, "tier", "NaN", fromZero],
  ["an empty list of models", { models: [] }, "models", undefined, /./],
  ["an empty map of models", { models: {} }, "models", undefined, /./],
  ["a model without a name", { models: [""] }, "models", undefined, /./],
  ["a model that goes by no name", { models: { smart: "" } }, "models", undefined, /./],
  ["models that are a text", { models: "gpt-5" }, "models", `"gpt-5"`, /./],
  ["no requests at all", { limits: { requestsPerMinute: 0 } }, "limits.requestsPerMinute", "0", fromOne],
  ["fewer tokens than none", { limits: { tokensPerMinute: -5 } }, "limits.tokensPerMinute", "-5", fromOne],
  ["half a call at once", { limits: { concurrency: 0.5 } }, "limits.concurrency", "0.5", fromOne],
  ["endless calls at once", { limits: { concurrency: Infinity } }, "limits.concurrency", "Infinity", fromOne],
  ["a limit nobody knows", { limits: { requestsPerDay: 5 } }, "limits.requestsPerDay", undefined, noOption],
  ["limits that are null", { limits: null }, "limits", "null", /./],
  [
    "a price that is NaN",
    { prices: { inputPerMillion: Number.NaN, outputPerMillion: 1 } },
    "prices.inputPerMillion",
    "NaN",
    anAmount
  ],
  [
    "a price below zero",
    { prices: { inputPerMillion: 1, outputPerMillion: -1 } },
    "prices.outputPerMillion",
    "-1",
    anAmount
  ],
  [
    "an endless price",
    { prices: { inputPerMillion: Infinity, outputPerMillion: 1 } },
    "prices.inputPerMillion",
    "Infinity",
    anAmount
  ],
  ["half a price list", { prices: { inputPerMillion: 1 } }, "prices.outputPerMillion", "undefined", /./],
  ["no time for an attempt", { attemptTimeout: 0 }, "attemptTimeout", "0", aDuration],
  ["less than no time for an attempt", { attemptTimeout: "-1 seconds" }, "attemptTimeout", `"-1 seconds"`, aDuration],
  ["endless time for an attempt", { attemptTimeout: "Infinity" }, "attemptTimeout", `"Infinity"`, aDuration],
  ["a time nobody can read", { attemptTimeout: "5s" }, "attemptTimeout", `"5s"`, aDuration],
  ["a time that is NaN", { attemptTimeout: Number.NaN }, "attemptTimeout", "NaN", aDuration],
  ["a key that is not wrapped", { apiKey: "sk-1" }, "apiKey", undefined, /Redacted\.make/],
  ["a key that is null", { apiKey: null }, "apiKey", undefined, /Redacted\.make/],
  ["an empty key", { apiKey: Redacted.make("") }, "apiKey", undefined, /./],
  ["a wrapped key that is no text", { apiKey: Redacted.make(undefined) }, "apiKey", undefined, /./],
  ["a key that no header can hold", { apiKey: Redacted.make("sk-1\nsk-2") }, "apiKey", undefined, /./],
  ["a key with an ellipsis", { apiKey: Redacted.make("sk-1…") }, "apiKey", undefined, /./],
  ["headers that are a text", { headers: "api-key: hd-1" }, "headers", undefined, /./],
  ["a header that is a number", { headers: { "x-a": 7 } }, "headers.x-a", undefined, /./],
  ["a header with a line break", { headers: { "x-a": "a\r\nb" } }, "headers.x-a", undefined, /./],
  ["a header whose name is none", { headers: { "x a": "a" } }, "headers.x a", undefined, aHeaderName],
  ["a header without a name", { headers: { "": "a" } }, "headers.", undefined, aHeaderName],
  [
    "a header of a dialect whose name is none",
    { dialect: { ...Dialect.openai, headers: { "x\n": "a" } } },
    "dialect.headers.x\n",
    undefined,
    aHeaderName
  ],
  [
    "a word of a dialect in upper case",
    { dialect: { ...Dialect.openai, words: { Arrearage: "Quota" } } },
    "dialect.words.Arrearage",
    undefined,
    /its name has to be in lower case/
  ],
  ["a dialect that is a name", { dialect: "anthropic" }, "dialect", `"anthropic"`, /object/],
  ["a dialect that was not called", { dialect: Dialect.anthropic }, "dialect", "function", /object/],
  ["a dialect that is null", { dialect: null }, "dialect", "null", /object/],
  ["half a dialect", { dialect: { name: "mine" } }, "dialect.chatPath", "undefined", /./],
  ["a dialect without a name", { dialect: { ...Dialect.openai, name: " " } }, "dialect.name", `" "`, aText],
  [
    "a dialect whose path is none",
    { dialect: { ...Dialect.openai, chatPath: "chat" } },
    "dialect.chatPath",
    `"chat"`,
    /path/
  ],
  [
    "a dialect whose other paths are none",
    { dialect: { ...Dialect.openai, otherPaths: { ofModel: "/{model}{path}", others: "{path}" } } },
    "dialect.otherPaths.others",
    `"{path}"`,
    /path/
  ],
  [
    "a dialect whose health path is none",
    { dialect: { ...Dialect.openai, healthPath: "" } },
    "dialect.healthPath",
    `""`,
    /path/
  ],
  [
    "a dialect whose key goes in no header",
    { dialect: { ...Dialect.openai, key: { header: "x key" } } },
    "dialect.key.header",
    `"x key"`,
    /header name/
  ],
  [
    "a dialect with a header that cannot be sent",
    { dialect: Dialect.anthropic({ version: "2023\n" }) },
    "dialect.headers.anthropic-version",
    undefined,
    /header/
  ],
  [
    "a dialect that lets nothing be said",
    { dialect: Dialect.anthropic({ maxTokens: 0 }) },
    "dialect.defaults.max_tokens",
    "0",
    fromOne
  ],
  ["a dialect that cannot read", { dialect: { ...Dialect.openai, read: true } }, "dialect.read", "true", /function/],
  [
    "a dialect whose words mean nothing",
    { dialect: { ...Dialect.openai, words: { oops: "Sorry" } } },
    "dialect.words.oops",
    `"Sorry"`,
    /"Rate", "Quota"/
  ],
  [
    "a dialect with more than a dialect has",
    { dialect: { ...Dialect.openai, mood: 1 } },
    "dialect.mood",
    "1",
    noOption
  ],
  ["a validator that is a pattern", { validate: /yes/ }, "validate", "object", /function/],
  ["no weight", { weight: 0 }, "weight", "0", /above 0/],
  ["a weight that is NaN", { weight: Number.NaN }, "weight", "NaN", /above 0/],
  ["an endless weight", { weight: Infinity }, "weight", "Infinity", /at most a million/],
  ["a weight that is a text", { weight: "2" }, "weight", `"2"`, /number/],
  ["capabilities that are a text", { capabilities: "tools" }, "capabilities", `"tools"`, /object/],
  ["capabilities that are a list", { capabilities: ["tools"] }, "capabilities", undefined, /object/],
  ["a window without room", { capabilities: { contextWindow: 0 } }, "capabilities.contextWindow", "0", fromOne],
  ["half a capability", { capabilities: { tools: "some" } }, "capabilities.tools", `"some"`, /true or false/],
  ["a capability nobody knows", { capabilities: { video: true } }, "capabilities.video", "true", noOption],
  [
    "a window of one model without room",
    { capabilities: { large: { contextWindow: 0.5 } } },
    "capabilities.large.contextWindow",
    "0.5",
    fromOne
  ],
  [
    "capabilities of a model that it does not serve",
    { models: ["small"], capabilities: { small: { tools: true }, smal: { vision: false } } },
    "capabilities.smal",
    `"smal"`,
    /it has to be one of its models/
  ],
  [
    "capabilities by its own name of a model",
    { models: { small: "gpt-4.1-mini" }, capabilities: { "gpt-4.1-mini": { tools: true } } },
    "capabilities.gpt-4.1-mini",
    `"gpt-4.1-mini"`,
    /by the name that callers use/
  ],
  [
    "capabilities of one model beside those of all",
    { capabilities: { large: { tools: true }, vision: true } },
    "capabilities.vision",
    "true",
    /object/
  ],
  ["an option nobody knows", { colour: 5 }, "colour", undefined, noOption],
  ["an option in the wrong case", { baseURL: "https://host/v1" }, "baseURL", undefined, noOption],
  ["a circuit breaker that is a number", { circuitBreaker: 5 }, "circuitBreaker", undefined, /./],
  ["a bulkhead that is a text", { bulkhead: "big" }, "bulkhead", undefined, /./],
  [
    "a check that is none",
    { health: { check: "ping" } },
    "health.check",
    `"ping"`,
    /"auto", "get", "completion" or "off"/
  ],
  ["a path that is none", { health: { path: "models" } }, "health.path", `"models"`, /begins with \//],
  ["a model for checks without a name", { health: { model: "" } }, "health.model", `""`, aText],
  ["an option of checks nobody knows", { health: { every: 5 } }, "health.every", "5", noOption],
  ["health that is a text", { health: "off" }, "health", `"off"`, /object/],
  [
    "a model for checks that it does not serve",
    { models: ["large"], health: { model: "small" } },
    "health.model",
    `"small"`,
    /one of its models/
  ],
  [
    "a check by a completion of who knows what",
    { health: { check: "completion" } },
    "health.model",
    "undefined",
    /name one here, or its models/
  ]
]

describe("the description of an endpoint", () => {
  it.effect.each(refused)("is refused for %s", ([, more, field, value, rule]) =>
    Effect.gen(function*() {
      const refusal = yield* refusalOf({ id: "primary", ...more })
      assert.strictEqual(refusal._tag, "InvalidConfiguration")
      assert.include(refusal.subject, "Endpoint")
      assert.strictEqual(refusal.field, field)
      if (value !== undefined) assert.strictEqual(refusal.value, value)
      assert.match(refusal.rule, rule)
    }))

  it.effect("is refused when it is no description at all", () =>
    Effect.gen(function*() {
      for (const description of [7, "primary", [], undefined, null]) {
        assert.strictEqual((yield* refusalOf(description))._tag, "InvalidConfiguration")
      }
    }))

  it.effect("is refused when it throws while it is read", () =>
    Effect.gen(function*() {
      const moody = {
        id: "primary",
        get tier(): number {
          throw new Error("not today")
        }
      }
      assert.deepInclude(yield* refusalOf(moody), {
        _tag: "InvalidConfiguration",
        subject: "Endpoint",
        field: "options",
        rule: "it has to be an object whose fields can be read"
      })
      for (const limits of [moody, new Proxy({}, { ownKeys: () => assert.fail("not today") })]) {
        assert.strictEqual((yield* refusalOf({ id: "primary", limits }))._tag, "InvalidConfiguration")
      }
    }))

  it.effect("is refused by a rule that reads as one", () =>
    Effect.gen(function*() {
      const mistakes = [{ id: 7 }, { tier: "0" }, { limits: null }, { headers: { a: 7 } }, {
        prices: { inputPerMillion: 1 }
      }]
      for (const more of mistakes) assert.match((yield* refusalOf({ id: "primary", ...more })).rule, /^(it|there) /)
    }))

  it.effect("needs an id and nothing else", () =>
    Effect.gen(function*() {
      const endpoint = yield* Endpoint.make({ id: "primary" })
      assert.deepInclude(endpoint, {
        id: "primary",
        account: "primary",
        baseUrl: undefined,
        apiKey: undefined,
        models: "any",
        tier: 0,
        dialect: Dialect.openai,
        validate: undefined,
        attemptTimeout: undefined
      })
      assert.strictEqual(Endpoint.wireModel(endpoint, "gpt-5"), "gpt-5")
    }))

  it.effect("may be called what one likes, on one line", () =>
    Effect.gen(function*() {
      for (const id of ["our own, in Zürich", "日本", "a/b?c#d%", "🚀"]) {
        assert.strictEqual((yield* Endpoint.make({ id })).id, id)
      }
    }))

  it.effect("takes undefined for left out", () =>
    Effect.gen(function*() {
      const names = [
        "baseUrl",
        "apiKey",
        "account",
        "models",
        "tier",
        "limits",
        "prices",
        "headers",
        "dialect",
        "validate",
        "attemptTimeout"
      ]
      const nothing = Object.fromEntries([...names, "circuitBreaker", "bulkhead"].map((name) => [name, undefined]))
      assert.deepStrictEqual(yield* make({ id: "primary", ...nothing }), yield* Endpoint.make({ id: "primary" }))
    }))

  it.effect.each([
    Dialect.openai,
    Dialect.azure(),
    Dialect.anthropic(),
    Dialect.gemini,
    Dialect.deepseek,
    Dialect.openrouter
  ])("may name its dialect, which it shares with others: $name", (dialect) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Endpoint.make({ id: "primary", dialect })).dialect, dialect)
    }))

  it.effect("may end its address in slashes", () =>
    Effect.gen(function*() {
      assert.strictEqual(
        (yield* Endpoint.make({ id: "primary", baseUrl: "https://host/v1//" })).baseUrl,
        "https://host/v1"
      )
    }))

  it.effect("may list its models, or what it calls them", () =>
    Effect.gen(function*() {
      const listed = yield* Endpoint.make({ id: "primary", models: ["gpt-5"] })
      const named = yield* Endpoint.make({ id: "primary", models: { smart: "gpt-5-2026", toString: "t" } })
      const asked = ["gpt-5", "smart", "toString", "constructor"]
      assert.deepStrictEqual(asked.map((model) => Endpoint.wireModel(listed, model)), [
        "gpt-5",
        undefined,
        undefined,
        undefined
      ])
      assert.deepStrictEqual(asked.map((model) => Endpoint.wireModel(named, model)), [
        undefined,
        "gpt-5-2026",
        "t",
        undefined
      ])
    }))
})

const secret = "hunter2-Zx81kQvT"

const slips: ReadonlyArray<readonly [name: string, more: object]> = [
  ["a key that is not wrapped", { apiKey: secret }],
  ["a key in a list", { apiKey: [secret] }],
  ["a key in an object", { apiKey: { value: secret } }],
  ["a wrapped key beside another mistake", { apiKey: Redacted.make(secret), tier: -1 }],
  ["a wrapped key that no header can hold", { apiKey: Redacted.make(`${secret}\n${secret}`) }],
  ["a key under a name nobody knows", { apikey: secret }],
  ["a key under a name nobody knows, in a list", { keys: [secret] }],
  ["a key among the limits", { limits: { apiKey: secret } }],
  ["headers that are a text", { headers: `api-key: ${secret}` }],
  ["headers that are a list", { headers: [`api-key: ${secret}`] }],
  ["a header that is a list", { headers: { "api-key": [secret] } }],
  ["a header with a line break", { headers: { "api-key": `${secret}\r\n` } }],
  ["a header beside another mistake", { headers: { "api-key": secret }, tier: -1 }],
  ["a password in an address", { baseUrl: `https://me:${secret}@host/v1` }],
  ["a password in an address of another protocol", { baseUrl: `ftp://me:${secret}@host/v1` }],
  ["a key in the query of an address", { baseUrl: `htps://host/v1?key=${secret}` }]
]

const everythingOf = (refusal: Configuration.InvalidConfiguration): string =>
  [
    refusal.message,
    refusal.stack,
    String(refusal),
    inspect(refusal, { depth: Infinity, showHidden: true }),
    JSON.stringify(Schema.encodeSync(Configuration.InvalidConfiguration)(refusal)),
    Cause.pretty(Cause.fail(refusal))
  ].join("\n")

describe("the refusal of a description", () => {
  it.effect.each(slips)("does not print %s", ([, more]) =>
    Effect.gen(function*() {
      const refusal = yield* refusalOf({ id: "primary", ...more })
      assert.notInclude(everythingOf(refusal), secret)
    }))
})

const scripted = ScriptedEndpoint.make("primary", [ScriptedEndpoint.answer("Hello.")])

const build = (options: object) =>
  Layer.build(RelayService.layerDefault({ health: "off", ...options } as never)).pipe(
    Effect.map((context) => Context.get(context, RelayService.RelayService)),
    Effect.provide(ScriptedEndpoint.layer(scripted))
  )

const hi = { model: "any", messages: [{ role: "user", content: "Hi" }] }

type Override = readonly [name: string, more: object, field: string, value: string | undefined]

const overrides: ReadonlyArray<Override> = [
  ["a circuit that opens for no time", { circuitBreaker: { openFor: 0 } }, "openFor", "0"],
  ["a circuit with an option nobody knows", { circuitBreaker: { openfor: "1 second" } }, "openfor", undefined],
  ["a circuit with fewer probes than one", { circuitBreaker: { halfOpenProbes: 0 } }, "halfOpenProbes", "0"],
  ["a bulkhead without room", { bulkhead: { maxConcurrent: 0 } }, "maxConcurrent", "0"],
  ["a bulkhead with a queue of less than none", { bulkhead: { maxQueued: -1 } }, "maxQueued", "-1"],
  ["a bulkhead with an option nobody knows", { bulkhead: { size: 5 } }, "size", undefined]
]

describe("a relay", () => {
  it.effect.each(overrides)(
    "is not built over an endpoint with %s",
    ([, more, field, value]) =>
      Effect.gen(function*() {
        const refusal = yield* Effect.flip(build({ endpoints: [{ id: "backup" }, { id: "primary", ...more }] }))
        assert.strictEqual(refusal._tag, "InvalidConfiguration")
        assert.include(refusal.field, field)
        if (value !== undefined) assert.strictEqual(refusal.value, value)
      })
  )

  it.effect("that is not built names the endpoint with the mistake", () =>
    Effect.gen(function*() {
      for (const more of [{ tier: -1 }, { circuitBreaker: { openFor: 0 } }, { bulkhead: { maxConcurrent: 0 } }]) {
        const refusal = yield* Effect.flip(build({ endpoints: [{ id: "backup" }, { id: "primary", ...more }] }))
        assert.include(refusal.message, "primary")
      }
    }))

  it.effect("is not built over two endpoints of one id", () =>
    Effect.gen(function*() {
      const refusal = yield* Effect.flip(
        build({ endpoints: [{ id: "primary" }, { id: "backup" }, { id: "primary", tier: 1 }] })
      )
      assert.deepInclude(refusal, { _tag: "InvalidConfiguration", field: "id", value: `"primary"` })
    }))

  const unusable: ReadonlyArray<readonly [name: string, endpoints: unknown]> = [
    ["an empty list", []],
    ["no list", undefined],
    ["null", null],
    ["a text", "primary"],
    ["an endpoint", { id: "primary" }],
    ["a list of nothing", [undefined]],
    ["a list of null", [null]],
    ["a list of numbers", [7]]
  ]
  it.effect.each(unusable)("is not built over endpoints that are %s", ([, endpoints]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(build({ endpoints })))._tag, "InvalidConfiguration")
    }))

  it.effect("that refuses an endpoint stays as it was", () =>
    Effect.gen(function*() {
      const relay = yield* build({ endpoints: [scripted.endpoint] })
      yield* relay.chat(hi)
      const before = yield* relay.status
      const mistakes = [{ tier: -1 }, { limits: { concurrency: 0 } }, ...overrides.map(([, more]) => more)]
      for (const more of mistakes) {
        const description = { ...scripted.endpoint, ...more } as Endpoint.Options
        for (const change of [relay.endpoints.add, relay.endpoints.replace]) {
          assert.strictEqual((yield* Effect.flip(change(description)))._tag, "InvalidConfiguration")
        }
      }
      assert.deepInclude(yield* Effect.flip(relay.endpoints.add(scripted.endpoint)), {
        field: "id",
        value: `"primary"`
      })
      assert.strictEqual((yield* Effect.flip(relay.endpoints.replace({ id: "other" })))._tag, "EndpointNotFound")
      assert.deepStrictEqual(yield* relay.status, before)
      assert.strictEqual((yield* relay.chat(hi)).text, "Hello.")
    }))
})
