/**
 * A relay as Effect's `HttpClient`, for code that is written against one.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as WireHeaders from "../endpoint/WireHeaders.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as RelayService from "../relay/RelayService.ts"
import * as BaseUrl from "./BaseUrl.ts"
import * as RelayResponse from "./RelayResponse.ts"
import * as StreamedRequest from "./StreamedRequest.ts"
import * as StreamedResponse from "./StreamedResponse.ts"

export {
  /**
   * The failure that a response of a relay stands for; `undefined` for an answer.
   *
   * @category getters
   * @since 0.1.0
   */
  failureOf
} from "./RelayResponse.ts"

/**
 * The options of an `HttpClient` over a relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * What the URLs of the callers begin with, in place of which comes the URL of
   * the endpoint; others are refused. Default: everything up to the first part of
   * the path that is a version, such as `/v1`.
   */
  readonly baseUrl?: string | undefined
}

const Settings = Schema.Struct({ baseUrl: BaseUrl.field })

/** The relays that a fiber is inside of. */
const Within = Context.Reference<ReadonlyArray<object>>("effect-relay/integration/RelayHttpClient/Within", {
  defaultValue: () => []
})

const refuse = (reason: HttpClientError.RequestError) => Effect.fail(new HttpClientError.HttpClientError({ reason }))

// a form gets its boundary and a stream its bytes where Effect turns it into a request of the Web
const encode = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<
  { readonly headers: WireHeaders.WireHeaders; readonly body: Uint8Array | undefined },
  HttpClientError.HttpClientError
> => {
  const { body, headers } = request
  if (body._tag === "Empty") return Effect.succeed({ headers, body: undefined })
  if (body._tag === "Uint8Array") return Effect.succeed({ headers, body: body.body })
  return HttpClientRequest.toWeb(request).pipe(
    Effect.flatMap((web) =>
      Effect.map(
        Effect.tryPromise(() => web.arrayBuffer()),
        (buffer) => ({ headers: Object.fromEntries(web.headers), body: new Uint8Array(buffer) })
      )
    ),
    Effect.catch((cause) => refuse(new HttpClientError.EncodeError({ request, cause })))
  )
}

const isResponse = (value: unknown): value is HttpClientResponse.HttpClientResponse =>
  Predicate.hasProperty(value, HttpClientResponse.TypeId)

// Effect's own retries tell what they try again, and how often they have
const retryOf = (fiber: Fiber.Fiber<unknown, unknown>, headers: WireHeaders.WireHeaders): number => {
  const { attempt, input } = fiber.getRef(Schedule.CurrentMetadata)
  const isRetry = HttpClientError.isHttpClientError(input) ||
    (isResponse(input) && HttpClient.isTransientResponse(input))
  return Math.max(isRetry ? attempt : 0, WireHeaders.callersRetry(headers))
}

/**
 * An `HttpClient` that sends each request through the relay: the URL, the key and
 * the name for the model are those of the endpoint that is chosen.
 *
 * A failure of the relay becomes the response by which clients of OpenAI know
 * it, and `failureOf` tells which it was. Retries of `HttpClient.retry` and
 * `retryTransient` above it are told from first tries: for those the relay goes
 * through its endpoints once and waits for no other round.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  relay: Pick<RelayService.RelayService, "send" | "stream">,
  options?: Options
): Effect.Effect<HttpClient.HttpClient, Configuration.InvalidConfiguration> =>
  Effect.map(Configuration.decode("RelayHttpClient", Settings, options, {}), ({ baseUrl }) => over(relay, baseUrl))

const over = (
  relay: Pick<RelayService.RelayService, "send" | "stream">,
  baseUrl: string | undefined
): HttpClient.HttpClient =>
  HttpClient.make((request, url, signal, fiber) => {
    const within = fiber.getRef(Within)
    if (within.includes(relay)) {
      return Effect.die(new Error("a relay stands on itself: give it another HttpClient than its own RelayHttpClient"))
    }
    const path = BaseUrl.below(url, baseUrl)
    if (path === undefined) {
      return refuse(new HttpClientError.InvalidUrlError({ request, description: `it is not below ${baseUrl}` }))
    }
    const { method } = request
    return Effect.flatMap(encode(request), ({ body, headers }) => {
      const retry = retryOf(fiber, headers)
      const streamed = StreamedRequest.read(method, path, body)
      const response = streamed === undefined
        ? Effect.match(relay.send({ method, path, headers, body }, { retry }), {
          onFailure: RelayResponse.fromFailure,
          onSuccess: RelayResponse.fromReply
        })
        : StreamedResponse.open(relay, streamed, { headers, retry }, signal)
      return response.pipe(
        Effect.map((response) => HttpClientResponse.fromWeb(request, response)),
        Effect.provideService(Within, [...within, relay])
      )
    })
  })

/**
 * The relay in the place of the `HttpClient`. It must not be the one that the
 * relay itself stands on; a relay that comes to call itself dies and says so.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { RelayHttpClient, RelayService } from "effect-relay"
 * import { ScriptedEndpoint } from "effect-relay/testing"
 * import { HttpClient, HttpClientRequest } from "effect/http"
 *
 * const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.status(503)])
 * const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("Hello.")], { tier: 1 })
 *
 * const RelayLive = RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint] }).pipe(
 *   Layer.provide(ScriptedEndpoint.layer(primary, backup))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const client = yield* HttpClient.HttpClient
 *   const response = yield* HttpClientRequest.post("https://api.openai.com/v1/chat/completions").pipe(
 *     HttpClientRequest.bodyJsonUnsafe({ model: "any", messages: [{ role: "user", content: "Hi" }] }),
 *     client.execute
 *   )
 *   console.log(response.status, "from", response.headers["x-relay-endpoint"])
 * })
 *
 * Effect.runPromise(program.pipe(Effect.provide(RelayHttpClient.layer.pipe(Layer.provide(RelayLive)))))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HttpClient.HttpClient, never, RelayService.RelayService> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(RelayService.RelayService, (relay) => over(relay, undefined))
)

/**
 * The same with options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options
): Layer.Layer<HttpClient.HttpClient, Configuration.InvalidConfiguration, RelayService.RelayService> =>
  Layer.effect(HttpClient.HttpClient, Effect.flatMap(RelayService.RelayService, (relay) => make(relay, options)))
