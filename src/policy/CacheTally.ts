/**
 * What a cache counts.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as CacheStore from "../machine/CacheStore.ts"

/**
 * What an answer that is there saves.
 *
 * @category models
 * @since 0.1.0
 */
export interface Worth {
  readonly tokens: number
  /** Nanodollars, as whole as all money here. */
  readonly money: number
}

/**
 * An answer that saves nothing anybody counts.
 *
 * @category constants
 * @since 0.1.0
 */
export const nothing: Worth = { tokens: 0, money: 0 }

/**
 * What a cache shows of itself. Whoever asked counts once, as hit, miss, stale or coalesced, but for who joined another's
 * call and left before it ended.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  entries: Schema.Int,
  capacity: Schema.Int,
  /** How much room they take, about. */
  bytes: Schema.Int,
  maxBytes: Schema.Int,
  /** Asked, and answered from here or from the store below. */
  hits: Schema.Int,
  /** Asked, and began a call of their own, whatever came of it. */
  misses: Schema.Int,
  /** Asked, and answered with what was older than its time to live. */
  stale: Schema.Int,
  /** Asked while somebody else's call was under way, and got what that brought, also if that was a failure. */
  coalesced: Schema.Int,
  /** Calls that were made before or after the time of an answer, while that was given. */
  refreshed: Schema.Int,
  /** How many answers went out to make room. */
  evicted: Schema.Int,
  savedTokens: Schema.Int,
  /** Nanodollars. */
  savedMoney: Schema.Int,
  /** How often the store below was of no use. */
  storeFailures: Schema.Int
})

/**
 * What a cache shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * The counts, kept in place.
 *
 * @category models
 * @since 0.1.0
 */
export interface CacheTally {
  hits: number
  misses: number
  stale: number
  coalesced: number
  refreshed: number
  savedTokens: number
  savedMoney: number
  storeFailures: number
}

/**
 * Nothing was counted yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): CacheTally => ({
  hits: 0,
  misses: 0,
  stale: 0,
  coalesced: 0,
  refreshed: 0,
  savedTokens: 0,
  savedMoney: 0,
  storeFailures: 0
})

/**
 * Counts what somebody got without a call.
 *
 * @category transitions
 * @since 0.1.0
 */
export const save = (self: CacheTally, { money, tokens }: Worth): void => {
  self.savedTokens += tokens
  self.savedMoney += money
}

/**
 * The counts, with the size of the store.
 *
 * @category getters
 * @since 0.1.0
 */
export const snapshot = <A>(self: CacheTally, store: CacheStore.CacheStore<A>): Snapshot => ({
  entries: store.entries.size,
  capacity: store.bounds.entries,
  bytes: CacheStore.bytes(store),
  maxBytes: store.bounds.bytes,
  ...self,
  evicted: store.evicted
})
