/**
 * One round of a call: every candidate that admits it, one after the other.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Ending from "../endpoint/Ending.ts"
import * as Endpoint from "../endpoint/Endpoint.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"
import type * as Allowance from "../machine/Allowance.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import type * as Attempt from "../policy/Attempt.ts"
import * as Now from "../policy/Now.ts"
import * as Purse from "../policy/Purse.ts"
import type * as Tokens from "../policy/Tokens.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Admission from "./Admission.ts"
import * as Charge from "./Charge.ts"
import type * as Company from "./Company.ts"
import * as Deadline from "./Deadline.ts"
import * as Expense from "./Expense.ts"
import * as Hedging from "./Hedging.ts"
import * as Progress from "./Progress.ts"
import * as RelayError from "./RelayError.ts"
import * as Room from "./Room.ts"
import * as Sending from "./Sending.ts"

// an error of somebody else's may throw when it is looked at
const describe = (failure: unknown): { readonly status?: number; readonly detail?: string } => {
  try {
    if (typeof failure !== "object" || failure === null) return {}
    return {
      ...("status" in failure && Number.isSafeInteger(failure.status) ? { status: Number(failure.status) } : {}),
      ...("detail" in failure && typeof failure.detail === "string" ? { detail: failure.detail } : {})
    }
  } catch {
    return {}
  }
}

/** How an attempt ended, and what that means for the call. */
const conclude = <A, E, R>(
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  exit: Exit.Exit<A, Progress.Failed<E>>,
  usage: Tokens.Tokens | undefined,
  timeout: RelayError.ExecuteError | undefined
): Ending.Ending => {
  if (Exit.isSuccess(exit)) return { _tag: "Answered", tokens: usage?.total }
  // a failure counts even where it interrupted siblings on its way
  const reason = exit.cause.reasons.find(Cause.isFailReason)
  if (reason !== undefined) {
    const failure = reason.error
    const isOurs = timeout !== undefined && failure === timeout
    const verdict = isOurs ? Verdict.of(failure) : judge(call, progress, failure as E)
    progress.failures.set(target, failure)
    progress.room = Room.learn(progress.room, target, call.model, failure)
    if (!verdict.elsewhere || !call.idempotent) progress.ending ??= Exit.fail(failure)
    // what a service keeps to itself, such as a quota, may be over by the next round
    if (!verdict.again && Verdict.retryOf(failure) === "Elsewhere") (progress.spent ??= new Set()).add(target)
    return { _tag: "Failed", failure, verdict }
  }
  if (Cause.hasInterrupts(exit.cause)) {
    // a copy that lost has not failed: it may take over from the one that won and then broke off
    progress.tried.delete(target)
    return { _tag: "Interrupted" }
  }
  const defect = Cause.squash(exit.cause)
  if (call.isCallersCode === true) return { _tag: "Died", defect }
  return { _tag: "Failed", failure: defect, verdict: Verdict.of(defect) }
}

// the caller's own function may throw; the permits have to go back all the same, and the call ends in the defect
const judge = <A, E, R>(
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  failure: E
): Verdict.Verdict => {
  try {
    return call.verdict(failure)
  } catch (defect) {
    progress.ending ??= Exit.die(defect)
    return Verdict.of(failure)
  }
}

const isAlone = (): boolean => true

/** Sets aside what the attempt may take, in the step that admits it; `undefined` where it takes nothing or nobody counts. */
const setAside = <A, E, R>(
  call: Progress.Call<A, E, R>,
  { purse }: Progress.Progress<E>,
  endpoint: Endpoint.Endpoint
): Allowance.Amount | undefined => {
  if (purse === undefined) return undefined
  const held = Expense.amountOf(Expense.most(call, endpoint))
  if (held.tokens === 0) return undefined
  Purse.hold(purse, held)
  return held
}

/** Settles what was set aside, and notes for caller and reports what the attempt took: a failed one as well. */
const charge = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  endpoint: Endpoint.Endpoint,
  held: Allowance.Amount | undefined,
  bill: Expense.Bill | undefined,
  isAnswered: boolean,
  now: number,
  at: number
): void => {
  if (held !== undefined) Purse.settle(progress.purse!, held, Expense.amountOf(bill), now)
  const model = typeof call.model === "string" ? Endpoint.wireModel(endpoint, call.model) : undefined
  relay.usage.attempted(at, call.payer?.tenant, endpoint.id, model, isAnswered, bill)
  if (bill === undefined) return
  Charge.add(progress.charges, Charge.make(endpoint.id, model, bill.tokens, bill.cost, bill.isEstimated))
}

