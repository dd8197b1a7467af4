/**
 * Who of the candidates takes a call: asked one after the other, and each that does
 * not says why.
 *
 * @since 0.1.0
 */
import type * as Failure from "../endpoint/Failure.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import * as Rates from "../endpoint/Rates.ts"
import type * as Registry from "../endpoint/Registry.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import * as Budgets from "./Budgets.ts"
import * as Candidates from "./Candidates.ts"
import * as Choice from "./Choice.ts"
import * as Expense from "./Expense.ts"
import * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"
import * as Room from "./Room.ts"
import * as Standby from "./Standby.ts"

const noteRefusal = <E>(
  relay: Progress.Relay,
  progress: Progress.Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  failure: Failure.Failure | BudgetExceeded
): void =>
  Progress.note(relay, progress, {
    endpoint: target.endpoint.id,
    outcome: failure._tag,
    sent: false,
    round: progress.round,
    at: progress.clock.currentTimeMillisUnsafe(),
    duration: 0
  })

/**
 * Chooses, of all or, for a copy, of one tier, and admits in one synchronous step:
 * no other fiber can come between. `undefined` when nobody is left who would. A
 * copy goes to nobody whose limits are scarce.
 *
 * @category calls
 * @since 0.1.0
 */
export const admit = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  now: number,
  tier: Registry.Tier | undefined
): GuardedEndpoint.Admission | undefined => {
  // others under the same authority may have had the last attempt
  if (!progress.authority.hasLeft(progress.sent === 0)) return undefined
  const { pass } = progress
  if (pass !== undefined) {
    progress.tried.add(pass.target)
    const admission = relay.registry.isCurrent(pass.target) ? ask(relay, call, progress, pass.target, now) : undefined
    if (admission !== undefined) return admission
    Progress.returnPass(progress)
  }
  const { wish = Choice.noWish } = call
  const tiers = tier === undefined ? Candidates.of(relay, call.model, wish) : [tier]
  const { random, tried } = progress
  const search = { tiers, tried, now, random, strategy: relay.strategy, wish }
  if (tier === undefined) return Candidates.first(search, (target) => ask(relay, call, progress, target, now))
  const scarce: Array<GuardedEndpoint.GuardedEndpoint> = []
  const admission = Candidates.first(search, (target) => {
    if (Rates.areAmple(target, now)) return ask(relay, call, progress, target, now)
    scarce.push(target)
    return undefined
  })
  // the call itself may need them yet
  for (const target of scarce) tried.delete(target)
  return admission
}

/** Whether what does not suffice is a budget that all who may wait for the call have in common. */
const isEverybodys = <A, E, R>(
  { budgets }: Progress.Relay,
  call: Progress.Call<A, E, R>,
  { purse }: Progress.Progress<E>,
  { endpoint }: GuardedEndpoint.GuardedEndpoint,
  now: number
): boolean => {
  const short = purse && Expense.shortOf(purse, call, endpoint, now)
  return short !== undefined && budgets !== undefined && Budgets.isOfTenant(budgets, call.payer?.tenant, short)
}

const ask = <A, E, R>(
  relay: Progress.Relay,
  call: Progress.Call<A, E, R>,
  progress: Progress.Progress<E>,
  target: GuardedEndpoint.GuardedEndpoint,
  now: number
): GuardedEndpoint.Admission | undefined => {
  if (Room.isShort(progress.room, target, call.model)) return undefined
  const unfit = call.refusal?.(target.endpoint)
  if (unfit !== undefined) {
    // who has no use for the call says nothing about how those fare who have
    progress.unfit = unfit
    noteRefusal(relay, progress, target, unfit)
    return undefined
  }
  const tooDear = progress.purse && Expense.refusal(progress.purse, call, target.endpoint, now)
  if (tooDear !== undefined) {
    if (call.company !== undefined && !isEverybodys(relay, call, progress, target, now)) {
      call.company.isPayerShort = true
    }
    progress.failures.set(target, tooDear as never)
    noteRefusal(relay, progress, target, tooDear)
    return undefined
  }
  const verdict = target.admit(progress.demand, now, progress.pass?.of)
  if ("ticket" in verdict) {
    progress.pass = undefined
    return verdict
  }
  progress.failures.set(target, verdict as RelayError.ExecuteError)
  if (Standby.isShortage(verdict)) progress.shortages.push({ target, refusal: verdict })
  noteRefusal(relay, progress, target, verdict)
  return undefined
}
