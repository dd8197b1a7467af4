/**
 * The most that one call can become in a stack of policies: how many calls, how
 * many of them at once, and how long.
 *
 * It is taken from the inside out. The call itself may hang, so without a
 * timeout its time is endless; interrupts are taken to be obeyed at once. What a
 * fallback or a function of one's own takes is not known, and not counted.
 *
 * @since 0.1.0
 */
import type { Description } from "./Description.ts"

/**
 * The most that one call can become.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorstCase {
  /** How often the call itself is begun. */
  readonly attempts: number
  /** How many of these run at once. */
  readonly atOnce: number
  /** Milliseconds until the whole has ended, `Infinity` where nothing bounds them. */
  readonly time: number
}

/**
 * The call itself: once, and nobody knows for how long.
 *
 * @category constants
 * @since 0.1.0
 */
export const call: WorstCase = { attempts: 1, atOnce: 1, time: Infinity }

/**
 * Whether a hedge gets to send a second copy of what is inside it.
 *
 * @category getters
 * @since 0.1.0
 */
export const begins = (hedge: Extract<Description, { readonly _tag: "Hedge" }>, inside: WorstCase): boolean =>
  hedge.quantile !== undefined || inside.time >= hedge.delay

/**
 * What becomes of the inside in a policy.
 *
 * @category transitions
 * @since 0.1.0
 */
export const within = (policy: Description, inside: WorstCase): WorstCase => {
  switch (policy._tag) {
    case "Timeout":
    case "Deadline":
      return { ...inside, time: Math.min(inside.time, policy.duration) }
    case "Retry":
      return {
        attempts: times(inside.attempts, policy.maxAttempts),
        atOnce: inside.atOnce,
        time: times(inside.time, policy.maxAttempts) + policy.maxDelay
      }
    case "Hedge":
      if (!begins(policy, inside)) return inside
      return {
        attempts: times(inside.attempts, policy.maxCopies),
        atOnce: times(inside.atOnce, policy.maxCopies),
        // the last copy begins while another runs: a delay that follows the latency is no longer than that
        time: inside.time + (policy.maxCopies - 1) * (policy.quantile === undefined ? policy.delay : inside.time)
      }
    case "Bulkhead":
    case "RateLimiter":
      return { ...inside, time: inside.time + (policy.maxQueued === 0 ? 0 : policy.maxWait) }
    case "Stack":
      return of(policy.parts, inside)
    default:
      return inside
  }
}

// nothing, for ever, is nothing
const times = (a: number, b: number): number => a === 0 || b === 0 ? 0 : a * b

/**
 * The most that one call can become in a stack, the innermost policy first.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (stack: ReadonlyArray<Description>, inside: WorstCase = call): WorstCase =>
  stack.reduce((inside, policy) => within(policy, inside), inside)
