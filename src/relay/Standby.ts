/**
 * Waiting in line, when nothing could be sent because our own limits are full.
 *
 * This is no retry: nothing was sent, no endpoint has failed. The call queues
 * first come, first served at one policy, takes what it waited for, and begins
 * the next round with it in hand.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import { BulkheadFull } from "../policy/Bulkhead.ts"
import { RateLimited } from "../policy/RateLimiter.ts"

/**
 * A refusal for want of room, by the policies of `target`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shortage {
  readonly target: GuardedEndpoint.GuardedEndpoint
  readonly refusal: BulkheadFull | RateLimited
}

/**
 * Whether a refusal says that our own limits are full, and not that somebody else asked for patience.
 *
 * @category guards
 * @since 0.1.0
 */
export const isShortage = (refusal: unknown): refusal is BulkheadFull | RateLimited =>
  refusal instanceof BulkheadFull || (refusal instanceof RateLimited && refusal.source === "Limiter")

/**
 * Milliseconds that a shortage is known to last; 0 where nobody knows.
 *
 * @category getters
 * @since 0.1.0
 */
export const knownWait = ({ refusal }: Shortage): number =>
  refusal instanceof RateLimited && refusal.retryAfter !== undefined ? Duration.toMillis(refusal.retryAfter) : 0

/**
 * Where to queue: at the limiter that is free soonest, otherwise at the bulkhead
 * that was asked first.
 *
 * @category routing
 * @since 0.1.0
 */
export const choose = (shortages: ReadonlyArray<Shortage>): Shortage | undefined => {
  const limited = shortages.filter(({ refusal }) => refusal instanceof RateLimited)
  return limited.length === 0
    ? shortages[0]
    : limited.reduce((soonest, other) => knownWait(other) < knownWait(soonest) ? other : soonest)
}

/**
 * Queues for at most `maxWait` milliseconds: `undefined` when the wait ended with a
 * pass, which `onPass` is given in the step that takes it; otherwise why not.
 *
 * @category calls
 * @since 0.1.0
 */
export const wait = (
  { refusal, target }: Shortage,
  demand: GuardedEndpoint.Demand,
  maxWait: number,
  clock: Clock.Clock,
  onPass: (pass: GuardedEndpoint.Pass) => void
): Effect.Effect<BulkheadFull | RateLimited | undefined> => {
  let passed = false
  return target.awaitPass(refusal, demand, maxWait, clock, (pass) => {
    passed = true
    onPass(pass)
  }).pipe(
    Effect.timeoutOption(maxWait),
    Effect.match({
      onFailure: (failure) => passed ? undefined : failure,
      onSuccess: () => {
        if (passed) return undefined
        return refusal instanceof RateLimited ? refusal : target.bulkhead.refusalUnsafe("WaitedTooLong")
      }
    })
  )
}
