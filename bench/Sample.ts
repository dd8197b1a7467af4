/** What one slice of calls took, in nanoseconds a call. */
import type { Loop } from "./Loop.ts"

export interface Sample {
  /** Time of all threads of the process, the garbage collector's among them. */
  readonly cpu: number
  readonly wall: number
  /** Of the calls of this slice, where each was timed. */
  readonly p50?: number
  readonly p99?: number
}

/** The value below which this share of them lies; the values have to be sorted. */
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

export const median = (values: ReadonlyArray<number>): number => quantile(values.toSorted((a, b) => a - b), 0.5)

export const take = async (loop: Loop, calls: number): Promise<Sample> => {
  const cpuBefore = process.cpuUsage()
  const before = process.hrtime.bigint()
  const times = await loop(calls)
  const wall = Number(process.hrtime.bigint() - before) / calls
  const { system, user } = process.cpuUsage(cpuBefore)
  const cpu = (system + user) * 1000 / calls
  if (times === undefined) return { cpu, wall }
  times.sort()
  return { cpu, wall, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
}

/** Calls after which the code is taken to be hot, if that does not take four times the warmup. */
const hot = 20_000

/** Runs for so many milliseconds of CPU time, until the code is hot, and says how many calls fill a slice. */
export const warm = async (loop: Loop, warmup: number, slice: number): Promise<number> => {
  const { least = 100 } = loop
  let calls = least
  let made = 0
  let spent = 0
  while (true) {
    const { cpu } = await take(loop, calls)
    const taken = cpu * calls / 1_000_000
    made += calls
    spent += taken
    if (spent >= warmup && (made >= hot || spent >= 4 * warmup)) {
      return Math.max(least, Math.round(slice * 1_000_000 / cpu))
    }
    if (taken < warmup / 4) calls *= 2
  }
}
