/**
 * Several limits as one: all are asked, then all are charged, so that a refusal
 * by one charges none.
 *
 * @since 0.1.0
 */
import * as Limit from "./Limit.ts"

/**
 * What one call uses of the limits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cost {
  readonly calls: number
  readonly tokens: number
}

/**
 * What of a cost a limit counts.
 *
 * @category getters
 * @since 0.1.0
 */
export const unitsOf = (cost: Cost, of: Limit.Unit): number => of === "calls" ? cost.calls : cost.tokens

/**
 * Limits at work, and a pause over all of them.
 *
 * @category models
 * @since 0.1.0
 */
export class Limits {
  #limits: ReadonlyArray<Limit.Limit>
  #pausedUntil = -Infinity
  #resetAt = -Infinity
  // all that was ever taken, so that two looks at it tell what was taken in between
  #calls = 0
  #tokens = 0

  constructor(specs: ReadonlyArray<Limit.Spec> | Limits) {
    if (specs instanceof Limits) {
      this.#limits = specs.#limits.map((limit) => limit.fork())
      this.#pausedUntil = specs.#pausedUntil
    } else {
      this.#limits = specs.map((spec) => new Limit.Limit(spec))
    }
  }

  /** All that was ever taken. */
  get taken(): Cost {
    return { calls: this.#calls, tokens: this.#tokens }
  }

  /** Each limit, in the order in which they were given. */
  get all(): ReadonlyArray<Limit.Limit> {
    return this.#limits
  }

  get pausedUntil(): number {
    return this.#pausedUntil
  }

  /** Milliseconds until this may pass; 0 for now, `Infinity` for never. */
  wait(cost: Cost, now: number): number {
    let longest = Math.max(0, this.#pausedUntil - now)
    const limits = this.#limits
    for (let n = 0; n < limits.length; n++) {
      const limit = limits[n]!
      const units = unitsOf(cost, limit.spec.of)
      if (units > 0) longest = Math.max(longest, limit.wait(units, now))
    }
    return longest
  }

  /** Charges this to every limit, whether or not it may pass. */
  take(cost: Cost, now: number): void {
    this.#calls += cost.calls
    this.#tokens += cost.tokens
    const limits = this.#limits
    for (let n = 0; n < limits.length; n++) {
      const limit = limits[n]!
      const units = unitsOf(cost, limit.spec.of)
      if (units > 0) limit.take(units, now)
    }
  }

  /**
   * What was taken at `takenAt` was this much less; more if below zero. What was
   * taken before the last reset is forgotten, and one absurd count closes no
   * limit for longer than a window.
   */
  refund(cost: Cost, takenAt: number): void {
    if (takenAt < this.#resetAt) return
    for (const limit of this.#limits) {
      const units = unitsOf(cost, limit.spec.of)
      if (units !== 0) limit.correct(Math.min(limit.limit, -units), takenAt)
    }
  }

  /** Lets nothing pass before a time; of several pauses the longest holds. */
  pause(until: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, until)
  }

  /** Forgets what was used and learned, and ends a pause. */
  reset(now: number): void {
    this.#pausedUntil = -Infinity
    this.#resetAt = now
    for (const limit of this.#limits) limit.reset()
  }

  /** The limit that a hint speaks of: the one of that window, or of the shortest. */
  find(of: Limit.Unit, window: number | undefined): Limit.Limit | undefined {
    return this.#limits
      .filter(({ spec }) => spec.of === of && (window === undefined || spec.window === window))
      .sort((a, b) => a.spec.window - b.spec.window)[0]
  }

  /**
   * Goes by other limits from now on. One that stays, by what it counts and its
   * window, or by its place among those of its kind, keeps what was used of it.
   */
  reconfigure(specs: ReadonlyArray<Limit.Spec>, now: number): void {
    const free = new Set(this.#limits)
    const heirs = new Map<Limit.Spec, Limit.Limit>()
    const match = (isHeir: (spec: Limit.Spec, of: Limit.Spec) => boolean): void => {
      for (const spec of specs) {
        if (heirs.has(spec)) continue
        for (const limit of free) {
          if (spec.of !== limit.spec.of || !isHeir(spec, limit.spec)) continue
          heirs.set(spec, limit)
          free.delete(limit)
          break
        }
      }
    }
    match((spec, before) => spec.window === before.window)
    match(() => true)
    this.#limits = specs.map((spec) => {
      const limit = heirs.get(spec)
      if (limit === undefined) return new Limit.Limit(spec)
      limit.reconfigure(spec, now)
      return limit
    })
  }

  /** Whether nothing is owed and nothing learned. */
  isIdle(now: number): boolean {
    return now >= this.#pausedUntil && this.#limits.every((limit) => limit.isIdle(now))
  }

  /** A copy that stands where this stands, to see what would come. */
  fork(): Limits {
    return new Limits(this)
  }
}
