/**
 * How much of its limits a client uses after the service has refused it for
 * them: a share that a refusal cuts, and that comes back with time.
 *
 * It comes back by the cube of time, as CUBIC does: quickly at first, slowly
 * around the share at which it was refused, then ever faster, until nothing is
 * held any more. How fast does not depend on how many calls there are.
 *
 * Sources: RFC 9438, sections 4.2 and 4.6; the adaptive retry mode of the
 * AWS SDKs, which does this with a rate, and begins with the one that was used.
 *
 * @since 0.1.0
 */

/**
 * What is held. Times are monotonic milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Throttle {
  /** The share that the last cut left. */
  readonly low: number
  /** The share around which it was refused, and which it passes slowly. */
  readonly peak: number
  /** When it was last cut. */
  readonly cutAt: number
  /** From when on it comes back. */
  readonly from: number
}

/**
 * No cut leaves less: what passes then tells when there is more to be had.
 *
 * @category constants
 * @since 0.1.0
 */
export const least = 0.01

/**
 * Two cuts are at least so many milliseconds apart.
 *
 * @category constants
 * @since 0.1.0
 */
export const pause = 1000

const believed = 1 / 3

// how fast the share comes back: by so much in the cube of a second, counted from the share around which it was refused
const pace = 0.0001

/**
 * What is held after a refusal of a call sent at `sentAt`, which leaves the share `to` of what is used: the same object
 * if that cuts nothing. Calls that were under way together are refused together, and that is one refusal. It
 * comes back from `from` on.
 *
 * `used` is the share that was used since the last cut, when there was nothing left either: so much is what the service
 * lets through. It is believed to a third of what it might have been.
 *
 * @category transitions
 * @since 0.1.0
 */
export const cut = (
  known: Throttle | undefined,
  to: number,
  used: number,
  sentAt: number,
  now: number,
  from: number
): Throttle | undefined => {
  if (to >= 1) return known
  if (known !== undefined && (sentAt <= known.cutAt || now < known.cutAt + pause)) return known
  const held = known === undefined ? 1 : share(known, now)
  const peak = Math.max(least, Math.min(held, Math.max(used, held * believed)))
  return { low: Math.max(least, peak * to), peak, cutAt: now, from: Math.max(now, from) }
}

/**
 * The share of the limits that may be used, up to 1.
 *
 * @category getters
 * @since 0.1.0
 */
export const share = ({ from, low, peak }: Throttle, now: number): number => {
  const seconds = Math.max(0, now - from) / 1000
  return Math.min(1, Math.max(low, peak + pace * Math.pow(seconds - Math.cbrt((peak - low) / pace), 3)))
}

/**
 * When the share will have come back to this one.
 *
 * @category getters
 * @since 0.1.0
 */
export const reaches = ({ from, low, peak }: Throttle, share: number): number =>
  from + 1000 * (Math.cbrt((peak - low) / pace) + Math.cbrt((share - peak) / pace))
