/**
 * Many endpoints as one service that keeps answering when they do not.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AccountLimits from "../endpoint/AccountLimits.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import type * as EndpointStatus from "../endpoint/EndpointStatus.ts"
import * as HealthMonitor from "../endpoint/HealthMonitor.ts"
import * as Registry from "../endpoint/Registry.ts"
import * as TokenEstimator from "../endpoint/TokenEstimator.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import * as Bulkhead from "../policy/Bulkhead.ts"
import * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Now from "../policy/Now.ts"
import * as RateLimiter from "../policy/RateLimiter.ts"
import * as ResponseCache from "../policy/ResponseCache.ts"
import * as Balance from "./Balance.ts"
import * as Budgets from "./Budgets.ts"
import * as Chat from "./Chat.ts"
import * as Execute from "./Execute.ts"
import * as Explain from "./Explain.ts"
import * as Hedging from "./Hedging.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayEvent from "./RelayEvent.ts"
import * as RelayEvents from "./RelayEvents.ts"
import * as RelayOptions from "./RelayOptions.ts"
import * as Send from "./Send.ts"
import * as Streaming from "./Streaming.ts"
import * as StreamOptions from "./StreamOptions.ts"
import * as Usage from "./Usage.ts"
import type * as UsageReport from "./UsageReport.ts"
import * as Watch from "./Watch.ts"

export {
  /**
   * What a caller can say about one chat.
   *
   * @category models
   * @since 0.1.0
   */
  type Options as ChatOptions,
  /**
   * A chat answer and how it came about.
   *
   * @category models
   * @since 0.1.0
   */
  type Reply as ChatReply
} from "./Chat.ts"

export {
  /**
   * What a caller can say about one operation.
   *
   * @category models
   * @since 0.1.0
   */
  type Options as ExecuteOptions
} from "./Execute.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options of a relay.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./RelayOptions.ts"

export {
  /**
   * What a caller can say about one request.
   *
   * @category models
   * @since 0.1.0
   */
  type Options as SendOptions,
  /**
   * A reply and how it came about.
   *
   * @category models
   * @since 0.1.0
   */
  type Reply as SendReply
} from "./Send.ts"

export {
  /**
   * What a caller can say about one stream.
   *
   * @category models
   * @since 0.1.0
   */
  type Options as StreamOptions
} from "./Streaming.ts"

/**
 * The endpoints of a relay, which can be changed while calls are under way. Who
 * changes them, and why, goes into the event stream.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoints
  extends Pick<Registry.Registry, "add" | "replace" | "set" | "drain" | "remove" | "isolate" | "reset">
{}

/**
 * A relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface RelayService {
  /** Asks the endpoints that serve the request's model for a completion. */
  readonly chat: Chat.Chat
  /**
   * Runs an operation of your own with whichever endpoint is chosen, under the
   * same policies, failover and retries. An operation may run more than once.
   */
  readonly execute: Execute.Execute
  /**
   * What `chat` would do with this request now, cache aside: whom it would ask, why not the others, what would change
   * that, and what it does if nobody answers. Nothing is sent, charged or moved.
   */
  readonly explain: Explain.Explain
  /**
   * Sends an HTTP request, of an API that OpenAI's clients know, to whichever
   * endpoint is chosen: the endpoint's URL, key and name for the model instead of
   * the caller's. To an endpoint of another dialect a chat is written anew, and its
   * answer comes back as a chat completion; for anything else it is not asked. The
   * cache has no part in it.
   */
  readonly send: Send.Send
  /**
   * Asks for a completion that comes bit by bit. Up to the commit point failures
   * leave no trace, as in a chat; an answer that is broken off later fails with
   * `StreamInterrupted`, or goes on as `afterCommit` says. Only a `Finish` makes
   * what came a whole answer. It begins when somebody listens, and whoever stops
   * listening hangs up. With a `tenant`, an answer that is kept comes out at once,
   * and one that came whole is kept.
   */
  readonly stream: Streaming.StreamChat
  readonly status: Effect.Effect<ReadonlyArray<EndpointStatus.EndpointStatus>>
  /** What calls took so far, by day, tenant, endpoint and model. */
  readonly usage: Effect.Effect<ReadonlyArray<UsageReport.Row>>
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

