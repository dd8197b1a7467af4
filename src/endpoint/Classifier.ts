/**
 * Reads what an endpoint put on the wire: an answer, or one failure.
 *
 * Total: whatever the bytes, it ends in a value. An error is decided by its
 * code, then its type, then its message where a message is all there is, then
 * the status.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Attempt from "../policy/Attempt.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as ChatAnswer from "./ChatAnswer.ts"
import * as ErrorKind from "./ErrorKind.ts"
import * as Failure from "./Failure.ts"
import * as Quotation from "./Quotation.ts"
import * as RetryAfter from "./RetryAfter.ts"
import * as WireError from "./WireError.ts"
import type * as WireRequest from "./WireRequest.ts"

/**
 * A response, body included.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/**
 * Whose reply it is, and to what.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  readonly endpoint: string
  readonly account: string
  readonly model: string
  /** Removed from whatever the reply says. */
  readonly secrets: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly now: number
}

const fail = (
  kind: ErrorKind.ErrorKind,
  subject: Subject,
  reply: Reply,
  status: number,
  message: string,
  bodyHint?: number
): Failure.Answered => {
  const hint = RetryAfter.fromHeaders(reply.headers, subject.now) ?? bodyHint
  const retryAfter = hint === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(hint)) }
  const text = Quotation.quote(message, subject.secrets)
  const common = {
    endpoint: subject.endpoint,
    status,
    ...(text === "" ? {} : { detail: text }),
    attempts: Attempt.none
  }
  switch (kind) {
    case "Rate":
      return Rejection.make(RateLimited, {
        key: subject.endpoint,
        source: "Upstream" as const,
        status,
        ...retryAfter,
        ...(text === "" ? {} : { detail: text }),
        attempts: Attempt.none
      })
    case "Quota":
      return Rejection.make(Failure.QuotaExceeded, { ...common, account: subject.account, ...retryAfter })
    case "Unavailable":
      return Rejection.make(Failure.EndpointUnavailable, { ...common, reason: "Status" as const, ...retryAfter })
    case "Unauthorized":
      return Rejection.make(Failure.Unauthorized, common)
    case "Model":
      return Rejection.make(Failure.ModelNotFound, { ...common, model: subject.model })
    case "Context":
      return Rejection.make(Failure.ContextTooLong, { ...common, model: subject.model })
    case "Content":
      return Rejection.make(Failure.ContentRefused, common)
    case "Rejected":
      return Rejection.make(Failure.RequestRejected, common)
  }
}

const invalid = (
  subject: Subject,
  status: number,
  reason: Failure.InvalidResponse["reason"],
  message: string
): Failure.InvalidResponse =>
  Rejection.make(Failure.InvalidResponse, {
    endpoint: subject.endpoint,
    reason,
    status,
    detail: Quotation.quote(message, subject.secrets),
    attempts: Attempt.none
  })

/**
 * The answer in a reply, or why there is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const classify = (reply: Reply, subject: Subject): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => {
  const body = WireError.parse(reply.text)
  const isSuccess = reply.status >= 200 && reply.status < 300
  const error = Result.isSuccess(body) ? WireError.fromBody(body.success) : undefined

  if (!isSuccess || error !== undefined) {
    const status = isSuccess ? error?.status ?? reply.status : reply.status
    const kind = ErrorKind.of(error, status)
    if (kind !== undefined) {
      return Result.fail(fail(kind, subject, reply, status, error?.message || reply.text, error?.hint))
    }
    // an unknown error under a 2xx, or a status below 400 that no client of an API should see
    return Result.fail(
      isSuccess
        ? invalid(subject, reply.status, "ErrorInBody", error?.message || reply.text)
        : fail("Unavailable", subject, reply, reply.status, reply.text)
    )
  }
  if (Result.isFailure(body)) {
    return Result.fail(
      reply.text.trim() === ""
        ? invalid(subject, reply.status, "Empty", "the body is empty")
        : invalid(subject, reply.status, "NotJson", reply.text)
    )
  }
  const answer = ChatAnswer.fromBody(body.success, subject.model)
  return Result.isSuccess(answer)
    ? Result.succeed(answer.success)
    : Result.fail(invalid(subject, reply.status, answer.failure.reason, answer.failure.detail))
}

const countOf = (body: unknown): number | undefined => {
  const usage = typeof body === "object" && body !== null && "usage" in body ? body.usage : undefined
  const total = typeof usage === "object" && usage !== null && "total_tokens" in usage ? usage.total_tokens : undefined
  return Number.isSafeInteger(total) && Number(total) > 0 ? Number(total) : undefined
}

/**
 * Whether a reply to some other request than a chat is one: the tokens it says it
 * took, or why it is none. An answer is JSON without an error in it; of anything
 * else only the status is looked at, since a file or a job may tell of errors
 * that are not the reply's.
 *
 * @category decoding
 * @since 0.1.0
 */
export const check = (
  reply: Reply,
  subject: Omit<Subject, "model"> & { readonly model: string | undefined },
  asks: Exclude<WireRequest.Kind, "Chat">
): Result.Result<number | undefined, Failure.Answered> => {
  const isSuccess = reply.status >= 200 && reply.status < 300
  if (isSuccess && asks === "Other") return Result.succeed(undefined)
  const about = { ...subject, model: subject.model ?? "*" }
  const body = WireError.parse(reply.text)
  const error = Result.isSuccess(body) ? WireError.fromBody(body.success) : undefined
  if (!isSuccess || error !== undefined) {
    const status = isSuccess ? error?.status ?? reply.status : reply.status
    const found = ErrorKind.of(error, status)
    const message = error?.message || reply.text
    if (isSuccess && found === undefined) return Result.fail(invalid(about, reply.status, "ErrorInBody", message))
    const kind = ErrorKind.at(found, status, message, asks, subject.model !== undefined)
    return Result.fail(fail(kind, about, reply, status, message, error?.hint))
  }
  if (Result.isSuccess(body)) return Result.succeed(countOf(body.success))
  const isEmpty = reply.text.trim() === ""
  return Result.fail(
    invalid(about, reply.status, isEmpty ? "Empty" : "NotJson", isEmpty ? "the body is empty" : reply.text)
  )
}
