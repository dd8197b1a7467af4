/**
 * What a cache keeps, and what goes out when there is no room.
 *
 * A newcomer enters a small queue, a tenth of the whole. What is used there goes on to the main queue; what is not, and was
 * not asked for of late either, goes out, so that a scan of things that nobody asks for twice passes through that tenth
 * alone. One that was asked for before and not just now goes over only if it is more popular than whoever is next to leave
 * the main queue. Whoever reaches the end of that goes round again if it was used since. But first of all goes what is too
 * old to be given to anybody.
 *
 * It is bounded by entries and by bytes. A use is a look into a map and two additions; whoever comes in throws out as many
 * as are in its way.
 *
 * Source: the queues are those of S3-FIFO, Yang, Zhang, Qiu, Yue, Vinayak: FIFO queues are all you need for cache eviction,
 * SOSP '23, without its ghost; the comparison of popularity is that of TinyLFU. The rest is an addition.
 *
 * @since 0.1.0
 */
import * as Popularity from "./Popularity.ts"

/**
 * What is kept under a key. Times are those of whoever keeps it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry<A> {
  readonly key: string
  readonly print: number
  value: A
  bytes: number
  /** From then on it can be given to nobody. */
  goneAt: number
  /** How often it was used, as far as anybody counts: from 0 to 3. */
  uses: number
  queue: Queue<A>
  previous: Entry<A> | undefined
  next: Entry<A> | undefined
  /** Whoever was written before and after it. */
  older: Entry<A> | undefined
  newer: Entry<A> | undefined
}

/**
 * One queue: first in, first out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Queue<A> {
  first: Entry<A> | undefined
  last: Entry<A> | undefined
  size: number
  bytes: number
}

/**
 * How much is kept at most.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bounds {
  /** From 1 up. */
  readonly entries: number
  /** From 1 up. */
  readonly bytes: number
}

/**
 * The store, changed in place.
 *
 * @category models
 * @since 0.1.0
 */
export interface CacheStore<A> {
  readonly bounds: Bounds
  readonly entries: Map<string, Entry<A>>
  readonly small: Queue<A>
  readonly main: Queue<A>
  readonly popularity: Popularity.Popularity
  /** What was asked for last and is not there: what is not there is often kept next. */
  missed: { readonly key: string; readonly print: number } | undefined
  oldest: Entry<A> | undefined
  newest: Entry<A> | undefined
  /** How many entries went out so far to make room. */
  evicted: number
}

const smallShare = 0.1
const mostUses = 3

const emptyQueue = <A>(): Queue<A> => ({ first: undefined, last: undefined, size: 0, bytes: 0 })

/**
 * An empty store.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(bounds: Bounds): CacheStore<A> => ({
  bounds,
  entries: new Map(),
  small: emptyQueue(),
  main: emptyQueue(),
  popularity: Popularity.make(bounds.entries),
  missed: undefined,
  oldest: undefined,
  newest: undefined,
  evicted: 0
})

/**
 * How many bytes there are.
 *
 * @category getters
 * @since 0.1.0
 */
export const bytes = <A>({ main, small }: CacheStore<A>): number => small.bytes + main.bytes

/**
 * What is kept under a key, however old it is. That somebody asked counts for the key, whether it is there or not.
 *
 * @category transitions
 * @since 0.1.0
 */
export const use = <A>(self: CacheStore<A>, key: string): A | undefined => {
  const entry = self.entries.get(key)
  if (entry === undefined) {
    const print = Popularity.print(key)
    Popularity.count(self.popularity, print)
    self.missed = { key, print }
    return undefined
  }
  Popularity.count(self.popularity, entry.print)
  if (entry.uses < mostUses) entry.uses++
  return entry.value
}

const enter = <A>(queue: Queue<A>, entry: Entry<A>): void => {
  entry.queue = queue
  entry.previous = queue.last
  entry.next = undefined
  if (queue.last === undefined) queue.first = entry
  else queue.last.next = entry
  queue.last = entry
  queue.size++
  queue.bytes += entry.bytes
}

const leave = <A>(entry: Entry<A>): void => {
  const { next, previous, queue } = entry
  if (previous === undefined) queue.first = next
  else previous.next = next
  if (next === undefined) queue.last = previous
  else next.previous = previous
  queue.size--
  queue.bytes -= entry.bytes
}

