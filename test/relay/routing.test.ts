import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { CircuitBreaker, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const ids = Array.from({ length: 10 }, (_, index) => `endpoint-${index}`)

const patient: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(100) }

describe("routing", () => {
  it.effect("a lower tier is asked first, and a higher one only when it fails", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "first")
      yield* Trial.play("first", status(503))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "second")
      yield* Trial.play("second", fault("refused"))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "third")
      assert.deepStrictEqual(yield* Trial.counts("first", "second", "third"), [3, 2, 1])
      assert.strictEqual(yield* Trial.now, 0)
    }).pipe(Effect.provide(Trial.over([
      make("third", [answer("3")], { tier: 7 }),
      make("second", [answer("2")], { tier: 1 }),
      make("first", [answer("1")])
    ]))))

  it.effect("an endpoint that answers worse than it used to is asked last, whatever its tier", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 3; call++) yield* Trial.chat()
      assert.strictEqual((yield* Trial.status("primary")).state, "Degraded")
      yield* Trial.play("primary", answer("back"))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "backup")
      assert.deepStrictEqual(yield* Trial.counts("primary", "backup"), [3, 4])
    }).pipe(Effect.provide(
      Trial.over([make("primary", [status(503)]), make("backup", [answer("Hello.")], { tier: 1 })])
    )))

  it.effect("a degraded endpoint is still asked when nobody else answers", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 3; call++) yield* Trial.chat()
      yield* Trial.play("primary", answer("back"))
      yield* Trial.play("backup", status(500))
      assert.strictEqual((yield* Trial.chat()).text, "back")
    }).pipe(Effect.provide(
      Trial.over([make("primary", [status(503)]), make("backup", [answer("Hello.")], { tier: 1 })])
    )))

  it.effect("endpoints of one tier share calls that run at once evenly", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 18; call++) yield* Trial.start(Trial.chat())
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "c"), [6, 6, 6])
    }).pipe(Effect.provide(Trial.over(
      ["a", "b", "c"].map((id) => make(id, [answer(id, { delay: "1 second" })]))
    ))))

  it.effect("endpoints of a large tier all get their share", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 200; call++) yield* Trial.start(Trial.chat())
      const shares = yield* Trial.counts(...ids)
      // two choices keep the largest share within a few of the smallest
      assert.isAtLeast(Math.min(...shares), 15)
      assert.isAtMost(Math.max(...shares), 25)
    }).pipe(
      Effect.provide(Trial.over(ids.map((id) => make(id, [answer(id, { delay: "1 second" })])), {
        bulkhead: { maxConcurrent: 100 }
      })),
      Random.withSeed("a large tier")
    ))

  it.effect("the faster endpoint of a tier gets more calls, the slower one is not forgotten", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 80; call++) {
        yield* Effect.all([Trial.start(Trial.chat()), Trial.start(Trial.chat()), Trial.start(Trial.chat())])
        yield* Trial.pass("600 millis")
      }
      const [fast, slow] = yield* Trial.counts("fast", "slow")
      assert.isAbove(fast!, 2 * slow!)
      assert.isAbove(slow!, 5)
    }).pipe(Effect.provide(Trial.over([
      make("fast", [answer("fast", { delay: "100 millis" })]),
      make("slow", [answer("slow", { delay: "500 millis" })])
    ]))))

  it.effect("an endpoint whose failures come fast does not look fast", () =>
    Effect.gen(function*() {
      const flapping = Array.from({ length: 100 }, (_, index) => index % 2 === 0 ? status(500) : answer("up"))
      yield* Trial.play("broken", status(500), ...flapping)
      for (let call = 0; call < 40; call++) yield* Trial.whatever(Trial.chat())
      assert.isBelow(yield* Trial.count("broken"), 20)
    }).pipe(Effect.provide(Trial.over([
      make("broken", [status(500)]),
      make("working", [answer("Hello.", { delay: "2 seconds" })])
    ], { circuitBreaker: patient }))))

  it.effect("a round looks past every endpoint that refuses, however many", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (let id = 0; id < 100; id++) {
        yield* endpoints.add({ ...make(`out-${id}`, [answer("never")]).endpoint })
        yield* endpoints.isolate(`out-${id}`)
      }
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "last")
    }).pipe(Effect.provide(Trial.over([make("last", [answer("Hello.")], { tier: 1 })], { retry: Retry.none }))))
})

describe("models", () => {
  const azure = make("azure", [answer("Hello.", { model: "deployment-7" })], { models: { large: "deployment-7" } })
  const openai = make("openai", [answer("Hello.")], { models: ["large", "small"], tier: 1 })

  it.effect("an endpoint is asked by its own name for a model, and the answer says which model answered", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat({}, { ...Trial.hi, model: "large" })
      assert.strictEqual((yield* Trial.received("azure"))[0]!.body["model"], "deployment-7")
      assert.deepInclude(meta, { endpoint: "azure", model: "deployment-7" })
    }).pipe(Effect.provide(Trial.over([azure, openai]))))

  it.effect("an endpoint that does not serve a model is not asked for it", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat({}, { ...Trial.hi, model: "small" })
      assert.strictEqual(meta.endpoint, "openai")
      assert.deepStrictEqual(yield* Trial.counts("azure", "openai"), [0, 1])
    }).pipe(Effect.provide(Trial.over([azure, openai]))))

  it.effect("a model that no endpoint serves is a ModelNotFound without an endpoint, and nobody is asked", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({}, { ...Trial.hi, model: "huge" })
      assert.deepInclude(failure, { _tag: "ModelNotFound", model: "huge", attempts: [] })
      assert.notProperty(failure, "endpoint")
      assert.deepStrictEqual(yield* Trial.counts("azure", "openai"), [0, 0])
    }).pipe(Effect.provide(Trial.over([azure, openai]))))

  it.effect("an endpoint without a base URL serves execute, and no chat", () =>
    Effect.gen(function*() {
      const { endpoints, execute } = yield* Trial.relay
      yield* endpoints.remove("only-chat")
      assert.strictEqual((yield* Trial.failure())._tag, "ModelNotFound")
      assert.strictEqual((yield* execute(({ id }) => Effect.succeed(id))).value, "grpc")
    }).pipe(Effect.provide(Trial.over([
      make("only-chat", [answer("Hello.")]),
      { ...make("grpc", [answer("never")]), endpoint: { id: "grpc" } }
    ]))))

  it.effect("everything in a request reaches the endpoint as it is, with the key and the headers of the endpoint", () =>
    Effect.gen(function*() {
      const request = { ...Trial.hi, temperature: 0.3, tools: [{ type: "function" }], custom: { deep: [1, null] } }
      yield* Trial.chat({}, request)
      const [received] = yield* Trial.received("one")
      assert.deepStrictEqual(received!.body, request)
      assert.deepInclude(received!.headers, { authorization: "Bearer key-of-one", "x-team": "blue" })
    }).pipe(Effect.provide(Trial.over([make("one", [answer("Hello.")], { headers: { "x-team": "blue" } })]))))
})
