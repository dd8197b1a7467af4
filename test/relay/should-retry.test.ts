import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result, Schedule } from "effect"
import { Dialect, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const says = (said: string, code: number, more: { readonly code?: string; readonly retryAfter?: number } = {}) =>
  status(code, { ...more, headers: { "x-should-retry": said } })

/** One more round after a second, and no more. */
const twice = { retry: Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 1 }), Retry.onlyRetryable) }

describe("a service that says a retry will not help", () => {
  it.effect("is not asked again, and the call ends where nobody else is", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", says("false", 503), answer("too late"))
      assert.deepInclude(yield* Trial.failure(), { _tag: "EndpointUnavailable", retry: "Elsewhere" })
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over([make("a", [answer("")])], twice))))

  it.effect("is not asked again when others are, nor do the others miss their turn", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", says("false", 503), answer("too late"))
      yield* Trial.play("b", status(503), answer("from b"))
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Fiber.join(call)).text, "from b")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 2])
    }).pipe(Effect.provide(Trial.over([make("a", [answer("")]), make("b", [answer("")], { tier: 1 })], twice))))

  it.effect("is asked by the next call", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", says("false", 503), answer("back again"))
      yield* Trial.failure()
      assert.strictEqual((yield* Trial.chat()).text, "back again")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("")])], twice))))
})

describe("a service that says a retry will help", () => {
  const lasting: ReadonlyArray<readonly [name: string, code: number, word: string | undefined]> = [
    ["the request is at fault", 400, undefined],
    ["the quota is used up", 429, "insufficient_quota"],
    ["the key is wrong", 401, "invalid_api_key"],
    ["the model is not there", 404, "model_not_found"],
    ["the policy forbids it", 400, "content_filter"]
  ]
  it.effect.each(lasting)("is asked again, though it says that %s", ([, code, word]) =>
    Effect.gen(function*() {
      yield* Trial.play("a", says("true", code, word === undefined ? {} : { code: word }), answer("now it does"))
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Fiber.join(call)).text, "now it does")
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(Trial.over([make("a", [answer("")])], twice))))

  it.effect("is not blamed for what it calls the request's fault", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", says("true", 400))
      yield* Trial.failure()
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 0 })
    }).pipe(Effect.provide(Trial.over([make("a", [answer("")])], { retry: Retry.none }))))
})

describe("a request that one endpoint cannot be asked", () => {
  const mute = { ...Dialect.openai, name: "mute", write: () => Result.fail("anything") }

  it.effect("is asked of the next, once, and speaks against nobody", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [0, 1])
      assert.deepInclude((yield* Trial.status("a")).circuit, { state: "Closed", suspicion: 0 })
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("a")], { dialect: mute }), make("b", [answer("b")], { tier: 1 })])
    )))
})

describe("an answer that an endpoint's validator rejects", () => {
  const validate = ({ text }: { readonly text: string }) => text.includes("yes") ? undefined : "it does not say yes"

  it.effect("is asked for elsewhere, and counts against the endpoint", () =>
    Effect.gen(function*() {
      const reply = yield* Trial.chat()
      assert.strictEqual(reply.meta.endpoint, "b")
      assert.deepInclude(reply.meta.attempts[0], { outcome: "InvalidResponse", detail: "it does not say yes" })
      assert.isAbove((yield* Trial.status("a")).circuit.suspicion, 0)
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("no")], { validate }), make("b", [answer("no")], { tier: 1 })])
    )))
})
