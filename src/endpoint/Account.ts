/**
 * Who pays for one or more endpoints: what is true of the account is true of all of them.
 *
 * @since 0.1.0
 */
import * as TrialGate from "../machine/TrialGate.ts"
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
 * An account's standing, shared by its endpoints. Times are monotonic milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Account {
  readonly id: string
  /** Closed while the quota is used up. */
  readonly quota: TrialGate.TrialGate
  /** After a 429 that is true of the whole account. */
  pause: Pause.Pause | undefined
  /** By model; most accounts never need them. */
  witnesses: Map<string, Witness> | undefined
  /** When somebody reset it: a 429 to a call sent before says nothing any more. */
  clearedAt: number
}

// model names come from callers; more than these at once are no real account
const maxWitnesses = 256

/**
 * An account in good standing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (id: string): Account => ({
  id,
  quota: TrialGate.make(),
  pause: undefined,
  witnesses: undefined,
  clearedAt: -Infinity
})

/**
 * Notes a 429 that is true of the whole account.
 *
 * @category transitions
 * @since 0.1.0
 */
export const rateLimited = (self: Account, hint: number | undefined, sentAt: number, now: number): void => {
  if (sentAt < self.clearedAt) return
  self.pause = Pause.lengthen(self.pause, hint, sentAt, now)
}

/**
 * Notes that an endpoint was refused a model until then, for all that is known for itself alone.
 *
 * @category transitions
 * @since 0.1.0
 */
export const testify = (self: Account, model: string, endpoint: string, until: number, now: number): void => {
  const witnesses = self.witnesses ??= new Map()
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
  const known = self.witnesses?.get(model)
  return known !== undefined && known.endpoint !== endpoint && now < known.until ? known : undefined
}

/**
 * Notes that both were refused: the account is, and no sooner asked than the first of them.
 *
 * @category transitions
 * @since 0.1.0
 */
export const convict = (
  self: Account,
  witness: Witness,
  hint: number | undefined,
  sentAt: number,
  now: number
): void => {
  if (sentAt < self.clearedAt) return
  const pause = Pause.lengthen(self.pause, hint, sentAt, now)
  self.pause = { ...pause, until: Math.max(pause.until, witness.until) }
}

/**
 * Notes an answer: it opens what was closed, lifts what was paused, and speaks
 * against a witness, each only if its call was sent after that.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (self: Account, call: object, model: string, sentAt: number): void => {
  TrialGate.answered(self.quota, call, sentAt)
  if (self.pause !== undefined) self.pause = Pause.answered(self.pause, sentAt)
  const known = self.witnesses?.get(model)
  if (known !== undefined && sentAt > known.since) self.witnesses!.delete(model)
}

/**
 * Forgets what was held against it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const clear = (self: Account, now: number): void => {
  TrialGate.open(self.quota, now)
  self.pause = undefined
  self.witnesses = undefined
  self.clearedAt = now
}
