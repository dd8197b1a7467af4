/**
 * Remembers when everything in the last window passed: exact, whatever comes when.
 *
 * Admits at most `limit` units in any window, wherever it starts, and all of
 * them at once if they come so. Memory is bounded: up to a limit of 8 192 each
 * time is kept. Above it what passes within one 8 190th of the window counts as
 * having passed at the end of it, so that a unit may wait that much longer, and
 * never one too many passes.
 *
 * @since 0.1.0
 */
import { epsilon } from "./Meter.ts"
import type * as Meter from "./Meter.ts"

const mostKept = 8192

/**
 * A count of at most `limit` units in any window. More than that at once never passes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Meter.Rule): Meter.Meter => new SlidingWindow(rule)

const none = new Float64Array(0)

class SlidingWindow implements Meter.Meter {
  #rule: Meter.Rule
  // what passed at one time is one entry: when at an even place, how much at the odd one behind it
  #ring = none
  #first = 0
  #count = 0
  #used = 0
  // where the span of the newest entry begins, and the time of the newest that was dropped
  #opened = 0
  #dropped = -Infinity

  constructor(rule: Meter.Rule) {
    this.#rule = rule
  }

  wait(units: number, now: number): number {
    const { limit, window } = this.#rule
    if (units > limit) return Infinity
    let used = this.#used
    if (used + units <= limit) return 0
    for (let n = 0; n < this.#count; n++) {
      const at = this.#place(n)
      used -= this.#ring[at + 1]!
      if (used + units > limit) continue
      return Math.max(0, this.#ring[at]! + window - now - epsilon)
    }
    return 0
  }

  take(units: number, now: number): void {
    this.#dropUntil(now)
    this.#used += units
    if (this.#count > 0) {
      const last = this.#place(this.#count - 1)
      if (this.#ring[last]! >= now || now < this.#opened + this.#span || this.#count === mostKept) {
        this.#ring[last] = Math.max(this.#ring[last]!, now)
        this.#ring[last + 1]! += units
        return
      }
    }
    if (2 * this.#count === this.#ring.length) this.#makeRoom()
    const at = this.#place(this.#count++)
    this.#ring[at] = now
    this.#ring[at + 1] = units
    this.#opened = now
  }

  correct(by: number, takenAt: number): void {
    if (takenAt <= this.#dropped) return
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ring[this.#place(middle)]! < takenAt) low = middle + 1
      else high = middle
    }
    if (low === this.#count) {
      if (by > 0) this.take(by, takenAt)
      return
    }
    const at = this.#place(low) + 1
    const change = Math.max(by, -this.#ring[at]!)
    this.#ring[at]! += change
    this.#used += change
  }

  left(now: number): number {
    return Math.max(0, this.#rule.limit - this.used(now))
  }

  used(now: number): number {
    let used = this.#used
    for (let n = 0; n < this.#count && this.#isOver(n, now); n++) used -= this.#ring[this.#place(n) + 1]!
    return used
  }

  isIdle(now: number): boolean {
    return this.#count === 0 || this.#isOver(this.#count - 1, now)
  }

  reset(): void {
    if (this.#count > 0) this.#dropped = this.#ring[this.#place(this.#count - 1)]!
    this.#ring = none
    this.#first = this.#count = this.#used = 0
  }

  reconfigure(rule: Meter.Rule, now: number): void {
    this.#dropUntil(now)
    this.#rule = rule
  }

  fork(): Meter.Meter {
    const fork = new SlidingWindow(this.#rule)
    fork.#ring = this.#ring.slice()
    fork.#first = this.#first
    fork.#count = this.#count
    fork.#used = this.#used
    fork.#opened = this.#opened
    return fork
  }

  get #span(): number {
    return this.#rule.limit <= mostKept ? 0 : this.#rule.window / (mostKept - 2)
  }

  // the length of the ring is a power of two
  #place(n: number): number {
    return (this.#first + 2 * n) & (this.#ring.length - 1)
  }

  #isOver(n: number, now: number): boolean {
    return this.#ring[this.#place(n)]! + this.#rule.window - now <= epsilon
  }

  #dropUntil(now: number): void {
    while (this.#count > 0 && this.#isOver(0, now)) {
      this.#dropped = this.#ring[this.#first]!
      this.#used -= this.#ring[this.#first + 1]!
      this.#first = this.#place(1)
      this.#count--
    }
    // after a busy time it lets go of the memory
    if (this.#count === 0 && this.#ring.length > 64) this.#ring = none
  }

  // what was given back needs no entry; the rest moves to a larger ring
  #makeRoom(): void {
    const kept: Array<number> = []
    for (let n = 0; n < this.#count; n++) {
      const at = this.#place(n)
      if (this.#ring[at + 1]! > 0) kept.push(this.#ring[at]!, this.#ring[at + 1]!)
    }
    let length = 4
    while (length < 1.5 * kept.length + 2) length *= 2
    if (length !== this.#ring.length) this.#ring = new Float64Array(length)
    this.#ring.set(kept)
    this.#first = 0
    this.#count = kept.length / 2
  }
}
