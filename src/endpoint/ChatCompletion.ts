/**
 * A chat completion, as OpenAI-compatible APIs write it: how to read one, and how
 * to write one.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as ChatAnswer from "./ChatAnswer.ts"
import type * as Json from "./Json.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Call = Schema.Struct({ name: nullish(Schema.String), arguments: nullish(Schema.String) })

const ToolCall = Schema.Struct({ id: nullish(Schema.String), type: nullish(Schema.String), function: nullish(Call) })

const Reply = Schema.Struct({
  role: nullish(Schema.String),
  content: nullish(Schema.Union([Schema.String, Schema.Array(Schema.Unknown)])),
  refusal: nullish(Schema.String),
  tool_calls: nullish(Schema.Array(ToolCall)),
  function_call: nullish(Call),
  audio: nullish(Schema.Unknown),
  reasoning: nullish(Schema.Unknown),
  reasoning_content: nullish(Schema.Unknown)
})

const Usage = Schema.Struct({
  prompt_tokens: nullish(Schema.Finite),
  completion_tokens: nullish(Schema.Finite),
  total_tokens: nullish(Schema.Finite)
})

const Completion = Schema.Struct({
  id: nullish(Schema.String),
  model: nullish(Schema.String),
  choices: Schema.Array(
    Schema.Struct({ index: nullish(Schema.Int), finish_reason: nullish(Schema.String), message: Reply })
  ),
  usage: nullish(Usage)
})

const decode = Schema.decodeUnknownResult(Completion)

const textOf = (content: string | ReadonlyArray<unknown> | null | undefined): string => {
  if (typeof content === "string") return content
  return (content ?? []).map((part) => {
    const text = typeof part === "object" && part !== null && "text" in part ? part.text : ""
    return typeof text === "string" ? text : ""
  }).join("")
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

const hasSubstance = (message: typeof Reply.Type): boolean =>
  textOf(message.content) !== "" || (message.tool_calls ?? []).length > 0 ||
  [message.function_call, message.refusal, message.audio].some(isPresent)

/**
 * What a body says, or why it says nothing: a choice has a message, and the
 * first choice is the answer.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (body: unknown): Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw> => {
  const decoded = decode(body)
  if (Result.isFailure(decoded)) {
    return Result.fail({ reason: "Malformed", detail: String(decoded.failure.message).slice(0, 300) })
  }
  const { choices, model, usage } = decoded.success
  const choice = choices.find((choice) => (choice.index ?? 0) === 0) ?? choices[0]
  if (choice === undefined) return Result.fail({ reason: "Empty", detail: "choices is empty" })
  const { message } = choice
  const calls = [
    ...(message.tool_calls ?? []).map((call) => ({ id: call.id ?? undefined, call: call.function })),
    ...(isPresent(message.function_call) ? [{ id: undefined, call: message.function_call }] : [])
  ]
  return Result.succeed({
    text: textOf(message.content),
    finishReason: choice.finish_reason ?? undefined,
    toolCalls: calls.map(({ call, id }) => ({ id, name: call?.name ?? "", arguments: call?.arguments ?? "" })),
    refusal: message.refusal ?? undefined,
    model: model ?? undefined,
    tokens: {
      input: usage?.prompt_tokens ?? 0,
      output: usage?.completion_tokens ?? 0,
      total: usage?.total_tokens ?? undefined
    },
    hasMore: choices.some(({ message }) => hasSubstance(message))
  })
}

// words of the provider's own for why it stopped stay what they are
const reasonOf = ({ finishReason, toolCalls, truncated }: ChatAnswer.ChatAnswer): string => {
  if (truncated) return "length"
  return finishReason === "stop" && toolCalls.length > 0 ? "tool_calls" : finishReason
}

// what a refusal says stands there, and not twice; beside tool calls there need not be a text
const contentOf = ({ refusal, text, toolCalls }: ChatAnswer.ChatAnswer): string | null =>
  text === refusal || (text === "" && toolCalls.length > 0) ? null : text

/**
 * The chat completion that says what an answer says, with one choice. `label` is
 * unlike any other's: the completion, and tool calls without an id, are named by
 * it. `now` is in epoch milliseconds.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = (answer: ChatAnswer.ChatAnswer, label: string, now: number): Json.Json => {
  const { model, refusal = null, tokens, toolCalls } = answer
  const calls = toolCalls.map(({ arguments: input, id, name }, index) => ({
    id: id ?? `call_${label}_${index}`,
    type: "function",
    function: { name, arguments: input }
  }))
  return {
    id: `chatcmpl-${label}`,
    object: "chat.completion",
    created: Math.floor(now / 1000),
    model,
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: contentOf(answer),
        refusal,
        ...(calls.length === 0 ? {} : { tool_calls: calls })
      },
      logprobs: null,
      finish_reason: reasonOf(answer)
    }],
    // nothing is said of tokens that nobody counted
    ...(tokens.total === 0 ? {} : {
      usage: { prompt_tokens: tokens.input, completion_tokens: tokens.output, total_tokens: tokens.total }
    })
  }
}
