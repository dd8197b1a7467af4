/**
 * The limiters that a call of an endpoint has to pass: its own, and that of its account where that has limits of its own.
 *
 * Both are asked, then both are charged, as one.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { RateLimited } from "../policy/RateLimiter.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as LimitHeaders from "./LimitHeaders.ts"

/**
 * The limiters of an endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rates {
  readonly limiter: RateLimiter.RateLimiter
  readonly accountLimiter: RateLimiter.RateLimiter | undefined
}

/**
 * Whose turn a call has taken already, and is not to take again.
 *
 * @category models
 * @since 0.1.0
 */
export type Turn = "RateLimiter" | "AccountLimiter"

/**
 * When a call was sent, and all that each of the limiters had let pass by then, this call included.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sent {
  readonly startedAt: number
  readonly taken: RateLimiter.Cost
  readonly takenOfAccount: RateLimiter.Cost | undefined
}

/**
 * Why a call may not pass now, by whoever lets it wait longer, the account if it is the same; charges nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const refusal = (
  { accountLimiter, limiter }: Rates,
  cost: RateLimiter.Cost,
  now: number,
  turn: string | undefined
): RateLimited | undefined => {
  const wait = turn === "RateLimiter" ? 0 : limiter.waitUnsafe(cost, now)
  if (accountLimiter !== undefined && turn !== "AccountLimiter") {
    const longer = accountLimiter.waitUnsafe(cost, now)
    if (longer > 0 && longer >= wait) return accountLimiter.refusalUnsafe(longer)
  }
  return wait > 0 ? limiter.refusalUnsafe(wait) : undefined
}

/**
 * Charges a call, but for the turn that it has taken.
 *
 * @category transitions
 * @since 0.1.0
 */
export const take = (
  { accountLimiter, limiter }: Rates,
  cost: RateLimiter.Cost,
  now: number,
  turn: string | undefined
): void => {
  if (turn !== "RateLimiter") limiter.takeUnsafe(cost, now)
  if (accountLimiter !== undefined && turn !== "AccountLimiter") accountLimiter.takeUnsafe(cost, now)
}

/**
 * Gives back what was charged at a time and not used.
 *
 * @category transitions
 * @since 0.1.0
 */
export const refund = ({ accountLimiter, limiter }: Rates, cost: RateLimiter.Cost, takenAt: number): void => {
  limiter.refundUnsafe(cost, takenAt)
  accountLimiter?.refundUnsafe(cost, takenAt)
}

/**
 * Gives one turn back.
 *
 * @category transitions
 * @since 0.1.0
 */
export const refundTurn = (rates: Rates, turn: Turn, cost: RateLimiter.Cost, takenAt: number): void =>
  limiterOf(rates, turn).refundUnsafe(cost, takenAt)

/**
 * Tells the limiters what the answer to a call says is left. Services count for an account, so where that has
 * limits it is told, and what it leaves is all there is for the endpoint as well.
 *
 * @category transitions
 * @since 0.1.0
 */
export const teach = (
  { accountLimiter, limiter }: Rates,
  standings: ReadonlyArray<LimitHeaders.Standing>,
  { startedAt: at, taken, takenOfAccount }: Sent,
  now: number
): void => {
  LimitHeaders.teach(limiter, standings, { at, takenBefore: taken }, now)
  if (accountLimiter === undefined || takenOfAccount === undefined) return
  LimitHeaders.teach(accountLimiter, standings, { at, takenBefore: takenOfAccount }, now)
}

/**
 * Waits in the line of whoever refused, if anybody did; `onTurn` is called in the step that takes the turn.
 *
 * @category combinators
 * @since 0.1.0
 */
export const awaitTurn = (
  rates: Rates,
  refusal: RateLimited | undefined,
  cost: RateLimiter.Cost,
  maxWait: number,
  onTurn: (turn: Turn) => void
): Effect.Effect<void, RateLimited> => {
  const isOfAccount = refusal !== undefined && rates.accountLimiter?.key === refusal.key
  const turn = isOfAccount ? "AccountLimiter" : "RateLimiter"
  return limiterOf(rates, turn).awaitTurn(cost, maxWait, () => onTurn(turn))
}

/**
 * Whether neither is nearly used up.
 *
 * @category guards
 * @since 0.1.0
 */
export const areAmple = ({ accountLimiter, limiter }: Rates, now: number): boolean =>
  limiter.isAmpleUnsafe(now) && accountLimiter?.isAmpleUnsafe(now) !== false

const limiterOf = ({ accountLimiter, limiter }: Rates, turn: Turn): RateLimiter.RateLimiter =>
  turn === "AccountLimiter" && accountLimiter !== undefined ? accountLimiter : limiter
