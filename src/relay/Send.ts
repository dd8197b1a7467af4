/**
 * Somebody's HTTP requests over a relay.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as ChatApi from "../endpoint/ChatApi.ts"
import * as Failure from "../endpoint/Failure.ts"
import * as Forward from "../endpoint/Forward.ts"
import * as WireHeaders from "../endpoint/WireHeaders.ts"
import * as WireMessage from "../endpoint/WireMessage.ts"
import * as WireRequest from "../endpoint/WireRequest.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as Attempt from "../policy/Attempt.ts"
import type * as Budget from "../policy/Budget.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import { CurrentIdempotent } from "../policy/Idempotent.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Call from "./Call.ts"
import * as CallOptions from "./CallOptions.ts"
import * as Choice from "./Choice.ts"
import * as Deadline from "./Deadline.ts"
import * as Expense from "./Expense.ts"
import * as Lack from "./Lack.ts"
import type * as Meta from "./Meta.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"

/**
 * What a caller can say about one request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Whose it is: it spends from the budget of its tenant, and stands in the reports of usage under it. */
  readonly tenant?: string | undefined
  /** What it is for, such as a feature: it spends from the budget of its label. */
  readonly label?: string | undefined
  /** How long the caller is ready to wait, attempts and waits included. */
  readonly deadline?: Duration.Input | undefined
  /**
   * Whether it may be sent again after it was sent once. Default: true for GET,
   * HEAD, OPTIONS, PUT and DELETE, for a POST that asks for an answer, to
   * `/chat/completions`, `/completions`, `/embeddings`, `/moderations` or
   * `/responses`, and inside of `Idempotent.mark`.
   */
  readonly idempotent?: boolean | undefined
  /**
   * Which retry of the caller's own this is, from 1. Then the relay goes through
   * its endpoints once and waits for no other round, so that two who retry add up
   * and do not multiply. Default: what the header `x-stainless-retry-count` says.
   */
  readonly retry?: number | undefined
  /** What the caller is ready to spend on it: a budget that calls share, or one of its own. Default: what it runs under. */
  readonly budget?: Budget.Budget | Budget.Limits | undefined
  /** Where the relay's balance is `"sticky"`, requests with the same text go to the same endpoint. */
  readonly affinity?: string | undefined
  /** `false` sends no second copy, however slow the first is. Default: what the relay's `hedge` says. */
  readonly hedge?: boolean | undefined
}

const rules: Arguments.Rules<Options> = {
  tenant: Arguments.text,
  label: Arguments.text,
  deadline: Arguments.anything,
  budget: Arguments.anything,
  idempotent: Arguments.flag,
  retry: Arguments.count,
  affinity: Arguments.text,
  hedge: Arguments.flag
}

/**
 * A reply and how it came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply extends Forward.Reply {
  readonly meta: Meta.Meta
}

/**
 * Sends a request to whichever endpoint is chosen.
 *
 * @category models
 * @since 0.1.0
 */
export type Send = (
  request: WireRequest.WireRequest,
  options?: Options
) => Effect.Effect<Reply, RelayError.RelayError>

const rejected = (detail: string): RelayError.RelayError =>
  Rejection.make(Failure.RequestRejected, { detail, attempts: Attempt.none })

/**
 * The send of a relay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (relay: Progress.Relay, transport: ChatApi.Transport): Send =>
  Effect.fnUntraced(function*(request, options) {
    const read = WireRequest.read(request, relay.estimator)
    if (Result.isFailure(read)) return yield* Effect.fail(rejected(read.failure))
    const readable = read.success
    const refusal = CallOptions.refusal(options, rules)
    if (refusal !== undefined) return yield* Effect.fail(refusal)
    const deadline = yield* Deadline.decode(options?.deadline)
    const pocket = yield* Expense.decode(options?.budget)
    const retry = options?.retry ?? WireHeaders.callersRetry(request.headers ?? {})
    if (retry > 0) relay.events.tell({ _tag: "CallerRetried", path: readable.path + readable.query, retry })
    const { chat } = readable
    const wish = chat === undefined
      ? Choice.ofOther(options?.affinity, readable.model)
      : Choice.ofChat(chat, relay.estimator, options?.affinity)
    const lack = chat === undefined ? undefined : Lack.find(relay.registry, chat.model, wish.needs)
    if (lack !== undefined) return yield* Effect.fail(lack)
    const writeFor = WireMessage.writer(readable)
    const { meta, value } = yield* Call.run<Forward.Reply, Failure.Answered | BudgetExceeded, never>(relay, {
      model: readable.model ?? null,
      scope: readable.scope,
      estimatedTokens: readable.estimatedTokens,
      payer: { tenant: options?.tenant, label: options?.label, pocket },
      wish,
      // embeddings are quick and pictures are slow: measured together, one would make the other look ill
      isTimed: readable.kind === "Chat",
      refusal: (endpoint) => Option.getOrUndefined(Result.getFailure(writeFor(endpoint))),
      operation: (endpoint, heard) =>
        Result.match(writeFor(endpoint), {
          onFailure: Effect.fail,
          onSuccess: (message) => Forward.send(transport, endpoint, readable, message, heard)
        }),
      usage: ({ tokens }) => tokens,
      verdict: Verdict.of,
      deadline,
      isAnnounced: false,
      idempotent: options?.idempotent ?? (readable.idempotent || (yield* CurrentIdempotent)),
      mayHedge: options?.hedge !== false,
      isRetry: retry > 0
    })
    return { ...value, meta }
  }, (effect) => Effect.tapError(effect, relay.events.tellFailure))
