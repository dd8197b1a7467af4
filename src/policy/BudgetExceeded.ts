/**
 * What a call says that may cost more than its caller has left to spend.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as Attempt from "./Attempt.ts"
import type * as Purse from "./Purse.ts"
import * as Rejection from "./Rejection.ts"
import * as Words from "./Words.ts"

/**
 * The caller's own budget does not suffice, or nobody can say whether it does. Nothing was sent and nothing charged.
 *
 * @category errors
 * @since 0.1.0
 */
export class BudgetExceeded extends Schema.TaggedError<BudgetExceeded>()("BudgetExceeded", {
  /** Whom the call would have gone to; absent for what is no relayed call. */
  endpoint: Schema.optionalKey(Schema.String),
  /** Whose budget it is, such as a tenant's; absent where it is not one of many. */
  key: Schema.optionalKey(Schema.String),
  /** What there is too little of. */
  of: Schema.Literals(["dollars", "tokens"]),
  limit: Schema.Finite,
  /** What is neither spent nor set aside for calls under way; below zero where one took more than was set aside for it. */
  left: Schema.Finite,
  /** The most that the call may take there; absent where the endpoint has no `prices`. */
  needed: Schema.optionalKey(Schema.Finite),
  /** When so much will have come back, if nothing else is spent; absent where nothing comes back by itself. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const show = (amount: number): string =>
      this.of === "dollars" ? Money.format(Money.fromDollars(amount)) : `${amount} tokens`
    const where = this.endpoint === undefined ? "" : ` at endpoint "${this.endpoint}"`
    const whose = this.key === undefined ? "" : ` of "${this.key}"`
    const budget = `the budget of ${show(this.limit)}${whose} has ${show(this.left)} left`
    const said = this.needed === undefined
      ? `${budget}, and endpoint "${this.endpoint}" has no prices: nobody can say what the call costs there`
      : `${budget}, and the call may take ${show(this.needed)}${where}`
    return this.retryAfter === undefined
      ? said
      : `${said}; it will be there in ${Words.duration(Duration.toMillis(this.retryAfter))}`
  }
}

/**
 * What may be spent does not suffice.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  endpoint: string | undefined,
  { allowance, owner }: Purse.Pocket,
  kind: Allowance.Kind,
  needed: number | undefined,
  now: number
): BudgetExceeded => {
  const show = kind === "money" ? Money.toDollars : (tokens: number): number => tokens
  const wait = needed === undefined ? undefined : Allowance.waitFor(allowance, kind, needed, now)
  return Rejection.make(BudgetExceeded, {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(owner === undefined ? {} : { key: owner }),
    of: kind === "money" ? "dollars" : "tokens",
    limit: show(allowance.limit[kind]),
    left: show(Allowance.left(allowance, kind, now)),
    ...(needed === undefined ? {} : { needed: show(needed) }),
    ...(wait === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(wait)) }),
    attempts: Attempt.none
  })
}
