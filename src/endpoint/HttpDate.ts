/**
 * The time as services write it into headers, and what time they think it is.
 *
 * Source: RFC 9110, section 5.6.7; RFC 3339.
 *
 * @since 0.1.0
 */

// the three forms of an HTTP-date; Date.parse alone would take "may 7" for one
const httpDate = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d{1,2}:\d{2}:\d{2}/

const timestamp = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/

const timeOf = (text: string): number | undefined => {
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/**
 * Epoch milliseconds of an HTTP-date in any of its three forms, or `undefined`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (value: string | undefined): number | undefined =>
  value === undefined || !httpDate.test(value.trim())
    ? undefined
    : timeOf(/GMT|UTC|[+-]\d{4}/.test(value) ? value : `${value} GMT`)

/**
 * Epoch milliseconds of an RFC 3339 timestamp, or `undefined`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parseTimestamp = (value: string): number | undefined => timestamp.test(value) ? timeOf(value) : undefined

const inWords =
  /\b(?:access|again|resets?|retry|available)(?: (?:on|at|after|from|in|until)){0,2} (\d{4}-\d\d-\d\d)(?:,? at |[T ])(\d\d:\d\d)(:\d\d)? ?(?:UTC|GMT|Z)\b/i

/**
 * Epoch milliseconds of the time to come back that a sentence tells, as in "You
 * will regain access on 2026-12-01 at 00:00 UTC."
 *
 * @category decoding
 * @since 0.1.0
 */
export const inSentence = (text: string): number | undefined => {
  const found = inWords.exec(text)
  return found === null ? undefined : parseTimestamp(`${found[1]}T${found[2]}${found[3] ?? ":00"}Z`)
}

/**
 * What time it is by the service's own clock, which may be wrong: what it says
 * of later times is to be compared with that. `now`, epoch milliseconds, where
 * it does not say.
 *
 * @category getters
 * @since 0.1.0
 */
export const nowOf = (headers: Readonly<Record<string, string | undefined>>, now: number): number =>
  parse(headers["date"]) ?? now
