import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Bulkhead, CircuitBreaker, type Endpoint, RateLimiter, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const slow = (text: string) => answer(text, { delay: "10 seconds" })
const ids = Effect.flatMap(Trial.relay, ({ status }) => Effect.map(status, (all) => all.map(({ id }) => id)))
const a = make("a", [slow("a")])
const b = make("b", [slow("b")])

// all are scripted; a test adds those it leaves out
const only = (...present: ReadonlyArray<string>) =>
  Effect.flatMap(
    Trial.relay,
    ({ endpoints }) =>
      Effect.forEach(["a", "b"].filter((id) => !present.includes(id)), (id) => endpoints.remove(id), { discard: true })
  )

describe("endpoints that change while calls are under way", () => {
  it.effect("one that is added is asked from then on", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      const before = yield* Trial.start(Trial.chat())
      yield* endpoints.add(b.endpoint)
      const after = yield* Trial.start(Trial.chat())
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual([(yield* Fiber.join(before)).text, (yield* Fiber.join(after)).text], ["a", "b"])
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("one that is added helps a call that has already failed elsewhere", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      yield* Trial.play("a", status(503, { delay: "5 seconds" }))
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1 second")
      yield* endpoints.add({ ...b.endpoint, tier: 1 })
      yield* Trial.pass("14 seconds")
      assert.deepInclude((yield* Fiber.join(call)).meta, { endpoint: "b", latency: 15_000 })
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("one that is removed is asked no more, and the calls it has finish", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const calls = yield* Effect.forEach([1, 2], () => Trial.start(Trial.chat()))
      yield* endpoints.remove("a")
      const after = yield* Trial.start(Trial.chat())
      assert.deepStrictEqual(yield* ids, ["b"])
      yield* Trial.pass("10 seconds")
      const texts = yield* Effect.forEach(calls, (call) => Effect.map(Fiber.join(call), ({ text }) => text))
      assert.deepStrictEqual(texts.toSorted(), ["a", "b"])
      assert.strictEqual((yield* Fiber.join(after)).text, "b")
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("one that is drained gets no new calls; the drain ends with its last call, and not before", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const calls = yield* Effect.forEach([1, 2], () => Trial.start(Trial.chat()))
      const drain = yield* Trial.start(endpoints.drain("a"))
      yield* Trial.start(Trial.chat())
      assert.deepInclude(yield* Trial.status("a"), { state: "Draining", inFlight: 1 })
      yield* Trial.pass("9999 millis")
      assert.isFalse(Trial.hasEnded(drain))
      yield* Trial.pass("1 millis")
      yield* Fiber.join(drain)
      yield* Effect.forEach(calls, (call) => Fiber.join(call))
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 2])
      assert.deepStrictEqual(yield* ids, ["a", "b"])
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("a drain of an idle endpoint ends at once, and so does a second one", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.drain("a")
      yield* endpoints.drain("a")
      assert.strictEqual((yield* Trial.status("a")).state, "Draining")
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("a drain ends with its last call even when that call is interrupted, or fails", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      const interrupted = yield* Trial.start(Trial.chat())
      yield* Trial.play("a", status(400, { delay: "1 second" }))
      const failed = yield* Trial.start(Trial.failure())
      const drains = yield* Effect.forEach([1, 2], () => Trial.start(endpoints.drain("a")))
      yield* Fiber.interrupt(interrupted)
      assert.deepStrictEqual(drains.map((drain) => Trial.hasEnded(drain)), [false, false])
      yield* Trial.pass("1 second")
      yield* Fiber.join(failed)
      yield* Fiber.joinAll(drains)
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("one that is replaced starts with a clean slate, and late answers do not soil it", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      yield* Trial.play("a", status(500, { delay: "5 seconds" }), status(500))
      const late = yield* Trial.start(Trial.failure())
      yield* Trial.failure()
      assert.strictEqual((yield* Trial.status("a")).circuit.suspicion, 1)
      yield* endpoints.replace({ ...a.endpoint, tier: 3 })
      assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", tier: 3, failed: 0, inFlight: 0 })
      yield* Trial.pass("5 seconds")
      yield* Fiber.join(late)
      assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", failed: 0, inFlight: 0 })
      assert.strictEqual((yield* Trial.status("a")).circuit.suspicion, 0)
    }).pipe(Effect.provide(Trial.over([a, b], { retry: Retry.none, maxAttempts: 1 }))))

  it.effect("a drained endpoint can be put back by replacing it", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      yield* endpoints.drain("a")
      assert.strictEqual((yield* Trial.failure())._tag, "RelayExhausted")
      yield* endpoints.replace(a.endpoint)
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).text, "a")
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("the last one may go as well: nobody is left then, and no model is to blame, until one is added", () =>
    Effect.gen(function*() {
      const { endpoints, explain } = yield* Trial.relay
      yield* only()
      assert.deepInclude(yield* Trial.failure(), { _tag: "RelayExhausted", attempts: [] })
      assert.deepStrictEqual((yield* explain(Trial.hi)).ifNobody, { _tag: "Fail", failure: "RelayExhausted" })
      yield* endpoints.add({ ...a.endpoint, models: ["another"] })
      assert.strictEqual((yield* Trial.failure())._tag, "ModelNotFound")
      yield* endpoints.replace(a.endpoint)
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).text, "a")
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("a used-up quota outlives the replacement of its endpoint, since the account is the same", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      yield* Trial.play("a", status(402))
      yield* Trial.failure()
      yield* endpoints.replace({ ...a.endpoint, tier: 1 })
      assert.deepInclude(yield* Trial.status("a"), { state: "Exhausted", tier: 1 })
      yield* endpoints.replace({ ...a.endpoint, account: "another" })
      assert.strictEqual((yield* Trial.status("a")).state, "Healthy")
    }).pipe(Effect.provide(Trial.over([a, b], { retry: Retry.none }))))
})

