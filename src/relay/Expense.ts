/**
 * What a call may take at an endpoint, and what it took.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Endpoint from "../endpoint/Endpoint.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as LimitHeaders from "../endpoint/LimitHeaders.ts"
import * as Prices from "../endpoint/Prices.ts"
import * as Allowance from "../machine/Allowance.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Budget from "../policy/Budget.ts"
import * as BudgetExceeded from "../policy/BudgetExceeded.ts"
import * as Purse from "../policy/Purse.ts"
import * as Rejection from "../policy/Rejection.ts"
import type * as Tokens from "../policy/Tokens.ts"
import type * as Choice from "./Choice.ts"

/**
 * What a caller is ready to spend on one call; what can be no budget fails at once.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  budget: Budget.Budget | Budget.Limits | undefined
): Effect.Effect<Purse.Pocket | undefined, Failure.RequestRejected> => {
  if (budget === undefined) return Effect.undefined
  return Effect.mapError(
    Effect.suspend(() => Effect.fromResult(Budget.pocketOf("budget", budget))),
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
  readonly model: string | null | undefined
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

const asQuestion = (tokens: number): Tokens.Tokens => ({ input: tokens, output: 0, total: tokens })

const asAnswer = (tokens: number): Tokens.Tokens => ({ input: 0, output: tokens, total: tokens })

const ofChat = ({ answers, input, output: longest }: Choice.Wish): Tokens.Tokens => {
  const output = (longest === 0 ? unboundedAnswer : longest) * answers
  return { input, output, total: input + output }
}

/** What an attempt takes, or took. */
interface Bill {
  readonly tokens: Tokens.Tokens
  /** Whole nanodollars; `undefined` where the endpoint has no prices. */
  readonly cost: number | undefined
  /** Whether nobody counted. */
  readonly isEstimated: boolean
}

export type {
  /**
   * What an attempt takes, or took.
   *
   * @category models
   * @since 0.1.0
   */
  Bill
}

/**
 * The most that a call is taken to cost at an endpoint.
 *
 * @category calculations
 * @since 0.1.0
 */
export const most = ({ estimatedTokens, model, wish }: Size, endpoint: Endpoint.Endpoint): Bill => {
  const prices = Endpoint.pricesOf(endpoint, model)
  if (wish?.isChat === true) {
    const tokens = ofChat(wish)
    return { tokens, cost: prices && Prices.most(prices, tokens), isEstimated: true }
  }
  // of what is no chat, nobody knows how much is question and how much is answer: all of it at the higher price
  const question = asQuestion(estimatedTokens)
  return {
    tokens: question,
    cost: prices && Math.max(Prices.most(prices, question), Prices.most(prices, asAnswer(estimatedTokens))),
    isEstimated: true
  }
}

/**
 * The bill of an attempt that was answered: what the answer counted, or else the most it was taken to cost. `undefined` where
 * there is nothing to pay.
 *
 * @category calculations
 * @since 0.1.0
 */
export const taken = (usage: Tokens.Tokens | undefined, call: Size, endpoint: Endpoint.Endpoint): Bill | undefined => {
  if (usage !== undefined) return counted(usage, call, endpoint, false)
  if (call.estimatedTokens === 0 && call.wish?.isChat !== true) return undefined
  return most(call, endpoint)
}

/**
 * The bill of an attempt that came to nothing: what is known to have come all the same, if anything is.
 *
 * @category calculations
 * @since 0.1.0
 */
export const wasted = ({ usage }: LimitHeaders.Heard, call: Size, endpoint: Endpoint.Endpoint): Bill | undefined => {
  const known = usage?.()
  if (known === undefined) return undefined
  const { isEstimated = false, ...tokens } = known
  return counted(tokens, call, endpoint, isEstimated)
}

const counted = (
  tokens: Tokens.Tokens,
  { model }: Size,
  endpoint: Endpoint.Endpoint,
  isEstimated: boolean
): Bill => {
  const prices = Endpoint.pricesOf(endpoint, model)
  return { tokens, cost: prices && Prices.cost(prices, tokens), isEstimated }
}

/**
 * A bill as budgets count it; nothing in money where the endpoint has no prices.
 *
 * @category conversions
 * @since 0.1.0
 */
export const amountOf = (bill: Bill | undefined): Allowance.Amount =>
  bill === undefined ? Allowance.nothing : { money: bill.cost ?? 0, tokens: bill.tokens.total }

interface Shortage {
  readonly purse: Purse.Purse
  readonly kind: Allowance.Kind
  /** `undefined` where nobody can say what the call costs there. */
  readonly needed: number | undefined
}

const shortage = (
  purse: Purse.Purse,
  call: Size,
  endpoint: Endpoint.Endpoint,
  now: number
): Shortage | undefined => {
  const bill = most(call, endpoint)
  if (bill.tokens.total === 0) return undefined
  const unpriced = bill.cost === undefined ? Purse.limitedInMoney(purse) : undefined
  if (unpriced !== undefined) return { purse: unpriced, kind: "money", needed: undefined }
  const amount = amountOf(bill)
  const short = Purse.shortOf(purse, amount, now)
  return short && { ...short, needed: amount[short.kind] }
}

/**
 * Which budget of a call does not let it go to an endpoint.
 *
 * @category getters
 * @since 0.1.0
 */
export const shortOf = (
  purse: Purse.Purse,
  call: Size,
  endpoint: Endpoint.Endpoint,
  now: number
): Purse.Purse | undefined => shortage(purse, call, endpoint, now)?.purse

/**
 * Why the budgets of a call do not let it go to an endpoint.
 *
 * @category getters
 * @since 0.1.0
 */
export const refusal = (
  purse: Purse.Purse,
  call: Size,
  endpoint: Endpoint.Endpoint,
  now: number
): BudgetExceeded.BudgetExceeded | undefined => {
  const short = shortage(purse, call, endpoint, now)
  return short && BudgetExceeded.make(endpoint.id, short.purse, short.kind, short.needed, now)
}
