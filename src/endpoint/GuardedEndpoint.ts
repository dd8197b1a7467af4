/**
 * An endpoint behind its policies: admission is one synchronous step, and so is
 * what its end teaches.
 *
 * Account, key, model, bulkhead, limiter and circuit are asked together; only
 * when all agree is anything charged, so a refusal costs nothing and policies
 * never race each other.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Circuit from "../machine/Circuit.ts"
import type * as Bulkhead from "../policy/Bulkhead.ts"
import { BulkheadFull } from "../policy/Bulkhead.ts"
import { CircuitOpen } from "../policy/CircuitBreaker.ts"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Now from "../policy/Now.ts"
import type { RateLimited } from "../policy/RateLimiter.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Verdict from "../policy/Verdict.ts"
import type * as Accounts from "./Accounts.ts"
import * as Condition from "./Condition.ts"
import type * as Ending from "./Ending.ts"
import type * as Endpoint from "./Endpoint.ts"
import type * as EndpointPolicies from "./EndpointPolicies.ts"
import type * as EndpointStatus from "./EndpointStatus.ts"
import type * as Failure from "./Failure.ts"
import * as Fitness from "./Fitness.ts"
import type * as LimitHeaders from "./LimitHeaders.ts"
import * as Rates from "./Rates.ts"
import { Standing } from "./Standing.ts"

/**
 * What a call asks of an endpoint before it is sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Demand {
  /** The model by the caller's name; `*` for a call that has none. */
  readonly model: string
  readonly cost: RateLimiter.Cost
  /** Whether it takes as long as chats do, so that its time says how the endpoint is. Default: true. */
  readonly isTimed?: boolean | undefined
}

/**
 * What whoever sends a call notes of how it goes. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Told extends LimitHeaders.Heard {
  /** How long the endpoint had to wait for whoever takes its answer: no fault of its own. */
  held: number
  /** How long the first token of a streamed answer took. */
  firstToken: number | undefined
}

/**
 * The right to send one call; whoever has it settles it, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Admission extends Told, Rates.Sent {
  readonly target: GuardedEndpoint
  readonly demand: Demand
  readonly ticket: Circuit.Ticket
}

/**
 * A slot or a turn that a call has waited for and taken, to be used in an
 * admission or given back.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pass {
  readonly target: GuardedEndpoint
  readonly of: "Bulkhead" | Rates.Turn
  readonly takenAt: number
}

/**
 * Bad calls held against a closed circuit from which an endpoint counts as degraded.
 *
 * @category constants
 * @since 0.1.0
 */
export const degradedFrom = 3

/**
 * An endpoint behind its policies.
 *
 * @category models
 * @since 0.1.0
 */
export class GuardedEndpoint {
  readonly endpoint: Endpoint.Endpoint
  /** What was said against its account, its key, itself or its models. */
  readonly standing: Standing
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly bulkhead: Bulkhead.Bulkhead
  readonly limiter: RateLimiter.RateLimiter
  /** How fit it is for one more call; what routing asks. */
  readonly fitness: Fitness.Fitness
  /** How many calls have told how the endpoint is, well or badly. */
  told = 0
  // most endpoints never need this
  #idle: Latch.Latch | undefined
  #answered = 0
  #failed = 0
  #draining = false
  #lastFailure: string | undefined

  constructor(
    endpoint: Endpoint.Endpoint,
    membership: Accounts.Membership,
    policies: EndpointPolicies.EndpointPolicies,
    rules: Fitness.Rules,
    now: number
  ) {
    this.endpoint = endpoint
    this.standing = new Standing(endpoint, membership, policies.limiter)
    this.breaker = policies.breaker
    this.bulkhead = policies.bulkhead
    this.limiter = policies.limiter
    this.fitness = new Fitness.Fitness(endpoint.weight, rules, now)
  }

  /** The limiter that it shares with the others of its account, where that has limits of its own. */
  get accountLimiter(): RateLimiter.RateLimiter | undefined {
    return this.standing.account.limiter
  }

