/**
 * Sends one request to one endpoint over HTTP, and reads what comes back.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Headers from "effect/http/Headers"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Attempt from "../policy/Attempt.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as ChatAnswer from "./ChatAnswer.ts"
import type * as ChatRequest from "./ChatRequest.ts"
import * as Classifier from "./Classifier.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as Failure from "./Failure.ts"

/**
 * What of an endpoint is to be repeated nowhere.
 *
 * @category getters
 * @since 0.1.0
 */
export const secretsOf = ({ apiKey, headers }: Endpoint.Endpoint): ReadonlyArray<string> =>
  [apiKey, ...Object.values(headers)].flatMap((value) => Redacted.isRedacted(value) ? [Redacted.value(value)] : [])

// tracers write headers into spans unless they know them for secrets
const hideSecretHeaders = (endpoint: Endpoint.Endpoint) => <A, E, R>(self: Effect.Effect<A, E, R>) => {
  const names = Object.keys(endpoint.headers).filter((name) => Redacted.isRedacted(endpoint.headers[name]))
  return names.length === 0
    ? self
    : Effect.updateService(self, Headers.CurrentRedactedNames, (known) => [
      ...known,
      ...names.map((name) => name.toLowerCase())
    ])
}

/**
 * Gives a request the headers and the key of an endpoint.
 *
 * @category combinators
 * @since 0.1.0
 */
export const authorize = (endpoint: Endpoint.Endpoint) => (request: HttpClientRequest.HttpClientRequest) => {
  const headed = HttpClientRequest.setHeaders(
    request,
    Record.map(endpoint.headers, (value) => Redacted.isRedacted(value) ? Redacted.value(value) : value)
  )
  return endpoint.apiKey === undefined ? headed : HttpClientRequest.bearerToken(headed, endpoint.apiKey)
}

// a redirect would carry the key and the prompt to an address nobody configured
const withoutRedirects = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) =>
    Effect.provideService(self, FetchHttpClient.RequestInit, {
      ...Context.getOrUndefined(context, FetchHttpClient.RequestInit as never) as RequestInit | undefined,
      redirect: "manual"
    })
  )

// the cause may print the request, headers and all: only its code is taken
const codeOf = (error: HttpClientError.HttpClientError): string => {
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
) => withoutRedirects(hideSecretHeaders(endpoint)(client.execute(request)))

/**
 * The failure of a request that no response came to.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unreachable = (endpoint: Endpoint.Endpoint) => (error: HttpClientError.HttpClientError) =>
  Rejection.make(Failure.EndpointUnavailable, {
    endpoint: endpoint.id,
    reason: "Connection" as const,
    detail: codeOf(error),
    attempts: Attempt.none
  })

const broken = (
  endpoint: Endpoint.Endpoint,
  status: number,
  reason: "CutOff" | "TooLarge",
  detail: string
): Failure.InvalidResponse =>
  Rejection.make(Failure.InvalidResponse, { endpoint: endpoint.id, reason, status, detail, attempts: Attempt.none })

/**
 * Reads a body piece by piece, up to a limit.
 *
 * @category calls
 * @since 0.1.0
 */
export const consume = (
  endpoint: Endpoint.Endpoint,
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number,
  onPiece: (bytes: Uint8Array) => void
): Effect.Effect<void, Failure.InvalidResponse> =>
  Effect.suspend(() => {
    let size = 0
    return response.stream.pipe(
      Stream.runForEach((bytes) => {
        size += bytes.byteLength
        if (size > maxBytes) {
          return Effect.fail(broken(endpoint, response.status, "TooLarge", `the body is over ${maxBytes} bytes`))
        }
        onPiece(bytes)
        return Effect.void
      }),
      Effect.catchTag("HttpClientError", (error) =>
        // a response without a body is an empty one
        error.reason._tag === "EmptyBodyError"
          ? Effect.void
          : Effect.fail(broken(endpoint, response.status, "CutOff", codeOf(error))))
    )
  })

const read = (
  endpoint: Endpoint.Endpoint,
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number
): Effect.Effect<string, Failure.InvalidResponse> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let text = ""
    return Effect.map(
      consume(endpoint, response, maxBytes, (bytes) => {
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
 * Asks the endpoint for a completion by `model`, its own name for the model.
 *
 * @category calls
 * @since 0.1.0
 */
export const complete = Effect.fnUntraced(function*(
  transport: Transport,
  endpoint: Endpoint.Endpoint,
  model: string,
  body: ChatRequest.Body
): Effect.fn.Return<ChatAnswer.ChatAnswer, Failure.Answered> {
  const message = HttpClientRequest.post(`${endpoint.baseUrl}/chat/completions`).pipe(
    HttpClientRequest.acceptJson,
    HttpClientRequest.bodyText(body(model), "application/json"),
    authorize(endpoint)
  )
  const response = yield* Effect.mapError(
    send(transport.client, endpoint, message),
    unreachable(endpoint)
  )
  const text = yield* read(endpoint, response, transport.maxResponseBytes)
  const now = yield* Clock.currentTimeMillis
  const answer = Classifier.classify({ status: response.status, headers: response.headers, text }, {
    endpoint: endpoint.id,
    account: endpoint.account,
    model,
    secrets: secretsOf(endpoint),
    now
  })
  if (Result.isFailure(answer)) return yield* Effect.fail(answer.failure)
  return answer.success
})

/**
 * Asks the endpoint whether it is there: by its list of models, which costs nothing.
 *
 * @category calls
 * @since 0.1.0
 */
export const ping = (
  client: HttpClient.HttpClient,
  endpoint: Endpoint.Endpoint,
  path: string
): Effect.Effect<number, Failure.EndpointUnavailable> =>
  send(client, endpoint, authorize(endpoint)(HttpClientRequest.get(`${endpoint.baseUrl}${path}`))).pipe(
    Effect.mapError(unreachable(endpoint)),
    Effect.flatMap((response) =>
      // the connection goes back to its pool only when the body is done with
      Effect.as(Effect.ignore(Stream.runDrain(Stream.take(response.stream, 64))), response.status)
    )
  )
