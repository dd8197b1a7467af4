/**
 * What an answer tells about how it came about.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
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
 * What the cache had to do with an answer: it was there, it was there and is older than its time to live, it was asked
 * for, or the cache had nothing to do with it.
 *
 * @category models
 * @since 0.1.0
 */
export const Cached = Schema.Literals(["hit", "stale", "miss", "bypass"])

/**
 * What the cache had to do with an answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Cached = typeof Cached.Type

/**
 * Why a cache is bypassed:
 *
 * - `NoTenant`: nobody said whose answer it is
 * - `Chance`: the request leaves room for chance, and nobody said that one answer is as good as another
 * - `Unwanted`: the caller said so
 * - `Unwritable`: the request holds what JSON cannot say
 * - `OwnHeaders`: the caller sends headers along, which may change the answer
 *
 * @category models
 * @since 0.1.0
 */
export const Bypass = Schema.Literals(["NoTenant", "Chance", "Unwanted", "Unwritable", "OwnHeaders"])

/**
 * Why a cache is bypassed.
 *
 * @category models
 * @since 0.1.0
 */
export type Bypass = typeof Bypass.Type

/**
 * How a chat answer came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatMeta extends Meta {
  /** The model that answered, by the endpoint's name for it. */
  readonly model: string
  readonly cache: Cached
  /** Why the cache was bypassed, if it was. */
  readonly bypass?: Bypass | undefined
  /** Of the answer; zero where nobody counted. */
  readonly tokens: Tokens.Tokens
}
