import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Result } from "effect"
import { Classifier, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const read = (text: string) =>
  Classifier.classify({ _tag: "Reply", status: 200, headers: {}, text }, {
    endpoint: "primary",
    account: "acme",
    model: "m-1",
    secrets: [],
    now: 0
  })

const answerTo = (text: string) => {
  const result = read(text)
  return Result.isSuccess(result) ? result.success : assert.fail(`${result.failure._tag}: ${result.failure.message}`)
}

const flawOf = (text: string) => {
  const result = read(text)
  if (Result.isSuccess(result)) return assert.fail(`an answer: ${JSON.stringify(result.success)}`)
  return result.failure._tag === "InvalidResponse" ? result.failure.reason : assert.fail(result.failure._tag)
}

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }

/** A completion with one choice. */
const completion = (message: unknown, finishReason: unknown = "stop", more: object = {}) =>
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "m-1-2026",
    choices: [{ index: 0, message, finish_reason: finishReason }],
    ...more
  })

const says = (content: unknown, more: object = {}) => ({ role: "assistant", content, ...more })
const tool = (args: unknown) => ({ id: "call-1", type: "function", function: { name: "lookup", arguments: args } })
const choice = (index: number, content: string | null, finishReason = "stop") => ({
  index,
  message: says(content),
  finish_reason: finishReason
})
const choices = (...choices: ReadonlyArray<object>) => JSON.stringify({ choices })

describe("an answer", () => {
  it("has the text, the model, the tokens and the whole body", () => {
    const text = completion(says("Yes."), "stop", { usage })
    assert.deepStrictEqual(answerTo(text), {
      text: "Yes.",
      finishReason: "stop",
      truncated: false,
      toolCalls: [],
      refusal: undefined,
      model: "m-1-2026",
      tokens: { input: 10, output: 5, total: 15 },
      body: JSON.parse(text)
    })
  })

  it("has the model that was asked for and no tokens where the service does not say", () => {
    const answer = answerTo(choices({ message: says("Yes.") }))
    assert.strictEqual(answer.model, "m-1")
    assert.strictEqual(answer.finishReason, "unknown")
    assert.strictEqual(answerTo(completion(says("Yes."), "")).finishReason, "unknown")
    assert.deepStrictEqual(answer.tokens, { input: 0, output: 0, total: 0 })
    assert.deepStrictEqual(
      answerTo(completion(says("Yes."), "stop", { usage: { prompt_tokens: 2, completion_tokens: 3 } })).tokens,
      { input: 2, output: 3, total: 5 }
    )
  })

  it("has its tool calls and its refusal", () => {
    assert.deepStrictEqual(
      answerTo(completion(says(null, { tool_calls: [tool("{\"city\":\"Bern\"}")] }), "tool_calls")).toolCalls,
      [{ id: "call-1", name: "lookup", arguments: "{\"city\":\"Bern\"}" }]
    )
    assert.deepStrictEqual(
      answerTo(completion(says(null, { function_call: { name: "lookup", arguments: "{}" } }), "function_call"))
        .toolCalls,
      [{ id: undefined, name: "lookup", arguments: "{}" }]
    )
    assert.strictEqual(answerTo(completion(says(null, { refusal: "No." }))).refusal, "No.")
  })

  it("that is cut at the limit says so", () => {
    assert.isTrue(answerTo(completion(says("Once upon"), "length")).truncated)
    assert.isTrue(answerTo(completion(says("Once upon"), "max_tokens")).truncated)
    assert.isFalse(answerTo(completion(says("The end."), "eos")).truncated)
  })

  it("joins the texts of its parts", () => {
    const parts = [{ type: "text", text: "Hel" }, { type: "image" }, null, 7, { text: 7 }, {
      type: "text",
      text: "lo."
    }]
    assert.strictEqual(answerTo(completion(says(parts))).text, "Hello.")
  })

  it("has counts that can be counted with, whatever the service counted", () => {
    const counted = { prompt_tokens: -10, completion_tokens: -5, total_tokens: -15 }
    for (const count of Object.values(answerTo(completion(says("Yes."), "stop", { usage: counted })).tokens)) {
      assert.isAtLeast(count, 0)
    }
  })
})

