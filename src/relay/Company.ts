/**
 * Those who wait for one call, and what they know of it while it is under way.
 *
 * A call that many wait for goes by the one who waits longest, whoever began it.
 *
 * @since 0.1.0
 */
import * as Attempt from "../policy/Attempt.ts"
import type * as Charge from "./Charge.ts"

/**
 * An attempt that has not ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnderWay extends Pick<Attempt.Attempt, "at" | "endpoint" | "round"> {
  /** On the monotonic clock. */
  readonly startedAt: number
}

/**
 * The company of one call.
 *
 * @category models
 * @since 0.1.0
 */
export class Company {
  /** What was tried so far, and what that took. */
  attempts: ReadonlyArray<Attempt.Attempt> = Attempt.none
  charges: ReadonlyArray<Charge.Charge> = []
  /** Which attempts have not ended. */
  readonly underWay = new Set<UnderWay>()
  /** Whether somebody was not asked because whoever pays has too little of their own: the others may have more. */
  isPayerShort = false
  #until = -Infinity

  /** Until when somebody waits; later if somebody joins who waits longer. */
  get until(): number {
    return this.#until
  }

  /** Somebody waits until then. */
  wait(until: number): void {
    this.#until = Math.max(this.#until, until)
  }

  /** What was tried, for somebody who has no time left for what is under way. */
  trail(now: number): ReadonlyArray<Attempt.Attempt> {
    const left = Array.from(this.underWay, ({ startedAt, ...attempt }): Attempt.Attempt => ({
      ...attempt,
      outcome: "DeadlineExceeded",
      sent: true,
      duration: now - startedAt
    }))
    return [...this.attempts, ...left]
  }
}
