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
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import type * as ChatAnswer from "./ChatAnswer.ts"
import type * as ChatRequest from "./ChatRequest.ts"
import * as Classifier from "./Classifier.ts"
import * as Message from "./dialect/Message.ts"
import type * as Endpoint from "./Endpoint.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as LimitHeaders from "./LimitHeaders.ts"

/**
 * What of an endpoint is to be repeated nowhere.
 *
 * @category getters
 * @since 0.1.0
 */
export const secretsOf = ({ apiKey, headers }: Endpoint.Endpoint): ReadonlyArray<string> =>
  [apiKey, ...Object.values(headers)].flatMap((value) => Redacted.isRedacted(value) ? [Redacted.value(value)] : [])

// what every tracer knows for a secret, unless it was told otherwise
const knownSecret = "authorization"

// tracers write headers into spans unless they know them for secrets
const secretHeadersOf = ({ apiKey, dialect, headers }: Endpoint.Endpoint): ReadonlyArray<string> => {
  const names = Object.keys(headers).filter((name) => Redacted.isRedacted(headers[name]))
  if (apiKey !== undefined && dialect.key.header.toLowerCase() !== knownSecret) names.push(dialect.key.header)
  return names.map((name) => name.toLowerCase())
}

/**
 * Gives a request the headers and the key of an endpoint, as its dialect has them.
 *
 * @category combinators
 * @since 0.1.0
 */
export const authorize =
  ({ apiKey, dialect, headers }: Endpoint.Endpoint) => (request: HttpClientRequest.HttpClientRequest) => {
    const { header, scheme } = dialect.key
    const versioned = HttpClientRequest.setHeaders(request, dialect.headers)
    const headed = HttpClientRequest.setHeaders(
      versioned,
      Record.map(headers, (value) => Redacted.isRedacted(value) ? Redacted.value(value) : value)
    )
    if (apiKey === undefined) return headed
    const key = Redacted.value(apiKey)
    return HttpClientRequest.setHeader(headed, header, scheme === undefined ? key : `${scheme} ${key}`)
  }

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
  secrets: secretsOf(endpoint),
  now
})

const always = (): boolean => true

/** What the HTTP client is told beside the request. */
const surround = <R>(context: Context.Context<R>, endpoint: Endpoint.Endpoint): Context.Context<R> => {
  // a redirect would carry the key and the prompt to an address nobody configured
  let surrounding = Context.add(context, FetchHttpClient.RequestInit, {
    ...Context.getOrUndefined(context, FetchHttpClient.RequestInit as never) as RequestInit | undefined,
    redirect: "manual"
  }) as Context.Context<R>
  // without a tracer nobody looks at a span
  if (Context.get(context, Tracer.Tracer) === Tracer.nativeTracer) {
    surrounding = Context.add(surrounding, HttpClient.TracerDisabledWhen, always)
  }
  const secret = secretHeadersOf(endpoint)
  return secret.length === 0 ? surrounding : Context.add(surrounding, Headers.CurrentRedactedNames, [
    ...Context.get(context, Headers.CurrentRedactedNames),
    ...secret
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
  Effect.mapError(
    Effect.updateContext(client.execute(request), (context: Context.Context<never>) => surround(context, endpoint)),
    (error): Fault.Fault => ({ _tag: "Unreachable", code: codeOf(error) })
  )

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

const readWhole = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<string, Fault.Fault> =>
  Effect.matchEffect(response.arrayBuffer, {
    onFailure: (error): Effect.Effect<string, Fault.Fault> =>
      Effect.fail({ _tag: "CutOff", status: response.status, code: codeOf(error) }),
    // a client that is not held to the length it tells may say anything
    onSuccess: (bytes): Effect.Effect<string, Fault.Fault> =>
      bytes.byteLength > maxBytes
        ? Effect.fail({ _tag: "TooLarge", status: response.status, maxBytes })
        : Effect.succeed(utf8.decode(bytes))
  })

/**
 * Reads a body as text, up to a limit.
 *
 * @category calls
 * @since 0.1.0
 */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<string, Fault.Fault> =>
  Effect.suspend(() => {
    // a stream costs more than the rest of a call
    if (isWithin(response.headers, maxBytes)) return readWhole(response, maxBytes)
    const decoder = new TextDecoder()
    let text = ""
    return Effect.map(
      consume(response, maxBytes, (bytes) => {
        text += decoder.decode(bytes, { stream: true })
      }),
      () => text + decoder.decode()
    )
  })

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
 * Asks the endpoint for a completion by `model`, its own name for the model, and
 * notes what it hears of the endpoint's limits.
 *
 * @category calls
 * @since 0.1.0
 */
export const complete = Effect.fnUntraced(function*(
  transport: Transport,
  endpoint: Endpoint.Endpoint,
  model: string,
  body: ChatRequest.Body,
  heard: LimitHeaders.Heard
): Effect.fn.Return<ChatAnswer.ChatAnswer, Failure.Answered> {
  const outcome = yield* exchange(transport, endpoint, model, body).pipe(
    Effect.catch((fault): Effect.Effect<Classifier.Outcome> => Effect.succeed(fault))
  )
  const now = yield* Clock.currentTimeMillis
  if (outcome._tag === "Reply") heard.limits = LimitHeaders.fromHeaders(outcome.headers, now)
  const answer = Classifier.classify(outcome, subjectOf(endpoint, model, now))
  if (Result.isFailure(answer)) return yield* Effect.fail(answer.failure)
  return answer.success
})

const exchange = (
  { client, maxResponseBytes }: Transport,
  endpoint: Endpoint.Endpoint,
  model: string,
  body: ChatRequest.Body
): Effect.Effect<Classifier.Reply, Fault.Fault> => {
  const message = Message.write(endpoint.dialect, body, model)
  if (Result.isFailure(message)) return Effect.fail({ _tag: "Unsayable", what: message.failure })
  const request = HttpClientRequest.post(`${endpoint.baseUrl}${message.success.path}`).pipe(
    HttpClientRequest.acceptJson,
    HttpClientRequest.bodyText(message.success.text, "application/json"),
    authorize(endpoint)
  )
  return Effect.flatMap(
    send(client, endpoint, request),
    (response) =>
      Effect.map(
        read(response, maxResponseBytes),
        (text) => ({ _tag: "Reply", status: response.status, headers: response.headers, text })
      )
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
