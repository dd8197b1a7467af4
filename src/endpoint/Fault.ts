/**
 * Requests of which no whole response came, and what to call them.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Attempt from "../policy/Attempt.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Failure from "./Failure.ts"
import * as Quotation from "./Quotation.ts"

/**
 * Why no whole response came.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault =
  /** There was no connection, or it ended before a response began. */
  | { readonly _tag: "Unreachable"; readonly code: string }
  /** There was no whole response within so many milliseconds. */
  | { readonly _tag: "TimedOut"; readonly limit: number }
  /** The body began and came to a halt, or nearly. */
  | { readonly _tag: "Stalled"; readonly detail: string }
  /** The connection ended in the middle of the body. */
  | { readonly _tag: "CutOff"; readonly status: number; readonly code: string }
  | { readonly _tag: "TooLarge"; readonly status: number; readonly maxBytes: number }
  /** The request has something in it that the endpoint's dialect cannot say: it was not sent. */
  | { readonly _tag: "Unsayable"; readonly what: string }

// codes of clients that give up by themselves
const timeouts = new Set(["ESOCKETTIMEDOUT", "TimeoutError", "UND_ERR_BODY_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT"])

/**
 * The failure of an endpoint that gave no answer within so many milliseconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const timedOut = (endpoint: string, limit: number): Failure.EndpointUnavailable =>
  Rejection.make(Failure.EndpointUnavailable, {
    endpoint,
    reason: "Timeout" as const,
    detail: `no answer within ${Duration.format(Duration.millis(limit))}`,
    attempts: Attempt.none
  })

/**
 * The failure of a request that is not sent, because of what it has in it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unsayable = (endpoint: string, what: string): Failure.RequestRejected =>
  Rejection.make(Failure.RequestRejected, {
    endpoint,
    detail: Quotation.quote(`its dialect cannot say ${what}`, []),
    retry: "Elsewhere" as const,
    attempts: Attempt.none
  })

/**
 * The failure of an endpoint that such a fault is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failureOf = (
  fault: Fault,
  endpoint: string
): Failure.EndpointUnavailable | Failure.InvalidResponse | Failure.RequestRejected => {
  const attempts = Attempt.none
  switch (fault._tag) {
    case "Unreachable":
      return Rejection.make(Failure.EndpointUnavailable, {
        endpoint,
        reason: timeouts.has(fault.code) ? "Timeout" as const : "Connection" as const,
        detail: fault.code,
        attempts
      })
    case "TimedOut":
      return timedOut(endpoint, fault.limit)
    case "Stalled":
      return Rejection.make(Failure.EndpointUnavailable, {
        endpoint,
        reason: "Timeout" as const,
        detail: fault.detail,
        attempts
      })
    case "CutOff":
      return Rejection.make(Failure.InvalidResponse, {
        endpoint,
        reason: "CutOff" as const,
        status: fault.status,
        detail: fault.code,
        attempts
      })
    case "TooLarge":
      return Rejection.make(Failure.InvalidResponse, {
        endpoint,
        reason: "TooLarge" as const,
        status: fault.status,
        detail: `the body is over ${fault.maxBytes} bytes`,
        attempts
      })
    case "Unsayable":
      return unsayable(endpoint, fault.what)
  }
}
