import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted } from "effect"
import { CircuitBreaker, type Endpoint, Failure, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, body, make, status } = ScriptedEndpoint

const once = { retry: Retry.none }
const state = (id: string) => Effect.map(Trial.status(id), ({ state }) => state)

describe("a quota that is used up", () => {
  const acme = (id: string, tier: number) => make(id, [answer(id)], { account: "acme", tier })
  const used = (retryAfter?: number) => status(429, { code: "insufficient_quota", retryAfter })

  it.effect("takes out every endpoint of the account, and none of another", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", used())
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "other")
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "other"), [1, 0, 1])
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b", "other"], state), ["Exhausted", "Exhausted", "Healthy"])
      yield* Trial.chat()
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "other"), [1, 0, 2])
    }).pipe(Effect.provide(Trial.over([acme("a", 0), acme("b", 1), make("other", [answer("Hello.")], { tier: 2 })]))))

  it.effect("is not asked before its reset, and asked from the reset on", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", used(3600), answer("refilled"))
      assert.deepInclude(yield* Trial.failure(), { _tag: "QuotaExceeded", account: "acme" })
      yield* Trial.pass("3599999 millis")
      assert.deepInclude(yield* Trial.failure(), {
        _tag: "QuotaExceeded",
        account: "acme",
        retryAfter: Duration.millis(1)
      })
      assert.strictEqual(yield* Trial.count("a"), 1)
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "refilled")
    }).pipe(Effect.provide(Trial.over([acme("a", 0)], once))))

  it.effect("without a known reset is looked at again after five minutes", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", used(), answer("refilled"))
      yield* Trial.failure()
      yield* Trial.pass("299999 millis")
      yield* Trial.failure()
      assert.strictEqual(yield* Trial.count("a"), 1)
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "refilled")
    }).pipe(Effect.provide(Trial.over([acme("a", 0)], once))))

  it.effect("for a day is looked at again after five minutes, whatever wait Google's pace would ask for", () =>
    Effect.gen(function*() {
      const details = [{ violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel" }] }, {
        retryDelay: "3.5s"
      }]
      const error = { code: 429, message: "Please retry in 3.5s.", status: "RESOURCE_EXHAUSTED", details }
      yield* Trial.play("a", body(JSON.stringify({ error }), { status: 429 }), answer("a new day"))
      yield* Trial.failure()
      yield* Trial.pass("299999 millis")
      assert.deepInclude(yield* Trial.failure(), { _tag: "QuotaExceeded", retryAfter: Duration.millis(1) })
      assert.strictEqual(yield* Trial.count("a"), 1)
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "a new day")
    }).pipe(Effect.provide(Trial.over([acme("a", 0)], once))))

  it.effect("is nobody's failure: the circuit does not count it", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", used())
      yield* Trial.failure()
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 0 })
    }).pipe(Effect.provide(
      Trial.over([acme("a", 0)], { ...once, circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } })
    )))

  it.effect("stays used up when an answer from before comes late", () =>
    Effect.gen(function*() {
      const early = yield* Trial.start(Trial.chat())
      yield* Trial.play("a", used(3600))
      yield* Trial.failure()
      yield* Trial.pass("5 seconds")
      assert.strictEqual((yield* Fiber.join(early)).text, "early")
      assert.strictEqual(yield* state("a"), "Exhausted")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("early", { delay: "5 seconds" })])], once))))
})

describe("a key that is refused", () => {
  it.effect.each([401, 403])(
    "takes its endpoint out, until it is looked at again after five minutes: %i",
    (code) =>
      Effect.gen(function*() {
        yield* Trial.play("a", status(code), answer("allowed"))
        assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
        assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
        assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 2])
        assert.strictEqual(yield* state("a"), "Exhausted")
        yield* Trial.pass("5 minutes")
        assert.strictEqual((yield* Trial.chat()).text, "allowed")
      }).pipe(Effect.provide(Trial.over([make("a", [answer("")]), make("b", [answer("b")], { tier: 1 })])))
  )

  it.effect("does not take out another endpoint of the account, which has a key of its own", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(401)], { account: "acme" }),
      make("b", [answer("b")], { account: "acme", tier: 1 })
    ]))))

  it.effect("is back at once when the endpoint is replaced by one with another key", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.failure()
      yield* Trial.play("a", answer("allowed"))
      yield* endpoints.replace({ ...make("a", [answer("")]).endpoint, apiKey: Redacted.make("another") })
      assert.strictEqual((yield* Trial.chat()).text, "allowed")
      assert.strictEqual((yield* Trial.received("a"))[1]!.headers["authorization"], "Bearer another")
    }).pipe(Effect.provide(Trial.over([make("a", [status(401)])], once))))

  it.effect("stays refused when an answer from before comes late", () =>
    Effect.gen(function*() {
      const early = yield* Trial.start(Trial.chat())
      yield* Trial.play("a", status(401))
      yield* Trial.failure()
      yield* Trial.pass("5 seconds")
      yield* Fiber.join(early)
      assert.strictEqual(yield* state("a"), "Exhausted")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("early", { delay: "5 seconds" })])], once))))
})

