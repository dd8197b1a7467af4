/**
 * A growing share for who is new, or came back: caches are cold, pools are
 * empty, and nobody knows yet how much it can take.
 *
 * Source: slow start as in Envoy, with an aggression of 1.
 *
 * @since 0.1.0
 */

/**
 * The share at the very start: even then some has to come, or nothing would be learned.
 *
 * @category constants
 * @since 0.1.0
 */
export const least = 0.1

/**
 * The share, from `least` to 1, of who began at `since` and is warm `duration` milliseconds later.
 *
 * @category getters
 * @since 0.1.0
 */
export const share = (since: number, now: number, duration: number): number => {
  const elapsed = now - since
  return elapsed >= duration ? 1 : Math.max(least, elapsed / duration)
}
