/**
 * A chat completion, as OpenAI-compatible APIs write it: how to read one, and how
 * to write one.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatAnswer from "./ChatAnswer.ts"
import type * as Json from "./Json.ts"
import * as Misfit from "./Misfit.ts"
import type { Nullish } from "./Misfit.ts"
import * as WireUsage from "./WireUsage.ts"

interface Call {
  readonly name: Nullish<string>
  readonly arguments: Nullish<string>
}

interface ToolCall {
  readonly id: Nullish<string>
  readonly type: Nullish<string>
  readonly function: Nullish<Call>
}

interface Reply {
  readonly role: Nullish<string>
  readonly content: Nullish<string | ReadonlyArray<unknown>>
  readonly refusal: Nullish<string>
  readonly tool_calls: Nullish<ReadonlyArray<ToolCall>>
  readonly function_call: Nullish<Call>
  readonly audio: unknown
}

interface Choice {
  readonly index: Nullish<number>
  readonly finish_reason: Nullish<string>
  readonly message: Reply
}

interface Usage {
  readonly prompt_tokens: Nullish<number>
  readonly completion_tokens: Nullish<number>
  readonly total_tokens: Nullish<number>
}

interface Completion {
  readonly id: Nullish<string>
  readonly model: Nullish<string>
  readonly choices: ReadonlyArray<Choice>
  readonly usage: Nullish<Usage>
}

// every answer is checked: by hand, since a schema costs more than all that a relay decides
const { at, count, list, object, optionalList, optionalObject, text, textOrList, whole } = Misfit

const inCall: Misfit.Check = (call) =>
  optionalObject(call, (fields) => at("name", text(fields["name"])) ?? at("arguments", text(fields["arguments"])))

const inToolCall: Misfit.Check = (call) =>
  object(
    call,
    (fields) =>
      at("id", text(fields["id"])) ?? at("type", text(fields["type"])) ?? at("function", inCall(fields["function"]))
  )

const inReply: Misfit.Check = (reply) =>
  object(reply, (fields) =>
    at("role", text(fields["role"])) ?? at("content", textOrList(fields["content"])) ??
      at("refusal", text(fields["refusal"])) ?? at("tool_calls", optionalList(fields["tool_calls"], inToolCall)) ??
      at("function_call", inCall(fields["function_call"])))

const inChoice: Misfit.Check = (choice) =>
  object(
    choice,
    (fields) =>
      at("index", whole(fields["index"])) ?? at("finish_reason", text(fields["finish_reason"])) ??
        at("message", inReply(fields["message"]))
  )

const inUsage: Misfit.Check = (usage) =>
  optionalObject(usage, (fields) =>
    at("prompt_tokens", count(fields["prompt_tokens"])) ??
      at("completion_tokens", count(fields["completion_tokens"])) ?? at("total_tokens", count(fields["total_tokens"])))

const inCompletion: Misfit.Check = (body) =>
  object(body, (fields) =>
    at("id", text(fields["id"])) ?? at("model", text(fields["model"])) ??
      at("choices", list(fields["choices"], inChoice)) ?? at("usage", inUsage(fields["usage"])))

const textOf = (content: string | ReadonlyArray<unknown> | null | undefined): string => {
  if (typeof content === "string") return content
  return (content ?? []).map((part) => {
    const text = typeof part === "object" && part !== null && "text" in part ? part.text : ""
    return typeof text === "string" ? text : ""
  }).join("")
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

const hasSubstance = (message: Reply): boolean =>
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
  const misfit = inCompletion(body)
  if (misfit !== undefined) return Result.fail({ reason: "Malformed", detail: Misfit.describe(misfit) })
  const { choices, model, usage } = body as Completion
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
    tokens: WireUsage.drafted(
      usage,
      usage?.prompt_tokens ?? 0,
      usage?.completion_tokens ?? 0,
      usage?.total_tokens ?? undefined
    ),
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
    ...(tokens.total === 0 ? {} : { usage: WireUsage.write(tokens) })
  }
}
