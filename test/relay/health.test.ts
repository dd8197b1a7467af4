import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Random, Schedule } from "effect"
import { CircuitBreaker, type Endpoint, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient } from "effect/http"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const everyTen = { schedule: Schedule.spaced("10 seconds") }
const checks = (id: string) => Effect.flatMap(ScriptedEndpoint.Recorder, (recorder) => recorder.checks(id))
const playChecks = (id: string, step: ScriptedEndpoint.Step) =>
  Effect.flatMap(ScriptedEndpoint.Recorder, (recorder) => recorder.playChecks(id, step))
const state = (id: string) => Effect.map(Trial.status(id), ({ state }) => state)
const circuit: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(3), openFor: "30 seconds", jitter: 0 }
const one = (options?: Omit<Endpoint.Options, "id" | "baseUrl">) => [make("a", [answer("Hello.")], options)]

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

  const dead: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["a refused connection", fault("refused")],
    ["silence", fault("silence")],
    ["a 503", status(503)]
  ]
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
