/**
 * What a call may take at an endpoint, and what it took.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as ChatAnswer from "../endpoint/ChatAnswer.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as LimitHeaders from "../endpoint/LimitHeaders.ts"
import * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Budget from "../policy/Budget.ts"
import * as BudgetExceeded from "../policy/BudgetExceeded.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as Choice from "./Choice.ts"

/**
 * What a caller is ready to spend on one call; what can be no budget fails at once.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  budget: Budget.Budget | Budget.Options | undefined
): Effect.Effect<Allowance.Allowance | undefined, Failure.RequestRejected> => {
  if (budget === undefined) return Effect.undefined
  return Effect.mapError(
    Effect.suspend(() => Effect.fromResult(Budget.allowanceOf("budget", budget))),
    ({ field, rule, value }) =>
      Rejection.make(Failure.RequestRejected, {
        detail: `${field === "options" ? "budget" : `budget.${field}`} is ${value}, but ${rule}`,
        attempts: Attempt.none
      })
  )
}

/**
 * What a call says about its size.
 *
 * @category models
 * @since 0.1.0
 */
export interface Size {
  readonly estimatedTokens: number
  readonly wish?: Choice.Wish | undefined
}

/**
 * Tokens that are set aside for an answer whose request bounds it by nothing.
 *
 * @category constants
 * @since 0.1.0
 */
export const unboundedAnswer = 4096

const tokensOf = ({ estimatedTokens, wish }: Size): ChatAnswer.Tokens => {
  // of what is no chat, nobody knows how much is question and how much is answer: all of it at the higher price
  if (wish?.model === undefined) return { input: 0, output: estimatedTokens, total: estimatedTokens }
  const output = (wish.output === 0 ? unboundedAnswer : wish.output) * wish.answers
  return { input: wish.input, output, total: wish.input + output }
}

// what is in the total and in neither part, such as thoughts, is no question
const moneyFor = (
  { input, output, total }: ChatAnswer.Tokens,
  { inputPerMillion, outputPerMillion }: Endpoint.Prices
) => Money.cost(input, inputPerMillion) + Money.cost(Math.max(output, total - input), outputPerMillion)

const amountFor = (tokens: ChatAnswer.Tokens, prices: Endpoint.Prices | undefined): Allowance.Amount => ({
  money: prices === undefined ? 0 : moneyFor(tokens, prices),
  tokens: tokens.total
})

/**
 * The most that a call is taken to cost at an endpoint; nothing in money where that has no prices.
 *
 * @category calculations
 * @since 0.1.0
 */
export const most = (call: Size, { prices }: Endpoint.Endpoint): Allowance.Amount => amountFor(tokensOf(call), prices)

/**
 * What an answer cost: what it counted, or else what was set aside for it.
 *
 * @category calculations
 * @since 0.1.0
 */
export const taken = (
  usage: ChatAnswer.Tokens | undefined,
  { prices }: Endpoint.Endpoint,
  held: Allowance.Amount
): Allowance.Amount => usage === undefined ? held : amountFor(usage, prices)

/**
 * What an attempt cost that came to nothing: what is known to have come all the same.
 *
 * @category calculations
 * @since 0.1.0
 */
export const wasted = (
  { usage }: LimitHeaders.Heard,
  { prices }: Endpoint.Endpoint
): Allowance.Amount => {
  const known = usage?.()
  return known === undefined ? Allowance.nothing : amountFor(known, prices)
}

/**
 * Why the budgets of a call do not let it go to an endpoint.
 *
 * @category getters
 * @since 0.1.0
 */
export const refusal = (
  purse: Budget.Purse,
  call: Size,
  endpoint: Endpoint.Endpoint
): BudgetExceeded.BudgetExceeded | undefined => {
  const amount = most(call, endpoint)
  if (amount.tokens === 0) return undefined
  const unpriced = endpoint.prices === undefined ? Budget.limitedInMoney(purse) : undefined
  if (unpriced !== undefined) return BudgetExceeded.make(endpoint.id, unpriced, "money", undefined)
  const short = Budget.shortOf(purse, amount)
  return short && BudgetExceeded.make(endpoint.id, short.allowance, short.kind, amount[short.kind])
}
