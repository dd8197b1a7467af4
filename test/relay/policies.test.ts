import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer } from "effect"
import { Bulkhead, CircuitBreaker, type RateLimiter, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const once = { retry: Retry.none, maxWait: 0 }
const slow = answer("Hello.", { delay: "1 second" })
const refusal = { endpoint: "a", sent: false, round: 0, duration: 0 }

describe("the bulkhead of an endpoint", () => {
  it.effect("refuses what is over its slots, at once, and says so in the trail", () =>
    Effect.gen(function*() {
      const running = yield* Trial.start(Trial.chat())
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "BulkheadFull", key: "a", reason: "Full", maxConcurrent: 1 })
      assert.deepStrictEqual(failure.attempts, [{ ...refusal, outcome: "BulkheadFull", at: 0 }])
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Fiber.join(running)).text, "Hello.")
      assert.strictEqual((yield* Trial.status("a")).bulkhead.running, 0)
    }).pipe(Effect.provide(Trial.over([make("a", [slow])], { ...once, bulkhead: { maxConcurrent: 1 } }))))

  it.effect("sends what it refuses to the next endpoint, without a wait", () =>
    Effect.gen(function*() {
      yield* Trial.start(Trial.chat())
      const { meta } = yield* Trial.chat()
      assert.deepInclude(meta, { endpoint: "b", latency: 0 })
      assert.strictEqual(meta.attempts[0]!.outcome, "BulkheadFull")
    }).pipe(Effect.provide(
      Trial.over([make("a", [slow], { limits: { concurrency: 1 } }), make("b", [answer("b")], { tier: 1 })])
    )))

  it.effect("has the slots of its tier, unless the endpoint or its limits say otherwise", () =>
    Effect.gen(function*() {
      const slots = yield* Effect.forEach(["a", "b", "c", "d", "e", "f"], (id) =>
        Effect.map(Trial.status(id), ({ bulkhead }) => bulkhead.maxConcurrent))
      assert.deepStrictEqual(slots, [20, 15, 10, 10, 3, 4])
    }).pipe(Effect.provide(Trial.over([
      make("a", [slow]),
      make("b", [slow], { tier: 1 }),
      make("c", [slow], { tier: 2 }),
      make("d", [slow], { tier: 9 }),
      make("e", [slow], { limits: { concurrency: 3 } }),
      make("f", [slow], { bulkhead: { maxConcurrent: 4 } })
    ]))))
})

describe("the bulkhead of an endpoint with an adaptive limit", () => {
  const limit = Effect.map(Trial.status("a"), ({ bulkhead }) => bulkhead.limit)
  const adaptive = Bulkhead.aimd({ backoff: 0.5 })

  it.effect("learns from what was answered and what was turned away, and not from calls that were cancelled", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(503), status(400), slow, answer("Hello."), answer("Hello."))
      yield* Trial.failure()
      assert.strictEqual(yield* limit, 2, "half of four, after a drop")
      yield* Trial.failure()
      yield* Trial.pass("1 second")
      yield* Fiber.interrupt(yield* Trial.start(Trial.chat()))
      assert.strictEqual(yield* limit, 2, "neither a bad request nor a cancelled call")
      yield* Trial.chat()
      yield* Trial.chat()
      yield* Trial.chat()
      assert.strictEqual(yield* limit, 3, "one more after as many successes")
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("Hello.")])], { ...once, bulkhead: { maxConcurrent: 4, adaptive } })
    )))
})

describe("the rate limiter of an endpoint", () => {
  const limited = make("a", [answer("Hello.")])
  const rateLimiter: RateLimiter.Options = { limit: 1, window: "1 minute" }

  it.effect("refuses before anything is sent, and knows to the millisecond until when", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.pass("20 seconds")
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, {
        _tag: "RateLimited",
        key: "a",
        source: "Limiter",
        retryAfter: Duration.seconds(40)
      })
      assert.deepStrictEqual(failure.attempts, [{ ...refusal, outcome: "RateLimited", at: 20_000 }])
      yield* Trial.pass("39999 millis")
      assert.strictEqual((yield* Trial.failure())._tag, "RateLimited")
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(Trial.over([limited], { ...once, rateLimiter }))))

  it.effect("sends what it refuses to the next endpoint, without a wait", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      assert.deepInclude((yield* Trial.chat()).meta, { endpoint: "b", latency: 0 })
    }).pipe(
      Effect.provide(
        Trial.over([limited, make("b", [answer("b")], { tier: 1, limits: { requestsPerMinute: 100 } })], {
          rateLimiter
        })
      )
    ))

  it.effect("has options of its own over its limits and those of the layer", () =>
    Effect.gen(function*() {
      // three at once, where the layer's burst lets one go and the next after six seconds
      yield* Trial.chat()
      yield* Trial.chat()
      yield* Trial.chat()
      assert.strictEqual((yield* Trial.failure())._tag, "RateLimited")
      assert.strictEqual(yield* Trial.count("a"), 3)
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("Hello.")], { limits: { requestsPerMinute: 10 }, rateLimiter: { burst: 0.3 } })], {
        ...once,
        rateLimiter: { burst: 0 }
      })
    )))

  it.effect("is refused by name where an option of its own cannot work", () =>
    Effect.gen(function*() {
      const refusal = yield* Effect.flip(Effect.scoped(Layer.build(
        Trial.over([make("a", [answer("Hello.")], { rateLimiter: { burst: 2 } })])
      )))
      assert.deepInclude(refusal, { subject: "Endpoint \"a\"", field: "rateLimiter.burst" })
    }))

  const tokens = { limits: { tokensPerMinute: 1000 } }
  const large = { ...Trial.hi, max_tokens: 900 }

  it.effect("counts tokens by what was used, not by what was guessed", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 3; call++) {
        yield* Trial.chat({}, large)
        yield* Trial.pass("1 second")
      }
      yield* Trial.play("a", answer("Long.", { inputTokens: 10, outputTokens: 2000 }))
      yield* Trial.chat({}, large)
      yield* Trial.pass("1 second")
      const failure = yield* Trial.failure({}, large)
      assert.strictEqual(failure._tag, "RateLimited")
      assert.isTrue("retryAfter" in failure && Duration.isGreaterThan(failure.retryAfter!, Duration.minutes(1)))
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("Hello.", { inputTokens: 1, outputTokens: 1 })], tokens)
    ], once))))

  it.effect("gives back the tokens of a call that failed", () =>
    Effect.gen(function*() {
      yield* Trial.failure({}, large)
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Trial.chat({}, large)).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([make("a", [status(500), answer("Hello.")], tokens)], once))))
})

