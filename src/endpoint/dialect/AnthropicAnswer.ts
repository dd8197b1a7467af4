/**
 * Reads a message from Anthropic.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as ChatAnswer from "../ChatAnswer.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

// of blocks that nobody knows yet nothing is asked but a type
const Block = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("tool_use"),
    id: nullish(Schema.String),
    name: Schema.String,
    input: nullish(Schema.Unknown)
  }),
  Schema.Struct({
    type: Schema.String.check(
      Schema.makeFilter<string>((type) => type !== "text" && type !== "tool_use" || "it has a text or a name")
    )
  })
])

const isText = (block: typeof Block.Type) => "text" in block

const isCall = (block: typeof Block.Type) => "name" in block

const Message = Schema.Struct({
  model: nullish(Schema.String),
  content: Schema.Array(Block),
  stop_reason: nullish(Schema.String),
  usage: nullish(Schema.Struct({
    input_tokens: nullish(Schema.Finite),
    output_tokens: nullish(Schema.Finite),
    cache_creation_input_tokens: nullish(Schema.Finite),
    cache_read_input_tokens: nullish(Schema.Finite)
  }))
})

const decode = Schema.decodeUnknownResult(Message)

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
  const decoded = decode(body)
  if (Result.isFailure(decoded)) {
    return Result.fail({ reason: "Malformed", detail: String(decoded.failure.message).slice(0, 300) })
  }
  const { content, model, stop_reason: stopReason, usage } = decoded.success
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
    tokens: {
      input: (usage?.input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0) +
        (usage?.cache_read_input_tokens ?? 0),
      output: usage?.output_tokens ?? 0,
      total: undefined
    },
    hasMore: content.some(({ type }) => !silent.has(type))
  })
}
