/**
 * The way of one call: rounds over the candidates, failover first, waiting second.
 *
 * Within a round each candidate is tried at most once, and at once. When nothing
 * could be sent because our own limits are full, the call waits in line. When
 * candidates have failed, and waiting may help, the schedule sleeps, at least
 * until the soonest `retryAfter`. A wait beyond the deadline or the cap is not
 * begun.
 * This loop is the one authority on trying again: what runs inside it takes its
 * attempts from the same count, pays from the same budget, and leaves the
 * waiting to it.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Failure from "../endpoint/Failure.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import type * as Attempt from "../policy/Attempt.ts"
import * as Authority from "../policy/Authority.ts"
import * as Now from "../policy/Now.ts"
import * as Purse from "../policy/Purse.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Budgets from "./Budgets.ts"
import * as Pause from "./Pause.ts"
import * as Progress from "./Progress.ts"
import * as RelayError from "./RelayError.ts"
import * as Round from "./Round.ts"
import * as Standby from "./Standby.ts"

/**
 * The failure of a call that nobody could be asked for.
 *
 * @category constructors
 * @since 0.1.0
 */
export const nobodyToAsk = (
  relay: Progress.Relay,
  model: string | null | undefined,
  attempts: ReadonlyArray<Attempt.Attempt>
): RelayError.RelayExhausted | Failure.ModelNotFound =>
  // where there is no endpoint at all, the model is not to blame
  typeof model !== "string" || relay.registry.isEmpty() || relay.registry.knows(model)
    ? Rejection.make(RelayError.RelayExhausted, { attempts })
    : Rejection.make(Failure.ModelNotFound, { model, attempts })

// whoever is inside another call leaves the waiting to that one, which may know somebody else to ask
const mayBeginRound = <E>({ authority, sent }: Progress.Progress<E>): boolean =>
  authority.hasLeft(sent === 0) && Authority.inForce(authority.parent) === undefined

/** Having sent nothing this round: whether another is worth while now, with a pass in hand or other endpoints. */
const standBy = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  nextChange: Effect.Effect<void>
): Effect.Effect<boolean> => {
  const now = Now.read(progress.clock)
  const maxWait = Math.min(relay.maxWait, Progress.endOf(call, progress) - now)
  const lines = Standby.choose(progress.shortages, maxWait)
  const [first] = lines
  if (first === undefined) return Effect.succeed(false)
  relay.events.tell({
    _tag: "WaitBegan",
    round: progress.round + 1,
    delay: Standby.knownWait(first),
    because: first.refusal._tag
  })
  const paused = Standby.pauses(progress.failures, maxWait)
  return Standby.wait(lines, paused, progress.demand, maxWait, progress.clock, nextChange, (pass) => {
    progress.pass = pass
  }).pipe(
    Effect.map((refused) => {
      for (const { refusal, target } of refused ?? []) progress.failures.set(target, refusal)
      return refused === undefined
    })
  )
}

/** Who only lacked room, and takes no more calls now, has nothing left to say. */
const forgetGone = <E>({ registry }: Progress.Relay, { failures, shortages }: Progress.Progress<E>): void => {
  for (const { target } of shortages) if (!registry.isCurrent(target)) failures.delete(target)
}

const loop = Effect.fnUntraced(function*<A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>
): Effect.fn.Return<Progress.Answered<A>, Progress.Failed<E>, R> {
  let step: Pause.Step | undefined
  let mayStandBy = true
  while (true) {
    const sentBefore = progress.sent
    const { revision } = relay.registry
    const seen = revision.number
    forgetGone(relay, progress)
    const answered = yield* Round.run(relay, call, progress)
    if (answered !== undefined) return answered

    if (mayStandBy && progress.sent === sentBefore && progress.shortages.length > 0) {
      const end = Progress.endOf(call, progress)
      mayStandBy = yield* standBy(relay, call, progress, revision.after(seen))
      // somebody has joined meanwhile who waits longer
      mayStandBy ||= Progress.endOf(call, progress) > end
      // a round that begins past the deadline says so
      if (mayStandBy || Now.read(progress.clock) >= Progress.endOf(call, progress)) {
        progress.round++
        continue
      }
    }

    forgetGone(relay, progress)
    const failures = Array.from(progress.failures.values())
    if (!Arr.isArrayNonEmpty(failures)) {
      return yield* Effect.fail(
        progress.unfit === undefined
          ? nobodyToAsk(relay, call.model, progress.attempts)
          : RelayError.withAttempts(progress.unfit, progress.attempts)
      )
    }
    const summary = RelayError.summarize<Progress.Failed<E>>(failures, progress.attempts)
    if (!summary.again || call.isRetry === true || !mayBeginRound(progress)) return yield* Effect.fail(summary.failure)
    step ??= yield* Schedule.toStep(relay.retry)
    const delay = yield* Pause.next(
      step,
      progress.clock.currentTimeMillisUnsafe(),
      Pause.toInput(summary.failure, progress.attempts),
      summary.soonest
    )
    const now = Now.read(progress.clock)
    const mayWait = delay !== undefined && Pause.isWorthwhile(relay, delay, Progress.endOf(call, progress) - now)
    if (!mayWait || !RetryBudget.withdraw(relay.budget, now)) return yield* Effect.fail(summary.failure)

    progress.round++
    relay.events.tell({ _tag: "WaitBegan", round: progress.round, delay, because: RelayError.tagOf(summary.failure) })
    // a wait that was interrupted costs nothing
    yield* Effect.onInterrupt(Effect.sleep(Math.ceil(delay)), () =>
      Effect.sync(() => {
        RetryBudget.refund(relay.budget, Now.read(progress.clock))
      }))
    // that was paid for: lines that were too long before may be short now
    mayStandBy = true
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
    const authority = new Authority.Authority(relay.maxAttempts, relay.budget, Authority.ofUnsafe(fiber))
    const around = Purse.ofUnsafe(fiber)
    const purse = Budgets.purseOf(relay.budgets, around, call.payer)
    const progress: Progress.Progress<E> = {
      authority,
      purse,
      clock,
      random: fiber.getRef(Random.Random),
      startedAt,
      deadlineAt: startedAt + (call.deadline ?? Infinity),
      attempts: [],
      charges: [],
      tried: new Set(),
      spent: undefined,
      room: undefined,
      demand: {
        model: call.scope ?? call.model ?? "*",
        cost: { calls: 1, tokens: call.estimatedTokens },
        isTimed: call.isTimed
      },
      failures: new Map(),
      unfit: undefined,
      asked: undefined,
      ending: undefined,
      shortages: [],
      pass: undefined,
      round: 0,
      sent: 0
    }
    if (call.company !== undefined) {
      call.company.attempts = progress.attempts
      call.company.charges = progress.charges
    }
    Purse.use(purse, around, 1)
    return Effect.onExitPrimitive(loop(relay, call, progress), (exit) => {
      Purse.use(purse, around, -1)
      Progress.returnPass(progress)
      authority.end()
      if (call.isAnnounced) announce(relay, exit, progress.attempts)
      return undefined
    })
  })