describe("the circuit of an endpoint", () => {
  const broken = make("a", [status(500)], {
    circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(2), openFor: "10 seconds", jitter: 0 }
  })
  const trip = Effect.andThen(Effect.ignore(Trial.chat()), Effect.ignore(Trial.chat()))

  it.effect("stays open for as long as the failure that opened it asks, if that is longer", () =>
    Effect.gen(function*() {
      yield* trip
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "CircuitOpen", retryAfter: Duration.seconds(45) })
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(503, { retryAfter: 45 })], {
        circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(2), openFor: "10 seconds", jitter: 0 }
      })
    ], once))))

  it.effect("opens on the endpoint's failures, and refuses until exactly when it said", () =>
    Effect.gen(function*() {
      yield* trip
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, {
        _tag: "CircuitOpen",
        key: "a",
        reason: "Open",
        retryAfter: Duration.seconds(10)
      })
      assert.deepStrictEqual(failure.attempts, [{ ...refusal, outcome: "CircuitOpen", at: 0 }])
      yield* Trial.play("a", answer("back"))
      yield* Trial.pass("9999 millis")
      assert.strictEqual((yield* Trial.failure())._tag, "CircuitOpen")
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "back")
      assert.strictEqual(yield* Trial.count("a"), 3)
    }).pipe(Effect.provide(Trial.over([broken], once))))

  it.effect("is not waited for: an open circuit fails at once when nobody else is there", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      assert.deepInclude(yield* Trial.failure(), { _tag: "CircuitOpen", reason: "Isolated" })
      assert.strictEqual(yield* Trial.now, 0)
    }).pipe(Effect.provide(Trial.over([broken]))))

  it.effect("lets no more calls out than its probes while it is half-open; the others go elsewhere", () =>
    Effect.gen(function*() {
      yield* trip
      yield* Trial.play("a", fault("silence"))
      yield* Trial.pass("10 seconds")
      for (let call = 0; call < 10; call++) yield* Trial.start(Trial.chat())
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [2 + 3, 2 + 7])
      assert.strictEqual((yield* Trial.status("a")).state, "Recovering")
    }).pipe(Effect.provide(
      Trial.over([broken, make("b", [answer("b"), answer("b"), fault("silence")], { tier: 1 })], {
        ...once,
        attemptTimeout: "1 hour"
      })
    )))

  it.effect("is not moved by answers from before it opened", () =>
    Effect.gen(function*() {
      yield* Trial.play(
        "a",
        status(500, { delay: "20 seconds" }),
        answer("early", { delay: "21 seconds" }),
        status(500)
      )
      const late = yield* Effect.forEach([1, 2], () => Trial.start(Effect.exit(Trial.chat())))
      yield* trip
      yield* Trial.play("a", answer("back"))
      yield* Trial.pass("10 seconds")
      for (let probe = 0; probe < 3; probe++) yield* Trial.chat()
      yield* Trial.play("a", status(500))
      yield* Trial.failure()
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 1 })
      yield* Trial.pass("11 seconds")
      assert.deepStrictEqual(late.map(Trial.hasEnded), [true, true])
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 1 })
    }).pipe(Effect.provide(Trial.over([broken], once))))

  it.effect("opens on slow answers as it does on failures, and the endpoint counts as degraded before that", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(Array.from({ length: 30 }), () => Trial.whatever(Trial.chat()))
      assert.strictEqual((yield* Trial.status("a")).state, "Healthy")
      yield* Trial.play("a", answer("Hello.", { delay: "9 seconds" }))
      const states: Array<string> = []
      for (let call = 0; call < 14; call++) {
        yield* Trial.whatever(Effect.ignore(Trial.chat()))
        states.push((yield* Trial.status("a")).state)
      }
      assert.deepStrictEqual([states[0], states[3], states[13]], ["Healthy", "Degraded", "Open"])
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.", { delay: "1 second" })])], once))))
})

describe("admission", () => {
  it.effect("is one step: a refusal by one policy charges no other", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("a")
      for (let call = 0; call < 5; call++) yield* Trial.failure()
      yield* endpoints.reset("a")
      assert.deepInclude((yield* Trial.status("a")).limiter, { retryAfter: 0 })
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
      for (let call = 0; call < 5; call++) yield* Trial.failure()
      assert.deepInclude(yield* Trial.status("a"), { inFlight: 0, answered: 1, failed: 0 })
      assert.strictEqual((yield* Trial.status("a")).bulkhead.running, 0)
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("Hello.")], { limits: { requestsPerMinute: 1, concurrency: 1 } })], once)
    )))
})