describe("a model that is not found", () => {
  const ask = (model: string) => Trial.chat({}, { ...Trial.hi, model })

  it.effect("is not asked for at that endpoint; other models are, and so is another endpoint for this one", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ask("new")).meta.endpoint, "b")
      assert.strictEqual((yield* ask("new")).meta.endpoint, "b")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 2])
      assert.strictEqual((yield* ask("old")).meta.endpoint, "a")
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(404), answer("a")]), make("b", [answer("b")], { tier: 1 })])
    )))

  it.effect("is a ModelNotFound when no endpoint has it, and asked for again after ten minutes", () =>
    Effect.gen(function*() {
      const first = yield* Effect.flip(ask("new"))
      assert.deepInclude(first, { _tag: "ModelNotFound", endpoint: "a", model: "new", status: 404 })
      yield* Trial.pass("599999 millis")
      assert.deepInclude(yield* Effect.flip(ask("new")), { _tag: "ModelNotFound", retryAfter: Duration.millis(1) })
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* ask("new")).meta.endpoint, "a")
    }).pipe(Effect.provide(Trial.over([make("a", [status(404), answer("a")])], once))))
})

describe("a 429 that passes with time", () => {
  it.effect("pauses one model at one endpoint", () =>
    Effect.gen(function*() {
      yield* Trial.failure({}, { ...Trial.hi, model: "busy" })
      assert.strictEqual(yield* state("a"), "Paused")
      assert.strictEqual((yield* Trial.failure({}, { ...Trial.hi, model: "busy" }))._tag, "RateLimited")
      assert.strictEqual((yield* Trial.chat({}, { ...Trial.hi, model: "idle" })).text, "a")
    }).pipe(Effect.provide(Trial.over([make("a", [status(429, { retryAfter: 9 }), answer("a")])], once))))

  it.effect("ends exactly when the endpoint said", () =>
    Effect.gen(function*() {
      yield* Trial.failure()
      yield* Trial.pass("8999 millis")
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "RateLimited", source: "Upstream", retryAfter: Duration.millis(1) })
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "a")
    }).pipe(Effect.provide(Trial.over([make("a", [status(429, { retryAfter: 9 }), answer("a")])], once))))

  it.effect("without a hint it is a second, and twice as long each time in a row, up to a minute", () =>
    Effect.gen(function*() {
      const asked = [0]
      for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
        yield* Trial.failure()
        yield* Trial.pass(Duration.millis(seconds * 1000 - 1))
        yield* Trial.failure()
        yield* Trial.pass("1 milli")
        asked.push(asked.at(-1)! + seconds * 1000)
      }
      yield* Trial.failure()
      assert.deepStrictEqual(yield* Trial.times("a"), asked)
    }).pipe(Effect.provide(Trial.over([make("a", [status(429)])], once))))

  it.effect("without a hint it begins anew after an answer", () =>
    Effect.gen(function*() {
      for (const seconds of [1, 2, 4]) {
        yield* Trial.failure()
        yield* Trial.pass(Duration.seconds(seconds))
      }
      yield* Trial.play("a", answer("a"), status(429))
      yield* Trial.chat()
      yield* Trial.failure()
      assert.deepInclude(yield* Trial.failure(), { _tag: "RateLimited", retryAfter: Duration.seconds(1) })
    }).pipe(Effect.provide(Trial.over([make("a", [status(429)])], once))))

  it.effect("calls refused at the same moment are one refusal, not many in a row", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 8; call++) yield* Trial.start(Effect.ignore(Trial.chat()))
      yield* Trial.pass("1 second")
      assert.deepInclude(yield* Trial.failure(), { _tag: "RateLimited", retryAfter: Duration.seconds(1) })
    }).pipe(Effect.provide(Trial.over([make("a", [status(429, { delay: "1 second" })])], once))))

  it.effect("is not ended by an answer from before it", () =>
    Effect.gen(function*() {
      const early = yield* Trial.start(Trial.chat())
      yield* Trial.play("a", status(429, { retryAfter: 60 }))
      yield* Trial.failure()
      yield* Trial.pass("5 seconds")
      yield* Fiber.join(early)
      assert.deepInclude(yield* Trial.failure(), { _tag: "RateLimited", retryAfter: Duration.seconds(55) })
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(Trial.over([make("a", [answer("early", { delay: "5 seconds" })])], once))))
})

