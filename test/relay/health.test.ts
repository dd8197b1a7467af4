import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random, Schedule } from "effect"
import { CircuitBreaker, type Endpoint, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient, HttpClientResponse } from "effect/http"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const everyTen = { schedule: Schedule.spaced("10 seconds") }
const checks = (id: string) => Effect.flatMap(ScriptedEndpoint.Recorder, (recorder) => recorder.checks(id))
const playChecks = (id: string, step: ScriptedEndpoint.Step) =>
  Effect.flatMap(ScriptedEndpoint.Recorder, (recorder) => recorder.playChecks(id, step))
const state = (id: string) => Effect.map(Trial.status(id), ({ state }) => state)
const circuit: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(3), openFor: "30 seconds", jitter: 0 }
const one = (options?: Omit<Endpoint.Options, "id" | "baseUrl">) => [make("a", [answer("Hello.")], options)]

const dead: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
  ["a refused connection", fault("refused")],
  ["silence", fault("silence")],
  ["a 503", status(503)]
]

describe("health checks", () => {
  it.effect("run on their schedule, and send nothing that costs", () =>
    Effect.gen(function*() {
      yield* Trial.pass("35 seconds")
      assert.strictEqual(yield* checks("a"), 3)
      assert.strictEqual(yield* Trial.count("a"), 0)
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen }))))

  it.effect("run every ten seconds, give or take a fifth, when nothing is said", () =>
    Effect.gen(function*() {
      yield* Trial.pass("10 minutes")
      const count = yield* checks("a")
      assert.isAtLeast(count, 50)
      assert.isAtMost(count, 75)
    }).pipe(Effect.provide(Trial.over(one(), { health: {} })), Random.withSeed("health")))

  it.effect("do not run when they are off, nor for an endpoint without a base URL or one that is draining", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.drain("a")
      yield* endpoints.add({ id: "bare" })
      yield* Trial.pass("1 minute")
      assert.strictEqual(yield* checks("a"), 0)
    }).pipe(
      Effect.provide(Trial.over(one(), { health: everyTen })),
      Effect.andThen(
        Effect.gen(function*() {
          yield* Trial.pass("1 minute")
          assert.strictEqual(yield* checks("a"), 0)
        }).pipe(Effect.provide(Trial.over(one(), { health: "off" })))
      )
    ))

  it.effect("are no calls that endpoints are compared by: who is slow or fails for them is no worse than its peers", () =>
    Effect.gen(function*() {
      yield* playChecks("slow", answer("pong", { delay: "4 seconds" }))
      yield* playChecks("failing", status(503))
      for (const id of ["good", "slow", "failing"]) yield* Trial.play(id, answer("pong", { delay: "1 second" }))
      yield* Trial.play("slow", answer("pong", { delay: "4 seconds" }))
      yield* Trial.play("failing", status(503))
      yield* Trial.pass("10 minutes")
      assert.isAbove(yield* Trial.count("slow"), 40)
      assert.isAbove(yield* Trial.count("failing"), 40)
      assert.deepInclude(yield* Trial.status("slow"), { state: "Healthy", answered: 0, latency: 0 })
      assert.deepInclude(yield* Trial.status("failing"), { state: "Healthy", failed: 0, latency: 0 })
    }).pipe(Effect.provide(Trial.over(
      ["good", "slow", "failing"].map((id) =>
        make(id, [answer("pong")], { models: ["any"], health: { check: "completion" } })
      ),
      {
        health: everyTen,
        outliers: { evidence: 1, window: "10 minutes", failureGap: 0.01, latencyFactor: 1 },
        // which does count them
        circuitBreaker: { mode: "off" }
      }
    ))))

  it.effect("end with the relay's scope", () =>
    Effect.gen(function*() {
      const recorder = yield* ScriptedEndpoint.Recorder
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(
          RelayService.layerDefault({ endpoints: [one()[0]!.endpoint], health: everyTen })
        )
        yield* Trial.pass("10 seconds")
      }))
      yield* Trial.pass("1 minute")
      assert.strictEqual(yield* recorder.checks("a"), 1)
    }).pipe(Effect.provide(ScriptedEndpoint.layer(...one()))))

  it.effect("see endpoints that were added later, and no more those that were removed", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("b")
      yield* Trial.pass("10 seconds")
      yield* endpoints.add(make("b", [answer("b")]).endpoint)
      yield* endpoints.remove("a")
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual([yield* checks("a"), yield* checks("b")], [1, 1])
    }).pipe(Effect.provide(Trial.over([...one(), make("b", [answer("b")])], { health: everyTen }))))

  it.effect.each(dead)(
    "open the circuit of an endpoint that nobody calls, on %s",
    ([, step]) =>
      Effect.gen(function*() {
        yield* playChecks("a", step)
        yield* Trial.pass("44 seconds")
        assert.strictEqual(yield* state("a"), "Open")
        assert.strictEqual((yield* Trial.failure())._tag, "CircuitOpen")
        assert.strictEqual(yield* Trial.count("a"), 0)
      }).pipe(Effect.provide(
        Trial.over(one(), { health: { ...everyTen, timeout: "4 seconds" }, circuitBreaker: circuit })
      ))
  )

  const alive: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["a 404, since it is there", status(404)],
    ["a 429, since it is only busy", status(429)],
    ["a body that breaks off", fault("reset")]
  ]
  it.effect.each(alive)("hold nothing against an endpoint on %s", ([, step]) =>
    Effect.gen(function*() {
      yield* playChecks("a", step)
      yield* Trial.pass("1 minute")
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 0 })
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen, circuitBreaker: circuit }))))

  it.effect("say nothing in favour of a closed circuit: a list of models is no completion", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(500))
      for (let call = 0; call < 2; call++) yield* Trial.failure()
      // the first is left out, since the calls have told
      yield* Trial.pass("19 seconds")
      const { suspicion } = (yield* Trial.status("a")).circuit
      assert.isAbove(suspicion, 0)
      yield* Trial.pass("1 second")
      assert.closeTo((yield* Trial.status("a")).circuit.suspicion, suspicion, suspicion / 10)
      assert.strictEqual(yield* checks("a"), 1)
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen, circuitBreaker: circuit, retry: Retry.none }))))

  it.effect("leave an open circuit alone until its time has come, then count as its probes, and close it as those", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(500))
      for (let call = 0; call < 3; call++) yield* Trial.failure()
      yield* Trial.pass("29 seconds")
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Open", 0])
      yield* Trial.pass("1 second")
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Recovering", 1])
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Recovering", 2])
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Healthy", 3])
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen, circuitBreaker: circuit, retry: Retry.none }))))

  it.effect("that fail as a probe open the circuit again", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(500))
      for (let call = 0; call < 3; call++) yield* Trial.failure()
      yield* playChecks("a", status(503))
      yield* Trial.pass("30 seconds")
      assert.strictEqual(yield* state("a"), "Open")
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen, circuitBreaker: circuit, retry: Retry.none }))))

  it.effect("never close what is held open by hand", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      yield* Trial.pass("10 minutes")
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Isolated", 0])
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen }))))

  it.effect.each([401, 403])(
    "that are refused say nothing of a key that calls are answered with: %i",
    (code) =>
      Effect.gen(function*() {
        yield* Trial.chat()
        yield* playChecks("a", status(code))
        yield* Trial.pass("1 minute")
        assert.strictEqual((yield* Trial.chat()).text, "Hello.")
      }).pipe(Effect.provide(Trial.over(one(), { health: everyTen })))
  )

  it.effect("that are forbidden do not take a key out that was never used: it may still be good for calls", () =>
    Effect.gen(function*() {
      yield* playChecks("a", status(403))
      yield* Trial.pass("1 minute")
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen }))))

  it.effect(
    "that are refused take out a key that was never good, and one that is not gives it back",
    () =>
      Effect.gen(function*() {
        yield* playChecks("a", status(401))
        yield* Trial.pass("10 seconds")
        assert.strictEqual(yield* state("a"), "Exhausted")
        assert.strictEqual((yield* Trial.failure())._tag, "Unauthorized")
        assert.strictEqual((yield* Trial.status("a")).circuit.suspicion, 0)
        yield* playChecks("a", status(200))
        yield* Trial.pass("10 seconds")
        assert.strictEqual((yield* Trial.chat()).text, "Hello.")
      }).pipe(Effect.provide(Trial.over(one(), { health: everyTen })))
  )

  it.effect.each([401, 403])(
    "do not give back a key that a call was refused with: a call may need more rights, %i",
    (code) =>
      Effect.gen(function*() {
        yield* Trial.play("a", status(code), answer("Hello."))
        yield* Trial.failure()
        yield* Trial.pass("1 minute")
        assert.strictEqual(yield* state("a"), "Exhausted")
      }).pipe(Effect.provide(Trial.over(one(), { health: everyTen })))
  )

  it.effect("nor when a check in between was refused with it as well", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(401), answer("Hello."))
      yield* Trial.failure()
      yield* playChecks("a", status(401))
      // the first is left out, since the call has told
      yield* Trial.pass("20 seconds")
      assert.strictEqual(yield* checks("a"), 1)
      yield* playChecks("a", status(200))
      yield* Trial.pass("1 minute")
      assert.strictEqual(yield* state("a"), "Exhausted")
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen }))))

  it.effect("of one endpoint do not hold up those of another", () =>
    Effect.gen(function*() {
      for (let id = 0; id < 8; id++) yield* playChecks(`slow-${id}`, status(200, { delay: "4 seconds" }))
      yield* Trial.pass("15 seconds")
      assert.strictEqual(yield* checks("a"), 1)
    }).pipe(Effect.provide(Trial.over([
      ...Array.from({ length: 8 }, (_, id) => make(`slow-${id}`, [answer("Hello.")])),
      ...one()
    ], { health: everyTen }))))

  it.effect("go on after one that was a defect of the HTTP client", () =>
    Effect.gen(function*() {
      let asked = 0
      const client = HttpClient.make(() => Effect.die(new Error(`a bug, ${++asked} times`)))
      yield* Layer.build(
        RelayService.layerDefault({ endpoints: [one()[0]!.endpoint], health: everyTen }).pipe(
          Layer.provide(Layer.succeed(HttpClient.HttpClient, client))
        )
      )
      yield* Trial.pass("35 seconds")
      assert.strictEqual(asked, 3)
    }))
})

