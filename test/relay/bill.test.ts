/** What an answer says it cost, failed attempts included, and what a failure says its attempts cost. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { Attempt, type Endpoint, Money, RelayService, Retry, StreamChunk } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Api from "./Api.ts"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { answer, body, events, fault, make, status, stream } = ScriptedEndpoint

const dear: Endpoint.Prices = { inputPerMillion: 1, outputPerMillion: 2, cacheReadPerMillion: 0.1 }

/** Ten tokens and five more, at dear prices. */
const took = 20_000
const tokens = { input: 10, output: 5, total: 15 }

const detailed = body(JSON.stringify({
  model: "m-2026",
  choices: [{ message: { content: "Yes." }, finish_reason: "stop" }],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 50,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 80 },
    completion_tokens_details: { reasoning_tokens: 30 }
  }
}))

describe("what an answer cost", () => {
  it.effect("stands in its metadata in nanodollars, by endpoint and the endpoint's name for the model", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat({}, { ...Trial.hi, model: "good" })
      const counted = { input: 100, output: 50, total: 150, cacheRead: 80, reasoning: 30 }
      const cost = 20 * 1000 + 80 * 100 + 50 * 2000
      assert.deepStrictEqual(meta.tokens, counted)
      assert.strictEqual(meta.cost, cost)
      assert.strictEqual(Money.format(meta.cost!), "$0.000128")
      assert.deepStrictEqual(meta.usage, [{ endpoint: "a", model: "m-2", tokens: counted, cost, isEstimated: false }])
      assert.deepInclude(meta.attempts[0], { tokens: counted, cost })
      assert.notProperty(meta.attempts[0], "isEstimated")
    }).pipe(Effect.provide(Trial.over([make("a", [detailed], { models: { good: "m-2" }, prices: { good: dear } })]))))

  it.effect("is nobody's guess where the prices are not known, and the tokens are told all the same", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat()
      assert.notProperty(meta, "cost")
      assert.deepStrictEqual(meta.usage, [{ endpoint: "a", model: "any", tokens, isEstimated: false }])
      assert.notProperty(meta.attempts[0], "cost")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Yes.")])]))))

  it.effect.each<readonly [string, ScriptedEndpoint.Step]>([
    [
      "bit by bit",
      events([
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Bad." } }] })}\n\n`,
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n`,
        `data: ${
          JSON.stringify({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } })
        }\n\n`,
        "data: [DONE]\n\n"
      ])
    ],
    ["whole, though it was asked for bit by bit", answer("Bad.")]
  ])("is what was counted of an answer that was refused: one that came %s", ([, step]) =>
    Effect.gen(function*() {
      const failure = Hearing.failureOf(yield* Hearing.whole())
      assert.strictEqual(failure.attempts.length, 1)
      assert.deepInclude(failure.attempts[0], { tokens, cost: took })
      assert.notProperty(failure.attempts[0], "isEstimated")
    }).pipe(Effect.provide(Trial.over([make("a", [step], { prices: dear, validate: () => "it is bad" })], {
      retry: Retry.none,
      stream: { commit: "whole" }
    }))))

  it.effect("is nothing out of the cache", () =>
    Effect.gen(function*() {
      const ask = Trial.chat({ tenant: "acme", cache: true })
      assert.strictEqual((yield* ask).meta.cost, took)
      const { meta } = yield* ask
      assert.deepStrictEqual([meta.cache, meta.cost, meta.usage], ["hit", 0, []])
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Yes.")], { prices: dear })]))))

  it.effect("counts the failed attempts at what came of them, and nothing where nothing came", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat()
      assert.deepStrictEqual(
        meta.attempts.map(({ cost, endpoint, outcome, tokens }) => [endpoint, outcome, cost, tokens?.total]),
        [
          ["down", "EndpointUnavailable", undefined, undefined],
          ["rude", "InvalidResponse", took, 15],
          ["a", "Success", took / 10, 15]
        ]
      )
      assert.strictEqual(meta.cost, took + took / 10)
      assert.deepStrictEqual(meta.usage.map(({ cost, endpoint }) => [endpoint, cost]), [["rude", took], [
        "a",
        took / 10
      ]])
    }).pipe(Effect.provide(Trial.over([
      make("down", [status(500)], { prices: dear }),
      make("rude", [answer("No!")], { prices: dear, tier: 1, validate: () => "too rude" }),
      make("a", [answer("Yes.")], { prices: { inputPerMillion: 0.1, outputPerMillion: 0.2 }, tier: 2 })
    ]))))

  it.effect("is one sum for attempts at the same endpoint", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.lengthOf(meta.attempts, 2)
      assert.deepStrictEqual(meta.usage, [
        {
          endpoint: "a",
          model: "any",
          tokens: { input: 20, output: 10, total: 30 },
          cost: 2 * took,
          isEstimated: false
        }
      ])
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("No!"), answer("Yes.")], {
        prices: dear,
        validate: ({ text }) => text === "No!" ? "too rude" : undefined
      })
    ]))))

  it.effect("where nobody counted is the most it may have been, and says that it was reckoned", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat({}, { ...Trial.hi, max_tokens: 7 })
      const reckoned = { input: 1, output: 7, total: 8 }
      assert.deepStrictEqual(meta.usage, [
        { endpoint: "a", model: "any", tokens: reckoned, cost: 1000 + 7 * 2000, isEstimated: true }
      ])
      assert.deepInclude(meta.attempts[0], { tokens: reckoned, isEstimated: true })
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("Yes.", { inputTokens: 0, outputTokens: 0 })], { prices: dear })
    ]))))

  it.effect("is told for the failures of a call that fails", () =>
    Effect.gen(function*() {
      const { attempts } = yield* Trial.failure()
      assert.strictEqual(Attempt.costOf(attempts), took)
    }).pipe(Effect.provide(Trial.over([
      make("rude", [answer("No!")], { prices: dear, validate: () => "too rude" }),
      make("down", [fault("refused")], { prices: dear, tier: 1 })
    ], { retry: Retry.none }))))

  it.effect("of the copy that lost is nothing, since nothing of it is known to have come", () =>
    Effect.gen(function*() {
      const fiber = yield* Trial.start(Trial.chat())
      yield* Trial.pass("20 seconds")
      const { meta } = yield* Fiber.join(fiber)
      assert.lengthOf(meta.attempts, 2)
      assert.strictEqual(meta.cost, took)
    }).pipe(Effect.provide(Trial.over(
      ["a", "b"].map((id) => make(id, [answer("Hello.", { delay: "5 seconds" })], { prices: dear })),
      { hedge: { delay: "1 second", maxExtraLoad: 1, burst: 10 } }
    ))))

  it.effect("of a request that is no chat is what it counts, by the prices of its model", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const { meta } = yield* relay.send({
        method: "POST",
        path: "/embeddings",
        body: JSON.stringify({ model: "e", input: "x" })
      })
      assert.deepStrictEqual(meta.usage, [
        { endpoint: "a", model: "e-3", tokens: { input: 8, output: 0, total: 8 }, cost: 160, isEstimated: false }
      ])
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: () => Api.json({ data: [], usage: { prompt_tokens: 8, total_tokens: 8 } }),
        options: {
          models: { e: "e-3", chat: "m" },
          prices: { e: { inputPerMillion: 0.02, outputPerMillion: 0 }, chat: dear }
        }
      }
    }))))
})

describe("what a stream cost", () => {
  const over = (...steps: readonly [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>]) =>
    Effect.provide(Trial.over([make("a", steps, { prices: dear })]))

  it.effect("stands in its last chunk, which crosses boundaries", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      const { meta } = Hearing.finishOf(heard)
      assert.strictEqual(meta.cost, 10 * 1000 + 3 * 2000)
      assert.deepStrictEqual(
        meta.usage.map(({ endpoint, isEstimated, tokens }) => [endpoint, isEstimated, tokens.total]),
        [
          ["a", false, 13]
        ]
      )
      const all = Schema.Array(StreamChunk.StreamChunk)
      const sent = JSON.stringify(yield* Schema.encodeEffect(all)(heard.chunks))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(all)(JSON.parse(sent)), heard.chunks)
    }).pipe(over(stream(["One ", "two ", "three."]))))

  it.effect("is reckoned from what came where nobody counted, and says the same everywhere", () =>
    Effect.gen(function*() {
      const { meta, tokens } = Hearing.finishOf(yield* Hearing.whole())
      const { isEstimated, ...reckoned } = tokens
      assert.deepStrictEqual([isEstimated, reckoned.output], [true, 4])
      const cost = reckoned.input * 1000 + reckoned.output * 2000
      assert.deepStrictEqual(meta.usage.map((row) => [row.isEstimated, row.cost, row.tokens]), [[true, cost, reckoned]])
      assert.deepStrictEqual(meta.attempts.map(({ tokens }) => tokens), [reckoned])
    }).pipe(over(events([
      `data: {"choices":[{"delta":{"content":"One two three."}}]}\n\n`,
      `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n`
    ]))))

  it.effect("counts what came of one that broke off, as far as it came", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.whatever(Hearing.whole({ afterCommit: "restart" }))
      const { meta } = Hearing.finishOf(heard)
      const [broken] = meta.attempts
      assert.deepInclude(broken, { outcome: "InvalidResponse", isEstimated: true })
      assert.isAbove(broken!.cost!, 0)
      assert.strictEqual(meta.cost, Attempt.costOf(meta.attempts))
    }).pipe(over(stream(["One "], { end: "reset" }), stream(["One ", "two ", "three."]))))
})
