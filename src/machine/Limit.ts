/**
 * One limit on calls or tokens: a meter, and what the other side has said of it.
 *
 * @since 0.1.0
 */
import * as FixedWindow from "./FixedWindow.ts"
import * as Gcra from "./Gcra.ts"
import type * as Meter from "./Meter.ts"
import * as SlidingWindow from "./SlidingWindow.ts"
import * as TokenBucket from "./TokenBucket.ts"

/**
 * What is counted.
 *
 * @category models
 * @since 0.1.0
 */
export type Unit = "calls" | "tokens"

/**
 * How it is counted. Of `limit` units in a window, the fullest window that
 * starts where it pleases may hold:
 *
 * - `gcra`: `limit`; a burst, the rest spread over the window
 * - `slidingWindow`: `limit`, all at once if they come so
 * - `tokenBucket`: `limit` and one burst
 * - `fixedWindow`: twice `limit`
 *
 * @category models
 * @since 0.1.0
 */
export type Algorithm = keyof typeof algorithms

const algorithms = {
  gcra: Gcra.make,
  tokenBucket: TokenBucket.make,
  slidingWindow: SlidingWindow.make,
  fixedWindow: FixedWindow.make
}

/**
 * The names of the algorithms.
 *
 * @category constants
 * @since 0.1.0
 */
export const names: ReadonlyArray<Algorithm> = ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"]

/**
 * What a limit is to be: `limit` units in `window` milliseconds, of which the
 * share `burst`, at least one, may come at once where the algorithm paces.
 * `margin` is added to the window, unseen.
 *
 * @category models
 * @since 0.1.0
 */
export interface Spec {
  readonly of: Unit
  readonly limit: number
  readonly window: number
  readonly margin: number
  readonly burst: number
  readonly algorithm: Algorithm
}

/**
 * What the other side says of a limit of its own.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hint {
  readonly limit?: number | undefined
  /** Units that may still pass. */
  readonly remaining?: number | undefined
  /** Milliseconds until it allows its whole limit again. */
  readonly resetAfter?: number | undefined
}

// a limit of which a share may be used is the same limit in a longer window: what is let pass at once stays whole units
const ruleOf = ({ burst, margin, window }: Spec, limit: number, share: number): Meter.Rule => ({
  limit,
  window: (window + margin) / share,
  burst: Math.max(1, Math.floor(limit * burst))
})

/**
 * Whether more than the limit at once can never pass, because windows are counted exactly.
 *
 * @category getters
 * @since 0.1.0
 */
export const isExact = ({ algorithm }: Spec): boolean => algorithm === "slidingWindow" || algorithm === "fixedWindow"

// in milliseconds
const tenMinutes = 600_000

/**
 * Whether a refusal that passes says something of this limit: not of one whose
 * window lasts longer than ten minutes.
 *
 * @category getters
 * @since 0.1.0
 */
export const isSlowed = ({ window }: Spec): boolean => window <= tenMinutes

// what the other side has said: at most so many more until then, as of an answer learned from at that time
interface Lesson {
  allowed: number
  until: number
  at: number
}

/**
 * One limit at work.
 *
 * @category models
 * @since 0.1.0
 */
export class Limit {
  #spec: Spec
  #meter: Meter.Meter
  #limit: number
  #share = 1
  #rule: Meter.Rule
  #lesson: Lesson | undefined

  constructor(spec: Spec, meter?: Meter.Meter) {
    this.#spec = spec
    this.#limit = spec.limit
    this.#rule = ruleOf(spec, spec.limit, 1)
    this.#meter = meter ?? algorithms[spec.algorithm](this.#rule)
  }

  get spec(): Spec {
    return this.#spec
  }

  /** The limit that holds: the one that was set, or a lower one that was learned. */
  get limit(): number {
    return this.#limit
  }

