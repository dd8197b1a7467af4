/**
 * A relay for code that knows no Effect: promises, an `AsyncIterable`, a `fetch`.
 *
 * What rejects is the failure itself, of the same class and with the same fields
 * as in Effect's error channel, so `instanceof` and `_tag` tell them apart.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import type * as ChatRequest from "../endpoint/ChatRequest.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import type * as EndpointStatus from "../endpoint/EndpointStatus.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as CallOptions from "../relay/CallOptions.ts"
import type * as Meta from "../relay/Meta.ts"
import type * as RelayEvent from "../relay/RelayEvent.ts"
import type * as RelayExplanation from "../relay/RelayExplanation.ts"
import * as RelayService from "../relay/RelayService.ts"
import type * as StreamChunk from "../relay/StreamChunk.ts"
import type * as UsageReport from "../relay/UsageReport.ts"
import { Listeners } from "./Listeners.ts"
import * as Promised from "./Promised.ts"
import * as RelayFetch from "./RelayFetch.ts"

/**
 * What ends a call from outside. The promise then rejects with the signal's
 * reason, after all that the call held has been given back; the endpoint is not
 * blamed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/**
 * What a caller can say about one operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExecuteOptions extends RelayService.ExecuteOptions<unknown>, Abortable {}

/**
 * What a caller can say about one chat.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatOptions extends RelayService.ChatOptions, Abortable {}

/**
 * What a caller can say about one stream.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamOptions extends RelayService.StreamOptions, Abortable {}

/**
 * A relay by promises. Durations are milliseconds, or texts such as `"5 seconds"`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RelayPromise {
  /** Asks the endpoints that serve the request's model for a completion. */
  readonly chat: (request: ChatRequest.ChatRequest, options?: ChatOptions) => Promise<RelayService.ChatReply>
  /**
   * Runs an operation of your own with whichever endpoint is chosen. It may run
   * more than once, and its signal ends it when its time is up. What it rejects
   * with is a failure of the endpoint, unless `isCallersFault` says otherwise.
   */
  readonly execute: <A>(
    operation: (endpoint: Endpoint.Endpoint, signal: AbortSignal) => PromiseLike<A>,
    options?: ExecuteOptions
  ) => Promise<{ readonly value: A; readonly meta: Meta.Meta }>
  /**
   * Asks for a completion that comes bit by bit; each `for await` asks anew, and
   * one that is left, or whose signal aborts, hangs up at once. The last chunk is a `Finish`, or it throws.
   */
  readonly stream: (
    request: ChatRequest.ChatRequest,
    options?: StreamOptions
  ) => AsyncIterable<StreamChunk.StreamChunk>
  /** Goes into the clients that take one: see `RelayFetch`. */
  readonly fetch: typeof globalThis.fetch
  /** What `chat` would do with this request now; nothing is sent. */
  readonly explain: (
    request: ChatRequest.ChatRequest,
    options?: RelayService.ChatOptions
  ) => Promise<RelayExplanation.RelayExplanation>
  readonly status: () => Promise<ReadonlyArray<EndpointStatus.EndpointStatus>>
  /** What calls took so far, by day, tenant, endpoint and model. */
  readonly usage: () => Promise<ReadonlyArray<UsageReport.Row>>
  /** What happens from the first `next` on. A listener that falls far behind loses the oldest events. */
  readonly events: AsyncIterable<RelayEvent.RelayEvent>
  readonly endpoints: Endpoints
  /** Ends the calls under way, the checks and the events; later calls reject. */
  readonly dispose: () => Promise<void>
}

/**
 * The endpoints of a relay, which can be changed while calls are under way.
 *
 * @category models
 * @since 0.1.0
 */
export type Endpoints = {
  readonly [Name in keyof RelayService.Endpoints]: (
    ...args: Parameters<RelayService.Endpoints[Name]>
  ) => Promise<void>
}

// one of another realm is one as well
const isSignal = (value: unknown): value is AbortSignal =>
  typeof value === "object" && value !== null && "throwIfAborted" in value && "addEventListener" in value

const noSignal = (value: unknown) =>
  CallOptions.rejected({ argument: "signal", value: Arguments.show(value), rule: "it has to be an AbortSignal" })

/** The signal among the options of a call, and the rest of them; what is no object is the relay's to refuse. */
const split = <Options extends Abortable>(
  options: Options | undefined
): { readonly signal?: AbortSignal | undefined; readonly rest: Omit<Options, "signal"> | undefined } => {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return { rest: options }
  const { signal, ...rest } = options
  return { signal, rest }
}

type Source = RelayService.Options | Layer.Layer<RelayService.RelayService, unknown>

