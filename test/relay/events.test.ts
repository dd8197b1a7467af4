import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Latch, Layer, Schedule, Schema, Stream } from "effect"
import { CircuitBreaker, RelayEvent, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const circuitBreaker: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(1),
  openFor: "30 seconds",
  jitter: 0
}
const a = make("a", [status(503, { delay: "1 second" }), answer("Hello.")])
const b = make("b", [answer("b")], { tier: 1 })
const tags = (events: ReadonlyArray<RelayEvent.RelayEvent>) => events.map(({ _tag }) => _tag)

describe("the events of a relay", () => {
  it.effect("tell of every try, with its time", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.deepStrictEqual(heard.filter(({ _tag }) => _tag === "AttemptEnded"), [
        { _tag: "AttemptEnded", at: 1000, attempt: meta.attempts[0]! },
        { _tag: "AttemptEnded", at: 1000, attempt: meta.attempts[1]! }
      ])
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("tell of waits, of calls that failed, and of refusals that were never sent", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.play("a", status(429, { retryAfter: 2 }))
      const { attempts } = yield* Trial.whatever(Trial.failure())
      assert.deepStrictEqual(tags(heard), ["AttemptEnded", "WaitBegan", "AttemptEnded", "CallFailed"])
      assert.deepStrictEqual(heard[1], { _tag: "WaitBegan", at: 0, round: 1, delay: 2000, because: "RateLimited" })
      assert.deepStrictEqual(heard[3], { _tag: "CallFailed", at: 2000, failure: "RateLimited", attempts })
      yield* Trial.start(Trial.failure())
      assert.deepInclude((heard[4] as { readonly attempt: object }).attempt, { outcome: "RateLimited", sent: false })
    }).pipe(Effect.provide(Trial.over([a], { retry: Schedule.recurs(1) }))))

  it.effect("tell of operations that failed as they do of chats", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { execute } = yield* Trial.relay
      yield* Effect.flip(execute(() => Effect.fail("down")))
      yield* Effect.flip(execute(() => Effect.succeed("never"), { deadline: 0 }))
      yield* Effect.yieldNow
      assert.deepStrictEqual(tags(heard), ["AttemptEnded", "CallFailed", "CallFailed"])
    }).pipe(Effect.provide(Trial.over([a], { retry: Retry.none }))))

  it.effect("tell of each caller that got a failure, also of those that waited for another's call", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const cached = { tenant: "acme", cache: true }
      yield* Trial.start(Trial.failure(cached))
      yield* Trial.start(Trial.failure(cached))
      yield* Trial.start(Trial.failure({ ...cached, deadline: "500 millis" }))
      yield* Trial.pass("2 seconds")
      const failures = heard.flatMap((event) => event._tag === "CallFailed" ? [event.failure] : [])
      assert.deepStrictEqual(failures, ["DeadlineExceeded", "EndpointUnavailable", "EndpointUnavailable"])
    }).pipe(Effect.provide(Trial.over([a], { retry: Retry.none }))))

  it.effect("tell of calls that were interrupted", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.whatever(Effect.ignore(Effect.timeout(Trial.chat(), "500 millis")))
      assert.deepInclude((heard[0] as { readonly attempt: object }).attempt, {
        endpoint: "a",
        outcome: "Interrupted",
        duration: 500
      })
    }).pipe(Effect.provide(Trial.over([a]))))

  it.effect("tell of hits", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.chat({ tenant: "acme", cache: true })
      yield* Trial.chat({ tenant: "acme", cache: true })
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard.at(-1), { _tag: "CacheHit", at: 0, model: "any", stale: false })
    }).pipe(Effect.provide(Trial.over([b]))))

  it.effect("tell of every change of a circuit, and of the rule that opened it", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.whatever(Trial.failure())
      yield* Trial.pass("30 seconds")
      for (let probe = 0; probe < 3; probe++) yield* Trial.chat()
      yield* Effect.yieldNow
      const changes = heard.flatMap((event) =>
        event._tag === "CircuitChanged" ? [[event.from, event.to, event.because]] : []
      )
      assert.deepStrictEqual(changes, [
        ["Closed", "Open", "consecutive(1)"],
        ["Open", "HalfOpen", undefined],
        ["HalfOpen", "Closed", undefined]
      ])
    }).pipe(Effect.provide(Trial.over([a], { circuitBreaker, retry: Retry.none }))))

  it.effect("tell nothing of the circuit of an endpoint that was replaced, when its late answers come in", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { endpoints } = yield* Trial.relay
      yield* Trial.start(Effect.ignore(Trial.chat()))
      yield* endpoints.replace({ ...a.endpoint, tier: 2 })
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(tags(heard).filter((tag) => tag === "CircuitChanged"), [])
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "Closed")
    }).pipe(Effect.provide(Trial.over([a], { circuitBreaker, retry: Retry.none, maxAttempts: 1 }))))

  it.effect("tell of every health check", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.pass("10 seconds")
      yield* Effect.flatMap(ScriptedEndpoint.Recorder, ({ playChecks }) =>
        playChecks("b", status(500, { delay: "1 second" })))
      yield* Trial.pass("11 seconds")
      assert.deepStrictEqual(
        heard.filter(({ _tag }) =>
          _tag === "HealthChecked"
        ),
        [
          { _tag: "HealthChecked", at: 10_000, endpoint: "b", healthy: true, duration: 0 },
          { _tag: "HealthChecked", at: 21_000, endpoint: "b", healthy: false, duration: 1000 }
        ]
      )
    }).pipe(Effect.provide(Trial.over([b], { health: { schedule: Schedule.spaced("10 seconds") } }))))

  it.effect("tell of every change of the set", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { endpoints } = yield* Trial.relay
      yield* endpoints.add({ id: "c" })
      yield* endpoints.replace({ id: "c", tier: 1 })
      yield* endpoints.drain("c")
      yield* endpoints.remove("c")
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        heard.map((event) => event._tag === "EndpointChanged" && `${event.endpoint} ${event.change}`),
        ["c Added", "c Replaced", "c Draining", "c Removed"]
      )
    }).pipe(Effect.provide(Trial.over([b]))))

  it.effect("can be written as JSON and read again", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.whatever(Trial.chat())
      yield* Trial.pass("1 second")
      const codec = Schema.fromJsonString(Schema.Array(RelayEvent.RelayEvent))
      const text = yield* Schema.encodeEffect(codec)(heard)
      assert.deepStrictEqual(yield* Schema.decodeEffect(codec)(text), heard)
    }).pipe(Effect.provide(Trial.over([a, b], { circuitBreaker }))))

  it.effect("reach every listener, from when it listens, and end with the relay", () =>
    Effect.gen(function*() {
      const collected = yield* Effect.scoped(Effect.gen(function*() {
        const services = yield* Layer.build(Trial.over([b]))
        return yield* Effect.gen(function*() {
          yield* Trial.chat()
          const { events } = yield* Trial.relay
          const first = yield* Trial.start(Stream.runCollect(Stream.take(events, 2)))
          yield* Trial.chat()
          const second = yield* Trial.start(Stream.runCollect(Stream.take(events, 1)))
          yield* Trial.chat()
          yield* Trial.pass("1 milli")
          return [first.pollUnsafe(), second.pollUnsafe()]
        }).pipe(Effect.provideContext(services))
      }))
      const heard = yield* Effect.forEach(collected, (exit) => Effect.flatten(Effect.sync(() => exit!)))
      assert.deepStrictEqual(heard.map((events) => events.length), [2, 1])
    }))

  it.effect("a listener that falls behind loses the oldest, and holds up nobody", () =>
    Effect.gen(function*() {
      const { events } = yield* Trial.relay
      const ready = yield* Latch.make()
      let heard = 0
      const listener = Stream.runForEach(events, () => {
        heard++
        return ready.await
      })
      yield* Trial.start(listener)
      for (let call = 0; call < 5000; call++) yield* Trial.failure({ deadline: 0 })
      yield* ready.open
      // a fiber with much to do lets others go first now and then
      for (let turn = 0; turn < 10; turn++) yield* Trial.pass("1 milli")
      assert.isAtLeast(heard, 4096)
      assert.isBelow(heard, 5000)
    }).pipe(Effect.provide(Trial.over([b]))))

  it.effect("are not even stamped while nobody listens", () =>
    Effect.gen(function*() {
      const real = yield* Clock.Clock
      let reads = 0
      const counting: Clock.Clock = Object.assign(Object.create(real), {
        currentTimeMillisUnsafe: () => {
          reads++
          return real.currentTimeMillisUnsafe()
        }
      })
      const services = yield* Effect.provideService(Layer.build(Trial.over([b])), Clock.Clock, counting)
      yield* Effect.gen(function*() {
        const { endpoints } = yield* Trial.relay
        yield* Trial.chat()
        yield* endpoints.isolate("b")
        yield* Trial.failure()
        assert.strictEqual(reads, 0)
        yield* Effect.scoped(Effect.andThen(Trial.listen, Trial.failure()))
        assert.strictEqual(reads, 2)
        yield* Trial.failure()
        assert.strictEqual(reads, 2)
      }).pipe(Effect.provideContext(services))
    }))
})
