/** What became of every request, and how the endpoints were in every minute. */
import type { SimulatedWorld } from "effect-relay/testing"
import type * as Client from "./Client.ts"
import type * as Setting from "./Setting.ts"

const outcomes: ReadonlyArray<Client.Outcome> = ["Answered", "Hit", "Limited", "Failed"]

export interface Recorder {
  /** When each request came, milliseconds. */
  readonly times: Float64Array
  readonly setting: Setting.Setting
  /** How long each took, milliseconds; `NaN` until it has ended. */
  readonly latencies: Float64Array
  /** Which of `outcomes`, for each. */
  readonly ends: Uint8Array
  /** What the endpoints had seen whenever notes were taken, and how the client saw them. */
  readonly notes: Array<{
    readonly tallies: ReadonlyArray<SimulatedWorld.Tally>
    readonly states: ReadonlyArray<string>
  }>
}

export const make = (setting: Setting.Setting): Recorder => {
  const { times } = setting.traffic
  return {
    setting,
    times,
    latencies: new Float64Array(times.length).fill(NaN),
    ends: new Uint8Array(times.length),
    notes: []
  }
}

export const end = (self: Recorder, request: number, outcome: Client.Outcome, latency: number): void => {
  self.latencies[request] = latency
  self.ends[request] = outcomes.indexOf(outcome)
}

/** The figures of a day. */
export interface Figures {
  readonly requests: number
  /** 429s among all that was sent. */
  readonly rate429: number
  /** Requests that failed for the sake of a limit. */
  readonly limited: number
  /** Of the requests that were answered, milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Requests that were answered in time. */
  readonly availability: number
  /** Minutes in which at least nine of ten requests were answered in time. */
  readonly upMinutes: number
  /** Dollars in thirty such days. */
  readonly monthlyCost: number
  /** Requests that were answered without being sent. */
  readonly hitRate: number
  /** Sent upstream for each request. */
  readonly sends: number
}

/** A quantile of sorted numbers. */
export const quantile = (sorted: Float64Array, share: number): number =>
  sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!

export const round = (value: number, digits: number): number => Number(value.toPrecision(digits))

export const isAnswered = (self: Recorder, request: number): boolean => self.ends[request]! < 2

/** The requests between notes, as ranges. */
export const ranges = function*({ setting, times }: Recorder): Generator<readonly [from: number, until: number]> {
  let from = 0
  for (let note = 1; note <= setting.notes; note++) {
    let until = from
    while (until < times.length && times[until]! < note * setting.every) until++
    yield [from, until]
    from = until
  }
}

export const latenciesOf = (self: Recorder, from: number, until: number): Float64Array =>
  self.latencies.subarray(from, until).filter((_, index) => isAnswered(self, from + index)).sort()

export const count = (self: Recorder, from: number, until: number, outcome: Client.Outcome): number => {
  const code = outcomes.indexOf(outcome)
  let found = 0
  for (let request = from; request < until; request++) if (self.ends[request] === code) found++
  return found
}

/** What it comes to. */
export const figures = (self: Recorder, tallies: ReadonlyArray<SimulatedWorld.Tally>): Figures => {
  const requests = self.times.length
  const sorted = latenciesOf(self, 0, requests)
  const total = (field: "sent" | "refused" | "cost") => tallies.reduce((sum, tally) => sum + tally[field], 0)
  let up = 0
  for (const [from, until] of ranges(self)) {
    const failed = count(self, from, until, "Limited") + count(self, from, until, "Failed")
    if (failed <= 0.1 * (until - from)) up++
  }
  return {
    requests,
    rate429: round(total("refused") / Math.max(1, total("sent")), 4),
    limited: round(count(self, 0, requests, "Limited") / requests, 4),
    p50: round(quantile(sorted, 0.5), 4),
    p99: round(quantile(sorted, 0.99), 4),
    p999: round(quantile(sorted, 0.999), 4),
    availability: round(sorted.length / requests, 6),
    upMinutes: round(up / self.setting.notes, 5),
    monthlyCost: round(total("cost") * self.setting.perMonth, 5),
    hitRate: round(count(self, 0, requests, "Hit") / requests, 4),
    sends: round(total("sent") / requests, 4)
  }
}
