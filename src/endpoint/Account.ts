/**
 * Who pays for one or more endpoints: what is true of the quota is true of all of them.
 *
 * @since 0.1.0
 */

/**
 * An account's standing, shared by its endpoints. Times are monotonic milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly id: string
  exhaustedUntil: number
  /** When that was found out; an answer to a call sent before says nothing against it. */
  exhaustedAt: number
}

/**
 * An account in good standing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (id: string): Account => ({ id, exhaustedUntil: 0, exhaustedAt: 0 })
