/**
 * What an answer tells about how it came about.
 *
 * @since 0.1.0
 */
import type * as Attempt from "../policy/Attempt.ts"
import type * as Tokens from "../policy/Tokens.ts"
import type * as Charge from "./Charge.ts"

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
  /**
   * What the call cost in whole nanodollars, failed attempts included: `Money.format` makes dollars of it. 0 for a cache
   * hit, absent where somebody's prices are not known.
   */
  readonly cost?: number
  /** What that is made of, by endpoint and model; empty for a cache hit. */
  readonly usage: ReadonlyArray<Charge.Charge>
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
  /** Of the answer; zero where nobody counted. */
  readonly tokens: Tokens.Tokens
}
