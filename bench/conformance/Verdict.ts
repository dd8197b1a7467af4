/** What becomes of a caller that meets a fault. */
import { Schema } from "effect"

/**
 * - `passed`: the whole answer, or a clean refusal where that is due; few attempts; and a healthy call right after
 * - `partial`: something else than the answer was handed over as the answer
 * - `safe`: no answer, but an error that says so
 * - `failed`: a hang, a storm of attempts, or a client that is of no use afterwards
 */
export const Verdict = Schema.Literals(["passed", "partial", "safe", "failed"])

export type Verdict = typeof Verdict.Type

export interface Finding {
  readonly verdict: Verdict
  /** Whether the caller got what it was to get. */
  readonly isRescued: boolean
  /** Whether nothing wrong was done on the way: no half answer, no hang, no storm, no damage. */
  readonly isClean: boolean
  /** Requests that the servers saw. */
  readonly attempts: number
  readonly ms: number
}

export const make = (
  facts: {
    readonly isRescued: boolean
    readonly isPartial: boolean
    /** No hang, no storm, no damage. */
    readonly isOrderly: boolean
  },
  counted: { readonly attempts: number; readonly ms: number }
): Finding => {
  const { isOrderly, isPartial, isRescued } = facts
  const verdictOf = (): Verdict => {
    if (isPartial) return "partial"
    if (!isOrderly) return "failed"
    return isRescued ? "passed" : "safe"
  }
  return { verdict: verdictOf(), isRescued, isClean: isOrderly && !isPartial, ...counted, ms: Math.round(counted.ms) }
}
