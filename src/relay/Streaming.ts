/**
 * Streamed answers over a relay.
 *
 * An attempt lasts as long as its stream: so it is admitted, charged and settled
 * as any other, once. The call runs in a fiber of the stream's scope, and whoever
 * stops listening interrupts it; one that many wait for is interrupted by the last.
 *
 * @since 0.1.0
 */
import * as Channel from "effect/Channel"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as ChatApi from "../endpoint/ChatApi.ts"
import type * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as Failure from "../endpoint/Failure.ts"
import * as HttpHeader from "../endpoint/HttpHeader.ts"
import * as WireHeaders from "../endpoint/WireHeaders.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as Attempt from "../policy/Attempt.ts"
import type * as Budget from "../policy/Budget.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as ResponseCache from "../policy/ResponseCache.ts"
import * as AnswerCache from "./AnswerCache.ts"
import * as CallOptions from "./CallOptions.ts"
import * as Chat from "./Chat.ts"
import * as Deadline from "./Deadline.ts"
import { Delivery } from "./Delivery.ts"
import * as Lack from "./Lack.ts"
import type * as Meta from "./Meta.ts"
import { Outlet } from "./Outlet.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"
import * as SharedStream from "./SharedStream.ts"
import * as StreamCall from "./StreamCall.ts"
import type * as StreamChunk from "./StreamChunk.ts"
import * as StreamOptions from "./StreamOptions.ts"

/**
 * What a caller can say about one stream. What is not said of the commit point,
 * of what follows a break, and of the time between tokens is as in the `stream`
 * of the relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends StreamOptions.Options {
  /**
   * Whose it is: it spends from the budget of its tenant, and stands in the reports of usage under it. An answer that came
   * whole is kept for, and only for, a tenant, and comes out again as it came, also to an equal `chat`. Without one the cache
   * is bypassed.
   */
  readonly tenant?: string | undefined
  /** `true` also caches an answer that leaves room for chance; `false` bypasses the cache. */
  readonly cache?: boolean | undefined
  /** What it is for, such as a feature: it spends from the budget of its label. */
  readonly label?: string | undefined
  /** How long the caller is ready to wait for the last chunk, attempts and waits included. */
  readonly deadline?: Duration.Input | undefined
  /** What the caller is ready to spend on it, beside the budgets it runs under. */
  readonly budget?: Budget.Budget | Budget.Limits | undefined
  /** Where the relay's balance is `"sticky"`, requests with the same text go to the same endpoint. */
  readonly affinity?: string | undefined
  /** `false` sends no second copy, however late the first token is. Default: what the relay's `hedge` says. */
  readonly hedge?: boolean | undefined
  /**
   * `false` fails where `afterCommit` would begin anew, for one who cannot take back what came out. Default: what
   * `afterCommit` says.
   */
  readonly restart?: boolean | undefined
  /** Sent to the endpoint beside its own; keys, cookies and what belongs to a connection are left out. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined
  /** Which retry of the caller's own this is, from 1: then the relay waits for no other round. Default: what `headers` say. */
  readonly retry?: number | undefined
}

const rules: Arguments.Rules<Options> = {
  tenant: Arguments.text,
  label: Arguments.text,
  cache: Arguments.flag,
  deadline: Arguments.anything,
  budget: Arguments.anything,
  affinity: Arguments.text,
  hedge: Arguments.flag,
  restart: Arguments.flag,
  headers: Arguments.anything,
  retry: Arguments.count,
  // these are checked against those of the relay
  commit: Arguments.anything,
  afterCommit: Arguments.anything,
  firstTokenTimeout: Arguments.anything,
  idleTimeout: Arguments.anything,
  minThroughput: Arguments.anything
}

/**
 * Asks for an answer that comes bit by bit.
 *
 * @category models
 * @since 0.1.0
 */
export type StreamChat = (
  request: ChatRequest.ChatRequest,
  options?: Options
) => Stream.Stream<StreamChunk.StreamChunk, RelayError.StreamError>

type Out = Outlet<StreamChunk.StreamChunk, RelayError.StreamError>

// so far a reader can fall behind before the socket is read no further
const bufferSize = 16

const rejected = (detail: string): Failure.RequestRejected =>
  Rejection.make(Failure.RequestRejected, { detail, attempts: Attempt.none })

interface Asked extends StreamCall.Asked {
  readonly place: AnswerCache.Place
}

// how the answer comes is the relay's to say
const withoutStream = (request: ChatRequest.ChatRequest): ChatRequest.ChatRequest => ({
  ...request,
  stream: undefined,
  stream_options: undefined
})

