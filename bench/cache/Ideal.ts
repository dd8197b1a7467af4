/** What a cache could reach that knows the future: out goes what is asked for latest, or not in time. Belady, 1966. */
import type { Workload } from "./Workload.ts"

/** Whom to throw out first: the one of the latest next time, in a heap. */
class Latest {
  readonly #times: Array<number> = []
  readonly #keys: Array<number> = []

  push(time: number, key: number): void {
    let at = this.#times.push(time) - 1
    this.#keys.push(key)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (this.#times[above]! >= this.#times[at]!) return
      this.#swap(above, at)
      at = above
    }
  }

  pop(): readonly [time: number, key: number] {
    const top = [this.#times[0]!, this.#keys[0]!] as const
    const time = this.#times.pop()!
    const key = this.#keys.pop()!
    if (this.#times.length === 0) return top
    this.#times[0] = time
    this.#keys[0] = key
    for (let at = 0;;) {
      const left = 2 * at + 1
      if (left >= this.#times.length) return top
      const next = this.#times[left + 1]! > this.#times[left]! ? left + 1 : left
      if (this.#times[at]! >= this.#times[next]!) return top
      this.#swap(at, next)
      at = next
    }
  }

  #swap(a: number, b: number): void {
    const [time, key] = [this.#times[a]!, this.#keys[a]!]
    this.#times[a] = this.#times[b]!
    this.#keys[a] = this.#keys[b]!
    this.#times[b] = time
    this.#keys[b] = key
  }
}

/** The share of requests that were answered from a cache of so many, whose answers are good for so many seconds. */
export const hitRate = ({ at, keys }: Workload, capacity: number, timeToLive: number): number => {
  const next = new Float64Array(keys.length).fill(Infinity)
  const later = new Map<number, number>()
  for (let index = keys.length - 1; index >= 0; index--) {
    next[index] = later.get(keys[index]!) ?? Infinity
    later.set(keys[index]!, index)
  }
  const kept = new Map<number, { readonly since: number; readonly next: number }>()
  const latest = new Latest()
  let hits = 0
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!
    const known = kept.get(key)
    const isHit = known !== undefined && at[index]! - known.since < timeToLive
    if (isHit) hits++
    const since = isHit ? known.since : at[index]!
    kept.delete(key)
    // what will be asked for too late, or never, is not kept at all
    if (next[index] === Infinity || at[next[index]!]! - since >= timeToLive) continue
    kept.set(key, { since, next: next[index]! })
    latest.push(next[index]!, key)
    while (kept.size > capacity) {
      const [time, victim] = latest.pop()
      // the heap also has what was asked for since
      if (kept.get(victim)?.next === time) kept.delete(victim)
    }
  }
  return hits / keys.length
}
