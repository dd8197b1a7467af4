/**
 * What may be spent, in money and in tokens: set aside before a call, settled after it.
 *
 * Whoever begins a call sets aside the most it may take, so that no number of
 * calls at once can spend more than there is; whoever ends it says what it took, and the rest is free again.
 *
 * With a window, what was spent comes back once it is that long ago: over any window, wherever it begins, no more is spent
 * than the limit. Spending is kept by sixty-fourths of the window, each of which comes back as a whole, when the last of it is
 * old enough.
 *
 * @since 0.1.0
 */

/**
 * Whole numbers from 0 up; of a limit, `Infinity` where there is none.
 *
 * @category models
 * @since 0.1.0
 */
export interface Amount {
  /** Nanodollars. */
  readonly money: number
  readonly tokens: number
}

/**
 * What can be counted.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind = keyof Amount

type Tally = { -readonly [K in Kind]: number }

/** What was spent in one grain of the window, and when it comes back. */
interface Grain extends Tally {
  readonly until: number
}

/**
 * What is set aside and what was spent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Allowance {
  readonly limit: Amount
  /** How long ago what was spent counts, in milliseconds; `Infinity` for ever. */
  readonly window: number
  readonly held: Tally
  /** As far as it counts. */
  readonly spent: Tally
  /** What of that comes back, the first first; at most one more than `grains`. */
  readonly parts: Array<Grain>
  /** Calls that may come to spend from it: as long as there are any, it is not to be forgotten. */
  users: number
}

/**
 * Into how many grains a window is divided.
 *
 * @category constants
 * @since 0.1.0
 */
export const grains = 64

/**
 * Nothing of either.
 *
 * @category constants
 * @since 0.1.0
 */
export const nothing: Amount = { money: 0, tokens: 0 }

/**
 * An allowance of which nothing was spent.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (limit: Amount, window = Infinity): Allowance => ({
  limit,
  window,
  held: { ...nothing },
  spent: { ...nothing },
  parts: [],
  users: 0
})

/**
 * Takes back what was spent too long ago to count.
 *
 * @category transitions
 * @since 0.1.0
 */
export const renew = (self: Allowance, now: number): void => {
  const { parts, spent } = self
  while (parts.length > 0 && parts[0]!.until <= now) {
    const { money, tokens } = parts.shift()!
    spent.money -= money
    spent.tokens -= tokens
  }
}

const rest = ({ held, limit, spent }: Allowance, kind: Kind): number => limit[kind] - spent[kind] - held[kind]

/**
 * What is neither spent nor set aside; below zero where a call took more than was set aside for it.
 *
 * @category getters
 * @since 0.1.0
 */
export const left = (self: Allowance, kind: Kind, now: number): number => {
  renew(self, now)
  return rest(self, kind)
}

/**
 * What does not suffice for this amount; `undefined` if both do.
 *
 * @category getters
 * @since 0.1.0
 */
export const shortOf = (self: Allowance, amount: Amount, now: number): Kind | undefined => {
  renew(self, now)
  return amount.money > rest(self, "money") ? "money" : amount.tokens > rest(self, "tokens") ? "tokens" : undefined
}

/**
 * Milliseconds until so much is there, if nothing else is spent and what is set aside stays so; `undefined` if it is not known
 * to come.
 *
 * @category getters
 * @since 0.1.0
 */
export const waitFor = (self: Allowance, kind: Kind, amount: number, now: number): number | undefined => {
  let there = left(self, kind, now)
  if (amount <= there) return 0
  for (const part of self.parts) {
    there += part[kind]
    if (amount <= there) return part.until - now
  }
  return undefined
}

/**
 * Whether it is as if it had just been made, and nobody is about to spend from it.
 *
 * @category guards
 * @since 0.1.0
 */
export const isIdle = (self: Allowance, now: number): boolean => {
  renew(self, now)
  const { held, spent, users } = self
  return users === 0 && held.money === 0 && held.tokens === 0 && spent.money === 0 && spent.tokens === 0
}

/**
 * Sets an amount aside.
 *
 * @category transitions
 * @since 0.1.0
 */
export const hold = (self: Allowance, amount: Amount): void => {
  self.held.money += amount.money
  self.held.tokens += amount.tokens
}

/**
 * Ends what was set aside: so much of it, or more, was spent.
 *
 * @category transitions
 * @since 0.1.0
 */
export const settle = (self: Allowance, held: Amount, spent: Amount, now: number): void => {
  self.held.money -= held.money
  self.held.tokens -= held.tokens
  if (spent.money === 0 && spent.tokens === 0) return
  self.spent.money += spent.money
  self.spent.tokens += spent.tokens
  if (self.window === Infinity) return
  renew(self, now)
  const part = partAt(self, now)
  part.money += spent.money
  part.tokens += spent.tokens
}

const partAt = ({ parts, window }: Allowance, now: number): Grain => {
  const grain = window / grains
  const until = (Math.floor(now / grain) + 1) * grain + window
  const last = parts.at(-1)
  // a clock that is asked late for an earlier time adds to what is there
  if (last !== undefined && last.until >= until) return last
  const part = { until, ...nothing }
  parts.push(part)
  return part
}

/**
 * Forgets what was spent; what is set aside stays so.
 *
 * @category transitions
 * @since 0.1.0
 */
export const reset = (self: Allowance): void => {
  self.spent.money = 0
  self.spent.tokens = 0
  self.parts.length = 0
}