const moveToMain = <A>(self: CacheStore<A>, entry: Entry<A>): void => {
  leave(entry)
  entry.uses = 0
  enter(self.main, entry)
}

const age = <A>(self: CacheStore<A>, entry: Entry<A>): void => {
  entry.older = self.newest
  entry.newer = undefined
  if (self.newest === undefined) self.oldest = entry
  else self.newest.newer = entry
  self.newest = entry
}

const forgetAge = <A>(self: CacheStore<A>, { newer, older }: Entry<A>): void => {
  if (older === undefined) self.oldest = newer
  else older.newer = newer
  if (newer === undefined) self.newest = older
  else newer.older = older
}

const drop = <A>(self: CacheStore<A>, entry: Entry<A>): void => {
  leave(entry)
  forgetAge(self, entry)
  self.entries.delete(entry.key)
}

// who is next to leave the main queue, after those that were used have gone round
const lastOfMain = <A>(self: CacheStore<A>): Entry<A> | undefined => {
  for (let entry = self.main.first; entry !== undefined; entry = self.main.first) {
    if (entry.uses === 0) return entry
    leave(entry)
    entry.uses--
    enter(self.main, entry)
  }
  return undefined
}

const isShort = <A>({ bounds }: CacheStore<A>, { bytes, size }: Queue<A>, share: number): boolean =>
  size < bounds.entries * share && bytes < bounds.bytes * share

const victimOf = <A>(self: CacheStore<A>, now: number): Entry<A> => {
  const { main, popularity, small } = self
  if (self.oldest!.goneAt <= now) return self.oldest!
  while (small.first !== undefined && (main.size === 0 || !isShort(self, small, smallShare))) {
    const candidate = small.first
    const asked = Popularity.of(popularity, candidate.print)
    // who was asked for once, which is when it came, has nothing to show
    if (candidate.uses === 0 && asked < 2) return candidate
    const rival = isShort(self, main, 1 - smallShare) ? undefined : lastOfMain(self)
    if (rival !== undefined && candidate.uses === 0 && asked <= Popularity.of(popularity, rival.print)) return candidate
    moveToMain(self, candidate)
    if (rival !== undefined) return rival
  }
  return lastOfMain(self)!
}

/**
 * Takes something out.
 *
 * @category transitions
 * @since 0.1.0
 */
export const remove = <A>(self: CacheStore<A>, key: string): void => {
  const entry = self.entries.get(key)
  if (entry !== undefined) drop(self, entry)
}

/**
 * Keeps a value of so many bytes under a key, in place of what is there, up to a time. What is larger than the whole is not
 * kept. Whether it is kept.
 *
 * @category transitions
 * @since 0.1.0
 */
export const keep = <A>(
  self: CacheStore<A>,
  key: string,
  value: A,
  size: number,
  goneAt: number,
  now: number
): boolean => {
  const { bounds, entries } = self
  const old = entries.get(key)
  if (old !== undefined) drop(self, old)
  if (size > bounds.bytes) return false
  while (entries.size >= bounds.entries || bytes(self) + size > bounds.bytes) {
    drop(self, victimOf(self, now))
    self.evicted++
  }
  const entry: Entry<A> = {
    key,
    print: old?.print ?? (self.missed?.key === key ? self.missed.print : Popularity.print(key)),
    value,
    bytes: size,
    goneAt,
    // to be written anew is not to be used, nor to be new
    uses: old?.uses ?? 0,
    queue: old?.queue ?? self.small,
    previous: undefined,
    next: undefined,
    older: undefined,
    newer: undefined
  }
  entries.set(key, entry)
  enter(entry.queue, entry)
  age(self, entry)
  return true
}

/**
 * Forgets everything, also how popular it was.
 *
 * @category transitions
 * @since 0.1.0
 */
export const clear = <A>(self: CacheStore<A>): void => {
  self.entries.clear()
  Object.assign(self.small, emptyQueue())
  Object.assign(self.main, emptyQueue())
  Popularity.clear(self.popularity)
  self.oldest = self.newest = undefined
}
