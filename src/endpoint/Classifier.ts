/**
 * Reads what came of a request: an answer, or one failure.
 *
 * Total: whatever the bytes, however the connection ended, and whatever code
 * without types hands in, it ends in a value.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as ChatAnswer from "./ChatAnswer.ts"
import type { Dialect } from "./dialect/Definition.ts"
import { openai } from "./dialect/OpenAi.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as Json from "./Json.ts"
import * as Meaning from "./Meaning.ts"
import { type Outcome, type Reply, type Subject, totally } from "./Outcome.ts"
import * as ReplyFailure from "./ReplyFailure.ts"
import * as WireError from "./WireError.ts"
import type * as WireRequest from "./WireRequest.ts"
import * as WireUsage from "./WireUsage.ts"

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

const isSuccess = ({ status }: Reply): boolean => status >= 200 && status < 300

const errorOf = (
  reply: Reply,
  body: Result.Result<unknown, void>,
  dialect: Dialect
): WireError.WireError | undefined => {
  if (Result.isFailure(body)) return WireError.fromText(reply.text)
  // it may throw, or give back what is no error and is not nothing either
  const error = ReplyFailure.safely<unknown>(() => dialect.error(body.success), () => null)
  if (WireError.isWireError(error)) return error
  if (!isSuccess(reply)) return WireError.fromRefusal(body.success)
  return error === undefined ? undefined : WireError.fromBody(body.success)
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
    ? ReplyFailure.invalid(subject, reply, "ErrorInBody", message)
    : ReplyFailure.of(refine(meaning ?? "Unavailable", status, message), subject, reply, status, error)
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
      ? ReplyFailure.invalid(subject, reply, "Empty", "the body is empty")
      : ReplyFailure.invalid(subject, reply, "NotJson", reply.text)
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
  return judge(ReplyFailure.safely(() => read(body.success), () => unread), body.success, outcome, subject)
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
  const answer = ReplyFailure.safely(
    () => Result.flatMap(draft, (draft) => ChatAnswer.judge(draft, context)),
    () => unread
  )
  if (Result.isFailure(answer)) {
    return Result.fail(ReplyFailure.invalid(subject, reply, answer.failure.reason, answer.failure.detail))
  }
  const flaw = flawOf(answer.success, subject)
  return flaw === undefined
    ? Result.succeed(answer.success)
    : Result.fail(ReplyFailure.invalid(subject, reply, "Rejected", flaw))
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
  return ReplyFailure.safely<unknown>(() => error(json), () => null) === undefined
    ? undefined
    : failureIn(reply, subject)
}

/**
 * What a reply to a chat says that it took, whatever else is wrong with it; `undefined` where it does not.
 *
 * @category getters
 * @since 0.1.0
 */
export const usageIn = (reply: Reply, dialect: Dialect | undefined): ChatAnswer.Tokens | undefined =>
  ReplyFailure.safely((): ChatAnswer.Tokens | undefined => {
    const json = Json.parse(reply.text)
    if (Result.isFailure(json)) return undefined
    const draft = (dialect ?? openai).read(json.success)
    return Result.isSuccess(draft) ? ChatAnswer.counted({ tokens: ChatAnswer.tokensOf(draft.success) }) : undefined
  }, () => undefined)

// embeddings and their like count as chat completions do
const countOf = (body: unknown): ChatAnswer.Tokens | undefined => {
  const usage = Json.isRecord(body) ? body["usage"] : undefined
  if (!Json.isRecord(usage)) return undefined
  const count = (value: unknown): number => Number.isSafeInteger(value) ? Math.max(0, Number(value)) : 0
  const total = count(usage["total_tokens"])
  const input = Math.min(total, count(usage["prompt_tokens"] ?? usage["input_tokens"]))
  if (total === 0) return undefined
  return ChatAnswer.tokensOf({ tokens: { input, output: total - input, total, ...WireUsage.parts(usage) } })
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
    if (redirects.has(outcome.status)) {
      return Result.fail(ReplyFailure.invalid(subject, outcome, "NotJson", "it redirects"))
    }
    const refine: Refine = (meaning, status, message) => Meaning.at(meaning, status, message, asks, model !== undefined)
    return Result.map(bodyOf(outcome, subject, refine), countOf)
  })
}

// it stands elsewhere, or behind a page to log in at; no redirect is followed
const redirects = new Set([301, 302, 303, 307, 308])
