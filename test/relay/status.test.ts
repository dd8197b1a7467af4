import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { CircuitBreaker, EndpointStatus, Retry } from "effect-relay"
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

describe("the status of a relay", () => {
  it.effect("shows each endpoint in the order it was added, and no secret", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.chat())
      const all = yield* Effect.flatMap(Trial.relay, ({ status }) => status)
      assert.deepStrictEqual(all.map(({ id, state, tier }) => [id, state, tier]), [["a", "Open", 0], [
        "b",
        "Healthy",
        1
      ]])
      assert.deepInclude(all[0], {
        account: "a",
        inFlight: 0,
        answered: 0,
        failed: 1,
        lastFailure: "EndpointUnavailable"
      })
      assert.deepInclude(all[1], { answered: 1, failed: 0 })
      assert.notInclude(JSON.stringify(all), "key-of-")
      const codec = Schema.fromJsonString(Schema.Array(EndpointStatus.EndpointStatus))
      assert.deepStrictEqual(yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(all)), all)
    }).pipe(Effect.provide(Trial.over([a, b], { circuitBreaker }))))

  it.effect("shows what runs now, and how fast it usually is once that is known", () =>
    Effect.gen(function*() {
      yield* Trial.play("b", answer("b", { delay: "2 seconds" }))
      for (let call = 0; call < 20; call++) {
        assert.notProperty(yield* Trial.status("b"), "usualLatency")
        yield* Trial.whatever(Trial.chat())
      }
      yield* Trial.start(Trial.chat())
      const { bulkhead, inFlight, latency, usualLatency } = yield* Trial.status("b")
      assert.deepStrictEqual([inFlight, bulkhead.running], [1, 1])
      assert.closeTo(latency, 2000, 1)
      assert.closeTo(usualLatency!, 2000, 1)
    }).pipe(Effect.provide(Trial.over([b]))))

  it.effect("passes through every state, and says how long those last that end by themselves", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const states: Array<string> = []
      const look = Effect.map(Trial.status("b"), ({ retryAfter, state }) => {
        states.push(retryAfter === undefined ? state : `${state} for ${retryAfter}`)
      })
      const call = (...script: Parameters<typeof make>[1]) =>
        Effect.andThen(Trial.play("b", ...script), Effect.ignore(Trial.chat()))
      yield* look
      for (let failure = 0; failure < 3; failure++) yield* call(status(503))
      yield* look
      yield* call(status(503))
      yield* look
      yield* Trial.pass("30 seconds")
      yield* look
      yield* call(answer("back"))
      for (let probe = 0; probe < 2; probe++) yield* Trial.chat()
      yield* call(status(429, { retryAfter: 5 }))
      yield* look
      yield* Trial.pass(Duration.seconds(5))
      yield* call(status(402))
      yield* look
      yield* endpoints.isolate("b")
      yield* look
      yield* endpoints.drain("b")
      yield* look
      assert.deepStrictEqual(states, [
        "Healthy",
        "Degraded",
        "Open for 30000",
        "Recovering",
        "Paused for 5000",
        "Exhausted for 300000",
        "Isolated",
        "Draining"
      ])
    }).pipe(Effect.provide(Trial.over([b], {
      retry: Retry.none,
      circuitBreaker: { ...circuitBreaker, tripPolicy: CircuitBreaker.consecutive(4) }
    }))))
})
