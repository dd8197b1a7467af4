import { assert, describe, it } from "@effect/vitest"
import type { StreamChunk } from "effect-relay"
import * as CompletionEvents from "../../src/integration/CompletionEvents.ts"

const start: StreamChunk.StreamChunk = { _tag: "Start", endpoint: "a", model: "m-1", attempts: 1 }
const finish = (reason: string, truncated = false): StreamChunk.StreamChunk => ({
  _tag: "Finish",
  reason,
  truncated,
  tokens: { input: 1, output: 2, total: 3, isEstimated: false },
  meta: { endpoint: "a", model: "m-1", cache: "bypass", firstChunk: 0, latency: 0, attempts: [], usage: [] }
})
const text = (text: string): StreamChunk.StreamChunk => ({ _tag: "TextDelta", text })

/** The events of these chunks, parsed, `[DONE]` as it is. */
const write = (chunks: ReadonlyArray<StreamChunk.StreamChunk>, includesUsage = false): ReadonlyArray<unknown> => {
  const writer = new CompletionEvents.Writer({ label: "x1", now: 1_700_000_000_999, includesUsage })
  return chunks.map((chunk) => writer.write(chunk)).join("").split("\n\n").filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""))
    .map((data) => data === "[DONE]" ? data : JSON.parse(data))
}

const deltas = (events: ReadonlyArray<unknown>) =>
  events.map((event) =>
    typeof event === "object" && event !== null && "choices" in event
      ? (event.choices as ReadonlyArray<{ readonly delta: unknown }>)[0]?.delta
      : event
  )

const reasonOf = (events: ReadonlyArray<unknown>) =>
  (events.at(-2) as { readonly choices: ReadonlyArray<{ readonly finish_reason: unknown }> }).choices[0]?.finish_reason

describe("the events of a chat completion", () => {
  it("are chunks that have all in common but what they say, and a last word", () => {
    const common = { id: "chatcmpl-x1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m-1" }
    const choice = (delta: object, reason: string | null = null) => ({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }]
    })
    assert.deepStrictEqual(write([start, text("Hi"), finish("stop")]), [
      choice({ role: "assistant", content: "" }),
      choice({ content: "Hi" }),
      choice({}, "stop"),
      "[DONE]"
    ])
  })

  it("count where that was asked for, in a chunk without choices, and say elsewhere that they do not", () => {
    const events = write([start, text("Hi"), finish("stop")], true) as ReadonlyArray<{ readonly usage?: unknown }>
    assert.deepStrictEqual(events.map((event) => event.usage), [
      null,
      null,
      null,
      { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
      undefined
    ])
  })

  it("count nothing where the tokens are only reckoned", () => {
    const reckoned = { ...finish("stop"), tokens: { input: 1, output: 2, total: 3, isEstimated: true } }
    const events = write([start, text("Hi"), reckoned as StreamChunk.StreamChunk], true)
    assert.lengthOf(events, 4)
    assert.strictEqual(reasonOf(events), "stop")
    assert.notInclude(JSON.stringify(events), "total_tokens")
  })

  it("count what came from a cache and what was thought, where the provider told", () => {
    const tokens = { input: 9, output: 2, total: 11, cacheRead: 4, reasoning: 1, isEstimated: false }
    const events = write([start, { ...finish("stop"), tokens } as StreamChunk.StreamChunk], true)
    assert.deepInclude(events.at(-2), {
      usage: {
        prompt_tokens: 9,
        completion_tokens: 2,
        total_tokens: 11,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 1 }
      }
    })
  })

  it("have thoughts, refusals and tool calls in the words that clients know, and name calls that have no name", () => {
    assert.deepStrictEqual(
      deltas(write([
        { _tag: "ReasoningDelta", text: "Hm" },
        { _tag: "RefusalDelta", text: "No" },
        { _tag: "ToolCallDelta", index: 0, id: "c", name: "f", arguments: "" },
        { _tag: "ToolCallDelta", index: 0, arguments: "{}" },
        { _tag: "ToolCallDelta", index: 1, name: "g", arguments: "{}" }
      ])),
      [
        { reasoning_content: "Hm" },
        { refusal: "No" },
        { tool_calls: [{ index: 0, id: "c", type: "function", function: { name: "f", arguments: "" } }] },
        { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
        { tool_calls: [{ index: 1, id: "call_x1_1", type: "function", function: { name: "g", arguments: "{}" } }] }
      ]
    )
  })

  it("say why the model stopped in the words that clients know", () => {
    const call: StreamChunk.StreamChunk = { _tag: "ToolCallDelta", index: 0, name: "f", arguments: "{}" }
    assert.strictEqual(reasonOf(write([start, finish("max_tokens", true)])), "length")
    assert.strictEqual(reasonOf(write([start, call, finish("stop")])), "tool_calls")
    assert.strictEqual(reasonOf(write([start, finish("eos")])), "eos")
  })

  it("begin once, whoever goes on", () => {
    const events = write([
      start,
      text("Hel"),
      { _tag: "Continued", endpoint: "a", because: "InvalidResponse" },
      { ...start, endpoint: "b", model: "m-2" },
      text("lo"),
      finish("stop")
    ])
    assert.deepStrictEqual(deltas(events), [
      { role: "assistant", content: "" },
      { content: "Hel" },
      { content: "lo" },
      {},
      "[DONE]"
    ])
    assert.strictEqual((events[2] as { readonly model: string }).model, "m-2")
  })

  it("end in an error where an answer would begin anew, and nothing follows", () => {
    const events = write([
      start,
      text("Hel"),
      { _tag: "Restarted", endpoint: "a", because: "InvalidResponse" },
      { ...start, endpoint: "b" },
      text("Hello"),
      finish("stop")
    ])
    assert.lengthOf(events, 3)
    assert.deepInclude((events[2] as { readonly error: object }).error, { code: "stream_interrupted" })
  })
})
