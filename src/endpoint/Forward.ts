/**
 * Sends somebody's request on to one endpoint, and gives back what it replies.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import * as ChatAnswer from "./ChatAnswer.ts"
import * as ChatApi from "./ChatApi.ts"
import * as ChatCompletion from "./ChatCompletion.ts"
import * as Classifier from "./Classifier.ts"
import type * as Endpoint from "./Endpoint.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as Label from "./Label.ts"
import * as Letterhead from "./Letterhead.ts"
import * as LimitHeaders from "./LimitHeaders.ts"
import * as WireHeaders from "./WireHeaders.ts"
import * as WireMessage from "./WireMessage.ts"
import type * as WireRequest from "./WireRequest.ts"

/**
 * What the endpoint replied, its body as it came; from an API that answers a chat
 * in words of its own, a chat completion that says the same.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply {
  /** From 200 to 299. */
  readonly status: number
  /** Names in lower case; without cookies and what belongs to the connection. */
  readonly headers: WireHeaders.WireHeaders
  readonly body: Uint8Array<ArrayBuffer>
  /** What it says it took. */
  readonly tokens: ChatAnswer.Tokens | undefined
}

interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly bytes: Uint8Array<ArrayBuffer>
}

const join = (pieces: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.byteLength, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

const exchange = Effect.fnUntraced(function*(
  { client, maxResponseBytes }: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  method: WireRequest.Readable["method"],
  { body, headers, path }: WireMessage.WireMessage
): Effect.fn.Return<Received, Fault.Fault> {
  const headed = HttpClientRequest.make(method)(`${endpoint.baseUrl}${path}`, { headers })
  const message = body === undefined
    ? headed
    : HttpClientRequest.bodyUint8Array(headed, body, headers["content-type"])
  const response = yield* ChatApi.send(client, endpoint, ChatApi.authorize(endpoint)(message))
  const pieces: Array<Uint8Array> = []
  yield* ChatApi.consume(response, maxResponseBytes, (piece) => {
    pieces.push(piece)
  })
  return { status: response.status, headers: response.headers, bytes: join(pieces) }
})

const asItCame = ({ bytes, headers, status }: Received, tokens: ChatAnswer.Tokens | undefined): Reply => ({
  status,
  headers: WireHeaders.toCaller(headers),
  body: bytes,
  tokens
})

const utf8 = new TextEncoder()

/**
 * Sends a request, as it was written for the endpoint, with the endpoint's key
 * and headers, and notes what it hears of the endpoint's limits. A reply that is
 * no success is a failure, as it is for a chat; a chat completion has to be a
 * valid one.
 *
 * @category calls
 * @since 0.1.0
 */
export const send = Effect.fnUntraced(function*(
  transport: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  request: WireRequest.Readable,
  message: WireMessage.WireMessage,
  heard: LimitHeaders.Heard
): Effect.fn.Return<Reply, Failure.Answered> {
  const { kind, method } = request
  const received = yield* Effect.mapError(
    exchange(transport, endpoint, method, message),
    (fault) => Fault.failureOf(fault, endpoint.id)
  )
  const { bytes, headers, status } = received
  const now = yield* Clock.currentTimeMillis
  // a limit on files is none on answers
  if (kind !== "Other") heard.limits = LimitHeaders.fromHeaders(headers, now)
  const isOpaque = kind === "Other" && status < 300
  const reply = { _tag: "Reply" as const, status, headers, text: isOpaque ? "" : new TextDecoder().decode(bytes) }
  const { account, dialect, id, validate } = endpoint
  const subject = {
    endpoint: id,
    account,
    model: message.model,
    dialect,
    validate,
    secrets: Letterhead.of(endpoint).secrets,
    now
  }
  if (kind !== "Chat") {
    const tokens = Classifier.check(reply, subject, kind)
    return Result.isSuccess(tokens) ? asItCame(received, tokens.success) : yield* Effect.fail(tokens.failure)
  }
  heard.usage = () => Classifier.usageIn(reply, dialect)
  const answer = Classifier.classify(reply, { ...subject, model: message.model! })
  if (Result.isFailure(answer)) return yield* Effect.fail(answer.failure)
  const replied = asItCame(received, ChatAnswer.counted(answer.success))
  if (WireMessage.answersVerbatim(dialect)) return replied
  const completion = ChatCompletion.write(answer.success, yield* Label.make, now)
  return {
    ...replied,
    headers: { ...replied.headers, "content-type": "application/json" },
    body: utf8.encode(JSON.stringify(completion))
  }
})
