/**
 * How one endpoint stands to a call, in words.
 *
 * @since 0.1.0
 */
import * as Endpoint from "../endpoint/Endpoint.ts"
import type * as Failure from "../endpoint/Failure.ts"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Words from "../policy/Words.ts"
import type * as RelayExplanation from "./RelayExplanation.ts"

type About = Omit<RelayExplanation.Candidate, "endpoint" | "tier">

/**
 * What the router makes of an endpoint for one call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  /** Why it would refuse, and `undefined` where it would not. */
  readonly refusals: ReadonlyMap<GuardedEndpoint, Failure.Failure | undefined>
  /** Those that the call may go to. */
  readonly chosen: ReadonlyArray<GuardedEndpoint>
}

const onceTime = (millis: number, more: string): string => `in ${Words.duration(millis)}, ${more}`

/** What ends a refusal: when, or by whom. */
const changeOf = (refusal: Failure.Failure, after: number | undefined): string => {
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
    default:
      return after === undefined ? "with its next answer" : `in ${Words.duration(after)}`
  }
}

const refused = (refusal: Failure.Failure): About => {
  const after = Verdict.hintOf(refusal)
  return {
    standing: "Refused",
    refusal: refusal._tag,
    because: refusal.message,
    ...(after === undefined ? {} : { after }),
    changes: changeOf(refusal, after)
  }
}

const unsuited = ({ endpoint }: GuardedEndpoint, model: string): About => ({
  standing: "Unsuited",
  because: endpoint.baseUrl === undefined
    ? "it has no baseUrl, and serves operations only"
    : Endpoint.wireModel(endpoint, model) === undefined
    ? `it does not serve "${model}"`
    : "it does not serve such a request",
  changes: "when somebody replaces the endpoint"
})

const passedOver = (target: GuardedEndpoint, chosen: ReadonlyArray<GuardedEndpoint>, now: number): About => {
  const first = chosen[0]
  if (first !== undefined && target.isDegraded(now) && !first.isDegraded(now)) {
    return {
      standing: "Degraded",
      because: "it answers worse than it used to, so it is asked last",
      changes: "when its answers are good again, or nobody else is left"
    }
  }
  if (first !== undefined && target.endpoint.tier > first.endpoint.tier) {
    return {
      standing: "LaterTier",
      because: `tier ${first.endpoint.tier} is asked first`,
      changes: `when nobody of tier ${first.endpoint.tier} is left`
    }
  }
  const { inFlight, latency } = target.status(now)
  return {
    standing: "PassedOver",
    because: `others of its tier are preferred: it has ${inFlight} under way` +
      (latency < 1 ? "" : ` and took ${Words.duration(Math.round(latency))} lately`),
    changes: "when calls end here or begin there"
  }
}

/**
 * An endpoint of a relay, for a call for a model.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (
  target: GuardedEndpoint,
  model: string,
  { chosen, refusals }: Found,
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
    if (!refusals.has(target)) return unsuited(target, model)
    const refusal = refusals.get(target)
    if (refusal !== undefined) return refused(refusal)
    if (!chosen.includes(target)) return passedOver(target, chosen, now)
    return {
      standing: "Chosen",
      because: chosen.length === 1 ? "the call goes here" : `chance decides between it and ${chosen.length - 1} more`
    }
  }
  return { endpoint, tier, ...about() }
}
