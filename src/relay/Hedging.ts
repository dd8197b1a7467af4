/**
 * A second copy of an attempt that takes longer than most, at another endpoint
 * of the same tier.
 *
 * The copy goes through the same admission, counts as an attempt, and is paid
 * from the retry budget. Whoever loses is interrupted, which ends its request on
 * the wire and leaves nothing behind: no verdict, no latency, no tokens.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import { CurrentDeadline } from "../policy/Deadline.ts"
import * as Choice from "./Choice.ts"
import type * as Progress from "./Progress.ts"

/**
 * An attempt, in one tier or in all: `undefined` when nobody admitted it.
 *
 * @category models
 * @since 0.1.0
 */
export type Attempt = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  tier?: Registry.Tier
) => Effect.Effect<Progress.Sent<A> | undefined, Progress.Failed<E>, R>

// who found nobody to ask has not won
const nobody = Symbol("nobody")

/** The tier of whoever was asked last, if somebody else there is well and would take the call now. */
const alternatives = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  now: number
): Registry.Tier | undefined => {
  const { asked, demand, tried } = progress
  const tier = asked === undefined
    ? undefined
    : Choice.tiers(relay, call.model).find((targets) => targets.includes(asked))
  const isUsable = (target: GuardedEndpoint): boolean =>
    !tried.has(target) && !target.isDegraded(now) && target.refusal(demand, now) === undefined
  return tier?.some(isUsable) ? tier : undefined
}

/**
 * An attempt, hedged where relay and caller want it, the call may be sent twice,
 * and there is a tier with more than one endpoint.
 *
 * @category calls
 * @since 0.1.0
 */
export const around = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  attempt: Attempt
): Effect.Effect<Progress.Sent<A> | undefined, Progress.Failed<E>, R> => {
  if (
    relay.hedge === undefined || !call.mayHedge || !call.idempotent ||
    !Choice.tiers(relay, call.model).some((tier) => tier.length > 1)
  ) return attempt(relay, call, progress)

  let tier: Registry.Tier | undefined
  const raced = relay.hedge.at(call.model ?? "*").race(
    () =>
      Effect.flatMap(
        attempt(relay, call, progress, tier),
        (sent): Effect.Effect<Progress.Sent<A>, typeof nobody> =>
          sent === undefined ? Effect.fail(nobody) : Effect.succeed(sent)
      ),
    {
      withdrawUnsafe: (now) => {
        if (!progress.authority.hasLeft(false)) return false
        tier = alternatives(relay, call, progress, now)
        return tier !== undefined && RetryBudget.withdraw(progress.authority.budget, now)
      }
    }
  )
  return Effect.catch(
    Effect.provideService(raced, CurrentDeadline, progress.deadlineAt),
    (failure): Effect.Effect<undefined, Progress.Failed<E>> =>
      failure === nobody ? Effect.undefined : Effect.fail(failure)
  )
}