const valid: ReadonlyArray<readonly [name: string, text: string, says: string]> = [
  ["a short text", completion(says("Yes.")), "Yes."],
  ["a text of one character", completion(says("7")), "7"],
  ["a blank", completion(says(" ")), " "],
  ["a text without usage", completion(says("Yes."), "stop", { usage: null }), "Yes."],
  ["a text beside an error that is null", completion(says("Yes."), "stop", { error: null }), "Yes."],
  ["a text after a byte order mark", `\uFEFF${completion(says("Yes."))}`, "Yes."],
  ["a text after the blank lines of a queue", `\n\n\r\n${completion(says("Yes."))}\n`, "Yes."],
  ["a text in parts", completion(says([{ type: "text", text: "Yes." }])), "Yes."],
  ["a text that stopped for a reason nobody knows", completion(says("Yes."), "because"), "Yes."],
  ["a text that stopped without a reason", completion(says("Yes."), null), "Yes."],
  [
    "a text of which a filter could not judge",
    completion(says("Yes."), "stop", { content_filter_results: { error: {} } }),
    "Yes."
  ],
  ["a text with fields nobody knows", completion(says("Yes.", { mood: 1 }), "stop", { more: [{}] }), "Yes."],
  ["a tool call with null content", completion(says(null, { tool_calls: [tool("{}")] }), "tool_calls"), ""],
  ["a tool call with empty content", completion(says("", { tool_calls: [tool("{}")] }), "tool_calls"), ""],
  ["a tool call without content", completion({ tool_calls: [tool("{}")] }, "tool_calls"), ""],
  ["a tool call without arguments", completion(says(null, { tool_calls: [tool("")] }), "tool_calls"), ""],
  ["a tool call cut at the limit", completion(says(null, { tool_calls: [tool("{\"ci")] }), "length"), ""],
  ["a function call", completion(says(null, { function_call: { name: "f", arguments: "{}" } }), "function_call"), ""],
  ["a refusal", completion(says(null, { refusal: "I cannot." })), ""],
  ["audio", completion(says(null, { audio: { id: "a", data: "AA==" } })), ""],
  ["nothing, because of a filter", completion(says(null), "content_filter"), ""],
  ["a message without content, because of a filter", completion({ role: "assistant" }, "content_filter"), ""],
  ["nothing, because the limit went into reasoning", completion(says(""), "length"), ""],
  ["nothing, because another word for the limit went into reasoning", completion(says(""), "max_tokens"), ""],
  ["nothing, but tokens were spent on it", completion(says(""), "stop", { usage }), ""],
  [
    "reasoning alone, with tokens spent on it",
    completion(says("", { reasoning_content: "Hm." }), "stop", { usage }),
    ""
  ],
  ["several choices", choices(choice(0, "A"), choice(1, "B")), "A"],
  ["several choices in any order", choices(choice(1, "B"), choice(0, "A")), "A"],
  ["several choices, of which the last is empty", choices(choice(0, "A"), choice(1, "")), "A"],
  ["several choices, of which the first is empty", choices(choice(0, ""), choice(1, "B")), ""],
  ["choices that are not numbered", choices({ message: says("A") }, { message: says("B") }), "A"]
]

describe("a valid answer", () => {
  it.each(valid)("is %s", (_, text, says) => {
    assert.strictEqual(answerTo(text).text, says)
  })
})

