/**
 * Who pays for one or more endpoints: what is true of the account is true of all of them.
 *
 * @since 0.1.0
 */
import * as TrialGate from "../machine/TrialGate.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Pause from "./Pause.ts"

/**
 * The endpoint that was refused a model last, for as long as it is not asked for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Witness {
  readonly endpoint: string
  readonly since: number
  readonly until: number
}

/**
 * What was ever held against an account. Times are monotonic milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Trouble {
  /** Closed while the quota is used up. */
  readonly quota: TrialGate.TrialGate
  /** After a 429 that is true of the whole account. */
  pause: Pause.Pause | undefined
  /** By model. */
  readonly witnesses: Map<string, Witness>
  /** When somebody reset it: a 429 to a call sent before says nothing any more. */
  clearedAt: number
}

/**
 * An account's standing, shared by its endpoints.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly id: string
  /** Most accounts never have any. */
  trouble: Trouble | undefined
  /** How many endpoints are of it. */
  users: number
  /** Of all its endpoints together, where it has limits of its own. */
  readonly limiter: RateLimiter.RateLimiter | undefined
  /** The limiters of its endpoints. */
  limiters: Array<RateLimiter.RateLimiter>
}

// model names come from callers; more than these at once are no real account
const maxWitnesses = 256

/**
 * An account in good standing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (id: string, limiter?: RateLimiter.RateLimiter): Account => ({
  id,
  trouble: undefined,
  users: 0,
  limiter,
  limiters: []
})

// where the limits of the account are known, it is these that are smaller than they were
const limitersOf = ({ limiter, limiters }: Account): Iterable<RateLimiter.RateLimiter> =>
  limiter === undefined ? limiters : [limiter]

const troubleOf = (self: Account): Trouble =>
  self.trouble ??= { quota: TrialGate.make(), pause: undefined, witnesses: new Map(), clearedAt: 0 }

/**
 * Notes that the quota is used up, for all that a call sent at `sentAt` says.
 *
 * @category transitions
 * @since 0.1.0
 */
export const exhausted = (self: Account, sentAt: number, until: number, now: number): void => {
  TrialGate.refused(troubleOf(self).quota, sentAt, until, now)
}

/**
 * Notes a 429 that is true of the whole account: nobody asks sooner than it says, nor sooner than `atLeast`, and all of
 * its endpoints use less of their limits.
 *
 * @category transitions
 * @since 0.1.0
 */
export const rateLimited = (
  self: Account,
  hint: number | undefined,
  sentAt: number,
  now: number,
  atLeast = 0
): void => {
  const trouble = troubleOf(self)
  if (sentAt < trouble.clearedAt) return
  const pause = Pause.lengthen(trouble.pause, hint, sentAt, now)
  const until = Math.max(pause.until, atLeast)
  trouble.pause = { ...pause, until }
  for (const limiter of limitersOf(self)) limiter.slowDownUnsafe(sentAt, now, until)
}

/**
 * Notes that an endpoint was refused a model until then, for all that is known for itself alone.
 *
 * @category transitions
 * @since 0.1.0
 */
export const testify = (self: Account, model: string, endpoint: string, until: number, now: number): void => {
  const { witnesses } = troubleOf(self)
  witnesses.delete(model)
  if (witnesses.size >= maxWitnesses) witnesses.delete(witnesses.keys().next().value!)
  witnesses.set(model, { endpoint, since: now, until })
}

/**
 * Another endpoint than this one, refused the same model for a time that is not over.
 *
 * @category getters
 * @since 0.1.0
 */
export const witness = (self: Account, model: string, endpoint: string, now: number): Witness | undefined => {
  const known = self.trouble?.witnesses.get(model)
  return known !== undefined && known.endpoint !== endpoint && now < known.until ? known : undefined
}

/**
 * Notes an answer: it opens what was closed, lifts what was paused, and speaks
 * against a witness, each only if its call was sent after that.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (self: Account, call: object, model: string, sentAt: number): void => {
  const { trouble } = self
  if (trouble === undefined) return
  TrialGate.answered(trouble.quota, call, sentAt)
  trouble.pause = Pause.answered(trouble.pause, sentAt)
  const known = trouble.witnesses.get(model)
  if (known !== undefined && sentAt > known.since) trouble.witnesses.delete(model)
}

/**
 * Forgets what was held against it, and what calls say that were sent before.
 *
 * @category transitions
 * @since 0.1.0
 */
export const clear = (self: Account, now: number): void => {
  const trouble = troubleOf(self)
  TrialGate.open(trouble.quota, now)
  trouble.pause = undefined
  trouble.witnesses.clear()
  trouble.clearedAt = now
  self.limiter?.liftUnsafe(now)
  for (const limiter of self.limiters) limiter.liftUnsafe(now)
}
