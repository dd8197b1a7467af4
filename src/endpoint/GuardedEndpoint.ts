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
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Circuit from "../machine/Circuit.ts"
import * as Latency from "../machine/Latency.ts"
import * as SlowStart from "../machine/SlowStart.ts"
import * as Attempt from "../policy/Attempt.ts"
import type * as Bulkhead from "../policy/Bulkhead.ts"
import type { BulkheadFull } from "../policy/Bulkhead.ts"
import { CircuitOpen } from "../policy/CircuitBreaker.ts"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Now from "../policy/Now.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import type * as Account from "./Account.ts"
import type * as Endpoint from "./Endpoint.ts"
import type * as EndpointStatus from "./EndpointStatus.ts"
import * as Failure from "./Failure.ts"
import * as ModelPauses from "./ModelPauses.ts"
import * as Peers from "./Peers.ts"

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
}

/**
 * The right to send one call; whoever has it settles it, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Admission {
  readonly target: GuardedEndpoint
  readonly demand: Demand
  readonly ticket: Circuit.Ticket
  readonly startedAt: number
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
  readonly of: "Bulkhead" | "RateLimiter"
  readonly takenAt: number
}

/**
 * How an admitted call ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending =
  | { readonly _tag: "Answered"; readonly tokens: number | undefined }
  | { readonly _tag: "Failed"; readonly failure: unknown; readonly verdict: Verdict.Verdict }
  | { readonly _tag: "Interrupted" }

/**
 * Bad calls held against a closed circuit from which an endpoint counts as degraded.
 *
 * @category constants
 * @since 0.1.0
 */
export const degradedFrom = 3

// a quota without a known reset, and a refused key, are looked at again after this
const recheck = 300_000

// a failure is as bad as an answer this slow, however fast it came
const failurePenalty = 5_000

// what an endpoint is taken for in milliseconds, at most, before its first answer: not zero, or all would swarm to it,
// and no more, or it would wait behind those known to be slow
const unmeasured = 1_000

// most endpoints of a large set have answered nothing yet: they share this, and it is never written to
const nothingMeasured: Latency.Latency = Object.freeze(Latency.make())

/**
 * How endpoints are compared. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rules {
  readonly latency: Latency.Rule
  /** How long one that is new, or came back, warms up; 0 for no time. */
  readonly slowStart: number
}

/**
 * An endpoint behind its policies.
 *
 * @category models
 * @since 0.1.0
 */
export class GuardedEndpoint {
  readonly endpoint: Endpoint.Endpoint
  readonly account: Account.Account
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly bulkhead: Bulkhead.Bulkhead
  readonly limiter: RateLimiter.RateLimiter
  readonly #rules: Rules
  #latency = nothingMeasured
  #peers: Peers.Peers | undefined
  #warmingSince: number | undefined
  // most endpoints never need these
  #peer: Peers.Peer | undefined
  #pauses: ModelPauses.ModelPauses | undefined
  #idle: Latch.Latch | undefined
  #keyOutUntil = 0
  #keyOutAt = 0
  #keyRefusedBy: "Call" | "Check" = "Call"
  #inFlight = 0
  #answered = 0
  #failed = 0
  #draining = false
  #lastFailure: string | undefined

  constructor(
    endpoint: Endpoint.Endpoint,
    account: Account.Account,
    policies: {
      readonly breaker: CircuitBreaker.CircuitBreaker
      readonly bulkhead: Bulkhead.Bulkhead
      readonly limiter: RateLimiter.RateLimiter
    },
    rules: Rules,
    now: number
  ) {
    this.endpoint = endpoint
    this.account = account
    this.breaker = policies.breaker
    this.bulkhead = policies.bulkhead
    this.limiter = policies.limiter
    this.#rules = rules
    // whole milliseconds do, and take less room than fractions
    this.#warmingSince = Math.floor(now)
  }

  get isDraining(): boolean {
    return this.#draining
  }

