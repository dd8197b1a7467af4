/**
 * What a relay answers, as the `Response` of the Web.
 *
 * @since 0.1.0
 */
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import type * as RelayError from "../relay/RelayError.ts"
import type * as RelayService from "../relay/RelayService.ts"
import * as ErrorReply from "./ErrorReply.ts"

const failures = new WeakMap<Response, RelayError.RelayError>()

// these may not have a body, not even an empty one
const bodiless = new Set([204, 205])

/**
 * The response for a reply; `x-relay-endpoint` says whose it is, URL-encoded,
 * and `x-relay-attempts` how often the request was sent.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromReply = ({ body, headers, meta, status }: RelayService.SendReply): Response =>
  new Response(bodiless.has(status) ? null : body, {
    status,
    headers: {
      ...headers,
      "x-relay-endpoint": encodeURIComponent(meta.endpoint),
      "x-relay-attempts": String(meta.attempts.filter(({ sent }) => sent).length)
    }
  })

/**
 * The response for a failure.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromFailure = (failure: RelayError.RelayError): Response => {
  const { body, headers, status } = ErrorReply.make(failure)
  const response = new Response(body, { status, headers })
  failures.set(response, failure)
  return response
}

/**
 * The failure that a response of a relay stands for; `undefined` for an answer,
 * and for a response that is not a relay's.
 *
 * @category getters
 * @since 0.1.0
 */
export const failureOf = (
  response: Response | HttpClientResponse.HttpClientResponse
): RelayError.RelayError | undefined => {
  const web = response instanceof Response ? response : Option.getOrUndefined(HttpClientResponse.toWeb(response))
  return web === undefined ? undefined : failures.get(web)
}
