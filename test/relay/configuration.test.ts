import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted } from "effect"
import { type Endpoint, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const one = ScriptedEndpoint.make("a", [ScriptedEndpoint.answer("Hello.")])

/** What building a relay with these options ends in. */
const refusal = (options: object) =>
  Effect.flip(Effect.scoped(Layer.build(
    RelayService.layerDefault({ endpoints: [one.endpoint], health: "off", ...options }).pipe(
      Layer.provide(ScriptedEndpoint.layer(one))
    )
  )))

interface Case {
  readonly options: object
  readonly field: string
  readonly value: string
  readonly rule: string
}

const refused = (options: object, field: string, value: string, rule: string): Case => ({
  options,
  field,
  value,
  rule
})

const aDuration = "it has to be a duration such as \"5 seconds\""
const aPositive = "it has to be a finite duration above zero"
const zeroOrMore = "it has to be a duration of zero or more"
const zeroThatEnds = "it has to be a duration of zero or more that ends"
const aBalance = "it has to be one of \"peakEwma\", \"leastLoaded\", \"roundRobin\", \"weighted\", \"cheapest\", " +
  "\"sticky\", { cheapest: { maxAddedLatency: \"200 millis\" } }, or a function"
const upFrom = (minimum: number) => `it has to be a whole number from ${minimum} up`

describe("options of a relay that cannot work are refused when it is built", () => {
  const cases: ReadonlyArray<Case> = [
    refused({ endpoints: [] }, "endpoints", "[]", "it has to name at least one endpoint"),
    refused({ attemptTimeout: 0 }, "attemptTimeout", "0", aPositive),
    refused({ attemptTimeout: -1 }, "attemptTimeout", "-1", aPositive),
    refused({ attemptTimeout: NaN }, "attemptTimeout", "NaN", aDuration),
    refused({ attemptTimeout: "Infinity" }, "attemptTimeout", "\"Infinity\"", aPositive),
    refused({ attemptTimeout: "1s" }, "attemptTimeout", "\"1s\"", aDuration),
    refused({ attemptTimeout: Duration.zero }, "attemptTimeout", "0", aPositive),
    refused({ maxWait: -1 }, "maxWait", "-1", zeroOrMore),
    refused({ maxWait: "soon" }, "maxWait", "\"soon\"", aDuration),
    refused({ maxAttempts: 0 }, "maxAttempts", "0", "it has to be a whole number from 1 to 1000"),
    refused({ maxAttempts: 1.5 }, "maxAttempts", "1.5", "it has to be a whole number from 1 to 1000"),
    refused({ maxAttempts: 1001 }, "maxAttempts", "1001", "it has to be a whole number from 1 to 1000"),
    refused({ retryBudget: -1 }, "retryBudget", "-1", upFrom(0)),
    refused({ retryBudget: NaN }, "retryBudget", "NaN", upFrom(0)),
    refused({ retryRatio: 1.1 }, "retryRatio", "1.1", "it has to be a number from 0 to 1"),
    refused({ retryRatio: NaN }, "retryRatio", "NaN", "it has to be a number from 0 to 1"),
    refused({ slowFactor: 0.9 }, "slowFactor", "0.9", "it has to be a finite number of 1 or more"),
    refused({ slowFactor: Infinity }, "slowFactor", "Infinity", "it has to be a finite number of 1 or more"),
    refused({ slowFloor: -1 }, "slowFloor", "-1", zeroOrMore),
    refused({ maxResponseBytes: 0 }, "maxResponseBytes", "0", upFrom(1)),
    refused({ balance: "fastest" }, "balance", "\"fastest\"", aBalance),
    refused({ balance: 3 }, "balance", "3", aBalance),
    refused({ slowStart: -1 }, "slowStart", "-1", zeroThatEnds),
    refused({ slowStart: "Infinity" }, "slowStart", "\"Infinity\"", zeroThatEnds),
    refused({ outliers: "on" }, "outliers", "\"on\"", "it has to be \"off\" or an object of options"),
    refused({ outliers: { window: 0 } }, "window", "0", aPositive),
    refused({ outliers: { evidence: 0 } }, "evidence", "0", upFrom(1)),
    refused({ outliers: { failureGap: 1 } }, "failureGap", "1", "it has to be a number above 0 and below 1"),
    refused({ outliers: { latencyFactor: 0.5 } }, "latencyFactor", "0.5", "it has to be a finite number of 1 or more"),
    refused({ outliers: { degradedFor: "soon" } }, "degradedFor", "\"soon\"", aDuration),
    refused({ outliers: { maxShare: 2 } }, "maxShare", "2", "it has to be a number from 0 to 1"),
    refused({ outliers: { panicBelow: NaN } }, "panicBelow", "NaN", "it has to be a number from 0 to 1"),
    refused({ outliers: { share: 0.5 } }, "share", "0.5", "there is no such option"),
    refused({ retry: "standard" }, "retry", "\"standard\"", "it has to be a Schedule, such as Retry.standard"),
    refused({ health: { timeout: 0 } }, "timeout", "0", aPositive),
    refused({ health: { schedule: 5 } }, "schedule", "5", "it has to be a Schedule, such as Retry.standard"),
    refused(
      { health: { check: "ping" } },
      "check",
      "\"ping\"",
      "it has to be \"auto\", \"get\", \"completion\" or \"off\""
    ),
    refused({ health: { every: "5 seconds" } }, "every", "not shown here", "there is no such option"),
    refused({ maxAttempt: 3 }, "maxAttempt", "3", "there is no such option")
  ]
  it.effect.each(cases)("$field: $value", ({ field, options, rule, value }) =>
    Effect.gen(function*() {
      const failure = yield* refusal(options)
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", field, value, rule })
      assert.match(failure.subject, /^RelayService/)
      assert.include(failure.message, `${field} is ${value}, but ${rule}`)
    }))
})

describe("a description of an endpoint that cannot work is refused by name", () => {
  const described = (options: object, field: string, value: string, rule: string) =>
    refused({ endpoints: [{ ...one.endpoint, ...options }] }, field, value, rule)
  const aText = "it has to be a text that is not empty"
  const aUrl = "it has to be a URL that begins with http:// or https://, without user, password, query and fragment"
  const models = "it has to be a list of names, or an object from the names you use to the endpoint's own"
  const anAmount = "it has to be a finite number of zero or more"

  const cases: ReadonlyArray<Case> = [
    described(
      { id: "" },
      "id",
      "\"\"",
      `${aText}, without line breaks, control characters and halves of characters`
    ),
    described({ id: undefined }, "id", "undefined", "it is required"),
    described({ baseUrl: "api.openai.com/v1" }, "baseUrl", "\"api.openai.com/v1\"", aUrl),
    described({ baseUrl: "file:///etc" }, "baseUrl", "\"file:///etc\"", aUrl),
    described({ baseUrl: "https://user:secret@example.com" }, "baseUrl", "\"https://…@example.com\"", aUrl),
    described({ models: [] }, "models", "[]", models),
    described({ models: ["gpt", ""] }, "models", "[\"gpt\", \"\"]", models),
    described({ models: { gpt: 5 } }, "models", "object", models),
    described({ account: "  " }, "account", "\"  \"", aText),
    described({ tier: -1 }, "tier", "-1", upFrom(0)),
    described({ tier: 0.5 }, "tier", "0.5", upFrom(0)),
    described({ limits: { requestsPerMinute: 0 } }, "limits.requestsPerMinute", "0", upFrom(1)),
    described({ limits: { tokensPerMinute: -5 } }, "limits.tokensPerMinute", "-5", upFrom(1)),
    described({ limits: { concurrency: NaN } }, "limits.concurrency", "NaN", upFrom(1)),
    described({ limits: { perSecond: 1 } }, "limits.perSecond", "1", "there is no such option"),
    described(
      { prices: { inputPerMillion: -1, outputPerMillion: 1 } },
      "prices.inputPerMillion",
      "-1",
      anAmount
    ),
    described({ attemptTimeout: 0 }, "attemptTimeout", "0", aPositive),
    described({ colour: "blue" }, "colour", "not shown here", "there is no such option")
  ]
  it.effect.each(cases)("$field: $value", ({ field, options, rule, value }) =>
    Effect.gen(function*() {
      const failure = yield* refusal(options)
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", field, value, rule })
      assert.match(failure.subject, /^Endpoint /)
    }))

  it.effect("options of its own policies are checked by those policies", () =>
    Effect.gen(function*() {
      const breaker = yield* refusal({ endpoints: [{ id: "a", circuitBreaker: { halfOpenProbes: 0 } }] })
      assert.deepInclude(breaker, { subject: "Endpoint \"a\"", field: "circuitBreaker.halfOpenProbes", value: "0" })
      const bulkhead = yield* refusal({ endpoints: [{ id: "a", bulkhead: { maxQueued: -1 } }] })
      assert.deepInclude(bulkhead, { subject: "Endpoint \"a\"", field: "bulkhead.maxQueued", value: "-1" })
      const unknown = yield* refusal({ endpoints: [{ id: "a", circuitBreaker: { openfor: 1 } }] })
      assert.deepInclude(unknown, { field: "circuitBreaker.openfor", rule: "there is no such option" })
    }))

  const nothing: ReadonlyArray<readonly [unknown]> = [[null], [undefined], ["primary"], [5]]
  it.effect.each(nothing)("what is no description at all is refused too: %s", ([endpoint]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* refusal({ endpoints: [endpoint] }))._tag, "InvalidConfiguration")
    }))

  it.effect("a key that was not wrapped is refused, and not shown", () =>
    Effect.gen(function*() {
      const failure = yield* refusal({ endpoints: [{ ...one.endpoint, apiKey: "sk-plain" }] })
      assert.deepInclude(failure, {
        field: "apiKey",
        rule: "it has to be wrapped, Redacted.make(key), and hold nothing but visible ASCII"
      })
      assert.notInclude(JSON.stringify(failure) + failure.message, "sk-plain")
    }))

  it.effect("a header that cannot be one is refused, and not shown", () =>
    Effect.gen(function*() {
      const failure = yield* refusal({ endpoints: [{ ...one.endpoint, headers: { "x-key": ["sk-plain"] } }] })
      assert.match(failure.field, /^headers/)
      assert.notInclude(JSON.stringify(failure) + failure.message, "sk-plain")
    }))
})

describe("options that look odd and work", () => {
  const odd: ReadonlyArray<Partial<RelayService.Options>> = [
    { maxWait: 0 },
    { maxWait: "Infinity" },
    { retryBudget: 0, retryRatio: 0 },
    { slowFactor: 1, slowFloor: "0 seconds" },
    { retry: undefined, attemptTimeout: undefined, health: undefined },
    { health: { path: "/health", timeout: undefined } }
  ]
  it.effect.each(odd)("%j", (options) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([one], options))))

  const described: ReadonlyArray<Partial<Endpoint.Options>> = [
    { models: undefined, tier: undefined, limits: {}, prices: undefined },
    { apiKey: Redacted.make("sk", { label: "openai" }), headers: {} }
  ]
  it.effect.each(described)("of an endpoint: %j", (options) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([{ ...one, endpoint: { ...one.endpoint, ...options } }]))))

  it.effect("a slash at the end of a base URL is not doubled", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(Effect.provide(
      Trial.over([{ ...one, endpoint: { ...one.endpoint, baseUrl: `${one.endpoint.baseUrl}//` } }])
    )))
})
