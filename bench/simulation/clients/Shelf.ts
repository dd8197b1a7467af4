/** Which questions have an answer that is kept: at the bound, the one that was used longest ago goes. */

export interface Shelf {
  readonly capacity: number
  readonly timeToLive: number
  /** Until when each is good, in the order in which they were used. */
  readonly until: Map<number, number>
}

export const make = (capacity: number, timeToLive: number): Shelf => ({ capacity, timeToLive, until: new Map() })

/** Whether there is an answer. */
export const find = ({ until }: Shelf, question: number, now: number): boolean => {
  const good = until.get(question)
  if (good === undefined) return false
  until.delete(question)
  if (good <= now) return false
  until.set(question, good)
  return true
}

/** Keeps an answer from now on. */
export const put = ({ capacity, timeToLive, until }: Shelf, question: number, now: number): void => {
  until.delete(question)
  until.set(question, now + timeToLive)
  if (until.size <= capacity) return
  for (const oldest of until.keys()) {
    until.delete(oldest)
    return
  }
}
