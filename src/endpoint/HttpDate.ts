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
