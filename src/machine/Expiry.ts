/**
 * Who has to be gone by when, so that one timer serves all of them.
 *
 * A heap by time. Whoever goes before the time is crossed out and swept away
 * once half of the heap is, so going costs the same however many there are, and
 * the heap holds at most twice as many as wait.
 *
 * @since 0.1.0
 */

/**
 * A time that somebody has; of equal ones the lower number comes first. `value`
 * is gone once it was rung or dropped.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry<A> {
  readonly at: number
  readonly number: number
  value: A | undefined
}

/**
 * The heap, how many in it are crossed out, and how many ever had a time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Expiry<A> {
  heap: Array<Entry<A>>
  dropped: number
  entries: number
}

/**
 * Nobody has a time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(): Expiry<A> => ({ heap: [], dropped: 0, entries: 0 })

/**
 * Gives somebody a time.
 *
 * @category transitions
 * @since 0.1.0
 */
export const set = <A>(self: Expiry<A>, at: number, value: A): Entry<A> => {
  const entry: Entry<A> = { at, number: self.entries++, value }
  self.heap.push(entry)
  rise(self.heap, self.heap.length - 1)
  return entry
}

/**
 * Takes a time back; one that was rung or dropped before is left alone.
 *
 * @category transitions
 * @since 0.1.0
 */
export const drop = <A>(self: Expiry<A>, entry: Entry<A>): void => {
  if (entry.value === undefined) return
  entry.value = undefined
  self.dropped++
  sweep(self)
}

/**
 * The earliest time that anybody has, `Infinity` when nobody has one.
 *
 * @category getters
 * @since 0.1.0
 */
export const earliest = <A>(self: Expiry<A>): number => {
  const { heap } = self
  while (heap.length > 0 && heap[0]!.value === undefined) {
    self.dropped--
    pop(heap)
  }
  return heap.length === 0 ? Infinity : heap[0]!.at
}

/**
 * Rings for whoever has the earliest time, if that has come.
 *
 * @category transitions
 * @since 0.1.0
 */
export const ring = <A>(self: Expiry<A>, now: number): A | undefined => {
  if (earliest(self) > now) return undefined
  const entry = self.heap[0]
  if (entry === undefined) return undefined
  const { value } = entry
  entry.value = undefined
  pop(self.heap)
  sweep(self)
  return value
}

const sweep = <A>(self: Expiry<A>): void => {
  if (self.dropped * 2 <= self.heap.length) return
  self.heap = self.heap.filter(({ value }) => value !== undefined)
  self.dropped = 0
  for (let index = (self.heap.length >> 1) - 1; index >= 0; index--) sink(self.heap, index)
}

const isBefore = <A>(a: Entry<A>, b: Entry<A>): boolean => a.at < b.at || (a.at === b.at && a.number < b.number)

const pop = <A>(heap: Array<Entry<A>>): void => {
  const last = heap.pop()!
  if (heap.length === 0) return
  heap[0] = last
  sink(heap, 0)
}

const rise = <A>(heap: Array<Entry<A>>, from: number): void => {
  const entry = heap[from]!
  let index = from
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (isBefore(heap[parent]!, entry)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = entry
}

const sink = <A>(heap: Array<Entry<A>>, from: number): void => {
  const entry = heap[from]!
  let index = from
  while (true) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (isBefore(entry, heap[child]!)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = entry
}
