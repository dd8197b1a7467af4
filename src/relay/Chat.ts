/**
 * Chat completions over a relay: the cache before it, the answer's story behind it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ChatAnswer from "../endpoint/ChatAnswer.ts"
import * as ChatApi from "../endpoint/ChatApi.ts"
import * as ChatMessage from "../endpoint/ChatMessage.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as TokenEstimator from "../endpoint/TokenEstimator.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as Attempt from "../policy/Attempt.ts"
import type * as Budget from "../policy/Budget.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import * as Now from "../policy/Now.ts"
import type * as Purse from "../policy/Purse.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as ResponseCache from "../policy/ResponseCache.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as AnswerCache from "./AnswerCache.ts"
import type * as Budgets from "./Budgets.ts"
import * as CachedAnswer from "./CachedAnswer.ts"
import * as Call from "./Call.ts"
import * as CallOptions from "./CallOptions.ts"
import * as Choice from "./Choice.ts"
import { Company } from "./Company.ts"
import * as Deadline from "./Deadline.ts"
import * as Expense from "./Expense.ts"
import * as Lack from "./Lack.ts"
import type * as Meta from "./Meta.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"

/**
 * What a caller can say about one chat.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Whose request it is: answers are cached for, and only for, a tenant. Without one the cache is bypassed. It spends from
   * the budget of its tenant, and stands in the reports of usage under it.
   */
  readonly tenant?: string | undefined
  /** What it is for, such as a feature: it spends from the budget of its label. */
  readonly label?: string | undefined
  /** How long the caller is ready to wait, attempts and waits included. */
  readonly deadline?: Duration.Input | undefined
  /**
   * Where the relay's balance is `"sticky"`, requests with the same text go to the same endpoint, such as those of one
   * conversation. Default: the tenant.
   */
  readonly affinity?: string | undefined
  /** What the caller is ready to spend on it: a budget that calls share, or one of its own. Default: what it runs under. */
  readonly budget?: Budget.Budget | Budget.Limits | undefined
  /** `true` also caches an answer that leaves room for chance; `false` bypasses the cache. */
  readonly cache?: boolean | undefined
  /** `false` sends no second copy, however slow the first is. Default: what the relay's `hedge` says. */
  readonly hedge?: boolean | undefined
}

const rules: Arguments.Rules<Options> = {
  tenant: Arguments.text,
  label: Arguments.text,
  deadline: Arguments.anything,
  budget: Arguments.anything,
  affinity: Arguments.text,
  cache: Arguments.flag,
  hedge: Arguments.flag
}

/**
 * A chat answer and how it came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply extends ChatAnswer.ChatAnswer {
  readonly meta: Meta.ChatMeta
}

/**
 * Asks for a completion.
 *
 * @category models
 * @since 0.1.0
 */
export type Chat = (
  request: ChatRequest.ChatRequest,
  options?: Options
) => Effect.Effect<Reply, RelayError.RelayError>

const rejected = (detail: string): RelayError.RelayError =>
  Rejection.make(Failure.RequestRejected, { detail, attempts: Attempt.none })

/**
 * A request as it was when it came: what its owner does to it later changes
 * neither attempt nor cache.
 *
 * @category models
 * @since 0.1.0
 */
export interface Written {
  readonly model: string
  readonly body: ChatRequest.Body
  readonly wish: Choice.Wish
  readonly payer: Budgets.Payer
  readonly mayHedge: boolean
}

