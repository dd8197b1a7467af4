import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import type { ChatAnswer } from "effect-relay"
import * as Answer from "../../src/endpoint/ChatAnswer.ts"
import * as ChatCompletion from "../../src/endpoint/ChatCompletion.ts"
import * as Law from "../Law.ts"

const answer: ChatAnswer.ChatAnswer = {
  text: "Bern.",
  finishReason: "stop",
  truncated: false,
  toolCalls: [],
  refusal: undefined,
  model: "m-1",
  tokens: { input: 10, output: 5, total: 15 },
  body: {}
}

const now = 1_700_000_000_999

const messageOf = (more: Partial<ChatAnswer.ChatAnswer>) => {
  const { choices } = ChatCompletion.write({ ...answer, ...more }, "x", now) as {
    readonly choices: readonly [
      {
        readonly index: number
        readonly message: object
        readonly logprobs: null
        readonly finish_reason: string
      }
    ]
  }
  return choices[0]
}

describe("an answer as a chat completion", () => {
  it("has every member that OpenAI's has", () => {
    assert.deepStrictEqual(ChatCompletion.write(answer, "x", now), {
      id: "chatcmpl-x",
      object: "chat.completion",
      created: 1_700_000_000,
      model: "m-1",
      choices: [{
        index: 0,
        message: { role: "assistant", content: "Bern.", refusal: null },
        logprobs: null,
        finish_reason: "stop"
      }],
      usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
    })
  })

  it("names calls that have no name, and says that the model stopped for them", () => {
    const call = (id: string | undefined) => ({ id, name: "lookup", arguments: "{}" })
    assert.deepStrictEqual(messageOf({ text: "", toolCalls: [call("c-1"), call(undefined), call(undefined)] }), {
      index: 0,
      message: {
        role: "assistant",
        content: null,
        refusal: null,
        tool_calls: ["c-1", "call_x_1", "call_x_2"].map((id) => ({
          id,
          type: "function",
          function: { name: "lookup", arguments: "{}" }
        }))
      },
      logprobs: null,
      finish_reason: "tool_calls"
    })
  })

  it("says a refusal once, and beside another text twice", () => {
    assert.deepInclude(messageOf({ text: "No.", refusal: "No." }).message, { content: null, refusal: "No." })
    assert.deepInclude(messageOf({ text: "Well.", refusal: "No." }).message, { content: "Well.", refusal: "No." })
  })

  const reasons: ReadonlyArray<readonly [Partial<ChatAnswer.ChatAnswer>, string]> = [
    [{ finishReason: "max_tokens", truncated: true }, "length"],
    [{ finishReason: "content_filter" }, "content_filter"],
    [{ finishReason: "pause_turn" }, "pause_turn"]
  ]
  it.each(reasons)("that stopped by %o says %s", (more, reason) => {
    assert.strictEqual(messageOf(more).finish_reason, reason)
  })

  it("says nothing of tokens that nobody counted", () => {
    assert.notProperty(
      ChatCompletion.write({ ...answer, tokens: { input: 0, output: 0, total: 0 } }, "x", now),
      "usage"
    )
  })

  const text = Law.oneOf("", "Yes.", "ü\n\"")
  const call = Arbitrary.all({ id: Law.oneOf("c-1", "c-2"), input: Law.oneOf("{}", "{\"a\":1}") })
  const drawn = Arbitrary.all({
    text,
    calls: Law.list(call, 3),
    refusal: Law.oneOf("", "No."),
    reason: Law.oneOf("stop", "length", "content_filter"),
    tokens: Law.int(1, 500)
  })
  const answers: Arbitrary.Arbitrary<ChatAnswer.ChatAnswer> = Arbitrary.map(
    drawn,
    ({ calls, reason, refusal, text, tokens }) => ({
      text: refusal === "" ? text : "",
      finishReason: reason === "stop" && calls.length > 0 ? "tool_calls" : reason,
      truncated: reason === "length",
      toolCalls: calls.map(({ id, input }) => ({ id, name: "lookup", arguments: input })),
      refusal: refusal === "" ? undefined : refusal,
      model: "m-1",
      tokens: { input: tokens, output: tokens, total: 2 * tokens },
      body: undefined
    })
  )

  const isReadBack = (written: (answer: ChatAnswer.ChatAnswer) => unknown) => (answer: ChatAnswer.ChatAnswer) => {
    const read = Result.flatMap(
      ChatCompletion.read(written(answer)),
      (draft) => Answer.judge(draft, { model: "other", body: undefined, finishReasons: {} })
    )
    assert.deepStrictEqual(Result.getOrUndefined(read), answer)
  }

  it.prop(
    "is read as the same answer",
    { answer: answers },
    ({ answer }) => isReadBack((answer) => ChatCompletion.write(answer, "x", now))(answer),
    Law.check(300)
  )

  it.effect("is not, where it is another's", () =>
    Law.isBroken(answers, isReadBack((answer) => ChatCompletion.write({ ...answer, text: "" }, "x", now))))
})
