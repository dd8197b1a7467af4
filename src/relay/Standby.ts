/**
 * Waiting in line, when nothing could be sent because our own limits are full.
 *
 * This is no retry: nothing was sent, no endpoint has failed. The call queues
 * first come, first served at one policy, takes what it waited for, and begins
 * the next round with it in hand. Who asked for patience meanwhile may be free
 * long before a line is: once its time is over, the call stands there as well.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as GuardedEndpoint from "../endpoint/GuardedEndpoint.ts"
import { BulkheadFull } from "../policy/Bulkhead.ts"
import { CircuitOpen } from "../policy/CircuitBreaker.ts"
import * as Now from "../policy/Now.ts"
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

// a call stands in no more lines than this at once
const maxLines = 8

/**
 * Somebody who refused the call for a time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pause {
  readonly target: GuardedEndpoint.GuardedEndpoint
  /** Milliseconds. */
  readonly left: number
}

const leftOf = (refusal: unknown): number | undefined =>
  (refusal instanceof RateLimited && refusal.source === "Upstream") || refusal instanceof CircuitOpen
    ? refusal.retryAfter && Duration.toMillis(refusal.retryAfter)
    : undefined

/**
 * Who asked for patience, by a pause or an open circuit, for less than `maxWait` milliseconds; the soonest first.
 *
 * @category routing
 * @since 0.1.0
 */
export const pauses = (
  failures: ReadonlyMap<GuardedEndpoint.GuardedEndpoint, unknown>,
  maxWait: number
): ReadonlyArray<Pause> => {
  const all: Array<Pause> = []
  for (const [target, failure] of failures) {
    const left = leftOf(failure)
    if (left !== undefined && left < maxWait) all.push({ target, left })
  }
  return all.sort((a, b) => a.left - b.left).slice(0, maxLines)
}

// endpoints of one account may be refused by one limiter, whose line a call joins once
const isAnotherLine = ({ refusal }: Shortage, index: number, all: ReadonlyArray<Shortage>): boolean =>
  !(refusal instanceof RateLimited) ||
  all.findIndex((other) => other.refusal instanceof RateLimited && other.refusal.key === refusal.key) === index

/**
 * Where to queue: where it is known to be soonest, and then where it was asked
 * first; not where it is known to take `maxWait` milliseconds or more, and in no line twice.
 *
 * @category routing
 * @since 0.1.0
 */
export const choose = (shortages: ReadonlyArray<Shortage>, maxWait: number): ReadonlyArray<Shortage> =>
  shortages.filter(isAnotherLine).sort((a, b) => knownWait(a) - knownWait(b)).slice(0, maxLines)
    .filter((shortage) => knownWait(shortage) < maxWait)

/** Joins the line of somebody whose pause is over by then; never ends where it is longer than it was said. */
const queueAfter = (
  { left, target }: Pause,
  demand: GuardedEndpoint.Demand,
  maxWait: number,
  clock: Clock.Clock,
  onPass: (pass: GuardedEndpoint.Pass) => void
): Effect.Effect<void> =>
  Effect.flatMap(Effect.sleep(Math.ceil(left)), () => {
    const refusal = target.refusal(demand, Now.read(clock))
    if (refusal === undefined || isShortage(refusal)) {
      const waiting = target.awaitPass(refusal, demand, maxWait, clock, onPass)
      return Effect.matchEffect(waiting, { onFailure: () => Effect.never, onSuccess: () => Effect.void })
    }
    const again = leftOf(refusal)
    return again === undefined ? Effect.never : queueAfter({ target, left: again }, demand, maxWait, clock, onPass)
  })

/**
 * Queues at all of these, and once they can be asked at those who are paused, for
 * at most `maxWait` milliseconds, and takes the first pass, which `onPass` is given in the step that takes it. It is also worth another
 * look when the set of endpoints has changed. `undefined` for either; otherwise why
 * there is no pass, for each.
 *
 * @category calls
 * @since 0.1.0
 */
export const wait = (
  shortages: ReadonlyArray<Shortage>,
  paused: ReadonlyArray<Pause>,
  demand: GuardedEndpoint.Demand,
  maxWait: number,
  clock: Clock.Clock,
  nextChange: Effect.Effect<void>,
  onPass: (pass: GuardedEndpoint.Pass) => void
): Effect.Effect<ReadonlyArray<Shortage> | undefined> => {
  let hasPassed = false
  let hasChanged = false
  const refused = new Map(shortages.map((shortage) => [shortage.target, tooLong(shortage)]))
  const take = (pass: GuardedEndpoint.Pass): void => {
    // two lines may serve the call in one step: one pass is enough
    if (hasPassed) return pass.target.returnPass(pass, demand)
    hasPassed = true
    onPass(pass)
  }
  const waits = shortages.map(({ refusal, target }) =>
    Effect.mapError(target.awaitPass(refusal, demand, maxWait, clock, take), (refusal) => {
      refused.set(target, { target, refusal })
    })
  )
  const later = paused.map((pause) => queueAfter(pause, demand, maxWait, clock, take))
  const change = Effect.map(nextChange, () => {
    hasChanged = true
  })
  return Effect.raceAll(waits).pipe(
    Effect.raceFirst(Effect.raceAllFirst([change, ...later])),
    Effect.timeoutOption(maxWait),
    Effect.ignore,
    Effect.map(() => hasPassed || hasChanged ? undefined : Array.from(refused.values()))
  )
}

const tooLong = ({ refusal, target }: Shortage): Shortage => ({
  target,
  refusal: refusal instanceof RateLimited ? refusal : target.bulkhead.refusalUnsafe("WaitedTooLong")
})
