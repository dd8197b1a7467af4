/**
 * Sets a day so that the naive client meets the article's "without" column, and a cache that keeps what was used last has
 * its hit rate. Nothing of the relay is looked at.
 */
import * as Effect from "effect/Effect"
import * as Claims from "./Claims.ts"
import * as Shelf from "./clients/Shelf.ts"
import * as Occasion from "./Occasion.ts"
import type * as Recorder from "./Recorder.ts"
import type * as Scenario from "./Scenario.ts"
import type * as Setting from "./Setting.ts"

const { claimed } = Claims

export type Reached = { readonly [K in keyof typeof claimed]: number }

/** How far off each may be. */
const tolerance: Reached = { rate429: 0.001, p50: 3, p99: 30, availability: 0.0005, hitRate: 0.001 }

export interface Calibration {
  readonly knobs: Scenario.Knobs
  readonly reached: Reached
  /** How often the naive client lived through the day for it. */
  readonly rounds: number
}

export const maxRounds = 8

/** How many would be answered from a cache if answers took no time. */
const hitRate = ({ cache, traffic: { questions, times } }: Setting.Setting): number => {
  const shelf = Shelf.make(cache.capacity, cache.timeToLive)
  let hits = 0
  questions.forEach((question, index) => {
    if (Shelf.find(shelf, question, times[index]!)) hits++
    else Shelf.put(shelf, question, times[index]!)
  })
  return hits / questions.length
}

/** The more questions are asked once, the fewer hits: halves the interval until it is near enough. */
const findUnique = (scenario: Scenario.Scenario): { readonly unique: number; readonly found: number } => {
  const rateOf = (unique: number): number =>
    hitRate(Occasion.settingOf({ ...scenario, knobs: { ...scenario.knobs, unique } }))
  let [low, high] = [0, 1]
  let unique = scenario.knobs.unique
  let found = rateOf(unique)
  while (Math.abs(found - claimed.hitRate) > tolerance.hitRate && high - low > 1e-4) {
    if (found > claimed.hitRate) low = unique
    else high = unique
    unique = (low + high) / 2
    found = rateOf(unique)
  }
  return { unique, found }
}

/** Which knob moves which figure, and by which power of it the figure moves, roughly. */
const levers = [
  ["median", "p50", 1],
  ["limit", "rate429", -2.8],
  ["slowdown", "p99", 0.7],
  ["silence", "availability", 0]
] as const

const turn = (knobs: Scenario.Knobs, figures: Recorder.Figures): Scenario.Knobs => {
  const turned: { -readonly [K in keyof Scenario.Knobs]: number } = { ...knobs }
  for (const [knob, figure, power] of levers) {
    if (Math.abs(figures[figure] - claimed[figure]) <= tolerance[figure]) continue
    // what is lost moves with the silence, apart from what the limits cost
    if (power === 0) turned[knob] = Math.max(0, knobs[knob] + (figures[figure] - claimed[figure]) / 0.05)
    else turned[knob] *= (claimed[figure] / figures[figure]) ** (1 / power)
  }
  return turned
}

const isNear = (figures: Recorder.Figures): boolean =>
  levers.every(([, figure]) => Math.abs(figures[figure] - claimed[figure]) <= tolerance[figure])

/** Calibrates the article's day; `live` lives through it with the naive client. */
export const run = <E>(
  scenario: Scenario.Scenario,
  live: (scenario: Scenario.Scenario, round: number) => Effect.Effect<Recorder.Figures, E>
): Effect.Effect<Calibration, E> =>
  Effect.gen(function*() {
    const { found, unique } = findUnique(scenario)
    let knobs: Scenario.Knobs = { ...scenario.knobs, unique }
    let rounds = 1
    let figures = yield* live({ ...scenario, knobs }, rounds)
    while (!isNear(figures) && rounds < maxRounds) {
      knobs = turn(knobs, figures)
      rounds++
      figures = yield* live({ ...scenario, knobs }, rounds)
    }
    const { availability, p50, p99, rate429 } = figures
    return { knobs, reached: { rate429, p50, p99, availability, hitRate: found }, rounds }
  })
