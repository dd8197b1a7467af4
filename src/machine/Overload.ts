/**
 * Tells a burst, which a queue is there for, from an overload that stands: the
 * one who has waited longest has done so for more than `target`, and so it has
 * been for a whole `interval`.
 *
 * Source: K. Nichols and V. Jacobson, "Controlling Queue Delay", ACM Queue 10
 * (2012); to serve the last to come first while it lasts: B. Maurer, "Fail at
 * Scale", ACM Queue 13 (2015).
 *
 * @since 0.1.0
 */

/**
 * Milliseconds that a wait may last, and that a queue may be above that.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly target: number
  readonly interval: number
}

/**
 * Since when the longest wait has been above the target; `Infinity` while it is not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Overload {
  since: number
}

/**
 * No overload.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Overload => ({ since: Infinity })

/**
 * Takes note of how long the one who has waited longest has done so: 0 when nobody waits.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (self: Overload, longestWait: number, now: number, rule: Rule): void => {
  if (longestWait <= rule.target) self.since = Infinity
  else if (self.since === Infinity) self.since = now
}

/**
 * Whether the overload stands.
 *
 * @category getters
 * @since 0.1.0
 */
export const isStanding = (self: Overload, now: number, rule: Rule): boolean => now - self.since >= rule.interval
