/**
 * What a cache keeps: an answer, or a failure for a while.
 *
 * @since 0.1.0
 */
import type * as CacheTally from "./CacheTally.ts"

/**
 * An answer, which is as old as `storedAt` says on the monotonic clock, and took so many milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Known {
  readonly _tag: "Answer"
  readonly value: unknown
  readonly storedAt: number
  readonly took: number
  readonly worth: CacheTally.Worth
}

/**
 * What is kept: an answer, or a failure for a while.
 *
 * @category models
 * @since 0.1.0
 */
export type CacheEntry = Known | { readonly _tag: "Failure"; readonly failure: unknown; readonly until: number }

// beside what is kept: its place in the store
const overhead = 256

/**
 * About how many bytes an entry takes, beside what it keeps.
 *
 * @category getters
 * @since 0.1.0
 */
export const bytesBeside = (key: string): number => key.length + overhead

/**
 * The tag of a failure; empty where it has none.
 *
 * @category getters
 * @since 0.1.0
 */
export const tagOf = (failure: unknown): string =>
  typeof failure === "object" && failure !== null && "_tag" in failure ? String(failure._tag) : ""
