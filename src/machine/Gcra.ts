/**
 * The generic cell rate algorithm: a rate limit in one number.
 *
 * `tat`, the theoretical arrival time, is when the limiter would be idle again
 * if nobody asked any more.
 *
 * Admits at most `limit` units in any window, wherever it starts: a burst, and
 * then the rest at a steady rate.
 *
 * Source: ITU-T I.371 (1993); as "leaky bucket as a meter" in ATM Forum TM 4.0.
 *
 * @since 0.1.0
 */
import * as Backlog from "./Backlog.ts"
import { epsilon } from "./Meter.ts"
import type * as Meter from "./Meter.ts"

/**
 * Milliseconds between units at the sustained rate, and how far ahead of it a
 * burst may run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly interval: number
  readonly tolerance: number
}

/**
 * The rule for `limit` units in any `window` milliseconds, of which `burst`, at
 * most `limit`, may come at once. Rate and burst share the limit: in no window,
 * wherever it begins, do more than `limit` whole units pass, the last of a burst
 * being the first of the steady ones.
 *
 * @category constructors
 * @since 0.1.0
 */
export const rule = (limit: number, window: number, burst: number): Rule => {
  const interval = window / (limit - burst + 1)
  return { interval, tolerance: interval * burst }
}

/**
 * A limiter that nobody has asked yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const idle = -Infinity

/**
 * Milliseconds until `cost` units may pass; 0 when they may pass now. A cost
 * above the burst passes once the limiter is idle and is paid for afterwards:
 * a window with such a cost may hold that much more, less the burst.
 *
 * @category getters
 * @since 0.1.0
 */
export const wait = (tat: number, now: number, cost: number, rule: Rule): number => {
  const spent = rule.interval * cost
  return Math.max(0, tat - now + spent - Math.max(rule.tolerance, spent) - epsilon)
}

/**
 * The limiter after `cost` units have passed.
 *
 * @category transitions
 * @since 0.1.0
 */
export const take = (tat: number, now: number, cost: number, rule: Rule): number =>
  Math.max(tat, now) + rule.interval * cost

/**
 * The limiter after `cost` units, taken before, turned out not to be used
 * (negative: after more was used than was taken).
 *
 * @category transitions
 * @since 0.1.0
 */
export const refund = (tat: number, cost: number, rule: Rule): number => tat - rule.interval * cost

/**
 * A limiter by this rule.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Meter.Rule): Meter.Meter => new Gcra(rule)

class Gcra implements Meter.Meter {
  #limits: Meter.Rule
  #rule: Rule
  #tat = idle
  readonly #backlog: Backlog.Backlog | undefined

  constructor(limits: Meter.Rule, of?: Gcra) {
    this.#limits = limits
    this.#rule = of === undefined ? rule(limits.limit, limits.window, limits.burst) : of.#rule
    if (of === undefined) this.#backlog = new Backlog.Backlog()
    else this.#tat = of.#tat
  }

  wait(units: number, now: number): number {
    return wait(this.#tat, now, units, this.#rule)
  }

  take(units: number, now: number): void {
    const tat = this.#tat
    this.#backlog?.note(now, Math.max(0, tat - now))
    this.#tat = take(tat, now, units, this.#rule)
  }

  correct(by: number, takenAt: number): void {
    const spent = this.#rule.interval * by
    if (by > 0) this.take(by, takenAt)
    else this.#tat -= this.#backlog?.giveBack(-spent, takenAt) ?? 0
  }

  left(now: number): number {
    return Math.max(0, Math.floor(this.#room(now) + epsilon))
  }

  used(now: number): number {
    return Math.max(0, this.#tat - now) / this.#rule.interval
  }

  isIdle(now: number): boolean {
    return this.#tat <= now
  }

  reset(): void {
    this.#tat = idle
  }

  // what is owed stays owed, and a larger burst has to be earned: else what came before the change and what
  // comes after it could be more, together, than either rule allows
  reconfigure(limits: Meter.Rule, now: number): void {
    const before = this.#rule
    const next = rule(limits.limit, limits.window, limits.burst)
    if (this.#tat + this.#limits.window > now) {
      const owed = Math.max(this.used(now), limits.burst - this.#room(now))
      this.#tat = now + next.interval * owed
      this.#backlog?.scale(next.interval / before.interval)
    }
    this.#limits = limits
    this.#rule = next
  }

  fork(): Meter.Meter {
    return new Gcra(this.#limits, this)
  }

  #room(now: number): number {
    return (this.#rule.tolerance - Math.max(0, this.#tat - now)) / this.#rule.interval
  }
}
