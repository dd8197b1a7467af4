/**
 * Streamed answers over a relay.
 *
 * The whole call runs in a fiber of the stream's scope, and an attempt lasts as
 * long as its stream: so it is admitted, charged and settled as any other, once,
 * and whoever stops listening interrupts it.
 *
 * @since 0.1.0
 */
import * as Channel from "effect/Channel"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as ChatApi from "../endpoint/ChatApi.ts"
import * as ChatMessage from "../endpoint/ChatMessage.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as ChatStream from "../endpoint/ChatStream.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Failure from "../endpoint/Failure.ts"
import * as Fault from "../endpoint/Fault.ts"
import * as HttpHeader from "../endpoint/HttpHeader.ts"
import * as WireHeaders from "../endpoint/WireHeaders.ts"
import * as WireMessage from "../endpoint/WireMessage.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as Attempt from "../policy/Attempt.ts"
import type * as Budget from "../policy/Budget.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as ResponseCache from "../policy/ResponseCache.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as AnswerCache from "./AnswerCache.ts"
import * as Call from "./Call.ts"
import * as CallOptions from "./CallOptions.ts"
import * as Chat from "./Chat.ts"
import * as Deadline from "./Deadline.ts"
import { Delivery } from "./Delivery.ts"
import * as Lack from "./Lack.ts"
import { Outlet } from "./Outlet.ts"
import type * as Progress from "./Progress.ts"
import { Recording } from "./Recording.ts"
import type * as RelayError from "./RelayError.ts"
import type * as StreamChunk from "./StreamChunk.ts"
import * as StreamOptions from "./StreamOptions.ts"
import * as StreamReplay from "./StreamReplay.ts"

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

// so far a reader can fall behind before the socket is read no further
const bufferSize = 16

const rejected = (detail: string): Failure.RequestRejected =>
  Rejection.make(Failure.RequestRejected, { detail, attempts: Attempt.none })

interface Asked {
  readonly written: Chat.Written
  readonly headers: WireHeaders.WireHeaders
  readonly settings: StreamOptions.Settings
  readonly deadline: number | undefined
  readonly retry: number
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

/** The call of a stream that puts what comes into a queue. */
const callOf = (
  relay: Progress.Relay,
  transport: ChatApi.Transport,
  { deadline, headers, retry, settings, written }: Asked,
  delivery: Delivery
): Progress.Call<ChatStream.Streamed, Failure.Answered | BudgetExceeded, never> => {
  const { body, model, wish } = written
  const message = new ChatMessage.ChatMessage(body, model)
  let begun:
    | { readonly before: string; readonly prefill: unknown; readonly message: ChatMessage.ChatMessage }
    | undefined
  // what was said so far goes along as the beginning of the answer
  const messageFor = ({ dialect }: Endpoint.Endpoint): ChatMessage.ChatMessage => {
    if (!delivery.isContinuing) return message
    const { before } = delivery
    const prefill = dialect.stream?.prefill
    if (begun?.before !== before || begun.prefill !== prefill) {
      const request: ChatRequest.ChatRequest = JSON.parse(body(model))
      const messages = [...request.messages, { role: "assistant", content: before, ...prefill }]
      const more = ChatRequest.write({ ...request, messages })
      begun = { before, prefill, message: new ChatMessage.ChatMessage(more, model) }
    }
    return begun.message
  }
  const verdict = (failure: Failure.Answered | BudgetExceeded): Verdict.Verdict => {
    const usual = Verdict.of(failure)
    if (delivery.committedAt === undefined || settings.afterCommit === "restart") return usual
    if (!delivery.canContinue || !canGoOn(relay, model)) return { ...usual, again: false, elsewhere: false }
    // one that does not go on from what another said does not speak for all
    return { ...usual, elsewhere: usual.elsewhere || failure._tag === "RequestRejected" }
  }
  return {
    model,
    estimatedTokens: wish.needs.tokens,
    wish,
    isStream: true,
    refusal: (endpoint) =>
      delivery.isContinuing && !endpoint.prefill
        ? Fault.unsayable(endpoint.id, "the beginning of an answer")
        : messageFor(endpoint).refusal(endpoint),
    operation: (endpoint, told, lead) =>
      Effect.suspend(() => {
        const voice = delivery.begin(endpoint.id, lead)
        const message = messageFor(endpoint)
        return ChatStream.run(transport, endpoint, {
          model: message.modelOf(endpoint),
          written: message.writtenFor(endpoint),
          headers: WireMessage.withoutKey(headers, endpoint.dialect),
          rule: StreamOptions.ruleFor(settings, endpoint, relay.attemptTimeout),
          before: delivery.before,
          input: wish.input,
          onPieces: (pieces, model) => delivery.take(voice, pieces, model)
        }, told).pipe(
          Effect.tap(() => delivery.end(voice) ?? Effect.void),
          Effect.tapError((failure) => Effect.sync(() => delivery.broke(voice, failure)))
        )
      }),
    payer: written.payer,
    // what was reckoned is no count
    usage: ({ answer, usage }) => usage.isEstimated ? undefined : answer.tokens,
    verdict,
    deadline,
    isAnnounced: false,
    idempotent: true,
    mayHedge: written.mayHedge,
    isRetry: retry > 0
  }
}

const canGoOn = (relay: Progress.Relay, model: string): boolean =>
  relay.registry.candidates(model).some((tier) => tier.some(({ endpoint }) => endpoint.prefill))

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
  const replays = StreamReplay.make(cache, relay)

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

