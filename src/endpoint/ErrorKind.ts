/**
 * Which kind of error a reply tells of, whatever words a provider has for it.
 *
 * @since 0.1.0
 */
import type * as WireError from "./WireError.ts"
import type * as WireRequest from "./WireRequest.ts"

/**
 * The kinds of errors: each is another failure.
 *
 * @category models
 * @since 0.1.0
 */
export type ErrorKind =
  | "Rate"
  | "Quota"
  | "Unavailable"
  | "Unauthorized"
  | "Model"
  | "Context"
  | "Content"
  | "Rejected"

const kindByWord: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ...([
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "quota_exceeded",
    "insufficient_balance",
    "arrearage"
  ] as const).map((word) => [word, "Quota"] as const),
  ...([
    "rate_limit_exceeded",
    "rate_limit_error",
    "slow_down",
    "too_many_requests",
    "resource_exhausted"
  ] as const).map((word) => [word, "Rate"] as const),
  ...([
    "overloaded_error",
    "server_is_overloaded",
    "service_unavailable_error",
    "server_error",
    "api_error",
    "internal_server_error",
    "unavailable",
    "deadline_exceeded",
    "timeout_error"
  ] as const).map((word) => [word, "Unavailable"] as const),
  ...([
    "invalid_api_key",
    "api_key_invalid",
    "authentication_error",
    "permission_error",
    "unauthenticated",
    "permission_denied"
  ] as const).map((word) => [word, "Unauthorized"] as const),
  ...(["model_not_found", "deploymentnotfound"] as const).map((word) => [word, "Model"] as const),
  ...(["context_length_exceeded", "request_too_large"] as const).map((word) => [word, "Context"] as const),
  ...(["content_filter", "content_policy_violation"] as const).map((word) => [word, "Content"] as const)
])

// where providers have no code of their own for it
const kindByMessage: ReadonlyArray<readonly [RegExp, ErrorKind]> = [
  [/maximum context length|context window|prompt is too long/i, "Context"],
  [
    /insufficient (?:balance|quota|credits?)|exceeded your current quota|credit balance is too low|reached your specified API usage limits/i,
    "Quota"
  ]
]

const kindByStatus = (status: number): ErrorKind | undefined => {
  switch (status) {
    case 401:
    case 403:
      return "Unauthorized"
    case 402:
      return "Quota"
    case 429:
      return "Rate"
    case 408:
    case 409:
    case 425:
    case 498:
      return "Unavailable"
  }
  if (status >= 500) return "Unavailable"
  return status >= 400 ? "Rejected" : undefined
}

/**
 * The kind of an error in a chat's reply: by its code, its type, its message, its
 * status. `undefined` where none of them says that it is one.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (error: WireError.WireError | undefined, status: number): ErrorKind | undefined => {
  const message = error?.message ?? ""
  // a limit that one request alone is over is no matter of waiting
  if ((status === 429 || status === 413) && /request too large/i.test(message)) return "Context"
  // a free tier of nothing: this account will never get this model
  if (status === 429 && /\blimit: 0(?![\d.])/.test(message)) return "Model"
  for (const word of error?.words ?? []) {
    const kind = kindByWord.get(word)
    if (kind !== undefined) return kind
  }
  for (const [pattern, kind] of kindByMessage) {
    if (pattern.test(message)) return kind
  }
  // only a JSON body says that it was the API, and not a wrong address, that found nothing
  if (status === 404) return error === undefined ? "Unavailable" : "Model"
  if (status === 405) return "Unavailable"
  return kindByStatus(status)
}

// at an address that the caller chose, what is not there, or cannot be done, is no fault of the endpoint
const notHere = new Set([404, 405, 501])
const callersState = new Set([409, 410, 412, 416])

// a key may be good for chats and have no right to this
const lacksRight = (status: number, message: string): boolean =>
  status === 403 || (status === 401 && /permission|scope/i.test(message))

/**
 * The kind of an error in the reply to some other request, from what it would be
 * to a chat.
 *
 * @category getters
 * @since 0.1.0
 */
export const at = (
  kind: ErrorKind | undefined,
  status: number,
  message: string,
  asks: Exclude<WireRequest.Kind, "Chat">,
  namesModel: boolean
): ErrorKind => {
  const isElsewhere = kind === "Model" || notHere.has(status) ||
    (kind === "Unauthorized" && lacksRight(status, message))
  if (isElsewhere) return namesModel ? "Model" : "Rejected"
  if (asks === "Other" && (status < 400 || callersState.has(status))) return "Rejected"
  return kind ?? "Unavailable"
}
