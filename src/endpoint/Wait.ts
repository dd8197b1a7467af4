/**
 * How long a reply asks to wait, by whichever of its parts says so.
 *
 * @since 0.1.0
 */
import * as HttpDate from "./HttpDate.ts"
import * as LimitHeaders from "./LimitHeaders.ts"
import type * as Meaning from "./Meaning.ts"
import * as RetryAfter from "./RetryAfter.ts"
import type * as WireError from "./WireError.ts"

/**
 * Milliseconds, at most a day; `undefined` where nothing says so. A time that the
 * body tells is compared with the service's own clock, as those in headers are;
 * `now`, epoch milliseconds, stands in for it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const of = (
  headers: Readonly<Record<string, string | undefined>>,
  error: WireError.WireError | undefined,
  meaning: Meaning.Meaning,
  now: number
): number | undefined => {
  const said = RetryAfter.fromHeaders(headers, now)
  if (said !== undefined) return said
  const theirNow = HttpDate.nowOf(headers, now)
  const quoted = error?.headers ?? {}
  return RetryAfter.fromHeaders(quoted, theirNow) ??
    error?.hint ??
    (error?.until === undefined ? undefined : RetryAfter.clamp(error.until - theirNow)) ??
    (meaning === "Rate" ? usedUp(headers, now) ?? usedUp(quoted, theirNow) : undefined)
}

const usedUp = (headers: Readonly<Record<string, string | undefined>>, now: number): number | undefined =>
  LimitHeaders.waitOf(LimitHeaders.fromHeaders(headers, now))
