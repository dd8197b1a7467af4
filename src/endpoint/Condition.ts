/**
 * How an endpoint is, derived from what it stands behind and never stored.
 *
 * @since 0.1.0
 */
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import type * as EndpointStatus from "./EndpointStatus.ts"
import type { Standing } from "./Standing.ts"

/**
 * A state, and when it ends where it ends by itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Condition {
  readonly state: EndpointStatus.State
  readonly until?: number
}

/**
 * What a condition is derived from.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  readonly isDraining: boolean
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly standing: Standing
  readonly isDegraded: (now: number) => boolean
}

/**
 * The condition at `now`: of all that is true, what keeps the most calls away.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (subject: Subject, now: number): Condition => {
  const { breaker, standing } = subject
  if (subject.isDraining) return { state: "Draining" }
  const { retryAfter = 0, state } = breaker.snapshotUnsafe(now)
  if (state === "Isolated") return { state: "Isolated" }
  const exhaustedUntil = standing.exhaustedUntil(now)
  if (exhaustedUntil !== undefined) return { state: "Exhausted", until: exhaustedUntil }
  if (state === "Open") return { state: "Open", until: now + retryAfter }
  const pausedUntil = standing.pausedUntil(now)
  if (pausedUntil !== undefined) return { state: "Paused", until: pausedUntil }
  if (state === "HalfOpen" || standing.isOnTrial()) return { state: "Recovering" }
  return { state: subject.isDegraded(now) ? "Degraded" : "Healthy" }
}
