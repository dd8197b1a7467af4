/**
 * The response cache as a relay uses it: which requests go through it, under which key, and on which terms.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ChatQuestion from "../endpoint/ChatQuestion.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as ResponseCache from "../policy/ResponseCache.ts"
import * as CachedAnswer from "./CachedAnswer.ts"
import * as Charge from "./Charge.ts"
import type { Company } from "./Company.ts"
import type * as Meta from "./Meta.ts"
import type * as Progress from "./Progress.ts"
import * as RelayError from "./RelayError.ts"

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
export type Terms = ResponseCache.Terms<CachedAnswer.CachedAnswer, RelayError.StreamError | Own>

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

/**
 * A failure that is of whoever began the call and of nobody else: they had less money of their own than others may have.
 *
 * @category models
 * @since 0.1.0
 */
export class Own {
  readonly failure: RelayError.StreamError

  constructor(failure: RelayError.StreamError) {
    this.failure = failure
  }

  get _tag(): string {
    return this.failure._tag
  }
}

// what is left to say where nobody could be asked
const mayBeOwn = new Set<string>(["BudgetExceeded", "RelayExhausted"])

/**
 * The failure of a call in company, as the cache is to see it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const owned = (company: Company, failure: RelayError.StreamError): RelayError.StreamError | Own =>
  company.isPayerShort && mayBeOwn.has(failure._tag) ? new Own(failure) : failure

/**
 * The failure itself.
 *
 * @category combinators
 * @since 0.1.0
 */
export const bare = (failure: RelayError.StreamError | Own): RelayError.StreamError =>
  failure instanceof Own ? failure.failure : failure

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
  // in company nobody's time is up before that of all
  isOwn: (failure) => failure instanceof Own || failure._tag === "DeadlineExceeded",
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
 * What was tried and paid for an answer by whoever has it: for one that somebody else's call brought, nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const paid = (mine: Company | undefined): Pick<Meta.Meta, "attempts" | "cost" | "usage"> => {
  if (mine === undefined) return { attempts: Attempt.none, cost: 0, usage: [] }
  const cost = Charge.costOf(mine.charges)
  // what others wait for goes on
  const [attempts, usage] = [mine.attempts.slice(), mine.charges.slice()]
  return cost === undefined ? { attempts, usage } : { attempts, cost, usage }
}

/**
 * The failure of whoever began a call and has no more time for it, with what was tried so far.
 *
 * @category combinators
 * @since 0.1.0
 */
export const tried = <E extends RelayError.StreamError>(failure: E, mine: Company | undefined, now: number): E =>
  mine === undefined || failure.attempts.length > 0 ? failure : RelayError.withAttempts(failure, mine.trail(now))

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
