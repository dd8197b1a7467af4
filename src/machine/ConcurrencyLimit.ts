/**
 * What every machine has in common that learns from calls how many of them may
 * run at once: a limit within bounds, fed with one sample a call.
 *
 * A call that was cancelled says nothing and is no sample.
 *
 * @since 0.1.0
 */

/**
 * The lowest and the highest limit, whole numbers from 1 up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/**
 * How one call went.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sample {
  /** Milliseconds it took. */
  readonly rtt: number
  /** How many ran when it ended, itself included. */
  readonly inFlight: number
  /** Whether it was turned away, or given up, for overload. */
  readonly isDropped: boolean
}

/**
 * What has been learned; each machine keeps more beside it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Learned {
  /** Not whole: `whole` is what is in force. */
  limit: number
}

/**
 * A machine that learns.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConcurrencyLimit<Rule extends Bounds, State extends Learned> {
  /** Begins with this limit. */
  readonly make: (limit: number) => State
  readonly observe: (self: State, sample: Sample, now: number, rule: Rule) => void
}

/**
 * The limit in force.
 *
 * @category getters
 * @since 0.1.0
 */
export const whole = ({ limit }: Learned): number => Math.floor(limit)

/**
 * Whether a sample can be one: a clock that was set back makes none.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSound = ({ rtt }: Sample): boolean => rtt >= 0 && rtt < Infinity

/**
 * Whether the limit holds calls back. A limit that is not used to its half has
 * not been tried, and does not grow.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTried = (self: Learned, inFlight: number): boolean => 2 * inFlight >= whole(self)

/**
 * Moves the limit, within its bounds.
 *
 * @category transitions
 * @since 0.1.0
 */
export const move = (self: Learned, limit: number, { max, min }: Bounds): void => {
  self.limit = Math.min(max, Math.max(min, limit))
}
