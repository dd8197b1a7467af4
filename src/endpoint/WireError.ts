/**
 * The error in a body, in whichever of its dialects.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as GoDuration from "./GoDuration.ts"
import * as HttpDate from "./HttpDate.ts"
import * as Json from "./Json.ts"
import * as RetryAfter from "./RetryAfter.ts"

/**
 * What a body says is wrong: its codes in lower case, the most telling first.
 *
 * @category models
 * @since 0.1.0
 */
export interface WireError {
  readonly words: ReadonlyArray<string>
  readonly message: string
  readonly status: number | undefined
  /** Milliseconds that the body itself asks to wait. */
  readonly hint: number | undefined
  /** When the body says that it may be asked again: epoch milliseconds by the service's own clock. */
  readonly until?: number | undefined
  /** The headers that the body quotes, their names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Whether it was read off a page, which may be anybody's, and not from what the API itself wrote. */
  readonly isPage: boolean
}

const textOf = (value: unknown): ReadonlyArray<string> => typeof value === "string" && value !== "" ? [value] : []

interface Details {
  readonly words: ReadonlyArray<string>
  readonly quotas: ReadonlyArray<string>
  readonly hint: number | undefined
}

// Google tells which quota, and how long, in a list of details
const fromDetails = (details: unknown): Details => {
  const parts = Json.recordsOf(details)
  const violations = parts.flatMap(({ violations }) => Json.recordsOf(violations))
  const quotas = violations.flatMap(({ quotaId }) => textOf(quotaId))
  const isDaily = quotas.some((quota) => quota.includes("PerDay"))
  const hints = parts.flatMap(({ retryDelay }) => RetryAfter.fromProtobuf(retryDelay) ?? [])
  const reasons = parts.flatMap(({ reason }) => textOf(reason))
  return { words: [...(isDaily ? ["quota_exceeded"] : []), ...reasons], quotas, hint: hints[0] }
}

// a message that asks to wait says so early
const longestMessage = 4096

const hintIn = (message: string): number | undefined => {
  const hint = GoDuration.inSentence(message.slice(0, longestMessage))
  return hint === undefined ? undefined : RetryAfter.clamp(hint)
}

/**
 * An error that has these codes, the most telling first, and this message.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (words: ReadonlyArray<string>, message: string): WireError => ({
  words: words.map((word) => word.toLowerCase()),
  message,
  status: undefined,
  hint: hintIn(message),
  until: HttpDate.inSentence(message.slice(0, longestMessage)),
  isPage: false
})

const isOptional = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value)

const isText = (value: unknown): boolean => typeof value === "string"

/**
 * Whether a value is an error: a dialect of somebody's own may give back anything.
 *
 * @category guards
 * @since 0.1.0
 */
export const isWireError = (value: unknown): value is WireError => {
  if (!Json.isRecord(value)) return false
  const { headers, hint, message, status, until, words } = value
  return Array.isArray(words) && words.every(isText) && isText(message) && isOptional(status, Number.isSafeInteger) &&
    isOptional(hint, Number.isFinite) && isOptional(until, Number.isFinite) &&
    isOptional(headers, (headers) => Json.isRecord(headers) && Object.values(headers).every(isText))
}

// a router passes on what the provider sent beside its error
const quotedHeaders = (headers: unknown): WireError["headers"] =>
  Json.isRecord(headers)
    ? Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        typeof value === "string" || typeof value === "number" ? [[name.toLowerCase(), String(value)]] : []
      )
    )
    : undefined

