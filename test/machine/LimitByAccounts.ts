/** A limit, slow and obvious: everything the other side has said of what is left is an account of its own. */
import * as FixedWindow from "../../src/machine/FixedWindow.ts"
import * as Gcra from "../../src/machine/Gcra.ts"
import type * as Limit from "../../src/machine/Limit.ts"
import type { Meter } from "../../src/machine/Meter.ts"
import * as SlidingWindow from "../../src/machine/SlidingWindow.ts"
import * as TokenBucket from "../../src/machine/TokenBucket.ts"

interface Account {
  left: number
  readonly until: number
}

const meterOf = (spec: Limit.Spec, limit: number): Meter => {
  const { make } = {
    gcra: Gcra,
    tokenBucket: TokenBucket,
    slidingWindow: SlidingWindow,
    fixedWindow: FixedWindow
  }[spec.algorithm]
  return make(ruleOf(spec, limit))
}

const ruleOf = (spec: Limit.Spec, limit: number) => ({
  limit,
  window: spec.window + spec.margin,
  burst: Math.max(1, Math.floor(limit * spec.burst))
})

export class ByAccounts {
  spec: Limit.Spec
  limit: number
  /** The accounts are open together, and all of them until the last one ends. */
  accounts: ReadonlyArray<Account> = []
  learnedAt = -Infinity
  #meter: Meter

  constructor(spec: Limit.Spec) {
    this.spec = spec
    this.limit = spec.limit
    this.#meter = meterOf(spec, spec.limit)
  }

  get until(): number {
    return Math.max(-Infinity, ...this.accounts.map(({ until }) => until))
  }

  open(now: number): ReadonlyArray<Account> {
    return now < this.until ? this.accounts : []
  }

  wait(units: number, now: number): number {
    const isRefused = this.open(now).some(({ left }) => units > left)
    return Math.max(this.#meter.wait(units, now), isRefused ? this.until - now : 0)
  }

  take(units: number, now: number): void {
    this.#meter.take(units, now)
    for (const account of this.accounts) account.left -= units
  }

  correct(by: number, takenAt: number): void {
    this.#meter.correct(by, takenAt)
    // less than was thought, of something the last answer may have counted already, frees nothing
    if (by < 0 && takenAt <= this.learnedAt) return
    for (const account of this.accounts) account.left -= by
  }

  left(now: number): number {
    return Math.max(0, Math.min(this.#meter.left(now), ...this.open(now).map(({ left }) => left)))
  }

  isIdle(now: number): boolean {
    return this.#meter.isIdle(now) && this.open(now).length === 0
  }

  reset(): void {
    this.limit = this.spec.limit
    this.#meter = meterOf(this.spec, this.limit)
    this.accounts = []
    this.learnedAt = -Infinity
  }

  learn({ limit, remaining, resetAfter }: Limit.Hint, underWay: number, sentAt: number | undefined, now: number): void {
    if (sentAt !== undefined && sentAt < this.learnedAt) return
    const isNews = sentAt !== undefined && sentAt > this.learnedAt
    this.learnedAt = now
    if (limit !== undefined) {
      const next = Math.min(limit, isNews ? this.spec.limit : this.limit)
      if (next !== this.limit) this.#meter.reconfigure(ruleOf(this.spec, next), now)
      this.limit = next
    }
    if (remaining === undefined) return
    const left = Math.max(0, remaining - underWay)
    if (resetAfter === undefined) {
      const tooMany = this.#meter.left(now) - left
      if (tooMany > 0) this.#meter.take(tooMany, now)
    } else {
      const account = { left, until: now + Math.min(resetAfter, this.spec.window + this.spec.margin) }
      this.accounts = isNews ? [account] : [...this.open(now), account]
    }
  }

  reconfigure(spec: Limit.Spec, now: number): void {
    if (spec.algorithm === this.spec.algorithm) {
      this.#meter.reconfigure(ruleOf(spec, spec.limit), now)
    } else {
      const used = Math.ceil(this.#meter.used(now))
      this.#meter = meterOf(spec, spec.limit)
      if (used > 0) this.#meter.take(used, now)
    }
    this.spec = spec
    this.limit = spec.limit
  }
}
