/**
 * One round of a call: every candidate that admits it, one after the other.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Deadline from "./Deadline.ts"
import type * as Meta from "./Meta.ts"
import * as RelayError from "./RelayError.ts"
import type * as RelayEvents from "./RelayEvents.ts"
import * as Route from "./Route.ts"
import * as Standby from "./Standby.ts"

/**
 * What every call of a relay shares. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Relay {
  readonly registry: Registry.Registry
  readonly events: RelayEvents.RelayEvents
  readonly retry: Schedule.Schedule<unknown, RelayError.RelayError>
  readonly attemptTimeout: number
  readonly maxWait: number
  readonly maxAttempts: number
  readonly budgetRule: RetryBudget.Rule
  /** Retries that successes have paid for. */
  budget: number
}

/**
 * One call: what to do with whichever endpoint is chosen. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call<A, E, R> {
  readonly model: string | undefined
  readonly estimatedTokens: number
  readonly operation: (endpoint: Endpoint.Endpoint) => Effect.Effect<A, E, R>
  readonly usedTokens: (answer: A) => number | undefined
  /** What to make of a failure of the operation. */
  readonly verdict: (failure: E) => Verdict.Verdict
  readonly deadline: number | undefined
  /** Whether its failure is told to listeners here, and not by whoever asked. */
  readonly isAnnounced: boolean
  /** Whether it may be sent again after it was sent once. */
  readonly idempotent: boolean
}

/**
 * An answer and how it came about.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answered<A> {
  readonly value: A
  readonly meta: Meta.Meta
}

// how many candidates are drawn one by one before the rest is gone through in order
const draws = 64

// a trail of more attempts than this goes on untold
const maxTrail = 128

/**
 * The failures of a call: its own, and those the relay adds.
 *
 * @category models
 * @since 0.1.0
 */
export type Failed<E> = E | RelayError.ExecuteError

/**
 * What one call knows of itself while it is under way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress<E> {
  readonly clock: Clock.Clock
  readonly random: Random.Random
  readonly startedAt: number
  readonly deadlineAt: number
  readonly attempts: Array<Attempt.Attempt>
  readonly tried: Set<GuardedEndpoint.GuardedEndpoint>
  readonly demand: GuardedEndpoint.Demand
  /** The latest failure of each candidate. */
  readonly failures: Map<GuardedEndpoint.GuardedEndpoint, Failed<E>>
  /** Which candidates of this round only lacked room. */
  shortages: Array<Standby.Shortage>
  /** Whom the latest attempt went to. */
  asked: GuardedEndpoint.GuardedEndpoint | undefined
  /** The failure of an attempt that ran out of time: ours, and not the operation's. */
  timeout: unknown
  /** What the call has waited for and not used yet. */
  pass: GuardedEndpoint.Pass | undefined
  round: number
  sent: number
}

const note = <E>(relay: Relay, progress: Progress<E>, attempt: Attempt.Attempt): void => {
  if (progress.attempts.length < maxTrail) progress.attempts.push(attempt)
  relay.events.tell({ _tag: "AttemptEnded", attempt })
}

const describe = (failure: unknown): { readonly status?: number; readonly detail?: string } => {
  if (typeof failure !== "object" || failure === null) return {}
  return {
    ...("status" in failure && Number.isSafeInteger(failure.status) ? { status: Number(failure.status) } : {}),
    ...("detail" in failure && typeof failure.detail === "string" ? { detail: failure.detail } : {})
  }
}

const noteRefusal = <E>(
  relay: Relay,
  progress: Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  failure: Failure.Failure
): void => {
  progress.failures.set(target, failure as RelayError.ExecuteError)
  if (Standby.isShortage(failure)) progress.shortages.push({ target, refusal: failure })
  note(relay, progress, {
    endpoint: target.endpoint.id,
    outcome: failure._tag,
    sent: false,
    round: progress.round,
    at: progress.clock.currentTimeMillisUnsafe(),
    duration: 0
  })
}

