import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schedule } from "effect"
import { CircuitBreaker, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const touchy: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(1) }

describe("the caller's deadline", () => {
  it.effect("ends a call in the middle of an attempt, to the millisecond, and lets go of the endpoint", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.failure({ deadline: "2 seconds" }))
      yield* Trial.pass("1999 millis")
      assert.isFalse(Trial.hasEnded(call))
      yield* Trial.pass("1 millis")
      const failure = yield* Fiber.join(call)
      assert.deepInclude(failure, { _tag: "DeadlineExceeded", deadline: Duration.seconds(2) })
      assert.deepStrictEqual(failure.attempts.map(({ duration, endpoint, outcome }) => [endpoint, outcome, duration]), [
        ["a", "DeadlineExceeded", 2000]
      ])
      assert.isTrue((yield* Trial.received("a"))[0]!.cancelled)
      assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", inFlight: 0, latency: 0 })
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("late", { delay: "1 minute" })])], {
        circuitBreaker: touchy,
        attemptTimeout: "5 seconds"
      })
    )))

  it.effect("holds for waits and failed attempts together", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure({ deadline: "10 seconds" }))
      assert.strictEqual(failure._tag, "DeadlineExceeded")
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 4000, 8000])
      assert.isTrue((yield* Trial.received("a"))[2]!.cancelled)
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(503, { delay: "3 seconds" })])], { retry: Schedule.spaced("1 second") })
    )))

  it.effect("no attempt starts once it has passed", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure({ deadline: "2 seconds" }))
      assert.strictEqual(failure._tag, "DeadlineExceeded")
      assert.strictEqual(yield* Trial.count("b"), 0)
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(503, { delay: "2 seconds" })]), make("b", [answer("Hello.")], { tier: 1 })])
    )))

  it.effect("an answer that comes a millisecond before it counts", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.whatever(Trial.chat({ deadline: "2001 millis" }))
      assert.strictEqual(meta.latency, 2000)
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.", { delay: "2 seconds" })])]))))

  const over: ReadonlyArray<Duration.Input> = [0, "0 seconds", -5, "-1 minute", Duration.zero]
  it.effect.each(over.map((deadline) => ({ deadline })))(
    "one that has passed fails and asks nobody: $deadline",
    (options) =>
      Effect.gen(function*() {
        const { execute } = yield* Trial.relay
        assert.strictEqual((yield* Trial.failure(options))._tag, "DeadlineExceeded")
        const failure = yield* Effect.flip(execute(() => Effect.succeed("done"), options))
        assert.deepInclude(failure, { _tag: "DeadlineExceeded", attempts: [] })
        assert.strictEqual(yield* Trial.count("a"), 0)
      }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.")])])))
  )

  it.effect.each(["soon", "1s", ""])(
    "one that is no duration is rejected, and asks nobody: \"%s\"",
    (text) =>
      Effect.gen(function*() {
        const { execute } = yield* Trial.relay
        const options = { deadline: text as never }
        assert.strictEqual((yield* Trial.failure(options))._tag, "RequestRejected")
        const failure = yield* Effect.flip(Effect.suspend(() => execute(() => Effect.succeed("done"), options)))
        assert.strictEqual(failure._tag, "RequestRejected")
        assert.strictEqual(yield* Trial.count("a"), 0)
      }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.")])])))
  )

  it.effect("an endless one is none", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat({ deadline: "Infinity" })).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.")])]))))
})

describe("the relay's attempt timeout", () => {
  it.effect("is a failure of the endpoint, and the next one is asked at once", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.deepInclude(meta, { endpoint: "b", latency: 5000 })
      assert.deepInclude(meta.attempts[0], { endpoint: "a", outcome: "EndpointUnavailable", duration: 5000 })
      assert.isTrue((yield* Trial.received("a"))[0]!.cancelled)
      assert.deepInclude(yield* Trial.status("a"), { state: "Open", inFlight: 0, lastFailure: "EndpointUnavailable" })
    }).pipe(Effect.provide(
      Trial.over([make("a", [fault("silence")]), make("b", [answer("Hello.")], { tier: 1 })], {
        circuitBreaker: touchy,
        attemptTimeout: "5 seconds"
      })
    )))

  it.effect("says so when it is all that happened", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure())
      assert.deepInclude(failure, { _tag: "EndpointUnavailable", endpoint: "a", reason: "Timeout" })
      assert.strictEqual(failure.attempts[0]!.duration, 30_000)
    }).pipe(Effect.provide(Trial.over([make("a", [fault("silence")])], { retry: Retry.none }))))

  it.effect("an endpoint may have its own", () =>
    Effect.gen(function*() {
      const { attempts } = yield* Trial.whatever(Trial.failure())
      assert.deepStrictEqual(attempts.map(({ duration }) => duration), [1000, 60_000])
    }).pipe(Effect.provide(
      Trial.over([
        make("quick", [fault("silence")], { attemptTimeout: "1 second" }),
        make("patient", [fault("silence")], { attemptTimeout: "1 minute", tier: 1 })
      ], { retry: Retry.none })
    )))
})

