import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type ChatRequest, ResponseCache } from "effect-relay"
import * as ChatQuestion from "../../src/endpoint/ChatQuestion.ts"

const hi: ChatRequest.ChatRequest = { model: "m", messages: [{ role: "user", content: "Hi" }], temperature: 0 }

const keyOf = (more: object, form: "whole" | "stream" = "whole"): string =>
  Result.getOrThrow(ResponseCache.keyOf({ tenant: "acme", request: ChatQuestion.of({ ...hi, ...more }, form) }))

describe("the question that a chat asks", () => {
  it.each([
    { stream: true },
    { stream_options: { include_usage: true } },
    { user: "somebody" },
    { safety_identifier: "x" },
    { metadata: { job: "7" } },
    { prompt_cache_key: "k" },
    { prompt_cache_retention: "24h" }
  ])("is the same with %j, which no model sees and no answer shows", (more) => {
    assert.strictEqual(keyOf(more), keyOf({}))
    assert.isTrue(Object.keys(more).every((field) => ChatQuestion.leftOut.includes(field)))
  })

  it("is the same with whatever holds where nothing is said, or null", () => {
    for (const [field, value] of Object.entries(ChatQuestion.assumed)) {
      const without = { [field]: undefined }
      assert.strictEqual(keyOf({ [field]: value }), keyOf(without), field)
      assert.strictEqual(keyOf({ [field]: null }), keyOf(without), field)
      // equal, and not the same object
      assert.strictEqual(keyOf({ [field]: structuredClone(value) }), keyOf(without), field)
    }
    for (const field of ["max_tokens", "max_completion_tokens", "seed", "stop"]) {
      assert.strictEqual(keyOf({ [field]: null }), keyOf({}), field)
    }
  })

  it.each([
    { model: "n" },
    { messages: [{ role: "user", content: "Hi." }] },
    { messages: [{ role: "system", content: "Hi" }] },
    { temperature: 0.1 },
    { temperature: "0" },
    { top_p: 0.9 },
    { n: 2 },
    { max_tokens: 10 },
    { max_completion_tokens: 10 },
    { stop: ["."] },
    { stop: "" },
    { seed: 0 },
    { presence_penalty: 1 },
    { frequency_penalty: -1 },
    { logit_bias: { "50256": -100 } },
    { logprobs: true },
    { top_logprobs: 3 },
    { modalities: ["text", "audio"] },
    { parallel_tool_calls: false },
    { response_format: { type: "json_object" } },
    { service_tier: "flex" },
    { store: true },
    { tools: [{ type: "function", function: { name: "f" } }] },
    { tool_choice: "required" },
    { tool_choice: "none" },
    { reasoning_effort: "low" },
    { web_search_options: {} },
    { anything: null },
    { anything: 1 }
  ])("is another with %j", (more) => {
    assert.notStrictEqual(keyOf(more), keyOf({}))
  })

  it("is one for an answer as a whole and bit by bit, unless the one may say what the other does not", () => {
    for (const more of [{}, { tools: [] }, { seed: 7, stop: ["."] }, { logprobs: false }, { user: "x" }]) {
      assert.strictEqual(keyOf(more, "stream"), keyOf(more, "whole"))
    }
    for (const more of [{ logprobs: true }, { modalities: ["audio"] }, { web_search_options: {} }, { anything: 1 }]) {
      assert.notStrictEqual(keyOf(more, "stream"), keyOf(more, "whole"))
    }
  })

  it("has what stands in a field named __proto__, as in any that nobody here knows", () => {
    const textOf = (value: string): string => {
      const request = JSON.parse(`{"model":"m","messages":[],"__proto__":${value}}`)
      return JSON.stringify(ChatQuestion.of(request, "whole"))
    }
    assert.strictEqual(new Set(["5", "null", "{\"a\":1}", "{\"a\":2}"].map(textOf)).size, 4)
  })
})
