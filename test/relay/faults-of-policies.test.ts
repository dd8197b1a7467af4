/** More faults of the design that this one answers: in its limiter, its bulkhead, and its idea of an answer. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, body, make, status } = ScriptedEndpoint

const backup = make("backup", [answer("backup")], { tier: 1 })

describe("the limiter deadlocks at its first full window", () => {
  it.effect("no: every call passes in its turn, and no window holds more than the limit", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 5, window: "1 second", maxWait: "1 minute" })
      const calls = yield* Effect.forEach(
        Array.from({ length: 23 }),
        () => Trial.start(limiter.protect(Clock.currentTimeMillis))
      )
      yield* Trial.pass("10 seconds")
      const times = yield* Effect.forEach(calls, (call) => Fiber.join(call))
      assert.deepStrictEqual(times.toSorted((a, b) => a - b), times)
      for (const start of times) {
        assert.isAtMost(times.filter((time) => time >= start && time < start + 1000).length, 5)
      }
    }))

  it.effect("no: nor do calls that wait for it through a relay", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach(Array.from({ length: 20 }), () => Trial.start(Trial.chat()))
      yield* Trial.pass("30 seconds")
      assert.isTrue(calls.every((call) => Trial.hasEnded(call)))
      assert.strictEqual(yield* Trial.count("backup"), 20)
    }).pipe(Effect.provide(Trial.over([backup], { rateLimiter: { limit: 5, window: "1 second" } }))))
})

describe("rejections are strings, and the waiting counter is never raised", () => {
  it.effect("no: a full bulkhead and an open circuit are caught by tag, with what a caller needs to know", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 0 })
      const breaker = yield* CircuitBreaker.make({
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor: "10 seconds",
        jitter: 0
      })
      yield* Effect.ignore(breaker.protect(Effect.fail("down")))
      yield* Trial.start(bulkhead.protect(Effect.never))
      const seen = (call: Effect.Effect<string, Bulkhead.BulkheadFull | CircuitBreaker.CircuitOpen>) =>
        call.pipe(
          Effect.catchTag("BulkheadFull", ({ key, maxConcurrent, reason }) =>
            Effect.succeed([key, reason, maxConcurrent])),
          Effect.catchTag("CircuitOpen", ({ key, reason, retryAfter }) =>
            Effect.succeed([key, reason, `${retryAfter}`]))
        )
      assert.deepStrictEqual(yield* seen(bulkhead.protect(Effect.succeed("never"))), ["default", "Full", 1])
      const [key, reason] = yield* seen(breaker.protect(Effect.succeed("never")))
      assert.deepStrictEqual([key, reason], ["default", "Open"])
    }))

  it.effect("no: those that wait are counted, and no longer counted when they go", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 5, maxWait: "1 minute" })
      const waiting = Effect.map(bulkhead.state, ({ queued }) => queued)
      yield* Trial.start(bulkhead.protect(Effect.sleep("10 seconds")))
      const [first] = yield* Effect.forEach([1, 2, 3], () => Trial.start(bulkhead.protect(Effect.sleep("10 seconds"))))
      assert.strictEqual(yield* waiting, 3)
      yield* Fiber.interrupt(first!)
      assert.strictEqual(yield* waiting, 2)
      yield* Trial.pass("10 seconds")
      assert.strictEqual(yield* waiting, 1)
      yield* Trial.pass("10 seconds")
      assert.strictEqual(yield* waiting, 0)
    }))

  it.effect("no: nor does a long line end in the middle", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 1000, maxWait: "1 minute" })
      yield* Trial.start(bulkhead.protect(Effect.sleep("1 second")))
      let served = 0
      const call = bulkhead.protect(Effect.sync(() => served++))
      for (let place = 0; place < 1000; place++) yield* Trial.start(Effect.exit(call))
      for (let second = 0; second < 3; second++) yield* Trial.pass("1 second")
      assert.deepInclude(yield* bulkhead.state, { running: 0, queued: 0 })
      assert.strictEqual(served, 1000)
    }))
})

const message = (message: object, finishReason = "stop", usage = { completion_tokens: 1 }) =>
  body(JSON.stringify({ choices: [{ index: 0, message, finish_reason: finishReason }], usage }))

describe("what is short is rejected as suspicious", () => {
  const short: ReadonlyArray<readonly [string, ScriptedEndpoint.Step, object]> = [
    ["Yes.", answer("Yes."), { text: "Yes." }],
    ["4", answer("4"), { text: "4" }],
    [
      "a tool call",
      message({
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "add", arguments: "{\"a\":1}" } }]
      }, "tool_calls"),
      { text: "", toolCalls: [{ id: "c1", name: "add", arguments: "{\"a\":1}" }] }
    ],
    ["a refusal", message({ content: null, refusal: "No." }), { text: "", refusal: "No." }],
    ["nothing, in as many tokens as it took", message({ content: "" }), { text: "" }]
  ]
  it.effect.each(short)("no: an answer may be %s", ([, step, expected]) =>
    Effect.gen(function*() {
      const reply = yield* Trial.chat()
      assert.deepInclude(reply, expected)
      assert.strictEqual(reply.meta.endpoint, "primary")
    }).pipe(Effect.provide(Trial.over([make("primary", [step]), backup]))))
})

describe("an error body is said to lack choices before its quota error is looked at", () => {
  const exhausted: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["in a 429", status(429, { code: "insufficient_quota", message: "You exceeded your current quota" })],
    ["in a 403", status(403, { code: "insufficient_quota" })],
    ["in a 200", body("{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no\"}}")],
    ["in words alone", body("{\"error\":{\"message\":\"Insufficient Balance\"}}", { status: 400 })],
    ["in a list", body("[{\"error\":{\"type\":\"insufficient_quota\",\"message\":\"no\"}}]", { status: 429 })]
  ]
  it.effect.each(exhausted)(
    "no: a quota that is used up is told as such, %s, and another account is asked",
    ([, step]) =>
      Effect.gen(function*() {
        const { meta } = yield* Trial.chat()
        assert.strictEqual(meta.attempts[0]!.outcome, "QuotaExceeded")
        assert.deepStrictEqual(meta.attempts.map(({ endpoint }) => endpoint), ["primary", "sibling", "backup"])
        assert.deepStrictEqual(yield* Trial.counts("primary", "sibling", "backup"), [1, 0, 1])
      }).pipe(Effect.provide(Trial.over([
        make("primary", [step], { account: "acme" }),
        make("sibling", [answer("sibling")], { account: "acme", tier: 1 }),
        { ...backup, endpoint: { ...backup.endpoint, tier: 2 } }
      ])))
  )
})

describe("finish_reason: length is not noticed", () => {
  it.effect("no: an answer that was cut says so, and is not kept for others", () =>
    Effect.gen(function*() {
      const cached = { tenant: "acme", cache: true }
      const reply = yield* Trial.chat(cached)
      assert.deepInclude(reply, { text: "Once upon a", finishReason: "length", truncated: true })
      assert.strictEqual((yield* Trial.chat(cached)).meta.cache, "miss")
      assert.isFalse((yield* Trial.chat(cached)).truncated)
    }).pipe(Effect.provide(
      Trial.over([make("primary", [answer("Once upon a", { finishReason: "length" }), answer("The end.")])])
    )))

  it.effect("no: nor a generation that broke in the middle, which is no answer", () =>
    Effect.gen(function*() {
      yield* Trial.play("primary", message({ content: "Once upon" }, "insufficient_system_resource"))
      assert.deepInclude(yield* Trial.failure(), { _tag: "InvalidResponse", reason: "CutOff" })
    }).pipe(Effect.provide(Trial.over([make("primary", [answer("")])], { retry: Retry.none }))))
})
