/**
 * The generic cell rate algorithm: a rate limit in one number.
 *
 * `tat`, the theoretical arrival time, is when the limiter would be idle again
 * if nobody asked any more.
 *
 * Source: ITU-T I.371 (1993); as "leaky bucket as a meter" in ATM Forum TM 4.0.
 *
 * @since 0.1.0
 */

/**
 * Milliseconds between units at the sustained rate, and how far ahead of it a
 * burst may run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly interval: number
  readonly tolerance: number
}

/**
 * The rule for `limit` units in any `window` milliseconds, of which `burst`, at
 * most `limit`, may come at once. Rate and burst share the limit: in no window,
 * wherever it begins, do more than `limit` whole units pass, the last of a burst
 * being the first of the steady ones.
 *
 * @category constructors
 * @since 0.1.0
 */
export const rule = (limit: number, window: number, burst: number): Rule => {
  const interval = window / (limit - burst + 1)
  return { interval, tolerance: interval * burst }
}

// far below a millisecond, far above what rounding leaves of one
const epsilon = 1e-6

/**
 * A limiter that nobody has asked yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const idle = -Infinity

/**
 * Milliseconds until `cost` units may pass; 0 when they may pass now. A cost
 * above the burst passes once the limiter is idle and is paid for afterwards:
 * a window with such a cost may hold that much more, less the burst.
 *
 * @category getters
 * @since 0.1.0
 */
export const wait = (tat: number, now: number, cost: number, rule: Rule): number => {
  const spent = rule.interval * cost
  const ahead = Math.max(tat, now) + spent - now - Math.max(rule.tolerance, spent)
  return Math.max(0, ahead - epsilon)
}

/**
 * The limiter after `cost` units have passed.
 *
 * @category transitions
 * @since 0.1.0
 */
export const take = (tat: number, now: number, cost: number, rule: Rule): number =>
  Math.max(tat, now) + rule.interval * cost

/**
 * The limiter after `cost` units, taken before, turned out not to be used
 * (negative: after more was used than was taken).
 *
 * @category transitions
 * @since 0.1.0
 */
export const refund = (tat: number, cost: number, rule: Rule): number => tat - rule.interval * cost
