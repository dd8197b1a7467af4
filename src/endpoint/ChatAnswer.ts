/**
 * What a model answered, whatever API it came through, and what to call a valid
 * answer.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Tokens from "../policy/Tokens.ts"
import * as Json from "./Json.ts"
import type * as WireUsage from "./WireUsage.ts"

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

export {
  /**
   * What a model read and wrote, in tokens.
   *
   * @category models
   * @since 0.1.0
   */
  type Tokens
} from "../policy/Tokens.ts"

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
  /** Tokens as the endpoint counted them; zero where it did not say. */
  readonly tokens: Tokens.Tokens
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

/**
 * What was read off a body, before it is judged.
 *
 * @category models
 * @since 0.1.0
 */
export interface Draft {
  readonly text: string
  /** Why the model stopped, by the provider's own word. */
  readonly finishReason: string | undefined
  readonly toolCalls: ReadonlyArray<ToolCall>
  readonly refusal: string | undefined
  /** The model that answered, if the body says so. */
  readonly model: string | undefined
  /** Tokens as they were counted, whatever that was. */
  readonly tokens: WireUsage.Parts & {
    readonly input: number
    readonly output: number
    readonly total: number | undefined
  }
  /** Whether there is anything in it beside what stands above, such as audio or another choice. */
  readonly hasMore: boolean
}

// reasons by which providers say that generation broke in the middle
const broken = new Set(["error", "insufficient_system_resource", "network_error"])

const isBroken = (call: ToolCall): boolean => call.arguments !== "" && Result.isFailure(Json.parse(call.arguments))

const cut = new Set(["length", "max_tokens"])

const countOf = (value: number): number =>
  Number.isNaN(value) ? 0 : Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value)))

// a part is no more than the whole
const partOf = (value: number | undefined, whole: number): number | undefined =>
  value === undefined ? undefined : Math.min(countOf(value), whole)

/**
 * The tokens of a draft, as whole numbers from zero up.
 *
 * @category getters
 * @since 0.1.0
 */
export const tokensOf = ({ tokens }: Pick<Draft, "tokens">): Tokens.Tokens => {
  const { cacheRead, cacheWrite, reasoning } = tokens
  const input = countOf(tokens.input)
  const output = countOf(tokens.output)
  const total = countOf(tokens.total ?? input + output)
  const read = partOf(cacheRead, input)
  return Tokens.withDetails(
    { input, output, total },
    read,
    partOf(cacheWrite, input - (read ?? 0)),
    // some count thoughts in the total alone
    partOf(reasoning, Math.max(output, total - input))
  )
}

/**
 * The answer that a draft is, or why it is none. Short is not suspicious, and
 * neither are tool calls, refusals or an empty text that the model spent tokens
 * on; an answer without anything in it is none.
 *
 * `finishReasons` has, for words of the provider's own, those that everybody uses.
 *
 * @category decoding
 * @since 0.1.0
 */
export const judge = (
  draft: Draft,
  context: {
    readonly model: string
    readonly body: unknown
    readonly finishReasons: Readonly<Record<string, string>>
  }
): Result.Result<ChatAnswer, Flaw> => {
  const { body, finishReasons } = context
  const { refusal, text, toolCalls } = draft
  const word = draft.finishReason || "unknown"
  const finishReason = Object.hasOwn(finishReasons, word) ? finishReasons[word]! : word
  if (broken.has(finishReason)) return Result.fail({ reason: "CutOff", detail: `finish_reason is ${word}` })
  const truncated = cut.has(finishReason)
  // what was cut, and says so, may have been cut in a tool call
  if (!truncated && finishReason !== "content_filter" && toolCalls.some(isBroken)) {
    return Result.fail({ reason: "Malformed", detail: "the arguments of a tool call are not JSON" })
  }

  const tokens = tokensOf(draft)
  const isExplained = tokens.output > 0 || finishReason === "content_filter" || truncated
  const hasSubstance = text !== "" || toolCalls.length > 0 || (refusal ?? "") !== "" || draft.hasMore
  if (!isExplained && !hasSubstance) return Result.fail({ reason: "Empty", detail: "the message is empty" })
  return Result.succeed({
    text,
    finishReason,
    truncated,
    toolCalls,
    refusal,
    model: draft.model ?? context.model,
    tokens,
    body
  })
}

/**
 * The tokens of an answer, where somebody counted them.
 *
 * @category getters
 * @since 0.1.0
 */
export const counted = ({ tokens }: Pick<ChatAnswer, "tokens">): Tokens.Tokens | undefined =>
  tokens.total === 0 ? undefined : tokens
