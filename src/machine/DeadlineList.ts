/**
 * Everybody who has to end by a time, the soonest first, so that one timer does
 * for all.
 *
 * It is made for entries that all have the same time to live: each is due after
 * those before it, so entering, leaving and being called are O(1). An entry that
 * is due before others are is let in ahead of them, one step for each.
 *
 * @since 0.1.0
 */

/**
 * A place in the list. `list` is the list it stands in, until it is called or leaves.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry<A> {
  readonly value: A
  readonly at: number
  list: DeadlineList<A> | undefined
  previous: Entry<A> | undefined
  next: Entry<A> | undefined
}

/**
 * The list: who is due first, who last.
 *
 * @category models
 * @since 0.1.0
 */
export interface DeadlineList<A> {
  first: Entry<A> | undefined
  last: Entry<A> | undefined
}

/**
 * An empty list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(): DeadlineList<A> => ({ first: undefined, last: undefined })

/**
 * Lets in someone who is due at a time, behind all who are due by then.
 *
 * @category transitions
 * @since 0.1.0
 */
export const enter = <A>(self: DeadlineList<A>, at: number, value: A): Entry<A> => {
  let previous = self.last
  while (previous !== undefined && previous.at > at) previous = previous.previous
  const next = previous === undefined ? self.first : previous.next
  const entry: Entry<A> = { value, at, list: self, previous, next }
  if (previous === undefined) self.first = entry
  else previous.next = entry
  if (next === undefined) self.last = entry
  else next.previous = entry
  return entry
}

/**
 * Lets someone go; `false` for one who was called or has left before.
 *
 * @category transitions
 * @since 0.1.0
 */
export const leave = <A>(entry: Entry<A>): boolean => {
  const list = entry.list
  if (list === undefined) return false
  if (entry.previous === undefined) list.first = entry.next
  else entry.previous.next = entry.next
  if (entry.next === undefined) list.last = entry.previous
  else entry.next.previous = entry.previous
  entry.list = entry.previous = entry.next = undefined
  return true
}

/**
 * Calls whoever is due first, if it is time.
 *
 * @category transitions
 * @since 0.1.0
 */
export const call = <A>(self: DeadlineList<A>, now: number): A | undefined => {
  const entry = self.first
  if (entry === undefined || entry.at > now) return undefined
  leave(entry)
  return entry.value
}
