import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  type Configuration,
  RateLimiter,
  type RelayError,
  RelayService,
  ResponseCache
} from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { FetchHttpClient, type HttpClient } from "effect/http"
import * as Trial from "./Trial.ts"

const one = ScriptedEndpoint.make("a", [ScriptedEndpoint.answer("Hello.")])
const relay = RelayService.layer({ endpoints: [one.endpoint], health: "off" })
const http = ScriptedEndpoint.layer(one)

type Complete = Layer.Layer<RelayService.RelayService, Configuration.InvalidConfiguration>

describe("what a relay stands on is in its type", () => {
  it("all four policies and an HTTP client make it complete", () => {
    const complete: Complete = relay.pipe(
      Layer.provide([CircuitBreaker.layer(), Bulkhead.layer(), RateLimiter.layer(), ResponseCache.layer()]),
      Layer.provide(FetchHttpClient.layer)
    )
    assert.isTrue(Layer.isLayer(complete))
  })

  it("a missing policy is a type error, each of them", () => {
    const { layer: circuitBreaker } = CircuitBreaker
    // @ts-expect-error the circuit breaker is missing
    const a: Complete = relay.pipe(Layer.provide([Bulkhead.layer(), RateLimiter.layer(), ResponseCache.layer(), http]))
    // @ts-expect-error the bulkhead is missing
    const b: Complete = relay.pipe(Layer.provide([circuitBreaker(), RateLimiter.layer(), ResponseCache.layer(), http]))
    // @ts-expect-error the rate limiter is missing
    const c: Complete = relay.pipe(Layer.provide([circuitBreaker(), Bulkhead.layer(), ResponseCache.layer(), http]))
    // @ts-expect-error the response cache is missing
    const d: Complete = relay.pipe(Layer.provide([circuitBreaker(), Bulkhead.layer(), RateLimiter.layer(), http]))
    // @ts-expect-error the HTTP client is missing
    const e: Complete = RelayService.layerDefault({ endpoints: [one.endpoint] })
    assert.lengthOf([a, b, c, d, e], 5)
  })

  it("layerDefault asks for an HTTP client and nothing else", () => {
    const layer: Layer.Layer<RelayService.RelayService, Configuration.InvalidConfiguration, HttpClient.HttpClient> =
      RelayService.layerDefault({ endpoints: [one.endpoint] })
    const complete: Complete = Layer.provide(layer, FetchHttpClient.layer)
    assert.isTrue(Layer.isLayer(complete))
  })

  it("a relay without endpoints, or with an option that does not exist, is a type error", () => {
    // @ts-expect-error the endpoints are missing
    const a = RelayService.layer({})
    // @ts-expect-error there is no such option
    const b = RelayService.layer({ endpoints: [one.endpoint], maxRetries: 3 })
    // @ts-expect-error a key has to be wrapped
    const c = RelayService.layer({ endpoints: [{ id: "a", apiKey: "sk-plain" }] })
    assert.lengthOf([a, b, c], 3)
  })

  it("chat fails with the union of what its parts can say, and with nothing wider", () => {
    const call: Effect.Effect<RelayService.ChatReply, RelayError.RelayError, RelayService.RelayService> = Trial.chat()
    assert.isTrue(Effect.isEffect(call))
  })
})

describe("how a relay is put together", () => {
  it.effect("layerDefault works with an HTTP client alone", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(
      Effect.provide(RelayService.layerDefault({ endpoints: [one.endpoint], health: "off" }).pipe(Layer.provide(http)))
    ))

  it.effect("swapping one layer changes nothing else", () =>
    Effect.gen(function*() {
      const open = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1) })
      const own = Layer.succeed(CircuitBreaker.CircuitBreaker, open)
      const reply = yield* Trial.chat().pipe(Effect.provide(
        relay.pipe(Layer.provide([own, Bulkhead.layer(), RateLimiter.layer(), ResponseCache.layer(), http]))
      ))
      assert.strictEqual(reply.text, "Hello.")
      assert.include(yield* open.keys, "a")
    }))

  it.effect("options of an endpoint stand over those of the layer, which hold for the others", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const down = yield* Effect.forEach(["a", "b"], (key) => {
        const { protect, state } = breaker.at(key)
        return Effect.andThen(Effect.ignore(protect(Effect.fail("down"))), Effect.map(state, ({ state }) => state))
      })
      assert.deepStrictEqual(down, ["Closed", "Open"])
    }).pipe(Effect.provide(
      Trial.over([
        { ...one, endpoint: { ...one.endpoint, circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(2) } } },
        ScriptedEndpoint.make("b", [ScriptedEndpoint.answer("b")])
      ], { circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } })
    )))

  it.effect("a layer named once is built once, and its state is shared by all who stand on it", () =>
    Effect.gen(function*() {
      let builds = 0
      const counted = Layer.effect(
        Bulkhead.Bulkhead,
        Effect.tap(Bulkhead.make({ maxConcurrent: 1 }), () => Effect.sync(() => builds++))
      )
      const policies = Layer.mergeAll(counted, CircuitBreaker.layer(), RateLimiter.layer(), ResponseCache.layer(), http)
      const services = yield* Layer.build(Layer.provideMerge(relay, policies))
      yield* Effect.provideContext(Trial.chat(), services)
      const bulkhead = Context.get(services, Bulkhead.Bulkhead)
      assert.deepStrictEqual([builds, (yield* bulkhead.keys).includes("a")], [1, true])
    }))

  it.effect("make builds the same in a scope of one's own", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.make({ endpoints: [one.endpoint], health: "off" })
      assert.strictEqual((yield* relay.chat(Trial.hi)).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([one]))))
})
