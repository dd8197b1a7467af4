/**
 * Sends somebody's request on to one endpoint, and gives back what it replies.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import * as ChatApi from "./ChatApi.ts"
import * as Classifier from "./Classifier.ts"
import * as Endpoint from "./Endpoint.ts"
import type * as Failure from "./Failure.ts"
import * as WireHeaders from "./WireHeaders.ts"
import type * as WireRequest from "./WireRequest.ts"

/**
 * What the endpoint replied, its body as it came.
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
  /** The tokens it says it took, input and output. */
  readonly tokens: number | undefined
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

/** The tokens that a reply took, or the failure it tells of. */
const judge = (
  request: WireRequest.Readable,
  reply: Classifier.Reply,
  subject: Omit<Classifier.Subject, "model">,
  model: string | undefined
): Result.Result<number | undefined, Failure.Answered> =>
  request.kind === "Chat"
    ? Result.map(Classifier.classify(reply, { ...subject, model: model! }), ({ tokens }) => tokens.total || undefined)
    : Classifier.check(reply, { ...subject, model }, request.kind)

/**
 * Sends a request to an endpoint: its model by the endpoint's name for it, its
 * key the endpoint's own. A reply that is no success is a failure, as it is for
 * a chat; a chat completion has to be a valid one.
 *
 * @category calls
 * @since 0.1.0
 */
export const send = Effect.fnUntraced(function*(
  transport: ChatApi.Transport,
  endpoint: Endpoint.Endpoint,
  request: WireRequest.Readable
): Effect.fn.Return<Reply, Failure.Answered> {
  const model = request.model === undefined ? undefined : Endpoint.wireModel(endpoint, request.model)
  const body = request.body(model)
  const headed = HttpClientRequest.make(request.method)(`${endpoint.baseUrl}${request.path}`, {
    headers: request.headers
  })
  const message = body === undefined
    ? headed
    : HttpClientRequest.bodyUint8Array(headed, body, request.headers["content-type"])
  const response = yield* Effect.mapError(
    ChatApi.send(transport.client, endpoint, ChatApi.authorize(endpoint)(message)),
    ChatApi.unreachable(endpoint)
  )
  const pieces: Array<Uint8Array> = []
  yield* ChatApi.consume(endpoint, response, transport.maxResponseBytes, (piece) => {
    pieces.push(piece)
  })
  const bytes = join(pieces)
  const isOpaque = request.kind === "Other" && response.status < 300
  const reply = {
    status: response.status,
    headers: response.headers,
    text: isOpaque ? "" : new TextDecoder().decode(bytes)
  }
  const subject = {
    endpoint: endpoint.id,
    account: endpoint.account,
    secrets: ChatApi.secretsOf(endpoint),
    now: yield* Clock.currentTimeMillis
  }
  const tokens = judge(request, reply, subject, model)
  if (Result.isFailure(tokens)) return yield* Effect.fail(tokens.failure)
  return {
    status: response.status,
    headers: WireHeaders.toCaller(response.headers),
    body: bytes,
    tokens: tokens.success
  }
})
