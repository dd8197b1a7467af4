/**
 * Who is next, of those who wait for a turn: four levels of priority, the
 * highest first, and in each the one who came first or the one who came last.
 *
 * Nobody starves: one turn in `oldestEvery` goes to whoever has waited longest,
 * whatever the level and the order. Whoever finds `n` others waiting is served
 * within the next `oldestEvery * (n + 1)` turns.
 *
 * Entering, leaving and serving are O(1).
 *
 * @since 0.1.0
 */
import * as WaitList from "./WaitList.ts"

/**
 * How many levels there are; 0 is the highest.
 *
 * @category constants
 * @since 0.1.0
 */
export const levels = 4

/**
 * What somebody waits with. `number` counts those who came before.
 *
 * @category models
 * @since 0.1.0
 */
export interface Turn<A> {
  readonly value: A
  readonly level: number
  readonly weight: number
  readonly arrivedAt: number
  readonly number: number
}

/**
 * A place in the queue.
 *
 * @category models
 * @since 0.1.0
 */
export type Place<A> = WaitList.Place<Turn<A>>

/**
 * The queue: a list a level, and the weight of those in it.
 *
 * @category models
 * @since 0.1.0
 */
export interface TurnQueue<A> {
  readonly lists: ReadonlyArray<WaitList.WaitList<Turn<A>>>
  readonly weights: Array<number>
  size: number
  arrivals: number
  /** Turns since one went to whoever had waited longest. */
  turns: number
}

/**
 * Who is served before whom.
 *
 * @category models
 * @since 0.1.0
 */
export interface Order {
  /** One turn in this many goes to whoever has waited longest, from 1 up. */
  readonly oldestEvery: number
  /** Whether, of one level, the last to come is served first. */
  readonly newestFirst: boolean
}

/**
 * A queue in which nobody waits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(): TurnQueue<A> => ({
  lists: Array.from({ length: levels }, () => WaitList.make<Turn<A>>()),
  weights: Array.from({ length: levels }, () => 0),
  size: 0,
  arrivals: 0,
  turns: 0
})

/**
 * Takes the last place of a level.
 *
 * @category transitions
 * @since 0.1.0
 */
export const enter = <A>(self: TurnQueue<A>, value: A, level: number, weight: number, now: number): Place<A> => {
  self.size++
  self.weights[level]! += weight
  return WaitList.enter(self.lists[level]!, { value, level, weight, arrivedAt: now, number: self.arrivals++ })
}

/**
 * Gives a place up; one that was served or left before is left alone. Whether it stood in the queue.
 *
 * @category transitions
 * @since 0.1.0
 */
export const leave = <A>(self: TurnQueue<A>, place: Place<A>): boolean => {
  if (place.list === undefined) return false
  WaitList.leave(place)
  self.size--
  self.weights[place.value.level]! -= place.value.weight
  return true
}

/**
 * Whoever has waited longest, of all levels.
 *
 * @category getters
 * @since 0.1.0
 */
export const oldest = <A>(self: TurnQueue<A>): Place<A> | undefined => {
  let found: Place<A> | undefined
  for (let level = 0; level < levels; level++) {
    const { first } = self.lists[level]!
    if (first !== undefined && (found === undefined || first.value.number < found.value.number)) found = first
  }
  return found
}

/**
 * Who is next; it stays so until somebody is served, leaves, or comes who goes first.
 *
 * @category getters
 * @since 0.1.0
 */
export const next = <A>(self: TurnQueue<A>, order: Order): Place<A> | undefined => {
  if (self.turns + 1 >= order.oldestEvery) return oldest(self)
  for (let level = 0; level < levels; level++) {
    const list = self.lists[level]!
    if (list.size > 0) return order.newestFirst ? list.last : list.first
  }
  return undefined
}

/**
 * Serves the one who is `next`, and counts the turn.
 *
 * @category transitions
 * @since 0.1.0
 */
export const serve = <A>(self: TurnQueue<A>, place: Place<A>, order: Order): void => {
  self.turns = self.turns + 1 >= order.oldestEvery ? 0 : self.turns + 1
  leave(self, place)
}

/**
 * The weight of those who go before a newcomer of this level, as things stand.
 *
 * @category getters
 * @since 0.1.0
 */
export const weightAhead = <A>(self: TurnQueue<A>, level: number, newestFirst: boolean): number => {
  let weight = 0
  for (let above = 0; above < level; above++) weight += self.weights[above]!
  return newestFirst ? weight : weight + self.weights[level]!
}