/** Chooses and admits in one synchronous step: no other fiber can come between. */
const admit = <A, E, R>(
  relay: Relay,
  call: Call<A, E, R>,
  progress: Progress<E>,
  now: number
): GuardedEndpoint.Admission | undefined => {
  const { pass } = progress
  if (pass !== undefined) {
    const admission = relay.registry.isCurrent(pass.target) ? ask(relay, progress, pass.target, now) : undefined
    if (admission !== undefined) return admission
    returnPass(progress)
  }
  const tiers = relay.registry.candidates(call.model)
  for (let draw = 0; draw < draws; draw++) {
    const target = Route.next(tiers, progress.tried, now, progress.random)
    if (target === undefined) return undefined
    const admission = ask(relay, progress, target, now)
    if (admission !== undefined) return admission
  }
  for (const tier of tiers) {
    for (const target of tier) {
      const admission = progress.tried.has(target) ? undefined : ask(relay, progress, target, now)
      if (admission !== undefined) return admission
    }
  }
  return undefined
}

const ask = <E>(
  relay: Relay,
  progress: Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  now: number
): GuardedEndpoint.Admission | undefined => {
  progress.tried.add(target)
  const verdict = target.admit(progress.demand, now, progress.pass?.of)
  if ("ticket" in verdict) {
    progress.pass = undefined
    return verdict
  }
  noteRefusal(relay, progress, target, verdict)
  return undefined
}

/**
 * Gives back what the call has waited for and does not use.
 *
 * @category calls
 * @since 0.1.0
 */
export const returnPass = <E>(progress: Progress<E>): void => {
  const { pass } = progress
  progress.pass = undefined
  if (pass !== undefined) pass.target.returnPass(pass, progress.demand)
}

const timedOut = (endpoint: Endpoint.Endpoint, limit: number): Failure.EndpointUnavailable =>
  Rejection.make(Failure.EndpointUnavailable, {
    endpoint: endpoint.id,
    reason: "Timeout" as const,
    detail: `no answer within ${Duration.format(Duration.millis(limit))}`,
    attempts: Attempt.none
  })

/** Runs the operation for as long as the attempt, or the caller, has time. */
const send = <A, E, R>(
  relay: Relay,
  call: Call<A, E, R>,
  progress: Progress<E>,
  endpoint: Endpoint.Endpoint,
  now: number
): Effect.Effect<A, Failed<E>, R> => {
  const limit = endpoint.attemptTimeout ?? relay.attemptTimeout
  const left = progress.deadlineAt - now
  return Effect.timeoutOrElse(call.operation(endpoint) as Effect.Effect<A, Failed<E>, R>, {
    duration: Duration.millis(Math.min(limit, left)),
    // the caller's time being up says nothing about the endpoint
    orElse: () => {
      const failure = left < limit ? Deadline.passed(call.deadline!, Attempt.none) : timedOut(endpoint, limit)
      progress.timeout = failure
      return Effect.fail(failure)
    }
  })
}

const endingOf = <A, E, R>(
  call: Call<A, E, R>,
  progress: Progress<E>,
  exit: Exit.Exit<A, Failed<E>>
): GuardedEndpoint.Ending => {
  if (Exit.isSuccess(exit)) return { _tag: "Answered", tokens: call.usedTokens(exit.value) }
  // a failure counts even where it interrupted siblings on its way
  const reason = exit.cause.reasons.find(Cause.isFailReason)
  if (reason !== undefined) {
    return { _tag: "Failed", failure: reason.error, verdict: judgeSafely(call, progress, reason.error) }
  }
  if (Cause.hasInterrupts(exit.cause)) return { _tag: "Interrupted" }
  const defect = Cause.squash(exit.cause)
  return { _tag: "Failed", failure: defect, verdict: Verdict.of(defect) }
}

const judge = <A, E, R>(call: Call<A, E, R>, progress: Progress<E>, failure: Failed<E>): Verdict.Verdict =>
  failure === progress.timeout ? Verdict.of(failure) : call.verdict(failure as E)

// the caller's own function may throw; the permits have to go back all the same, and the loop meets the defect
const judgeSafely = <A, E, R>(call: Call<A, E, R>, progress: Progress<E>, failure: Failed<E>): Verdict.Verdict => {
  try {
    return judge(call, progress, failure)
  } catch {
    return Verdict.of(failure)
  }
}

