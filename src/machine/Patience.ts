/**
 * How long a call is waited for before a second one is worth its cost: a fixed
 * time, or so long as all but a share of the latest calls took.
 *
 * A call that a second one overtook has taken at least as long as both together,
 * and that is what has to be observed of it. Leaving it out would cut the slow
 * calls off the record: the quantile would sink below them, and sink again.
 *
 * Source: J. Dean and L. A. Barroso, "The Tail at Scale", CACM 56 (2013); the
 * quantile that fits the budget as in Finagle's BackupRequestFilter.
 *
 * @since 0.1.0
 */
import * as Histogram from "./Histogram.ts"

/**
 * The constants. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type Rule =
  | { readonly _tag: "Fixed"; readonly delay: number }
  | {
    readonly _tag: "Quantile"
    /** The share of calls that are quicker than the delay. */
    readonly quantile: number
    /** How long a latency counts. */
    readonly window: number
    /** The delay while too little is known; `Infinity` for none. */
    readonly fallback: number
    /** No delay is shorter. */
    readonly atLeast: number
  }

/**
 * What was measured, and what follows from it until `until`: the delay, and how
 * long a second call is expected to take.
 *
 * @category models
 * @since 0.1.0
 */
export interface Patience {
  readonly histogram: Histogram.Histogram | undefined
  delay: number
  expected: number
  until: number
}

const slices = 6
// a query costs a hundred times what a call adds, so its answer is kept for a while
const refreshes = 30

/**
 * Nothing measured yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Rule): Patience =>
  rule._tag === "Fixed"
    ? { histogram: undefined, delay: rule.delay, expected: rule.delay, until: Infinity }
    : {
      histogram: Histogram.make({ window: rule.window, slices }),
      delay: rule.fallback,
      expected: rule.fallback,
      until: -Infinity
    }

/**
 * Takes in how long a call took from its beginning, however many copies it had.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (self: Patience, millis: number, now: number): void => {
  if (self.histogram !== undefined) Histogram.add(self.histogram, millis, now)
}

/**
 * How many latencies it takes before their quantile means anything: two beyond it.
 *
 * @category getters
 * @since 0.1.0
 */
export const enough = (quantile: number): number => Math.ceil(2 / (1 - quantile) - 1e-6)

/**
 * The delay as it stands at `now`, in whole milliseconds; `Infinity` while it is
 * not known. `expected` is up to date after it.
 *
 * @category getters
 * @since 0.1.0
 */
export const delay = (self: Patience, now: number, rule: Rule): number => {
  if (now < self.until || rule._tag === "Fixed" || self.histogram === undefined) return self.delay
  if (Histogram.count(self.histogram, now) < enough(rule.quantile)) {
    self.delay = self.expected = rule.fallback
    return self.delay
  }
  self.delay = Math.ceil(Math.max(rule.atLeast, Histogram.quantile(self.histogram, rule.quantile, now)!))
  self.expected = Histogram.quantile(self.histogram, 0.5, now)!
  self.until = now + rule.window / refreshes
  return self.delay
}
