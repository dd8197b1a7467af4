import { assert, describe, it } from "@effect/vitest"
import { Record, Result, Schema } from "effect"
import type * as ChatAnswer from "../../src/endpoint/ChatAnswer.ts"
import * as ChatCompletion from "../../src/endpoint/ChatCompletion.ts"
import * as AnthropicAnswer from "../../src/endpoint/dialect/AnthropicAnswer.ts"
import * as GeminiAnswer from "../../src/endpoint/dialect/GeminiAnswer.ts"
import * as Law from "../Law.ts"
import * as Changed from "./Changed.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const any = Schema.optional(Schema.Unknown)

const { Array: List, Boolean, Finite, Int, Struct, String: Text, Unknown } = Schema

type Fields = Schema.Struct.Fields

/** The same fields, of which those that are named are loosened. */
const loosen = (fields: Fields, looser: Fields): Fields => ({ ...fields, ...looser })

interface Subject {
  readonly read: (body: unknown) => Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw>
  /** What a body has to be, and what it is like if all is well. */
  readonly fields: Fields
  readonly whole: unknown
  /** By what they take, schemas that take more. */
  readonly looser: Readonly<Record<string, Fields>>
}

const completion = (): Subject => {
  const call = { name: nullish(Text), arguments: nullish(Text) }
  const toolCall = { id: nullish(Text), type: nullish(Text), function: nullish(Struct(call)) }
  const message = {
    role: nullish(Text),
    content: nullish(Schema.Union([Text, List(Unknown)])),
    refusal: nullish(Text),
    tool_calls: nullish(List(Struct(toolCall))),
    function_call: nullish(Struct(call)),
    audio: nullish(Unknown)
  }
  const choice = { index: nullish(Int), finish_reason: nullish(Text), message: Struct(message) }
  const usage = {
    prompt_tokens: nullish(Finite),
    completion_tokens: nullish(Finite),
    total_tokens: nullish(Finite)
  }
  const fields = {
    id: nullish(Text),
    model: nullish(Text),
    choices: List(Struct(choice)),
    usage: nullish(Struct(usage))
  }
  const inChoice = (looser: Fields) => loosen(fields, { choices: List(Struct(loosen(choice, looser))) })
  const inMessage = (looser: Fields) => inChoice({ message: Struct(loosen(message, looser)) })
  return {
    read: ChatCompletion.read,
    fields,
    whole: {
      id: "c-1",
      model: "m-1",
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          message: {
            role: "assistant",
            content: "Bern.",
            refusal: null,
            tool_calls: [
              { id: "t-1", type: "function", function: { name: "lookup", arguments: "{}" } },
              { id: "t-2", function: { name: "lookup" } }
            ],
            function_call: { name: "lookup", arguments: "{}" },
            audio: { id: "a-1" }
          }
        },
        { index: 1, message: { content: [{ type: "text", text: "Or Berne." }, 7] } }
      ],
      usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 },
      created: 1_800_000_000
    },
    looser: {
      "any id": loosen(fields, { id: any }),
      "any model": loosen(fields, { model: any }),
      "any usage": loosen(fields, { usage: any }),
      "infinite counts": loosen(fields, {
        usage: nullish(Struct(Record.map(usage, () => nullish(Schema.Number))))
      }),
      "no choices": loosen(fields, { choices: Schema.optional(fields.choices) }),
      "any choice": loosen(fields, { choices: List(Unknown) }),
      "half an index": inChoice({ index: nullish(Finite) }),
      "any reason": inChoice({ finish_reason: any }),
      "no message": inChoice({ message: Schema.optional(choice.message) }),
      "any role": inMessage({ role: any }),
      "any content": inMessage({ content: any }),
      "any refusal": inMessage({ refusal: any }),
      "any function call": inMessage({ function_call: any }),
      "any tool call": inMessage({ tool_calls: nullish(List(Unknown)) }),
      "any function in a tool call": inMessage({
        tool_calls: nullish(List(Struct(loosen(toolCall, { function: any }))))
      })
    }
  }
}

const anthropic = (): Subject => {
  const text = { type: Schema.Literal("text"), text: Text }
  const call = { type: Schema.Literal("tool_use"), id: nullish(Text), name: Text, input: nullish(Unknown) }
  const other = { type: Text.check(Schema.makeFilter<string>((type) => type !== "text" && type !== "tool_use")) }
  const usage = {
    input_tokens: nullish(Finite),
    output_tokens: nullish(Finite),
    cache_creation_input_tokens: nullish(Finite),
    cache_read_input_tokens: nullish(Finite)
  }
  const blocks = (looser: { readonly text?: Fields; readonly call?: Fields; readonly other?: Fields } = {}) =>
    List(Schema.Union([
      Struct(loosen(text, looser.text ?? {})),
      Struct(loosen(call, looser.call ?? {})),
      Struct(loosen(other, looser.other ?? {}))
    ]))
  const fields = {
    model: nullish(Text),
    content: blocks(),
    stop_reason: nullish(Text),
    usage: nullish(Struct(usage))
  }
  return {
    read: AnthropicAnswer.read,
    fields,
    whole: {
      model: "m-1",
      content: [
        { type: "thinking", text: "Hm." },
        { type: "text", text: "Bern." },
        { type: "tool_use", id: "t-1", name: "lookup", input: { a: 1 } },
        { type: "new", name: "lookup" }
      ],
      stop_reason: "end_turn",
      usage: { input_tokens: 14, output_tokens: 2, cache_creation_input_tokens: 1, cache_read_input_tokens: null }
    },
    looser: {
      "any model": loosen(fields, { model: any }),
      "any reason": loosen(fields, { stop_reason: any }),
      "any usage": loosen(fields, { usage: any }),
      "infinite counts": loosen(fields, {
        usage: nullish(Struct(Record.map(usage, () => nullish(Schema.Number))))
      }),
      "no content": loosen(fields, { content: Schema.optional(fields.content) }),
      "any block": loosen(fields, { content: List(Unknown) }),
      "any text": loosen(fields, { content: blocks({ text: { text: any } }) }),
      "any id": loosen(fields, { content: blocks({ call: { id: any } }) }),
      "any name": loosen(fields, { content: blocks({ call: { name: any } }) }),
      "any type": loosen(fields, { content: blocks({ other: { type: any } }) })
    }
  }
}

