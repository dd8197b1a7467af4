/**
 * Tries again what failed and may succeed: a policy, and the schedules it goes by.
 *
 * The schedules are Effect's own `Schedule`s: use them in `Effect.retry`, give
 * them to a relay, or compose them further.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import * as Authority from "./Authority.ts"
import * as Configuration from "./Configuration.ts"
import * as Deadline from "./Deadline.ts"
import * as Now from "./Now.ts"
import * as Policy from "./Policy.ts"
import * as RetryBudget from "./RetryBudget.ts"
import * as RetryOptions from "./RetryOptions.ts"
import * as RetrySchedule from "./RetrySchedule.ts"
import * as Verdict from "./Verdict.ts"

export {
  /**
   * The same delay each time, before jitter.
   *
   * @category schedules
   * @since 0.1.0
   */
  constant,
  /**
   * The options of a schedule that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * Delays that double, before jitter.
   *
   * @category schedules
   * @since 0.1.0
   */
  exponential,
  /**
   * Delays of which each is the sum of the two before, before jitter.
   *
   * @category schedules
   * @since 0.1.0
   */
  fibonacci,
  /**
   * Never earlier than the failure's own `retryAfter`.
   *
   * @category combinators
   * @since 0.1.0
   */
  honorRetryAfter,
  /**
   * How chance changes a delay.
   *
   * @category models
   * @since 0.1.0
   */
  type Jitter,
  /**
   * Delays that grow by the base each time, before jitter.
   *
   * @category schedules
   * @since 0.1.0
   */
  linear,
  /**
   * No retry at all.
   *
   * @category schedules
   * @since 0.1.0
   */
  none,
  /**
   * Only what may succeed on the same target later.
   *
   * @category combinators
   * @since 0.1.0
   */
  onlyRetryable,
  /**
   * The options of a schedule.
   *
   * @category models
   * @since 0.1.0
   */
  type Options,
  /**
   * What most callers want.
   *
   * @category schedules
   * @since 0.1.0
   */
  standard
} from "./RetrySchedule.ts"

export {
  /**
   * The options of a retry.
   *
   * @category models
   * @since 0.1.0
   */
  type Options as RetryOptions
} from "./RetryOptions.ts"

/**
 * A retry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Retry {
  /** What retries are paid from; `undefined` where they are not. */
  readonly budget: RetryBudget.RetryBudget | undefined
  /**
   * Runs an effect, and again after each failure, as long as schedule, budget and
   * deadline allow; then the latest failure comes out, as it was. A wait that
   * would not end before the deadline is not begun. Defects and interrupts are
   * not tried again.
   *
   * Inside a relayed call, retries are taken from that call's attempts and paid
   * from its budget, instead of this one's.
   */
  readonly protect: Policy.Policy
}

// what a cause holds beside a failure is a sibling's interrupt; what it holds beside a defect does not matter
const failureOf = <E>(cause: Cause.Cause<E>): Cause.Fail<E> | undefined =>
  Cause.hasDies(cause) ? undefined : cause.reasons.find(Cause.isFailReason)

const hintOf = (failure: Cause.Fail<unknown>): number => Verdict.hintOf(failure.error) ?? 0

