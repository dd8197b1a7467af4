/**
 * Explains what a relay would do with a chat, without sending or charging anything.
 *
 * The router itself chooses, over what every endpoint would answer, as often as
 * it takes to see what chance may lead to; and what happens when nobody answers
 * is decided as a call decides it.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as ChatMessage from "../endpoint/ChatMessage.ts"
import type * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import * as Quotation from "../endpoint/Quotation.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Authority from "../policy/Authority.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import * as Now from "../policy/Now.ts"
import * as Purse from "../policy/Purse.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Budgets from "./Budgets.ts"
import * as Call from "./Call.ts"
import * as Candidates from "./Candidates.ts"
import * as Chat from "./Chat.ts"
import * as Choice from "./Choice.ts"
import * as Deadline from "./Deadline.ts"
import * as Expense from "./Expense.ts"
import * as Lack from "./Lack.ts"
import * as Pause from "./Pause.ts"
import type * as Progress from "./Progress.ts"
import * as Prospect from "./Prospect.ts"
import * as RelayError from "./RelayError.ts"
import type * as RelayExplanation from "./RelayExplanation.ts"
import * as Standby from "./Standby.ts"

/**
 * Explains a chat.
 *
 * @category models
 * @since 0.1.0
 */
export type Explain = (
  request: ChatRequest.ChatRequest,
  options?: Chat.Options
) => Effect.Effect<RelayExplanation.RelayExplanation>

// how often chance is asked: small tiers are seen whole, large ones for the most part
const fewestSamples = 32
const mostSamples = 4096

// spread evenly, so that no seed of the caller's is used up and the same question has the same answer
const chance = (sample: number, samples: number): Random.Random => {
  let value = (sample + 0.5) / samples
  const next = (): number => {
    const current = value
    value = (value + 0.618033988749895) % 1
    return current
  }
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * Number.MAX_SAFE_INTEGER) }
}

/** What everybody would say to the call, while nobody is chosen. */
const survey = (
  relay: Progress.Relay,
  model: string,
  wish: Choice.Wish,
  message: ChatMessage.ChatMessage | undefined,
  purse: Purse.Purse | undefined,
  now: number
): Prospect.Found => {
  const size = { model, estimatedTokens: wish.needs.tokens, wish }
  const demand: GuardedEndpoint.Demand = { model, cost: { calls: 1, tokens: wish.needs.tokens } }
  const unfit: Array<readonly [GuardedEndpoint.GuardedEndpoint, Failure.RequestRejected]> = []
  const refusals: Array<readonly [GuardedEndpoint.GuardedEndpoint, Prospect.Refusal | undefined]> = []
  for (const target of Candidates.of(relay, model, wish).flat()) {
    const unsayable = message?.refusal(target.endpoint)
    if (unsayable !== undefined) {
      unfit.push([target, unsayable])
      continue
    }
    const tooDear = purse && Expense.refusal(purse, size, target.endpoint, now)
    refusals.push([target, tooDear ?? target.refusal(demand, now)])
  }
  return { unfit: new Map(unfit), refusals: new Map(refusals), chosen: [], strategy: relay.strategy, wish }
}

/** Those that the call may go to. */
const choose = (
  relay: Progress.Relay,
  model: string,
  { refusals, unfit, wish }: Prospect.Found,
  now: number
): Prospect.Found["chosen"] => {
  const tiers = Candidates.of(relay, model, wish)
  const chosen = new Set<GuardedEndpoint.GuardedEndpoint>()
  const canTake = (target: GuardedEndpoint.GuardedEndpoint) =>
    unfit.has(target) || refusals.get(target) !== undefined ? undefined : target
  const samples = Math.min(mostSamples, Math.max(fewestSamples, 4 * refusals.size))
  for (let sample = 0; sample < samples; sample++) {
    const random = chance(sample, samples)
    // whose turn it is, is not to move by being asked
    const strategy = relay.strategy.rehearse?.() ?? relay.strategy
    const target = Candidates.first({ tiers, tried: new Set(), now, random, strategy, wish }, canTake)
    if (target === undefined) break
    chosen.add(target)
  }
  return Array.from(chosen)
}

