/**
 * One round of a call: every candidate that admits it, one after the other.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Cutoff from "../policy/Cutoff.ts"
import { CurrentDeadline } from "../policy/Deadline.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Choice from "./Choice.ts"
import * as Deadline from "./Deadline.ts"
import * as Progress from "./Progress.ts"
import * as RelayError from "./RelayError.ts"
import * as Route from "./Route.ts"
import * as Standby from "./Standby.ts"

// how many candidates are drawn one by one before the rest is gone through in order
const draws = 64

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

const noteRefusal = <E>(
  relay: Progress.Relay,
  progress: Progress.Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  failure: Failure.Failure
): void => {
  progress.failures.set(target, failure as RelayError.ExecuteError)
  if (Standby.isShortage(failure)) progress.shortages.push({ target, refusal: failure })
  Progress.note(relay, progress, {
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
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  now: number
): GuardedEndpoint.Admission | undefined => {
  const { pass } = progress
  if (pass !== undefined) {
    const admission = relay.registry.isCurrent(pass.target) ? ask(relay, progress, pass.target, now) : undefined
    if (admission !== undefined) return admission
    Progress.returnPass(progress)
  }
  const { wish = Choice.noWish } = call
  const tiers = relay.registry.candidates(call.model, wish.needs)
  for (let draw = 0; draw < draws; draw++) {
    const target = Route.next(tiers, progress.tried, now, progress.random, relay.strategy, wish)
    // in a large tier it may have missed one
    if (target === undefined) break
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
  relay: Progress.Relay,
  progress: Progress.Progress<E>,
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

const timedOut = (endpoint: Endpoint.Endpoint, limit: number): Failure.EndpointUnavailable =>
  Rejection.make(Failure.EndpointUnavailable, {
    endpoint: endpoint.id,
    reason: "Timeout" as const,
    detail: `no answer within ${Duration.format(Duration.millis(limit))}`,
    attempts: Attempt.none
  })

/** Runs the operation for as long as the attempt, or the caller, has time. */
const send = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  endpoint: Endpoint.Endpoint,
  now: number
): Effect.Effect<A, Progress.Failed<E>, R> => {
  const limit = endpoint.attemptTimeout ?? relay.attemptTimeout
  const left = progress.deadlineAt - now
  const time = Math.min(limit, left)
  const operation = call.operation(endpoint) as Effect.Effect<A, Progress.Failed<E>, R>
  if (time === Infinity) return operation
  return Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<R>
    return Cutoff.run(
      operation,
      left === Infinity ? context : Context.add(context, CurrentDeadline, progress.deadlineAt),
      progress.clock,
      now,
      time,
      () =>
        // the caller's time being up says nothing about the endpoint
        progress.timeout = left < limit ? Deadline.passed(call.deadline!, Attempt.none) : timedOut(endpoint, limit)
    )
  })
}

const endingOf = <A, E, R>(
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  exit: Exit.Exit<A, Progress.Failed<E>>
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

const judge = <A, E, R>(
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  failure: Progress.Failed<E>
): Verdict.Verdict => failure === progress.timeout ? Verdict.of(failure) : call.verdict(failure as E)

// the caller's own function may throw; the permits have to go back all the same, and the loop meets the defect
const judgeSafely = <A, E, R>(
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  failure: Progress.Failed<E>
): Verdict.Verdict => {
  try {
    return judge(call, progress, failure)
  } catch {
    return Verdict.of(failure)
  }
}

/** One attempt: `undefined` when no candidate is left, otherwise who was asked. */
const attempt = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>
): Effect.Effect<{ readonly endpoint: string; readonly value: A } | undefined, Progress.Failed<E>, R> =>
  Effect.suspend(() => {
    let admission: GuardedEndpoint.Admission | undefined
    // the finalizer stands before anything is admitted: no interrupt can fall between the two
    const asked: Effect.Effect<A | undefined, Progress.Failed<E>, R> = Effect.onExitPrimitive(
      Effect.suspend((): Effect.Effect<A | undefined, Progress.Failed<E>, R> => {
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
        const ending = endingOf(call, progress, exit as Exit.Exit<A, Progress.Failed<E>>)
        const duration = now - admission.startedAt
        admission.target.settle(
          admission,
          ending,
          now,
          progress.random.nextDoubleUnsafe()
        )
        Progress.note(relay, progress, {
          endpoint: admission.target.endpoint.id,
          outcome: outcomeOf(ending),
          sent: true,
          round: progress.round,
          at: Math.round(progress.clock.currentTimeMillisUnsafe() - duration),
          duration,
          ...(ending._tag === "Failed" ? describe(ending.failure) : {})
        })
        return undefined
      }
    )
    return Effect.map(
      asked,
      (value) => admission === undefined ? undefined : { endpoint: admission.target.endpoint.id, value: value as A }
    )
  })

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
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>
): Effect.fn.Return<Progress.Answered<A> | undefined, Progress.Failed<E>, R> {
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
      const now = Now.read(progress.clock)
      RetryBudget.deposit(relay.budget, now)
      const { endpoint, value } = exit.value
      const latency = now - progress.startedAt
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
