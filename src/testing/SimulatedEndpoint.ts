/**
 * Endpoints with a temper instead of a script: latencies, limits and incidents by chance, so that a relay above them can be
 * seen to live through a day before it has to.
 *
 * Made for `VirtualTime`, in which a day takes seconds. Every draw belongs to a request (`Luck`), so two configurations
 * meet the same day.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Now from "../policy/Now.ts"
import type { Behaviour, Inhabitant } from "./Behaviour.ts"
import * as Luck from "./Luck.ts"
import * as Population from "./Population.ts"
import * as Seed from "./Seed.ts"
import type * as SimulatedAccount from "./SimulatedAccount.ts"
import { SimulatedWorld, type Verdict } from "./SimulatedWorld.ts"
import * as Temper from "./Temper.ts"

export * from "./Behaviour.ts"

/**
 * What can be said about an endpoint; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Partial<Behaviour> {
  /** Whose it is. Default: an account of its own, without limits. */
  readonly account?: SimulatedAccount.SimulatedAccount | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = Temper.defaults

/**
 * An endpoint and what it is like.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedEndpoint extends Inhabitant {
  /** The description to give to a relay. */
  readonly endpoint: Endpoint.Options
}

const host = "http://simulated.test"

const baseUrlOf = (id: string): string => `${host}/${encodeURIComponent(id)}/v1`

// an endpoint is a value, not an effect, and a layer of them as well: what they cannot be made from is thrown
const settle = <A>(result: Result.Result<A, Configuration.InvalidConfiguration>): A =>
  Result.getOrThrowWith(result, (invalid) => invalid)

// field by field it is looked at once the defaults are there
const Anything = Schema.Record(Schema.String, Schema.Unknown)

/**
 * An endpoint that is like this; `options` go into its description. Throws `InvalidConfiguration` on a behaviour that
 * cannot be; the description is checked by the relay that it is given to.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  id: string,
  said: Options = {},
  options?: Omit<Endpoint.Options, "id" | "baseUrl" | "account" | "dialect" | "prices"> & {
    readonly prices?: Endpoint.Prices | undefined
  }
): SimulatedEndpoint => {
  const given: Options = settle(Configuration.decodeResult("SimulatedEndpoint", Anything, said, {}))
  const { account = { id }, ...behaviour } = given
  const inhabitant: Inhabitant = { id, account, behaviour: { ...defaults, ...behaviour }, prices: options?.prices }
  settle(Temper.decode(inhabitant))
  return {
    ...inhabitant,
    endpoint: {
      apiKey: Redacted.make(`key-of-${account.id}`),
      ...options,
      id,
      account: account.id,
      baseUrl: baseUrlOf(id)
    }
  }
}

/**
 * The world that simulated endpoints live in, to look at what they have seen, or to ask them without HTTP.
 *
 * @category services
 * @since 0.1.0
 */
export const World: Context.Service<SimulatedWorld, SimulatedWorld> = Context.Service<SimulatedWorld>(
  "effect-relay/testing/SimulatedEndpoint/World"
)

const utf8 = new TextEncoder()

type Request = HttpClientRequest.HttpClientRequest
type Reply = HttpClientResponse.HttpClientResponse

/** Replies that differ in their request only: each is made of streams once, and not once a request. */
const repliesOf = (status: number, text: string, headers: Readonly<Record<string, string>> = {}) => {
  const bytes = utf8.encode(text)
  const all = { "content-type": "application/json", "content-length": String(bytes.byteLength), ...headers }
  const bare = HttpClientResponse.fromWeb(HttpClientRequest.get(host), new Response(null, { status, headers: all }))
  const reply: Reply = Object.create(bare, {
    status: { value: status },
    headers: { value: bare.headers },
    arrayBuffer: { value: Effect.succeed(bytes.buffer) },
    text: { value: Effect.succeed(text) },
    json: { value: Effect.sync(() => JSON.parse(text)) },
    stream: { value: Stream.succeed(bytes) }
  })
  return (request: Request): Reply => Object.assign(Object.create(reply), { request })
}

const errorOf = (message: string, code: string): string =>
  JSON.stringify({ error: { message, type: code, param: null, code } })

const answerOf = (id: string, { inputTokens, outputTokens }: Behaviour): string =>
  JSON.stringify({
    id: "chatcmpl-simulated",
    object: "chat.completion",
    model: "simulated",
    choices: [{ index: 0, message: { role: "assistant", content: `Answered by ${id}.` }, finish_reason: "stop" }],
    usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
  })

const limited = (hint: Readonly<Record<string, string>>) =>
  repliesOf(429, errorOf("Rate limit reached for requests", "rate_limit_exceeded"), hint)

const limitedFor = new Map<number | undefined, ReturnType<typeof repliesOf>>()

const replies = {
  error: repliesOf(500, errorOf("The server had an error", "server_error")),
  hiddenError: repliesOf(200, errorOf("The server had an error", "server_error")),
  empty: repliesOf(429, errorOf("You exceeded your current quota", "insufficient_quota")),
  models: repliesOf(200, "{\"object\":\"list\",\"data\":[]}"),
  limited: (seconds: number | undefined): ReturnType<typeof repliesOf> => {
    let reply = limitedFor.get(seconds)
    if (reply === undefined) {
      reply = limited(seconds === undefined ? {} : { "retry-after": String(seconds) })
      limitedFor.set(seconds, reply)
    }
    return reply
  }
}

