/**
 * The ways in which an endpoint fails to answer, each a tagged error.
 *
 * `RateLimited`, `CircuitOpen` and `BulkheadFull`, which our own policies say as
 * well, live with their policies. None of them ever holds a secret.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Attempt from "../policy/Attempt.ts"
import type { BulkheadFull } from "../policy/Bulkhead.ts"
import type { CircuitOpen } from "../policy/CircuitBreaker.ts"
import type { RateLimited } from "../policy/RateLimiter.ts"
import * as Verdict from "../policy/Verdict.ts"

const status = Schema.optionalKey(Schema.Int)
const detail = Schema.optionalKey(Schema.String)
// where the service says a retry helps, if that is not what such a failure means anyway
const retry = Schema.optionalKey(Verdict.Retry)
const retryAfter = Schema.optionalKey(Schema.DurationFromMillis)

const say = (
  head: string,
  more: { readonly status?: number; readonly detail?: string; readonly retryAfter?: Duration.Duration }
): string =>
  [
    more.status === undefined ? head : `${head} (HTTP ${more.status})`,
    ...(more.retryAfter === undefined ? [] : [`try again in ${Duration.format(more.retryAfter)}`]),
    ...(more.detail === undefined ? [] : [more.detail])
  ].join(", ")

/**
 * A quota, balance or spend limit of the account is used up, wherever the API hid it.
 *
 * @category errors
 * @since 0.1.0
 */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", {
  endpoint: Schema.String,
  /** Whose quota it is; every endpoint of the account is skipped. */
  account: Schema.String,
  /** When it is refilled, or looked at again. */
  retryAfter,
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(`the quota of account "${this.account}" is used up`, this)
  }
}

/**
 * The endpoint could not be reached, did not answer in time, or said that it is down.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointUnavailable extends Schema.TaggedError<EndpointUnavailable>()("EndpointUnavailable", {
  endpoint: Schema.String,
  reason: Schema.Literals(["Connection", "Timeout", "Status"]),
  retryAfter,
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(`endpoint "${this.endpoint}" ${unavailable[this.reason]}`, this)
  }
}

const unavailable = {
  Connection: "could not be reached",
  Timeout: "did not answer in time",
  Status: "is unavailable"
} as const

/**
 * The endpoint answered, but what it said is no answer, or not what a validator
 * of yours takes for one.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidResponse extends Schema.TaggedError<InvalidResponse>()("InvalidResponse", {
  endpoint: Schema.String,
  reason: Schema.Literals(["Empty", "NotJson", "Malformed", "ErrorInBody", "CutOff", "TooLarge", "Rejected"]),
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(`endpoint "${this.endpoint}" ${invalid[this.reason]}`, this)
  }
}

const invalid = {
  Empty: "sent an empty answer",
  NotJson: "sent something that is not JSON",
  Malformed: "sent JSON that is not a chat completion",
  ErrorInBody: "sent an error inside a successful response",
  CutOff: "stopped in the middle of its answer",
  TooLarge: "sent more than the limit allows",
  Rejected: "sent an answer that was found wanting"
} as const

/**
 * The key is wrong, or may not do this.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  endpoint: Schema.String,
  /** When the key is tried again. */
  retryAfter,
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(`the key of endpoint "${this.endpoint}" is refused`, this)
  }
}

/**
 * The endpoint does not serve this model; without an endpoint: none does.
 *
 * @category errors
 * @since 0.1.0
 */
export class ModelNotFound extends Schema.TaggedError<ModelNotFound>()("ModelNotFound", {
  endpoint: Schema.optionalKey(Schema.String),
  model: Schema.String,
  /** When the endpoint is asked for the model again. */
  retryAfter,
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(
      this.endpoint === undefined
        ? `no endpoint serves model "${this.model}"`
        : `endpoint "${this.endpoint}" does not serve model "${this.model}"`,
      this
    )
  }
}

/**
 * The request is longer than the model's window; without an endpoint: than any window there is, and it was not sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContextTooLong extends Schema.TaggedError<ContextTooLong>()("ContextTooLong", {
  endpoint: Schema.optionalKey(Schema.String),
  model: Schema.String,
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const where = this.endpoint === undefined ? "every endpoint" : `endpoint "${this.endpoint}"`
    return say(`the request is too long for model "${this.model}" at ${where}`, this)
  }
}

/**
 * A content policy refused the request.
 *
 * @category errors
 * @since 0.1.0
 */
export class ContentRefused extends Schema.TaggedError<ContentRefused>()("ContentRefused", {
  endpoint: Schema.String,
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(`the content policy of endpoint "${this.endpoint}" refused the request`, this)
  }
}

/**
 * The request itself is at fault; no endpoint would take it. Without an
 * endpoint: it was never sent.
 *
 * @category errors
 * @since 0.1.0
 */
export class RequestRejected extends Schema.TaggedError<RequestRejected>()("RequestRejected", {
  endpoint: Schema.optionalKey(Schema.String),
  status,
  detail,
  retry,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return say(
      this.endpoint === undefined
        ? "the request cannot be sent"
        : `endpoint "${this.endpoint}" rejected the request`,
      this
    )
  }
}

/**
 * What an endpoint can answer instead of an answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Answered =
  | RateLimited
  | QuotaExceeded
  | EndpointUnavailable
  | InvalidResponse
  | Unauthorized
  | ModelNotFound
  | ContextTooLong
  | ContentRefused
  | RequestRejected

/**
 * Why a call to one endpoint failed, or was not made.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure = Answered | CircuitOpen | BulkheadFull
