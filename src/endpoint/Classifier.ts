/**
 * Reads what came of a request: an answer, or one failure.
 *
 * Total: whatever the bytes, and however the connection ended, it ends in a
 * value.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Attempt from "../policy/Attempt.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as ChatAnswer from "./ChatAnswer.ts"
import type { Dialect } from "./dialect/Definition.ts"
import { openai } from "./dialect/OpenAi.ts"
import * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as Json from "./Json.ts"
import * as LimitHeaders from "./LimitHeaders.ts"
import * as Meaning from "./Meaning.ts"
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
  readonly _tag: "Reply"
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/**
 * What came of a request: a response, or no whole one.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = Reply | Fault.Fault

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
  /** How the endpoint says things. Default: as OpenAI does. */
  readonly dialect?: Dialect | undefined
  /** What else an answer has to be: a text says what is wrong with it. */
  readonly validate?: ((answer: ChatAnswer.ChatAnswer) => string | undefined) | undefined
  /** Removed from whatever the reply says. */
  readonly secrets: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly now: number
}

const tagOf = {
  Rate: "RateLimited",
  Quota: "QuotaExceeded",
  Unavailable: "EndpointUnavailable",
  Unauthorized: "Unauthorized",
  Model: "ModelNotFound",
  Context: "ContextTooLong",
  Content: "ContentRefused",
  Rejected: "RequestRejected"
} as const satisfies Record<Meaning.Meaning, Failure.Answered["_tag"]>

/** Where the service itself says whether a retry helps, and that is not what such a failure means anyway. */
const retryOf = (
  { headers }: Pick<Reply, "headers">,
  tag: keyof typeof Verdict.byTag
): { readonly retry?: Verdict.Retry } => {
  const { again } = Verdict.byTag[tag]
  const said = headers["x-should-retry"]?.trim().toLowerCase()
  if (said === "false" && again) return { retry: "Elsewhere" }
  return said === "true" && !again ? { retry: "Anywhere" } : {}
}

const scopeOf = (
  dialect: Dialect,
  error: WireError.WireError | undefined,
  { headers }: Reply
): { readonly scope?: NonNullable<RateLimited["scope"]> } => {
  // whoever stands before the API counts all that comes from here
  if (error?.isPage === true && error.words.length > 0) return { scope: "Endpoint" }
  const scope = safely(() => dialect.limitScope?.(error, headers), () => undefined)
  return scope === undefined ? {} : { scope }
}

// a function of a dialect may be anybody's
const safely = <A>(ask: () => A, otherwise: () => A): A => {
  try {
    return ask()
  } catch {
    return otherwise()
  }
}

const fail = (
  meaning: Meaning.Meaning,
  subject: Subject,
  reply: Reply,
  status: number,
  error: WireError.WireError | undefined
): Failure.Answered => {
  const { account, dialect = openai, endpoint, model, now, secrets } = subject
  const { headers } = reply
  const hint = RetryAfter.fromHeaders(headers, now) ?? error?.hint ??
    (meaning === "Rate" ? LimitHeaders.waitOf(LimitHeaders.fromHeaders(headers, now)) : undefined)
  const retryAfter = hint === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(hint)) }
  const text = Quotation.quote(error?.message || reply.text, secrets)
  const said = {
    status,
    ...(text === "" ? {} : { detail: text }),
    ...retryOf(reply, tagOf[meaning]),
    attempts: Attempt.none
  }
  const common = { endpoint, ...said }
  switch (meaning) {
    case "Rate":
      return Rejection.make(RateLimited, {
        key: endpoint,
        source: "Upstream" as const,
        ...scopeOf(dialect, error, reply),
        ...retryAfter,
        ...said
      })
    case "Quota":
      return Rejection.make(Failure.QuotaExceeded, { ...common, account, ...retryAfter })
    case "Unavailable":
      return Rejection.make(Failure.EndpointUnavailable, { ...common, reason: "Status" as const, ...retryAfter })
    case "Unauthorized":
      return Rejection.make(Failure.Unauthorized, common)
    case "Model":
      return Rejection.make(Failure.ModelNotFound, { ...common, model })
    case "Context":
      return Rejection.make(Failure.ContextTooLong, { ...common, model })
    case "Content":
      return Rejection.make(Failure.ContentRefused, common)
    case "Rejected":
      return Rejection.make(Failure.RequestRejected, common)
  }
}

/**
 * The failure of a reply that is no answer, and no error either.
 *
 * @category constructors
 * @since 0.1.0
 */
export const invalid = (
  subject: Subject,
  reply: Pick<Reply, "status" | "headers">,
  reason: Failure.InvalidResponse["reason"],
  message: string
): Failure.InvalidResponse => {
  const detail = Quotation.quote(message, subject.secrets)
  return Rejection.make(Failure.InvalidResponse, {
    endpoint: subject.endpoint,
    reason,
    status: reply.status,
    ...(detail === "" ? {} : { detail }),
    ...retryOf(reply, "InvalidResponse"),
    attempts: Attempt.none
  })
}

const isSuccess = ({ status }: Reply): boolean => status >= 200 && status < 300

