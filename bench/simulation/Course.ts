/** The course of a day, for plots. */
import type { SimulatedWorld } from "effect-relay/testing"
import type * as Client from "./Client.ts"
import * as Recorder from "./Recorder.ts"

// the last that was neither, where there was one
const well = new Set(["Healthy", "closed"])

const worstOf = (notes: Recorder.Recorder["notes"]): ReadonlyArray<string> => {
  const last = notes.at(-1)?.states ?? []
  return last.map((state, place) => notes.findLast(({ states }) => !well.has(states[place]!))?.states[place] ?? state)
}

/** What happened in steps of time. */
export interface Steps {
  readonly answered: ReadonlyArray<number>
  readonly hits: ReadonlyArray<number>
  readonly limited: ReadonlyArray<number>
  readonly failed: ReadonlyArray<number>
  readonly p50: ReadonlyArray<number>
  readonly p99: ReadonlyArray<number>
  /** Sent to each endpoint. */
  readonly sent: ReadonlyArray<ReadonlyArray<number>>
  readonly refused: ReadonlyArray<ReadonlyArray<number>>
  readonly cost: ReadonlyArray<number>
  readonly states: ReadonlyArray<ReadonlyArray<string>>
}

/** In steps of so many notes. */
export const steps = (self: Recorder.Recorder, step: number): Steps => {
  const all = Array.from(Recorder.ranges(self))
  const spans = Array.from(
    { length: Math.ceil(all.length / step) },
    (_, index) => [all[index * step]![0], all[Math.min(all.length, (index + 1) * step) - 1]![1]] as const
  )
  const outcome = (name: Client.Outcome) => spans.map(([from, until]) => Recorder.count(self, from, until, name))
  const latency = (share: number) =>
    spans.map(([from, until]) => Recorder.round(Recorder.quantile(Recorder.latenciesOf(self, from, until), share), 3))
  const ends = spans.map((_, index) => self.notes[Math.min(self.notes.length, (index + 1) * step) - 1]!)
  const gained = (read: (tallies: ReadonlyArray<SimulatedWorld.Tally>) => number) =>
    ends.map(({ tallies }, index) => read(tallies) - (index === 0 ? 0 : read(ends[index - 1]!.tallies)))
  const places = ends[0]!.tallies.map((_, place) => place)
  return {
    answered: outcome("Answered"),
    hits: outcome("Hit"),
    limited: outcome("Limited"),
    failed: outcome("Failed"),
    p50: latency(0.5),
    p99: latency(0.99),
    sent: places.map((place) => gained((tallies) => tallies[place]!.sent)),
    refused: places.map((place) => gained((tallies) => tallies[place]!.refused)),
    cost: gained((tallies) => tallies.reduce((sum, { cost }) => sum + cost, 0)).map((cost) =>
      Recorder.round(cost * self.setting.perMonth / 30, 4)
    ),
    states: spans.map((_, index) => worstOf(self.notes.slice(index * step, (index + 1) * step)))
  }
}

/** By minute, and in steps of ten minutes, in which lines can be told apart. */
export interface Course {
  readonly byMinute: Steps
  readonly overview: Steps
}

/** How many minutes are one step of the overview. */
export const overviewStep = 10

export const make = (recorder: Recorder.Recorder): Course => ({
  byMinute: steps(recorder, 1),
  overview: steps(recorder, overviewStep)
})
