/**
 * Sends one request to one endpoint over HTTP, in the endpoint's dialect, and
 * hands over what comes back.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type * as ChatAnswer from "./ChatAnswer.ts"
import type * as ChatMessage from "./ChatMessage.ts"
import * as Classifier from "./Classifier.ts"
import type * as Message from "./dialect/Message.ts"
import type * as Endpoint from "./Endpoint.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as Letterhead from "./Letterhead.ts"
import * as LimitHeaders from "./LimitHeaders.ts"

/**
 * Gives a request the headers and the key of an endpoint, as its dialect has them.
 *
 * @category combinators
 * @since 0.1.0
 */
export const authorize =
  (endpoint: Endpoint.Endpoint) =>
  (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
    HttpClientRequest.setHeaders(request, Letterhead.of(endpoint).headers)

// a redirect would carry the key and the prompt to an address nobody configured
const manual = { redirect: "manual" } as const

/**
 * An endpoint as whoever answers for `model`, its own name for the model.
 *
 * @category getters
 * @since 0.1.0
 */
export const subjectOf = (endpoint: Endpoint.Endpoint, model: string, now: number): Classifier.Subject => ({
  endpoint: endpoint.id,
  account: endpoint.account,
  model,
  dialect: endpoint.dialect,
  validate: endpoint.validate,
  secrets: Letterhead.of(endpoint).secrets,
  now
})

const always = (): boolean => true

/** What the HTTP client is told beside the request. */
const surround = <R>(context: Context.Context<R>, endpoint: Endpoint.Endpoint): Context.Context<R> => {
  const init = Context.getOrUndefined(context, FetchHttpClient.RequestInit as never) as RequestInit | undefined
  let surrounding = Context.add(
    context,
    FetchHttpClient.RequestInit,
    init === undefined ? manual : { ...init, ...manual }
  ) as Context.Context<R>
  // without a tracer nobody looks at a span
  if (Context.get(context, Tracer.Tracer) === Tracer.nativeTracer) {
    surrounding = Context.add(surrounding, HttpClient.TracerDisabledWhen, always)
  }
  // tracers write headers into spans unless they know them for secrets
  const { secretNames } = Letterhead.of(endpoint)
  return secretNames.length === 0 ? surrounding : Context.add(surrounding, Headers.CurrentRedactedNames, [
    ...Context.get(context, Headers.CurrentRedactedNames),
    ...secretNames
  ])
}

/**
 * What a client failed with, as a code: the cause may print the request, headers and all.
 *
 * @category getters
 * @since 0.1.0
 */
export const codeOf = (error: HttpClientError.HttpClientError): string => {
  let cause: unknown = error.reason.cause
  while (cause instanceof Error && !("code" in cause) && cause.cause !== undefined) cause = cause.cause
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : error.reason._tag
}

const unreachable = (error: HttpClientError.HttpClientError): Fault.Fault => ({
  _tag: "Unreachable",
  code: codeOf(error)
})

const dispatch = (
  client: HttpClient.HttpClient,
  endpoint: Endpoint.Endpoint,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> =>
  Effect.updateContext(client.execute(request), (context: Context.Context<never>) => surround(context, endpoint))

/**
 * Sends a request that was made for the endpoint, and follows no redirect.
 *
 * @category calls
 * @since 0.1.0
 */
export const send = (
  client: HttpClient.HttpClient,
  endpoint: Endpoint.Endpoint,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientResponse.HttpClientResponse, Fault.Fault> =>
  Effect.mapError(dispatch(client, endpoint, request), unreachable)

/**
 * Reads a body piece by piece, up to a limit.
 *
 * @category calls
 * @since 0.1.0
 */
export const consume = (
  { status, stream }: HttpClientResponse.HttpClientResponse,
  maxBytes: number,
  onPiece: (bytes: Uint8Array) => void
): Effect.Effect<void, Fault.Fault> =>
  Effect.suspend(() => {
    let size = 0
    return stream.pipe(
      Stream.runForEach((bytes): Effect.Effect<void, Fault.Fault> => {
        size += bytes.byteLength
        if (size > maxBytes) return Effect.fail({ _tag: "TooLarge", status, maxBytes })
        onPiece(bytes)
        return Effect.void
      }),
      Effect.catchTag("HttpClientError", (error): Effect.Effect<void, Fault.Fault> =>
        // a response without a body is an empty one
        error.reason._tag === "EmptyBodyError"
          ? Effect.void
          : Effect.fail({ _tag: "CutOff", status, code: codeOf(error) }))
    )
  })

/** Whether the whole body is known to be within the limit: its length is said, and it is not unpacked on the way. */
const isWithin = (headers: Readonly<Record<string, string | undefined>>, maxBytes: number): boolean => {
  const length = headers["content-length"]
  return headers["content-encoding"] === undefined && length !== undefined && /^\d+$/.test(length) &&
    Number(length) <= maxBytes
}

const utf8 = new TextDecoder()

const replyOf = ({ headers, status }: HttpClientResponse.HttpClientResponse, text: string): Classifier.Reply => ({
  _tag: "Reply",
  status,
  headers,
  text
})

const readWhole = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<Classifier.Outcome> =>
  Effect.match(response.arrayBuffer, {
    onFailure: (error): Classifier.Outcome => ({ _tag: "CutOff", status: response.status, code: codeOf(error) }),
    // a client that is not held to the length it tells may say anything
    onSuccess: (bytes): Classifier.Outcome =>
      bytes.byteLength > maxBytes
        ? { _tag: "TooLarge", status: response.status, maxBytes }
        : replyOf(response, utf8.decode(bytes))
  })

const readPieces = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<Classifier.Outcome> => {
  const decoder = new TextDecoder()
  let text = ""
  const consumed = consume(response, maxBytes, (bytes) => {
    text += decoder.decode(bytes, { stream: true })
  })
  return Effect.match(consumed, {
    onFailure: (fault): Classifier.Outcome => fault,
    onSuccess: (): Classifier.Outcome => replyOf(response, text + decoder.decode())
  })
}

/**
 * What came of a request: its body as text, up to a limit. Not by a stream where
 * its length is known, since that costs more than the rest of a call.
 *
 * @category calls
 * @since 0.1.0
 */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<Classifier.Outcome> =>
  isWithin(response.headers, maxBytes) ? readWhole(response, maxBytes) : readPieces(response, maxBytes)

/**
 * What one request needs beside the request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transport {
  readonly client: HttpClient.HttpClient
  /** A longer body is refused while it is read. */
  readonly maxResponseBytes: number
}

/**
 * Sends the endpoint what was written for it, asking for a completion by `model`, its own name for the model, and
 * notes what it hears of the endpoint's limits.
 *
 * @category calls
 * @since 0.1.0
 */
export const complete = (
  transport: Transport,
  endpoint: Endpoint.Endpoint,
  model: string,
  written: ChatMessage.Written,
  heard: LimitHeaders.Heard
): Effect.Effect<ChatAnswer.ChatAnswer, Failure.Answered> =>
  Effect.withFiber((fiber) =>
    Effect.flatMap(exchange(transport, endpoint, written), (outcome) => {
      const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
      if (outcome._tag === "Reply") {
        heard.limits = LimitHeaders.fromHeaders(outcome.headers, now)
        heard.usage = () => Classifier.usageIn(outcome, endpoint.dialect)
      }
      return Effect.fromResult(Classifier.classify(outcome, subjectOf(endpoint, model, now)))
    })
  )

const exchange = (
  { client, maxResponseBytes }: Transport,
  endpoint: Endpoint.Endpoint,
  written: ChatMessage.Written
): Effect.Effect<Classifier.Outcome> => {
  if (Result.isFailure(written)) return Effect.succeed({ _tag: "Unsayable", what: written.failure })
  return Effect.matchEffect(dispatch(client, endpoint, requestOf(endpoint, written.success)), {
    onFailure: (error) => Effect.succeed(unreachable(error)),
    onSuccess: (response) => read(response, maxResponseBytes)
  })
}

const requestOf = (
  endpoint: Endpoint.Endpoint,
  { path, text }: Message.Message
): HttpClientRequest.HttpClientRequest => {
  const body = HttpBody.text(text, "application/json")
  const headers = Headers.set(Letterhead.of(endpoint).ofChat, "content-length", String(body.contentLength))
  return HttpClientRequest.makeWith(
    "POST",
    `${endpoint.baseUrl}${path}`,
    UrlParams.empty,
    Option.none(),
    headers,
    body
  )
}

/**
 * Asks the endpoint whether it is there: by a GET, which costs nothing.
 *
 * @category calls
 * @since 0.1.0
 */
export const ping = (
  client: HttpClient.HttpClient,
  endpoint: Endpoint.Endpoint,
  path: string
): Effect.Effect<number, Failure.Answered> =>
  send(client, endpoint, authorize(endpoint)(HttpClientRequest.get(`${endpoint.baseUrl}${path}`))).pipe(
    Effect.mapError((fault) => Fault.failureOf(fault, endpoint.id)),
    Effect.flatMap((response) =>
      // the connection goes back to its pool only when the body is done with
      Effect.as(Effect.ignore(Stream.runDrain(Stream.take(response.stream, 64))), response.status)
    )
  )
