/** What the article says, and what was set out to be reached. */
import type * as Recorder from "./Recorder.ts"
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"

/** What the article says of a day without its relay, and of its cache. */
export const claimed = { rate429: 0.123, p50: 340, p99: 2100, availability: 0.982, hitRate: 0.342 } as const

/** Dollars a month without it. */
export const claimedCost = 4850

/** What the article says of its relay. */
export const promised = { rate429: 0.0002, p50: 67, p99: 145, availability: 0.9997, monthlyCost: 890, hitRate: 0.342 }

type Figure = "rate429" | "p50" | "p99" | "p999" | "availability" | "hitRate" | "sends" | "cost"

/** What the relay is to reach. */
export interface Target {
  readonly day: Scenario.Name
  readonly figure: Figure
  readonly bound: number
}

/** The cost is a share of the naive client's bill. */
export const targets: ReadonlyArray<Target> = [
  { day: "article", figure: "rate429", bound: 0.00005 },
  { day: "article", figure: "p50", bound: 66 },
  { day: "article", figure: "p99", bound: 147 },
  { day: "article", figure: "p999", bound: 250 },
  { day: "article", figure: "availability", bound: 0.99995 },
  { day: "article", figure: "cost", bound: 0.165 },
  { day: "article", figure: "hitRate", bound: 0.369 },
  { day: "article", figure: "sends", bound: 0.65 },
  { day: "tight", figure: "rate429", bound: 0.0002 },
  { day: "tight", figure: "p99", bound: 400 },
  { day: "tight", figure: "availability", bound: 0.9999 },
  { day: "storm", figure: "rate429", bound: 0.0015 },
  { day: "storm", figure: "p99", bound: 350 },
  { day: "storm", figure: "availability", bound: 0.9999 },
  { day: "silent", figure: "availability", bound: 0.99999 },
  { day: "failing", figure: "availability", bound: 0.99999 }
]

interface Way {
  readonly name: string
  readonly of: (figures: Recorder.Figures, naive: Recorder.Figures) => number
  readonly show: (value: number) => string
  /** Whether it is good when it is large. */
  readonly isFloor?: boolean
}

const percent = (digits: number) => (value: number): string => `${(100 * value).toFixed(digits)} %`
const millis = (value: number): string => `${value.toFixed(0)} ms`

const ways: Readonly<Record<Figure, Way>> = {
  rate429: { name: "429s of all sent", of: ({ rate429 }) => rate429, show: percent(3) },
  p50: { name: "p50", of: ({ p50 }) => p50, show: millis },
  p99: { name: "p99", of: ({ p99 }) => p99, show: millis },
  p999: { name: "p99.9", of: ({ p999 }) => p999, show: millis },
  availability: { name: "answered in time", of: ({ availability }) => availability, show: percent(3), isFloor: true },
  hitRate: { name: "from the cache", of: ({ hitRate }) => hitRate, show: percent(1), isFloor: true },
  sends: { name: "sent a request", of: ({ sends }) => sends, show: (value) => value.toFixed(2) },
  cost: {
    name: "of the SDK's bill",
    of: ({ monthlyCost }, naive) => monthlyCost / naive.monthlyCost,
    show: percent(1)
  }
}

export interface Reached {
  readonly what: string
  readonly asked: string
  readonly relay: string
  /** The worst of all seeds, where there are several. */
  readonly worst: string
  readonly oracle: string
  readonly status: "met" | "met, not with every seed" | "missed"
}

/** What was reached of it, on the days that were lived through. */
export const reached = ({ clients, days, spread }: Report.Report): ReadonlyArray<Reached> =>
  targets.flatMap(({ bound, day, figure }) => {
    const all = day === "article" ? clients : days[day]
    if (all === undefined) return []
    const { isFloor = false, name, of, show } = ways[figure]
    const isMet = (value: number): boolean => isFloor ? value >= bound : value <= bound
    const { naive = [], relay = [] } = spread.days[day] ?? {}
    const values = relay.map((figures, index) => of(figures, naive[index]!))
    const value = of(all.relay, all.naive)
    return [{
      what: `${Scenario.title(day)}: ${name}`,
      asked: `${isFloor ? "at least" : "at most"} ${show(bound)}`,
      relay: show(value),
      worst: values.length === 0 ? "–" : show(isFloor ? Math.min(...values) : Math.max(...values)),
      oracle: show(of(all.oracle, all.naive)),
      status: !isMet(value) ? "missed" : values.every(isMet) ? "met" : "met, not with every seed"
    }]
  })
