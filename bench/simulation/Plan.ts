/** What a whole run lives through, and how its results become the report. */
import * as Effect from "effect/Effect"
import * as Calibration from "./Calibration.ts"
import * as Clients from "./Clients.ts"
import type * as Job from "./Job.ts"
import type * as Recorder from "./Recorder.ts"
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"
import type * as Variations from "./Variations.ts"

export interface Options {
  readonly seed: number
  /** How many times as fast the day passes. */
  readonly speed: number
  /** The same for the relay with one thing changed. */
  readonly variationSpeed: number
  readonly ablations: ReadonlyArray<keyof typeof Variations.ablations>
  readonly settings: ReadonlyArray<keyof typeof Variations.settings>
}

/** Lives through jobs, in whatever processes there are. */
export type Run = (what: string, jobs: ReadonlyArray<Job.Job>) => Promise<ReadonlyArray<Job.Result>>

export interface Outcome {
  readonly report: Report.Report
  /** The course of each day with each client. */
  readonly courses: Readonly<Record<string, Readonly<Record<string, Recorder.Course>>>>
}

const days: ReadonlyArray<Scenario.Name> = ["article", "tight", "storm"]

/** In which steps of minutes a day is shown. */
const step = 10

const calibrate = ({ seed, speed }: Options, run: Run): Promise<Calibration.Calibration> =>
  Effect.runPromise(Calibration.run(
    { name: "article", seed, speed, knobs: Scenario.reference },
    (scenario) =>
      Effect.map(
        Effect.promise(() => run("calibration", [{ scenario, client: "naive" }])),
        ([result]) => result!.figures
      )
  ))

const group = <A>(keys: ReadonlyArray<readonly [outer: string, inner: string]>, values: ReadonlyArray<A>) => {
  const grouped: Record<string, Record<string, A>> = {}
  keys.forEach(([outer, inner], index) => {
    grouped[outer] = { ...grouped[outer], [inner]: values[index]! }
  })
  return grouped
}

export const live = async (options: Options, run: Run): Promise<Outcome> => {
  const { rounds, ...calibration } = await calibrate(options, run)
  const { seed, speed, variationSpeed } = options
  const { knobs, reached } = calibration

  const pairs = days.flatMap((name) => Clients.names.map((client) => [name, client] as const))
  const results = await run(
    "days",
    pairs.map(([name, client]) => ({ scenario: { name, seed, speed, knobs }, client, step }))
  )
  const figures = group(pairs, results.map((result) => result.figures))
  const courses = group(pairs, results.map((result) => result.course!))

  const vary = async (what: string, names: ReadonlyArray<string>) => {
    const changed = days.flatMap((name) => ["relay", ...names].map((change) => [name, change] as const))
    const results = await run(
      what,
      changed.map(([name, change]) => ({
        scenario: { name, seed, speed: variationSpeed, knobs },
        client: change as Job.Job["client"]
      }))
    )
    return group(changed, results.map((result) => result.figures))
  }

  const { article, ...others } = figures as Record<string, Report.Clients>
  return {
    courses,
    report: {
      seed,
      speed,
      requests: article!.relay.requests,
      calibration: { knobs, claimed: Calibration.claimed, reached, rounds },
      clients: article!,
      days: others,
      ablations: await vary("ablations", options.ablations),
      settings: await vary("settings", options.settings)
    }
  }
}