describe("changes that cannot work", () => {
  const bad: ReadonlyArray<readonly [string, Partial<Endpoint.Options>]> = [
    ["tier", { tier: -1 }],
    ["baseUrl", { baseUrl: "ftp://a" }],
    ["circuitBreaker.openFor", { circuitBreaker: { openFor: 0 } }],
    ["bulkhead.maxConcurrent", { bulkhead: { maxConcurrent: 0 } }],
    ["limits.concurrency", { limits: { concurrency: 0 } }]
  ]
  it.effect.each(bad)("are refused by name, and the old set stays: %s", ([field, options]) =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      const call = yield* Trial.start(Trial.chat())
      assert.deepInclude(yield* Effect.flip(endpoints.add({ ...b.endpoint, ...options })), {
        _tag: "InvalidConfiguration",
        field
      })
      assert.deepInclude(yield* Effect.flip(endpoints.replace({ ...a.endpoint, ...options })), {
        _tag: "InvalidConfiguration",
        field
      })
      assert.deepStrictEqual(yield* ids, ["a"])
      assert.deepInclude(yield* Trial.status("a"), { inFlight: 1, tier: 0 })
      yield* Trial.pass("10 seconds")
      assert.strictEqual((yield* Fiber.join(call)).text, "a")
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("leave no policies behind, and those of the old set in place", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* only("a")
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const refused = { bulkhead: { maxConcurrent: 0 } }
      const kept = yield* breaker.keys
      yield* Effect.flip(endpoints.add({ ...a.endpoint, id: "c", ...refused }))
      assert.deepStrictEqual(yield* breaker.keys, kept)
      yield* Effect.flip(endpoints.replace({ ...a.endpoint, ...refused }))
      yield* breaker.at("a").isolate
      assert.strictEqual((yield* Trial.status("a")).state, "Isolated")
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("an id that is taken is refused, and one that is not there cannot be changed", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      assert.deepInclude(yield* Effect.flip(endpoints.add(a.endpoint)), {
        subject: "Endpoints",
        field: "id",
        value: "\"a\"",
        rule: "another endpoint has this id"
      })
      const absent = { _tag: "EndpointNotFound", id: "c", known: ["a", "b"] } as const
      for (const name of ["drain", "remove", "isolate", "reset"] as const) {
        assert.deepInclude(yield* Effect.flip(endpoints[name]("c")), absent)
      }
      assert.deepInclude(yield* Effect.flip(endpoints.replace({ ...a.endpoint, id: "c" })), absent)
    }).pipe(Effect.provide(Trial.over([a, b]))))

  const nobody: ReadonlyArray<readonly [unknown, string]> = [
    [undefined, "undefined"],
    [null, "null"],
    [5, "5"],
    [["a"], "array"],
    [{}, "object"],
    [{ account: 5 }, "object"],
    [{ id: "a" }, "object"],
    [{ account: "a", id: "b" }, "object"]
  ]
  it.effect.each(nobody)("what names no endpoint is refused by name: %j", ([subject, value]) =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (const name of ["drain", "isolate", "reset"] as const) {
        assert.deepInclude(yield* Effect.flip(endpoints[name](subject as string)), {
          _tag: "InvalidArgument",
          subject: `RelayService.endpoints.${name}`,
          argument: "subject",
          value,
          rule: "it has to be an id, or an object with the account and nothing else"
        })
      }
      assert.deepInclude(yield* Effect.flip(endpoints.remove(subject as string)), {
        _tag: "InvalidArgument",
        subject: "RelayService.endpoints.remove",
        argument: "id",
        value,
        rule: "it has to be a text"
      })
      assert.deepStrictEqual(yield* ids, ["a", "b"])
    }).pipe(Effect.provide(Trial.over([a, b]))))

  it.effect("two of one id are refused when the relay is built", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.provide(Trial.chat(), Trial.over([a, a])))
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", field: "id" })
    }))
})

describe("endpoints that come and go", () => {
  const policies = Effect.all([CircuitBreaker.CircuitBreaker, Bulkhead.Bulkhead, RateLimiter.RateLimiter])
  const keys = Effect.flatMap(policies, (all) => Effect.forEach(all, (policy) => policy.keys))

  it.effect("leave nothing behind in the policies", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const before = yield* keys
      for (let id = 0; id < 100; id++) {
        yield* endpoints.add({ id: `e${id}` })
        yield* endpoints.remove(`e${id}`)
      }
      assert.deepStrictEqual(yield* keys, before)
    }).pipe(Effect.provide(Trial.over([a]))))

  it.effect("are never more than ten thousand", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (let id = 1; id < 10_000; id++) yield* endpoints.add({ id: `e${id}` })
      const failure = yield* Effect.flip(endpoints.add({ id: "one more" }))
      assert.deepInclude(failure, { subject: "Endpoints", field: "length", value: "10001" })
      yield* endpoints.remove("e1")
      yield* endpoints.add({ id: "one more" })
    }).pipe(Effect.provide(Trial.over([a]))))
})
