/**
 * A failure of a relay as the HTTP reply by which clients of OpenAI know it.
 *
 * They decide by status, then by `code`, and ask `Retry-After` how long to wait.
 * `x-should-retry: false` tells them that another try is no use: the relay has
 * made it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as RelayError from "../relay/RelayError.ts"

/**
 * The reply.
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** `{"error":{"message","type","param","code"}}` */
  readonly body: string
}

type Row = readonly [status: number, type: string, code: string | null]

const byTag: { readonly [Tag in RelayError.StreamError["_tag"]]: Row } = {
  RateLimited: [429, "rate_limit_error", "rate_limit_exceeded"],
  QuotaExceeded: [429, "insufficient_quota", "insufficient_quota"],
  CircuitOpen: [503, "service_unavailable_error", "circuit_open"],
  BulkheadFull: [503, "service_unavailable_error", "server_is_overloaded"],
  EndpointUnavailable: [503, "service_unavailable_error", "endpoint_unavailable"],
  InvalidResponse: [502, "server_error", "invalid_response"],
  Unauthorized: [401, "authentication_error", "invalid_api_key"],
  ModelNotFound: [404, "invalid_request_error", "model_not_found"],
  ContextTooLong: [400, "invalid_request_error", "context_length_exceeded"],
  ContentRefused: [400, "invalid_request_error", "content_policy_violation"],
  RequestRejected: [400, "invalid_request_error", null],
  StreamInterrupted: [502, "server_error", "stream_interrupted"],
  DeadlineExceeded: [504, "timeout_error", "deadline_exceeded"],
  BudgetExceeded: [402, "budget_error", "budget_exceeded"],
  RelayExhausted: [503, "service_unavailable_error", "relay_exhausted"]
}

// what an endpoint says of the request itself is said on: 404, 413, 422
const statusOf = (failure: RelayError.StreamError): number =>
  failure._tag === "RequestRejected" && failure.status !== undefined && failure.status >= 400 && failure.status < 500
    ? failure.status
    : byTag[failure._tag][0]

const waitOf = (failure: RelayError.StreamError): Readonly<Record<string, string>> => {
  if (!("retryAfter" in failure) || failure.retryAfter === undefined) return {}
  const millis = Math.ceil(Duration.toMillis(failure.retryAfter))
  return { "retry-after": String(Math.ceil(millis / 1000)), "retry-after-ms": String(millis) }
}

// what our own policies refused reached no endpoint, so whoever waits and comes again costs none of them anything
const mayComeAgain = ({ _tag, attempts }: RelayError.StreamError): boolean =>
  (_tag === "RateLimited" || _tag === "CircuitOpen" || _tag === "BulkheadFull") && !attempts.some(({ sent }) => sent)

/**
 * The reply for a failure.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (failure: RelayError.StreamError): ErrorReply => {
  const [, type, code] = byTag[failure._tag]
  return {
    status: statusOf(failure),
    headers: {
      "content-type": "application/json",
      ...waitOf(failure),
      ...(mayComeAgain(failure) ? {} : { "x-should-retry": "false" }),
      "x-relay-failure": failure._tag,
      "x-relay-attempts": String(failure.attempts.filter(({ sent }) => sent).length)
    },
    body: JSON.stringify({ error: { message: failure.message, type, param: null, code } })
  }
}
