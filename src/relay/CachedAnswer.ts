/**
 * An answer as a cache keeps it, whichever way it came: whole or bit by bit, and good for both.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as ChatAnswer from "../endpoint/ChatAnswer.ts"
import * as ChatCompletion from "../endpoint/ChatCompletion.ts"
import * as Json from "../endpoint/Json.ts"
import * as Transcript from "../endpoint/Transcript.ts"
import * as Tokens from "../policy/Tokens.ts"
import type * as Meta from "./Meta.ts"
import * as StreamChunk from "./StreamChunk.ts"
import { Usage } from "./StreamInterrupted.ts"

/**
 * The answer, as it also crosses into a store.
 *
 * @category models
 * @since 0.1.0
 */
export const CachedAnswer = Schema.Struct({
  /** Who gave it. */
  endpoint: Schema.String,
  model: Schema.String,
  text: Schema.String,
  finishReason: Schema.String,
  truncated: Schema.Boolean,
  toolCalls: Schema.Array(
    Schema.Struct({ id: Schema.optionalKey(Schema.String), name: Schema.String, arguments: Schema.String })
  ),
  refusal: Schema.optionalKey(Schema.String),
  tokens: Usage,
  /** What it cost in whole nanodollars, where that is known … */
  cost: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))),
  /** … and the model that it stands under in the reports of usage. */
  charged: Schema.optionalKey(Schema.String),
  /** What came of it, in order, if it came bit by bit. */
  deltas: Schema.optionalKey(Schema.Array(StreamChunk.Delta)),
  /** The whole body, if it came whole. */
  body: Schema.optionalKey(Schema.Unknown)
})

/**
 * The answer, as it also crosses into a store.
 *
 * @category models
 * @since 0.1.0
 */
export type CachedAnswer = typeof CachedAnswer.Type

// of an answer that came bit by bit there are tokens that nobody counted
const usageOf = ({ text, tokens }: ChatAnswer.ChatAnswer, input: number): Transcript.Usage =>
  tokens.total === 0 ? Transcript.estimate(input, text.length) : { ...tokens, isEstimated: false }

const costOf = (cost: number | undefined, charged: string | undefined) => ({
  ...(cost === undefined ? {} : { cost }),
  ...(charged === undefined ? {} : { charged })
})

const partsOf = (
  { attempts, endpoint, usage }: Meta.Meta,
  { finishReason, model, refusal, text, toolCalls, truncated }: ChatAnswer.ChatAnswer
) => ({
  endpoint,
  model,
  text,
  finishReason,
  truncated,
  toolCalls: toolCalls.map(({ arguments: input, id, name }) => ({
    ...(id === undefined ? {} : { id }),
    name,
    arguments: input
  })),
  ...(refusal === undefined ? {} : { refusal }),
  ...costOf(attempts.at(-1)?.cost, usage.findLast((charge) => charge.endpoint === endpoint)?.model)
})

/**
 * Of an answer that came whole, to a request of so many tokens. What nobody counted has no cost: it was charged by the most
 * that it could be, and nobody saves that.
 *
 * @category conversions
 * @since 0.1.0
 */
export const ofWhole = (meta: Meta.Meta, answer: ChatAnswer.ChatAnswer, input: number): CachedAnswer => {
  const { cost: _, ...uncounted } = partsOf(meta, answer)
  const parts = answer.tokens.total === 0 ? uncounted : partsOf(meta, answer)
  return { ...parts, tokens: usageOf(answer, input), body: answer.body }
}

/**
 * Of an answer that came bit by bit; without these bits if nobody gave all of them, and then it is not kept.
 *
 * @category conversions
 * @since 0.1.0
 */
export const ofStreamed = (
  meta: Meta.Meta,
  answer: ChatAnswer.ChatAnswer,
  tokens: Transcript.Usage,
  deltas: ReadonlyArray<StreamChunk.Delta> | undefined
): CachedAnswer => ({ ...partsOf(meta, answer), tokens, ...(deltas === undefined ? {} : { deltas }) })

// words by which a model says that it has said all; any other may mean that it was cut
const finished: ReadonlySet<unknown> = new Set(["stop", "tool_calls", "function_call", "eos"])

const isSaid = (text: unknown): boolean => typeof text === "string" && text.trim() !== ""

const isWholeChoice = (choice: unknown): boolean => {
  if (!Json.isRecord(choice) || !finished.has(choice["finish_reason"])) return false
  const message = choice["message"]
  if (!Json.isRecord(message) || isSaid(message["refusal"])) return false
  return isSaid(message["content"]) || Json.recordsOf(message["tool_calls"]).length > 0
}

/**
 * Whether an answer is all that was asked for, and only that is kept: one endpoint gave it, the model said that it was done,
 * said or called something, and declined nothing. Where so many choices were asked for, that is true of each of them.
 *
 * @category guards
 * @since 0.1.0
 */
export const isWhole = (answer: CachedAnswer, choices = 1): boolean => {
  const { body, deltas, finishReason, refusal, text, toolCalls } = answer
  if (deltas === undefined && !("body" in answer)) return false
  if (!finished.has(finishReason) || isSaid(refusal) || !(isSaid(text) || toolCalls.length > 0)) return false
  const all = Json.isRecord(body) && Array.isArray(body["choices"]) ? body["choices"] : []
  // the first is the one above, in words that everybody uses
  return (choices === 1 || all.length >= choices) && all.slice(1).every(isWholeChoice)
}

/**
 * The answer as a whole. One that came bit by bit gets the body of a chat completion that says the same, named by `label`,
 * and of no time.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toWhole = (cached: CachedAnswer, label: string): ChatAnswer.ChatAnswer => {
  const { finishReason, model, refusal, text, tokens, toolCalls, truncated } = cached
  const { isEstimated, ...counted } = tokens
  const answer = {
    text,
    finishReason,
    truncated,
    toolCalls: toolCalls.map(({ id, ...call }) => ({ ...call, id })),
    refusal,
    model,
    tokens: isEstimated ? Tokens.none : counted,
    body: undefined
  }
  return { ...answer, body: "body" in cached ? cached.body : ChatCompletion.write(answer, label, 0) }
}

/**
 * What it says, as it came: or in one piece each, of what came whole.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toDeltas = ({ deltas, text, toolCalls }: CachedAnswer): ReadonlyArray<StreamChunk.StreamChunk> =>
  deltas ?? [
    ...(text === "" ? [] : [{ _tag: "TextDelta" as const, text }]),
    ...toolCalls.map((call, index) => ({ _tag: "ToolCallDelta" as const, index, ...call }))
  ]
