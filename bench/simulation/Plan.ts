/** What a whole run lives through, and how its results become the report. */
import * as Effect from "effect/Effect"
import * as Calibration from "./Calibration.ts"
import * as Clients from "./Clients.ts"
import type * as Job from "./Job.ts"
import type * as Recorder from "./Recorder.ts"
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"
import * as Studies from "./Studies.ts"
import type * as Variations from "./Variations.ts"

export interface Options {
  readonly seed: number
  /** How many times as fast the day passes. */
  readonly speed: number
  /** The same for the relay with one thing changed. */
  readonly variationSpeed: number
  readonly ablations: ReadonlyArray<keyof typeof Variations.ablations>
  readonly settings: ReadonlyArray<keyof typeof Variations.settings>
  readonly studies: ReadonlyArray<Studies.Name>
  /** How many other seeds show the spread. */
  readonly seeds: number
}

/** Lives through jobs, in whatever processes there are. */
export type Run = <J extends Job.Job>(what: string, jobs: ReadonlyArray<J>) => Promise<ReadonlyArray<Job.ResultOf<J>>>

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

const study = async ({ seed, studies }: Options, run: Run): Promise<Report.Report["studies"]> => {
  const pairs = studies.flatMap((name) =>
    Object.keys(Studies.all[name]!.clients).map((client) => [name, client] as const)
  )
  const findings = group(pairs, await run("studies", pairs.map(([study, client]) => ({ study, client, seed }))))
  return Object.fromEntries(
    studies.map((name) => [name, { about: Studies.all[name]!.about, clients: findings[name]! }])
  )
}

/** Who is lived through again with other seeds. */
const spreading = ["naive", "relay", "oracle"] as const

const spread = async (
  { seed, seeds, variationSpeed }: Options,
  knobs: Scenario.Knobs,
  run: Run
): Promise<Report.Report["spread"]> => {
  const pairs = days.flatMap((name) => spreading.map((client) => [name, client] as const))
  const jobs = pairs.flatMap(([name, client]) =>
    Array.from({ length: seeds }, (_, index) => ({
      scenario: { name, seed: seed + 100 * (index + 1), speed: variationSpeed, knobs },
      client
    }))
  )
  const results = await run("other seeds", jobs)
  const figures = results.map((result) => result.figures)
  return group(pairs, pairs.map((_, index) => figures.slice(index * seeds, (index + 1) * seeds)))
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
    if (names.length === 0) return {}
    const changed = days.flatMap((name) => ["relay", ...names].map((change) => [name, change] as const))
    const results = await run(
      what,
      changed.map(([name, change]) => ({
        scenario: { name, seed, speed: variationSpeed, knobs },
        client: change as Job.DayJob["client"]
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
      settings: await vary("settings", options.settings),
      studies: await study(options, run),
      spread: await spread(options, knobs, run)
    }
  }
}
