/**
 * The slots of one bulkhead: who runs, and, once somebody has to, who waits.
 *
 * @since 0.1.0
 */
import type * as Fiber from "effect/Fiber"
import * as AdaptiveLimit from "./AdaptiveLimit.ts"
import * as Attempt from "./Attempt.ts"
import { BulkheadFull } from "./BulkheadFull.ts"
import * as BulkheadOptions from "./BulkheadOptions.ts"
import type { Snapshot } from "./BulkheadSnapshot.ts"
import * as Configuration from "./Configuration.ts"
import * as Deadline from "./Deadline.ts"
import * as Demand from "./Demand.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Now from "./Now.ts"
import * as Rejection from "./Rejection.ts"
import type { Waiter } from "./WaitingLine.ts"
import { WaitingLine } from "./WaitingLine.ts"

/**
 * The slots of one bulkhead.
 *
 * What is not used is not made: no line before somebody waits, no learner
 * without `adaptive`.
 *
 * @category models
 * @since 0.1.0
 */
export class Slots {
  readonly key: string
  readonly settings: BulkheadOptions.Settings
  /** Whether calls have to be timed. */
  readonly isAdaptive: boolean
  #maxConcurrent: number
  #limit: number
  #running = 0
  #weight = 0
  #isServing = false
  #refused: BulkheadFull | undefined
  #line: WaitingLine | undefined
  #learner: AdaptiveLimit.Learner | undefined

  constructor(key: string, settings: BulkheadOptions.Settings) {
    this.key = key
    this.settings = settings
    this.isAdaptive = settings.adaptive !== "off"
    this.#maxConcurrent = this.#limit = BulkheadOptions.maxConcurrent(settings)
    this.#learn()
  }

  get limit(): number {
    return this.#limit
  }

  /** The most slots that one call can ask for. */
  get widest(): number {
    return this.settings.adaptive === "off" ? this.#maxConcurrent : this.settings.adaptive.max
  }

  /** Nobody runs or waits, and no hand has changed the limit. */
  get isIdle(): boolean {
    // where nobody runs, nobody waits
    return this.#running === 0 && this.#maxConcurrent === BulkheadOptions.maxConcurrent(this.settings)
  }

