/**
 * How long a service asks to be left alone, in every form that services use.
 *
 * Source: RFC 9110, section 10.2.3; `retry-after-ms` as sent by Azure OpenAI. What servers send beside these is read where
 * it can mean one thing only: epoch times, RFC 3339 and Go's durations.
 *
 * @since 0.1.0
 */

import * as GoDuration from "./GoDuration.ts"
import * as HttpDate from "./HttpDate.ts"
import * as HttpHeader from "./HttpHeader.ts"

type Headers = Readonly<Record<string, string | undefined>>

const day = 24 * 60 * 60 * 1000

/**
 * What a service can ask for at most, in milliseconds: a longer wait says a day.
 *
 * @category combinators
 * @since 0.1.0
 */
export const clamp = (millis: number): number => Math.min(day, Math.max(0, millis))

const decimal = /^\d+(?:\.\d+)?$/

const millisOf = (value: string | undefined): number | undefined =>
  value !== undefined && decimal.test(value.trim()) ? clamp(Number(value)) : undefined

// no wait is as long as the years since 1970: what is, is a time
const firstEpochSeconds = 1e9
const firstEpochMillis = 1e11

const numberToMillis = (value: number, now: number): number => {
  if (value >= firstEpochMillis) return value - now
  return value >= firstEpochSeconds ? value * 1000 - now : value * 1000
}

/**
 * Milliseconds from `now`, epoch milliseconds, until what a header says in any form that has a meaning: seconds, epoch
 * seconds or milliseconds, a duration such as `1m30s`, a date or an RFC 3339 timestamp.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromText = (value: string, now: number): number | undefined => {
  const text = value.trim()
  if (decimal.test(text)) return clamp(numberToMillis(Number(text), now))
  const duration = GoDuration.parse(text)
  if (duration !== undefined) return clamp(duration)
  const time = HttpDate.parseTimestamp(text) ?? HttpDate.parse(text)
  return time === undefined ? undefined : clamp(time - now)
}

// proxies join repeated headers with commas; a date has one of its own
const longestOf = (value: string, now: number): number | undefined => {
  const whole = fromText(value, now)
  if (whole !== undefined) return whole
  let longest = 0
  for (const part of value.split(",")) {
    const wait = fromText(part, now)
    if (wait === undefined) return undefined
    longest = Math.max(longest, wait)
  }
  return longest
}

/**
 * Milliseconds in a protobuf duration such as `46s`, as Google writes a delay into the body.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromProtobuf = (value: unknown): number | undefined =>
  typeof value === "string" && /^\d+(?:\.\d+)?s$/.test(value) ? clamp(Number(value.slice(0, -1)) * 1000) : undefined

/**
 * Milliseconds to wait, from response headers; `undefined` where they say
 * nothing that makes sense. A date is compared with the service's own
 * `date`, so a skewed clock does no harm; `now`, epoch milliseconds, stands in
 * for it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromHeaders = (headers: Headers, now: number): number | undefined => waitIn(HttpHeader.read(headers), now)

const waitIn = (headers: Headers, now: number): number | undefined => {
  const exact = millisOf(headers["retry-after-ms"]) ?? millisOf(headers["x-ms-retry-after-ms"])
  if (exact !== undefined) return exact
  const value = headers["retry-after"]
  return value === undefined ? undefined : longestOf(value, HttpDate.nowOf(headers, now))
}
