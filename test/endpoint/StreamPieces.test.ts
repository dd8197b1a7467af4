/** What the readers of the dialects make of one event, and what they refuse. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as ChatCompletionChunk from "../../src/endpoint/ChatCompletionChunk.ts"
import * as AnthropicStream from "../../src/endpoint/dialect/AnthropicStream.ts"
import { openai } from "../../src/endpoint/dialect/OpenAi.ts"
import { EventReader } from "../../src/endpoint/EventReader.ts"

type Read = ReturnType<typeof ChatCompletionChunk.reader>

/** The pieces of some events, or what is wrong with the first that is none. */
const pieces = (read: Read, ...events: ReadonlyArray<unknown>): unknown => {
  const all: Array<unknown> = []
  for (const event of events) {
    const said = read(event)
    if (Result.isFailure(said)) return said.failure
    all.push(...said.success)
  }
  return all
}

const delta = (delta: unknown, more?: object) => ({ choices: [{ index: 0, delta, finish_reason: null, ...more }] })
const text = (text: string) => ({ _tag: "Text", text })

describe("a chunk of a chat completion", () => {
  const said: ReadonlyArray<readonly [string, unknown, ReadonlyArray<unknown>]> = [
    ["a role", delta({ role: "assistant", content: "" }), []],
    ["a text", delta({ content: "Hi" }), [text("Hi")]],
    ["no text", delta({ content: null }), []],
    ["no delta", { choices: [{ index: 0, finish_reason: "stop" }] }, [{ _tag: "Stopped", reason: "stop" }]],
    ["a text and the end", delta({ content: "Hi" }, { finish_reason: "length" }), [
      text("Hi"),
      { _tag: "Stopped", reason: "length" }
    ]],
    ["no choices", { choices: [] }, []],
    ["choices that are null, as vLLM counts", { choices: null, usage: { completion_tokens: 3 } }, [
      { _tag: "Counted", input: undefined, output: 3, total: undefined }
    ]],
    ["nothing but annotations", { prompt_filter_results: [] }, []],
    ["a count of nothing", { choices: [], usage: null }, []],
    ["a count that is none", { choices: [], usage: { prompt_tokens: "3", completion_tokens: NaN } }, []],
    ["a choice without an index", { choices: [{ delta: { content: "Hi" } }] }, [text("Hi")]],
    ["another choice", { choices: [{ index: 1, delta: { content: "No" } }] }, []],
    ["a thought of DeepSeek", delta({ reasoning_content: "Hm" }), [{ _tag: "Reasoning", text: "Hm" }]],
    ["a thought of OpenRouter", delta({ reasoning: "Hm", content: "" }), [{ _tag: "Reasoning", text: "Hm" }]],
    ["parts of Mistral", delta({ content: [{ type: "thinking", thinking: [{ text: "Hm" }] }, { text: "Hi" }, 7] }), [
      { _tag: "Reasoning", text: "Hm" },
      text("Hi")
    ]],
    ["a refusal", delta({ refusal: "No." }), [{ _tag: "Refusal", text: "No." }]],
    ["a tool call", delta({ tool_calls: [{ index: 2, id: "c", function: { name: "f", arguments: "{" } }] }), [
      { _tag: "ToolCall", index: 2, id: "c", name: "f", arguments: "{" }
    ]],
    ["tool calls without an index", delta({ tool_calls: [{ function: {} }, { function: { arguments: null } }] }), [
      { _tag: "ToolCall", index: 0, arguments: "" },
      { _tag: "ToolCall", index: 1, arguments: "" }
    ]],
    ["arguments as an object", delta({ tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }] }), [
      { _tag: "ToolCall", index: 0, name: "f", arguments: "{\"a\":1}" }
    ]],
    ["a function call of old", delta({ function_call: { name: "f", arguments: "{}" } }), [
      { _tag: "ToolCall", index: 0, name: "f", arguments: "{}" }
    ]]
  ]
  it.each(said)("says %s", (_, event, expected) => {
    assert.deepStrictEqual(pieces(ChatCompletionChunk.reader(), event), expected)
  })

  it("names its model once", () => {
    const event = { model: "m-1", choices: [] }
    assert.deepStrictEqual(pieces(ChatCompletionChunk.reader(), event, event), [{ _tag: "Model", model: "m-1" }])
  })

  const none: ReadonlyArray<readonly [string, unknown]> = [
    ["a list", []],
    ["null", null],
    ["choices that are no list", { choices: {} }],
    ["a choice that is no object", { choices: ["x"] }],
    ["a delta that is no object", delta("x")],
    ["content that is no text", delta({ content: 5 })],
    ["a refusal that is no text", delta({ refusal: {} })],
    ["tool calls that are no list", delta({ tool_calls: {} })],
    ["a tool call that is no object", delta({ tool_calls: [null] })],
    ["arguments that are no text", delta({ tool_calls: [{ function: { arguments: 5 } }] })],
    ["a reason that is no text", delta({}, { finish_reason: 5 })]
  ]
  it.each(none)("is none with %s, and says so", (_, event) => {
    assert.isString(pieces(ChatCompletionChunk.reader(), event))
  })
})

