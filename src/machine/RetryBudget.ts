/**
 * Retries paid for by successes, so that they stop when nothing succeeds.
 *
 * A budget credited by requests keeps feeding a collapsed service; one credited
 * by successes lets it recover. What successes pay in is forgotten after a
 * while, so that a good hour does not pay for a storm; a small reserve that
 * fills by itself keeps a quiet caller able to retry at all.
 *
 * Sources: Finagle's RetryBudget and tower's TpsBudget (time to live in ten
 * slices, reserve a second); gRPC proposal A6 and the AWS SDKs' retry quota
 * (credit on success).
 *
 * @since 0.1.0
 */
import * as Gcra from "./Gcra.ts"

/**
 * A retry costs one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** What a success pays in. */
  readonly ratio: number
  /** The most that successes can have paid in and retries not used. */
  readonly capacity: number
  /** Milliseconds after which at the latest, and nine tenths of which at the earliest, what was paid in is gone. */
  readonly ttl: number
  /** Retries a second that nobody has to pay for; unused ones add up to those of one `ttl`, and never to less than one. */
  readonly reserve: number
}

/**
 * What can be spent: ten slices of deposits by age, and when the reserve will be
 * full again.
 *
 * @category models
 * @since 0.1.0
 */
export interface RetryBudget {
  readonly rule: Rule
  readonly slices: Float64Array
  /** The slice of the latest time, counted from time zero. */
  newest: number
  /** The slice that the latest retry was paid from. */
  spent: number
  deposits: number
  reserveTat: number
}

const slices = 10

// counted in millionths of a retry, whole ones: ten tenths are one
const retry = 1_000_000

const reserveOf = ({ reserve, ttl }: Rule): Gcra.Rule => ({ interval: 1000 / reserve, tolerance: ttl })

/**
 * A budget that holds so much, and a full reserve.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Rule, deposited = 0): RetryBudget => {
  const self: RetryBudget = {
    rule,
    slices: new Float64Array(slices),
    newest: -Infinity,
    spent: -Infinity,
    deposits: Math.round(Math.min(rule.capacity, deposited) * retry),
    reserveTat: Gcra.idle
  }
  self.slices[0] = self.deposits
  return self
}

const at = (slice: number): number => ((slice % slices) + slices) % slices

/** Forgets what is too old. */
const advance = (self: RetryBudget, now: number): void => {
  const slice = Math.floor(now / (self.rule.ttl / slices))
  if (slice <= self.newest) return
  if (self.newest === -Infinity) {
    // what it was made with is as old as its first use
    const given = self.slices[0]!
    self.slices[0] = 0
    self.slices[at(slice)] = given
  } else {
    for (let old = Math.max(self.newest + 1, slice - slices + 1); old <= slice; old++) {
      self.deposits -= self.slices[at(old)]!
      self.slices[at(old)] = 0
    }
  }
  self.newest = slice
}

const add = (self: RetryBudget, slice: number, amount: number): void => {
  const added = Math.min(amount, Math.round(self.rule.capacity * retry) - self.deposits)
  self.slices[at(slice)]! += added
  self.deposits += added
}

/**
 * Pays in for a success.
 *
 * @category transitions
 * @since 0.1.0
 */
export const deposit = (self: RetryBudget, now: number): void => {
  advance(self, now)
  add(self, self.newest, Math.round(self.rule.ratio * retry))
}

/**
 * Pays for a retry, from the oldest deposits or else from the reserve; `false`
 * when neither can.
 *
 * @category transitions
 * @since 0.1.0
 */
export const withdraw = (self: RetryBudget, now: number): boolean => {
  advance(self, now)
  if (self.deposits >= retry) {
    let owed = retry
    for (let slice = self.newest - slices + 1; owed > 0; slice++) {
      const paid = Math.min(owed, self.slices[at(slice)]!)
      self.slices[at(slice)]! -= paid
      owed -= paid
      self.spent = slice
    }
    self.deposits -= retry
    return true
  }
  if (self.rule.reserve === 0) return false
  const reserve = reserveOf(self.rule)
  if (Gcra.wait(self.reserveTat, now, 1, reserve) > 0) return false
  self.reserveTat = Gcra.take(self.reserveTat, now, 1, reserve)
  return true
}

/**
 * Gives back what was paid for a retry that did not begin: to the reserve as
 * long as that lacks something, or else to the deposits, where it lives no
 * longer than the latest that were spent.
 *
 * @category transitions
 * @since 0.1.0
 */
export const refund = (self: RetryBudget, now: number): void => {
  advance(self, now)
  if (self.reserveTat > now) {
    self.reserveTat = Gcra.refund(self.reserveTat, 1, reserveOf(self.rule))
  } else if (self.spent > self.newest - slices) {
    add(self, self.spent, retry)
  }
}

/**
 * Whether the reserve is full: whoever forgets such a budget makes nobody richer.
 *
 * @category getters
 * @since 0.1.0
 */
export const isRested = (self: RetryBudget, now: number): boolean => self.reserveTat <= now

/**
 * Retries that could be paid for now: out of deposits, and out of the reserve.
 *
 * @category getters
 * @since 0.1.0
 */
export const balance = (self: RetryBudget, now: number): { readonly deposits: number; readonly reserve: number } => {
  advance(self, now)
  const { interval, tolerance } = reserveOf(self.rule)
  const ahead = Math.max(self.reserveTat, now) - now
  return {
    deposits: self.deposits / retry,
    reserve: self.rule.reserve === 0 ? 0 : Math.max(0, (Math.max(tolerance, interval) - ahead) / interval)
  }
}