const build = (
  schedule: Schedule.Schedule<unknown>,
  budget: RetryBudget.RetryBudget | undefined,
  maxRetryAfter: number,
  isRetryable: (failure: unknown) => boolean
): Retry => {
  const begin = Schedule.toStep(schedule)
  // a schedule that is known to allow no retry need not be asked
  const isHopeless = RetrySchedule.worstOf(schedule).times === 0

  const mayRetry = <E>(cause: Cause.Cause<E>): boolean => {
    if (isHopeless) return false
    const failure = failureOf(cause)
    if (failure === undefined) return false
    try {
      return isRetryable(failure.error) === true && hintOf(failure) <= maxRetryAfter
    } catch {
      // a predicate that fails has no say, and the failure comes out as it is
      return false
    }
  }

  /** Waits, pays and runs: what the effect ends with, or `undefined` when it may not be run again. */
  const attempt = <A, E, R>(
    self: Effect.Effect<A, E, R>,
    delay: number
  ): Effect.Effect<Exit.Exit<A, E> | undefined, never, R> =>
    Effect.withFiber((fiber) => {
      const clock = Now.clockOf(fiber)
      const payer = Authority.ofUnsafe(fiber) ?? budget
      let isOwed = false
      const untilDue = (due: number): Effect.Effect<void> => {
        const left = due - Now.read(clock)
        // a timer may fire a little early: look again
        return left > 0
          ? Effect.flatMap(clock.sleep(Duration.millis(Math.ceil(left))), () => untilDue(due))
          : Effect.void
      }
      // the finalizer stands before anything is paid: no interrupt can fall between the two
      return Effect.onExitPrimitive(
        Effect.suspend((): Effect.Effect<Exit.Exit<A, E> | undefined, never, R> => {
          const now = Now.read(clock)
          if (delay >= Deadline.leftUnsafe(fiber, now)) return Effect.undefined
          if (payer !== undefined && !payer.withdrawUnsafe(now)) return Effect.undefined
          isOwed = payer !== undefined
          return Effect.flatMap(clock.sleep(Duration.millis(delay)), () =>
            Effect.flatMap(untilDue(now + delay), () => {
              isOwed = false
              return Effect.exit(self)
            }))
        }),
        () => {
          if (isOwed) payer!.refundUnsafe(Now.read(clock))
          return undefined
        }
      )
    })

  const again = Effect.fnUntraced(function*<A, E, R>(
    self: Effect.Effect<A, E, R>,
    first: Cause.Cause<E>
  ): Effect.fn.Return<A, E, R> {
    const clock = yield* Effect.withFiberSucceed(Now.clockOf)
    const step = yield* begin
    let cause = first
    while (true) {
      const failure = mayRetry(cause) ? failureOf(cause) : undefined
      if (failure === undefined) return yield* Effect.failCause(cause)
      const delay = yield* step(clock.currentTimeMillisUnsafe(), failure.error).pipe(
        Effect.map(([, delay]) => Math.ceil(Math.max(Duration.toMillis(delay), hintOf(failure)))),
        Pull.catchDone(() => Effect.succeed(Infinity))
      )
      const exit = yield* attempt(self, delay)
      if (exit === undefined) return yield* Effect.failCause(cause)
      if (Exit.isSuccess(exit)) return exit.value
      cause = exit.cause
    }
  })

  const unpaid = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.catchCause(self, (cause) => mayRetry(cause) ? again(self, cause) : Effect.failCause(cause))

  const payIn = (fiber: Parameters<typeof Now.clockOf>[0]): void => budget!.depositUnsafe(Now.read(Now.clockOf(fiber)))

  const paid = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(unpaid(self), (value) =>
      Effect.withFiberSucceed((fiber) => {
        payIn(fiber)
        return value
      }))

  return {
    budget,
    protect: Policy.make(budget === undefined ? unpaid : paid, () => {
      const { delay, times } = RetrySchedule.worstOf(schedule, maxRetryAfter)
      return {
        _tag: "Retry",
        maxAttempts: times + 1,
        maxDelay: delay,
        retriesOpenCircuit: RetryOptions.retriesOpenCircuit(isRetryable),
        hasBudget: budget !== undefined
      }
    })
  }
}

/**
 * A retry for code of your own. Without options: up to four retries with
 * exponential backoff and full jitter, never before `retryAfter`, of what may
 * succeed, while successes pay for them.
 *
 * A call that succeeds at once meets neither schedule nor timer. Fails with
 * `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Retry } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const retry = yield* Retry.make({ schedule: Retry.exponential({ base: "2 millis", times: 5 }) })
 *   let calls = 0
 *   const flaky = Effect.suspend(() => ++calls < 3 ? Effect.fail("not yet") : Effect.succeed(`call ${calls} answered`))
 *   return yield* flaky.pipe(retry.protect)
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: RetryOptions.Options): Effect.Effect<Retry, Configuration.InvalidConfiguration> =>
  Effect.flatMap(
    Configuration.decode("Retry", RetryOptions.Settings, options, RetryOptions.defaults),
    ({ budget, maxRetryAfter, schedule, while: isRetryable }) =>
      budget === undefined
        ? Effect.map(RetryBudget.make(), (budget) => build(schedule, budget, maxRetryAfter, isRetryable))
        : Effect.succeed(build(schedule, budget === "unlimited" ? undefined : budget, maxRetryAfter, isRetryable))
  )
