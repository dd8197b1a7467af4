/**
 * Sending one attempt: what runs inside knows who is in charge, and it ends when nobody has time for it any more.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fault from "../endpoint/Fault.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import type * as Allowance from "../machine/Allowance.ts"
import * as Attempt from "../policy/Attempt.ts"
import { CurrentAuthority } from "../policy/Authority.ts"
import * as Cutoff from "../policy/Cutoff.ts"
import { CurrentDeadline } from "../policy/Deadline.ts"
import * as Now from "../policy/Now.ts"
import * as Purse from "../policy/Purse.ts"
import * as Deadline from "./Deadline.ts"
import * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"

/**
 * Tells what runs inside who is in charge, and what it spends from: what is set aside for it is not to be paid twice.
 *
 * @category calls
 * @since 0.1.0
 */
export const surround = <E, R>(
  context: Context.Context<R>,
  { authority, purse }: Progress.Progress<E>,
  held: Allowance.Amount | undefined
): Context.Context<R> => {
  const inCharge = Context.add(context, CurrentAuthority, authority)
  return purse === undefined
    ? inCharge
    : Context.add(inCharge, Purse.CurrentPurse, held === undefined ? purse : undefined)
}

/**
 * Runs the operation for as long as the attempt, or whoever waits, has time.
 *
 * @category calls
 * @since 0.1.0
 */
export const send = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  admission: GuardedEndpoint.Admission,
  context: Context.Context<R>,
  now: number,
  lead: () => boolean,
  onTimeout: (failure: RelayError.ExecuteError) => RelayError.ExecuteError
): Effect.Effect<A, Progress.Failed<E>, R> => {
  const { endpoint } = admission.target
  // a stream may take as long as it likes, if only it goes on
  const limit = call.isStream === true ? Infinity : endpoint.attemptTimeout ?? relay.attemptTimeout
  const left = Progress.endOf(call, progress) - now
  const isShared = call.company !== undefined
  const time = isShared ? limit : Math.min(limit, left)
  const operation = call.operation(endpoint, admission, lead) as Effect.Effect<A, Progress.Failed<E>, R>
  // what many wait for has no end that is known by now
  const inside = progress.deadlineAt === Infinity
    ? context
    : Context.add(context, CurrentDeadline, isShared ? Infinity : progress.deadlineAt)
  const sent = time === Infinity
    ? Effect.provideContext(operation, inside)
    : Cutoff.run(
      operation,
      inside,
      progress.clock,
      now,
      time,
      () =>
        // the caller's time being up says nothing about the endpoint
        onTimeout(
          !isShared && left < limit
            ? Deadline.passed(call.deadline!, Attempt.none)
            : Fault.timedOut(endpoint.id, limit)
        )
    )
  return isShared && left < limit
    ? Effect.raceFirst(
      sent,
      patience(call, progress, () => onTimeout(Deadline.passed(call.deadline!, Attempt.none)))
    )
    : sent
}

/** Fails once nobody has time any more, as things stand by then. */
const patience = <A, E, R>(
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  failure: () => RelayError.ExecuteError
): Effect.Effect<never, RelayError.ExecuteError> =>
  Effect.suspend(() => {
    const left = Progress.endOf(call, progress) - Now.read(progress.clock)
    if (left <= 0) return Effect.fail(failure())
    if (left === Infinity) return Effect.never
    return Effect.flatMap(Effect.sleep(Math.ceil(left)), () => patience(call, progress, failure))
  })
