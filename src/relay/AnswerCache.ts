/**
 * The response cache as a relay uses it: which requests go through it, under which key, and on which terms.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ChatQuestion from "../endpoint/ChatQuestion.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as ResponseCache from "../policy/ResponseCache.ts"
import * as CachedAnswer from "./CachedAnswer.ts"
import type * as Meta from "./Meta.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"

/**
 * What a caller says of the cache.
 *
 * @category models
 * @since 0.1.0
 */
export interface Wish {
  readonly tenant?: string | undefined
  readonly cache?: boolean | undefined
}

/**
 * The key of a request, or why it has none.
 *
 * @category models
 * @since 0.1.0
 */
export type Place = Result.Result<ResponseCache.CacheKey, Meta.Bypass>

/**
 * The terms of answers of a relay.
 *
 * @category models
 * @since 0.1.0
 */
export type Terms = ResponseCache.Terms<CachedAnswer.CachedAnswer, RelayError.StreamError>

/**
 * Where the answer to a request is kept, and why not if it is not.
 *
 * @category getters
 * @since 0.1.0
 */
export const placeOf = (
  cache: ResponseCache.ResponseCache,
  request: ChatRequest.ChatRequest,
  { cache: wanted, tenant = "" }: Wish,
  form: "whole" | "stream"
): Place => {
  if (wanted === false) return Result.fail("Unwanted")
  if (tenant === "") return Result.fail("NoTenant")
  if (wanted !== true && !cache.cacheNonDeterministic && request.temperature !== 0) return Result.fail("Chance")
  const key = ResponseCache.keyOf({ tenant, request: ChatQuestion.of(request, form) })
  return Result.mapError(key, (): Meta.Bypass => "Unwritable")
}

// they are of whoever had less time or money than the others, who may have enough
const own = new Set<string>(
  ["DeadlineExceeded", "BudgetExceeded"] satisfies ReadonlyArray<RelayError.RelayError["_tag"]>
)

/** Whether a failure is of whoever asked, as a whole or as far as somebody was not asked for want of money. */
const isOwn = (failure: RelayError.StreamError): boolean =>
  own.has(failure._tag) ||
  (failure._tag === "RelayExhausted" && failure.attempts.some(({ outcome }) => own.has(outcome)))

// these say something of the request or of who asks, which an old answer does not mend, or come after a part of a new one
const inexcusable = new Set<RelayError.StreamError["_tag"]>([
  "StreamInterrupted",
  "RequestRejected",
  "ContentRefused",
  "ContextTooLong",
  "ModelNotFound",
  "Unauthorized"
])

/**
 * Whether an answer that is past its time may stand in for a failure: for one of the moment, and not for one that says no.
 *
 * @category guards
 * @since 0.1.0
 */
export const isExcused = ({ _tag }: { readonly _tag: string }): boolean => !inexcusable.has(_tag as never)

/**
 * The terms of answers of one choice.
 *
 * @category constants
 * @since 0.1.0
 */
export const terms: Terms = {
  isKept: (answer) => CachedAnswer.isWhole(answer),
  isOwn,
  // whoever comes later has not heard the part that it speaks of
  isFailureKept: ({ _tag }) => _tag !== "StreamInterrupted",
  isExcused,
  codec: CachedAnswer.CachedAnswer,
  worth: ({ cost = 0, tokens }) => ({ tokens: tokens.total, money: cost })
}

/**
 * The terms of the answer to a request.
 *
 * @category getters
 * @since 0.1.0
 */
export const termsOf = (request: ChatRequest.ChatRequest): Terms => {
  const choices = ChatRequest.answers(request)
  return choices === 1 ? terms : { ...terms, isKept: (answer) => CachedAnswer.isWhole(answer, choices) }
}

/**
 * Tells that an answer was there, and writes down what that saves.
 *
 * @category calls
 * @since 0.1.0
 */
export const note = (
  relay: Progress.Relay,
  model: string,
  tenant: string | undefined,
  { charged, cost, endpoint, tokens }: CachedAnswer.CachedAnswer,
  stale: boolean
): Effect.Effect<void> =>
  Effect.clockWith((clock) => {
    relay.events.tell({ _tag: "CacheHit", model, stale })
    relay.usage.hit(clock.currentTimeMillisUnsafe(), tenant, endpoint, charged, { tokens, cost })
    return Effect.void
  })
