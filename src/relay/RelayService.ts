/**
 * Many endpoints as one service that keeps answering when they do not.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as ChatAnswer from "../endpoint/ChatAnswer.ts"
import * as ChatApi from "../endpoint/ChatApi.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as Endpoint from "../endpoint/Endpoint.ts"
import type * as EndpointStatus from "../endpoint/EndpointStatus.ts"
import * as Failure from "../endpoint/Failure.ts"
import * as HealthMonitor from "../endpoint/HealthMonitor.ts"
import * as Registry from "../endpoint/Registry.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Bulkhead from "../policy/Bulkhead.ts"
import * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Now from "../policy/Now.ts"
import * as RateLimiter from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as ResponseCache from "../policy/ResponseCache.ts"
import * as Retry from "../policy/Retry.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Call from "./Call.ts"
import type * as Meta from "./Meta.ts"
import * as RelayError from "./RelayError.ts"
import type * as RelayEvent from "./RelayEvent.ts"
import * as RelayEvents from "./RelayEvents.ts"

/**
 * How endpoints are checked while nobody calls them.
 *
 * @category models
 * @since 0.1.0
 */
export interface HealthOptions {
  /** When to check. Default: every ten seconds, jittered. */
  readonly schedule?: Schedule.Schedule<unknown> | undefined
  /** How long a check may take. */
  readonly timeout?: Duration.Input | undefined
  /** What is fetched below an endpoint's base URL. */
  readonly path?: string | undefined
}

/**
 * The options of a relay; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** At least one. They can be changed later. */
  readonly endpoints: ReadonlyArray<Endpoint.Options>
  /** When to begin another round after every candidate has failed. */
  readonly retry?: Schedule.Schedule<unknown, unknown> | undefined
  /** How long one attempt may take, body included. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest the relay waits between rounds; a longer `retryAfter` fails at once. */
  readonly maxWait?: Duration.Input | undefined
  /** How often one call may be sent, all endpoints and rounds together, 1 to 1000. */
  readonly maxAttempts?: number | undefined
  /** Retry rounds that can be afforded when nothing succeeds, from 0 up. */
  readonly retryBudget?: number | undefined
  /** What a success adds to that, 0 to 1. */
  readonly retryRatio?: number | undefined
  /** An answer is slow when it takes more than this many times what the endpoint usually takes, from 1 up … */
  readonly slowFactor?: number | undefined
  /** … and more than this. */
  readonly slowFloor?: Duration.Input | undefined
  /** A longer body is refused while it is read, from 1 up. */
  readonly maxResponseBytes?: number | undefined
  /** Checks of the endpoints, or `"off"`. */
  readonly health?: HealthOptions | "off" | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  retry: Retry.standard,
  attemptTimeout: "30 seconds",
  maxWait: "30 seconds",
  maxAttempts: 16,
  retryBudget: 100,
  retryRatio: 0.1,
  slowFactor: 3,
  slowFloor: "1 second",
  maxResponseBytes: 8 * 1024 * 1024,
  health: { schedule: HealthMonitor.everyTenSeconds, timeout: "5 seconds", path: "/models" }
} as const satisfies Omit<Required<Options>, "endpoints">

const schedule = Schema.Unknown.pipe(Schema.refine(
  (value): value is Schedule.Schedule<unknown, unknown> => Schedule.isSchedule(value),
  { message: "it has to be a Schedule, such as Retry.standard" }
))

const Settings = Schema.Struct({
  endpoints: Schema.Array(Schema.Unknown).check(
    Schema.makeFilter<ReadonlyArray<unknown>>((list) => list.length > 0 || "it has to name at least one endpoint")
  ),
  retry: schedule,
  attemptTimeout: Configuration.duration,
  maxWait: Configuration.durationOrZero,
  maxAttempts: Configuration.integer(1, 1000),
  retryBudget: Configuration.integer(0),
  retryRatio: Configuration.share("closed"),
  slowFactor: Configuration.amount.check(
    Schema.makeFilter<number>((value) => value >= 1 || "it has to be 1 or more")
  ),
  slowFloor: Configuration.durationOrZero,
  maxResponseBytes: Configuration.integer(1),
  health: Schema.Unknown
})