const invalid: ReadonlyArray<readonly [name: string, text: string, reason: string]> = [
  ["nothing", "", "Empty"],
  ["blank lines", "\n\n\n", "Empty"],
  ["no choice", choices(), "Empty"],
  ["an empty text", completion(says("")), "Empty"],
  ["a null content", completion(says(null)), "Empty"],
  ["no content", completion({ role: "assistant" }), "Empty"],
  ["an empty list of parts", completion(says([])), "Empty"],
  ["an empty list of tool calls", completion(says(null, { tool_calls: [] })), "Empty"],
  ["an empty text of no tokens", completion(says(""), "stop", { usage: { ...usage, completion_tokens: 0 } }), "Empty"],
  ["reasoning alone, for which nobody counted tokens", completion(says("", { reasoning: "Hm." })), "Empty"],
  ["several choices that are all empty", choices(choice(0, ""), choice(1, null)), "Empty"],
  ["no choices", "{}", "Malformed"],
  ["choices that are null", `{"choices":null}`, "Malformed"],
  ["a choice without a message", `{"choices":[{}]}`, "Malformed"],
  ["a choice that is null", `{"choices":[null]}`, "Malformed"],
  ["choices that are a text", `{"choices":"Yes."}`, "Malformed"],
  ["choices that are an object", `{"choices":{"0":{"message":{"content":"Yes."}}}}`, "Malformed"],
  ["a message that is a text", completion("Yes."), "Malformed"],
  ["a content that is a number", completion(says(7)), "Malformed"],
  ["a content that is an object", completion(says({ text: "Yes." })), "Malformed"],
  ["a reason that is a number", completion(says("Yes."), 0), "Malformed"],
  ["tool calls that are an object", completion(says(null, { tool_calls: {} }), "tool_calls"), "Malformed"],
  [
    "a tool call whose arguments are an object",
    completion(says(null, { tool_calls: [tool({})] }), "tool_calls"),
    "Malformed"
  ],
  [
    "a tool call whose arguments are not JSON",
    completion(says(null, { tool_calls: [tool("{\"a")] }), "tool_calls"),
    "Malformed"
  ],
  [
    "a tool call whose arguments break off, though the reason is another",
    completion(says(null, { tool_calls: [tool("{\"a")] }), "stop"),
    "Malformed"
  ],
  [
    "a tool call whose arguments break off, and no reason",
    completion(says(null, { tool_calls: [tool("{\"a")] }), null),
    "Malformed"
  ],
  ["a list", "[]", "Malformed"],
  ["a text", `"Yes."`, "Malformed"],
  ["a number", "7", "Malformed"],
  ["null", "null", "Malformed"],
  ["plain text", "Yes.", "NotJson"],
  ["a page", "<!DOCTYPE html><p>Welcome!</p>", "NotJson"],
  ["an answer that is cut off", completion(says("Yes.")).slice(0, -9), "NotJson"],
  ["a stream of events", `data: ${completion(says("Yes."))}\n\ndata: [DONE]\n\n`, "NotJson"],
  ["an answer with something after it", `${completion(says("Yes."))}x`, "NotJson"],
  ["a text that broke off for lack of resources", completion(says("Once"), "insufficient_system_resource"), "CutOff"],
  ["a text that broke off in an error", completion(says("Once"), "error"), "CutOff"],
  ["a text that broke off in the network", completion(says("Once"), "network_error"), "CutOff"]
]

describe("an invalid answer", () => {
  it.each(invalid)("is %s", (_, text, reason) => {
    assert.strictEqual(flawOf(text), reason)
  })
})

describe("an endpoint that counts tokens wrong", () => {
  it.effect.each([1e15, 1e300, -1e15])("has its turn again within a window: %d tokens", (total_tokens) => {
    const text = completion(says("Hello."), "stop", { usage: { total_tokens } })
    const limits = { tokensPerMinute: 1000 }
    const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.body(text)], { limits })
    return Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const request = { model: "any", messages: [{ role: "user", content: "Hi" }], max_tokens: 10 }
      yield* relay.chat(request)
      const failure = yield* relay.chat(request, { deadline: "1 second" }).pipe(
        Effect.match({ onFailure: (failure) => failure, onSuccess: () => ({}) })
      )
      const wait = "retryAfter" in failure ? failure.retryAfter ?? Duration.zero : Duration.zero
      assert.isAtMost(Duration.toMillis(wait), 62_000)
    }).pipe(
      Effect.provide(
        RelayService.layerDefault({ endpoints: [primary.endpoint], health: "off" }).pipe(
          Layer.provide(ScriptedEndpoint.layer(primary))
        )
      )
    )
  })
})