describe("checks of endpoints that are called", () => {
  it.effect("are left out while calls tell enough, answered or failed, and come back in silence", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 12; call++) {
        yield* Trial.play("a", call % 2 === 0 ? answer("a") : status(503))
        yield* Effect.exit(Trial.chat())
        yield* Trial.pass("5 seconds")
      }
      assert.strictEqual(yield* checks("a"), 0)
      yield* Trial.pass("10 seconds")
      assert.strictEqual(yield* checks("a"), 1)
    }).pipe(Effect.provide(
      Trial.over(one(), { health: everyTen, retry: Retry.none, circuitBreaker: { mode: "off" } })
    )))

  const silent: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, Trial.Services>]> = [
    ["a caller that went away", Effect.timeoutOption(Trial.chat(), "1 second")],
    ["a caller whose time was up", Effect.exit(Trial.chat({ deadline: "1 second" }))]
  ]
  it.effect.each(silent)("are not left out for what tells nothing: %s", ([, call]) =>
    Effect.gen(function*() {
      yield* Trial.play("a", answer("too late", { delay: "1 minute" }))
      yield* Trial.start(Effect.exit(call))
      yield* Trial.pass("10 seconds")
      assert.strictEqual(yield* checks("a"), 1)
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen }))))

  it.effect("are not left out for one endpoint because another is called", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 6; call++) {
        yield* Trial.chat()
        yield* Trial.pass("5 seconds")
      }
      assert.deepStrictEqual([yield* checks("a"), yield* checks("b")], [0, 3])
    }).pipe(Effect.provide(Trial.over([...one(), make("b", [answer("b")], { tier: 1 })], { health: everyTen }))))

  it.effect("are not left out when the circuit is half-open: each is a probe", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(500))
      for (let call = 0; call < 3; call++) yield* Trial.failure()
      yield* Trial.pass("29 seconds")
      assert.strictEqual(yield* checks("a"), 0)
      yield* Trial.play("a", answer("back"))
      yield* Trial.pass("1 second")
      yield* Trial.chat()
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Recovering", 1])
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual([yield* state("a"), yield* checks("a")], ["Healthy", 2])
    }).pipe(Effect.provide(Trial.over(one(), { health: everyTen, circuitBreaker: circuit, retry: Retry.none }))))
})