  get #queued(): number {
    return this.#line === undefined ? 0 : this.#line.size
  }

  /** Whether so many slots are free and nobody waits for them. A limit may have come to lie below a weight: such a call runs alone. */
  hasRoom(weight: number): boolean {
    return (this.#weight + weight <= this.#limit || this.#running === 0) &&
      (this.#line === undefined || this.#line.size === 0)
  }

  take(weight: number): boolean {
    if (!this.hasRoom(weight)) return false
    this.#running++
    this.#weight += weight
    return true
  }

  release(weight: number): void {
    this.#running--
    this.#weight -= weight
    if (this.#line !== undefined && this.#line.size > 0) this.#serve()
  }

  /** Stands in line, unless the waiter is served or refused at once. */
  enter(waiter: Waiter, fiber: Fiber.Fiber<unknown, unknown>): BulkheadFull | undefined {
    const now = Now.read(Now.clockOf(fiber))
    // a slot may have come free since it was last asked for
    if (this.take(waiter.weight)) {
      waiter.grant(now)
      return undefined
    }
    if (this.#queued >= this.settings.maxQueued) return this.refusal("Full")
    const line = this.#line ??= new WaitingLine(fiber, this.settings, (waiter) => this.#expired(waiter))
    const left = Deadline.leftUnsafe(fiber, now)
    if (left < Infinity && this.#isTooLate(line, waiter, left, now)) return this.refusal("TooLate")
    if (this.settings.maxWait <= 0) return this.refusal("WaitedTooLong")
    line.enter(waiter, left, now)
    this.#serve()
    return undefined
  }

  /** Gives up a place in line. */
  leave(waiter: Waiter): void {
    // who stood first may have needed more than was free, and the next may not
    if (this.#line?.leave(waiter) === true) this.#serve()
  }

  /** Why a call of this weight could neither run nor wait now, if so. */
  refusalAtOnce(weight: number): BulkheadFull | undefined {
    if (this.hasRoom(weight)) return undefined
    return this.#queued < this.settings.maxQueued ? undefined : this.refusal("Full")
  }

  // many are refused for the same reason while nothing changes: they get the same error
  refusal(reason: BulkheadFull["reason"]): BulkheadFull {
    const last = this.#refused
    if (last !== undefined && last.reason === reason && last.maxConcurrent === this.#limit) return last
    return this.#refused = Rejection.make(BulkheadFull, {
      key: this.key,
      reason,
      maxConcurrent: this.#limit,
      maxQueued: this.settings.maxQueued,
      attempts: Attempt.none
    })
  }

  /** Takes in how a call went that was not cancelled, before its slots are released. */
  sample(rtt: number, isDropped: boolean, now: number): void {
    const learner = this.#learner
    if (learner === undefined) return
    learner.observe({ rtt, inFlight: this.#weight, isDropped }, now)
    this.#limit = learner.limit()
  }

  /** Whether a failure is to count as a drop; a predicate that throws has no say. */
  isDrop(error: unknown): boolean {
    const { adaptive } = this.settings
    if (adaptive === "off") return false
    try {
      return adaptive.isDrop(error)
    } catch {
      return false
    }
  }

  /** From now on so many may run at once. Calls that run are left alone. */
  resize(maxConcurrent: number): InvalidArgument.InvalidArgument | undefined {
    const { adaptive } = this.settings
    const [min, max] = adaptive === "off" ? [1, Number.MAX_SAFE_INTEGER] : [adaptive.min, adaptive.max]
    if (!Configuration.isInteger(maxConcurrent, min, max)) {
      const range = adaptive === "off" ? "1 up" : `adaptive.min to adaptive.max, ${min} to ${max}`
      return InvalidArgument.make(
        "Bulkhead.resize",
        "maxConcurrent",
        maxConcurrent,
        `it has to be a whole number from ${range}`
      )
    }
    this.#maxConcurrent = maxConcurrent
    this.#learn()
    this.#serve()
    return undefined
  }

  /** Forgets what was learned. Calls that run keep their slots, calls that wait their places. */
  reset(): void {
    this.#line?.reset()
    this.#learn()
    this.#serve()
  }

  snapshot(): Snapshot {
    const line = this.#line
    const [high = 0, normal = 0, low = 0, background = 0] = line?.sizes ?? []
    const expectedWait = this.#expectedWait()
    return {
      key: this.key,
      running: this.#running,
      weight: this.#weight,
      queued: this.#queued,
      queuedBy: { high, normal, low, background },
      maxConcurrent: this.#maxConcurrent,
      limit: this.#limit,
      maxQueued: this.settings.maxQueued,
      order: (line?.newestFirst ?? this.settings.order === "lifo") ? "lifo" : "fifo",
      ...(expectedWait === undefined ? {} : { expectedWait })
    }
  }

  #learn(): void {
    const { adaptive } = this.settings
    this.#limit = this.#maxConcurrent
    if (adaptive !== "off") this.#learner = AdaptiveLimit.learn(adaptive, this.#limit)
  }

  #fits(weight: number): boolean {
    return this.#weight + weight <= this.#limit || this.#running === 0
  }

  // slots pass straight to who waits for them: no newcomer can take them in between; who is served
  // may end and release at once, so a long line is served in a loop, not in a recursion
  #serve(): void {
    const line = this.#line
    if (line === undefined || this.#isServing) return
    this.#isServing = true
    let isDone = false
    try {
      while (this.#serveNext(line));
      isDone = true
    } finally {
      this.#isServing = false
      // an observer of somebody's call threw: the others are still to be served
      if (!isDone) this.#serve()
    }
  }

  #serveNext(line: WaitingLine): boolean {
    if (line.size === 0 || !this.#fits(1)) return false
    const now = line.now()
    const waiter = line.next(now)
    if (waiter === undefined || !this.#fits(waiter.weight)) return false
    line.serve(waiter, now, this.#limit)
    this.#running++
    this.#weight += waiter.weight
    waiter.grant(now)
    return true
  }

  // as with one who leaves, the next may fit: but only once all whose time is up have left
  #expired(waiter: Waiter | undefined): void {
    if (waiter === undefined) this.#serve()
    else waiter.refuse(this.refusal(waiter.reason))
  }

  #isTooLate(line: WaitingLine, { level, weight }: Waiter, left: number, now: number): boolean {
    if (left <= 0) return true
    const end = line.expectedEnd(weight, level, now, this.#limit)
    return end !== undefined && end > left
  }

  #expectedWait(): number | undefined {
    if (this.hasRoom(1)) return 0
    return this.#line?.expectedWait(Demand.usual.weight, Demand.usual.level, this.#line.now(), this.#limit)
  }
}
