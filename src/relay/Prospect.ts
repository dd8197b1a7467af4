/**
 * How one endpoint stands to a call, in words.
 *
 * @since 0.1.0
 */
import * as Capabilities from "../endpoint/Capabilities.ts"
import * as Endpoint from "../endpoint/Endpoint.ts"
import type * as Failure from "../endpoint/Failure.ts"
import { degradedFrom, type GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Words from "../policy/Words.ts"
import type * as Choice from "./Choice.ts"
import type * as RelayExplanation from "./RelayExplanation.ts"

/**
 * Why an endpoint would refuse a call.
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal = Failure.Failure | BudgetExceeded

type About = Omit<RelayExplanation.Candidate, "endpoint" | "tier">

/**
 * What the router makes of an endpoint for one call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  /** Who serves the model and cannot be asked this, and why. */
  readonly unfit: ReadonlyMap<GuardedEndpoint, Failure.RequestRejected>
  /** Why any other would refuse, and `undefined` where it would not. */
  readonly refusals: ReadonlyMap<GuardedEndpoint, Refusal | undefined>
  /** Those that the call may go to. */
  readonly chosen: ReadonlyArray<GuardedEndpoint>
  readonly strategy: Choice.Strategy
  readonly wish: Choice.Wish
}

const onceTime = (millis: number, more: string): string => `in ${Words.duration(millis)}, ${more}`

/** What ends a refusal: when, or by whom. */
const changeOf = (refusal: Refusal, after: number | undefined): string => {
  switch (refusal._tag) {
    case "CircuitOpen":
      switch (refusal.reason) {
        case "Open":
          return onceTime(after ?? 0, "when a probe may pass")
        case "ProbesOut":
          return "when one of its probes has come back"
        case "RampingUp":
          return "with one of the next calls, as its circuit lets more and more pass"
        case "Isolated":
          return "when somebody resets it, or lets go of what holds it"
      }
    case "BulkheadFull":
      return `when one of its ${refusal.maxConcurrent} calls ends`
    case "RateLimited":
      return after === undefined
        ? "when its limit has room"
        : onceTime(after, refusal.source === "Limiter" ? "when its limit has room" : "as its service asked")
    case "QuotaExceeded":
      return onceTime(after ?? 0, "when the account is looked at again")
    case "Unauthorized":
      return onceTime(
        after ?? 0,
        "when the key is tried again, or when somebody replaces the endpoint with another key"
      )
    case "ModelNotFound":
      return onceTime(after ?? 0, "when it is asked for the model again")
    case "BudgetExceeded":
      return refusal.needed === undefined
        ? "when somebody replaces the endpoint, with its prices"
        : "with a larger budget, a shorter request or a lower `max_tokens`"
    default:
      return after === undefined ? "with its next answer" : `in ${Words.duration(after)}`
  }
}

const refused = (refusal: Refusal): About => {
  const after = Verdict.hintOf(refusal)
  return {
    standing: "Refused",
    refusal: refusal._tag,
    because: refusal.message,
    ...(after === undefined ? {} : { after }),
    changes: changeOf(refusal, after)
  }
}

const either = new Intl.ListFormat("en", { type: "disjunction" })

/** What the request needs and the endpoint says it has not. */
const lacking = ({ lacks, window }: Capabilities.Offer, { bits, tokens }: Capabilities.Needs): string =>
  (lacks & bits) !== 0
    ? `it says that it does not take ${either.format(Capabilities.words(lacks & bits))}`
    : `the request takes about ${tokens} tokens, and it has room for ${window}`

const unsuited = (target: GuardedEndpoint, model: string, { unfit, wish }: Found): About => ({
  standing: "Unsuited",
  because: unfit.get(target)?.detail ?? unserved(target, model, wish),
  changes: "when somebody replaces the endpoint"
})

const unserved = ({ endpoint }: GuardedEndpoint, model: string, { needs }: Choice.Wish): string =>
  endpoint.baseUrl === undefined
    ? "it has no baseUrl, and serves operations only"
    : Endpoint.wireModel(endpoint, model) === undefined
    ? `it does not serve "${model}"`
    : lacking(Capabilities.offerOf(endpoint.capabilities, model), needs)

