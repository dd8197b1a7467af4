import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { type RelayError, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, body, fault, make, status } = ScriptedEndpoint

const once = { retry: Retry.none }

describe("what failures add up to", () => {
  it.effect("the same reason everywhere is that reason, with the soonest retryAfter", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "RateLimited", key: "b", retryAfter: Duration.seconds(60) })
      assert.deepStrictEqual(failure.attempts.map(({ endpoint }) => endpoint), ["a", "b", "c"])
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(429, { retryAfter: 120 })]),
      make("b", [status(429, { retryAfter: 60 })], { tier: 1 }),
      make("c", [status(429, { retryAfter: 90 })], { tier: 2 })
    ], once))))

  it.effect("different reasons are RelayExhausted, with the soonest retryAfter of all", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "RelayExhausted", retryAfter: Duration.seconds(90) })
      assert.deepStrictEqual(failure.attempts.map(({ outcome }) => outcome), [
        "QuotaExceeded",
        "RateLimited",
        "Unauthorized"
      ])
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(402, { retryAfter: 3600 })]),
      make("b", [status(429, { retryAfter: 90 })], { tier: 1 }),
      make("c", [status(403)], { tier: 2 })
    ], once))))

  it.effect("a relay with one endpoint says what that endpoint said", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, {
        _tag: "InvalidResponse",
        endpoint: "a",
        reason: "NotJson",
        status: 200,
        detail: "<html>no</html>"
      })
    }).pipe(Effect.provide(Trial.over([make("a", [body("<html>no</html>")])], once))))

  it.effect("the failure speaks of the last round, and its trail of all", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure())
      assert.deepInclude(failure, { _tag: "InvalidResponse", reason: "Empty" })
      assert.deepStrictEqual(failure.attempts.map(({ outcome }) => outcome), ["EndpointUnavailable", "InvalidResponse"])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(503), body("")])], { retry: Retry.exponential({ times: 1 }) })
    )))

  const final: ReadonlyArray<readonly [number, object, RelayError.RelayError["_tag"]]> = [
    [400, {}, "RequestRejected"],
    [422, {}, "RequestRejected"],
    [400, { code: "content_filter" }, "ContentRefused"]
  ]
  it.effect.each(final)(
    "a request at fault is not carried to other endpoints: %j",
    ([code, error, tag]) =>
      Effect.gen(function*() {
        const failure = yield* Trial.failure()
        assert.deepInclude(failure, { _tag: tag, endpoint: "a", status: code })
        assert.strictEqual(yield* Trial.count("b"), 0)
      }).pipe(Effect.provide(
        Trial.over([make("a", [status(code, error)]), make("b", [answer("Hello.")], { tier: 1 })])
      ))
  )

  it.effect("a request too long for one endpoint is carried to the next", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(400, { code: "context_length_exceeded" })]),
      make("b", [answer("Hello.")], { tier: 1 })
    ]))))

  const nonsense: ReadonlyArray<readonly [string, ScriptedEndpoint.Step, RelayError.RelayError["_tag"]]> = [
    ["HTML", body("<!doctype html><p>Bad gateway"), "InvalidResponse"],
    ["HTML with a 502", body("<!doctype html>", { status: 502 }), "EndpointUnavailable"],
    ["JSON that breaks off", body("{\"choices\":[{\"message\":{\"cont"), "InvalidResponse"],
    ["a connection that breaks off", fault("reset"), "InvalidResponse"],
    ["wrong types", body("{\"choices\":[{\"message\":{\"content\":5}}]}"), "InvalidResponse"],
    ["choices that are none", body("{\"choices\":{}}"), "InvalidResponse"],
    ["no choice at all", body("{\"choices\":[]}"), "InvalidResponse"],
    ["a list", body("[]"), "InvalidResponse"],
    ["null", body("null"), "InvalidResponse"],
    ["a number", body("42"), "InvalidResponse"],
    ["nothing", body(""), "InvalidResponse"],
    ["no content", body("", { status: 204 }), "InvalidResponse"],
    ["three megabytes of text", body("x".repeat(3_000_000)), "InvalidResponse"],
    ["more than the limit", body(" ".repeat(9_000_000)), "InvalidResponse"],
    ["an error that is a text", body("{\"error\":\"out of order\"}"), "InvalidResponse"],
    ["a redirection", body("", { status: 302 }), "EndpointUnavailable"],
    ["a Retry-After of abc", status(429, { retryAfter: "abc" }), "RateLimited"],
    ["a Retry-After of ten years", status(429, { retryAfter: 315_360_000 }), "RateLimited"]
  ]
  it.effect.each(nonsense)(
    "nonsense ends in a typed failure, and nothing is lost: %s",
    ([, step, tag]) =>
      Effect.gen(function*() {
        const failure = yield* Trial.failure()
        assert.strictEqual(failure._tag, tag)
        assert.isBelow(JSON.stringify(failure).length, 2000)
        const { bulkhead, inFlight } = yield* Trial.status("a")
        assert.deepStrictEqual([inFlight, bulkhead.running], [0, 0])
      }).pipe(Effect.provide(Trial.over([make("a", [step])], once)))
  )

  const unsendable: ReadonlyArray<readonly [string, unknown]> = [
    ["no messages", { model: "any", messages: [] }],
    ["no model", { messages: [{ role: "user", content: "Hi" }] }],
    ["a stream", { ...Trial.hi, stream: true }],
    ["not an object", null],
    ["something JSON cannot say", { ...Trial.hi, seed: 1n }],
    [
      "a cycle",
      (() => {
        const cycle: Record<string, unknown> = { ...Trial.hi }
        cycle["self"] = cycle
        return cycle
      })()
    ]
  ]
  it.effect.each(unsendable)(
    "a request that cannot be sent is rejected, and blames no endpoint: %s",
    ([, request]) =>
      Effect.gen(function*() {
        for (const options of [{}, { tenant: "acme", cache: true }]) {
          const failure = yield* Trial.failure(options, request as never)
          assert.strictEqual(failure._tag, "RequestRejected")
          assert.notProperty(failure, "endpoint")
        }
        assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", inFlight: 0 })
        assert.strictEqual(yield* Trial.count("a"), 0)
      }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.")])])))
  )
})