const failed = (failure: RelayError.RelayError): RelayExplanation.Outcome => {
  const retryAfter = Verdict.hintOf(failure)
  return { _tag: "Fail", failure: failure._tag, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

/** What a call does after a round in which all refuse, or are unavailable where they do not refuse. */
const ifNobody = Effect.fnUntraced(function*(
  relay: Progress.Relay,
  model: string,
  { chosen, refusals, unfit, wish }: Prospect.Found,
  left: number,
  now: number
) {
  const maxWait = Math.min(relay.maxWait, left)
  if (chosen.length === 0) {
    const shortages: Array<Standby.Shortage> = []
    for (const [target, refusal] of refusals) if (Standby.isShortage(refusal)) shortages.push({ target, refusal })
    const lines = Standby.choose(shortages, maxWait)
    if (lines[0] !== undefined) {
      const delay = Standby.knownWait(lines[0])
      const endpoints = lines.map(({ target }) => target.endpoint.id)
      return { _tag: "WaitInLine", endpoints, ...(delay === 0 ? {} : { delay }) } satisfies RelayExplanation.Outcome
    }
  }
  const failures = Array.from(
    refusals,
    ([{ endpoint }, refusal]) =>
      refusal ?? Rejection.make(Failure.EndpointUnavailable, {
        endpoint: endpoint.id,
        reason: "Status" as const,
        attempts: Attempt.none
      })
  )
  if (!Arr.isArrayNonEmpty(failures)) {
    const [cannotSay] = unfit.values()
    const why = Lack.find(relay.registry, model, wish.needs) ?? cannotSay
    return failed(why ?? Call.nobodyToAsk(relay, model, Attempt.none))
  }
  const { again, failure, soonest } = RelayError.summarize<Failure.Failure | BudgetExceeded>(failures, Attempt.none)
  const usable = Array.from(refusals.values()).filter((refusal) => refusal === undefined).length
  const { deposits, reserve } = RetryBudget.balance(relay.budget, now)
  const authority = yield* Effect.withFiberSucceed(Authority.ofUnsafe)
  const mayAsk = again && authority === undefined && usable < relay.maxAttempts && Math.max(deposits, reserve) >= 1
  if (!mayAsk) return failed(failure)

  const clock = yield* Effect.withFiberSucceed(Now.clockOf)
  const step = yield* Schedule.toStep(relay.retry)
  const delay = yield* Pause.next(step, clock.currentTimeMillisUnsafe(), Pause.toInput(failure, Attempt.none), soonest)
  return delay !== undefined && Pause.isWorthwhile(relay, delay, left)
    ? { _tag: "Wait", delay, because: failure._tag } satisfies RelayExplanation.Outcome
    : failed(failure)
})

// in the middle of what chance may do to a delay
const middling: Random.Random = { nextDoubleUnsafe: () => 0.5, nextIntUnsafe: () => 0 }

const explain = Effect.fnUntraced(function*(
  relay: Progress.Relay,
  request: ChatRequest.ChatRequest,
  options: Chat.Options | undefined
): Effect.fn.Return<RelayExplanation.RelayExplanation> {
  const now = yield* Now.current
  const model = String(Object(request).model)
  const balance = relay.strategy.name
  const candidates = (found: Prospect.Found) =>
    Array.from(relay.registry.all(), (target) => Prospect.of(target, model, found, now))
  const nowhere = (found: Prospect.Found, ifNobody: RelayExplanation.Outcome, because: string) => ({
    model,
    balance,
    goesTo: [],
    ifNobody,
    candidates: candidates(found).map((candidate) => neverAsked(candidate, because))
  })

  return yield* Effect.gen(function*() {
    const { body, payer, wish } = yield* Chat.read(relay, request, options)
    const around = yield* Effect.withFiberSucceed(Purse.ofUnsafe)
    const left = (yield* Deadline.decode(options?.deadline)) ?? Infinity
    const spending = Budgets.purseOf(relay.budgets, around, payer)
    const surveyed = survey(relay, model, wish, new ChatMessage.ChatMessage(body, model), spending, now)
    const chosen = Result.try(() => choose(relay, model, surveyed, now))
    if (Result.isFailure(chosen)) {
      return nowhere(surveyed, { _tag: "Fail", failure: "Defect" }, describe(chosen.failure))
    }
    const found = { ...surveyed, chosen: chosen.success }
    return {
      model,
      balance,
      goesTo: found.chosen.map(({ endpoint }) => endpoint.id),
      ifNobody: yield* Effect.provideService(ifNobody(relay, model, found, left, now), Random.Random, middling),
      candidates: candidates(found)
    }
  }).pipe(Effect.catch((failure) =>
    Effect.succeed(
      nowhere(
        survey(relay, model, Choice.noWish, undefined, undefined, now),
        failed(failure),
        "the call fails before anybody is asked"
      )
    )
  ))
})

// nobody was preferred to it
const neverAsked = (
  { changes, ...candidate }: RelayExplanation.Candidate,
  because: string
): RelayExplanation.Candidate => {
  if (candidate.standing === "PassedOver") return { ...candidate, because }
  return changes === undefined ? candidate : { ...candidate, changes }
}

const describe = (thrown: unknown): string =>
  `the balance of the relay throws${thrown instanceof Error ? `: ${Quotation.quote(thrown.message, [])}` : ""}`

/**
 * The explain of a relay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (relay: Progress.Relay): Explain => (request, options) => explain(relay, request, options)