const held = Effect.gen(function*() {
  const { bulkhead, circuit, inFlight } = yield* Trial.status("a")
  return { inFlight, running: bulkhead.running, suspicion: circuit.suspicion, state: circuit.state }
})
const nothing = { inFlight: 0, running: 0, suspicion: 0, state: "Closed" }

describe("a call that its caller gives up", () => {
  const slow = Trial.over([make("a", [answer("Hello.", { delay: "10 seconds" })])], { circuitBreaker: touchy })
  const callers: ReadonlyArray<readonly [string, RelayCall]> = [
    ["a chat", Trial.chat()],
    ["a cached chat", Trial.chat({ tenant: "acme", cache: true })],
    [
      "an operation",
      Effect.flatMap(Trial.relay, ({ execute }) => execute(() => Effect.sleep("10 seconds")))
    ]
  ]

  it.effect.each(callers)(
    "has given everything back when its interrupt returns: %s",
    ([, call]) =>
      Effect.gen(function*() {
        const fiber = yield* Trial.start(call)
        yield* Trial.pass("1 second")
        assert.deepStrictEqual(yield* held, { ...nothing, inFlight: 1, running: 1 })
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* held, nothing)
      }).pipe(Effect.provide(slow))
  )

  it.effect.each(callers)(
    "says nothing about the endpoint, by a timeout of its own neither: %s",
    ([, call]) =>
      Effect.gen(function*() {
        const failure = yield* Trial.whatever(Effect.flip(Effect.timeout(call, "2 seconds")))
        assert.strictEqual((failure as { readonly _tag: string })._tag, "TimeoutError")
        assert.deepStrictEqual(yield* held, nothing)
        assert.deepInclude(yield* Trial.status("a"), { answered: 0, failed: 0, latency: 0 })
      }).pipe(Effect.provide(slow))
  )

  it.effect("is cancelled at the endpoint too", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1 second")
      yield* Fiber.interrupt(call)
      assert.deepStrictEqual((yield* Trial.received("a")).map(({ cancelled }) => cancelled), [true])
    }).pipe(Effect.provide(slow)))

  it.effect("gives back its share of the endpoint's limits", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1 second")
      yield* Fiber.interrupt(call)
      yield* Trial.play("a", answer("Hello."))
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(Effect.provide(
      Trial.over([make("a", [fault("silence")], { limits: { requestsPerMinute: 1 } })])
    )))

  it.effect("gives back its probe, so that the next call can be one", () =>
    Effect.gen(function*() {
      yield* Trial.failure()
      yield* Trial.pass("30 seconds")
      yield* Trial.play("a", fault("silence"))
      const probe = yield* Trial.start(Trial.chat())
      assert.strictEqual((yield* Trial.failure())._tag, "CircuitOpen")
      yield* Fiber.interrupt(probe)
      yield* Trial.play("a", answer("Hello."))
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(503)])], {
        circuitBreaker: { ...touchy, halfOpenProbes: 1, openFor: "30 seconds" },
        retry: Retry.none
      })
    )))

  it.effect("stands in its own trail and in nobody else's way while it waits between rounds", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("500 millis")
      yield* Fiber.interrupt(call)
      yield* Trial.pass("1 minute")
      assert.strictEqual(yield* Trial.count("a"), 1)
      assert.strictEqual((yield* held).inFlight, 0)
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(429, { retryAfter: 2 })])], { retry: Schedule.spaced("1 second") })
    )))
})

type RelayCall = Effect.Effect<unknown, unknown, Trial.Services>

describe("an endpoint that outlasts its callers' deadlines", () => {
  it.effect("counts as slow once it took longer than it ever does, and others are asked first", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 25; call++) yield* Trial.whatever(Trial.chat())
      yield* Trial.play("a", fault("silence"))
      for (let call = 0; call < 3; call++) yield* Trial.whatever(Trial.failure({ deadline: "5 seconds" }))
      assert.strictEqual((yield* Trial.status("a")).state, "Degraded")
      assert.strictEqual((yield* Trial.chat({ deadline: "5 seconds" })).text, "b")
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("a", { delay: "100 millis" })]), make("b", [answer("b")], { tier: 1 })])
    )))

  it.effect("does not, while it took no longer than it may", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 25; call++) yield* Trial.whatever(Trial.chat())
      yield* Trial.play("a", fault("silence"))
      for (let call = 0; call < 10; call++) yield* Trial.whatever(Trial.failure({ deadline: "200 millis" }))
      assert.strictEqual((yield* Trial.status("a")).state, "Healthy")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("a", { delay: "100 millis" })])]))))
})