  get isDraining(): boolean {
    return this.#draining
  }

  /** Asks every policy at once, but for one that the call holds a pass of; charges all of them or none. */
  admit(demand: Demand, now: number, pass?: Pass["of"]): Admission | Failure.Failure {
    const refusal = this.#refusal(demand, now, pass)
    if (refusal !== undefined) return refusal
    const ticket = this.breaker.admitUnsafe(now)
    if (ticket instanceof CircuitOpen) return ticket
    Rates.take(this, demand.cost, now, pass)
    if (pass !== "Bulkhead") this.bulkhead.takeUnsafe()
    this.fitness.began()
    const taken = this.limiter.takenUnsafe()
    const takenOfAccount = this.accountLimiter?.takenUnsafe()
    const admission: Admission = {
      target: this,
      demand,
      ticket,
      startedAt: now,
      taken,
      takenOfAccount,
      limits: undefined,
      usage: undefined,
      held: 0,
      firstToken: undefined
    }
    this.standing.pass(admission)
    return admission
  }

  /** Why it would not admit a call now; charges nothing. */
  refusal(demand: Demand, now: number): Failure.Failure | undefined {
    return this.#refusal(demand, now, undefined) ?? this.breaker.refusalUnsafe(now)
  }

  /**
   * Waits in the queue of the policy that refused, or in none if none did; `onPass` is called in the step that ends the
   * wait.
   */
  awaitPass(
    refusal: BulkheadFull | RateLimited | undefined,
    demand: Demand,
    maxWait: number,
    clock: Clock.Clock,
    onPass: (pass: Pass) => void
  ): Effect.Effect<void, BulkheadFull | RateLimited> {
    const pass = (of: Pass["of"]): void => onPass({ target: this, of, takenAt: Now.read(clock) })
    return refusal instanceof BulkheadFull
      ? this.bulkhead.awaitSlot(() => pass("Bulkhead"))
      : Rates.awaitTurn(this, refusal, demand.cost, maxWait, pass)
  }

  /** Gives back a pass that no admission used. */
  returnPass(pass: Pass, demand: Demand): void {
    if (pass.of === "Bulkhead") this.bulkhead.releaseUnsafe()
    else Rates.refundTurn(this, pass.of, demand.cost, pass.takenAt)
  }

