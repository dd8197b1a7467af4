/**
 * The way of one call: rounds over the candidates, failover first, waiting second.
 *
 * Within a round each candidate is tried at most once, and at once. Only when
 * all have failed, and waiting may help, does the schedule sleep, at least until
 * the soonest `retryAfter`; a wait beyond the deadline or the cap is not begun.
 * This loop is the one authority on trying again: nothing below it retries.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import type * as Meta from "./Meta.ts"
import * as RelayError from "./RelayError.ts"
import type * as RelayEvents from "./RelayEvents.ts"
import * as Route from "./Route.ts"

/**
 * What every call of a relay shares. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Relay {
  readonly registry: Registry.Registry
  readonly events: RelayEvents.RelayEvents
  readonly retry: Schedule.Schedule<unknown, unknown>
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
  readonly verdict: (failure: E | RelayError.ExecuteError) => Verdict.Verdict
  readonly deadline: number | undefined
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

// a round looks no further than this past endpoints that refuse, nor keeps a longer trail
const maxRefusals = 64
const maxTrail = 128

type Failed<E> = E | RelayError.ExecuteError

/** What one call knows of itself while it is under way. */
interface Progress<E> {
  readonly clock: Clock.Clock
  readonly random: Random.Random
  readonly startedAt: number
  readonly deadlineAt: number
  readonly attempts: Array<Attempt.Attempt>
  readonly tried: Set<GuardedEndpoint.GuardedEndpoint>
  failures: Array<Failed<E>>
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
    ...("status" in failure && typeof failure.status === "number" ? { status: failure.status } : {}),
    ...("detail" in failure && typeof failure.detail === "string" ? { detail: failure.detail } : {})
  }
}

const noteRefusal = <E>(
  relay: Relay,
  progress: Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  failure: Failure.Failure
): void => {
  progress.failures.push(failure as RelayError.ExecuteError)
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
  const tiers = relay.registry.candidates(call.model)
  const demand = { model: call.model ?? "*", cost: { calls: 1, tokens: call.estimatedTokens } }
  for (let refusals = 0; refusals < maxRefusals; refusals++) {
    const target = Route.next(tiers, progress.tried, now, progress.random)
    if (target === undefined) return undefined
    progress.tried.add(target)
    const verdict = target.admit(demand, now)
    if ("ticket" in verdict) return verdict
    noteRefusal(relay, progress, target, verdict)
  }
  return undefined
}

const timedOut = (endpoint: Endpoint.Endpoint, limit: number): Failure.EndpointUnavailable =>
  Rejection.make(Failure.EndpointUnavailable, {
    endpoint: endpoint.id,
    reason: "Timeout" as const,
    detail: `no answer within ${Duration.format(Duration.millis(limit))}`,
    attempts: Attempt.none
  })

const pastDeadline = (deadline: number, attempts: ReadonlyArray<Attempt.Attempt>): RelayError.DeadlineExceeded =>
  Rejection.make(RelayError.DeadlineExceeded, { deadline: Duration.millis(deadline), attempts })

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
    orElse: () => Effect.fail(left < limit ? pastDeadline(call.deadline!, Attempt.none) : timedOut(endpoint, limit))
  })
}

