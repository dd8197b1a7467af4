/** A relay over scripted endpoints, in virtual time, and the questions that tests ask of it. */
import { Clock, Effect, Fiber, Layer, Option, type Scope, Stream } from "effect"
import {
  Bulkhead,
  type ChatRequest,
  CircuitBreaker,
  type Configuration,
  type EndpointStatus,
  RateLimiter,
  type RelayEvent,
  RelayService,
  ResponseCache
} from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import type { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"

/** Options of the relay, and of the policies below it. */
export interface Options extends Omit<RelayService.Options, "endpoints"> {
  readonly circuitBreaker?: CircuitBreaker.Options
  readonly bulkhead?: Bulkhead.Options
  readonly rateLimiter?: RateLimiter.Options
  readonly responseCache?: ResponseCache.Options
}

/** What a test may ask for. */
export type Services =
  | RelayService.RelayService
  | ScriptedEndpoint.Recorder
  | CircuitBreaker.CircuitBreaker
  | Bulkhead.Bulkhead
  | RateLimiter.RateLimiter
  | ResponseCache.ResponseCache
  | HttpClient.HttpClient

/** Health checks are off unless a test asks for them: they would be heard in every count. */
export const over = (
  endpoints: ReadonlyArray<ScriptedEndpoint.ScriptedEndpoint>,
  options?: Options
): Layer.Layer<Services, Configuration.InvalidConfiguration> => {
  const { bulkhead, circuitBreaker, rateLimiter, responseCache, ...relay } = options ?? {}
  return RelayService.layer({ health: "off", ...relay, endpoints: endpoints.map(({ endpoint }) => endpoint) }).pipe(
    Layer.provideMerge([
      CircuitBreaker.layer(circuitBreaker),
      Bulkhead.layer(bulkhead),
      RateLimiter.layer(rateLimiter),
      ResponseCache.layer(responseCache),
      ScriptedEndpoint.layer(...endpoints)
    ])
  )
}

/** A request that any endpoint may answer. */
export const hi: ChatRequest.ChatRequest = { model: "any", messages: [{ role: "user", content: "Hi" }] }

export const relay = RelayService.RelayService

export const chat = (options?: RelayService.ChatOptions, request: ChatRequest.ChatRequest = hi) =>
  Effect.flatMap(relay, (relay) => relay.chat(request, options))

/** A call that fails, and its failure. */
export const failure = (options?: RelayService.ChatOptions, request?: ChatRequest.ChatRequest) =>
  Effect.flip(chat(options, request))

/** Starts at once, so that its first sleep is there when the clock moves. */
export const start = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
  Effect.forkChild(effect, { startImmediately: true })

/** Runs an effect that waits, moving the clock as far as it needs, and no further than an hour. */
export const whatever = Effect.fnUntraced(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* start(effect)
  for (let second = 0; second < 3600 && fiber.pollUnsafe() === undefined; second++) yield* TestClock.adjust("1 second")
  return yield* Fiber.join(fiber)
})

/** Lets virtual time pass. */
export const pass = TestClock.adjust

/** Whether a fiber has ended. */
export const hasEnded = <A, E>(fiber: Fiber.Fiber<A, E>): boolean => fiber.pollUnsafe() !== undefined

export const received = (id: string) => Effect.flatMap(ScriptedEndpoint.Recorder, (recorder) => recorder.received(id))

/** How many chat requests reached an endpoint. */
export const count = (id: string): Effect.Effect<number, never, ScriptedEndpoint.Recorder> =>
  Effect.map(received(id), (received) => received.length)

/** How many reached each of these. */
export const counts = (...ids: ReadonlyArray<string>) => Effect.forEach(ids, count)

/** When they reached it. */
export const times = (id: string) => Effect.map(received(id), (received) => received.map(({ at }) => at))

export const play = (
  id: string,
  ...script: readonly [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>]
): Effect.Effect<void, never, ScriptedEndpoint.Recorder> =>
  Effect.flatMap(ScriptedEndpoint.Recorder, (recorder) => recorder.play(id, script))

export const status = (id: string): Effect.Effect<EndpointStatus.EndpointStatus, never, RelayService.RelayService> =>
  Effect.flatMap(
    relay,
    ({ status }) =>
      Effect.flatMap(
        status,
        (all) => Effect.orDie(Effect.fromOption(Option.fromNullishOr(all.find((one) => one.id === id))))
      )
  )

/** What a relay tells from now on, in order, as it is told. */
export const listen: Effect.Effect<
  ReadonlyArray<RelayEvent.RelayEvent>,
  never,
  RelayService.RelayService | Scope.Scope
> = Effect.gen(function*() {
  const { events } = yield* relay
  const heard: Array<RelayEvent.RelayEvent> = []
  yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => heard.push(event))), {
    startImmediately: true
  })
  return heard
})

/** Milliseconds since the test began. */
export const now = Clock.currentTimeMillis