  /** Asks every policy at once, but for one that the call holds a pass of; charges all of them or none. */
  admit(demand: Demand, now: number, pass?: Pass["of"]): Admission | Failure.Failure {
    const standing = this.#standing(demand.model, now)
    if (standing !== undefined) return standing
    if (pass !== "Bulkhead" && !this.bulkhead.hasRoomUnsafe()) return this.bulkhead.refusalUnsafe("Full")
    const wait = pass === "RateLimiter" ? 0 : this.limiter.waitUnsafe(demand.cost, now)
    if (wait > 0) return this.limiter.refusalUnsafe(wait)
    const ticket = this.breaker.admitUnsafe(now)
    if (ticket instanceof CircuitOpen) return ticket
    if (pass !== "RateLimiter") this.limiter.takeUnsafe(demand.cost, now)
    if (pass !== "Bulkhead") this.bulkhead.takeUnsafe()
    this.#inFlight++
    return { target: this, demand, ticket, startedAt: now }
  }

  /** Waits in the queue of the policy that refused; `onPass` is called in the step that ends the wait. */
  awaitPass(
    refusal: BulkheadFull | RateLimited,
    demand: Demand,
    maxWait: number,
    clock: Clock.Clock,
    onPass: (pass: Pass) => void
  ): Effect.Effect<void, BulkheadFull | RateLimited> {
    const pass = (of: Pass["of"]): void => onPass({ target: this, of, takenAt: Now.read(clock) })
    return refusal instanceof RateLimited
      ? this.limiter.awaitTurn(demand.cost, maxWait, () => pass("RateLimiter"))
      : this.bulkhead.awaitSlot(() => pass("Bulkhead"))
  }

  /** Gives back a pass that no admission used. */
  returnPass(pass: Pass, demand: Demand): void {
    if (pass.of === "Bulkhead") this.bulkhead.releaseUnsafe()
    else this.limiter.refundUnsafe(demand.cost, pass.takenAt)
  }

