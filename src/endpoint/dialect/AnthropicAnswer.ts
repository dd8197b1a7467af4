/**
 * Reads a message from Anthropic.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatAnswer from "../ChatAnswer.ts"
import * as Misfit from "../Misfit.ts"
import type { Nullish } from "../Misfit.ts"
import * as WireUsage from "../WireUsage.ts"

interface Text {
  readonly type: "text"
  readonly text: string
}

interface Call {
  readonly type: "tool_use"
  readonly id: Nullish<string>
  readonly name: string
  readonly input: unknown
}

// of blocks that nobody knows yet nothing is asked but a type
interface Block {
  readonly type: string
}

interface Usage {
  readonly input_tokens: Nullish<number>
  readonly output_tokens: Nullish<number>
  readonly cache_creation_input_tokens: Nullish<number>
  readonly cache_read_input_tokens: Nullish<number>
}

interface Message {
  readonly model: Nullish<string>
  readonly content: ReadonlyArray<Text | Call | Block>
  readonly stop_reason: Nullish<string>
  readonly usage: Nullish<Usage>
}

const isText = (block: Block): block is Text => block.type === "text"

const isCall = (block: Block): block is Call => block.type === "tool_use"

const { at, count, list, object, optionalObject, requiredText, text } = Misfit

const inBlock: Misfit.Check = (block) =>
  object(block, (fields) => {
    switch (fields["type"]) {
      case "text":
        return at("text", requiredText(fields["text"]))
      case "tool_use":
        return at("id", text(fields["id"])) ?? at("name", requiredText(fields["name"]))
      default:
        return at("type", requiredText(fields["type"]))
    }
  })

const inUsage: Misfit.Check = (usage) =>
  optionalObject(
    usage,
    (fields) =>
      at("input_tokens", count(fields["input_tokens"])) ?? at("output_tokens", count(fields["output_tokens"])) ??
        at("cache_creation_input_tokens", count(fields["cache_creation_input_tokens"])) ??
        at("cache_read_input_tokens", count(fields["cache_read_input_tokens"]))
  )

const inMessage: Misfit.Check = (body) =>
  object(body, (fields) =>
    at("model", text(fields["model"])) ?? at("content", list(fields["content"], inBlock)) ??
      at("stop_reason", text(fields["stop_reason"])) ?? at("usage", inUsage(fields["usage"])))

// what the model thought is nothing that it says
const silent = new Set(["text", "tool_use", "thinking", "redacted_thinking"])

/**
 * What a message says, or why it says nothing.
 *
 * Input tokens are all that was read, from the cache or not, as chat completions count them.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (body: unknown): Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw> => {
  const misfit = inMessage(body)
  if (misfit !== undefined) return Result.fail({ reason: "Malformed", detail: Misfit.describe(misfit) })
  const { content, model, stop_reason: stopReason, usage } = body as Message
  const text = content.filter(isText).map(({ text }) => text).join("")
  return Result.succeed({
    text,
    finishReason: stopReason ?? undefined,
    toolCalls: content.filter(isCall).map(({ id, input, name }) => ({
      id: id ?? undefined,
      name,
      arguments: JSON.stringify(input ?? {})
    })),
    refusal: stopReason === "refusal" && text !== "" ? text : undefined,
    model: model ?? undefined,
    tokens: WireUsage.drafted(
      usage,
      (usage?.input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0) + (usage?.cache_read_input_tokens ?? 0),
      usage?.output_tokens ?? 0,
      undefined
    ),
    hasMore: content.some(({ type }) => !silent.has(type))
  })
}
