/** The four meters, slow and obvious: each works out everything anew from all that was ever taken. */
import type * as Limit from "../../src/machine/Limit.ts"
import type { Rule } from "../../src/machine/Meter.ts"

/** Something that was taken; `units` is what it turned out to be. */
export interface Taken {
  readonly at: number
  units: number
}

export interface ByHistory {
  readonly wait: (history: ReadonlyArray<Taken>, units: number, now: number) => number
  /** How much still counts. */
  readonly used: (history: ReadonlyArray<Taken>, now: number) => number
  /** What a change to another rule keeps, as if it had been taken under that rule. */
  readonly kept: (history: ReadonlyArray<Taken>, next: Rule, now: number) => ReadonlyArray<Taken>
  /** The most that may pass in any window that starts where it pleases, with costs within the burst. */
  readonly worstWindow: (rule: Rule) => number
}

const sum = (history: ReadonlyArray<Taken>): number => history.reduce((sum, { units }) => sum + units, 0)

/** When `level` units, falling by one every `interval`, leave room for `units` under `most`. */
const untilRoom = (level: number, units: number, most: number, interval: number): number =>
  Math.max(0, (level + units - Math.max(most, units)) * interval)

/** What a bucket holds that leaks one unit an interval and never less than nothing. */
const leaking = (history: ReadonlyArray<Taken>, now: number, interval: number): number =>
  Math.max(
    0,
    ...history.map(({ at }, index) => sum(history.slice(index)) - (now - at) / interval)
  )

const paced = (intervalOf: (rule: Rule) => number) => (rule: Rule) => ({
  wait: (history: ReadonlyArray<Taken>, units: number, now: number): number =>
    untilRoom(leaking(history, now, intervalOf(rule)), units, rule.burst, intervalOf(rule)),
  used: (history: ReadonlyArray<Taken>, now: number): number => leaking(history, now, intervalOf(rule)),
  kept: (history: ReadonlyArray<Taken>, next: Rule, now: number): ReadonlyArray<Taken> => {
    // a burst is there once nothing was owed for a whole window
    const owing = history.filter(({ units }) => units > 0)
    if (leaking(owing, now - rule.window, intervalOf(rule)) < 1e-9) return []
    const used = leaking(history, now, intervalOf(rule))
    return [{ at: now, units: Math.max(used, next.burst - (rule.burst - used)) }]
  }
})

/** The windows so far: each begins with the first to come after the last has ended. */
const windows = (history: ReadonlyArray<Taken>, length: number): ReadonlyArray<ReadonlyArray<Taken>> => {
  const all: Array<Array<Taken>> = []
  for (const taken of history) {
    const last = all.at(-1)
    if (last !== undefined && taken.at < last[0]!.at + length) last.push(taken)
    else all.push([taken])
  }
  return all
}

export const byHistory: Record<Limit.Algorithm, (rule: Rule) => ByHistory> = {
  gcra: (rule) => ({
    ...paced(({ burst, limit, window }) => window / (limit - burst + 1))(rule),
    worstWindow: ({ limit }) => limit
  }),
  tokenBucket: (rule) => ({
    ...paced(({ limit, window }) => window / limit)(rule),
    worstWindow: ({ burst, limit }) => limit + burst
  }),
  slidingWindow: ({ limit, window }) => ({
    wait: (history, units, now) => {
      if (units > limit) return Infinity
      const ends = [now, ...history.map(({ at }) => at + window).filter((end) => end > now)].sort((a, b) => a - b)
      return ends.find((end) => sum(history.filter(({ at }) => at + window > end)) + units <= limit)! - now
    },
    used: (history, now) => sum(history.filter(({ at }) => at + window > now)),
    kept: (history, _, now) => history.filter(({ at }) => at + window > now),
    worstWindow: ({ limit }) => limit
  }),
  fixedWindow: ({ limit, window }) => ({
    wait: (history, units, now) => {
      if (units > limit) return Infinity
      const last = windows(history, window).at(-1)
      if (last === undefined || now >= last[0]!.at + window || sum(last) + units <= limit) return 0
      return last[0]!.at + window - now
    },
    used: (history, now) => {
      const last = windows(history, window).at(-1)
      return last === undefined || now >= last[0]!.at + window ? 0 : sum(last)
    },
    kept: (history, _, now) => {
      const last = windows(history, window).at(-1)
      return last === undefined || now >= last[0]!.at + window ? [] : [{ at: last[0]!.at, units: sum(last) }]
    },
    worstWindow: ({ limit }) => 2 * limit
  })
}