const HealthSettings = Schema.Struct({
  schedule,
  timeout: Configuration.duration,
  path: Schema.String
})

/**
 * What a caller can say about one chat.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatOptions {
  /** Whose request it is: answers are cached for, and only for, a tenant. Without one the cache is bypassed. */
  readonly tenant?: string | undefined
  /** How long the caller is ready to wait, attempts and waits included. */
  readonly deadline?: Duration.Input | undefined
  /** `true` also caches an answer that leaves room for chance; `false` bypasses the cache. */
  readonly cache?: boolean | undefined
}

/**
 * What a caller can say about one operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExecuteOptions<E> {
  /** How long the caller is ready to wait, attempts and waits included. */
  readonly deadline?: Duration.Input | undefined
  /** Whether the operation may run again after it ran once. Default: true. */
  readonly idempotent?: boolean | undefined
  /** Whether a failure is the caller's own fault: no endpoint is blamed and none is tried after it. Default: none is. */
  readonly isCallersFault?: ((failure: E) => boolean) | undefined
}

/**
 * A chat answer and how it came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatReply extends ChatAnswer.ChatAnswer {
  readonly meta: Meta.ChatMeta
}

/**
 * The endpoints of a relay, which can be changed while calls are under way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoints extends Pick<Registry.Registry, "add" | "replace" | "drain" | "remove"> {
  /** Holds an endpoint's circuit open until `reset`. */
  readonly isolate: (id: string) => Effect.Effect<void, Registry.EndpointNotFound>
  /** Closes an endpoint's circuit and forgets what was held against it. */
  readonly reset: (id: string) => Effect.Effect<void, Registry.EndpointNotFound>
}

/**
 * A relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface RelayService {
  /** Asks the endpoints that serve the request's model for a completion. */
  readonly chat: (
    request: ChatRequest.ChatRequest,
    options?: ChatOptions
  ) => Effect.Effect<ChatReply, RelayError.RelayError>
  /**
   * Runs an operation of your own with whichever endpoint is chosen, under the
   * same policies, failover and retries. An operation may run more than once.
   */
  readonly execute: <A, E, R>(
    operation: (endpoint: Endpoint.Endpoint) => Effect.Effect<A, E, R>,
    options?: ExecuteOptions<E>
  ) => Effect.Effect<Call.Answered<A>, E | RelayError.ExecuteError, R>
  readonly status: Effect.Effect<ReadonlyArray<EndpointStatus.EndpointStatus>>
  /** What happens from now on. A listener that falls far behind loses the oldest events. */
  readonly events: Stream.Stream<RelayEvent.RelayEvent>
  readonly endpoints: Endpoints
  readonly cache: ResponseCache.ResponseCache
}

/**
 * The service that an app asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const RelayService: Context.Service<RelayService, RelayService> = Context.Service<RelayService>(
  "effect-relay/relay/RelayService"
)

/**
 * What a relay stands on.
 *
 * @category models
 * @since 0.1.0
 */
export type Requirements =
  | CircuitBreaker.CircuitBreaker
  | Bulkhead.Bulkhead
  | RateLimiter.RateLimiter
  | ResponseCache.ResponseCache
  | HttpClient.HttpClient

/** Samples before an endpoint's own past means anything, and how fast its present fades. */
const latencyWarmup = 20
const latencyDecay = 10_000

