/**
 * What callers and a response cache tell each other of one answer.
 *
 * @since 0.1.0
 */
import type * as CacheTally from "./CacheTally.ts"
import type * as CacheTier from "./CacheTier.ts"

/**
 * An answer, and whether it was there already.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer<A> {
  readonly value: A
  /** Whether somebody else's call brought it, before or at the same time. */
  readonly hit: boolean
  /** Whether it is older than its time to live. */
  readonly stale: boolean
}

/**
 * What a cache cannot know of the answers to a question.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terms<A, E = never> {
  /** Which answers are given to those who wait for them, and not kept. Default: none. */
  readonly isKept?: ((value: A) => boolean) | undefined
  /** What is saved by whoever gets it without a call. Default: nothing. */
  readonly worth?: ((value: A) => CacheTally.Worth) | undefined
  /**
   * Which failures are of whoever asked and of nobody else, such as a deadline: others who wait ask for themselves, one of
   * them for all. They are never kept. Default: none.
   */
  readonly isOwn?: ((failure: E) => boolean) | undefined
  /** Which failures a stale answer may stand in for. Default: all. */
  readonly isExcused?: ((failure: E) => boolean) | undefined
  /** How answers cross into the store below. Default: they stay here. */
  readonly codec?: CacheTier.Codec<A> | undefined
}