describe("the trail of attempts", () => {
  const endpoints = [
    make("a", [status(503, { delay: "200 millis", message: "overloaded" })]),
    make("b", [fault("refused", { delay: "50 millis" })], { tier: 1 }),
    make("c", [answer("Hello.", { delay: "300 millis" })], { tier: 2 })
  ]
  const failed = [
    {
      endpoint: "a",
      outcome: "EndpointUnavailable",
      sent: true,
      round: 0,
      at: 1000,
      duration: 200,
      status: 503,
      detail: "overloaded"
    },
    {
      endpoint: "b",
      outcome: "EndpointUnavailable",
      sent: true,
      round: 0,
      at: 1200,
      duration: 50,
      detail: "ECONNREFUSED"
    }
  ]

  it.effect("an answer carries every try before it, and itself last", () =>
    Effect.gen(function*() {
      yield* Trial.pass("1 second")
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("550 millis")
      const { meta } = yield* Effect.flatten(Effect.sync(() => call.pollUnsafe()!))
      const tokens = { input: 10, output: 5, total: 15 }
      assert.deepStrictEqual(meta.attempts, [
        ...failed,
        { endpoint: "c", outcome: "Success", sent: true, round: 0, at: 1250, duration: 300, tokens }
      ])
      assert.strictEqual(meta.latency, 550)
    }).pipe(Effect.provide(Trial.over(endpoints))))

  it.effect("a failure carries every try, and the refusals that were never sent", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("c")
      yield* Trial.pass("1 second")
      const { attempts } = yield* Trial.whatever(Trial.failure())
      assert.deepStrictEqual(attempts, [
        ...failed,
        { endpoint: "c", outcome: "CircuitOpen", sent: false, round: 0, at: 1250, duration: 0 }
      ])
    }).pipe(Effect.provide(Trial.over(endpoints, once))))

  it.effect("every refusal of an endpoint keeps its HTTP status, a 429 too", () =>
    Effect.gen(function*() {
      const { attempts } = yield* Trial.failure()
      assert.deepStrictEqual(attempts.map(({ status }) => status), [500, 401, 404, 402, 200, 429])
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(500)]),
      make("b", [status(401)], { tier: 1 }),
      make("c", [status(404)], { tier: 2 }),
      make("d", [status(402)], { tier: 3 }),
      make("e", [body("{}")], { tier: 4 }),
      make("f", [status(429)], { tier: 5 })
    ], once))))

  it.effect("no key stands in a trail, even when the endpoint sends it back", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure()
      assert.notInclude(JSON.stringify(failure) + failure.message + String(failure), "key-of-a")
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(401, { message: "Incorrect API key provided: key-of-a" })])], once)
    )))
})
