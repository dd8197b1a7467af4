/**
 * For how long somebody who answered 429 is not asked.
 *
 * @since 0.1.0
 */

/**
 * A pause. `refusals` in a row lengthen the next one where the service gives no hint.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pause {
  readonly until: number
  /** When it was imposed or last lengthened. */
  readonly since: number
  readonly refusals: number
}

const first = 1000
const longestGuess = 60_000
const longest = 300_000

/**
 * The pause after a 429 to a call sent at `sentAt`: the longest one known stands, and none is longer than five minutes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const lengthen = (
  known: Pause | undefined,
  hint: number | undefined,
  sentAt: number,
  now: number
): Pause => {
  // calls that were under way together are refused together: that is one refusal
  const isNew = known === undefined || sentAt > known.since
  const refusals = isNew ? Math.min(16, (known?.refusals ?? 0) + 1) : known.refusals
  const wait = Math.min(longest, hint ?? Math.min(longestGuess, first * 2 ** (refusals - 1)))
  const until = isNew || hint !== undefined ? Math.max(known?.until ?? 0, now + wait) : known.until
  return { until, since: isNew ? now : known.since, refusals }
}

/**
 * What is left of a pause after an answer to a call sent at `sentAt`: nothing, if that was after it was imposed.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (known: Pause | undefined, sentAt: number): Pause | undefined =>
  known !== undefined && sentAt > known.since ? undefined : known
