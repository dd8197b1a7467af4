/** Who asks what, and when: the same at every run. */

/** Requests in order: the number of what is asked, and the time, in seconds. */
export interface Workload {
  readonly keys: Int32Array
  readonly at: Float64Array
}

/** Draws from 0 to 1: mulberry32. */
export const random = (seed: number): () => number => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Ranks from 0 with the frequencies of Zipf's law, by the inverse of its distribution. */
const zipf = (exponent: number, count: number, next: () => number): () => number => {
  const sums = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += (rank + 1) ** -exponent
  return () => {
    const wanted = next() * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}

const make = (count: number, keyAt: (index: number) => number, timeAt: (index: number) => number): Workload => {
  const keys = new Int32Array(count)
  const at = new Float64Array(count)
  for (let index = 0; index < count; index++) {
    keys[index] = keyAt(index)
    at[index] = timeAt(index)
  }
  return { keys, at }
}

const never = (): number => 0

/** Popular things and less popular ones, which stay as popular as they are. */
export const ofZipf = (exponent: number, requests: number, things: number, seed: number): Workload =>
  make(requests, zipf(exponent, things, random(seed)), never)

/** The same, broken now and then by somebody who asks for a great many things once, one after the other. */
export const withScans = (
  exponent: number,
  requests: number,
  things: number,
  scan: { readonly every: number; readonly length: number },
  seed: number
): Workload => {
  const popular = zipf(exponent, things, random(seed))
  let once = things
  return make(requests, (index) => index % scan.every < scan.length ? once++ : popular(), never)
}

/** What is popular changes all the time: after every hundred requests, `by` ranks. */
export const ofDrift = (exponent: number, requests: number, things: number, by: number, seed: number): Workload => {
  const rank = zipf(exponent, things, random(seed))
  return make(requests, (index) => rank() + Math.floor(index / 100) * by, never)
}

const perDay = 2_300_000
const day = 86_400
const bursts = { factor: 1.8, length: 15, pause: 600 }

/** When requests come in the article's day: more in the afternoon than at night, and in bursts. */
const arrivals = (seed: number): () => number => {
  const next = random(seed + 1)
  const burst = random(seed + 2)
  const exponential = (mean: number, draw: () => number): number => -mean * Math.log(1 - draw())
  const mean = (bursts.pause + bursts.length * bursts.factor) / (bursts.pause + bursts.length)
  const base = perDay / day / mean
  const peak = base * 1.6 * bursts.factor
  let now = 0
  let isBurst = false
  let changes = exponential(bursts.pause, burst)
  return () => {
    while (true) {
      now += exponential(1 / peak, next)
      while (now >= changes) {
        isBurst = !isBurst
        changes += exponential(isBurst ? bursts.length : bursts.pause, burst)
      }
      const rate = base * (1 + 0.6 * Math.sin(2 * Math.PI * (now / day - 9 / 24))) * (isBurst ? bursts.factor : 1)
      if (next() * peak < rate) return now
    }
  }
}

/** The prompts of one day of the source article, as this project's study reckons them: some unique, the rest by Zipf. */
export const ofArticle = (requests: number, seed: number): Workload => {
  const next = random(seed + 3)
  const rank = zipf(0.9, 500_000, next)
  let unique = 500_000
  return make(requests, () => next() < 0.258 ? unique++ : rank(), arrivals(seed))
}