/** One attempt: `undefined` when no candidate is left, otherwise who was asked. */
const attempt = <A, E, R>(
  relay: Relay,
  call: Call<A, E, R>,
  progress: Progress<E>
): Effect.Effect<{ readonly endpoint: string; readonly value: A } | undefined, Failed<E>, R> =>
  Effect.suspend(() => {
    let admission: GuardedEndpoint.Admission | undefined
    // the finalizer stands before anything is admitted: no interrupt can fall between the two
    const asked: Effect.Effect<A | undefined, Failed<E>, R> = Effect.onExitPrimitive(
      Effect.suspend((): Effect.Effect<A | undefined, Failed<E>, R> => {
        const now = Now.read(progress.clock)
        admission = admit(relay, call, progress, now)
        if (admission === undefined) return Effect.undefined
        progress.sent++
        progress.asked = admission.target
        return send(relay, call, progress, admission.target.endpoint, now)
      }),
      (exit) => {
        if (admission === undefined) return undefined
        const now = Now.read(progress.clock)
        const ending = endingOf(call, progress, exit as Exit.Exit<A, Failed<E>>)
        const duration = now - admission.startedAt
        admission.target.settle(
          admission,
          isUnwritable(ending) ? { _tag: "Interrupted" } : ending,
          now,
          progress.random.nextDoubleUnsafe()
        )
        note(relay, progress, {
          endpoint: admission.target.endpoint.id,
          outcome: outcomeOf(ending),
          sent: !isUnwritable(ending),
          round: progress.round,
          at: Math.round(progress.clock.currentTimeMillisUnsafe() - duration),
          duration,
          ...(ending._tag === "Failed" ? describe(ending.failure) : {})
        })
        return undefined
      }
    )
    return Effect.map(asked, (value) =>
      admission === undefined ? undefined : { endpoint: admission.target.endpoint.id, value: value as A })
  })

// a request that cannot be written does not leave this process
const isUnwritable = (ending: GuardedEndpoint.Ending): boolean =>
  ending._tag === "Failed" && ending.failure instanceof Failure.RequestRejected && ending.failure.endpoint === undefined

const outcomeOf = (ending: GuardedEndpoint.Ending): string => {
  switch (ending._tag) {
    case "Answered":
      return "Success"
    case "Interrupted":
      return "Interrupted"
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
export const run = Effect.fnUntraced(function*<A, E, R>(
  relay: Relay,
  call: Call<A, E, R>,
  progress: Progress<E>
): Effect.fn.Return<Answered<A> | undefined, Failed<E>, R> {
  progress.shortages = []
  progress.tried.clear()
  while (progress.sent < relay.maxAttempts) {
    if (call.deadline !== undefined && Now.read(progress.clock) >= progress.deadlineAt) {
      return yield* Effect.fail(Deadline.passed(call.deadline, progress.attempts))
    }
    const sentBefore = progress.sent
    const exit = yield* Effect.exit(attempt(relay, call, progress))
    if (Exit.isSuccess(exit)) {
      if (exit.value === undefined) return undefined
      relay.budget = RetryBudget.deposit(relay.budget, relay.budgetRule)
      const { endpoint, value } = exit.value
      const latency = Now.read(progress.clock) - progress.startedAt
      return { value, meta: { endpoint, latency, attempts: progress.attempts } }
    }
    // defects and interrupts are nobody's to retry
    const reason = Cause.hasDies(exit.cause) ? undefined : exit.cause.reasons.find(Cause.isFailReason)
    if (reason === undefined) return yield* Effect.failCause(exit.cause)
    const failure = reason.error
    const wasSent = progress.sent > sentBefore
    if (!judge(call, progress, failure).elsewhere || (wasSent && !call.idempotent)) {
      return yield* Effect.fail(RelayError.withAttempts(failure, progress.attempts))
    }
    if (progress.asked !== undefined) progress.failures.set(progress.asked, failure)
  }
  return undefined
})
