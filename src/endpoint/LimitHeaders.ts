/**
 * What a service says of its own limits beside an answer, in every form that
 * services use.
 *
 * OpenAI, Azure and Groq: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`
 * with Go durations. Anthropic: `anthropic-ratelimit-…` with RFC 3339 times, and
 * its unified windows with epoch seconds. OpenRouter: `x-ratelimit-…` with epoch
 * milliseconds. What makes no sense, such as -1, says nothing.
 *
 * @since 0.1.0
 */
import type * as Limit from "../machine/Limit.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import type * as Tokens from "../policy/Tokens.ts"
import * as HttpDate from "./HttpDate.ts"
import * as HttpHeader from "./HttpHeader.ts"
import * as RetryAfter from "./RetryAfter.ts"

type Headers = Readonly<Record<string, string | undefined>>

/**
 * Where one limit of a service stands.
 *
 * @category models
 * @since 0.1.0
 */
export interface Standing {
  /** What it counts; `usage` is a share of a plan, of which no number is told. */
  readonly of: "requests" | "tokens" | "inputTokens" | "outputTokens" | "usage"
  /** What it allows in a window, from 1 up. */
  readonly limit: number | undefined
  /** What it still allows, from 0 up. */
  readonly remaining: number | undefined
  /** Milliseconds until it allows all of it again, at most a day. */
  readonly resetAfter: number | undefined
  /** Whether nothing comes back before that; otherwise it comes back bit by bit. */
  readonly isWindow: boolean
}

/**
 * Where the standings of the limits are noted while an answer is read, and what it took.
 *
 * @category models
 * @since 0.1.0
 */
export interface Heard {
  limits: ReadonlyArray<Standing> | undefined
  /** What it is known to have taken, should it fail all the same. */
  usage?: (() => Tokens.Tokens & { readonly isEstimated?: boolean } | undefined) | undefined
}

const decimal = /^\d+(?:\.\d+)?$/

const countOf = (value: string | undefined): number | undefined => {
  if (value === undefined || !decimal.test(value.trim())) return undefined
  const count = Math.floor(Number(value))
  return Number.isSafeInteger(count) ? count : undefined
}

const resetOf = (value: string | undefined, now: number): number | undefined =>
  value === undefined ? undefined : RetryAfter.fromText(value, now)

interface Names {
  readonly of: Standing["of"]
  readonly limit: string
  readonly remaining: string
  readonly reset: string
  readonly isWindow: boolean
}

const anthropic = (of: Names["of"], name: string): Names => ({
  of,
  limit: `anthropic-ratelimit-${name}-limit`,
  remaining: `anthropic-ratelimit-${name}-remaining`,
  reset: `anthropic-ratelimit-${name}-reset`,
  isWindow: false
})

const openai = (of: Names["of"], suffix: string): Names => ({
  of,
  limit: `x-ratelimit-limit${suffix}`,
  remaining: `x-ratelimit-remaining${suffix}`,
  reset: `x-ratelimit-reset${suffix}`,
  isWindow: suffix === ""
})

const counted: ReadonlyArray<Names> = [
  openai("requests", "-requests"),
  openai("tokens", "-tokens"),
  openai("requests", ""),
  anthropic("requests", "requests"),
  anthropic("tokens", "tokens"),
  anthropic("inputTokens", "input-tokens"),
  anthropic("outputTokens", "output-tokens")
]

// windows of a plan tell a state and no count
const planned: ReadonlyArray<readonly [status: string, reset: string]> = ["unified", "unified-5h", "unified-7d"].map(
  (name) => [`anthropic-ratelimit-${name}-status`, `anthropic-ratelimit-${name}-reset`]
)

/**
 * The standing of every limit that response headers tell of; none of what is no
 * headers. Times are compared with the service's own `date`; `now`, epoch milliseconds,
 * stands in for it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromHeaders = (headers: Headers, now: number): ReadonlyArray<Standing> =>
  standingsIn(HttpHeader.read(headers), now)

const standingsIn = (headers: Headers, now: number): ReadonlyArray<Standing> => {
  const standings: Array<Standing> = []
  for (const { isWindow, limit, of, remaining, reset } of counted) {
    if (headers[remaining] === undefined && headers[limit] === undefined) continue
    const allowed = countOf(headers[limit])
    // a service that does not know the limit does not know what is left of it either
    if (headers[limit] !== undefined && (allowed === undefined || allowed < 1)) continue
    const left = countOf(headers[remaining])
    if (allowed === undefined && left === undefined) continue
    const resetAfter = resetOf(headers[reset], HttpDate.nowOf(headers, now))
    standings.push({ of, limit: allowed, remaining: left, resetAfter, isWindow })
  }
  for (const [status, reset] of planned) {
    const isUsedUp = headers[status]?.trim().toLowerCase() === "rejected"
    if (!isUsedUp) continue
    const resetAfter = resetOf(headers[reset], HttpDate.nowOf(headers, now))
    standings.push({ of: "usage", limit: undefined, remaining: 0, resetAfter, isWindow: true })
  }
  return standings
}

/**
 * Milliseconds until every limit that is used up allows something again, where
 * that is known.
 *
 * @category getters
 * @since 0.1.0
 */
export const waitOf = (standings: ReadonlyArray<Standing>): number | undefined => {
  let longest = 0
  for (const { remaining, resetAfter } of standings) {
    if (remaining === 0 && resetAfter !== undefined && resetAfter > longest) longest = resetAfter
  }
  return longest > 0 ? longest : undefined
}

// what our own limits count: calls, and the tokens of prompt and answer together
const unitOf = (of: Standing["of"]): Limit.Unit | undefined => {
  if (of === "requests") return "calls"
  return of === "tokens" ? "tokens" : undefined
}

/**
 * Tells a limiter what an answer to a call, sent at a time when so much had been
 * taken, says is left of the limits. It can only make it tighter.
 *
 * Of a limit that comes back bit by bit only what is left is told: to wait until
 * all of it is back would be to wait far too long. How large a limit is is not
 * told either, because nobody says for which window: it may be a second's.
 *
 * @category combinators
 * @since 0.1.0
 */
export const teach = (
  limiter: RateLimiter.RateLimiter,
  standings: ReadonlyArray<Standing>,
  sent: { readonly at: number; readonly takenBefore: RateLimiter.Cost },
  now: number
): void => {
  for (const { isWindow, of, remaining, resetAfter } of standings) {
    const unit = unitOf(of)
    if (unit === undefined || remaining === undefined) continue
    limiter.learnUnsafe(unit, isWindow ? { remaining, resetAfter } : { remaining }, sent, now)
  }
}
