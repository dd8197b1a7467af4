/**
 * Failures of a relay as the reasons of Effect's `AiError`, and back.
 *
 * A reason keeps the failure's tag, its `retryAfter` and its attempts under
 * `relay` in its metadata, and `retryAfter` where `AiError` looks for it as well.
 *
 * @since 0.1.0
 */
import * as AiError from "effect/ai/AiError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Failure from "../endpoint/Failure.ts"
import * as Attempt from "../policy/Attempt.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as RelayError from "../relay/RelayError.ts"

const Told = Schema.Struct({
  failure: Schema.String,
  retryAfterMillis: Schema.optionalKey(Schema.Number),
  attempts: Schema.Array(Attempt.Attempt)
})

type Told = typeof Told.Type

const isTold = Schema.is(Told)

/** What a reason tells of the failure that it stands for. */
const toldBy = (reason: AiError.AiErrorReason): Told | undefined => {
  const told = "metadata" in reason ? reason.metadata["relay"] : undefined
  return isTold(told) ? told : undefined
}

const hintOf = (failure: RelayError.StreamError): Duration.Duration | undefined =>
  "retryAfter" in failure ? failure.retryAfter : undefined

/** Effect's own has nowhere to say when. */
class Unavailable extends AiError.InternalProviderError {
  readonly retryAfter: Duration.Duration | undefined

  constructor(fields: ConstructorParameters<typeof AiError.InternalProviderError>[0], retryAfter?: Duration.Duration) {
    super(fields)
    this.retryAfter = retryAfter
  }
}

type Common = { readonly description: string; readonly metadata: AiError.ProviderMetadata }

const unavailable = (failure: RelayError.StreamError, common: Common): AiError.AiErrorReason =>
  new Unavailable(common, hintOf(failure))

const invalid = (parameter?: string) => (_: RelayError.StreamError, common: Common): AiError.AiErrorReason =>
  new AiError.InvalidRequestError(parameter === undefined ? common : { ...common, parameter })

const reasons: {
  readonly [Tag in RelayError.StreamError["_tag"]]: (
    failure: Extract<RelayError.StreamError, { readonly _tag: Tag }>,
    common: Common,
    now: number
  ) => AiError.AiErrorReason
} = {
  RateLimited: ({ retryAfter }, { metadata }) => new AiError.RateLimitError({ retryAfter, metadata }),
  QuotaExceeded: ({ retryAfter }, { metadata }, now) =>
    new AiError.QuotaExhaustedError({
      resetAt: retryAfter === undefined ? undefined : DateTime.makeUnsafe(now + Duration.toMillis(retryAfter)),
      metadata
    }),
  CircuitOpen: unavailable,
  BulkheadFull: unavailable,
  EndpointUnavailable: unavailable,
  RelayExhausted: unavailable,
  StreamInterrupted: unavailable,
  InvalidResponse: (_, common) => new AiError.InvalidResponseError(common),
  Unauthorized: ({ status }, common) =>
    new AiError.AuthenticationError({ ...common, kind: status === 403 ? "InsufficientPermissions" : "InvalidKey" }),
  ModelNotFound: invalid("model"),
  ContextTooLong: invalid("prompt"),
  ContentRefused: (_, common) => new AiError.ContentPolicyError(common),
  RequestRejected: invalid(),
  // the caller's own bounds are no failure that AiError knows
  DeadlineExceeded: (_, common) => new AiError.UnknownError(common),
  BudgetExceeded: (_, common) => new AiError.UnknownError(common)
}

/**
 * The reason that a failure is; `now` is the wall clock, in epoch milliseconds.
 *
 * @category converting
 * @since 0.1.0
 */
export const fromFailure = (failure: RelayError.StreamError, now: number): AiError.AiErrorReason => {
  const { _tag, attempts, message: description } = failure
  const hint = hintOf(failure)
  const relay = {
    failure: _tag,
    ...(hint === undefined ? {} : { retryAfterMillis: Duration.toMillis(hint) }),
    attempts: attempts.map((attempt) => ({ ...attempt }))
  }
  return reasons[_tag](failure as never, { description, metadata: { relay } }, now)
}

/**
 * When it is worth coming again; `undefined` where nobody knows.
 *
 * @category getters
 * @since 0.1.0
 */
export const retryAfter = (reason: AiError.AiErrorReason, now: number): Duration.Duration | undefined => {
  if ("retryAfter" in reason && Duration.isDuration(reason.retryAfter)) return reason.retryAfter
  const millis = toldBy(reason)?.retryAfterMillis
  if (millis !== undefined) return Duration.millis(millis)
  return reason._tag === "QuotaExhaustedError" && reason.resetAt !== undefined
    ? Duration.millis(Math.max(0, DateTime.toEpochMillis(reason.resetAt) - now))
    : undefined
}

/**
 * Whom a failure is to be of.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  readonly endpoint: string
  /** Default: the endpoint's own. */
  readonly account?: string | undefined
  readonly model?: string | undefined
}

/**
 * What an endpoint's `AiError` is to a relay, so that an operation on another
 * `LanguageModel` inside of `relay.execute` is failed over from, waited for and
 * held against its endpoint as a chat would be. One that a relay made keeps its
 * attempts.
 *
 * @category converting
 * @since 0.1.0
 */
export const toFailure = (error: AiError.AiError, subject: Subject, now: number): Failure.Answered => {
  const { account = subject.endpoint, endpoint, model = "" } = subject
  const { reason } = error
  const told = toldBy(reason)
  const hint = retryAfter(reason, now)
  const common = {
    endpoint,
    detail: reason.message,
    attempts: told?.attempts ?? Attempt.none,
    ...(hint === undefined ? {} : { retryAfter: hint })
  }
  const { retryAfter: _, ...lasting } = common
  switch (reason._tag) {
    case "RateLimitError":
      return Rejection.make(RateLimited, {
        key: endpoint,
        source: "Upstream",
        detail: common.detail,
        attempts: common.attempts,
        ...(hint === undefined ? {} : { retryAfter: hint })
      })
    case "QuotaExhaustedError":
      return Rejection.make(Failure.QuotaExceeded, { ...common, account })
    case "AuthenticationError":
      return Rejection.make(Failure.Unauthorized, common)
    case "ContentPolicyError":
      return Rejection.make(Failure.ContentRefused, lasting)
    case "NetworkError":
      return reason.isRetryable
        ? Rejection.make(Failure.EndpointUnavailable, { ...common, reason: "Connection" })
        : Rejection.make(Failure.RequestRejected, lasting)
    case "InternalProviderError":
      return Rejection.make(Failure.EndpointUnavailable, { ...common, reason: "Status" })
    case "InvalidResponseError":
    case "InvalidOutputError":
    case "StructuredOutputError":
      return Rejection.make(Failure.InvalidResponse, { ...lasting, reason: "Malformed" })
    case "UnknownError":
      return Rejection.make(Failure.InvalidResponse, { ...lasting, reason: "ErrorInBody" })
    case "InvalidRequestError":
      if (told?.failure === "ModelNotFound") return Rejection.make(Failure.ModelNotFound, { ...common, model })
      return told?.failure === "ContextTooLong"
        ? Rejection.make(Failure.ContextTooLong, { ...lasting, model })
        : Rejection.make(Failure.RequestRejected, lasting)
    default:
      // a tool, a schema or an input that nobody could have answered
      return Rejection.make(Failure.RequestRejected, lasting)
  }
}
