/**
 * A bounded first-come, first-served list in which everyone can leave at once,
 * wherever they stand: entering, leaving and serving are O(1).
 *
 * @since 0.1.0
 */

/**
 * A place in the list. `list` is the list it stands in, until it is served or leaves.
 *
 * @category models
 * @since 0.1.0
 */
export interface Place<A> {
  readonly value: A
  list: WaitList<A> | undefined
  previous: Place<A> | undefined
  next: Place<A> | undefined
}

/**
 * The list: who came first, who last, how many.
 *
 * @category models
 * @since 0.1.0
 */
export interface WaitList<A> {
  first: Place<A> | undefined
  last: Place<A> | undefined
  size: number
}

/**
 * An empty list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(): WaitList<A> => ({ first: undefined, last: undefined, size: 0 })

/**
 * Takes the last place.
 *
 * @category transitions
 * @since 0.1.0
 */
export const enter = <A>(self: WaitList<A>, value: A): Place<A> => {
  const place: Place<A> = { value, list: self, previous: self.last, next: undefined }
  if (self.last === undefined) self.first = place
  else self.last.next = place
  self.last = place
  self.size++
  return place
}

/**
 * Gives a place up; a place that was served or left before is left alone.
 *
 * @category transitions
 * @since 0.1.0
 */
export const leave = <A>(place: Place<A>): void => {
  const list = place.list
  if (list === undefined) return
  if (place.previous === undefined) list.first = place.next
  else place.previous.next = place.next
  if (place.next === undefined) list.last = place.previous
  else place.next.previous = place.previous
  place.list = place.previous = place.next = undefined
  list.size--
}

/**
 * Serves whoever has waited longest.
 *
 * @category transitions
 * @since 0.1.0
 */
export const serve = <A>(self: WaitList<A>): A | undefined => {
  const place = self.first
  if (place === undefined) return undefined
  leave(place)
  return place.value
}
