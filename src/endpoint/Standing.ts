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
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Account from "./Account.ts"
import type * as Accounts from "./Accounts.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as Failure from "./Failure.ts"
import * as Key from "./Key.ts"
import * as ModelPauses from "./ModelPauses.ts"
import * as Pause from "./Pause.ts"
import { recheck } from "./Wait.ts"

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

// longer than attempts usually may take; a trial that takes longer is no longer the only one
const trialLease = 60_000

// what was ever held against the endpoint itself
interface Trouble {
  /** Closed while the key is forbidden here. */
  readonly access: TrialGate.TrialGate
  pause: Pause.Pause | undefined
  readonly models: ModelPauses.ModelPauses
  /** When somebody reset it: what calls say that were sent before is of no account. */
  clearedAt: number
}

/**
 * The standing of one endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export class Standing {
  readonly account: Account.Account
  readonly #endpoint: Endpoint.Endpoint
  readonly #limiter: RateLimiter.RateLimiter
  // an endpoint without a key of its own has one to itself, once it is refused
  #key: Key.Key | undefined
  // most endpoints never have any
  #trouble: Trouble | undefined

  constructor(
    endpoint: Endpoint.Endpoint,
    { account, key }: Accounts.Membership,
    limiter: RateLimiter.RateLimiter
  ) {
    this.#endpoint = endpoint
    this.#limiter = limiter
    this.account = account
    this.#key = key
  }

  /** Why a call for a model may not be sent now, if it may not; asking takes nothing. */
  refusal(model: string, now: number): Failure.Failure | undefined {
    const ofAccount = this.account.trouble
    const trouble = this.#trouble
    const gate = this.#key?.gate
    if (ofAccount === undefined && trouble === undefined && gate === undefined) return undefined
    const { account, id } = this.#endpoint
    if (ofAccount !== undefined && !TrialGate.mayPass(ofAccount.quota, now)) {
      const { quota } = ofAccount
      return Rejection.make(Failure.QuotaExceeded, {
        endpoint: id,
        account,
        ...hint(quota, now),
        attempts: Attempt.none
      })
    }
    for (const closed of [gate, trouble?.access]) {
      if (closed === undefined || TrialGate.mayPass(closed, now)) continue
      return Rejection.make(Failure.Unauthorized, { endpoint: id, ...hint(closed, now), attempts: Attempt.none })
    }
    const known = trouble === undefined ? undefined : ModelPauses.current(trouble.models, model, now)
    const missing = known?.because === "ModelNotFound" ? known : undefined
    const paused = this.#paused(missing === undefined ? known : undefined, now)
    if (paused !== undefined || missing === undefined) return paused
    const retryAfter = millis(missing.until - now)
    return Rejection.make(Failure.ModelNotFound, { endpoint: id, model, retryAfter, attempts: Attempt.none })
  }

  /** Sends a call that was not refused; where a quota or a key was, as the trial. */
  pass(call: Call): void {
    const { trouble } = this.account
    const gate = this.#key?.gate
    if (trouble !== undefined) TrialGate.pass(trouble.quota, call, call.startedAt, trialLease)
    if (gate !== undefined) TrialGate.pass(gate, call, call.startedAt, trialLease)
    if (this.#trouble !== undefined) TrialGate.pass(this.#trouble.access, call, call.startedAt, trialLease)
  }

  /** Whatever came of it, a call is no longer on trial. */
  leave(call: Call): void {
    const { trouble } = this.account
    const gate = this.#key?.gate
    if (trouble !== undefined) TrialGate.leave(trouble.quota, call)
    if (gate !== undefined) TrialGate.leave(gate, call)
    if (this.#trouble !== undefined) TrialGate.leave(this.#trouble.access, call)
  }

  /** An answer lifts what was held before its call was sent. */
  answered(call: Call): void {
    const { demand: { model }, startedAt } = call
    Account.answered(this.account, call, model, startedAt)
    if (this.#key !== undefined) Key.answered(this.#key, call, startedAt)
    const trouble = this.#trouble
    if (trouble === undefined) return
    TrialGate.answered(trouble.access, call, startedAt)
    trouble.pause = Pause.answered(trouble.pause, startedAt)
    ModelPauses.answered(trouble.models, model, startedAt)
  }

  /** Keeps what a failure says where it is true. What a relay below says of an endpoint of its own is none of ours. */
  failed(failure: unknown, { demand: { model }, startedAt }: Call, now: number): void {
    if (Verdict.tagOf(failure) === undefined) return
    // what the service itself says will pass is no verdict to keep
    if (Verdict.retryOf(failure) === "Anywhere") return
    if (failure instanceof RateLimited) {
      this.#limited(failure, model, startedAt, now)
    } else if (failure instanceof Failure.QuotaExceeded) {
      if (!this.#isOurAccount(failure)) return
      Account.exhausted(this.account, startedAt, now + (Verdict.hintOf(failure) ?? recheck), now)
    } else if (failure instanceof Failure.Unauthorized) {
      if (failure.endpoint !== this.#endpoint.id) return
      // 401: nobody knows the key; 403: somebody does, but it may not do this here
      if (failure.status !== 403) Key.refused(this.#key ??= Key.make(), startedAt, now + recheck, now)
      else TrialGate.refused(this.#troubled().access, startedAt, now + recheck, now)
    } else if (failure instanceof Failure.ModelNotFound) {
      if (failure.endpoint !== this.#endpoint.id || startedAt < this.#troubled().clearedAt) return
      ModelPauses.notFound(this.#troubled().models, model, now)
    }
  }

  /** What a health check says of the key. */
  checkedKey(isRefused: boolean, now: number): void {
    if (isRefused || this.#key !== undefined) Key.checked(this.#key ??= Key.make(), isRefused, now + recheck, now)
  }

  /** Forgets what is held, of the account and the key too, and so for whoever shares them. */
  clear(now: number): void {
    const trouble = this.#troubled()
    TrialGate.open(trouble.access, now)
    trouble.pause = undefined
    trouble.models.clear()
    trouble.clearedAt = now
    Key.clear(this.#key ??= Key.make(), now)
    Account.clear(this.account, now)
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
    const models = this.#trouble?.models
    return this.#pausedUntil(now) ?? (models === undefined ? undefined : ModelPauses.soonest(models, now))
  }

  #troubled(): Trouble {
    return this.#trouble ??= { access: TrialGate.make(), pause: undefined, models: new Map(), clearedAt: 0 }
  }

  #gates(): ReadonlyArray<TrialGate.TrialGate> {
    return [this.account.trouble?.quota, this.#key?.gate, this.#trouble?.access].filter((gate) => gate !== undefined)
  }

  #pausedUntil(now: number): number | undefined {
    const until = Math.max(this.account.trouble?.pause?.until ?? 0, this.#trouble?.pause?.until ?? 0)
    return now < until ? until : undefined
  }

  // who names no account names the endpoint, which has one
  #isOurAccount({ account, endpoint }: Failure.QuotaExceeded): boolean {
    const { account: ours, id } = this.#endpoint
    return account === ours || (account === id && endpoint === id)
  }

  // the longest of the pauses in force
  #paused(ofModel: Pause.Pause | undefined, now: number): RateLimited | undefined {
    const ofAccount = this.account.trouble?.pause?.until ?? 0
    const ofEndpoint = this.#trouble?.pause?.until ?? 0
    const until = Math.max(ofAccount, ofEndpoint, ofModel?.until ?? 0)
    if (now >= until) return undefined
    return Rejection.make(RateLimited, {
      key: this.#endpoint.id,
      source: "Upstream" as const,
      scope: until === ofAccount ? "Account" : until === ofEndpoint ? "Endpoint" : "Model",
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
    const trouble = this.#troubled()
    if (sentAt < trouble.clearedAt) return
    if (scope === "Endpoint") {
      trouble.pause = Pause.lengthen(trouble.pause, wait, sentAt, now)
      return this.#limiter.slowDownUnsafe(sentAt, now, trouble.pause.until)
    }
    const witness = scope === undefined ? Account.witness(account, model, id, now) : undefined
    if (witness !== undefined) return Account.rateLimited(account, wait, sentAt, now, witness.until)
    const until = ModelPauses.rateLimited(trouble.models, model, wait, sentAt, now)
    // what is true of one model is none of the limiter's, which counts the calls for all of them
    if (scope === "Model") return
    Account.testify(account, model, id, until, now)
    this.#limiter.slowDownUnsafe(sentAt, now, until)
    account.limiter?.slowDownUnsafe(sentAt, now, until)
  }
}

const millis = (left: number): Duration.Duration => Duration.millis(Math.ceil(left))

const hint = (gate: TrialGate.TrialGate, now: number): { readonly retryAfter?: Duration.Duration } => {
  const left = TrialGate.remaining(gate, now)
  return left === undefined ? {} : { retryAfter: millis(left) }
}