const lost = (request: Request, code: string): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, cause: Object.assign(new Error(code), { code }) })
  })

const replyTo = (
  request: Request,
  { kind, retryAfter }: Verdict,
  answer: (request: Request) => Reply
): Effect.Effect<Reply, HttpClientError.HttpClientError> => {
  switch (kind) {
    case "Answer":
      return Effect.succeed(answer(request))
    case "Error":
      return Effect.succeed(replies.error(request))
    case "HiddenError":
      return Effect.succeed(replies.hiddenError(request))
    case "Limited":
      return Effect.succeed(replies.limited(retryAfter)(request))
    case "Empty":
      return Effect.succeed(replies.empty(request))
    case "Unreachable":
      return Effect.fail(lost(request, "ECONNREFUSED"))
    case "Silence":
      return Effect.never
  }
}

const Chance = Schema.Struct({ seed: Seed.field })

/**
 * An `HttpClient` that knows only these endpoints, and the world they live in. Every build of the layer begins it anew;
 * incidents count from then on. Throws `InvalidConfiguration` on no endpoints, on two of one id, and on accounts of one id
 * that are described differently.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { RelayService } from "effect-relay"
 * import { SimulatedEndpoint, VirtualTime } from "effect-relay/testing"
 *
 * const swift = SimulatedEndpoint.make("swift", {
 *   latency: { median: "80 millis", sigma: 0.3 },
 *   incidents: [{ from: "1 minute", lasts: "10 minutes", silence: 1 }]
 * })
 * const steady = SimulatedEndpoint.make("steady", { latency: { median: "200 millis", sigma: 0.3 } }, { tier: 1 })
 *
 * const RelaySimulated = RelayService.layerDefault({
 *   endpoints: [swift.endpoint, steady.endpoint],
 *   attemptTimeout: "2 seconds"
 * }).pipe(Layer.provideMerge(SimulatedEndpoint.layer([swift, steady])))
 *
 * const program = Effect.gen(function*() {
 *   const relay = yield* RelayService.RelayService
 *   const world = yield* SimulatedEndpoint.World
 *   const ask = relay.chat({ model: "any", messages: [{ role: "user", content: "Hi" }] })
 *   for (let second = 0; second < 900; second++) yield* Effect.andThen(ask, Effect.sleep("1 second"))
 *   for (const { answered, id, sent } of world.tallies()) console.log(id, "answered", answered, "of", sent)
 * })
 *
 * await Effect.runPromise(VirtualTime.run(Effect.provide(program, RelaySimulated), { seed: 1 }))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  endpoints: ReadonlyArray<SimulatedEndpoint>,
  options?: {
    /** What all chance comes from, a whole number. Default: 0. */
    readonly seed?: number | undefined
  }
): Layer.Layer<HttpClient.HttpClient | SimulatedWorld> => {
  const { seed } = settle(Configuration.decodeResult("SimulatedEndpoint.layer", Chance, options, { seed: 0 }))
  settle(Population.decode(endpoints))
  return Layer.effectContext(Effect.gen(function*() {
    const world = new SimulatedWorld(seed, endpoints)
    const beganAt = yield* Now.current
    const places = new Map(
      endpoints.map(({ behaviour, id }, place) => [
        `${baseUrlOf(id)}/chat/completions`,
        { place, answer: repliesOf(200, answerOf(id, behaviour)) }
      ])
    )
    const checked = new Map(endpoints.map(({ id }, place) => [baseUrlOf(id), place]))
    let strangers = 0

    const check = (request: Request, now: number): Effect.Effect<Reply, HttpClientError.HttpClientError> => {
      const place = checked.get(request.url.slice(0, request.url.lastIndexOf("/")))
      if (place === undefined) return Effect.fail(lost(request, "ENOTFOUND"))
      const verdict = world.foresee(place, --strangers, 0, now)
      const reply = replyTo(request, verdict, replies.models)
      // a list of models takes no longer than a refusal
      return verdict.kind === "Answer" ? Effect.andThen(Effect.sleep(15), reply) : reply
    }

    const perform = (request: Request): Effect.Effect<Reply, HttpClientError.HttpClientError> =>
      Effect.withFiber((fiber) => {
        const now = Now.read(Now.clockOf(fiber)) - beganAt
        const found = places.get(request.url)
        if (found === undefined) return check(request, now)
        const luck = fiber.getRef(Luck.Current) ?? Luck.make(--strangers)
        const verdict = world.ask(found.place, luck, now)
        if (verdict.kind === "Silence") return Effect.never
        return Effect.flatMap(Effect.sleep(verdict.after), () => replyTo(request, verdict, found.answer))
      })

    return Context.make(World, world).pipe(
      Context.add(
        HttpClient.HttpClient,
        HttpClient.makeWith(
          (request: Effect.Effect<Request, HttpClientError.HttpClientError>) => Effect.flatMap(request, perform),
          Effect.succeed
        )
      )
    )
  }))
}