const errorOf = (reply: Reply, body: Result.Result<unknown, void>, dialect: Dialect): WireError.WireError | undefined =>
  Result.isSuccess(body)
    ? safely(() => dialect.error(body.success), () => WireError.fromBody(body.success))
    : WireError.fromText(reply.text)

// what an error means may depend on what was asked for
type Refine = (meaning: Meaning.Meaning, status: number, message: string) => Meaning.Meaning

const asForChats: Refine = (meaning) => meaning

const failureOf = (
  reply: Reply,
  body: Result.Result<unknown, void>,
  subject: Subject,
  refine: Refine
): Failure.Answered | undefined => {
  const dialect = subject.dialect ?? openai
  const error = errorOf(reply, body, dialect)
  if (isSuccess(reply) && error === undefined) return undefined
  const status = isSuccess(reply) ? error?.status ?? reply.status : reply.status
  const message = error?.message || reply.text
  const meaning = Meaning.of(error, status, dialect.words)
  // an unknown error under a 2xx, or a status below 400 that no client of an API should see
  return meaning === undefined && isSuccess(reply)
    ? invalid(subject, reply, "ErrorInBody", message)
    : fail(refine(meaning ?? "Unavailable", status, message), subject, reply, status, error)
}

/**
 * The failure that a reply to anything, chat or not, tells of; `undefined` where
 * there is none in it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const failureIn = (outcome: Outcome, subject: Subject): Failure.Answered | undefined =>
  outcome._tag === "Reply"
    ? failureOf(outcome, WireError.parse(outcome.text), subject, asForChats)
    : Fault.failureOf(outcome, subject.endpoint)

/** The JSON of a reply that has no error in it, or why there is none. */
const bodyOf = (reply: Reply, subject: Subject, refine: Refine): Result.Result<unknown, Failure.Answered> => {
  const body = WireError.parse(reply.text)
  const failure = failureOf(reply, body, subject, refine)
  if (failure !== undefined) return Result.fail(failure)
  if (Result.isSuccess(body)) return Result.succeed(body.success)
  return Result.fail(
    reply.text.trim() === ""
      ? invalid(subject, reply, "Empty", "the body is empty")
      : invalid(subject, reply, "NotJson", reply.text)
  )
}

const unread = Result.fail({ reason: "Malformed" as const, detail: "the dialect cannot read it" })

const flawOf = (answer: ChatAnswer.ChatAnswer, { validate }: Subject): string | undefined => {
  if (validate === undefined) return undefined
  try {
    const flaw: unknown = validate(answer)
    if (flaw === undefined || typeof flaw === "string") return flaw
    return "the validator gave back something else than a text"
  } catch (cause) {
    return `the validator failed${cause instanceof Error ? `: ${cause.message}` : ""}`
  }
}

/**
 * The answer that came of a request, or why there is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const classify = (
  outcome: Outcome,
  subject: Subject
): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => {
  if (outcome._tag !== "Reply") return Result.fail(Fault.failureOf(outcome, subject.endpoint))
  const body = bodyOf(outcome, subject, asForChats)
  if (Result.isFailure(body)) return Result.fail(body.failure)
  const { read } = subject.dialect ?? openai
  return judge(safely(() => read(body.success), () => unread), body.success, outcome, subject)
}

const judge = (
  draft: Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw>,
  body: unknown,
  reply: Pick<Reply, "status" | "headers">,
  subject: Subject
): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => {
  const { finishReasons } = subject.dialect ?? openai
  const context = { model: subject.model, body, finishReasons }
  // whatever a dialect of somebody else's calls a draft
  const answer = safely(() => Result.flatMap(draft, (draft) => ChatAnswer.judge(draft, context)), () => unread)
  if (Result.isFailure(answer)) {
    return Result.fail(invalid(subject, reply, answer.failure.reason, answer.failure.detail))
  }
  const flaw = flawOf(answer.success, subject)
  return flaw === undefined ? Result.succeed(answer.success) : Result.fail(invalid(subject, reply, "Rejected", flaw))
}

/**
 * The answer that came bit by bit, now that it is whole, or why it is none. It
 * has no body.
 *
 * @category decoding
 * @since 0.1.0
 */
export const classifyStreamed = (
  draft: ChatAnswer.Draft,
  reply: Pick<Reply, "status" | "headers">,
  subject: Subject
): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => judge(Result.succeed(draft), null, reply, subject)

/**
 * The failure that one event of a stream is; `undefined` for one that tells of
 * none. `json` is what its text holds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const failureInEvent = (reply: Reply, json: unknown, subject: Subject): Failure.Answered | undefined => {
  const { error } = subject.dialect ?? openai
  // nearly none tells of one, and this is asked for every few characters
  return safely(() => error(json), () => undefined) === undefined ? undefined : failureIn(reply, subject)
}

// embeddings and their like count as chat completions do
const countOf = (body: unknown): number | undefined => {
  const usage = Json.isRecord(body) ? body["usage"] : undefined
  const total = Json.isRecord(usage) ? usage["total_tokens"] : undefined
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
  if (asks === "Other" && isSuccess(reply)) return Result.succeed(undefined)
  const { model } = subject
  const body = bodyOf(
    reply,
    { ...subject, model: model ?? "*" },
    (meaning, status, message) => Meaning.at(meaning, status, message, asks, model !== undefined)
  )
  return Result.map(body, countOf)
}
