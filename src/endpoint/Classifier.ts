/**
 * Reads what came of a request: an answer, or one failure.
 *
 * Total: whatever the bytes, however the connection ended, and whatever code
 * without types hands in, it ends in a value.
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
import type { Dialect, LimitScope } from "./dialect/Definition.ts"
import { openai } from "./dialect/OpenAi.ts"
import * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as Json from "./Json.ts"
import * as Meaning from "./Meaning.ts"
import { type Outcome, type Reply, type Subject, totally } from "./Outcome.ts"
import * as Quotation from "./Quotation.ts"
import * as Wait from "./Wait.ts"
import * as WireError from "./WireError.ts"
import type * as WireRequest from "./WireRequest.ts"

export {
  /**
   * What came of a request: a response, or no whole one.
   *
   * @category models
   * @since 0.1.0
   */
  type Outcome,
  /**
   * A response, body included.
   *
   * @category models
   * @since 0.1.0
   */
  type Reply,
  /**
   * Whose reply it is, and to what.
   *
   * @category models
   * @since 0.1.0
   */
  type Subject
} from "./Outcome.ts"

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

const scopes: ReadonlySet<unknown> = new Set<LimitScope>(["Account", "Endpoint", "Model"])

const scopeOf = (
  dialect: Dialect,
  error: WireError.WireError | undefined,
  { headers }: Reply
): { readonly scope?: LimitScope } => {
  // whoever stands before the API counts all that comes from here
  if (error?.isPage === true && error.words.length > 0) return { scope: "Endpoint" }
  const scope = safely(() => dialect.limitScope?.(error, headers), () => undefined)
  return scope !== undefined && scopes.has(scope) ? { scope } : {}
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
  const hint = Wait.of(reply.headers, error, meaning, now)
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

const errorOf = (
  reply: Reply,
  body: Result.Result<unknown, void>,
  dialect: Dialect
): WireError.WireError | undefined => {
  if (Result.isFailure(body)) return WireError.fromText(reply.text)
  // it may throw, or give back what is no error and is not nothing either
  const error = safely<unknown>(() => dialect.error(body.success), () => null)
  return error === undefined || WireError.isWireError(error) ? error : WireError.fromBody(body.success)
}

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
  totally(outcome, subject, (outcome, subject) =>
    outcome._tag === "Reply"
      ? failureOf(outcome, WireError.parse(outcome.text), subject, asForChats)
      : Fault.failureOf(outcome, subject.endpoint))

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
): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => totally(outcome, subject, answerOf)

const answerOf = (outcome: Outcome, subject: Subject): Result.Result<ChatAnswer.ChatAnswer, Failure.Answered> => {
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
const countOf = (body: unknown): ChatAnswer.Tokens | undefined => {
  const usage = Json.isRecord(body) ? body["usage"] : undefined
  if (!Json.isRecord(usage)) return undefined
  const count = (value: unknown): number => Number.isSafeInteger(value) ? Math.max(0, Number(value)) : 0
  const total = count(usage["total_tokens"])
  const input = Math.min(total, count(usage["prompt_tokens"] ?? usage["input_tokens"]))
  return total === 0 ? undefined : { input, output: total - input, total }
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
): Result.Result<ChatAnswer.Tokens | undefined, Failure.Answered> => {
  const model: unknown = Object(subject).model
  return totally(reply, { ...subject, model: subject?.model ?? "*" }, (outcome, subject) => {
    if (outcome._tag !== "Reply") return Result.fail(Fault.failureOf(outcome, subject.endpoint))
    if (asks === "Other" && isSuccess(outcome)) return Result.succeed(undefined)
    // where to, is not to be repeated: it may hold a token
    if (redirects.has(outcome.status)) return Result.fail(invalid(subject, outcome, "NotJson", "it redirects"))
    const refine: Refine = (meaning, status, message) => Meaning.at(meaning, status, message, asks, model !== undefined)
    return Result.map(bodyOf(outcome, subject, refine), countOf)
  })
}

// it stands elsewhere, or behind a page to log in at; no redirect is followed
const redirects = new Set([301, 302, 303, 307, 308])
