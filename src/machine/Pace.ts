/**
 * How fast a queue moves: the mean time from one slot that comes free to the
 * next while somebody waits, over about the last sixteen of them.
 *
 * By Little's law that is the time a call takes divided by how many run at
 * once, and needs no clock where nobody waits. It is believed as long as a call
 * takes; after a silence longer than that, what was known is forgotten, so that
 * a slow hour does not turn callers away in the next.
 *
 * Source: J. D. C. Little, Operations Research 9 (1961).
 *
 * @since 0.1.0
 */

/**
 * Sums of time and slots, in which what is older weighs less, and when both
 * were last added to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pace {
  time: number
  slots: number
  at: number
  /** From when the time to the next slot counts. */
  since: number
}

// a slot weighs a sixteenth less with every one that follows
const memory = 16

// below this weight of slots, chance has the say
const evidence = 4

/**
 * Nothing known yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Pace => ({ time: 0, slots: 0, at: 0, since: 0 })

/**
 * Somebody waits from now on, and nobody did before.
 *
 * @category transitions
 * @since 0.1.0
 */
export const begin = (self: Pace, now: number): void => {
  self.since = now
}

/**
 * Forgets what is known; the time to the next slot still counts from when it did.
 *
 * @category transitions
 * @since 0.1.0
 */
export const forget = (self: Pace): void => {
  self.time = self.slots = 0
}

// without a slot there is no mean, and no time is within it
const isBelieved = (self: Pace, now: number, atOnce: number): boolean =>
  now - self.at <= (atOnce + 1) * self.time / self.slots

/**
 * Takes in that `slots` of the `atOnce` that there are came free for those who wait.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (self: Pace, slots: number, now: number, atOnce: number): void => {
  const time = Math.max(0, now - self.since)
  const kept = isBelieved(self, now, atOnce) ? Math.pow(1 - 1 / memory, slots) : 0
  self.time = self.time * kept + time
  self.slots = self.slots * kept + slots
  self.at = now
  self.since = now
}

/**
 * Milliseconds until so many `slots` will have come free, if `atOnce` there are;
 * `undefined` while nobody knows.
 *
 * @category getters
 * @since 0.1.0
 */
export const expected = (self: Pace, slots: number, now: number, atOnce: number): number | undefined =>
  self.slots >= evidence && isBelieved(self, now, atOnce) ? slots * self.time / self.slots : undefined
