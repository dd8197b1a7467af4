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
import * as Failure from "./Failure.ts"
import * as RetryAfter from "./RetryAfter.ts"

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

type Kind =
  | "Rate"
  | "Quota"
  | "Unavailable"
  | "Unauthorized"
  | "Model"
  | "Context"
  | "Content"
  | "Rejected"

const kindByWord: ReadonlyMap<string, Kind> = new Map<string, Kind>([
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
const kindByMessage: ReadonlyArray<readonly [RegExp, Kind]> = [
  [/maximum context length|context window|prompt is too long/i, "Context"],
  [
    /insufficient (?:balance|quota|credits?)|exceeded your current quota|credit balance is too low|reached your specified API usage limits/i,
    "Quota"
  ]
]

const kindByStatus = (status: number): Kind | undefined => {
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

interface WireError {
  readonly words: ReadonlyArray<string>
  readonly message: string
  readonly status: number | undefined
  /** Milliseconds that the body itself asks to wait. */
  readonly hint: number | undefined
}

type Json = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: unknown): ReadonlyArray<string> => typeof value === "string" && value !== "" ? [value] : []

// Google tells which quota, and how long, in a list of details
const fromDetails = (details: unknown): Pick<WireError, "words" | "hint"> => {
  const parts = Array.isArray(details) ? details.filter(isRecord) : []
  const violations = parts.flatMap(({ violations }) => Array.isArray(violations) ? violations.filter(isRecord) : [])
  const isDaily = violations.some(({ quotaId }) => typeof quotaId === "string" && quotaId.includes("PerDay"))
  const hints = parts.flatMap(({ retryDelay }) => RetryAfter.fromProtobuf(retryDelay) ?? [])
  return { words: isDaily ? ["quota_exceeded"] : [], hint: hints[0] }
}

// `{"error":{…}}`, `{"error":"…"}`, `[{"error":{…}}]`; a completion may carry `"error":null`
const errorOf = (body: unknown, depth = 0): WireError | undefined => {
  const holder = Array.isArray(body) ? body[0] : body
  if (!isRecord(holder)) return undefined
  const error = holder["error"]
  if (typeof error === "string" && error !== "") {
    return { words: [error.toLowerCase()], message: error, status: undefined, hint: undefined }
  }
  if (!isRecord(error)) return undefined
  const { code, details, message, metadata, status, type } = error
  const google = fromDetails(details)
  // a router quotes what the provider behind it said
  const quoted = isRecord(metadata) && depth === 0 ? textOf(metadata["raw"]) : []
  const inner = quoted.map(parse).flatMap((raw) => Result.isSuccess(raw) ? errorOf(raw.success, 1) ?? [] : [])
  const words = [
    ...inner.flatMap(({ words }) => words),
    ...google.words,
    ...textOf(isRecord(details) ? details["error_code"] : undefined),
    ...[code, type, status].flatMap(textOf)
  ]
  return {
    words: words.map((word) => word.toLowerCase()),
    message: [...textOf(message), ...(inner.length > 0 ? inner.map(({ message }) => message) : quoted)].join(": "),
    status: Number.isInteger(code) && Number(code) >= 400 && Number(code) <= 599 ? Number(code) : undefined,
    hint: google.hint
  }
}

const parse = (text: string): Result.Result<unknown, void> => {
  try {
    // queued requests may be kept alive with blank lines; JSON.parse skips those, but no byte order mark
    return Result.succeed(JSON.parse(text.replace(/^\uFEFF/, "")))
  } catch {
    return Result.fail(undefined)
  }
}

const longestDetail = 300

// what a longer text begins with is enough to quote from
const longestQuoted = 16_384

// a server may give a secret back as it came, or escaped for JSON, once or twice, or for a URL
const patternOf = (secret: string): RegExp => {
  const escaped = Array.from(secret, (character) => {
    if (/[0-9A-Za-z]/.test(character)) return character
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0")
    return `\\\\*(?:\\x${hex}|%${hex}|u00${hex}|&#(?:x0*${hex}|0*${character.charCodeAt(0)});)`
  })
  return new RegExp(escaped.join(""), "gi")
}

const detailOf = (text: string, secrets: ReadonlyArray<string>): string => {
  const redacted = secrets.reduce(
    (text, secret) => secret === "" ? text : text.replace(patternOf(secret), "<redacted>"),
    text.slice(0, longestQuoted)
  )
  // half a secret may stand where the text was cut, each character of it escaped in up to eight
  const longestSecret = secrets.reduce((longest, { length }) => Math.max(longest, length), 0)
  const safe = text.length > longestQuoted ? redacted.slice(0, -8 * longestSecret || undefined) : redacted
  const line = safe.replace(/\s+/g, " ").trim()
  return line.length > longestDetail ? `${line.slice(0, longestDetail)}…` : line
}

const kindOf = (error: WireError | undefined, status: number): Kind | undefined => {
  const message = error?.message ?? ""
  // a limit that one request alone is over is no matter of waiting
  if (status === 429 && /request too large/i.test(message)) return "Context"
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
  return kindByStatus(status)
}

const fail = (
  kind: Kind,
  subject: Subject,
  reply: Reply,
  status: number,
  message: string,
  bodyHint?: number
): Failure.Answered => {
  const hint = RetryAfter.fromHeaders(reply.headers, subject.now) ?? bodyHint
  const retryAfter = hint === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(hint)) }
  const text = detailOf(message, subject.secrets)
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
    detail: detailOf(message, subject.secrets),
    attempts: Attempt.none
  })

/**
 * The answer in a reply, or why there is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const classify = (reply: Reply, subject: Subject): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => {
  const body = parse(reply.text)
  const isSuccess = reply.status >= 200 && reply.status < 300
  const error = Result.isSuccess(body) ? errorOf(body.success) : undefined

  if (!isSuccess || error !== undefined) {
    const status = isSuccess ? error?.status ?? reply.status : reply.status
    const kind = kindOf(error, status)
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
