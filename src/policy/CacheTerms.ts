/**
 * What callers and a response cache tell each other of one answer.
 *
 * @since 0.1.0
 */
import * as CacheTally from "./CacheTally.ts"
import type * as CacheTier from "./CacheTier.ts"
import type * as SingleFlight from "./SingleFlight.ts"

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
  /** Which answers are kept; the others go to those who wait for them, and no further. One it throws at is not. Default: all. */
  readonly isKept?: ((value: A) => boolean) | undefined
  /** What is saved by whoever gets it without a call, in whole numbers from 0 up; what is none counts as 0. Default: nothing. */
  readonly worth?: ((value: A) => CacheTally.Worth) | undefined
  /**
   * Which failures are of whoever asked and of nobody else, such as a deadline: others who wait ask for themselves, one of
   * them for all. They are never kept. Default: none.
   */
  readonly isOwn?: ((failure: E) => boolean) | undefined
  /** Of the failures that the cache keeps for a while, which are. One it throws at is not. Default: all. */
  readonly isFailureKept?: ((failure: E) => boolean) | undefined
  /** Which failures a stale answer may stand in for. Default: all. */
  readonly isExcused?: ((failure: E) => boolean) | undefined
  /** How answers cross into the store below. Default: they stay here. */
  readonly codec?: CacheTier.Codec<A> | undefined
}

/**
 * A call that tells those who wait for it something before it ends. What it tells is lost on nobody who comes late only if
 * `M` sees to that.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gathering<A, E, R, M> extends SingleFlight.Gathering<A, E, R, M> {
  /** Of calls for one question, those of one kind are one; they share what is kept whatever their kind. */
  readonly kind: string
}

// what somebody says of an answer is no reason for a call to fail
const said = <A>(say: () => A, otherwise: A): A => {
  try {
    return say()
  } catch {
    return otherwise
  }
}

const countOf = (value: number): number =>
  Number.isFinite(value) ? Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.trunc(value))) : 0

/**
 * Whether an answer is kept on these terms.
 *
 * @category guards
 * @since 0.1.0
 */
export const keeps = <A>(terms: Pick<Terms<A>, "isKept"> | undefined, value: A): boolean =>
  terms?.isKept === undefined || said(() => terms.isKept!(value), false)

/**
 * What an answer is worth on these terms.
 *
 * @category getters
 * @since 0.1.0
 */
export const worthOf = <A>(terms: Pick<Terms<A>, "worth"> | undefined, value: A): CacheTally.Worth =>
  terms?.worth === undefined ? CacheTally.nothing : said(() => {
    const { money, tokens } = terms.worth!(value)
    return { money: countOf(money), tokens: countOf(tokens) }
  }, CacheTally.nothing)

/**
 * Whether a failure is of whoever asked and of nobody else, on these terms.
 *
 * @category guards
 * @since 0.1.0
 */
export const owns = <E>(terms: Pick<Terms<never, E>, "isOwn"> | undefined, failure: E): boolean =>
  terms?.isOwn !== undefined && said(() => terms.isOwn!(failure), false)

/**
 * Whether a failure may be kept on these terms, if it is one of those that are.
 *
 * @category guards
 * @since 0.1.0
 */
export const keepsFailure = <E>(
  terms: Pick<Terms<never, E>, "isFailureKept" | "isOwn"> | undefined,
  failure: E
): boolean =>
  !owns(terms, failure) && (terms?.isFailureKept === undefined || said(() => terms.isFailureKept!(failure), false))

/**
 * Whether a stale answer may stand in for a failure, on these terms.
 *
 * @category guards
 * @since 0.1.0
 */
export const excuses = <E>(terms: Pick<Terms<never, E>, "isExcused"> | undefined, failure: E): boolean =>
  terms?.isExcused === undefined || said(() => terms.isExcused!(failure), false)