/**
 * The error in a body, if it has one: `{"error":{…}}`, `{"error":"…"}`,
 * `[{"error":{…}}]`, or one in the choice that would be the answer; a completion
 * may carry `"error":null`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromBody = (body: unknown): WireError | undefined => errorOf(body, 0)

/**
 * The error that a body is which no answer comes in: as `fromBody` finds it, or
 * with its code at the top, `{"code":"…","message":"…"}`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromRefusal = (body: unknown): WireError | undefined => {
  const error = fromBody(body)
  if (error !== undefined || !Json.isRecord(body)) return error
  const { code } = body
  return typeof code === "number" || textOf(code).length > 0 ? errorOf({ error: body }, 0) : undefined
}

const isError = (value: unknown): boolean => Json.isRecord(value) || textOf(value).length > 0

// a router tells so of a provider that broke, whatever stands beside it; only the first choice is the answer
const inChoices = (choices: unknown): unknown => {
  if (!Array.isArray(choices)) return undefined
  for (const choice of choices) {
    if (Json.isRecord(choice) && (choice["index"] ?? 0) === 0) return choice["error"]
  }
  return undefined
}

const errorOf = (body: unknown, depth: number): WireError | undefined => {
  const holder = Array.isArray(body) ? body[0] : body
  if (!Json.isRecord(holder)) return undefined
  // some servers put the error at the top, and name it so
  const top = holder["object"] === "error" ? holder : holder["error"]
  const error = isError(top) ? top : inChoices(holder["choices"])
  if (typeof error === "string" && error !== "") return make([error], error)
  if (!Json.isRecord(error)) return undefined
  const { code, details, message, metadata, status, type } = error
  const google = fromDetails(details)
  // a router quotes what the provider behind it said
  const quoted = Json.isRecord(metadata) && depth === 0 ? textOf(metadata["raw"]) : []
  const inner = quoted.map(parse).flatMap((raw) => Result.isSuccess(raw) ? errorOf(raw.success, 1) ?? [] : [])
  const words = [
    ...inner.flatMap(({ words }) => words),
    ...google.words,
    ...(Json.isRecord(metadata) && "flagged_input" in metadata ? ["content_filter"] : []),
    ...textOf(Json.isRecord(metadata) ? metadata["limit_source"] : undefined),
    ...textOf(Json.isRecord(details) ? details["error_code"] : undefined),
    ...[code, type, status].flatMap(textOf),
    // the names of quotas tell whose they are
    ...google.quotas
  ]
  const said = [...textOf(message), ...(inner.length > 0 ? inner.map(({ message }) => message) : quoted)].join(": ")
  const made = make(words, said)
  return {
    ...made,
    status: statusOf(code),
    hint: google.hint ?? made.hint,
    headers: quotedHeaders(Json.isRecord(metadata) ? metadata["headers"] : undefined)
  }
}

const statusOf = (code: unknown): number | undefined =>
  Number.isInteger(code) && Number(code) >= 400 && Number(code) <= 599 ? Number(code) : undefined

// more of a page than this is no error
const longestPage = 65_536

const withoutEntities = (text: string): string => text.replace(/&(?:quot|#34|#x22);/gi, "\"").replaceAll("&amp;", "&")

/**
 * The error on a page or in plain text that stands where JSON should: JSON that
 * a proxy has wrapped, or the status in a title such as `502 Bad Gateway`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromText = (text: string): WireError | undefined => {
  const page = text.slice(0, longestPage)
  const isPage = /^\s*</.test(page)
  const wrapped = isPage ? withoutEntities(page) : ""
  const begin = wrapped.search(/\{\s*"(?:error|type)"\s*:/)
  if (begin >= 0) {
    const json = parse(wrapped.slice(begin, wrapped.lastIndexOf("}") + 1))
    const error = Result.isSuccess(json) ? fromBody(json.success) : undefined
    if (error !== undefined) return error
  }
  const title = isPage
    ? /<(?:title|h1)[^<>]{0,200}>\s*(?:HTTP |Error )?([45]\d\d)\b/i.exec(page)
    : /^\s*error code: (\d{3,4})\s*$/i.exec(page)
  if (title === null) return undefined
  const status = Number(title[1])
  // Cloudflare's code for a client that asks too often
  const words = status === 1015 ? ["too_many_requests"] : []
  return { words, message: text, status: statusOf(status), hint: undefined, isPage: true }
}

// one line of comment, and the blank ones before it
const comment = /\s*:[^\n]*\n/y

/**
 * The JSON of a body. A queued request may be kept alive with blank lines or
 * comments, which come before it; so may a byte order mark.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<unknown, void> => {
  let begin = text.startsWith("\uFEFF") ? 1 : 0
  for (comment.lastIndex = begin; comment.test(text); begin = comment.lastIndex);
  return Json.parse(text.slice(begin))
}
