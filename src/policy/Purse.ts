/**
 * The budgets that a call spends from, one inside the other.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as Allowance from "../machine/Allowance.ts"

/**
 * One budget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pocket {
  readonly allowance: Allowance.Allowance
  /** Whose it is, where it is one of many. */
  readonly owner: string | undefined
}

/**
 * The budgets that a call spends from, the innermost first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Purse extends Pocket {
  readonly outer: Purse | undefined
}

/**
 * What the running fiber spends from; `undefined` where nobody counts.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentPurse: Context.Reference<Purse | undefined> = Context.Reference<Purse | undefined>(
  "effect-relay/policy/Purse",
  { defaultValue: () => undefined }
)

/**
 * What a fiber spends from.
 *
 * @category getters
 * @since 0.1.0
 */
export const ofUnsafe = (fiber: Fiber.Fiber<unknown, unknown>): Purse | undefined => fiber.getRef(CurrentPurse)

/**
 * The same with another budget inside, which is there once, however often it is named.
 *
 * @category combinators
 * @since 0.1.0
 */
export const inside = (outer: Purse | undefined, { allowance, owner }: Pocket): Purse => {
  for (let purse = outer; purse !== undefined; purse = purse.outer) if (purse.allowance === allowance) return outer!
  return { allowance, owner, outer }
}

/**
 * What does not suffice.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shortage {
  readonly purse: Purse
  readonly kind: Allowance.Kind
}

/**
 * The first that does not suffice for this amount, the innermost first.
 *
 * @category getters
 * @since 0.1.0
 */
export const shortOf = (self: Purse, amount: Allowance.Amount, now: number): Shortage | undefined => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    const kind = Allowance.shortOf(purse.allowance, amount, now)
    if (kind !== undefined) return { purse, kind }
  }
  return undefined
}

/**
 * The first that is limited in money, the innermost first.
 *
 * @category getters
 * @since 0.1.0
 */
export const limitedInMoney = (self: Purse): Purse | undefined => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    if (purse.allowance.limit.money < Infinity) return purse
  }
  return undefined
}

/**
 * Sets an amount aside in all of them.
 *
 * @category transitions
 * @since 0.1.0
 */
export const hold = (self: Purse, amount: Allowance.Amount): void => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    Allowance.hold(purse.allowance, amount)
  }
}

/**
 * Charges all of them with what was spent of what was set aside.
 *
 * @category transitions
 * @since 0.1.0
 */
export const settle = (self: Purse, held: Allowance.Amount, spent: Allowance.Amount, now: number): void => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    Allowance.settle(purse.allowance, held, spent, now)
  }
}

/**
 * Somebody is about to spend from them, who counts as one more user of each up to `outer`, or one less.
 *
 * @category transitions
 * @since 0.1.0
 */
export const use = (self: Purse | undefined, outer: Purse | undefined, by: 1 | -1): void => {
  for (let purse = self; purse !== undefined && purse !== outer; purse = purse.outer) purse.allowance.users += by
}