const degraded = (target: GuardedEndpoint, now: number): About => {
  const { peer } = target.fitness
  if (peer === undefined || target.breaker.suspicionUnsafe(now) >= degradedFrom) {
    return {
      standing: "Degraded",
      because: "it answers worse than it used to, so it is asked last",
      changes: "when its answers are good again, or nobody else is left"
    }
  }
  const after = Math.ceil(peer.until - now)
  return {
    standing: "Degraded",
    because: "it answers far worse than the others of its tier, so it is asked last",
    after,
    changes: onceTime(after, "or when nobody else is left")
  }
}

const named = ({ name }: Choice.Strategy): string => name === "function" ? "a function of your own" : `"${name}"`

/** Who of its tier would take the call. */
const rivalsOf = ({ endpoint }: GuardedEndpoint, refusals: Found["refusals"]): ReadonlyArray<GuardedEndpoint> =>
  Array.from(refusals).flatMap(([other, refusal]) =>
    refusal === undefined && other.endpoint.tier === endpoint.tier ? [other] : []
  )

const passedOver = (target: GuardedEndpoint, { chosen, refusals, strategy, wish }: Found, now: number): About => {
  const first = chosen[0]
  if (first !== undefined && target.isDegraded(now) && !first.isDegraded(now)) return degraded(target, now)
  if (first !== undefined && target.endpoint.tier > first.endpoint.tier) {
    return {
      standing: "LaterTier",
      because: `tier ${first.endpoint.tier} is asked first`,
      changes: `when nobody of tier ${first.endpoint.tier} is left`
    }
  }
  const usual = strategy.reasons(wish)
  const { isByLoad } = usual
  const { changes, passedOver } = strategy.passesOver?.(target, rivalsOf(target, refusals), now) ?? usual
  const because = `${passedOver}, by ${named(strategy)}`
  return { standing: "PassedOver", because: isByLoad ? `${because}: ${workOf(target, now)}` : because, changes }
}

const workOf = ({ fitness }: GuardedEndpoint, now: number): string => {
  const lately = Math.round(fitness.lately(now))
  return `it has ${fitness.inFlight} under way` +
    (lately < 1 ? "" : ` and took ${Words.duration(lately)} lately`)
}

/** Whether others of its tier could have been chosen as well. */
const hadOthers = (target: GuardedEndpoint, refusals: Found["refusals"], now: number): boolean => {
  for (const [other, refusal] of refusals) {
    const isRival = other !== target && refusal === undefined && other.endpoint.tier === target.endpoint.tier
    if (isRival && other.isDegraded(now) === target.isDegraded(now)) return true
  }
  return false
}

const chosenOf = (target: GuardedEndpoint, { chosen, refusals, strategy, wish }: Found, now: number): About => ({
  standing: "Chosen",
  because: chosen.length > 1
    ? `chance decides between it and ${chosen.length - 1} more, by ${named(strategy)}`
    : hadOthers(target, refusals, now)
    ? `the call goes here, by ${named(strategy)}: ${strategy.reasons(wish).chosen}`
    : "the call goes here"
})

/**
 * An endpoint of a relay, for a call for a model.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (
  target: GuardedEndpoint,
  model: string,
  found: Found,
  now: number
): RelayExplanation.Candidate => {
  const { id: endpoint, tier } = target.endpoint
  const about = (): About => {
    if (target.isDraining) {
      return {
        standing: "Draining",
        because: "it is draining and takes no new calls",
        changes: "when somebody replaces the endpoint"
      }
    }
    if (!found.refusals.has(target)) return unsuited(target, model, found)
    const refusal = found.refusals.get(target)
    if (refusal !== undefined) return refused(refusal)
    return found.chosen.includes(target) ? chosenOf(target, found, now) : passedOver(target, found, now)
  }
  return { endpoint, tier, ...about() }
}
