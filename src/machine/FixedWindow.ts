/**
 * A count that begins anew with every window. A window begins with the first
 * units to pass after the last one has ended.
 *
 * Admits at most `2 * limit` units in a window that starts where it pleases: the
 * end of one and the beginning of the next.
 *
 * @since 0.1.0
 */
import { epsilon } from "./Meter.ts"
import type * as Meter from "./Meter.ts"

/**
 * A count of at most `limit` units a window. More than that at once never passes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Meter.Rule): Meter.Meter => new FixedWindow(rule)

class FixedWindow implements Meter.Meter {
  #rule: Meter.Rule
  #began = -Infinity
  #used = 0

  constructor(rule: Meter.Rule) {
    this.#rule = rule
  }

  wait(units: number, now: number): number {
    const { limit, window } = this.#rule
    if (units > limit) return Infinity
    if (this.#used + units <= limit) return 0
    return Math.max(0, this.#began + window - now - epsilon)
  }

  take(units: number, now: number): void {
    if (this.#isOver(now)) {
      this.#began = now
      this.#used = 0
    }
    this.#used += units
  }

  correct(by: number, takenAt: number): void {
    // what passed in an earlier window counts no more
    if (takenAt < this.#began) return
    if (by > 0) this.take(by, takenAt)
    else this.#used = Math.max(0, this.#used + by)
  }

  left(now: number): number {
    return Math.max(0, this.#rule.limit - this.used(now))
  }

  used(now: number): number {
    return this.#isOver(now) ? 0 : this.#used
  }

  isIdle(now: number): boolean {
    return this.used(now) === 0
  }

  reset(): void {
    this.#began = -Infinity
    this.#used = 0
  }

  reconfigure(rule: Meter.Rule, now: number): void {
    if (this.#isOver(now)) this.reset()
    this.#rule = rule
  }

  fork(): Meter.Meter {
    const fork = new FixedWindow(this.#rule)
    fork.#began = this.#began
    fork.#used = this.#used
    return fork
  }

  #isOver(now: number): boolean {
    return this.#began + this.#rule.window - now <= epsilon
  }
}