  /** Gives back what the admission took and learns from how the call ended. */
  settle(admission: Admission, ending: Ending, now: number, random: number): void {
    try {
      const outcome = this.#learn(admission, ending, now - admission.startedAt, now)
      const hint = ending._tag === "Failed" ? Verdict.hintOf(ending.failure) : undefined
      this.breaker.settleUnsafe(admission.ticket, outcome, now, random, hint)
      const isDropped = ending._tag === "Failed" && this.bulkhead.isDropUnsafe(ending.failure)
      if (isDropped || ending._tag === "Answered") {
        this.bulkhead.sampleUnsafe(now - admission.startedAt, isDropped, now)
      }
    } finally {
      // last: whoever waits for the slot is to know what was learned
      this.#inFlight--
      this.bulkhead.releaseUnsafe()
    }
    if (this.#draining && this.#inFlight === 0) this.#idle?.openUnsafe()
  }

  /** Takes no new calls from now on. */
  startDraining(): void {
    this.#draining = true
  }

  /** Succeeds when a draining endpoint has no call under way. */
  get drained(): Effect.Effect<void> {
    return Effect.suspend(() => this.#inFlight === 0 ? Effect.void : (this.#idle ??= Latch.makeUnsafe(false)).await)
  }

  /** What a health check says of the key. It takes back only its own refusal: a call may need more rights. */
  checkedKey(isRefused: boolean, now: number): void {
    // a key that calls are answered with may not be allowed to list models
    if (isRefused && this.#answered === 0) this.#refuseKey(now, "Check")
    else if (!isRefused && this.#keyRefusedBy === "Check") this.#keyOutUntil = 0
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Milliseconds that one more answer is expected to take; what is usual in its tier where nothing was measured. */
  latency(now: number): number {
    const expected = Latency.expected(this.#latency, now, this.#rules.latency)
    return expected || Math.min(this.#peers?.typicalLatency || unmeasured, unmeasured)
  }

  /** Calls under way and one more, by weight, as if there were more of them while it warms up. */
  crowd(now: number): number {
    // the very first call is not put off: it is the one that teaches
    const isFirst = this.#inFlight === 0 && this.#latency === nothingMeasured
    return (this.#inFlight + 1) / (isFirst ? this.endpoint.weight : this.endpoint.weight * this.warmth(now))
  }

  /** Expected milliseconds to the end of one more call; what routing compares. */
  load(now: number): number {
    return this.latency(now) * this.crowd(now)
  }

  /** The share of calls it is ready for, from 0.1 when it is new, or came back, to 1. */
  warmth(now: number): number {
    return SlowStart.share(Math.min(this.#warmingSince ??= now, now), now, this.#rules.slowStart)
  }

  /** Whether it answers worse than it used to, or than its peers do. */
  isDegraded(now: number): boolean {
    // an endpoint can be known before its tier is counted: its circuit may be held before the first call
    const isOutlier = this.#peer !== undefined && this.#peers?.isOutlier(this.#peer, now) === true
    return isOutlier || this.breaker.suspicionUnsafe(now) >= degradedFrom
  }

  /** Its tier was counted anew; what is known of it so far goes along. */
  join(peers: Peers.Peers): void {
    this.#peers = peers
  }

  /** What is known of it beside its peers; `undefined` while nothing is. */
  get peer(): Peers.Peer | undefined {
    return this.#peer
  }

  /** Its circuit has opened, or closed again. */
  circuitMoved(isClosed: boolean): void {
    if (isClosed) this.#warmingSince = undefined
    const peer = this.#peer ??= Peers.peer()
    if (this.#peers === undefined) peer.isDown = !isClosed
    else this.#peers.setDown(peer, !isClosed)
  }

  status(now: number): EndpointStatus.EndpointStatus {
    const usualLatency = Latency.usual(this.#latency, this.#rules.latency)
    const { state, until } = this.#condition(now)
    return {
      id: this.endpoint.id,
      account: this.endpoint.account,
      tier: this.endpoint.tier,
      state,
      ...(until === undefined ? {} : { retryAfter: Math.ceil(until - now) }),
      inFlight: this.#inFlight,
      answered: this.#answered,
      failed: this.#failed,
      latency: Latency.current(this.#latency, now, this.#rules.latency),
      ...(usualLatency === undefined ? {} : { usualLatency }),
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
      circuit: this.breaker.snapshotUnsafe(now),
      bulkhead: this.bulkhead.snapshotUnsafe(),
      limiter: this.limiter.snapshotUnsafe(now)
    }
  }

  #condition(now: number): { readonly state: EndpointStatus.State; readonly until?: number } {
    if (this.#draining) return { state: "Draining" }
    const { retryAfter = 0, state } = this.breaker.snapshotUnsafe(now)
    if (state === "Isolated") return { state: "Isolated" }
    const exhaustedUntil = Math.max(this.account.exhaustedUntil, this.#keyOutUntil)
    if (now < exhaustedUntil) return { state: "Exhausted", until: exhaustedUntil }
    if (state === "Open") return { state: "Open", until: now + retryAfter }
    const pausedUntil = this.#pauses === undefined ? undefined : ModelPauses.soonest(this.#pauses, now)
    if (pausedUntil !== undefined) return { state: "Paused", until: pausedUntil }
    if (state === "HalfOpen") return { state: "Recovering" }
    return { state: this.isDegraded(now) ? "Degraded" : "Healthy" }
  }

  #standing(model: string, now: number): Failure.Failure | undefined {
    const { account, id } = this.endpoint
    if (now < this.account.exhaustedUntil) {
      const retryAfter = remaining(this.account.exhaustedUntil, now)
      return Rejection.make(Failure.QuotaExceeded, { endpoint: id, account, retryAfter, attempts: Attempt.none })
    }
    if (now < this.#keyOutUntil) {
      const retryAfter = remaining(this.#keyOutUntil, now)
      return Rejection.make(Failure.Unauthorized, { endpoint: id, retryAfter, attempts: Attempt.none })
    }
    const pause = this.#pauses === undefined ? undefined : ModelPauses.current(this.#pauses, model, now)
    if (pause === undefined) return undefined
    const retryAfter = remaining(pause.until, now)
    return pause.because === "RateLimited"
      ? Rejection.make(RateLimited, { key: id, source: "Upstream" as const, retryAfter, attempts: Attempt.none })
      : Rejection.make(Failure.ModelNotFound, { endpoint: id, model, retryAfter, attempts: Attempt.none })
  }

  #learn(admission: Admission, ending: Ending, elapsed: number, now: number): Circuit.Outcome {
    const { cost, model } = admission.demand
    switch (ending._tag) {
      case "Interrupted":
        this.limiter.refundUnsafe(cost, admission.startedAt)
        return "Ignored"
      case "Answered": {
        this.#answered++
        if (ending.tokens !== undefined) {
          this.limiter.refundUnsafe({ calls: 0, tokens: cost.tokens - ending.tokens }, admission.startedAt)
        }
        // an answer to a call from before a verdict says nothing against it
        if (admission.startedAt > this.#keyOutAt) this.#keyOutUntil = 0
        if (admission.startedAt > this.account.exhaustedAt) this.account.exhaustedUntil = 0
        if (this.#pauses !== undefined) ModelPauses.answered(this.#pauses, model, admission.startedAt)
        const slow = this.#isSlow(elapsed)
        Latency.observe(this.#measured(), elapsed, now, this.#rules.latency)
        const isWorse = this.#peers?.answered(this.#peer ??= Peers.peer(), model, elapsed, admission.startedAt, now)
        if (isWorse === true) this.#warmingSince = this.#peer!.until
        return slow ? "Slow" : "Success"
      }
      case "Failed": {
        this.#failed++
        this.#lastFailure = Verdict.tagOf(ending.failure) ?? "Failure"
        if (cost.tokens > 0) this.limiter.refundUnsafe({ calls: 0, tokens: cost.tokens }, admission.startedAt)
        this.#remember(ending.failure, admission, now)
        if (ending.verdict.breaker === "Failure") {
          Latency.penalize(this.#measured(), Math.max(elapsed, failurePenalty), now, this.#rules.latency)
          const isWorse = this.#peers?.failed(this.#peer ??= Peers.peer(), admission.startedAt, now)
          if (isWorse === true) this.#warmingSince = this.#peer!.until
        }
        // the caller's time was up, but the endpoint did take at least that long
        if (Verdict.tagOf(ending.failure) === "DeadlineExceeded" && this.#isSlow(elapsed)) {
          Latency.penalize(this.#measured(), elapsed, now, this.#rules.latency)
          return "Slow"
        }
        return ending.verdict.breaker
      }
    }
  }

  #measured(): Latency.Latency {
    if (this.#latency === nothingMeasured) this.#latency = Latency.make()
    return this.#latency
  }

  #isSlow(elapsed: number): boolean {
    return elapsed > this.breaker.slowCallDuration || Latency.isSlow(this.#latency, elapsed, this.#rules.latency)
  }

  #refuseKey(now: number, by: "Call" | "Check"): void {
    // a check does not take over what a call has found: it could give the key back too soon
    this.#keyRefusedBy = by === "Check" && now < this.#keyOutUntil ? this.#keyRefusedBy : by
    this.#keyOutUntil = now + recheck
    this.#keyOutAt = now
  }

  // a verdict is kept where it is true: account, key, or endpoint and model
  #remember(failure: unknown, { demand: { model }, startedAt }: Admission, now: number): void {
    if (Verdict.tagOf(failure) === undefined) return
    if (failure instanceof RateLimited) {
      const hint = failure.retryAfter === undefined ? undefined : Duration.toMillis(failure.retryAfter)
      ModelPauses.rateLimited(this.#pauses ??= new Map(), model, hint, startedAt, now)
    } else if (failure instanceof Failure.QuotaExceeded) {
      const wait = failure.retryAfter === undefined ? recheck : Duration.toMillis(failure.retryAfter)
      this.account.exhaustedUntil = Math.max(this.account.exhaustedUntil, now + wait)
      this.account.exhaustedAt = now
    } else if (failure instanceof Failure.Unauthorized) {
      this.#refuseKey(now, "Call")
    } else if (failure instanceof Failure.ModelNotFound) {
      ModelPauses.notFound(this.#pauses ??= new Map(), model, now)
    }
  }
}

const remaining = (until: number, now: number): Duration.Duration => Duration.millis(Math.ceil(until - now))
