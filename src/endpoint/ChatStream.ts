/**
 * Asks one endpoint for an answer that comes bit by bit, and hands on each bit
 * as it comes.
 *
 * An answer is whole once the model has said why it stopped, and only then:
 * `[DONE]`, a body that ends and a connection that breaks say nothing of it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Now from "../policy/Now.ts"
import type * as ChatAnswer from "./ChatAnswer.ts"
import * as ChatApi from "./ChatApi.ts"
import type * as ChatMessage from "./ChatMessage.ts"
import * as Classifier from "./Classifier.ts"
import * as Course from "./Course.ts"
import type { Streaming } from "./dialect/Definition.ts"
import * as Message from "./dialect/Message.ts"
import type * as Endpoint from "./Endpoint.ts"
import { EventReader } from "./EventReader.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import type * as GuardedEndpoint from "./GuardedEndpoint.ts"
import * as LimitHeaders from "./LimitHeaders.ts"
import * as ReplyFailure from "./ReplyFailure.ts"
import * as StreamPiece from "./StreamPiece.ts"
import type { Usage } from "./Transcript.ts"
import type * as WireHeaders from "./WireHeaders.ts"

/**
 * What is asked, and on which terms.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan extends Course.Terms {
  readonly written: ChatMessage.Written
  /** Sent beside the endpoint's own. */
  readonly headers: WireHeaders.WireHeaders
  /** Tokens that the request is reckoned to have. */
  readonly input: number
}

/**
 * An answer that came to its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Streamed {
  readonly answer: ChatAnswer.ChatAnswer
  readonly usage: Usage
}

type Trouble = Fault.Fault | Failure.Answered

const isFault = (trouble: Trouble): trouble is Fault.Fault => !("attempts" in trouble)

const post = (
  { client }: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  { headers, written }: Plan,
  streaming: Streaming | undefined
): Effect.Effect<HttpClientResponse.HttpClientResponse, Fault.Fault> => {
  if (Result.isFailure(written)) return Effect.fail({ _tag: "Unsayable", what: written.failure })
  const message = Message.withFields(written.success, streaming?.fields ?? {})
  const request = HttpClientRequest.post(`${endpoint.baseUrl}${message.path}`, { headers }).pipe(
    HttpClientRequest.accept(streaming === undefined ? "application/json" : "text/event-stream"),
    HttpClientRequest.bodyText(message.text, "application/json"),
    ChatApi.authorize(endpoint)
  )
  return ChatApi.send(client, endpoint, request)
}

// a page and a JSON text are whole; anything else is worth a try
const isWhole = ({ headers, status }: HttpClientResponse.HttpClientResponse): boolean => {
  const type = headers["content-type"]?.toLowerCase() ?? ""
  return status < 200 || status > 299 || (!type.includes("event-stream") && /json|html|xml/.test(type))
}

/** An answer as the pieces that it would have come in. */
const piecesOf = ({ finishReason, model, refusal = "", text, tokens, toolCalls }: ChatAnswer.ChatAnswer) => {
  const pieces: Array<StreamPiece.StreamPiece> = [{ _tag: "Model", model }]
  if (text !== "" && text !== refusal) pieces.push({ _tag: "Text", text })
  if (refusal !== "") pieces.push({ _tag: "Refusal", text: refusal })
  for (const [index, call] of toolCalls.entries()) pieces.push({ _tag: "ToolCall", index, ...call })
  if (tokens.total > 0) pieces.push({ _tag: "Counted", ...tokens })
  pieces.push({ _tag: "Stopped", reason: finishReason })
  return pieces
}