const endingOf = <A, E, R>(
  call: Call<A, E, R>,
  exit: Exit.Exit<A, Failed<E>>
): GuardedEndpoint.Ending => {
  if (Exit.isSuccess(exit)) return { _tag: "Answered", tokens: call.usedTokens(exit.value) }
  if (Cause.hasInterrupts(exit.cause)) return { _tag: "Interrupted" }
  const reason = exit.cause.reasons.find(Cause.isFailReason)
  const failure = reason === undefined ? Cause.squash(exit.cause) : reason.error
  return {
    _tag: "Failed",
    failure,
    verdict: reason === undefined ? Verdict.of(failure) : call.verdict(reason.error)
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
        return send(relay, call, progress, admission.target.endpoint, now)
      }),
      (exit) => {
        if (admission === undefined) return undefined
        const now = Now.read(progress.clock)
        const ending = endingOf(call, exit as Exit.Exit<A, Failed<E>>)
        const duration = now - admission.startedAt
        admission.target.settle(admission, ending, now, progress.random.nextDoubleUnsafe())
        note(relay, progress, {
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
    return Effect.map(asked, (value) =>
      admission === undefined ? undefined : { endpoint: admission.target.endpoint.id, value: value as A })
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

/** Asks one candidate after the other; the answer, or the failures when none is left. */
const runRound = Effect.fnUntraced(function*<A, E, R>(
  relay: Relay,
  call: Call<A, E, R>,
  progress: Progress<E>
): Effect.fn.Return<Answered<A> | undefined, Failed<E>, R> {
  progress.failures = []
  progress.tried.clear()
  while (progress.sent < relay.maxAttempts) {
    if (call.deadline !== undefined && Now.read(progress.clock) >= progress.deadlineAt) {
      return yield* Effect.fail(pastDeadline(call.deadline, progress.attempts))
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
    const failure = Cause.hasDies(exit.cause) || Cause.hasInterrupts(exit.cause)
      ? undefined
      : exit.cause.reasons.find(Cause.isFailReason)?.error
    if (failure === undefined) return yield* Effect.failCause(exit.cause)
    const wasSent = progress.sent > sentBefore
    if (!call.verdict(failure).elsewhere || (wasSent && !call.idempotent)) {
      return yield* Effect.fail(RelayError.withAttempts(failure, progress.attempts))
    }
    progress.failures.push(failure)
  }
  return undefined
})

const nobodyToAsk = <A, E, R>(call: Call<A, E, R>, progress: Progress<E>): RelayError.ExecuteError =>
  call.model === undefined
    ? Rejection.make(RelayError.RelayExhausted, { attempts: progress.attempts })
    : Rejection.make(Failure.ModelNotFound, { model: call.model, attempts: progress.attempts })

/**
 * Makes a call: its answer, or the failure that its rounds add up to.
 *
 * @category calls
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function*<A, E, R>(
  relay: Relay,
  call: Call<A, E, R>
): Effect.fn.Return<Answered<A>, Failed<E>, R> {
  const clock = yield* Effect.withFiberSucceed(Now.clockOf)
  const random = yield* Random.Random
  const startedAt = Now.read(clock)
  const progress: Progress<E> = {
    clock,
    random,
    startedAt,
    deadlineAt: startedAt + (call.deadline ?? Infinity),
    attempts: [],
    tried: new Set(),
    failures: [],
    round: 0,
    sent: 0
  }
  let step: Effect.Success<ReturnType<typeof Schedule.toStep<unknown, unknown, never, never>>> | undefined
  while (true) {
    const answered = yield* runRound(relay, call, progress)
    if (answered !== undefined) return answered
    const [first, ...others] = progress.failures
    if (first === undefined) return yield* Effect.fail(nobodyToAsk(call, progress))

    const summary = RelayError.summarize<Failed<E>>([first, ...others], progress.attempts)
    if (!summary.again || progress.sent >= relay.maxAttempts) return yield* Effect.fail(summary.failure)
    step ??= yield* Schedule.toStep(relay.retry)
    const delay = yield* step(clock.currentTimeMillisUnsafe(), summary.failure).pipe(
      Effect.map(([, delay]) => Math.max(summary.soonest, Duration.toMillis(delay))),
      Pull.catchDone(() => Effect.undefined)
    )
    const mayWait = delay !== undefined && delay <= relay.maxWait &&
      Now.read(clock) + delay < progress.deadlineAt && RetryBudget.withdraw(relay.budget) !== undefined
    if (!mayWait) return yield* Effect.fail(summary.failure)

    progress.round++
    relay.events.tell({ _tag: "WaitBegan", round: progress.round, delay, because: RelayError.tagOf(summary.failure) })
    yield* Effect.sleep(Math.ceil(delay))
    // paid for when it begins: a wait that was interrupted costs nothing
    relay.budget = RetryBudget.withdraw(relay.budget) ?? 0
  }
})
