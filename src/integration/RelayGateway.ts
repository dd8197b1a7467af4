/**
 * A relay behind an HTTP server that speaks OpenAI's API, so that a client in any
 * language can stand on it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as WireRequest from "../endpoint/WireRequest.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as RelayService from "../relay/RelayService.ts"
import * as BearerKey from "./BearerKey.ts"
import * as BoundedBody from "./BoundedBody.ts"
import * as GatewayPage from "./GatewayPage.ts"
import * as GatewayReply from "./GatewayReply.ts"
import * as GatewayStream from "./GatewayStream.ts"
import * as StreamedRequest from "./StreamedRequest.ts"

/**
 * The options of a gateway; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The keys, one of which a caller has to send as its bearer token: at least one. Default: none is asked for. An empty list
   * is refused, so that keys that got lost on their way here open nothing.
   */
  readonly apiKeys?: ReadonlyArray<Redacted.Redacted> | undefined
  /** A longer body is refused while it is read, from 1 up. */
  readonly maxRequestBytes?: number | undefined
  /** How long a request may take, attempts and waits included, above 0. */
  readonly deadline?: Duration.Input | undefined
  /**
   * Who sends a request, by its headers, whose names are in lower case: it spends from the budget of that tenant, and stands
   * in the reports of usage under it. Only what nobody can make up is worth looking at, such as the key, or what a proxy of
   * yours sets. Default: nobody in particular.
   */
  readonly tenantOf?: ((headers: Headers) => string | undefined) | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  maxRequestBytes: 16 * 1024 * 1024,
  deadline: "10 minutes"
} as const satisfies Omit<Required<Options>, "apiKeys" | "tenantOf">

const isKey = (value: unknown): value is Redacted.Redacted =>
  Redacted.isRedacted(value) && typeof Redacted.value(value) === "string" &&
  /^[\x21-\x7e]+$/.test(Redacted.value(value) as string)

const Settings = Schema.Struct({
  apiKeys: Schema.optional(Configuration.field(
    (value): value is ReadonlyArray<Redacted.Redacted> =>
      Array.isArray(value) && value.length > 0 && value.every(isKey),
    "it has to be a list of at least one key, each wrapped, Redacted.make(key), and of nothing but visible ASCII; " +
      "to ask for no key, leave it out"
  )),
  maxRequestBytes: Configuration.integer(1),
  deadline: Configuration.durationOrForever,
  tenantOf: Schema.optional(Configuration.field(
    (value): value is NonNullable<Options["tenantOf"]> => typeof value === "function",
    "it has to be a function from headers to a text, or undefined"
  ))
})

type Settings = typeof Settings.Type

type Headers = Readonly<Record<string, string | undefined>>

type Request = HttpServerRequest.HttpServerRequest

type Handler = (request: Request) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, Scope.Scope>

/** Where the API begins. */
const base = "/v1"

const notFound: Handler = ({ method, url }) =>
  Effect.succeed(GatewayReply.refuse({
    status: 404,
    code: "not_found",
    message: `there is nothing at ${method} ${url.replace(/\?.*$/s, "")}`
  }))

const notAllowed = (method: string, allow: string) =>
  Effect.succeed(GatewayReply.refuse({
    status: 405,
    code: "method_not_allowed",
    message: `${method} is not for this path, ${allow} is`,
    headers: { allow }
  }))

const noKey = Effect.succeed(GatewayReply.refuse({
  status: 401,
  code: "invalid_api_key",
  message: "send a key of this gateway as the bearer token",
  headers: { "www-authenticate": "Bearer" }
}))