const deadlineOf = (
  deadline: Duration.Input | undefined
): Effect.Effect<number | undefined, RelayError.DeadlineExceeded> => {
  if (deadline === undefined) return Effect.undefined
  const millis = Duration.toMillis(Duration.fromInputUnsafe(deadline))
  if (millis > 0) return Effect.succeed(millis)
  // also for NaN: a deadline that makes no sense is not an endless one
  return Effect.fail(
    Rejection.make(RelayError.DeadlineExceeded, { deadline: Duration.zero, attempts: Attempt.none })
  )
}

const rejected = (detail: string): RelayError.RelayError =>
  Rejection.make(Failure.RequestRejected, { detail, attempts: Attempt.none })

const makeChat = (
  relay: Call.Relay,
  transport: ChatApi.Transport,
  cache: ResponseCache.ResponseCache
): RelayService["chat"] => {
  const ask = (request: ChatRequest.ChatRequest, deadline: number | undefined) =>
    Call.run<ChatAnswer.ChatAnswer, Failure.Answered, never>(relay, {
      model: request.model,
      estimatedTokens: ChatRequest.estimateTokens(request),
      operation: (endpoint) =>
        ChatApi.complete(transport, endpoint, Endpoint.wireModel(endpoint, request.model) ?? request.model, request),
      usedTokens: (answer) => answer.tokens.total === 0 ? undefined : answer.tokens.total,
      verdict: Verdict.of,
      deadline,
      idempotent: true
    })

  const isCached = (request: ChatRequest.ChatRequest, options: ChatOptions | undefined): boolean =>
    options?.tenant !== undefined && options.cache !== false &&
    (options.cache === true || cache.cacheNonDeterministic || request.temperature === 0)

  const reply = (
    { meta, value }: Call.Answered<ChatAnswer.ChatAnswer>,
    cached: Meta.ChatMeta["cache"]
  ): ChatReply => ({ ...value, meta: { ...meta, model: value.model, cache: cached, tokens: value.tokens } })

  return Effect.fnUntraced(function*(request, options) {
    const startedAt = yield* now
    const flaw = ChatRequest.flaw(request)
    if (flaw !== undefined) return yield* Effect.fail(rejected(flaw))
    const deadline = yield* deadlineOf(options?.deadline)
    if (!isCached(request, options)) return reply(yield* ask(request, deadline), "bypass")

    const answer = yield* cache.through({ tenant: options!.tenant!, request }, ask(request, deadline)).pipe(
      Effect.catchTag("Uncacheable", (uncacheable) => Effect.fail(rejected(uncacheable.message)))
    )
    if (!answer.hit) return reply(answer.value, "miss")
    relay.events.tell({ _tag: "CacheHit", model: request.model })
    const latency = (yield* now) - startedAt
    return reply({ value: answer.value.value, meta: { ...answer.value.meta, latency, attempts: Attempt.none } }, "hit")
  }, (effect) =>
    Effect.tapError(effect, (failure) =>
      Effect.sync(() => {
        relay.events.tell({ _tag: "CallFailed", failure: failure._tag, attempts: failure.attempts })
      })))
}

const now = Effect.withFiberSucceed((fiber) => Now.read(Now.clockOf(fiber)))

const makeExecute = (relay: Call.Relay): RelayService["execute"] => (operation, options) =>
  Effect.flatMap(deadlineOf(options?.deadline), (deadline) =>
    Call.run(relay, {
      model: undefined,
      estimatedTokens: 0,
      operation,
      usedTokens: () => undefined,
      verdict: (failure) => options?.isCallersFault?.(failure as never) === true ? callersFault : Verdict.of(failure),
      deadline,
      idempotent: options?.idempotent !== false
    }))

const callersFault: Verdict.Verdict = { breaker: "Ignored", again: false, elsewhere: false }

