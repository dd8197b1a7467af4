/**
 * How long a service asks to be left alone, in every form that services use.
 *
 * Source: RFC 9110, section 10.2.3; `retry-after-ms` as sent by Azure OpenAI.
 *
 * @since 0.1.0
 */

import * as HttpDate from "./HttpDate.ts"
import * as HttpHeader from "./HttpHeader.ts"

type Headers = Readonly<Record<string, string | undefined>>

const longest = 24 * 60 * 60 * 1000

/**
 * What a service can ask for at most, in milliseconds: a longer wait says a day.
 *
 * @category combinators
 * @since 0.1.0
 */
export const clamp = (millis: number): number => Math.min(longest, Math.max(0, millis))

const decimal = /^\d+(?:\.\d+)?$/

const millisOf = (value: string | undefined): number | undefined =>
  value !== undefined && decimal.test(value.trim()) ? clamp(Number(value)) : undefined

// proxies join repeated headers with commas, and so do dates: numbers first
const secondsOf = (value: string): number | undefined => {
  const parts = value.split(",").map((part) => part.trim())
  return parts.every((part) => decimal.test(part)) ? clamp(Math.max(...parts.map(Number)) * 1000) : undefined
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
  if (value === undefined) return undefined
  const seconds = secondsOf(value)
  if (seconds !== undefined) return seconds
  const date = HttpDate.parse(value)
  return date === undefined ? undefined : clamp(date - HttpDate.nowOf(headers, now))
}
