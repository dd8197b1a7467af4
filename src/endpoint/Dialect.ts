/**
 * How each kind of API is asked, and how it answers: data and small functions.
 *
 * One of your own is a record, most of it taken from another:
 *
 * ```ts
 * import { Dialect } from "effect-relay"
 *
 * const mine: Dialect.Dialect = {
 *   ...Dialect.openai,
 *   name: "mine",
 *   key: { header: "x-token" },
 *   words: { out_of_coins: "Quota" }
 * }
 *
 * console.log(mine.chatPath)
 * ```
 *
 * @since 0.1.0
 */
import type * as ChatAnswer from "./ChatAnswer.ts"
import type * as Definition from "./dialect/Definition.ts"
import type * as Streamed from "./StreamPiece.ts"
import type * as ReadError from "./WireError.ts"

/**
 * How one kind of API is asked, and how it answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dialect extends Definition.Dialect {}

/**
 * How one kind of API streams its answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Streaming extends Definition.Streaming {}

/**
 * What the reader of a stream makes of an event.
 *
 * @category models
 * @since 0.1.0
 */
export type StreamPiece = Streamed.StreamPiece

/**
 * Whose limit a 429 tells of.
 *
 * @category models
 * @since 0.1.0
 */
export type LimitScope = Definition.LimitScope

/**
 * What the `read` of a dialect makes of a body, before it is judged.
 *
 * @category models
 * @since 0.1.0
 */
export type Draft = ChatAnswer.Draft

/**
 * What the `error` of a dialect makes of a body.
 *
 * @category models
 * @since 0.1.0
 */
export type WireError = ReadError.WireError

export {
  /**
   * Anthropic's messages.
   *
   * @category dialects
   * @since 0.1.0
   */
  anthropic
} from "./dialect/Anthropic.ts"

export {
  /**
   * Azure OpenAI.
   *
   * @category dialects
   * @since 0.1.0
   */
  azure
} from "./dialect/Azure.ts"

export {
  /**
   * DeepSeek.
   *
   * @category dialects
   * @since 0.1.0
   */
  deepseek
} from "./dialect/DeepSeek.ts"

export {
  /**
   * Gemini's `generateContent`.
   *
   * @category dialects
   * @since 0.1.0
   */
  gemini
} from "./dialect/Gemini.ts"

export {
  /**
   * OpenAI's chat completions, and everybody's who took them over.
   *
   * @category dialects
   * @since 0.1.0
   */
  openai
} from "./dialect/OpenAi.ts"

export {
  /**
   * OpenRouter.
   *
   * @category dialects
   * @since 0.1.0
   */
  openrouter
} from "./dialect/OpenRouter.ts"
