/**
 * What every way of counting against a limit can do.
 *
 * @since 0.1.0
 */

/**
 * At most `limit` units in a window of so many milliseconds, of which `burst`
 * may come at once where the algorithm paces.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly limit: number
  readonly window: number
  readonly burst: number
}

/**
 * A count against one limit. Asking changes nothing, whatever time it asks of;
 * what changes the count is given times that do not run backwards.
 *
 * @category models
 * @since 0.1.0
 */
export interface Meter {
  /** Milliseconds until `units` may pass; 0 for now, `Infinity` for never. */
  wait(units: number, now: number): number
  /** Counts `units` as passed, whether or not they may. */
  take(units: number, now: number): void
  /**
   * What was taken at `takenAt` was this much more, or less if below zero. Less
   * frees no more than still counts: what was forgotten since cannot be lent again.
   */
  correct(by: number, takenAt: number): void
  /** Whole units that may pass now. */
  left(now: number): number
  /** Units that still count. */
  used(now: number): number
  /** Whether nothing counts any more. */
  isIdle(now: number): boolean
  reset(): void
  /** Goes by another rule from now on, and keeps what was used. */
  reconfigure(rule: Rule, now: number): void
  /** A count of its own that stands where this one does; it may forget how to correct. */
  fork(): Meter
}

/**
 * Far below a millisecond, far above what rounding leaves of one.
 *
 * @category constants
 * @since 0.1.0
 */
export const epsilon = 1e-4
