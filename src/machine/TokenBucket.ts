/**
 * A bucket of tokens that fills at a steady rate: the full rate, and a burst
 * whenever there was a pause.
 *
 * Admits at most `limit + burst` units in any window: what the bucket held, and
 * what flows in meanwhile.
 *
 * Source: J. Turner, "New directions in communications", IEEE Communications
 * Magazine 24 (1986).
 *
 * @since 0.1.0
 */
import * as Backlog from "./Backlog.ts"
import { epsilon } from "./Meter.ts"
import type * as Meter from "./Meter.ts"

/**
 * A bucket that holds `burst` units and gains `limit` of them in a window. A
 * cost above the burst passes once the bucket is full, and is paid for
 * afterwards.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Meter.Rule): Meter.Meter => new TokenBucket(rule)

class TokenBucket implements Meter.Meter {
  #rule: Meter.Rule
  // how much it held when something was last taken, below zero after a cost above the burst
  #level: number
  #at = -Infinity
  readonly #backlog: Backlog.Backlog | undefined

  constructor(rule: Meter.Rule, of?: TokenBucket) {
    this.#rule = rule
    this.#level = rule.burst
    if (of === undefined) {
      this.#backlog = new Backlog.Backlog()
    } else {
      this.#level = of.#level
      this.#at = of.#at
    }
  }

  wait(units: number, now: number): number {
    const { burst, limit, window } = this.#rule
    const missing = Math.min(units, burst) - this.#levelAt(now)
    return Math.max(0, missing * window / limit - epsilon)
  }

  take(units: number, now: number): void {
    const level = this.#levelAt(now)
    this.#backlog?.note(now, this.#rule.burst - level)
    this.#level = level - units
    this.#at = now
  }

  correct(by: number, takenAt: number): void {
    if (by > 0) this.take(by, takenAt)
    else this.#level += this.#backlog?.giveBack(-by, takenAt) ?? 0
  }

  left(now: number): number {
    return Math.max(0, Math.floor(this.#levelAt(now) + epsilon))
  }

  used(now: number): number {
    return this.#rule.burst - this.#levelAt(now)
  }

  isIdle(now: number): boolean {
    return this.#levelAt(now) >= this.#rule.burst
  }

  reset(): void {
    this.#level = this.#rule.burst
    this.#at = -Infinity
  }

  // what was used stays used, and a larger bucket has to fill: else what came before the change and what
  // comes after it could be more, together, than either rule allows
  reconfigure(rule: Meter.Rule, now: number): void {
    const { burst, limit, window } = this.#rule
    const fullSince = this.#at + (burst - this.#level) * window / limit
    const level = this.#levelAt(now)
    this.#rule = rule
    if (fullSince + window <= now) {
      this.reset()
    } else {
      this.#level = Math.min(level, level + rule.burst - burst)
      this.#at = now
    }
  }

  fork(): Meter.Meter {
    return new TokenBucket(this.#rule, this)
  }

  #levelAt(now: number): number {
    const { burst, limit, window } = this.#rule
    return Math.min(burst, this.#level + (now - this.#at) * limit / window)
  }
}
