/** What came from a provider's cache and what was thought, on the way to each kind of client. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Dialect, RelayFetch, RelayLanguageModel, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { LanguageModel, type Response } from "effect/ai"
import * as Api from "../relay/Api.ts"

const { body, make } = ScriptedEndpoint

const usage = {
  prompt_tokens: 100,
  completion_tokens: 50,
  total_tokens: 150,
  prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 30 }
}
const completion = (usage: object) => ({
  model: "m-1",
  choices: [{ message: { role: "assistant", content: "Yes." }, finish_reason: "stop" }],
  usage
})

const over = (usage: object) => {
  const scripted = make("a", [body(JSON.stringify(completion(usage)))], {
    prices: { inputPerMillion: 1, outputPerMillion: 1, cacheReadPerMillion: 0 }
  })
  return Effect.provide(
    RelayLanguageModel.layer({ model: "m" }).pipe(
      Layer.provide(RelayService.layerDefault({ endpoints: [scripted.endpoint], health: "off" })),
      Layer.provide(ScriptedEndpoint.layer(scripted))
    )
  )
}

const finishOf = (parts: ReadonlyArray<Response.AnyPart>) =>
  parts.find((part): part is Response.FinishPart => part.type === "finish")!

const ask = Effect.map(LanguageModel.generateText({ prompt: "Hi" }), ({ content }) => finishOf(content))

describe("the usage that a LanguageModel is told", () => {
  it.effect("has what came from a cache, what went into it, what was thought, and the rest", () =>
    Effect.gen(function*() {
      const { metadata, usage } = yield* ask
      assert.deepInclude(usage.inputTokens, { total: 100, uncached: 30, cacheRead: 60, cacheWrite: 10 })
      assert.deepInclude(usage.outputTokens, { total: 50, text: 20, reasoning: 30 })
      assert.deepInclude(metadata["relay"], { cost: 90_000 })
    }).pipe(over(usage)))

  it.effect("leaves untold what the provider did not tell apart", () =>
    Effect.gen(function*() {
      const { usage } = yield* ask
      assert.deepInclude(usage.inputTokens, { total: 100, uncached: undefined, cacheRead: undefined })
      assert.deepInclude(usage.outputTokens, { total: 50, text: undefined, reasoning: undefined })
    }).pipe(over({ prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 })))

  it.effect("counts thoughts as output that stand in the total alone", () =>
    Effect.gen(function*() {
      const { usage } = yield* ask
      assert.deepInclude(usage.outputTokens, { total: 350, text: 50, reasoning: 300 })
    }).pipe(over({
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 450,
      completion_tokens_details: { reasoning_tokens: 300 }
    })))
})

describe("the usage that clients of OpenAI are told", () => {
  it.effect("has the same parts, whichever dialect answered", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const context = yield* Effect.context<never>()
      const fetch = RelayFetch.make(relay, { runtime: { runPromiseExit: Effect.runPromiseExitWith(context) } })
      const request = {
        method: "POST",
        body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hi" }] })
      }
      const response = yield* Effect.promise(() => fetch("https://api.openai.com/v1/chat/completions", request))
      const completion = yield* Effect.promise(() => response.json())
      assert.deepStrictEqual(completion.usage, {
        prompt_tokens: 17,
        completion_tokens: 5,
        total_tokens: 22,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 }
      })
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: () =>
          Api.json({
            type: "message",
            model: "claude",
            content: [{ type: "text", text: "Yes." }],
            stop_reason: "end_turn",
            usage: { input_tokens: 10, cache_creation_input_tokens: 3, cache_read_input_tokens: 4, output_tokens: 5 }
          }),
        options: { dialect: Dialect.anthropic() }
      }
    }))))
})