const gemini = (): Subject => {
  const call = { id: nullish(Text), name: nullish(Text), args: nullish(Unknown) }
  const part = {
    text: nullish(Text),
    thought: nullish(Boolean),
    functionCall: nullish(Struct(call)),
    inlineData: nullish(Unknown),
    executableCode: nullish(Unknown)
  }
  const contentOf = (part: Schema.Constraint) => nullish(Struct({ parts: nullish(List(part)) }))
  const candidate = { index: nullish(Int), content: contentOf(Struct(part)), finishReason: nullish(Text) }
  const usage = {
    promptTokenCount: nullish(Finite),
    candidatesTokenCount: nullish(Finite),
    thoughtsTokenCount: nullish(Finite),
    totalTokenCount: nullish(Finite)
  }
  const fields = {
    candidates: List(Struct(candidate)),
    modelVersion: nullish(Text),
    usageMetadata: nullish(Struct(usage))
  }
  const inCandidate = (looser: Fields) => loosen(fields, { candidates: List(Struct(loosen(candidate, looser))) })
  const inPart = (looser: Fields) => inCandidate({ content: contentOf(Struct(loosen(part, looser))) })
  return {
    read: GeminiAnswer.read,
    fields,
    whole: {
      candidates: [
        {
          index: 0,
          content: {
            parts: [
              { text: "Hm.", thought: true },
              { text: "Bern." },
              { functionCall: { id: "t-1", name: "lookup", args: { a: 1 } } },
              { inlineData: { data: "" } },
              { executableCode: { code: "" } }
            ]
          },
          finishReason: "STOP"
        },
        { index: 1, content: { parts: [{ text: "Or Berne." }] } }
      ],
      modelVersion: "m-1",
      usageMetadata: { promptTokenCount: 14, candidatesTokenCount: 2, thoughtsTokenCount: 1, totalTokenCount: 17 }
    },
    looser: {
      "any model": loosen(fields, { modelVersion: any }),
      "any usage": loosen(fields, { usageMetadata: any }),
      "infinite counts": loosen(fields, {
        usageMetadata: nullish(Struct(Record.map(usage, () => nullish(Schema.Number))))
      }),
      "no candidates": loosen(fields, { candidates: Schema.optional(fields.candidates) }),
      "any candidate": loosen(fields, { candidates: List(Unknown) }),
      "half an index": inCandidate({ index: nullish(Finite) }),
      "any reason": inCandidate({ finishReason: any }),
      "any content": inCandidate({ content: any }),
      "any part": inCandidate({ content: contentOf(Unknown) }),
      "any text": inPart({ text: any }),
      "any thought": inPart({ thought: any }),
      "any call": inPart({ functionCall: any })
    }
  }
}

// where a block may be one of several, the schema goes on to say why it is none of the others
const firstOf = (detail: string): string =>
  detail.replace(/Expected \{.*\} \| object/, "Expected object").split("\n").slice(0, 2).join("\n")

/** The slow and obvious way: a schema says what a body is, and what is read is its decoded copy. */
const isReadBy = (fields: Fields, read: Subject["read"]) => {
  const decode = Schema.decodeUnknownResult(Struct(fields) as unknown as Schema.Codec<unknown>)
  return (body: unknown): void => {
    const draft = read(body)
    const decoded = decode(body)
    if (Result.isFailure(decoded)) {
      const detail = firstOf(String(decoded.failure.message))
      assert.deepStrictEqual(draft, Result.fail({ reason: "Malformed", detail }))
    } else {
      assert.isFalse(Result.isFailure(draft) && draft.failure.reason === "Malformed")
      assert.deepStrictEqual(draft, read(decoded.success))
    }
  }
}

const subjects = { "a chat completion": completion(), "a message": anthropic(), "candidates": gemini() }

describe.each(Object.entries(subjects))("a body that may be %s", (_, { fields, looser, read, whole }) => {
  it.prop(
    "is read as by its schema, down to the words for what is wrong with it",
    { body: Changed.from(whole) },
    ({ body }) => isReadBy(fields, read)(body),
    Law.check(2000)
  )

  it.effect.each(Object.entries(looser))(
    "is not read as by a schema that takes %s",
    ([, fields]) => Law.isBroken(Changed.from(whole), isReadBy(fields, read))
  )
})
