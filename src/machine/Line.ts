/**
 * Those who wait for their turn at limits, first come first served, and when
 * the turn of each is to come.
 *
 * The turns are foretold by a copy of the limits in which all who wait have
 * taken theirs. While everything goes as foretold, that costs as much as one
 * take; whatever goes otherwise is worked in when the next one asks.
 *
 * @since 0.1.0
 */
import type * as Limits from "./Limits.ts"
import { epsilon } from "./Meter.ts"
import * as WaitList from "./WaitList.ts"

/**
 * Up to so many who wait, what is foretold is exact. Of a longer line it may be
 * off by one turn in that many: working in each change at once would cost the
 * more the longer the line.
 *
 * @category constants
 * @since 0.1.0
 */
export const exactUpTo = 1024

/**
 * One who waits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiting {
  readonly cost: Limits.Cost
  /** Whoever cannot pass by then does not wait on. */
  readonly until: number
  /** When its turn is to come; `NaN` for never. */
  turn: number
}

/**
 * The line before these limits.
 *
 * @category models
 * @since 0.1.0
 */
export class Line<A extends Waiting> {
  readonly #limits: Limits.Limits
  readonly #list = WaitList.make<A>()
  #foretold: Limits.Limits | undefined
  #lastTurn = 0
  #changes = 0

  constructor(limits: Limits.Limits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#list.size
  }

  get first(): WaitList.Place<A> | undefined {
    return this.#list.first
  }

  /** Milliseconds until this would pass, behind those that wait. */
  wait(cost: Limits.Cost, now: number): number {
    if (this.#list.size === 0) return this.#limits.wait(cost, now)
    const foretold = this.#foretell(now)
    const from = Math.max(this.#lastTurn, now)
    // who comes after others does not pass in the moment in which they are about to
    return Math.max(1, from + foretold.wait(cost, from) - now)
  }

  enter(waiting: A, now: number): WaitList.Place<A> {
    this.#place(waiting, this.#foretell(now), now)
    return WaitList.enter(this.#list, waiting)
  }

  /** Someone gives up. */
  leave(place: WaitList.Place<A>): void {
    if (!Number.isNaN(place.value.turn)) this.#changes++
    WaitList.leave(place)
  }

  /** Someone's turn has come, and what it costs is taken. */
  serve(place: WaitList.Place<A>, now: number): void {
    this.#limits.take(place.value.cost, now)
    if (!(Math.abs(place.value.turn - now) < epsilon)) this.#changes++
    WaitList.leave(place)
  }

  /** A little was given back or taken beside the line. */
  change(): void {
    this.#changes++
  }

  /** The limits are others than before. */
  upset(): void {
    this.#foretold = undefined
  }

  #foretell(now: number): Limits.Limits {
    // also without a change, nobody says what was taken while nobody waited
    if (this.#foretold !== undefined && this.#changes * exactUpTo < this.#list.size) return this.#foretold
    const foretold = this.#limits.fork()
    this.#foretold = foretold
    this.#lastTurn = now
    this.#changes = 0
    for (let place = this.#list.first; place !== undefined; place = place.next) this.#place(place.value, foretold, now)
    return foretold
  }

  // timers count whole milliseconds, each from the turn before
  #place(waiting: A, foretold: Limits.Limits, now: number): void {
    const from = Math.max(this.#lastTurn, now)
    const turn = from + Math.ceil(foretold.wait(waiting.cost, from))
    waiting.turn = turn < Infinity && turn <= waiting.until + epsilon ? turn : NaN
    if (Number.isNaN(waiting.turn)) return
    foretold.take(waiting.cost, turn)
    this.#lastTurn = turn
  }
}