describe("a completion for a check", () => {
  const asked = (id: string) =>
    Effect.map(Trial.received(id), (received) => received.map(({ body: { max_tokens, model } }) => [model, max_tokens]))
  const models = { models: { large: "a-large", small: "a-small" } }

  it.effect("asks for one token of a model that the endpoint serves, where the endpoint says so", () =>
    Effect.gen(function*() {
      yield* Trial.pass("20 seconds")
      assert.strictEqual(yield* checks("a"), 0)
      assert.deepStrictEqual(yield* asked("a"), [["a-large", 1], ["a-large", 1]])
      assert.deepStrictEqual([yield* checks("b"), yield* Trial.count("b")], [2, 0])
    }).pipe(Effect.provide(Trial.over([
      ...one({ ...models, health: { check: "completion" } }),
      make("b", [answer("b")], models)
    ], { health: everyTen }))))

  it.effect("or where the relay says so; an endpoint may name its model, and may say otherwise", () =>
    Effect.gen(function*() {
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual(yield* asked("a"), [["a-small", 1]])
      assert.deepStrictEqual(yield* asked("b"), [["any-name", 1]])
      for (const [id, gets] of [["c", 1], ["d", 0], ["e", 1]] as const) {
        assert.deepStrictEqual([yield* checks(id), yield* Trial.count(id)], [gets, 0], id)
      }
    }).pipe(Effect.provide(Trial.over([
      ...one({ ...models, health: { model: "small" } }),
      make("b", [answer("b")], { health: { model: "any-name" } }),
      make("c", [answer("c")], { ...models, health: { check: "get" } }),
      make("d", [answer("d")], { ...models, health: { check: "off" } }),
      // nobody knows what to ask it for
      make("e", [answer("e")])
    ], { health: { ...everyTen, check: "completion" } }))))

  it.effect.each([404, 405])("takes the place of a GET that was not found once: %i", (code) =>
    Effect.gen(function*() {
      for (const id of ["a", "b", "c"]) yield* playChecks(id, status(code))
      yield* Trial.pass("30 seconds")
      assert.deepStrictEqual([yield* checks("a"), yield* Trial.count("a")], [1, 2])
      // one is never to cost anything, of the other no model is known
      assert.deepStrictEqual([yield* checks("b"), yield* Trial.count("b")], [3, 0])
      assert.deepStrictEqual([yield* checks("c"), yield* Trial.count("c")], [3, 0])
    }).pipe(Effect.provide(Trial.over([
      ...one(models),
      make("b", [answer("b")], { ...models, health: { check: "get" } }),
      make("c", [answer("c")])
    ], { health: everyTen }))))

  it.effect("is no call: it is not counted, not measured, and does not keep the next one away", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", answer("pong", { delay: "2 seconds" }))
      yield* Trial.pass("6 minutes")
      assert.isAbove(yield* Trial.count("a"), 25)
      const status = yield* Trial.status("a")
      assert.deepInclude(status, { answered: 0, failed: 0, latency: 0, inFlight: 0 })
      assert.notProperty(status, "usualLatency")
      assert.strictEqual(status.bulkhead.running, 0)
    }).pipe(Effect.provide(Trial.over(one({ ...models, health: { check: "completion" } }), { health: everyTen }))))

  const short: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["its quota is used up", status(402)],
    ["its key is refused", status(401)],
    ["its key is forbidden here", status(403)],
    ["its model is paused", status(429, { retryAfter: 3600 })],
    ["its model is not there", status(404)]
  ]
  it.effect.each(short)(
    "is not sent when %s, and is no trial when that is looked at again",
    ([what, step]) =>
      Effect.gen(function*() {
        yield* Trial.play("a", step)
        yield* Effect.flip(Trial.chat({}, { ...Trial.hi, model: "large" }))
        yield* Trial.pass("299 seconds")
        assert.strictEqual(yield* Trial.count("a"), 1)
        if (what.includes("model")) return
        yield* Trial.pass("10 minutes")
        assert.strictEqual(yield* Trial.count("a"), 1)
      }).pipe(Effect.provide(
        Trial.over(one({ ...models, health: { check: "completion" } }), { health: everyTen, retry: Retry.none })
      ))
  )

  it.effect("is not sent when the limiter has nothing left, and takes from it like a call when it has", () =>
    Effect.gen(function*() {
      yield* Trial.pass("55 seconds")
      // two a minute, evenly spaced: a call every half a minute
      assert.isAtMost(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(Trial.over(
      one({
        ...models,
        health: { check: "completion" },
        limits: { requestsPerMinute: 2 }
      }),
      { health: { schedule: Schedule.spaced("5 seconds") } }
    ))))

  it.effect("is not sent when no slot is free", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", answer("slow", { delay: "1 hour" }))
      yield* Trial.start(Effect.exit(Trial.chat({}, { ...Trial.hi, model: "large" })))
      yield* Trial.pass("1 minute")
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over(
      one({ ...models, health: { check: "completion" }, limits: { concurrency: 1 } }),
      { health: everyTen, attemptTimeout: "2 hours" }
    ))))

  it.effect.each(dead)(
    "opens the circuit of an endpoint that nobody calls, on %s",
    ([, step]) =>
      Effect.gen(function*() {
        yield* Trial.play("a", step)
        yield* Trial.pass("44 seconds")
        assert.strictEqual(yield* state("a"), "Open")
        assert.deepInclude(yield* Trial.status("a"), { answered: 0, failed: 0 })
      }).pipe(Effect.provide(Trial.over(one({ ...models, health: { check: "completion" } }), {
        health: { ...everyTen, timeout: "4 seconds" },
        circuitBreaker: circuit
      })))
  )

  it.effect("counts as a probe of a circuit whose time has come, and closes it as that", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(500))
      for (let call = 0; call < 3; call++) yield* Effect.flip(Trial.chat({}, { ...Trial.hi, model: "large" }))
      yield* Trial.play("a", answer("pong"))
      yield* Trial.pass("29 seconds")
      assert.deepStrictEqual([yield* state("a"), yield* Trial.count("a")], ["Open", 3])
      const seen: Array<string> = []
      for (let check = 0; check < 3; check++) {
        yield* Trial.pass(check === 0 ? "1 second" : "10 seconds")
        seen.push(yield* state("a"))
      }
      assert.deepStrictEqual(seen, ["Recovering", "Recovering", "Healthy"])
    }).pipe(Effect.provide(Trial.over(one({ ...models, health: { check: "completion" } }), {
      health: everyTen,
      circuitBreaker: circuit,
      retry: Retry.none
    }))))

  it.effect("that is rejected shows that the endpoint is there, and says no more", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.play("a", status(400, { message: "use max_completion_tokens" }))
      yield* Trial.pass("1 minute")
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 0 })
      const found = heard.flatMap((event) => event._tag === "HealthChecked" ? [event.healthy] : [])
      assert.deepStrictEqual(found, [true, true, true, true, true, true])
    }).pipe(Effect.provide(Trial.over(one({ ...models, health: { check: "completion" } }), {
      health: everyTen,
      circuitBreaker: circuit
    }))))

  it.effect("that finds the quota used up keeps callers away from the account", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(402))
      yield* Trial.pass("10 seconds")
      assert.strictEqual(yield* state("a"), "Exhausted")
      assert.strictEqual((yield* Effect.flip(Trial.chat({}, { ...Trial.hi, model: "large" })))._tag, "QuotaExceeded")
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(
      Trial.over(one({ ...models, health: { check: "completion" } }), { health: everyTen, retry: Retry.none })
    )))

  it.effect("goes on after one that was a defect of the HTTP client", () =>
    Effect.gen(function*() {
      let asked = 0
      const client = HttpClient.make(() => Effect.die(new Error(`a bug, ${++asked} times`)))
      yield* Layer.build(
        RelayService.layerDefault({
          endpoints: [one({ ...models, health: { check: "completion" } })[0]!.endpoint],
          health: everyTen
        }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
      )
      yield* Trial.pass("35 seconds")
      assert.strictEqual(asked, 3)
    }))

  it.effect("has a path of the endpoint's own, for a GET", () =>
    Effect.gen(function*() {
      const urls: Array<string> = []
      const client = HttpClient.make((request) => {
        urls.push(new URL(request.url).pathname)
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}")))
      })
      yield* Layer.build(
        RelayService.layerDefault({
          endpoints: [one({ health: { path: "/health" } })[0]!.endpoint, make("b", [answer("b")]).endpoint],
          health: everyTen
        }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
      )
      yield* Trial.pass("10 seconds")
      assert.sameMembers(urls, ["/a/v1/health", "/b/v1/models"])
    }))
})
