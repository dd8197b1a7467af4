/**
 * A limit that grows by one for every limit's worth of successes and shrinks by
 * a share at a drop, at most once in the time a call takes: what began before
 * the last cut has met the limit from before it.
 *
 * Source: D.-M. Chiu and R. Jain, Computer Networks 17 (1989); for concurrency,
 * Netflix concurrency-limits.
 *
 * @since 0.1.0
 */
import * as ConcurrencyLimit from "./ConcurrencyLimit.ts"

/**
 * `backoff` is what a drop leaves of the limit, above 0 and below 1; a call of
 * more than `timeout` milliseconds is a drop.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule extends ConcurrencyLimit.Bounds {
  readonly backoff: number
  readonly timeout: number
}

/**
 * The limit, and when it was last cut.
 *
 * @category models
 * @since 0.1.0
 */
export interface Aimd extends ConcurrencyLimit.Learned {
  cutAt: number
}

/**
 * Begins with this limit.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (limit: number): Aimd => ({ limit, cutAt: -Infinity })

/**
 * Takes in how one call went.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (self: Aimd, sample: ConcurrencyLimit.Sample, now: number, rule: Rule): void => {
  if (!ConcurrencyLimit.isSound(sample)) return
  if (sample.isDropped || sample.rtt > rule.timeout) {
    if (now - sample.rtt <= self.cutAt) return
    self.cutAt = now
    ConcurrencyLimit.move(self, self.limit * rule.backoff, rule)
  } else if (ConcurrencyLimit.isTried(self, sample.inFlight)) {
    ConcurrencyLimit.move(self, self.limit + 1 / self.limit, rule)
  }
}