describe("what an operation fails with", () => {
  const attempts: [] = []
  const retryAfter = Duration.hours(1)
  const two = [
    make("a", [answer("a")], { account: "acme" }),
    make("b", [answer("b")], { account: "acme", tier: 1 })
  ]
  type Told = (endpoint: Endpoint.Endpoint) => Failure.Failure

  /** The first endpoint fails with this, and whoever is asked next is well. */
  const failing = (told: Told) =>
    Effect.flatMap(
      Trial.relay,
      ({ execute }) =>
        execute((endpoint) => endpoint.id === "a" ? Effect.fail(told(endpoint)) : Effect.succeed(endpoint.id))
    )

  const foreign: ReadonlyArray<readonly [string, Told]> = [
    [
      "the quota of another account",
      () => new Failure.QuotaExceeded({ endpoint: "inner", account: "x", retryAfter, attempts })
    ],
    [
      "the quota of another account, of an endpoint by the same name",
      () => new Failure.QuotaExceeded({ endpoint: "a", account: "x", retryAfter, attempts })
    ],
    [
      "the key of another endpoint",
      () => new Failure.Unauthorized({ endpoint: "inner", status: 401, retryAfter, attempts })
    ],
    [
      "what the key of another endpoint may not do",
      () => new Failure.Unauthorized({ endpoint: "inner", status: 403, retryAfter, attempts })
    ],
    [
      "a model that another endpoint does not serve",
      () => new Failure.ModelNotFound({ endpoint: "inner", model: "any", retryAfter, attempts })
    ],
    ["a model that no endpoint below serves", () => new Failure.ModelNotFound({ model: "any", attempts })]
  ]
  it.effect.each(foreign)(
    "is no verdict on an endpoint where it is of somebody else: %s",
    ([, told]) =>
      Effect.gen(function*() {
        const { meta, value } = yield* failing(told)
        assert.strictEqual(value, "b")
        assert.deepStrictEqual(meta.attempts.map(({ endpoint, sent }) => [endpoint, sent]), [["a", true], ["b", true]])
        assert.deepStrictEqual(yield* Effect.forEach(["a", "b"], state), ["Healthy", "Healthy"])
        assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 0 })
        const { execute } = yield* Trial.relay
        assert.strictEqual((yield* execute(({ id }) => Effect.succeed(id))).value, "a")
      }).pipe(Effect.provide(Trial.over(two)))
  )

  const own: ReadonlyArray<readonly [string, Told, ReadonlyArray<string>]> = [
    [
      "its account, by name",
      ({ account }) => new Failure.QuotaExceeded({ endpoint: "inner", account, retryAfter, attempts }),
      ["Exhausted", "Exhausted"]
    ],
    [
      "its account, by the endpoint alone",
      ({ id }) => new Failure.QuotaExceeded({ endpoint: id, account: id, retryAfter, attempts }),
      ["Exhausted", "Exhausted"]
    ],
    [
      "its key",
      ({ id }) => new Failure.Unauthorized({ endpoint: id, status: 401, attempts }),
      ["Exhausted", "Healthy"]
    ],
    [
      "what its key may not do",
      ({ id }) => new Failure.Unauthorized({ endpoint: id, status: 403, attempts }),
      ["Exhausted", "Healthy"]
    ],
    ["its model", ({ id }) => new Failure.ModelNotFound({ endpoint: id, model: "any", attempts }), [
      "Paused",
      "Healthy"
    ]]
  ]
  it.effect.each(own)("is believed where it names %s", ([, told, states]) =>
    Effect.gen(function*() {
      yield* Effect.exit(failing(told))
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b"], state), states)
    }).pipe(Effect.provide(Trial.over(two, once))))

  it.effect("is a relay's below this one: its account is not this one's, and others of this one are asked", () => {
    const used = make("inner", [status(402)], { account: "x" })
    return Effect.gen(function*() {
      const below = yield* RelayService.make({ endpoints: [used.endpoint], health: "off", retry: Retry.none })
      const outer = yield* RelayService.make({ endpoints: two.map(({ endpoint }) => endpoint), health: "off" })
      const { value } = yield* outer.execute(({ id }) =>
        id === "a" ? Effect.map(below.chat(Trial.hi), ({ text }) => text) : Effect.succeed(id)
      )
      assert.strictEqual(value, "b")
      assert.deepStrictEqual((yield* outer.status).map(({ state }) => state), ["Healthy", "Healthy"])
      assert.deepStrictEqual((yield* below.status).map(({ state }) => state), ["Exhausted"])
    }).pipe(Effect.provide(Trial.over([...two, used])))
  })
})
