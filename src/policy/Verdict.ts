/**
 * What each failure means for the one who failed and for the one who called.
 *
 * One table, by tag, so that a breaker, a retry schedule and a relay never
 * disagree about the same failure. The relay's tests check that no tag is missing.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as Circuit from "../machine/Circuit.ts"

/**
 * How policies treat a failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verdict {
  /** What a circuit breaker makes of it. */
  readonly breaker: Exclude<Circuit.Outcome, "Success" | "Slow">
  /** Whether the same target may succeed later with the same request. */
  readonly again: boolean
  /** Whether another target may succeed now with the same request. */
  readonly elsewhere: boolean
}

/**
 * Where a failure itself says that the same request may succeed: at the same
 * target later and at others now, or only at others. It goes before the table.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Retry = Schema.Literals(["Anywhere", "Elsewhere"])

/**
 * Where a failure itself says that the same request may succeed.
 *
 * @category models
 * @since 0.1.0
 */
export type Retry = typeof Retry.Type

const waits: Verdict = { breaker: "Ignored", again: true, elsewhere: true }
const passesOn: Verdict = { breaker: "Ignored", again: false, elsewhere: true }
const fails: Verdict = { breaker: "Failure", again: true, elsewhere: true }
const ends: Verdict = { breaker: "Ignored", again: false, elsewhere: false }
const breaks: Verdict = { breaker: "Failure", again: false, elsewhere: false }

/**
 * The verdict on each failure of this library.
 *
 * @category constants
 * @since 0.1.0
 */
export const byTag = {
  RateLimited: waits,
  BulkheadFull: waits,
  QuotaExceeded: passesOn,
  CircuitOpen: passesOn,
  Unauthorized: passesOn,
  ModelNotFound: passesOn,
  ContextTooLong: passesOn,
  EndpointUnavailable: fails,
  InvalidResponse: fails,
  RelayExhausted: fails,
  ContentRefused: ends,
  RequestRejected: ends,
  StreamInterrupted: breaks,
  DeadlineExceeded: ends,
  BudgetExceeded: ends
} as const satisfies Record<string, Verdict>

/**
 * The verdict on what only policies used alone fail with: no relay answers with it.
 *
 * @category constants
 * @since 0.1.0
 */
export const ofPolicies = {
  InvalidArgument: ends,
  InvalidConfiguration: ends,
  TimedOut: fails
} as const satisfies Record<string, Verdict>

const known: Readonly<Record<string, Verdict>> = { ...byTag, ...ofPolicies }

/**
 * The `_tag` of an error, if it has one that is a text. Total: an error of
 * somebody else's may throw when it is looked at.
 *
 * @category getters
 * @since 0.1.0
 */
export const tagOf = (error: unknown): string | undefined => {
  try {
    const tag = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
    return typeof tag === "string" ? tag : undefined
  } catch {
    return undefined
  }
}

/**
 * The verdict on any failure: by its `_tag` where it is in the table; any other
 * is the target's, as a `TimedOut` is. One that says for itself where a retry
 * helps is believed.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (error: unknown): Verdict => {
  const tag = tagOf(error)
  if (tag === undefined || !Object.hasOwn(known, tag)) return fails
  const verdict = known[tag]!
  const retry = retryOf(error)
  return retry === undefined ? verdict : { ...verdict, again: retry === "Anywhere", elsewhere: true }
}

/**
 * Where an error itself says that the same request may succeed. Total, as `tagOf`.
 *
 * @category getters
 * @since 0.1.0
 */
export const retryOf = (error: unknown): Retry | undefined => {
  try {
    const retry = typeof error === "object" && error !== null && "retry" in error ? error.retry : undefined
    return retry === "Anywhere" || retry === "Elsewhere" ? retry : undefined
  } catch {
    return undefined
  }
}

/**
 * Milliseconds after which an error itself says the target may be asked again:
 * its `retryAfter`, if that is a `Duration`. Total, as `tagOf`.
 *
 * @category getters
 * @since 0.1.0
 */
export const hintOf = (error: unknown): number | undefined => {
  try {
    const hint = typeof error === "object" && error !== null && "retryAfter" in error ? error.retryAfter : undefined
    return Duration.isDuration(hint) ? Duration.toMillis(hint) : undefined
  } catch {
    return undefined
  }
}
