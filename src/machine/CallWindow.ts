/**
 * How many calls of the last while there were, failed, or were slow.
 *
 * Ten slots of a tenth of the window each; a slot is forgotten as a whole when
 * it is older than the window, so what is old has no say, and a burst counts
 * for what it is, however close together its calls come.
 *
 * Source: sliding time buckets as in Hystrix (2012) and Linkerd.
 *
 * @since 0.1.0
 */

/**
 * How many slots a window has.
 *
 * @category constants
 * @since 0.1.0
 */
export const slots = 10

/**
 * The counts, kept in place: this is written on every call.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallWindow {
  /** Milliseconds a slot covers. */
  readonly width: number
  /** Calls, failures and slow calls of each slot. */
  readonly counts: Uint32Array
  /** The number of the latest slot, counted from time 0. */
  slot: number
  calls: number
  failures: number
  slowCalls: number
}

/**
 * A window over the last `duration` milliseconds that has seen nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (duration: number): CallWindow => ({
  width: duration / slots,
  counts: new Uint32Array(3 * slots),
  slot: -Infinity,
  calls: 0,
  failures: 0,
  slowCalls: 0
})

/**
 * Forgets what is too old at `now`.
 *
 * @category transitions
 * @since 0.1.0
 */
export const slide = (self: CallWindow, now: number): void => {
  const slot = Math.floor(now / self.width)
  // in a very short window the number of a slot may be too large to count on from
  for (let over = Math.min(slots, slot - self.slot); over > 0; over--) {
    const at = 3 * ((slot + slots + 1 - over) % slots)
    self.calls -= self.counts[at]!
    self.failures -= self.counts[at + 1]!
    self.slowCalls -= self.counts[at + 2]!
    self.counts.fill(0, at, at + 3)
  }
  self.slot = Math.max(self.slot, slot)
}

/**
 * Adds one call.
 *
 * @category transitions
 * @since 0.1.0
 */
export const record = (self: CallWindow, failed: boolean, slow: boolean, now: number): void => {
  slide(self, now)
  const at = 3 * (self.slot % slots)
  self.calls++
  self.counts[at]!++
  if (failed) {
    self.failures++
    self.counts[at + 1]!++
  }
  if (slow) {
    self.slowCalls++
    self.counts[at + 2]!++
  }
}
