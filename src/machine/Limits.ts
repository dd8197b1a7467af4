/**
 * Several limits as one: all are asked, then all are charged, so that a refusal
 * by one charges none.
 *
 * @since 0.1.0
 */
import * as Limit from "./Limit.ts"
import * as Throttle from "./Throttle.ts"

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

// limits grow back in steps of at most so much: work for each, and no more waiting than for that
const step = 1.03

/** What a refusal holds against limits. */
interface Slowed {
  readonly throttle: Throttle.Throttle
  readonly takenAtCut: Cost
  /** How much of them may be used. */
  share: number
}

const nextTo = ({ share }: Slowed): number => Math.min(1, share * step)

/**
 * Limits at work, a pause over all of them, and what a refusal holds against
 * them. Times do not run backwards.
 *
 * @category models
 * @since 0.1.0
 */
export class Limits {
  #limits: ReadonlyArray<Limit.Limit>
  #pausedUntil = -Infinity
  #resetAt = -Infinity
  #liftedAt = -Infinity
  // most limits are never refused for
  #slowed: Slowed | undefined
  #easesAt = Infinity
  // all that was ever taken, so that two looks at it tell what was taken in between
  #calls = 0
  #tokens = 0

  constructor(specs: ReadonlyArray<Limit.Spec> | Limits) {
    if (specs instanceof Limits) {
      this.#limits = specs.#limits.map((limit) => limit.fork())
      this.#pausedUntil = specs.#pausedUntil
      this.#slowed = specs.#slowed && { ...specs.#slowed }
      this.#easesAt = specs.#easesAt
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

  /** How much of the limits may be used, as far as they have been worked with; 1 when nothing is held against them. */
  get share(): number {
    return this.#slowed === undefined ? 1 : this.#slowed.share
  }

  /** Milliseconds until this may pass; 0 for now, `Infinity` for never. */
  wait(cost: Cost, now: number): number {
    if (now >= this.#easesAt) this.ease(now)
    const paused = Math.max(0, this.#pausedUntil - now)
    const wait = this.#waitAsItIs(cost, now)
    if (wait <= paused) return paused
    return now + wait > this.#easesAt ? Math.max(paused, this.#waitWhileItEases(cost, now, wait)) : wait
  }

  /** Charges this to every limit, whether or not it may pass. */
  take(cost: Cost, now: number): void {
    if (now >= this.#easesAt) this.ease(now)
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

  /**
   * A call sent at `sentAt` was refused for limits of the other side: of what is
   * used of these, only the share `to` remains, and what was left of their bursts
   * is gone. It comes back from `from` on, and after a pause. What was sent before
   * the last cut, or before that was lifted, says nothing.
   */
  slowDown(to: number, sentAt: number, now: number, from: number): void {
    if (sentAt < this.#liftedAt || !this.#limits.some(({ spec }) => Limit.isSlowed(spec))) return
    this.ease(now)
    const used = this.#usedSince(now)
    const known = this.#slowed?.throttle
    const throttle = Throttle.cut(known, to, used, sentAt, now, Math.max(from, this.#pausedUntil))
    if (throttle === undefined || throttle === known) return
    this.#slowed = { throttle, takenAtCut: this.taken, share: throttle.low }
    for (const limit of this.#limits) limit.slowDown(throttle.low, now, throttle.from)
    this.#awaitStep()
  }

  /** Works in what has come back since the last refusal. */
  ease(now: number): void {
    while (now >= this.#easesAt) {
      const at = this.#easesAt
      const slowed = this.#slowed!
      slowed.share = nextTo(slowed)
      for (const limit of this.#limits) limit.ease(slowed.share, at)
      this.#awaitStep()
    }
  }

  /** Uses all of the limits again, whatever was held against them. */
  lift(now: number): void {
    this.ease(now)
    this.#liftedAt = now
    this.#slowed = undefined
    this.#easesAt = Infinity
    for (const limit of this.#limits) limit.ease(1, now)
  }

  /** Whether more than half of every burst is left. */
  isAmple(now: number): boolean {
    this.ease(now)
    const limits = this.#limits
    for (let n = 0; n < limits.length; n++) {
      const limit = limits[n]!
      if (2 * limit.left(now) <= limit.burst) return false
    }
    return true
  }

  /** Forgets what was used and learned, and ends a pause. */
  reset(now: number): void {
    this.lift(now)
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
    this.ease(now)
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
      if (limit === undefined) {
        const added = new Limit.Limit(spec)
        added.ease(this.share, now)
        return added
      }
      limit.reconfigure(spec, now)
      return limit
    })
  }

  /** Whether nothing is owed and nothing learned. */
  isIdle(now: number): boolean {
    this.ease(now)
    return this.share === 1 && now >= this.#pausedUntil && this.#limits.every((limit) => limit.isIdle(now))
  }

  /** A copy that stands where this stands, to see what would come. */
  fork(): Limits {
    return new Limits(this)
  }

  #awaitStep(): void {
    const slowed = this.#slowed!
    this.#easesAt = slowed.share < 1 ? Throttle.reaches(slowed.throttle, nextTo(slowed)) : Infinity
  }

  // the share of the limit that was used most since the last cut, or since the pause after that
  #usedSince(now: number): number {
    const slowed = this.#slowed
    if (slowed === undefined || slowed.share === 1) return 1
    const time = now - slowed.throttle.from
    if (time <= 0) return 1
    let most = 0
    for (const { spec } of this.#limits) {
      const units = unitsOf(this.taken, spec.of) - unitsOf(slowed.takenAtCut, spec.of)
      if (Limit.isSlowed(spec)) most = Math.max(most, units * spec.window / (spec.limit * time))
    }
    return most
  }

  #waitAsItIs(cost: Cost, now: number): number {
    let longest = 0
    const limits = this.#limits
    for (let n = 0; n < limits.length; n++) {
      const limit = limits[n]!
      const units = unitsOf(cost, limit.spec.of)
      if (units > 0) longest = Math.max(longest, limit.wait(units, now))
    }
    return longest
  }

  // step by step, as it will come
  #waitWhileItEases(cost: Cost, now: number, asItIs: number): number {
    const later = this.fork()
    let wait = asItIs
    while (now + wait > later.#easesAt) {
      const at = later.#easesAt
      later.ease(at)
      wait = at - now + later.#waitAsItIs(cost, at)
    }
    return wait
  }
}