/**
 * Builds a relay in a scope; most apps use `layer`.
 *
 * Fails with `InvalidConfiguration` on an option, or an endpoint, that cannot work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: RelayOptions.Options
): Effect.Effect<RelayService, Configuration.InvalidConfiguration, Requirements | Scope.Scope> =>
  Effect.gen(function*() {
    const settings = yield* Configuration.decode("RelayService", RelayOptions.Settings, options, RelayOptions.defaults)
    const transport = { client: yield* HttpClient.HttpClient, maxResponseBytes: settings.maxResponseBytes }
    const breaker = yield* CircuitBreaker.CircuitBreaker
    const bulkhead = yield* Bulkhead.Bulkhead
    const limiter = yield* RateLimiter.RateLimiter
    const cache = yield* ResponseCache.ResponseCache
    const hedge = yield* Hedging.make(settings.hedge)
    const streamOptions = { ...StreamOptions.defaults, ...settings.stream }
    const stream = yield* StreamOptions.decode("RelayService.stream", settings.stream, StreamOptions.defaults)
    const clock = yield* Effect.withFiberSucceed(Now.clockOf)
    const events = yield* RelayEvents.make(clock)
    yield* Stream.runForEach(
      cache.storeFailures,
      (failure) => Effect.sync(() => events.tell({ _tag: "CacheStoreFailed", ...failure }))
    ).pipe(Effect.forkScoped({ startImmediately: true }))
    const peers = yield* RelayOptions.decodeOutliers(settings.outliers, settings.slowFloor)

    const registry = Registry.make({
      policies: { breaker, bulkhead, limiter },
      accounts: yield* AccountLimits.make(limiter, settings.accounts),
      fitness: {
        latency: {
          decay: latencyDecay,
          slowFactor: settings.slowFactor,
          slowFloor: settings.slowFloor,
          warmup: latencyWarmup
        },
        slowStart: settings.slowStart
      },
      peers,
      onChange: Watch.make(events, clock, (id) => registry.find(id))
    })
    const add = (endpoint: Endpoint.Options) => Effect.catchTag(registry.add(endpoint), "InvalidArgument", Effect.die)
    for (const endpoint of settings.endpoints) yield* add(endpoint)

    if (settings.health !== "off") {
      const health = yield* Configuration.decode(
        "RelayService.health",
        RelayOptions.HealthSettings,
        Object(settings.health),
        RelayOptions.defaults.health
      )
      yield* HealthMonitor.start(transport, registry.all, health, ({ duration, endpoint, healthy }) => {
        events.tell({ _tag: "HealthChecked", endpoint, healthy, duration })
      })
    }

    const relay: Progress.Relay = {
      registry,
      events,
      estimator: TokenEstimator.safely(yield* TokenEstimator.TokenEstimator),
      strategy: Balance.toStrategy(settings.balance),
      retry: settings.retry,
      attemptTimeout: settings.attemptTimeout,
      maxWait: settings.maxWait,
      maxAttempts: settings.maxAttempts,
      budget: RetryBudget.make(
        { capacity: settings.retryBudget, ratio: settings.retryRatio, ttl: Infinity, reserve: 0 },
        settings.retryBudget
      ),
      usage: yield* Usage.make(settings.usage),
      budgets: yield* Budgets.make(settings.budgets),
      hedge
    }

    return {
      chat: Chat.make(relay, transport, cache),
      execute: Execute.make(relay),
      explain: Explain.make(relay),
      send: Send.make(relay, transport),
      stream: Streaming.make(relay, transport, cache, streamOptions, stream),
      status: Effect.map(Now.current, (now) => Array.from(registry.all(), (target) => target.status(now))),
      usage: relay.usage.report,
      events: events.stream,
      endpoints: {
        add: registry.add,
        replace: registry.replace,
        set: registry.set,
        drain: registry.drain,
        remove: registry.remove,
        isolate: registry.isolate,
        reset: registry.reset
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
 *     { id: "primary", baseUrl: "https://api.openai.com/v1", apiKey: Redacted.make("sk-..."), tier: 0 },
 *     { id: "backup", baseUrl: "https://api.deepseek.com/v1", apiKey: Redacted.make("sk-..."), tier: 1 }
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
  options: RelayOptions.Options
): Layer.Layer<RelayService, Configuration.InvalidConfiguration, Requirements> =>
  Layer.effect(RelayService, make(options))

/**
 * A relay with every policy at its defaults; only the HTTP client is left to provide.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDefault = (
  options: RelayOptions.Options
): Layer.Layer<RelayService, Configuration.InvalidConfiguration, HttpClient.HttpClient> =>
  layer(options).pipe(
    Layer.provide([CircuitBreaker.layer(), Bulkhead.layer(), RateLimiter.layer(), ResponseCache.layer()])
  )
