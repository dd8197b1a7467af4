/**
 * Whether one of many is far worse than the others: fails more, or answers more slowly.
 *
 * Failures are compared by their rates, and the difference has to be more than
 * chance makes of so few calls. Latencies are compared by their geometric means,
 * so that a few long answers do not decide.
 *
 * Source: the two-proportion test; success rate outliers as in Envoy, whose
 * mean and deviation over hosts say nothing of two or three.
 *
 * @since 0.1.0
 */
import type * as Tally from "./Tally.ts"

/**
 * What is far worse.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** Calls, as faded by now, that both sides need. */
  readonly evidence: number
  /** By how much the share of failures has to be above that of the others. */
  readonly failureGap: number
  /** Answers are slow that take so many times as long as the others' … */
  readonly latencyFactor: number
  /** … and longer than this, in milliseconds. */
  readonly latencyFloor: number
}

/**
 * What is held against it.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = "Failing" | "Slow"

// so many standard deviations are no chance: one look in seven hundred, were it one
const significant = 3

/**
 * Compares one with all, itself included; both tallies as of one time. `undefined`: it is as good as the others, or
 * too little is known.
 *
 * @category getters
 * @since 0.1.0
 */
export const judge = (own: Tally.Tally, all: Tally.Tally, rule: Rule): Reason | undefined => {
  const calls = all.calls - own.calls
  if (own.calls < rule.evidence || calls < rule.evidence) return undefined

  const failures = Math.max(0, all.failures - own.failures)
  const gap = own.failures / own.calls - failures / calls
  if (gap > rule.failureGap) {
    const rate = all.failures / all.calls
    const deviation = Math.sqrt(rate * (1 - rate) * (1 / own.calls + 1 / calls))
    if (gap > significant * deviation) return "Failing"
  }

  const answers = own.calls - own.failures
  const others = calls - failures
  if (answers < rule.evidence || others < rule.evidence) return undefined
  const behind = own.excess / answers - (all.excess - own.excess) / others
  const isSlow = behind > Math.log(rule.latencyFactor) && own.logs / answers > Math.log(rule.latencyFloor)
  return isSlow ? "Slow" : undefined
}
