/**
 * The call of a stream: what is sent to whom, and what is made of what comes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as ChatApi from "../endpoint/ChatApi.ts"
import * as ChatMessage from "../endpoint/ChatMessage.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as ChatStream from "../endpoint/ChatStream.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import type * as Failure from "../endpoint/Failure.ts"
import * as Fault from "../endpoint/Fault.ts"
import type * as WireHeaders from "../endpoint/WireHeaders.ts"
import * as WireMessage from "../endpoint/WireMessage.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Call from "./Call.ts"
import type * as Chat from "./Chat.ts"
import type { Company } from "./Company.ts"
import type { Delivery } from "./Delivery.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"
import * as StreamOptions from "./StreamOptions.ts"

/**
 * What is asked for, and how. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Asked {
  readonly written: Chat.Written
  readonly headers: WireHeaders.WireHeaders
  readonly settings: StreamOptions.Settings
  readonly deadline: number | undefined
  /** Which retry of the caller's own it is. */
  readonly retry: number
}

const callOf = (
  relay: Progress.Relay,
  transport: ChatApi.Transport,
  { deadline, headers, retry, settings, written }: Asked,
  delivery: Delivery,
  company: Company | undefined
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
    company,
    isAnnounced: false,
    idempotent: true,
    mayHedge: written.mayHedge,
    isRetry: retry > 0
  }
}

const canGoOn = (relay: Progress.Relay, model: string): boolean =>
  relay.registry.candidates(model).some((tier) => tier.some(({ endpoint }) => endpoint.prefill))

/**
 * Makes the call, whose chunks go where the delivery says, for a company where several may wait for it.
 *
 * @category calls
 * @since 0.1.0
 */
export const run = (
  relay: Progress.Relay,
  transport: ChatApi.Transport,
  asked: Asked,
  delivery: Delivery,
  company?: Company
): Effect.Effect<Progress.Answered<ChatStream.Streamed>, RelayError.StreamError> =>
  Effect.mapError(
    Call.run(relay, callOf(relay, transport, asked, delivery, company)),
    (failure) => delivery.failure(failure as RelayError.RelayError)
  )