/** One attempt, in one tier or in all: `undefined` when no candidate is left, otherwise who was asked. */
const attempt = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  tier?: Registry.Tier,
  lead: () => boolean = isAlone
): Effect.Effect<Progress.Sent<A> | undefined, Progress.Failed<E>, R> =>
  Effect.suspend(() => {
    let admission: GuardedEndpoint.Admission | undefined
    let held: Allowance.Amount | undefined
    let timeout: RelayError.ExecuteError | undefined
    let underWay: Company.UnderWay | undefined
    // the finalizer stands before anything is admitted: no interrupt can fall between the two
    const asked: Effect.Effect<A | undefined, Progress.Failed<E>, R> = Effect.onExitPrimitive(
      Effect.withFiber((fiber): Effect.Effect<A | undefined, Progress.Failed<E>, R> => {
        const now = Now.read(progress.clock)
        admission = Admission.admit(relay, call, progress, now, tier)
        if (admission === undefined) return Effect.undefined
        progress.authority.take(progress.sent === 0)
        progress.sent++
        progress.asked = admission.target
        if (call.company !== undefined) {
          const { startedAt, target } = admission
          const at = Math.round(progress.clock.currentTimeMillisUnsafe())
          underWay = { endpoint: target.endpoint.id, round: progress.round, at, startedAt }
          call.company.underWay.add(underWay)
        }
        held = setAside(call, progress, admission.target.endpoint)
        const context = Sending.surround(fiber.context as Context.Context<R>, progress, held)
        return Sending.send(relay, call, progress, admission, context, now, lead, (failure) => timeout = failure)
      }),
      (exit) => {
        if (admission === undefined) return undefined
        if (underWay !== undefined) call.company!.underWay.delete(underWay)
        const now = Now.read(progress.clock)
        const { target } = admission
        const usage = Exit.isSuccess(exit) ? call.usage(exit.value as A) : undefined
        const ending = conclude(call, progress, target, exit as Exit.Exit<A, Progress.Failed<E>>, usage, timeout)
        const duration = now - admission.startedAt
        // of a stream that nobody counted it is known what came
        const known = usage === undefined ? Expense.wasted(admission, call, target.endpoint) : undefined
        const bill = known ?? (Exit.isSuccess(exit) ? Expense.taken(usage, call, target.endpoint) : undefined)
        const at = progress.clock.currentTimeMillisUnsafe()
        charge(relay, call, progress, target.endpoint, held, bill, Exit.isSuccess(exit), now, at)
        target.settle(
          admission,
          ending,
          now,
          progress.random.nextDoubleUnsafe()
        )
        const tried: { -readonly [Field in keyof Attempt.Attempt]: Attempt.Attempt[Field] } = {
          endpoint: target.endpoint.id,
          outcome: outcomeOf(ending),
          sent: true,
          round: progress.round,
          at: Math.round(at - duration),
          duration
        }
        if (ending._tag === "Failed") Object.assign(tried, describe(ending.failure))
        if (bill !== undefined) {
          tried.tokens = bill.tokens
          if (bill.cost !== undefined) tried.cost = bill.cost
          if (bill.isEstimated) tried.isEstimated = true
        }
        Progress.note(relay, progress, tried)
        return undefined
      }
    )
    return Effect.map(
      asked,
      (value) => admission === undefined ? undefined : { endpoint: admission.target.endpoint.id, value: value as A }
    )
  })

const outcomeOf = (ending: Ending.Ending): string => {
  switch (ending._tag) {
    case "Answered":
      return "Success"
    case "Interrupted":
      return "Interrupted"
    case "Died":
      return RelayError.tagOf(ending.defect)
    case "Failed":
      return RelayError.tagOf(ending.failure)
  }
}

/**
 * Asks one candidate after the other, each once and at once: the answer, or
 * `undefined` when none is left, with `progress.failures` saying why.
 *
 * @category calls
 * @since 0.1.0
 */
export const run = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>
): Effect.Effect<Progress.Answered<A> | undefined, Progress.Failed<E>, R> => {
  // plain steps and no generator: every call goes this way, and most go it once
  const next = (): Effect.Effect<Progress.Answered<A> | undefined, Progress.Failed<E>, R> => {
    if (!progress.authority.hasLeft(progress.sent === 0)) return Effect.undefined
    if (call.deadline !== undefined && Now.read(progress.clock) >= Progress.endOf(call, progress)) {
      return Effect.fail(Deadline.passed(call.deadline, progress.attempts))
    }
    return Effect.matchCauseEffect(Hedging.around(relay, call, progress, attempt), { onSuccess, onFailure })
  }

  const onSuccess = (
    sent: Progress.Sent<A> | undefined
  ): Effect.Effect<Progress.Answered<A> | undefined> => {
    if (sent === undefined) return Effect.undefined
    const now = Now.read(progress.clock)
    RetryBudget.deposit(relay.budget, now)
    const { endpoint, value } = sent
    const latency = now - progress.startedAt
    const { attempts, charges } = progress
    const cost = Charge.costOf(charges)
    const meta = cost === undefined
      ? { endpoint, latency, attempts, usage: charges }
      : { endpoint, latency, attempts, cost, usage: charges }
    return Effect.succeed({ value, meta })
  }

  const onFailure = (
    cause: Cause.Cause<Progress.Failed<E>>
  ): Effect.Effect<Progress.Answered<A> | undefined, Progress.Failed<E>, R> => {
    // defects and interrupts are nobody's to retry
    if (Cause.hasDies(cause) || !Cause.hasFails(cause)) return Effect.failCause(cause)
    return progress.ending === undefined
      ? next()
      : Effect.mapError(progress.ending, (failure) => RelayError.withAttempts(failure, progress.attempts))
  }

  return Effect.suspend(() => {
    progress.shortages = []
    progress.tried.clear()
    for (const target of progress.spent ?? []) progress.tried.add(target)
    return next()
  })
}
