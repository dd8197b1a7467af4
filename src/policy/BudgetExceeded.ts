/**
 * What a call says that may cost more than its caller has left to spend.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as Attempt from "./Attempt.ts"
import * as Rejection from "./Rejection.ts"

/**
 * The caller's own budget does not suffice, or nobody can say whether it does. Nothing was sent and nothing charged.
 *
 * @category errors
 * @since 0.1.0
 */
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()("BudgetExceeded", {
  /** Whom the call would have gone to. */
  endpoint: Schema.String,
  /** What there is too little of. */
  of: Schema.Literals(["dollars", "tokens"]),
  limit: Schema.Finite,
  /** What is neither spent nor set aside for calls under way; below zero where one took more than was set aside for it. */
  left: Schema.Finite,
  /** The most that the call may take there; absent where the endpoint has no `prices`. */
  needed: Schema.optionalKey(Schema.Finite),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const show = (amount: number): string =>
      this.of === "dollars" ? Money.format(Money.fromDollars(amount)) : `${amount} tokens`
    const budget = `the budget of ${show(this.limit)} has ${show(this.left)} left`
    return this.needed === undefined
      ? `${budget}, and endpoint "${this.endpoint}" has no prices: nobody can say what the call costs there`
      : `${budget}, and the call may take ${show(this.needed)} at endpoint "${this.endpoint}"`
  }
}

/**
 * What may be spent does not suffice.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  endpoint: string,
  allowance: Allowance.Allowance,
  kind: Allowance.Kind,
  needed: number | undefined
): BudgetExceeded => {
  const show = kind === "money" ? Money.toDollars : (tokens: number): number => tokens
  return Rejection.make(BudgetExceeded, {
    endpoint,
    of: kind === "money" ? "dollars" : "tokens",
    limit: show(allowance.limit[kind]),
    left: show(Allowance.left(allowance, kind)),
    ...(needed === undefined ? {} : { needed: show(needed) }),
    attempts: Attempt.none
  })
}
