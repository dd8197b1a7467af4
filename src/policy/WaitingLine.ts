/**
 * Those who wait for a slot of a bulkhead: who is next, who has waited too
 * long, and how long a newcomer would.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import type * as Fiber from "effect/Fiber"
import * as Expiry from "../machine/Expiry.ts"
import * as Overload from "../machine/Overload.ts"
import * as Pace from "../machine/Pace.ts"
import * as TurnQueue from "../machine/TurnQueue.ts"
import { Alarm } from "./Alarm.ts"
import type { BulkheadFull } from "./BulkheadFull.ts"
import type * as BulkheadOptions from "./BulkheadOptions.ts"
import * as Now from "./Now.ts"

/**
 * One who waits. The line sets `place`, `entry` and `reason`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiter {
  readonly weight: number
  readonly level: number
  /** Called in the step in which it is given its slots. */
  readonly grant: (now: number) => void
  readonly refuse: (refusal: BulkheadFull) => void
  /** Why it has to leave when its time is up. */
  reason: BulkheadFull["reason"]
  place: TurnQueue.Place<Waiter> | undefined
  entry: Expiry.Entry<Waiter> | undefined
}

/**
 * The line of one bulkhead.
 *
 * @category models
 * @since 0.1.0
 */
export class WaitingLine {
  readonly #settings: BulkheadOptions.Settings
  readonly #onExpiry: (waiter: Waiter | undefined) => void
  readonly #clock: Clock.Clock
  readonly #alarm: Alarm
  readonly #queue = TurnQueue.make<Waiter>()
  readonly #expiry = Expiry.make<Waiter>()
  readonly #pace = Pace.make()
  readonly #overload = Overload.make()
  readonly #order: { readonly oldestEvery: number; newestFirst: boolean }
  readonly #rule: Overload.Rule

  /** On the clock of a fiber. `onExpiry` is called with everyone whose time is up and who has left, and then with nobody. */
  constructor(
    fiber: Fiber.Fiber<unknown, unknown>,
    settings: BulkheadOptions.Settings,
    onExpiry: (waiter: Waiter | undefined) => void
  ) {
    this.#settings = settings
    this.#onExpiry = onExpiry
    this.#clock = Now.clockOf(fiber)
    this.#alarm = new Alarm(fiber, {
      earliest: () => Expiry.earliest(this.#expiry),
      ring: (now) => this.#expire(now)
    })
    this.#order = { oldestEvery: settings.oldestEvery, newestFirst: settings.order === "lifo" }
    this.#rule = { target: settings.codelTarget, interval: settings.codelInterval }
  }

  get size(): number {
    return this.#queue.size
  }

  get newestFirst(): boolean {
    return this.#order.newestFirst
  }

  /** How many wait of each level. */
  get sizes(): ReadonlyArray<number> {
    return this.#queue.lists.map(({ size }) => size)
  }

  now(): number {
    return Now.read(this.#clock)
  }

  /** Takes a place, for `maxWait` or what is `left` until a deadline. */
  enter(waiter: Waiter, left: number, now: number): void {
    const { maxWait } = this.#settings
    if (this.#queue.size === 0) Pace.begin(this.#pace, now)
    waiter.place = TurnQueue.enter(this.#queue, waiter, waiter.level, waiter.weight, now)
    this.#look(now)
    const until = now + Math.min(maxWait, left)
    if (until === Infinity) return
    waiter.reason = left < maxWait ? "TooLate" : "WaitedTooLong"
    waiter.entry = Expiry.set(this.#expiry, until, waiter)
    this.#alarm.set(until)
  }

  /** Gives a place up. Whether the waiter still had one. */
  leave(waiter: Waiter): boolean {
    if (waiter.place === undefined || !TurnQueue.leave(this.#queue, waiter.place)) return false
    this.#forget(waiter)
    return true
  }

  /** Who is next, and nobody else, however many slots it takes. */
  next(now: number): Waiter | undefined {
    this.#look(now)
    return TurnQueue.next(this.#queue, this.#order)?.value.value
  }

  /** Serves the one who is next, with slots of the `limit` that there are. */
  serve(waiter: Waiter, now: number, limit: number): void {
    Pace.observe(this.#pace, waiter.weight, now, limit)
    TurnQueue.serve(this.#queue, waiter.place!, this.#order)
    this.#forget(waiter)
  }

  /** Milliseconds that somebody who came now would wait for its slots, if anybody knows. */
  expectedWait(weight: number, level: number, now: number, limit: number): number | undefined {
    const ahead = TurnQueue.weightAhead(this.#queue, level, this.#order.newestFirst)
    return Pace.expected(this.#pace, ahead + weight, now, limit)
  }

  /** The same until it would have ended: as many slots later as there are, by Little's law. */
  expectedEnd(weight: number, level: number, now: number, limit: number): number | undefined {
    return this.expectedWait(weight + limit, level, now, limit)
  }

  /** Forgets what was learned; who waits, waits on. */
  reset(): void {
    Pace.forget(this.#pace)
    this.#overload.since = Infinity
    this.#order.newestFirst = this.#settings.order === "lifo"
  }

  #look(now: number): void {
    if (this.#settings.order !== "adaptive") return
    const oldest = TurnQueue.oldest(this.#queue)
    Overload.observe(this.#overload, oldest === undefined ? 0 : now - oldest.value.arrivedAt, now, this.#rule)
    this.#order.newestFirst = Overload.isStanding(this.#overload, now, this.#rule)
  }

  #forget(waiter: Waiter): void {
    waiter.place = undefined
    if (waiter.entry !== undefined) Expiry.drop(this.#expiry, waiter.entry)
    if (this.#queue.size > 0) return
    this.#alarm.rest()
    this.#order.newestFirst = this.#settings.order === "lifo"
  }

  // whoever leaves may come again at once, so a long line leaves in a loop, not in a recursion
  #expire(now: number): void {
    for (let waiter = Expiry.ring(this.#expiry, now); waiter !== undefined; waiter = Expiry.ring(this.#expiry, now)) {
      this.leave(waiter)
      this.#onExpiry(waiter)
    }
    this.#onExpiry(undefined)
  }
}
