/**
 * What may be spent, in money and in tokens: set aside before a call, settled after it.
 *
 * Whoever begins a call sets aside the most it may take, so that no number of
 * calls at once can spend more than there is; whoever ends it says what it took, and the rest is free again.
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

/**
 * What is set aside and what was spent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Allowance {
  readonly limit: Amount
  readonly held: { -readonly [K in Kind]: number }
  readonly spent: { -readonly [K in Kind]: number }
}

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
export const make = (limit: Amount): Allowance => ({ limit, held: { ...nothing }, spent: { ...nothing } })

/**
 * What is neither spent nor set aside; below zero where a call took more than was set aside for it.
 *
 * @category getters
 * @since 0.1.0
 */
export const left = (self: Allowance, kind: Kind): number => self.limit[kind] - self.spent[kind] - self.held[kind]

/**
 * What does not suffice for this amount; `undefined` if both do.
 *
 * @category getters
 * @since 0.1.0
 */
export const shortOf = (self: Allowance, amount: Amount): Kind | undefined =>
  amount.money > left(self, "money") ? "money" : amount.tokens > left(self, "tokens") ? "tokens" : undefined

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
export const settle = (self: Allowance, held: Amount, spent: Amount): void => {
  self.held.money -= held.money
  self.held.tokens -= held.tokens
  self.spent.money += spent.money
  self.spent.tokens += spent.tokens
}