/**
 * Builds a relay in a scope; most apps use `layer`.
 *
 * Fails with `InvalidConfiguration` on an option, or an endpoint, that cannot work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<RelayService, Configuration.InvalidConfiguration, Requirements | Scope.Scope> =>
  Effect.gen(function*() {
    const settings = yield* Configuration.decode("RelayService", Settings, options, defaults)
    const client = yield* HttpClient.HttpClient
    const breaker = yield* CircuitBreaker.CircuitBreaker
    const bulkhead = yield* Bulkhead.Bulkhead
    const limiter = yield* RateLimiter.RateLimiter
    const cache = yield* ResponseCache.ResponseCache
    const clock = yield* Effect.withFiberSucceed(Now.clockOf)
    const events = yield* RelayEvents.make(clock)

    const registry = Registry.make({
      breaker,
      bulkhead,
      limiter,
      latency: {
        decay: latencyDecay,
        slowFactor: settings.slowFactor,
        slowFloor: settings.slowFloor,
        warmup: latencyWarmup
      },
      onChange: ({ _tag, target }) => {
        events.tell({ _tag: "EndpointChanged", endpoint: target.endpoint.id, change: _tag })
        if (_tag !== "Added" && _tag !== "Replaced") return
        target.breaker.watchUnsafe(({ from, to }) => {
          events.tell({ _tag: "CircuitChanged", endpoint: target.endpoint.id, from, to })
        })
      }
    })
    for (const endpoint of options.endpoints) yield* registry.add(endpoint)

    if (settings.health !== "off") {
      const health = yield* Configuration.decode(
        "RelayService.health",
        HealthSettings,
        Object(settings.health),
        defaults.health
      )
      yield* HealthMonitor.start(client, registry.all, health, (finding) => {
        events.tell({ _tag: "HealthChecked", ...finding })
      })
    }

    const relay: Call.Relay = {
      registry,
      events,
      retry: settings.retry,
      attemptTimeout: settings.attemptTimeout,
      maxWait: settings.maxWait,
      maxAttempts: settings.maxAttempts,
      budgetRule: { capacity: settings.retryBudget, ratio: settings.retryRatio },
      budget: settings.retryBudget
    }

    return {
      chat: makeChat(relay, { client, maxResponseBytes: settings.maxResponseBytes }, cache),
      execute: makeExecute(relay),
      status: Effect.map(now, (now) => Array.from(registry.all(), (target) => target.status(now))),
      events: events.stream,
      endpoints: {
        add: registry.add,
        replace: registry.replace,
        drain: registry.drain,
        remove: registry.remove,
        isolate: (id) => Effect.flatMap(registry.get(id), (target) => target.breaker.isolate),
        reset: (id) => Effect.flatMap(registry.get(id), (target) => target.breaker.reset)
      },
      cache
    }
  })

/**
 * A relay over these endpoints, with the policies and the HTTP client of the
 * layers below it; one that is missing is a type error.
 *
 * ```ts no-run
 * import { Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 * import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache, Retry } from "effect-relay"
 *
 * export const RelayLive = RelayService.layer({
 *   endpoints: [
 *     { id: "primary", baseUrl: "https://api.openai.com/v1", apiKey: Redacted.make("sk-…"), tier: 0 },
 *     { id: "backup", baseUrl: "https://api.deepseek.com/v1", apiKey: Redacted.make("sk-…"), tier: 1 }
 *   ],
 *   retry: Retry.standard
 * }).pipe(
 *   Layer.provide([
 *     CircuitBreaker.layer({ openFor: "10 seconds" }),
 *     Bulkhead.layer({ maxConcurrent: 50 }),
 *     RateLimiter.layer(),
 *     ResponseCache.layer({ timeToLive: "10 minutes" })
 *   ]),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<RelayService, Configuration.InvalidConfiguration, Requirements> =>
  Layer.effect(RelayService, make(options))

/**
 * A relay with every policy at its defaults; only the HTTP client is left to provide.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDefault = (
  options: Options
): Layer.Layer<RelayService, Configuration.InvalidConfiguration, HttpClient.HttpClient> =>
  layer(options).pipe(
    Layer.provide([CircuitBreaker.layer(), Bulkhead.layer(), RateLimiter.layer(), ResponseCache.layer()])
  )
