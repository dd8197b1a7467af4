/**
 * A second copy of an attempt that takes longer than most, at another endpoint
 * of the same tier.
 *
 * The copy goes through the same admission, counts as an attempt, and is paid
 * from the retry budget. Whoever loses is interrupted, which ends its request on
 * the wire and leaves nothing behind: no verdict, no latency, no tokens. Of
 * answers that come bit by bit the first token wins.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import * as Rates from "../endpoint/Rates.ts"
import type * as Registry from "../endpoint/Registry.ts"
import * as RetryBudget from "../machine/RetryBudget.ts"
import * as Configuration from "../policy/Configuration.ts"
import { CurrentDeadline } from "../policy/Deadline.ts"
import * as Hedge from "../policy/Hedge.ts"
import * as Candidates from "./Candidates.ts"
import * as Expense from "./Expense.ts"
import * as Lead from "./Lead.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayOptions from "./RelayOptions.ts"

// model names come from callers, and a hedge that measures holds some 30 KB
const maxModels = 256

/**
 * The hedge of a relay, with one for each model; `undefined` where it is off.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: RelayOptions.HedgeOptions | "off"
): Effect.Effect<Hedge.Hedge | undefined, Configuration.InvalidConfiguration> =>
  options === "off" ? Effect.undefined : Effect.mapError(
    Hedge.make({ maxKeys: maxModels, ...options }),
    ({ field, rule, value }) =>
      new Configuration.InvalidConfiguration({ subject: "RelayService.hedge", field, value, rule })
  )

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
  tier?: Registry.Tier,
  lead?: () => boolean
) => Effect.Effect<Progress.Sent<A> | undefined, Progress.Failed<E>, R>

// who found nobody to ask has not won
const nobody = Symbol("nobody")

/**
 * The tier of whoever was asked last, if somebody else there is well, would take the call now, and has limits to spare:
 * where they are scarce, a copy takes the place of somebody's only call.
 */
const alternatives = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  now: number
): Registry.Tier | undefined => {
  const { asked, demand, purse, tried } = progress
  const tier = asked === undefined
    ? undefined
    : Candidates.of(relay, call.model, call.wish).find((targets) => targets.includes(asked))
  const isUsable = (target: GuardedEndpoint): boolean =>
    !tried.has(target) && !target.isDegraded(now) && call.refusal?.(target.endpoint) === undefined &&
    (purse === undefined || Expense.refusal(purse, call, target.endpoint, now) === undefined) &&
    Rates.areAmple(target, now) && target.refusal(demand, now) === undefined
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
    !Candidates.of(relay, call.model, call.wish).some((tier) => tier.length > 1)
  ) return attempt(relay, call, progress)

  let tier: Registry.Tier | undefined
  const copy = (lead?: () => boolean) =>
    Effect.flatMap(
      attempt(relay, call, progress, tier, lead),
      (sent): Effect.Effect<Progress.Sent<A>, typeof nobody> =>
        sent === undefined ? Effect.fail(nobody) : Effect.succeed(sent)
    )
  const budget = {
    withdrawUnsafe: (now: number) => {
      if (!progress.authority.hasLeft(false)) return false
      tier = alternatives(relay, call, progress, now)
      return tier !== undefined && RetryBudget.withdraw(progress.authority.budget, now)
    }
  }
  const name = call.scope ?? call.model ?? "*"
  // a first token is not as long in coming as a whole answer
  const hedge = relay.hedge.at(call.isStream === true ? `${name} stream` : name)
  const raced = call.isStream === true ? Lead.race(hedge, copy, budget) : hedge.race(() => copy(), budget)
  return Effect.provideService(raced, CurrentDeadline, progress.deadlineAt).pipe(
    Effect.catch((failure): Effect.Effect<undefined, Progress.Failed<E>> =>
      failure === nobody ? Effect.undefined : Effect.fail(failure)
    )
  )
}
