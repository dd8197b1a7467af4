/**
 * What an error means, whoever says it: decided by its code, then its type,
 * then its message where a message is all there is, then the status.
 *
 * @since 0.1.0
 */
import type * as WireError from "./WireError.ts"
import type * as WireRequest from "./WireRequest.ts"

/**
 * The kinds of failure that an error can be.
 *
 * - `Rate`: a limit that passes with time
 * - `Quota`: money or an allowance that is used up
 * - `Unavailable`: the service's own trouble
 * - `Unauthorized`: this key
 * - `Model`: not served here
 * - `Context`: longer than the model's window, or than any limit
 * - `Content`: a content policy
 * - `Rejected`: the request itself
 *
 * @category models
 * @since 0.1.0
 */
export type Meaning = (typeof meanings)[number]

/**
 * The names of the kinds.
 *
 * @category constants
 * @since 0.1.0
 */
export const meanings = [
  "Rate",
  "Quota",
  "Unavailable",
  "Unauthorized",
  "Model",
  "Context",
  "Content",
  "Rejected"
] as const

/**
 * What codes and types of errors mean, in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export type Words = Readonly<Record<string, Meaning>>

const known: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
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
const byMessage: ReadonlyArray<readonly [RegExp, Meaning]> = [
  [/maximum context length|context window|prompt is too long|input token count.{0,40}exceeds the maximum/i, "Context"],
  // TGI
  [/`inputs` (?:tokens \+ `max_new_tokens` must be <=|must have less than \d+ tokens)/, "Context"],
  // OpenRouter, of a limit that the owner of the key has set
  [/\bkey limit exceeded\b/i, "Quota"],
  [
    /insufficient (?:balance|quota|credits?)|exceeded your current quota|credit balance is too low|reached your specified API usage limits/i,
    "Quota"
  ]
]

const byStatus = (status: number): Meaning | undefined => {
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
 * What an error in the reply to a chat means, with this status; `undefined` for nothing that is known.
 * `words` are looked at before those that everybody uses.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (error: WireError.WireError | undefined, status: number, words: Words): Meaning | undefined => {
  const message = error?.message ?? ""
  // a limit that one request alone is over is no matter of waiting
  if ((status === 429 || status === 413) && /request too large|long context request/i.test(message)) return "Context"
  // a free tier of nothing: this account will never get this model
  if (status === 429 && /\blimit: 0(?![\d.])/.test(message)) return "Model"
  for (const word of error?.words ?? []) {
    const meaning = Object.hasOwn(words, word) ? words[word] : known.get(word)
    if (meaning !== undefined) return meaning
  }
  for (const [pattern, meaning] of byMessage) {
    if (pattern.test(message)) return meaning
  }
  // only a JSON body says that it was the API, and not a wrong address, that found nothing
  if (status === 404) return error === undefined || error.isPage ? "Unavailable" : "Model"
  if (status === 405) return "Unavailable"
  return byStatus(status)
}

// at an address that the caller chose, what is not there, or cannot be done, is no fault of the endpoint
const notHere = new Set([404, 405, 501])
const callersState = new Set([409, 410, 412, 416])

// a key may be good for chats and have no right to this
const lacksRight = (status: number, message: string): boolean =>
  status === 403 || (status === 401 && /permission|scope/i.test(message))

/**
 * What the error means in the reply to some other request, from what it would
 * mean to a chat.
 *
 * @category getters
 * @since 0.1.0
 */
export const at = (
  meaning: Meaning,
  status: number,
  message: string,
  asks: Exclude<WireRequest.Kind, "Chat">,
  namesModel: boolean
): Meaning => {
  const isElsewhere = meaning === "Model" || notHere.has(status) ||
    (meaning === "Unauthorized" && lacksRight(status, message))
  if (isElsewhere) return namesModel ? "Model" : "Rejected"
  return asks === "Other" && (status < 400 || callersState.has(status)) ? "Rejected" : meaning
}
