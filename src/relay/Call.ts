/**
 * The way of one call: rounds over the candidates, failover first, waiting second.
 *
 * Within a round each candidate is tried at most once, and at once. When nothing
 * could be sent because our own limits are full, the call waits in line. When
 * candidates have failed, and waiting may help, the schedule sleeps, at least
 * until the soonest `retryAfter`. A wait beyond the deadline or the cap is not
 * begun.
 * This loop is the one authority on trying again: nothing below it retries.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Failure from "../endpoint/Failure.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import type * as Attempt from "../policy/Attempt.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Progress from "./Progress.ts"
import * as RelayError from "./RelayError.ts"
import * as Round from "./Round.ts"
import * as Standby from "./Standby.ts"

const nobodyToAsk = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>
): RelayError.ExecuteError => {
  if (progress.unfit !== undefined) return RelayError.withAttempts(progress.unfit, progress.attempts)
  return typeof call.model !== "string" || relay.registry.knows(call.model)
    ? Rejection.make(RelayError.RelayExhausted, { attempts: progress.attempts })
    : Rejection.make(Failure.ModelNotFound, { model: call.model, attempts: progress.attempts })
}

// a schedule of a relay is told of the relay's failures; one of somebody else's is told as what it came to
const toInput = <E>(failure: Progress.Failed<E>, progress: Progress.Progress<E>): RelayError.RelayError =>
  RelayError.isRelayError(failure)
    ? failure
    : Rejection.make(RelayError.RelayExhausted, { attempts: progress.attempts })

/** Having sent nothing this round: whether another is worth while now, with a pass in hand or other endpoints. */
const standBy = <E>(relay: Progress.Relay, progress: Progress.Progress<E>): Effect.Effect<boolean> => {
  const now = Now.read(progress.clock)
  const maxWait = Math.min(relay.maxWait, progress.deadlineAt - now)
  const lines = Standby.choose(progress.shortages).filter((shortage) => Standby.knownWait(shortage) < maxWait)
  const [first] = lines
  if (first === undefined) return Effect.succeed(false)
  relay.events.tell({
    _tag: "WaitBegan",
    round: progress.round + 1,
    delay: Standby.knownWait(first),
    because: first.refusal._tag
  })
  return Standby.wait(lines, progress.demand, maxWait, progress.clock, relay.registry.nextChange, (pass) => {
    progress.pass = pass
  }).pipe(
    Effect.map((refused) => {
      for (const { refusal, target } of refused ?? []) progress.failures.set(target, refusal)
      return refused === undefined
    })
  )
}

const loop = Effect.fnUntraced(function*<A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>
): Effect.fn.Return<Progress.Answered<A>, Progress.Failed<E>, R> {
  let step: Effect.Success<ReturnType<typeof Schedule.toStep<unknown, RelayError.RelayError, never, never>>> | undefined
  let mayStandBy = true
  while (true) {
    const sentBefore = progress.sent
    const answered = yield* Round.run(relay, call, progress)
    if (answered !== undefined) return answered

    if (mayStandBy && progress.sent === sentBefore && progress.shortages.length > 0) {
      mayStandBy = yield* standBy(relay, progress)
      // a round that begins past the deadline says so
      if (mayStandBy || Now.read(progress.clock) >= progress.deadlineAt) {
        progress.round++
        continue
      }
    }

    const failures = Array.from(progress.failures.values())
    if (!Arr.isArrayNonEmpty(failures)) return yield* Effect.fail(nobodyToAsk(relay, call, progress))
    const summary = RelayError.summarize<Progress.Failed<E>>(failures, progress.attempts)
    if (!summary.again || call.isRetry === true || progress.sent >= relay.maxAttempts) {
      return yield* Effect.fail(summary.failure)
    }
    step ??= yield* Schedule.toStep(relay.retry)
    const delay = yield* step(progress.clock.currentTimeMillisUnsafe(), toInput(summary.failure, progress)).pipe(
      Effect.map(([, delay]) => Math.max(summary.soonest, Duration.toMillis(delay))),
      Pull.catchDone(() => Effect.undefined)
    )
    const now = Now.read(progress.clock)
    const mayWait = delay !== undefined && delay <= relay.maxWait && now + delay < progress.deadlineAt
    if (!mayWait || !RetryBudget.withdraw(relay.budget, now)) return yield* Effect.fail(summary.failure)

    progress.round++
    relay.events.tell({ _tag: "WaitBegan", round: progress.round, delay, because: RelayError.tagOf(summary.failure) })
    // a wait that was interrupted costs nothing
    yield* Effect.onInterrupt(Effect.sleep(Math.ceil(delay)), () =>
      Effect.sync(() => {
        RetryBudget.refund(relay.budget, Now.read(progress.clock))
      }))
  }
})

const announce = (
  relay: Progress.Relay,
  exit: Exit.Exit<unknown, unknown>,
  attempts: ReadonlyArray<Attempt.Attempt>
): void => {
  const reason = Exit.isSuccess(exit) ? undefined : exit.cause.reasons.find(Cause.isFailReason)
  if (reason === undefined) return
  relay.events.tell({ _tag: "CallFailed", failure: RelayError.tagOf(reason.error), attempts })
}

/**
 * Makes a call: its answer, or the failure that its rounds add up to.
 *
 * @category calls
 * @since 0.1.0
 */
export const run = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>
): Effect.Effect<Progress.Answered<A>, Progress.Failed<E>, R> =>
  Effect.withFiber((fiber) => {
    const clock = Now.clockOf(fiber)
    const startedAt = Now.read(clock)
    const progress: Progress.Progress<E> = {
      clock,
      random: fiber.getRef(Random.Random),
      startedAt,
      deadlineAt: startedAt + (call.deadline ?? Infinity),
      attempts: [],
      tried: new Set(),
      spent: undefined,
      demand: {
        model: call.scope ?? call.model ?? "*",
        cost: { calls: 1, tokens: call.estimatedTokens },
        isTimed: call.isTimed
      },
      failures: new Map(),
      unfit: undefined,
      asked: undefined,
      shortages: [],
      timeout: undefined,
      pass: undefined,
      round: 0,
      sent: 0
    }
    return Effect.onExitPrimitive(loop(relay, call, progress), (exit) => {
      Progress.returnPass(progress)
      if (call.isAnnounced) announce(relay, exit, progress.attempts)
      return undefined
    })
  })