/** Reads the events of a body, until there are no more, or one says that there is no answer. */
const readEvents = (
  course: Course.Course,
  { status, stream }: HttpClientResponse.HttpClientResponse,
  reader: EventReader,
  maxBytes: number
): Effect.Effect<void, Trouble> =>
  Stream.runForEachArray(stream, (packets): Effect.Effect<void, Trouble> => {
    let pieces = StreamPiece.none
    for (const packet of packets) {
      const said = reader.read(packet)
      pieces = pieces.length === 0 ? said : [...pieces, ...said]
    }
    const taking = course.take(pieces)
    const trouble: Trouble | undefined = reader.failure ??
      (course.transcript.characters > maxBytes ? { _tag: "TooLarge", status, maxBytes } : undefined)
    if (trouble === undefined) return taking ?? Effect.void
    // what came before it was said all the same
    return taking === undefined ? Effect.fail(trouble) : Effect.andThen(taking, Effect.fail(trouble))
  }).pipe(
    Effect.catchTag("HttpClientError", (error): Effect.Effect<void, Fault.Fault> =>
      error.reason._tag === "EmptyBodyError"
        ? Effect.void
        : Effect.fail({ _tag: "CutOff", status, code: ChatApi.codeOf(error) })),
    // once the model has stopped, the connection may do what it likes
    Effect.catch((trouble) => course.transcript.hasStopped && isFault(trouble) ? Effect.void : Effect.fail(trouble))
  )

/** An answer that came as a whole, or where to look for what came bit by bit. */
type Opened =
  | { readonly _tag: "Whole"; readonly answer: ChatAnswer.ChatAnswer }
  | { readonly _tag: "Events"; readonly read: Effect.Effect<void, Trouble>; readonly judge: Judge }

type Judge = (draft: ChatAnswer.Draft) => Result.Result<ChatAnswer.ChatAnswer, Failure.Answered>

const open = Effect.fnUntraced(function*(
  transport: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  plan: Plan,
  course: Course.Course,
  told: GuardedEndpoint.Told
): Effect.fn.Return<Opened, Trouble> {
  const { maxResponseBytes } = transport
  const streaming = endpoint.dialect.stream
  const response = yield* post(transport, endpoint, plan, streaming)
  const now = yield* Clock.currentTimeMillis
  const { headers, status } = response
  const subject = ChatApi.subjectOf(endpoint, plan.model, now)
  told.limits = LimitHeaders.fromHeaders(headers, now)
  if (streaming !== undefined && !isWhole(response)) {
    const reader = new EventReader({ status, headers }, subject, streaming, maxResponseBytes)
    return {
      _tag: "Events",
      read: readEvents(course, response, reader, maxResponseBytes),
      judge: (draft) =>
        course.transcript.hasStopped
          ? Classifier.classifyStreamed(draft, response, subject)
          : Result.fail(
            ReplyFailure.invalid(subject, response, "CutOff", "the stream ended before the model had stopped")
          )
    }
  }
  const outcome = yield* ChatApi.read(response, maxResponseBytes)
  if (outcome._tag === "Reply") told.usage = () => Classifier.usageIn(outcome, endpoint.dialect)
  const answer = Classifier.classify(outcome, subject)
  return Result.isSuccess(answer)
    ? { _tag: "Whole", answer: answer.success }
    : yield* Effect.fail(answer.failure)
})

const converse = Effect.fnUntraced(function*(
  transport: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  plan: Plan,
  told: GuardedEndpoint.Told
): Effect.fn.Return<Streamed, Trouble> {
  const course = new Course.Course(plan, told, yield* Effect.withFiberSucceed(Now.clockOf))
  told.usage = () => course.transcript.soFar(plan.input)
  let opened: Opened | undefined
  const read = Effect.flatMap(open(transport, endpoint, plan, course, told), (response) => {
    opened = response
    if (response._tag === "Events") return response.read
    return course.take(piecesOf(response.answer)) ?? Effect.void
  })
  yield* Effect.raceFirst(read, course.watch())
  // nothing was said that did not come in a response
  const { transcript } = course
  const answer = opened!._tag === "Whole"
    ? opened!.answer
    : yield* Effect.fromResult(opened!.judge(transcript.toDraft()))
  return { answer, usage: transcript.usage(answer.tokens, plan.input) }
})

/**
 * Asks for an answer, hands on what comes, and notes what it hears of the
 * endpoint; succeeds when the answer is whole.
 *
 * An endpoint that answers as a whole, whatever it was asked for, is heard as well.
 *
 * @category calls
 * @since 0.1.0
 */
export const run = (
  transport: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  plan: Plan,
  told: GuardedEndpoint.Told
): Effect.Effect<Streamed, Failure.Answered> =>
  Effect.mapError(
    converse(transport, endpoint, plan, told),
    (trouble) => isFault(trouble) ? Fault.failureOf(trouble, endpoint.id) : trouble
  )
