/**
 * What came of a request, and whose it is, as the classifier is told; also by
 * code without types.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as ChatAnswer from "./ChatAnswer.ts"
import * as Definition from "./dialect/Definition.ts"
import type * as Fault from "./Fault.ts"
import * as HttpHeader from "./HttpHeader.ts"

/**
 * A response, body included.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply {
  readonly _tag: "Reply"
  readonly status: number
  /** By their names, in any case. */
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
  readonly dialect?: Definition.Dialect | undefined
  /** What else an answer has to be: a text says what is wrong with it. */
  readonly validate?: ((answer: ChatAnswer.ChatAnswer) => string | undefined) | undefined
  /** Removed from whatever the reply says. */
  readonly secrets: ReadonlyArray<string>
  /** Epoch milliseconds. */
  readonly now: number
}

type Unknown<A> = { readonly [Field in keyof A]?: unknown }

const unreadable: Fault.Fault = { _tag: "Unreachable", code: "nothing that can be read" }

const isText = (value: unknown): value is string => typeof value === "string"

const textOf = (value: unknown): string => isText(value) ? value : ""

const wholeOf = (value: unknown): number => Number.isSafeInteger(value) ? Number(value) : 0

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const soundReply = (reply: Unknown<Reply>): Reply => {
  const { status, text } = reply
  const headers = HttpHeader.read(reply.headers)
  if (Number.isSafeInteger(status) && headers === reply.headers && isText(text)) return reply as Reply
  return { _tag: "Reply", status: wholeOf(isText(status) ? Number(status) : status), headers, text: textOf(text) }
}

/** The outcome with every field of its type, but for the values of headers. */
const sound = (outcome: unknown): Outcome => {
  const given: Unknown<Reply & { code: 0; limit: 0; maxBytes: 0; what: 0 }> = isObject(outcome) ? outcome : {}
  switch (given._tag) {
    case "Reply":
      return soundReply(given)
    case "Unreachable":
      return { _tag: "Unreachable", code: textOf(given.code) }
    case "TimedOut":
      return { _tag: "TimedOut", limit: typeof given.limit === "number" ? given.limit : 0 }
    case "CutOff":
      return { _tag: "CutOff", status: wholeOf(given.status), code: textOf(given.code) }
    case "TooLarge":
      return { _tag: "TooLarge", status: wholeOf(given.status), maxBytes: wholeOf(given.maxBytes) }
    case "Unsayable":
      return { _tag: "Unsayable", what: textOf(given.what) }
    default:
      return unreadable
  }
}

/** The subject with every field of its type, but for the dialect. */
const soundSubject = (subject: unknown): Subject => {
  const given: Unknown<Subject> = isObject(subject) ? subject : {}
  const { account, endpoint, model, now, secrets } = given
  const isSound = isText(endpoint) && isText(account) && isText(model) && Number.isFinite(now) &&
    Array.isArray(secrets) && secrets.every(isText)
  return isSound ? given as Subject : {
    ...given as Subject,
    endpoint: textOf(endpoint),
    account: textOf(account),
    model: textOf(model),
    now: Number.isFinite(now) ? Number(now) : 0,
    secrets: Array.isArray(secrets) ? secrets.filter(isText) : []
  }
}

const isDialect = Schema.is(Definition.Settings)

/**
 * Reads an outcome, whatever was handed in for it. Where that throws, a header is
 * no text, or the dialect is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const totally = <A>(
  outcome: Outcome,
  subject: Subject,
  read: (outcome: Outcome, subject: Subject) => A
): A => {
  const theirs = sound(outcome)
  const ours = soundSubject(subject)
  try {
    return read(theirs, ours)
  } catch {
    return read(
      theirs._tag === "Reply" ? { ...theirs, headers: HttpHeader.toTexts(theirs.headers) } : theirs,
      isDialect(ours.dialect) ? ours : { ...ours, dialect: undefined }
    )
  }
}
