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
 * When what was refused for nobody knows how long is looked at again, in milliseconds: an account without quota, a key.
 *
 * @category constants
 * @since 0.1.0
 */
export const recheck = 300_000

// Google's names of quotas tell what they are of; beside one of a day it asks for a wait that goes by its pace
const isOfADay = (error: WireError.WireError | undefined, meaning: Meaning.Meaning): boolean =>
  meaning === "Quota" && error !== undefined && error.words.some((word) => word.includes("perday"))

/**
 * Milliseconds, at most a day; `undefined` where nothing says so. A time that the
 * body tells is compared with the service's own clock, as those in headers are;
 * `now`, epoch milliseconds, stands in for it. For a quota of a day
 * a wait below `recheck` says nothing.
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
  const shortest = isOfADay(error, meaning) ? recheck : 0
  const sound = (wait: number | undefined) => wait !== undefined && wait >= shortest ? wait : undefined
  const said = sound(RetryAfter.fromHeaders(headers, now))
  if (said !== undefined) return said
  const theirNow = HttpDate.nowOf(headers, now)
  const quoted = error?.headers ?? {}
  return sound(RetryAfter.fromHeaders(quoted, theirNow)) ??
    sound(error?.hint) ??
    (error?.until === undefined ? undefined : sound(RetryAfter.clamp(error.until - theirNow))) ??
    (meaning === "Rate" ? usedUp(headers, now) ?? usedUp(quoted, theirNow) : undefined)
}

const usedUp = (headers: Readonly<Record<string, string | undefined>>, now: number): number | undefined =>
  LimitHeaders.waitOf(LimitHeaders.fromHeaders(headers, now))