  const run = Effect.fnUntraced(function*(
    request: ChatRequest.ChatRequest,
    options: Options | undefined,
    out: Outlet<StreamChunk.StreamChunk, RelayError.StreamError>
  ): Effect.fn.Return<void, RelayError.StreamError> {
    const asked = yield* read(request, options)
    if (asked.retry > 0) relay.events.tell({ _tag: "CallerRetried", path: "/chat/completions", retry: asked.retry })
    const { model, payer, wish } = asked.written
    const lack = Lack.find(relay.registry, model, wish.needs)
    if (lack !== undefined) return yield* Effect.fail(lack)
    const clock = yield* Effect.withFiberSucceed(Now.clockOf)
    const startedAt = Now.read(clock)
    const key = Result.getOrUndefined(asked.place)
    const kept = key === undefined ? undefined : { key, model, tenant: payer.tenant, startedAt, out }
    if (kept !== undefined && (yield* replays.find(kept))) return
    const recording = kept && new Recording(out)
    const delivery = new Delivery(recording ?? out, asked.settings, wish.input, () => Now.read(clock))
    const answered = yield* Call.run(relay, callOf(relay, transport, asked, delivery)).pipe(
      Effect.mapError((failure) => delivery.failure(failure as RelayError.RelayError)),
      Effect.catch((failure) =>
        // what came out cannot be taken back
        kept === undefined || delivery.committedAt !== undefined
          ? Effect.fail(failure)
          : Effect.as(replays.standIn(kept, failure), undefined)
      )
    )
    if (answered === undefined) return
    const { meta, value } = answered
    if (key !== undefined) yield* replays.keep(key, meta, value, recording!.deltas)
    const { finishReason: reason, model: answering, truncated } = value.answer
    // whoever calls again at once finds the connection free, which it is a turn after the body's end
    yield* Effect.yieldNow
    out.say([{
      _tag: "Finish",
      reason,
      truncated,
      tokens: delivery.usage(value.usage),
      meta: {
        ...meta,
        model: answering,
        firstChunk: (delivery.committedAt ?? startedAt) - startedAt,
        cache: key === undefined ? "bypass" : "miss",
        ...(Result.isSuccess(asked.place) ? {} : { bypass: asked.place.failure })
      }
    }])
  })

  return (request, options) =>
    Stream.fromChannel(Channel.fromTransform((_, scope) => {
      const out = new Outlet<StreamChunk.StreamChunk, RelayError.StreamError>(bufferSize)
      return Effect.tapError(run(request, options, out), relay.events.tellFailure).pipe(
        Effect.onExit((exit) => Effect.sync(() => out.end(exit))),
        Effect.forkIn(scope, { startImmediately: true }),
        Effect.as(out.pull)
      )
    }))
}
