/**
 * What the calls of the last while came to, in sums that fade: no window has to
 * be kept, and what is old has less and less of a say.
 *
 * A tally of many is the sum of theirs, so those of all others are the
 * difference, at the same cost for two and for ten thousand.
 *
 * Source: exponential decay in time, as in G. Cormode et al., "Forward Decay"
 * (2009).
 *
 * @since 0.1.0
 */

/**
 * The sums, kept in place: this is written on every call. Each call counts for 1 when it ends, and for `1 / e` after
 * one time constant.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tally {
  /** Calls that were answered or failed. */
  calls: number
  failures: number
  /** Logarithms of the latencies, in milliseconds, of those that were answered. */
  logs: number
  /** How far those were above what is usual for their kind. */
  excess: number
  at: number
}

/**
 * Nothing counted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Tally => ({ calls: 0, failures: 0, logs: 0, excess: 0, at: 0 })

/**
 * Lets the sums fade up to `now`. `decay` is the time constant in milliseconds.
 *
 * @category transitions
 * @since 0.1.0
 */
export const fade = (self: Tally, now: number, decay: number): void => {
  if (now === self.at) return
  const left = Math.exp((self.at - now) / decay)
  self.calls *= left
  self.failures *= left
  self.logs *= left
  self.excess *= left
  self.at = now
}

/**
 * Counts a call that failed.
 *
 * @category transitions
 * @since 0.1.0
 */
export const failed = (self: Tally, now: number, decay: number): void => {
  fade(self, now, decay)
  self.calls++
  self.failures++
}

/**
 * Counts a call that was answered.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (self: Tally, log: number, excess: number, now: number, decay: number): void => {
  fade(self, now, decay)
  self.calls++
  self.logs += log
  self.excess += excess
}

/**
 * Adds what another has counted.
 *
 * @category transitions
 * @since 0.1.0
 */
export const add = (self: Tally, other: Tally, now: number, decay: number): void => {
  fade(self, now, decay)
  fade(other, now, decay)
  self.calls += other.calls
  self.failures += other.failures
  self.logs += other.logs
  self.excess += other.excess
}

/**
 * Takes away what one of many has counted.
 *
 * @category transitions
 * @since 0.1.0
 */
export const subtract = (self: Tally, one: Tally, now: number, decay: number): void => {
  fade(self, now, decay)
  fade(one, now, decay)
  // rounding is not to leave less than nothing
  self.calls = Math.max(0, self.calls - one.calls)
  self.failures = Math.max(0, self.failures - one.failures)
  self.logs -= one.logs
  self.excess -= one.excess
}

/**
 * The latency in milliseconds that most are near, the geometric mean; 0 where nothing was answered.
 *
 * @category getters
 * @since 0.1.0
 */
export const typical = (self: Tally): number => {
  const answers = self.calls - self.failures
  // less than a tenth of an answer is rounding, or too long ago
  return answers < 0.1 ? 0 : Math.exp(self.logs / answers)
}
