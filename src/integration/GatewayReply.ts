/**
 * What a gateway answers, in the shape that clients of OpenAI know.
 *
 * @since 0.1.0
 */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Attempt from "../policy/Attempt.ts"
import type * as RelayError from "../relay/RelayError.ts"
import type * as RelayService from "../relay/RelayService.ts"
import * as ErrorReply from "./ErrorReply.ts"

// who was asked and what came of it, in the order of the attempts; a long story keeps its end
const longestTrail = 32

const trailOf = (attempts: ReadonlyArray<Attempt.Attempt>): Readonly<Record<string, string>> => ({
  "x-relay-attempts": String(attempts.filter(({ sent }) => sent).length),
  ...(attempts.length === 0 ? {} : {
    "x-relay-trail": attempts.slice(-longestTrail)
      .map(({ endpoint, outcome }) => `${encodeURIComponent(endpoint)}=${outcome}`)
      .join(", ")
  })
})

// these may not have a body, not even an empty one
const bodiless = new Set([204, 205])

/**
 * The reply of an endpoint, and how it came about: `x-relay-endpoint`, `x-relay-attempts`, `x-relay-trail`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromReply = (
  { body, headers, meta, status }: RelayService.SendReply
): HttpServerResponse.HttpServerResponse => {
  const options = {
    status,
    headers: { ...headers, "x-relay-endpoint": encodeURIComponent(meta.endpoint), ...trailOf(meta.attempts) }
  }
  return bodiless.has(status) ? HttpServerResponse.empty(options) : HttpServerResponse.uint8Array(body, {
    ...options,
    contentType: headers["content-type"] ?? "application/octet-stream"
  })
}

/**
 * A failure of the relay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromFailure = (failure: RelayError.RelayError): HttpServerResponse.HttpServerResponse => {
  const { body, headers, status } = ErrorReply.make(failure)
  return HttpServerResponse.text(body, {
    status,
    headers: { ...headers, ...trailOf(failure.attempts) },
    contentType: "application/json"
  })
}

/**
 * What a gateway itself has to say against a request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * The reply to a request that does not reach the relay. Coming again is no use.
 *
 * @category constructors
 * @since 0.1.0
 */
export const refuse = (
  { code, headers, message, status }: Refusal
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { error: { message, type: "invalid_request_error", param: null, code } },
    { status, headers: { "x-should-retry": "false", ...headers } }
  )