  /** What may come at once. */
  get burst(): number {
    return isExact(this.#spec) ? this.#limit : this.#rule.burst
  }

  wait(units: number, now: number): number {
    const wait = this.#meter.wait(units, now)
    const lesson = this.#lesson
    if (lesson === undefined || units <= lesson.allowed) return wait
    return Math.max(wait, lesson.until - now)
  }

  take(units: number, now: number): void {
    this.#meter.take(units, now)
    if (this.#lesson !== undefined) this.#lesson.allowed -= units
  }

  correct(by: number, takenAt: number): void {
    this.#meter.correct(by, takenAt)
    const lesson = this.#lesson
    // what was taken before it was learned what is left may have been counted there as it was
    if (lesson !== undefined) lesson.allowed -= takenAt > lesson.at ? by : Math.max(0, by)
  }

  left(now: number): number {
    const left = this.#meter.left(now)
    const lesson = this.#lesson
    return lesson !== undefined && now < lesson.until ? Math.max(0, Math.min(left, lesson.allowed)) : left
  }

  isIdle(now: number): boolean {
    return (this.#lesson === undefined || now >= this.#lesson.until) && this.#meter.isIdle(now)
  }

  reset(): void {
    this.#meter.reset()
    this.#lesson = undefined
    this.#set(this.#spec.limit, 0)
  }

  /**
   * Learns from an answer to a call that was sent at `sentAt`, beside `underWay`
   * units that the answer may not have counted yet. What was set is never
   * exceeded. An answer to a call from before the last answer learned from is
   * ignored; one to a call of that very time, or of an unknown one, can only
   * make the limit tighter.
   */
  learn(hint: Hint, underWay: number, sentAt: number | undefined, now: number): void {
    const before = this.#lesson ?? { allowed: Infinity, until: -Infinity, at: -Infinity }
    if (sentAt !== undefined && sentAt < before.at) return
    const isFresh = sentAt !== undefined && sentAt > before.at
    if (hint.limit !== undefined) {
      const limit = Math.min(hint.limit, isFresh ? this.#spec.limit : this.#limit)
      if (limit !== this.#limit) this.#set(limit, now)
    }
    this.#lesson = { ...before, at: now }
    if (hint.remaining !== undefined) this.#learnRest(Math.max(0, hint.remaining - underWay), hint, isFresh, now)
  }

  /** Lets a share of the limit pass from now on, at least one in a window. */
  ease(share: number, now: number): void {
    this.#share = share
    this.#set(this.#limit, now)
  }

  /**
   * The same after a refusal: where the algorithm paces, what was left of a burst is gone, and what comes back before
   * `from`, when nobody is to ask, but for one.
   */
  slowDown(share: number, now: number, from: number): void {
    this.ease(share, now)
    if (isExact(this.#spec) || !isSlowed(this.#spec)) return
    const { burst, limit, window } = this.#rule
    // of what gcra lets pass in a window, the burst is a part
    const steady = this.#spec.algorithm === "gcra" ? limit - burst + 1 : limit
    const meanwhile = (from - now) * steady / window
    this.#meter.take(Math.max(0, burst - this.#meter.used(now) + Math.max(0, meanwhile - 1)), now)
  }

  /** Goes by another specification from now on, and keeps what was used. */
  reconfigure(spec: Spec, now: number): void {
    const isSame = spec.algorithm === this.#spec.algorithm
    const used = this.#meter.used(now)
    this.#spec = spec
    if (isSame) {
      this.#set(spec.limit, now)
    } else {
      this.#limit = spec.limit
      this.#rule = this.#ruleNow()
      this.#meter = algorithms[spec.algorithm](this.#rule)
      if (used > 0) this.#meter.take(Math.ceil(used), now)
    }
  }

  fork(): Limit {
    const fork = new Limit(this.#spec, this.#meter.fork())
    fork.#limit = this.#limit
    fork.#share = this.#share
    fork.#rule = this.#rule
    fork.#lesson = this.#lesson === undefined ? undefined : { ...this.#lesson }
    return fork
  }

  #set(limit: number, now: number): void {
    this.#limit = limit
    this.#rule = this.#ruleNow()
    this.#meter.reconfigure(this.#rule, now)
  }

  #ruleNow(): Meter.Rule {
    return ruleOf(this.#spec, this.#limit, isSlowed(this.#spec) ? Math.max(this.#share, 1 / this.#limit) : 1)
  }

  #learnRest(rest: number, { resetAfter }: Hint, isFresh: boolean, now: number): void {
    if (resetAfter === undefined) {
      // nobody says when there will be more: from here on it is as if the rest had been used here
      const beyond = this.#meter.left(now) - rest
      if (beyond > 0) this.#meter.take(beyond, now)
      return
    }
    // no window lasts longer than itself, whatever the answer says
    const until = now + Math.min(resetAfter, this.#spec.window + this.#spec.margin)
    const lesson = this.#lesson!
    const isHeld = !isFresh && now < lesson.until
    lesson.allowed = isHeld ? Math.min(lesson.allowed, rest) : rest
    lesson.until = isHeld ? Math.max(lesson.until, until) : until
  }
}
