/**
 * The error in a body, in whichever of its dialects.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
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
  const reasons = parts.flatMap(({ reason }) => textOf(reason))
  return { words: [...(isDaily ? ["quota_exceeded"] : []), ...reasons], hint: hints[0] }
}

/**
 * The error in a body, if it has one: `{"error":{…}}`, `{"error":"…"}`,
 * `[{"error":{…}}]`; a completion may carry `"error":null`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const fromBody = (body: unknown): WireError | undefined => errorOf(body, 0)

const errorOf = (body: unknown, depth: number): WireError | undefined => {
  const holder = Array.isArray(body) ? body[0] : body
  if (!isRecord(holder)) return undefined
  // some servers put the error at the top, and name it so
  const error = holder["object"] === "error" ? holder : holder["error"]
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
    ...(isRecord(metadata) && "flagged_input" in metadata ? ["content_filter"] : []),
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

/**
 * JSON from a text of which nothing is known.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<unknown, void> => {
  try {
    // queued requests may be kept alive with blank lines; JSON.parse skips those, but no byte order mark
    return Result.succeed(JSON.parse(text.replace(/^\uFEFF/, "")))
  } catch {
    return Result.fail(undefined)
  }
}
