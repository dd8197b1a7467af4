/**
 * What a relay knows, what a call asks of it, and how far the call has come.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import type * as Failure from "../endpoint/Failure.ts"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"
import type * as TokenEstimator from "../endpoint/TokenEstimator.ts"
import type * as RetryBudget from "../machine/RetryBudget.ts"
import type * as Attempt from "../policy/Attempt.ts"
import type * as Authority from "../policy/Authority.ts"
import type * as Hedge from "../policy/Hedge.ts"
import type * as Purse from "../policy/Purse.ts"
import type * as Tokens from "../policy/Tokens.ts"
import type * as Verdict from "../policy/Verdict.ts"
import type * as Budgets from "./Budgets.ts"
import type * as Charge from "./Charge.ts"
import type * as Choice from "./Choice.ts"
import type { Company } from "./Company.ts"
import type * as Meta from "./Meta.ts"
import type * as RelayError from "./RelayError.ts"
import type * as RelayEvents from "./RelayEvents.ts"
import type * as Room from "./Room.ts"
import type * as Standby from "./Standby.ts"
import type * as Usage from "./Usage.ts"

/**
 * What every call of a relay shares. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Relay {
  readonly registry: Registry.Registry
  readonly events: RelayEvents.RelayEvents
  /** How many tokens requests are taken to have. */
  readonly estimator: TokenEstimator.TokenEstimator
  /** How an endpoint of a tier is chosen. */
  readonly strategy: Choice.Strategy
  readonly retry: Schedule.Schedule<unknown, RelayError.RelayError>
  readonly attemptTimeout: number
  readonly maxWait: number
  readonly maxAttempts: number
  /** Retries that successes have paid for. */
  readonly budget: RetryBudget.RetryBudget
  /** What its calls took. */
  readonly usage: Usage.Usage
  /** What its calls may spend. */
  readonly budgets: Budgets.Budgets | undefined
  /** Second copies of slow calls, a hedge for each model. */
  readonly hedge: Hedge.Hedge | undefined
}

/**
 * One call: what to do with whichever endpoint is chosen. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call<A, E, R> {
  /** `undefined` for any endpoint, `null` for any that has a URL. */
  readonly model: string | null | undefined
  /** What a pause of this call is about, at its endpoint. Default: the model. */
  readonly scope?: string | undefined
  readonly estimatedTokens: number
  /** Whether it takes as long as chats do. Default: true. */
  readonly isTimed?: boolean | undefined
  /** Why an endpoint can do nothing with it: then it is not asked. */
  readonly refusal?: ((endpoint: Endpoint.Endpoint) => Failure.RequestRejected | undefined) | undefined
  /** What it says of itself to whoever chooses; nothing, unless given. */
  readonly wish?: Choice.Wish | undefined
  /**
   * `told` is for what it notes of the endpoint. An answer that comes bit by bit asks for the `lead` with its first
   * token: without it, another copy has won, and nothing more may be said.
   */
  readonly operation: (
    endpoint: Endpoint.Endpoint,
    told: GuardedEndpoint.Told,
    lead: () => boolean
  ) => Effect.Effect<A, E, R>
  /** Whether the operation is the caller's own code: a defect of it is nobody's failure. Default: false. */
  readonly isCallersCode?: boolean | undefined
  /** Whether its answers come bit by bit: then attempts end by rules of their own, and the first token wins a race. */
  readonly isStream?: boolean | undefined
  /** What the answer says that it took. */
  readonly usage: (answer: A) => Tokens.Tokens | undefined
  /** Who pays for it, beside what it runs under; nobody, unless given. */
  readonly payer?: Budgets.Payer | undefined
  /** What to make of a failure of the operation. */
  readonly verdict: (failure: E) => Verdict.Verdict
  readonly deadline: number | undefined
  /** Who waits for it, where several may: they may have longer than the deadline of who began it, and others may join. */
  readonly company?: Company | undefined
  /** Whether its failure is told to listeners here, and not by whoever asked. */
  readonly isAnnounced: boolean
  /** Whether it may be sent again after it was sent once. */
  readonly idempotent: boolean
  /** Whether the caller lets it have a second copy. */
  readonly mayHedge: boolean
  /** Whether whoever calls waits and tries again as well: then one round is all. */
  readonly isRetry?: boolean | undefined
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

/**
 * What one attempt came back with, and from whom.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sent<A> {
  readonly endpoint: string
  readonly value: A
}

// a trail of more attempts than this goes on untold
const maxTrail = 128

/**
 * The failures of a call: its own, and those the relay adds.
 *
 * @category models
 * @since 0.1.0
 */
export type Failed<E> = E | RelayError.ExecuteError

/**
 * What one call knows of itself while it is under way.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress<E> {
  readonly clock: Clock.Clock
  readonly random: Random.Random
  readonly startedAt: number
  readonly deadlineAt: number
  /** In charge of trying again, for this call and for what runs inside it. */
  readonly authority: Authority.Authority
  /** What its attempts are paid from; `undefined` where nobody counts. */
  readonly purse: Purse.Purse | undefined
  readonly attempts: Array<Attempt.Attempt>
  /** What they took. */
  readonly charges: Array<Charge.Charge>
  readonly tried: Set<GuardedEndpoint.GuardedEndpoint>
  /** Who has said that to ask again would not help. */
  spent: Set<GuardedEndpoint.GuardedEndpoint> | undefined
  /** What was heard of its length, if it was too long for somebody. */
  room: Room.Room | undefined
  readonly demand: GuardedEndpoint.Demand
  /** The latest failure of each candidate. */
  readonly failures: Map<GuardedEndpoint.GuardedEndpoint, Failed<E>>
  /** Why the latest of those who can do nothing with the call was not asked. */
  unfit: Failure.RequestRejected | undefined
  /** Which candidates of this round only lacked room. */
  shortages: Array<Standby.Shortage>
  /** Whom the latest attempt went to. */
  asked: GuardedEndpoint.GuardedEndpoint | undefined
  /** What ends the call, whoever else there is to ask. */
  ending: Exit.Exit<never, Failed<E>> | undefined
  /** What the call has waited for and not used yet. */
  pass: GuardedEndpoint.Pass | undefined
  round: number
  sent: number
}

/**
 * Until when the call has time, as things stand.
 *
 * @category getters
 * @since 0.1.0
 */
export const endOf = <A, E, R>({ company }: Call<A, E, R>, { deadlineAt }: Progress<E>): number =>
  company === undefined ? deadlineAt : Math.max(deadlineAt, company.until)

/**
 * Adds a try to the trail, where an answer stays last whoever lost to it, and tells of it.
 *
 * @category calls
 * @since 0.1.0
 */
export const note = <E>(relay: Relay, progress: Progress<E>, attempt: Attempt.Attempt): void => {
  const { attempts } = progress
  if (attempts.length < maxTrail) {
    if (attempts.at(-1)?.outcome === "Success") attempts.splice(-1, 0, attempt)
    else attempts.push(attempt)
  }
  relay.events.tell({ _tag: "AttemptEnded", attempt })
}

/**
 * Gives back what the call has waited for and does not use.
 *
 * @category calls
 * @since 0.1.0
 */
export const returnPass = <E>(progress: Progress<E>): void => {
  const { pass } = progress
  progress.pass = undefined
  if (pass !== undefined) pass.target.returnPass(pass, progress.demand)
}
