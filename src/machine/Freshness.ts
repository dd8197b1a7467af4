/**
 * What an answer of some age is good for.
 *
 * Up to its time to live it is fresh, and for some time after it may be given all the same: at once, while somebody asks
 * anew, or only if who asks anew gets none. An answer may be asked for anew a little before its time, by chance and the
 * sooner the longer that takes, so that many who keep it do not all ask at once.
 *
 * Sources: RFC 5861, HTTP Cache-Control Extensions for Stale Content; XFetch: Vattani, Chierichetti, Lowenstein: Optimal
 * Probabilistic Cache Stampede Prevention, VLDB 8 (2015).
 *
 * @since 0.1.0
 */

/**
 * For how long an answer is good for what. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly timeToLive: number
  /** For so long after that it is given at once, and asked for anew. */
  readonly staleWhileRevalidate: number
  /** For so long after that it stands in for a failure. */
  readonly staleIfError: number
  /** How early it is asked for anew: 0 for never, 1 for the least calls in all that hardly ever come together. */
  readonly earlyRefresh: number
}

/**
 * - `Fresh`: give it
 * - `Early`: give it, and ask anew
 * - `Stale`: the same, and say that it is stale
 * - `Fallback`: ask anew, and give it as stale if that fails
 * - `Gone`: ask anew
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = "Fresh" | "Early" | "Stale" | "Fallback" | "Gone"

/**
 * How long it is worth to be kept.
 *
 * @category getters
 * @since 0.1.0
 */
export const retention = ({ staleIfError, staleWhileRevalidate, timeToLive }: Rule): number =>
  timeToLive + Math.max(staleWhileRevalidate, staleIfError)

/**
 * What an answer is good for that took so long and is so old; `chance` is from 0 to 1.
 *
 * @category getters
 * @since 0.1.0
 */
export const verdict = (rule: Rule, age: number, took: number, chance: number): Verdict => {
  const { earlyRefresh, staleIfError, staleWhileRevalidate, timeToLive } = rule
  if (age < timeToLive) {
    return earlyRefresh > 0 && age - took * earlyRefresh * Math.log(chance) >= timeToLive ? "Early" : "Fresh"
  }
  if (age < timeToLive + staleWhileRevalidate) return "Stale"
  return age < timeToLive + staleIfError ? "Fallback" : "Gone"
}