describe("a chunk with an error in its choice", () => {
  const subject = { endpoint: "a", account: "a", model: "m-1", secrets: [], now: 0 }
  const failureOf = (choice: object): unknown => {
    const reader = new EventReader({ status: 200, headers: {} }, subject, openai.stream!, 10_000)
    const said = reader.read(new TextEncoder().encode(`data: ${JSON.stringify({ choices: [choice] })}\n\n`))
    return [said.length, reader.failure?._tag]
  }

  const rows: ReadonlyArray<readonly [unknown, string | null, string]> = [
    [{ code: 429, message: "Slow down." }, "stop", "RateLimited"],
    [{ code: 402, message: "No credits." }, null, "QuotaExceeded"],
    [{ code: 502, message: "Down." }, "error", "EndpointUnavailable"],
    [{ message: "Odd." }, "stop", "InvalidResponse"]
  ]
  it.each(rows)("is the failure that it tells of: %j, finish_reason %j", (error, finish_reason, tag) => {
    assert.deepStrictEqual(failureOf({ index: 0, delta: { content: "" }, finish_reason, error }), [0, tag])
  })

  it("says the rest where the error is null, or of another choice", () => {
    const choice = { delta: { content: "Hi" }, finish_reason: "stop" }
    assert.deepStrictEqual(failureOf({ index: 0, ...choice, error: null }), [2, undefined])
    assert.deepStrictEqual(failureOf({ index: 1, ...choice, error: { code: 429 } }), [0, undefined])
  })
})

describe("an event of Anthropic's", () => {
  const start = (index: number, content_block: unknown) => ({ type: "content_block_start", index, content_block })
  const more = (index: number, delta: unknown) => ({ type: "content_block_delta", index, delta })

  it("counts what was read from the cache as read", () => {
    const usage = { input_tokens: 1, cache_creation_input_tokens: 20, cache_read_input_tokens: 300, output_tokens: 4 }
    assert.deepStrictEqual(pieces(AnthropicStream.reader(), { type: "message_start", message: { usage } }), [
      // of the output nothing is known before its end
      { _tag: "Counted", input: 321, output: undefined, cacheRead: 300, cacheWrite: 20, reasoning: undefined }
    ])
  })

  it("has the text that a block begins with", () => {
    assert.deepStrictEqual(pieces(AnthropicStream.reader(), start(0, { type: "text", text: "Hi" })), [text("Hi")])
  })

  it("tells tool calls apart by their blocks, and gives one without input an empty object", () => {
    const all = pieces(
      AnthropicStream.reader(),
      start(3, { type: "tool_use", id: "a", name: "f" }),
      start(5, { type: "tool_use", id: "b", name: "g" }),
      more(5, { type: "input_json_delta", partial_json: "" }),
      more(3, { type: "input_json_delta", partial_json: "{}" }),
      { type: "content_block_stop", index: 3 },
      { type: "content_block_stop", index: 5 },
      { type: "content_block_stop", index: 5 }
    )
    assert.deepStrictEqual(all, [
      { _tag: "ToolCall", index: 0, id: "a", name: "f", arguments: "" },
      { _tag: "ToolCall", index: 1, id: "b", name: "g", arguments: "" },
      { _tag: "ToolCall", index: 0, arguments: "{}" },
      { _tag: "ToolCall", index: 1, arguments: "{}" }
    ])
  })

  const nothing: ReadonlyArray<unknown> = [
    { type: "ping" },
    { type: "of tomorrow" },
    {},
    start(0, { type: "thinking", thinking: "" }),
    start(0, { type: "redacted_thinking", data: "x" }),
    start(0, { type: "of tomorrow" }),
    more(0, { type: "signature_delta", signature: "x" }),
    more(0, { type: "citations_delta", citation: {} }),
    more(0, { type: "text_delta", text: "" }),
    more(9, { type: "input_json_delta", partial_json: "{}" }),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: null }, usage: null },
    { type: "message_delta" }
  ]
  it.each(nothing)("may say nothing: %j", (event) => {
    assert.deepStrictEqual(pieces(AnthropicStream.reader(), event), [])
  })

  const none: ReadonlyArray<unknown> = [
    null,
    "x",
    { type: "message_start" },
    { type: "content_block_start" },
    start(0, { type: "tool_use" }),
    { type: "content_block_delta" },
    more(0, { type: "text_delta" }),
    more(0, { type: "thinking_delta", thinking: 5 }),
    more(0, { type: "input_json_delta" })
  ]
  it.each(none)("is none, and says so: %j", (event) => {
    assert.isString(pieces(AnthropicStream.reader(), event))
  })
})
