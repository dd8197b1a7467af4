/**
 * A chat completion, as OpenAI-compatible APIs answer it, and what to call a
 * valid one.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

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

/**
 * A tool the model wants called. `arguments` is JSON text.
 *
 * @category models
 * @since 0.1.0
 */
export interface ToolCall {
  readonly id: string | undefined
  readonly name: string
  readonly arguments: string
}

/**
 * Tokens as the endpoint counted them; zero where it did not say.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tokens {
  readonly input: number
  readonly output: number
  readonly total: number
}

/**
 * A valid answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatAnswer {
  /** The text of the first choice; empty for a tool call or a refusal. */
  readonly text: string
  /** Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`, or a word of the provider's own. */
  readonly finishReason: string
  /** Whether the answer was cut at the token limit. */
  readonly truncated: boolean
  readonly toolCalls: ReadonlyArray<ToolCall>
  /** What the model said when it declined. */
  readonly refusal: string | undefined
  /** The model that answered, by the endpoint's name for it. */
  readonly model: string
  readonly tokens: Tokens
  /** The whole body. */
  readonly body: unknown
}

/**
 * What is wrong with a body that is no valid answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Flaw {
  readonly reason: "Empty" | "Malformed" | "CutOff"
  readonly detail: string
}

const decode = Schema.decodeUnknownResult(Completion)

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

// reasons by which providers say that generation broke in the middle
const broken = new Set(["error", "insufficient_system_resource", "network_error"])

const textOf = (content: string | ReadonlyArray<unknown> | null | undefined): string => {
  if (typeof content === "string") return content
  return (content ?? []).map((part) => {
    const text = typeof part === "object" && part !== null && "text" in part ? part.text : ""
    return typeof text === "string" ? text : ""
  }).join("")
}

const cut = new Set(["length", "max_tokens"])

const countOf = (value: number | null | undefined): number =>
  Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value ?? 0)))

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

const hasSubstance = (message: typeof Reply.Type): boolean =>
  textOf(message.content) !== "" || (message.tool_calls ?? []).length > 0 ||
  [message.function_call, message.refusal, message.audio].some(isPresent)

/**
 * Reads a body. Short is not suspicious, and neither are tool calls, refusals
 * or an empty text that the model spent tokens on; an answer without a choice,
 * or one without anything in it, is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromBody = (body: unknown, model: string): Result.Result<ChatAnswer, Flaw> => {
  const decoded = decode(body)
  if (Result.isFailure(decoded)) {
    return Result.fail({ reason: "Malformed", detail: String(decoded.failure.message).slice(0, 300) })
  }
  const completion = decoded.success
  const choice = completion.choices.find((choice) => (choice.index ?? 0) === 0) ?? completion.choices[0]
  if (choice === undefined) return Result.fail({ reason: "Empty", detail: "choices is empty" })
  const { message } = choice
  const finishReason = choice.finish_reason ?? "unknown"
  if (broken.has(finishReason)) return Result.fail({ reason: "CutOff", detail: `finish_reason is ${finishReason}` })

  const calls = [
    ...(message.tool_calls ?? []).map((call) => ({ id: call.id ?? undefined, call: call.function })),
    ...(isPresent(message.function_call) ? [{ id: undefined, call: message.function_call }] : [])
  ]
  const toolCalls = calls.map(({ call, id }) => ({ id, name: call?.name ?? "", arguments: call?.arguments ?? "" }))
  if (finishReason === "tool_calls" && toolCalls.some((call) => call.arguments !== "" && !isJson(call.arguments))) {
    return Result.fail({ reason: "Malformed", detail: "the arguments of a tool call are not JSON" })
  }

  const text = textOf(message.content)
  const output = countOf(completion.usage?.completion_tokens)
  const explained = output > 0 || finishReason === "content_filter" || cut.has(finishReason)
  if (!explained && !completion.choices.some(({ message }) => hasSubstance(message))) {
    return Result.fail({ reason: "Empty", detail: "the message is empty" })
  }

  const input = countOf(completion.usage?.prompt_tokens)
  return Result.succeed({
    text,
    finishReason,
    truncated: cut.has(finishReason),
    toolCalls,
    refusal: message.refusal ?? undefined,
    model: completion.model ?? model,
    tokens: { input, output, total: countOf(completion.usage?.total_tokens ?? input + output) },
    body
  })
}