const layerOf = (relay: Source): Layer.Layer<RelayService.RelayService, unknown> =>
  Layer.isLayer(relay)
    ? relay as Layer.Layer<RelayService.RelayService, unknown>
    : Layer.provide(RelayService.layerDefault(relay as RelayService.Options), FetchHttpClient.layer)

/**
 * Builds a relay: from its options, with every policy at its defaults and the
 * `fetch` of the platform, or from a layer. Rejects with `InvalidConfiguration`
 * on an option that cannot work.
 *
 * ```ts no-run
 * import { Redacted } from "effect"
 * import { Failure, RelayPromise } from "effect-relay"
 *
 * const relay = await RelayPromise.make({
 *   endpoints: [
 *     { id: "primary", baseUrl: "https://api.openai.com/v1", apiKey: Redacted.make("sk-...") },
 *     { id: "backup", baseUrl: "https://api.deepseek.com/v1", apiKey: Redacted.make("sk-..."), tier: 1 }
 *   ]
 * })
 * try {
 *   const answer = await relay.chat(
 *     { model: "smart", messages: [{ role: "user", content: "Hi" }] },
 *     { deadline: "20 seconds", signal: new AbortController().signal }
 *   )
 *   console.log(answer.text, answer.meta.endpoint)
 * } catch (error) {
 *   if (error instanceof Failure.RequestRejected) console.log("no endpoint would take it:", error.detail)
 *   else throw error
 * } finally {
 *   await relay.dispose()
 * }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = async (
  relay: RelayService.Options | Layer.Layer<RelayService.RelayService, unknown>
): Promise<RelayPromise> => {
  const runtime = ManagedRuntime.make(layerOf(relay))
  try {
    return over(await Promised.run(runtime, RelayService.RelayService, undefined), runtime)
  } catch (error) {
    await runtime.dispose()
    throw error
  }
}

const over = (
  relay: RelayService.RelayService,
  managed: ManagedRuntime.ManagedRuntime<RelayService.RelayService, unknown>
): RelayPromise => {
  let isDisposed = false
  const gone = new Error("this relay was disposed of")
  const listeners = new Listeners()
  // a runtime that is gone says so in words of its own
  const runtime: Promised.Runtime = {
    runPromiseExit: async (effect, options) => {
      const exit = isDisposed ? undefined : await managed.runPromiseExit(effect, options)
      if (exit !== undefined && !(isDisposed && Exit.hasInterrupts(exit))) return exit
      return Exit.die(gone)
    }
  }
  const run = <A, E>(effect: Effect.Effect<A, E>, signal?: AbortSignal): Promise<A> =>
    Promised.run(runtime, effect, signal)
  const { endpoints } = relay
  const call = <Options extends Abortable, A, E>(
    options: Options | undefined,
    ask: (options: Omit<Options, "signal"> | undefined) => Effect.Effect<A, E>
  ): Promise<A> => {
    const { rest, signal } = split(options)
    if (signal === undefined || isSignal(signal)) return run(ask(rest), signal)
    return run(Effect.fail(noSignal(signal)))
  }

  return {
    chat: (request, options) => call(options, (rest) => relay.chat(request, rest)),
    execute: (operation, options) =>
      call(options, (rest) =>
        relay.execute(
          // what is no function is the relay's to refuse
          typeof operation !== "function" ? operation : (endpoint) =>
            // who gives back a plain value has kept a promise
            Effect.tryPromise({
              try: async (signal) => operation(endpoint, signal),
              catch: (failure): unknown => failure
            }),
          rest
        )),
    stream: (request, options) => {
      const { rest, signal } = split(options)
      const chunks = Stream.suspend(() => {
        if (isDisposed) return Stream.die(gone)
        if (signal !== undefined && !isSignal(signal)) return Stream.fail(noSignal(signal))
        return Stream.unwrap(
          Effect.map(managed.contextEffect, (context) => Stream.provideContext(relay.stream(request, rest), context))
        )
      })
      return listeners.iterable(chunks, isSignal(signal) ? signal : undefined)
    },
    fetch: RelayFetch.make(relay, { runtime }),
    explain: (request, options) => run(relay.explain(request, options)),
    status: () => run(relay.status),
    usage: () => run(relay.usage),
    events: Stream.toAsyncIterable(relay.events),
    endpoints: {
      add: (options, audit) => run(endpoints.add(options, audit)),
      replace: (options, audit) => run(endpoints.replace(options, audit)),
      set: (list, audit) => run(endpoints.set(list, audit)),
      drain: (subject, audit) => run(endpoints.drain(subject, audit)),
      remove: (id, audit) => run(endpoints.remove(id, audit)),
      isolate: (subject, audit) => run(endpoints.isolate(subject, audit)),
      reset: (subject, audit) => run(endpoints.reset(subject, audit))
    },
    dispose: async () => {
      isDisposed = true
      await Promise.all([listeners.hangUp(gone), managed.dispose()])
    }
  }
}
