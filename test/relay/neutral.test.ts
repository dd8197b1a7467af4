/** What callers do to themselves never hurts an endpoint that others share, health checks or not. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schedule } from "effect"
import { CircuitBreaker, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

// one failure that counted would open the circuit
const touchy = { tripPolicy: CircuitBreaker.consecutive(1) }
const every = { schedule: Schedule.spaced("10 seconds") }
const withChecks = [["without health checks", "off"], ["with health checks", every]] as const
const over = (health: "off" | typeof every, ...script: Parameters<typeof make>[1]) =>
  Trial.over([make("a", script, { account: "acme" }), make("b", [answer("b")], { account: "acme", tier: 1 })], {
    retry: Retry.none,
    circuitBreaker: touchy,
    health
  })

/** The endpoint and its account are as if nothing had happened, and the next caller is served there. */
const isUnhurt = Effect.gen(function*() {
  const { circuit, state } = yield* Trial.status("a")
  assert.strictEqual(state, "Healthy")
  assert.deepInclude(circuit, { state: "Closed", suspicion: 0, openings: 0 })
  assert.strictEqual((yield* Trial.status("b")).state, "Healthy")
  yield* Trial.play("a", answer("served"))
  assert.strictEqual((yield* Trial.chat()).text, "served")
})

describe("an endpoint is not hurt", () => {
  const faults: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["a request it rejects: 400", status(400)],
    ["a body it cannot process: 422", status(422)],
    ["a body that is too large: 413", status(413)],
    ["a request that is too long for the model", status(400, { code: "context_length_exceeded" })],
    ["a request that no limit allows", status(429, { message: "Request too large for gpt in organization" })],
    ["a prompt that a content policy refuses", status(400, { code: "content_policy_violation" })]
  ]
  for (const [checks, health] of withChecks) {
    it.effect.each(faults)(`${checks}, by %s`, ([, step]) =>
      Effect.gen(function*() {
        for (let call = 0; call < 20; call++) {
          yield* Effect.exit(Trial.chat())
          yield* Trial.pass("3 seconds")
        }
        assert.strictEqual(yield* Trial.count("a"), 20)
        yield* isUnhurt
      }).pipe(Effect.provide(over(health, step))))

    it.effect(`${checks}, by callers who go away`, () =>
      Effect.gen(function*() {
        for (let call = 0; call < 20; call++) {
          const fiber = yield* Trial.start(Trial.chat())
          yield* Trial.pass("3 seconds")
          yield* Fiber.interrupt(fiber)
        }
        assert.strictEqual(yield* Trial.count("a"), 20)
        yield* isUnhurt
      }).pipe(Effect.provide(over(health, answer("too late", { delay: "5 seconds" })))))

    it.effect(`${checks}, by callers who have little time`, () =>
      Effect.gen(function*() {
        for (let call = 0; call < 20; call++) {
          const fiber = yield* Trial.start(Trial.failure({ deadline: "3 seconds" }))
          yield* Trial.pass("3 seconds")
          assert.strictEqual((yield* Fiber.join(fiber))._tag, "DeadlineExceeded")
        }
        assert.strictEqual(yield* Trial.count("a"), 20)
        yield* isUnhurt
      }).pipe(Effect.provide(over(health, answer("too late", { delay: "5 seconds" })))))

    it.effect(`${checks}, by an operation whose failure its caller takes upon itself`, () =>
      Effect.gen(function*() {
        const { execute } = yield* Trial.relay
        for (let call = 0; call < 20; call++) {
          yield* Effect.flip(execute(() => Effect.fail("my own fault"), { isCallersFault: () => true }))
          yield* Trial.pass("3 seconds")
        }
        yield* isUnhurt
      }).pipe(Effect.provide(over(health, answer("not asked")))))
  }

  it.effect("by a check that is cut short: the end of a relay is nobody's failure", () =>
    Effect.gen(function*() {
      const { checks, playChecks } = yield* ScriptedEndpoint.Recorder
      yield* playChecks("a", ScriptedEndpoint.fault("silence"))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(RelayService.layer({ endpoints: [make("a", [answer("a")]).endpoint], health: every }))
        yield* Trial.pass("11 seconds")
      }))
      assert.strictEqual(yield* checks("a"), 1)
      const breaker = yield* CircuitBreaker.CircuitBreaker
      assert.deepInclude(yield* breaker.at("a").state, { state: "Closed", suspicion: 0 })
    }).pipe(Effect.provide(over("off", answer("a")))))
})
