/**
 * What was said against an endpoint beside its circuit: of its account, its key,
 * itself or one of its models. Each verdict is kept where it is true.
 *
 * | | Kept at |
 * |---|---|
 * | quota used up | account |
 * | 429 | account, endpoint or model; see `#limited` |
 * | 401 | key |
 * | 403 | the key at this endpoint |
 * | model not found | model at this endpoint |
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as TrialGate from "../machine/TrialGate.ts"
import * as Attempt from "../policy/Attempt.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Account from "./Account.ts"
import type * as Accounts from "./Accounts.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as Failure from "./Failure.ts"
import * as Key from "./Key.ts"
import * as ModelPauses from "./ModelPauses.ts"
import * as Pause from "./Pause.ts"

/**
 * A call as the standing knows it; the object is the one that passes, ends and leaves.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  readonly demand: { readonly model: string }
  readonly startedAt: number
}

// a quota without a known reset, and a refused key, are looked at again after this
const recheck = 300_000

// longer than attempts usually may take; a trial that takes longer is no longer the only one
const trialLease = 60_000

/**
 * The standing of one endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export class Standing {
  readonly account: Account.Account
  readonly #endpoint: Endpoint.Endpoint
  readonly #key: Key.Key
  // most endpoints never need these
  #access: TrialGate.TrialGate | undefined
  #pause: Pause.Pause | undefined
  #models: ModelPauses.ModelPauses | undefined
  #clearedAt = -Infinity

  constructor(endpoint: Endpoint.Endpoint, { account, key }: Accounts.Membership) {
    this.#endpoint = endpoint
    this.account = account
    this.#key = key
  }

  /** Why a call for a model may not be sent now, if it may not; asking takes nothing. */
  refusal(model: string, now: number): Failure.Failure | undefined {
    const { account, id } = this.#endpoint
    if (!TrialGate.mayPass(this.account.quota, now)) {
      return Rejection.make(Failure.QuotaExceeded, {
        endpoint: id,
        account,
        ...hint(this.account.quota, now),
        attempts: Attempt.none
      })
    }
    const closed = !TrialGate.mayPass(this.#key.gate, now)
      ? this.#key.gate
      : this.#access !== undefined && !TrialGate.mayPass(this.#access, now)
      ? this.#access
      : undefined
    if (closed !== undefined) {
      return Rejection.make(Failure.Unauthorized, { endpoint: id, ...hint(closed, now), attempts: Attempt.none })
    }
    const known = this.#models === undefined ? undefined : ModelPauses.current(this.#models, model, now)
    const missing = known?.because === "ModelNotFound" ? known : undefined
    const paused = this.#paused(missing === undefined ? known : undefined, now)
    if (paused !== undefined) return paused
    return missing === undefined ? undefined : Rejection.make(Failure.ModelNotFound, {
      endpoint: id,
      model,
      retryAfter: millis(missing.until - now),
      attempts: Attempt.none
    })
  }

  /** Sends a call that was not refused; where something was held against the endpoint, as the trial. */
  pass(call: Call): void {
    TrialGate.pass(this.account.quota, call, call.startedAt, trialLease)
    TrialGate.pass(this.#key.gate, call, call.startedAt, trialLease)
    if (this.#access !== undefined) TrialGate.pass(this.#access, call, call.startedAt, trialLease)
  }

  /** Whatever came of it, a call is no longer on trial. */
  leave(call: Call): void {
    TrialGate.leave(this.account.quota, call)
    TrialGate.leave(this.#key.gate, call)
    if (this.#access !== undefined) TrialGate.leave(this.#access, call)
  }

  /** An answer lifts what was held before its call was sent. */
  answered(call: Call): void {
    const { demand: { model }, startedAt } = call
    Account.answered(this.account, call, model, startedAt)
    Key.answered(this.#key, call, startedAt)
    if (this.#access !== undefined) TrialGate.answered(this.#access, call, startedAt)
    if (this.#pause !== undefined) this.#pause = Pause.answered(this.#pause, startedAt)
    if (this.#models !== undefined) ModelPauses.answered(this.#models, model, startedAt)
  }

  /** Keeps what a failure says where it is true. */
  failed(failure: unknown, { demand: { model }, startedAt }: Call, now: number): void {
    if (Verdict.tagOf(failure) === undefined) return
    if (failure instanceof RateLimited) {
      this.#limited(failure, model, startedAt, now)
    } else if (failure instanceof Failure.QuotaExceeded) {
      TrialGate.refused(this.account.quota, startedAt, now + (Verdict.hintOf(failure) ?? recheck), now)
    } else if (failure instanceof Failure.Unauthorized) {
      // 401: nobody knows the key; 403: somebody does, but it may not do this here
      if (failure.status !== 403) Key.refused(this.#key, startedAt, now + recheck, now)
      else if (startedAt >= this.#clearedAt) {
        TrialGate.refused(this.#access ??= TrialGate.make(), startedAt, now + recheck, now)
      }
    } else if (failure instanceof Failure.ModelNotFound && startedAt >= this.#clearedAt) {
      ModelPauses.notFound(this.#models ??= new Map(), model, now)
    }
  }

  /** What a health check says of the key. */
  checkedKey(isRefused: boolean, now: number): void {
    Key.checked(this.#key, isRefused, now + recheck, now)
  }

  /** Forgets what is held, of the account and the key too, and so for whoever shares them. */
  clear(now: number): void {
    this.#clearedAt = now
    this.#access = undefined
    this.#pause = undefined
    this.#models = undefined
    TrialGate.open(this.#key.gate, now)
    Account.clear(this.account, now)
  }

  /** Whether quota, key or pause may stand in the way of any call now. */
  isClear(now: number): boolean {
    return this.#gates().every(({ isOpen }) => isOpen) && this.#pausedUntil(now) === undefined
  }

  /** When quota and key are looked at again, if that is not yet. */
  exhaustedUntil(now: number): number | undefined {
    const until = Math.max(...this.#gates().map((gate) => gate.isOpen ? -Infinity : gate.until))
    return now < until ? until : undefined
  }

  /** Whether quota or key are being looked at again, or will be with the next call. */
  isOnTrial(): boolean {
    return this.#gates().some(({ isOpen }) => !isOpen)
  }

  /** When the pause of all models ends or, where there is none, the first of those of single models. */
  pausedUntil(now: number): number | undefined {
    return this.#pausedUntil(now) ?? (this.#models === undefined ? undefined : ModelPauses.soonest(this.#models, now))
  }

  #gates(): ReadonlyArray<TrialGate.TrialGate> {
    return [this.account.quota, this.#key.gate, ...(this.#access === undefined ? [] : [this.#access])]
  }

  #pausedUntil(now: number): number | undefined {
    const until = Math.max(this.account.pause?.until ?? -Infinity, this.#pause?.until ?? -Infinity)
    return now < until ? until : undefined
  }

  // the longest of the pauses in force
  #paused(ofModel: Pause.Pause | undefined, now: number): RateLimited | undefined {
    const ofAccount = this.account.pause
    const ofEndpoint = this.#pause
    if (ofAccount === undefined && ofEndpoint === undefined && ofModel === undefined) return undefined
    const until = Math.max(ofAccount?.until ?? 0, ofEndpoint?.until ?? 0, ofModel?.until ?? 0)
    if (now >= until) return undefined
    return Rejection.make(RateLimited, {
      key: this.#endpoint.id,
      source: "Upstream" as const,
      scope: until === ofAccount?.until ? "Account" : until === ofEndpoint?.until ? "Endpoint" : "Model",
      retryAfter: millis(until - now),
      attempts: Attempt.none
    })
  }

  // where the service does not say what it limits, the same refusal at another endpoint shows that it is the account
  #limited(failure: RateLimited, model: string, sentAt: number, now: number): void {
    const { account } = this
    const { id } = this.#endpoint
    const wait = Verdict.hintOf(failure)
    // a limiter of the caller's own, or a relay below this one, speaks of somebody else's account
    const isOurs = failure.source === "Upstream" && failure.key === id
    const scope = isOurs ? failure.scope : "Model"
    if (scope === "Account") return Account.rateLimited(account, wait, sentAt, now)
    if (sentAt < this.#clearedAt) return
    if (scope === "Endpoint") {
      this.#pause = Pause.lengthen(this.#pause, wait, sentAt, now)
      return
    }
    const witness = scope === undefined ? Account.witness(account, model, id, now) : undefined
    if (witness !== undefined) return Account.convict(account, witness, wait, sentAt, now)
    const until = ModelPauses.rateLimited(this.#models ??= new Map(), model, wait, sentAt, now)
    if (scope === undefined) Account.testify(account, model, id, until, now)
  }
}

const millis = (left: number): Duration.Duration => Duration.millis(Math.ceil(left))

const hint = (gate: TrialGate.TrialGate, now: number): { readonly retryAfter?: Duration.Duration } => {
  const left = TrialGate.remaining(gate, now)
  return left === undefined ? {} : { retryAfter: millis(left) }
}
