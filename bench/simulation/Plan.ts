/** What a whole run lives through, and how its results become the report. */
import type * as Calibration from "./Calibration.ts"
import * as Claims from "./Claims.ts"
import * as Clients from "./Clients.ts"
import type * as Course from "./Course.ts"
import type * as Job from "./Job.ts"
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"
import * as Studies from "./Studies.ts"
import * as Variations from "./Variations.ts"

export interface Options {
  readonly seed: number
  /** How many times as fast days pass; studies have a pace of their own. */
  readonly speed: number
  readonly days: ReadonlyArray<Scenario.Name>
  /** The relay with one thing changed, on those of the days on which it can make a difference. */
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
  readonly courses: Readonly<Record<string, Readonly<Record<string, Course.Course>>>>
}

const group = <A>(keys: ReadonlyArray<readonly [outer: string, inner: string]>, values: ReadonlyArray<A>) => {
  const grouped: Record<string, Record<string, A>> = {}
  keys.forEach(([outer, inner], index) => {
    grouped[outer] = { ...grouped[outer], [inner]: values[index]! }
  })
  return grouped
}

/** Another seed, and what its day was calibrated to. */
interface Draw {
  readonly seed: number
  readonly knobs: Scenario.Knobs
}

const calibrate = async ({ seed, seeds, speed }: Options, run: Run): Promise<ReadonlyArray<Calibration.Calibration>> =>
  run(
    "calibration",
    Array.from({ length: seeds + 1 }, (_, index) => ({
      calibrates: { name: "article", seed: seed + 100 * index, speed, knobs: Scenario.reference }
    }))
  )

const study = async ({ seed, studies }: Options, run: Run): Promise<Report.Report["studies"]> => {
  const pairs = studies.flatMap((name) =>
    Object.keys(Studies.all[name]!.clients).map((client) => [name, client] as const)
  )
  const findings = group(pairs, await run("studies", pairs.map(([study, client]) => ({ study, client, seed }))))
  return Object.fromEntries(
    studies.map((name) => [name, { about: Studies.all[name]!.about, clients: findings[name]! }])
  )
}

/** Who is lived through again with other seeds, and when. */
const spreadClients = ["naive", "relay", "oracle"] as const
const spreadDays: ReadonlyArray<Scenario.Name> = ["article", "tight", "storm"]

type Days = Readonly<Record<string, Report.Clients>>

/** With the first seed and all others, each with its own calibration. */
const spread = async (
  { days, speed }: Options,
  draws: ReadonlyArray<Draw>,
  first: Days,
  run: Run
): Promise<Report.Report["spread"]> => {
  const others = draws.slice(1)
  if (others.length === 0) return { seeds: [], days: {} }

  const pairs = spreadDays.filter((name) => days.includes(name)).flatMap((name) =>
    spreadClients.map((client) => [name, client] as const)
  )
  const results = await run(
    "other seeds",
    pairs.flatMap(([name, client]) => others.map((draw) => ({ scenario: { name, speed, ...draw }, client })))
  )
  const figures = results.map((result) => result.figures)
  return {
    seeds: draws,
    days: group(
      pairs,
      pairs.map(([name, client], index) => [
        first[name]![client],
        ...figures.slice(index * others.length, (index + 1) * others.length)
      ])
    )
  }
}

/** The relay with one thing changed, below the relay as it is. */
const vary = async (
  what: string,
  { days, seed, speed }: Options,
  names: ReadonlyArray<Variations.Name>,
  knobs: Scenario.Knobs,
  asItIs: Days,
  run: Run
): Promise<Report.Report["ablations"]> => {
  const pairs = days.flatMap((day) =>
    names.filter((name) => Variations.daysOf(name).includes(day)).map((name) => [day, name] as const)
  )
  const results = await run(
    what,
    pairs.map(([name, client]) => ({ scenario: { name, seed, speed, knobs }, client }))
  )
  const changed = group(pairs, results.map(({ figures }) => figures))
  return Object.fromEntries(
    Object.entries(changed).map(([day, rows]) => [day, { relay: asItIs[day]!.relay, ...rows }])
  )
}

export const live = async (options: Options, run: Run): Promise<Outcome> => {
  const { days, seed, speed } = options
  const calibrations = await calibrate(options, run)
  const { knobs, reached, rounds } = calibrations[0]!
  const draws = calibrations.map(({ knobs }, index): Draw => ({ seed: seed + 100 * index, knobs }))

  const pairs = days.flatMap((name) => Clients.names.map((client) => [name, client] as const))
  const results = await run(
    "days",
    pairs.map(([name, client]) => ({ scenario: { name, seed, speed, knobs }, client, isShown: true }))
  )
  const figures = group(pairs, results.map((result) => result.figures)) as Record<string, Report.Clients>
  const { article, ...others } = figures
  return {
    courses: group(pairs, results.map((result) => result.course!)),
    report: {
      seed,
      speed,
      requests: article!.relay.requests,
      calibration: { knobs, claimed: Claims.claimed, reached, rounds },
      clients: article!,
      days: others,
      ablations: await vary("ablations", options, options.ablations, knobs, figures, run),
      settings: await vary("settings", options, options.settings, knobs, figures, run),
      studies: await study(options, run),
      spread: await spread(options, draws, figures, run)
    }
  }
}

/** What is lived through unless all is asked for: within three minutes on two cores. */
export const brief = {
  days: ["article", "tight", "storm"],
  ablations: ["without cache", "without limits known", "without slowing down after a 429"],
  settings: [],
  studies: ["retry storm", "silent degradation"],
  seeds: 0
} as const satisfies Partial<Options>

/** Everything. */
export const whole = {
  days: Scenario.names,
  ablations: Variations.ablationNames,
  settings: Variations.settingNames,
  studies: Studies.names,
  seeds: 4
} as const satisfies Partial<Options>