/**
 * Takes a request down, unless it can be sent to nobody.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (
  { estimator }: Pick<Progress.Relay, "estimator">,
  request: ChatRequest.ChatRequest,
  options: Options | undefined
): Effect.Effect<Written, RelayError.RelayError> =>
  Effect.suspend(() => {
    const flaw = ChatRequest.flaw(request)
    if (flaw !== undefined) return Effect.fail(rejected(flaw))
    const refusal = CallOptions.refusal(options, rules)
    if (refusal !== undefined) return Effect.fail(refusal)
    if (options?.budget === undefined) return write(estimator, request, options, undefined)
    return Effect.flatMap(Expense.decode(options.budget), (pocket) => write(estimator, request, options, pocket))
  })

const write = (
  estimator: TokenEstimator.TokenEstimator,
  request: ChatRequest.ChatRequest,
  options: Options | undefined,
  pocket: Purse.Pocket | undefined
): Effect.Effect<Written, RelayError.RelayError> => {
  try {
    return Effect.succeed({
      model: request.model,
      body: ChatRequest.write(request),
      wish: Choice.ofChat(request, estimator, options?.affinity, options?.tenant),
      payer: { tenant: options?.tenant, label: options?.label, pocket },
      mayHedge: options?.hedge !== false
    })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : "it cannot be written"
    return Effect.fail(rejected(`it is not JSON: ${why}`))
  }
}

/**
 * The chat of a relay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  relay: Progress.Relay,
  transport: ChatApi.Transport,
  cache: ResponseCache.ResponseCache
): Chat => {
  const ask = (
    { body, mayHedge, model, payer, wish }: Written,
    deadline: number | undefined,
    company: Company | undefined
  ) => {
    const lack = Lack.find(relay.registry, model, wish.needs)
    if (lack !== undefined) return Effect.fail(lack)
    const message = new ChatMessage.ChatMessage(body, model)
    return Call.run<ChatAnswer.ChatAnswer, Failure.Answered | BudgetExceeded, never>(relay, {
      model,
      payer,
      estimatedTokens: wish.needs.tokens,
      wish,
      refusal: (endpoint) => message.refusal(endpoint),
      operation: (endpoint, heard) =>
        ChatApi.complete(transport, endpoint, message.modelOf(endpoint), message.writtenFor(endpoint), heard),
      usage: ChatAnswer.counted,
      verdict: Verdict.of,
      deadline,
      company,
      isAnnounced: false,
      idempotent: true,
      mayHedge
    })
  }

  const askThroughCache = Effect.fnUntraced(function*(
    key: ResponseCache.CacheKey,
    written: Written,
    terms: AnswerCache.Terms,
    deadline: number | undefined
  ): Effect.fn.Return<Reply, RelayError.RelayError> {
    const startedAt = yield* Now.current
    const until = startedAt + (deadline ?? Infinity)
    let joined: Company | undefined
    let mine: Company | undefined
    let answer: ChatAnswer.ChatAnswer | undefined
    const call = (company: Company) =>
      Effect.flatMap(
        Now.current,
        (now): Effect.Effect<CachedAnswer.CachedAnswer, RelayError.StreamError | AnswerCache.Own> => {
          // whoever joined a call that was of no use to them asks later than they came
          const left = deadline === undefined ? undefined : until - now
          if (left !== undefined && left <= 0) return Effect.fail(Deadline.passed(deadline!, Attempt.none))
          // nobody waits for a call that only asks anew
          if (joined === company) mine = company
          company.wait(until)
          return Effect.mapBoth(ask(written, left, company), {
            onFailure: (failure) => AnswerCache.owned(company, failure),
            onSuccess: ({ meta, value }) => {
              answer = value
              return CachedAnswer.ofWhole(meta, value, written.wish.input)
            }
          })
        }
      )
    const enter = (company: Company): void => {
      joined = company
      company.wait(until)
    }
    const gathering = { kind: "chat", open: () => new Company(), enter, call }
    const { hit, stale, value } = yield* cache.gather(key, gathering, terms).pipe(
      // nothing came out of a chat before it was whole
      Effect.mapError((failure) => AnswerCache.bare(failure) as RelayError.RelayError),
      Deadline.within(deadline, () => joined === undefined || joined.until <= until),
      Effect.catchTag(
        "DeadlineExceeded",
        (failure) =>
          Effect.flatMap(cache.standIn<CachedAnswer.CachedAnswer>(key), (answer) =>
            answer === undefined
              ? Effect.flatMap(Now.current, (now) => Effect.fail(AnswerCache.tried(failure, mine, now)))
              : Effect.succeed(answer))
      )
    )
    const latency = (yield* Now.current) - startedAt
    if (hit) yield* AnswerCache.note(relay, written.model, written.payer.tenant, value, stale)
    return reply(
      {
        value: hit ? CachedAnswer.toWhole(value, key.slice(-26)) : answer!,
        meta: { endpoint: value.endpoint, latency, ...AnswerCache.paid(mine) }
      },
      !hit ? "miss" : stale ? "stale" : "hit"
    )
  })

  const reply = (
    { meta, value }: Progress.Answered<ChatAnswer.ChatAnswer>,
    cached: Meta.Cached,
    bypass?: Meta.Bypass
  ): Reply => ({
    ...value,
    meta: {
      ...meta,
      model: value.model,
      cache: cached,
      ...(bypass === undefined ? {} : { bypass }),
      tokens: value.tokens
    }
  })

  const chat: Chat = (request, options) =>
    Effect.flatMap(
      read(relay, request, options),
      (written) =>
        Effect.flatMap(Deadline.decode(options?.deadline), (deadline) => {
          const place = AnswerCache.placeOf(cache, request, options ?? {}, "whole")
          return Result.isSuccess(place)
            ? askThroughCache(place.success, written, AnswerCache.termsOf(request), deadline)
            : Effect.map(ask(written, deadline, undefined), (answer) => reply(answer, "bypass", place.failure))
        })
    )

  return (request, options) => Effect.tapError(chat(request, options), relay.events.tellFailure)
}
