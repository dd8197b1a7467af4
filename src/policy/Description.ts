/**
 * What a policy says of itself, so that a stack of policies can be explained
 * before it runs.
 *
 * @since 0.1.0
 */

/**
 * The property under which a policy keeps its description.
 *
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId = "~effect-relay/policy/Policy"

/**
 * What a policy does to a call, in numbers. Durations are milliseconds;
 * `Infinity` where nothing bounds them.
 *
 * @category models
 * @since 0.1.0
 */
export type Description =
  /** `limits` in words, such as "$0.50". */
  | { readonly _tag: "Budget"; readonly limits: ReadonlyArray<string> }
  | {
    readonly _tag: "Bulkhead"
    readonly key: string
    readonly maxConcurrent: number
    readonly maxQueued: number
    readonly maxWait: number
  }
  | { readonly _tag: "CircuitBreaker"; readonly key: string }
  | { readonly _tag: "Deadline"; readonly duration: number }
  /** `catches` lists tags; `undefined` for every failure. */
  | { readonly _tag: "Fallback"; readonly catches: ReadonlyArray<string> | undefined }
  /**
   * `maxCopies` counts the first call too; `delay` is `Infinity` while it is not
   * known, and follows the latency where there is a `quantile`.
   */
  | {
    readonly _tag: "Hedge"
    readonly maxCopies: number
    readonly delay: number
    readonly quantile?: number | undefined
  }
  /** What is inside may be done twice. */
  | { readonly _tag: "Idempotent" }
  /** `limits` in words, such as "60 calls per 1m". */
  | {
    readonly _tag: "RateLimiter"
    readonly key: string
    readonly limits: ReadonlyArray<string>
    readonly maxQueued: number
    readonly maxWait: number
  }
  | { readonly _tag: "ResponseCache" }
  /** `maxAttempts` counts the first call too; `maxDelay` is the sum of all waits between them. */
  | {
    readonly _tag: "Retry"
    readonly maxAttempts: number
    readonly maxDelay: number
    readonly retriesOpenCircuit: boolean
    readonly hasBudget: boolean
  }
  | { readonly _tag: "Timeout"; readonly duration: number }
  | { readonly _tag: "Custom"; readonly name: string }
  /** Several policies, the innermost first, as in a `pipe`. */
  | { readonly _tag: "Stack"; readonly parts: ReadonlyArray<Description> }

/**
 * Whatever can say what it does to a call. It is asked each time: limits may change.
 *
 * @category models
 * @since 0.1.0
 */
export interface Described {
  readonly [TypeId]: () => Description
}