  /** Gives back what the admission took and learns from how the call ended. */
  settle(admission: Admission, ending: Ending.Ending | Ending.Checked, now: number, random: number): void {
    try {
      const elapsed = now - admission.startedAt - admission.held
      const outcome = this.#learn(admission, ending, elapsed, now)
      const hint = "failure" in ending ? Verdict.hintOf(ending.failure) : undefined
      this.breaker.settleUnsafe(admission.ticket, outcome, now, random, hint)
      const isDropped = ending._tag === "Failed" && this.bulkhead.isDropUnsafe(ending.failure)
      if (isDropped || (ending._tag === "Answered" && admission.demand.isTimed !== false)) {
        this.bulkhead.sampleUnsafe(elapsed, isDropped, now)
      }
      // last of what concerns the limiter: the service counts what was used, and no estimate
      if (admission.limits !== undefined) {
        Rates.teach(this, admission.limits, admission, now)
      }
    } finally {
      this.standing.leave(admission)
      // last: whoever waits for the slot is to know what was learned
      this.fitness.ended()
      this.bulkhead.releaseUnsafe()
    }
    if (this.#draining && this.fitness.inFlight === 0) this.#idle?.openUnsafe()
  }

  /** Takes no new calls from now on. */
  startDraining(): void {
    this.#draining = true
  }

  /** Succeeds when a draining endpoint has no call under way. */
  get drained(): Effect.Effect<void> {
    return Effect.suspend(() =>
      this.fitness.inFlight === 0 ? Effect.void : (this.#idle ??= Latch.makeUnsafe(false)).await
    )
  }

  /** Whether it answers worse than it used to, or than its peers do. */
  isDegraded(now: number): boolean {
    return this.fitness.isOutlier(now) || this.breaker.suspicionUnsafe(now) >= degradedFrom
  }

  status(now: number): EndpointStatus.EndpointStatus {
    const { usual } = this.fitness
    const firstToken = this.fitness.firstToken(now)
    const { state, until } = Condition.of(this, now)
    const { accountLimiter, endpoint: { models } } = this
    return {
      id: this.endpoint.id,
      account: this.endpoint.account,
      tier: this.endpoint.tier,
      ...(models === "any" ? {} : { models: Array.from(models.keys()) }),
      state,
      ...(until === undefined ? {} : { retryAfter: Math.ceil(until - now) }),
      inFlight: this.fitness.inFlight,
      answered: this.#answered,
      failed: this.#failed,
      latency: this.fitness.lately(now),
      ...(usual === undefined ? {} : { usualLatency: usual }),
      ...(firstToken === 0 ? {} : { firstToken }),
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      circuit: this.breaker.snapshotUnsafe(now),
      bulkhead: this.bulkhead.snapshotUnsafe(),
      limiter: this.limiter.snapshotUnsafe(now),
      ...(accountLimiter === undefined ? {} : { accountLimiter: accountLimiter.snapshotUnsafe(now) })
    }
  }

  #refusal(demand: Demand, now: number, pass: Pass["of"] | undefined): Failure.Failure | undefined {
    const refusal = this.standing.refusal(demand.model, now)
    if (refusal !== undefined) return refusal
    if (pass !== "Bulkhead" && !this.bulkhead.hasRoomUnsafe()) return this.bulkhead.refusalUnsafe("Full")
    return Rates.refusal(this, demand.cost, now, pass)
  }

  #learn(admission: Admission, ending: Ending.Ending | Ending.Checked, elapsed: number, now: number): Circuit.Outcome {
    const { cost, isTimed = true } = admission.demand
    switch (ending._tag) {
      case "Interrupted":
      case "Died":
        Rates.refund(this, cost, admission.startedAt)
        return "Ignored"
      case "Answered": {
        this.#answered++
        this.told++
        if (ending.tokens !== undefined) {
          Rates.refund(this, { calls: 0, tokens: cost.tokens - ending.tokens }, admission.startedAt)
        }
        this.standing.answered(admission)
        if (!isTimed) return "Success"
        const slow = this.#isSlow(elapsed)
        if (admission.firstToken !== undefined) this.fitness.spoke(admission.firstToken, now)
        this.fitness.answered(admission.demand.model, elapsed, admission.startedAt, now)
        return slow ? "Slow" : "Success"
      }
      case "Failed": {
        this.#failed++
        this.#lastFailure = Verdict.tagOf(ending.failure) ?? "Failure"
        if (cost.tokens > 0) Rates.refund(this, { calls: 0, tokens: cost.tokens }, admission.startedAt)
        this.standing.failed(ending.failure, admission, now)
        if (ending.verdict.breaker === "Failure") this.fitness.failed(elapsed, admission.startedAt, now)
        if (this.#lastFailure !== "DeadlineExceeded") this.told++
        // the caller's time was up, but the endpoint did take at least that long
        else if (isTimed && this.#isSlow(elapsed)) {
          this.fitness.outlasted(elapsed, now)
          return "Slow"
        }
        return ending.verdict.breaker
      }
      case "CheckPassed":
        this.standing.answered(admission)
        return "Success"
      case "CheckFailed":
        Rates.refund(this, { calls: 0, tokens: cost.tokens }, admission.startedAt)
        this.standing.failed(ending.failure, admission, now)
        return Verdict.of(ending.failure).breaker
    }
  }

  #isSlow(elapsed: number): boolean {
    return elapsed > this.breaker.slowCallDuration || this.fitness.isSlow(elapsed)
  }
}
