/**
 * What an answer tells about how it came about.
 *
 * @since 0.1.0
 */
import type * as ChatAnswer from "../endpoint/ChatAnswer.ts"
import type * as Attempt from "../policy/Attempt.ts"

/**
 * How an answer came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface Meta {
  /** The endpoint that answered. */
  readonly endpoint: string
  /** Milliseconds from the call to the answer, waits and failed attempts included. */
  readonly latency: number
  /** Every try this call made, the successful one last; empty for a cache hit. */
  readonly attempts: ReadonlyArray<Attempt.Attempt>
}

/**
 * How a chat answer came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatMeta extends Meta {
  /** The model that answered, by the endpoint's name for it. */
  readonly model: string
  /** `bypass`: the request named no tenant, leaves room for chance, or asked for it. */
  readonly cache: "hit" | "miss" | "bypass"
  readonly tokens: ChatAnswer.Tokens
}