const flawOf = (request: ChatRequest.ChatRequest): string | undefined => {
  if (typeof request !== "object" || request === null) return "the request has to be an object"
  return typeof request["n"] === "number" && request["n"] > 1 ? "n has to be 1: a stream has one choice" : undefined
}

const headersOf = (headers: Options["headers"]): Effect.Effect<WireHeaders.WireHeaders, Failure.RequestRejected> => {
  const passedOn = WireHeaders.toEndpoint(headers ?? {})
  const unsendable = Object.entries(passedOn).find(([name, value]) =>
    !HttpHeader.isName(name) || !HttpHeader.isValue(value)
  )
  return unsendable === undefined
    ? Effect.succeed(passedOn)
    : Effect.fail(rejected(`no header can be ${JSON.stringify(unsendable.join(": "))}`))
}

/**
 * The stream of a relay, whose streams have these options unless they say otherwise.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  relay: Progress.Relay,
  transport: ChatApi.Transport,
  cache: ResponseCache.ResponseCache,
  base: StreamOptions.Options,
  settings: StreamOptions.Settings
): StreamChat => {
  const read = Effect.fnUntraced(function*(
    asked: ChatRequest.ChatRequest,
    options: Options | undefined
  ): Effect.fn.Return<Asked, RelayError.RelayError> {
    const flaw = flawOf(asked)
    if (flaw !== undefined) return yield* Effect.fail(rejected(flaw))
    const refusal = CallOptions.refusal(options, rules)
    if (refusal !== undefined) return yield* Effect.fail(refusal)
    const {
      affinity,
      budget,
      cache: wanted,
      deadline,
      headers,
      hedge,
      label,
      restart,
      retry = WireHeaders.callersRetry(headers ?? {}),
      tenant,
      ...own
    } = options ?? {}
    const request = withoutStream(asked)
    const written = yield* Chat.read(relay, request, { affinity, budget, hedge, label, tenant })
    const passedOn = yield* headersOf(headers)
    const place = AnswerCache.placeOf(cache, request, { cache: wanted, tenant }, "stream")
    const said = Object.keys(own).length === 0
      ? settings
      : yield* Effect.mapError(
        StreamOptions.decode("RelayService.stream", own, base),
        ({ field, rule, value }) => rejected(`${field} is ${value}, but ${rule}`)
      )
    return {
      written,
      headers: passedOn,
      // they may change the answer
      place: Object.keys(passedOn).length === 0
        ? place
        : Result.flatMap(place, () => Result.fail("OwnHeaders" as const)),
      deadline: yield* Deadline.decode(deadline),
      retry,
      settings: restart === false && said.afterCommit === "restart" ? { ...said, afterCommit: "fail" } : said
    }
  })

  const ask = Effect.fnUntraced(function*(
    asked: StreamCall.Asked,
    bypass: Meta.Bypass,
    out: Out
  ): Effect.fn.Return<void, RelayError.StreamError> {
    const clock = yield* Effect.withFiberSucceed(Now.clockOf)
    const startedAt = Now.read(clock)
    const delivery = new Delivery(out, asked.settings, asked.written.wish.input, () => Now.read(clock))
    const { meta, value: { answer, usage } } = yield* StreamCall.run(relay, transport, asked, delivery)
    // whoever calls again at once finds the connection free, which it is a turn after the body's end
    yield* Effect.yieldNow
    const firstChunk = (delivery.committedAt ?? startedAt) - startedAt
    const { finishReason: reason, model, truncated } = answer
    out.say([{
      _tag: "Finish",
      reason,
      truncated,
      tokens: delivery.usage(usage),
      meta: { ...meta, model, firstChunk, cache: "bypass", bypass }
    }])
  })

  const run = Effect.fnUntraced(function*(
    request: ChatRequest.ChatRequest,
    options: Options | undefined,
    out: Out
  ): Effect.fn.Return<void, RelayError.StreamError> {
    const { place, ...asked } = yield* read(request, options)
    const { retry, written: { model, wish } } = asked
    if (retry > 0) relay.events.tell({ _tag: "CallerRetried", path: "/chat/completions", retry })
    const lack = Lack.find(relay.registry, model, wish.needs)
    if (lack !== undefined) return yield* Effect.fail(lack)
    return yield* Result.isSuccess(place)
      ? SharedStream.run(relay, transport, cache, place.success, asked, out)
      : ask(asked, place.failure, out)
  })

  return (request, options) =>
    Stream.fromChannel(Channel.fromTransform((_, scope) => {
      const out: Out = new Outlet(bufferSize)
      return Effect.tapError(run(request, options, out), relay.events.tellFailure).pipe(
        Effect.onExit((exit) => Effect.sync(() => out.end(exit))),
        Effect.forkIn(scope, { startImmediately: true }),
        Effect.as(out.pull)
      )
    }))
}