const send = (
  relay: RelayService.RelayService,
  request: WireRequest.WireRequest,
  options: RelayService.SendOptions
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.match(relay.send(request, options), {
    onFailure: GatewayReply.fromFailure,
    onSuccess: GatewayReply.fromReply
  })

const bodyOf = (
  request: Request,
  maxBytes: number
): Effect.Effect<Uint8Array, HttpServerResponse.HttpServerResponse> =>
  BoundedBody.read(request, maxBytes).pipe(
    Effect.catchTags({
      BodyTooLarge: () =>
        Effect.fail(GatewayReply.refuse({
          status: 413,
          code: "request_too_large",
          message: `the body is longer than ${maxBytes} bytes`
        })),
      HttpServerError: () =>
        Effect.fail(GatewayReply.refuse({
          status: 400,
          code: "unreadable_body",
          message: "the body could not be read to its end"
        }))
    })
  )

const pass =
  (relay: RelayService.RelayService, { deadline, maxRequestBytes, tenantOf }: Settings): Handler => (request) =>
    Effect.gen(function*() {
      const body = yield* bodyOf(request, maxRequestBytes)
      const { headers, method } = request
      const path = request.url.slice(base.length)
      const streamed = StreamedRequest.read(method, path, body)
      const tenant = tenantOf?.(headers)
      return streamed === undefined
        ? yield* send(relay, { method, path, headers, body }, { deadline, tenant })
        : yield* GatewayStream.open(relay, streamed, { deadline, headers, tenant })
    }).pipe(Effect.catch(Effect.succeed))

// names of models hold slashes, and whatever else their owners thought of
const idIn = (url: string): string => {
  const [path = ""] = url.split("?", 1)
  const name = path.slice(`${base}/models/`.length)
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

const models = (relay: RelayService.RelayService, { deadline }: Settings): Handler => ({ headers, url }) => {
  const id = idIn(url)
  if (id !== "") return GatewayPage.model(relay, id)
  // whoever serves any model by any name knows best which there are
  return GatewayPage.models(relay, send(relay, { method: "GET", path: "/models", headers }, { deadline }))
}

/** What may be asked for through any endpoint, and twice. Files, batches and the like belong to one of them. */
const answering = ["/chat/completions", "/completions", "/embeddings", "/moderations", "/responses"] as const

const routes = (
  relay: RelayService.RelayService,
  settings: Settings
): ReadonlyArray<HttpRouter.Route<never, Scope.Scope>> => {
  const isKnown = settings.apiKeys === undefined ? undefined : BearerKey.guard(settings.apiKeys)
  const guarded = (handler: Handler): Handler =>
    isKnown === undefined
      ? handler
      : (request) => isKnown(request.headers["authorization"]) ? handler(request) : noKey
  const get = (path: HttpRouter.PathInput, handler: Handler) =>
    HttpRouter.route("*", path, (request) =>
      request.method === "GET" || request.method === "HEAD"
        ? handler(request)
        : notAllowed(request.method, "GET, HEAD"))
  const post = (path: HttpRouter.PathInput, handler: Handler) =>
    HttpRouter.route(
      "*",
      path,
      (request) => request.method === "POST" ? handler(request) : notAllowed(request.method, "POST")
    )
  return [
    get("/health", () => GatewayPage.health(relay)),
    get("/status", guarded(() => GatewayPage.status(relay))),
    get(`${base}/models/*`, guarded(models(relay, settings))),
    ...answering.map((path) => post(`${base}${path}`, guarded(pass(relay, settings)))),
    HttpRouter.route("*", `${base}/*`, guarded(notFound))
  ]
}

/**
 * The routes of a gateway over the relay below it:
 *
 * - `POST /v1/chat/completions`, `/v1/completions`, `/v1/embeddings`, `/v1/moderations`, `/v1/responses`
 * - `GET /v1/models`: the models that the endpoints name; where none does, those of an endpoint
 * - `GET /health`: 200 while an endpoint can be asked, else 503; nobody is asked for a key here
 * - `GET /status`: how each endpoint is
 *
 * A chat with `stream: true` is streamed, in OpenAI's shape whichever dialect
 * answers. Failures come in the shape, and with the status, by which clients of OpenAI know
 * them. `x-relay-endpoint` says who answered, `x-relay-attempts` how often the
 * request was sent, and `x-relay-trail` whom it went to and what came of it.
 *
 * Where it listens, and how long requests under way may take when it ends, is the
 * server's. A caller that hangs up ends its call, and nobody is blamed for it.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: Options
): Layer.Layer<never, Configuration.InvalidConfiguration, HttpRouter.HttpRouter | RelayService.RelayService> =>
  HttpRouter.addAll(Effect.gen(function*() {
    const settings = yield* Configuration.decode("RelayGateway", Settings, options, defaults, ["apiKeys"])
    return routes(yield* RelayService.RelayService, settings)
  }))
