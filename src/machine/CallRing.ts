/**
 * Which of the last calls failed: a ring of one byte a call, and the count.
 *
 * @since 0.1.0
 */

/**
 * The ring, kept in place: this is written on every call.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallRing {
  readonly failed: Uint8Array
  next: number
  /** How many calls the ring holds, at most its length. */
  calls: number
  failures: number
}

/**
 * An empty ring for the last `size` calls.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (size: number): CallRing => ({ failed: new Uint8Array(size), next: 0, calls: 0, failures: 0 })

/**
 * Adds one call; the oldest makes room.
 *
 * @category transitions
 * @since 0.1.0
 */
export const record = (self: CallRing, failed: boolean): void => {
  const mark = failed ? 1 : 0
  self.failures += mark - self.failed[self.next]!
  self.failed[self.next] = mark
  self.next = self.next + 1 === self.failed.length ? 0 : self.next + 1
  if (self.calls < self.failed.length) self.calls++
}
