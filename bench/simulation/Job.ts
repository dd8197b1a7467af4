/** What a process is asked to live through, with one client, and what it hands back. */
import * as Effect from "effect/Effect"
import * as Calibration from "./Calibration.ts"
import type * as Client from "./Client.ts"
import * as Clients from "./Clients.ts"
import * as Course from "./Course.ts"
import * as Day from "./Day.ts"
import * as Occasion from "./Occasion.ts"
import type * as Recorder from "./Recorder.ts"
import * as Scenario from "./Scenario.ts"
import * as Studies from "./Studies.ts"
import * as Study from "./Study.ts"
import * as Variations from "./Variations.ts"

export interface DayJob {
  readonly scenario: Scenario.Scenario
  /** A client, or a variation of the relay. */
  readonly client: Clients.Name | Variations.Name
  /** Whether the course of the day is wanted. */
  readonly isShown?: boolean
}

export interface StudyJob {
  readonly study: Studies.Name
  readonly client: string
  readonly seed: number
}

export interface CalibrationJob {
  readonly calibrates: Scenario.Scenario
}

export type Job = DayJob | StudyJob | CalibrationJob

export interface Result {
  readonly figures: Recorder.Figures
  readonly course: Course.Course | null
}

export type ResultOf<J extends Job> = J extends DayJob ? Result
  : J extends StudyJob ? Study.Findings
  : Calibration.Calibration

type OnShare = ((share: number) => void) | undefined

const makeOf = (name: DayJob["client"]): Client.Make =>
  name in Clients.clients ? Clients.clients[name as Clients.Name] : Variations.make(name as Variations.Name)

export const title = (job: Job): string => {
  if ("calibrates" in job) return `seed ${job.calibrates.seed}`
  return `${job.client}, ${"study" in job ? job.study : Scenario.title(job.scenario.name)}`
}

const live = ({ client, isShown = false, scenario }: DayJob, onShare: OnShare): Effect.Effect<Result, unknown> =>
  Effect.map(Day.live(Occasion.settingOf(scenario), makeOf(client), onShare), ({ figures, recorder }) => ({
    figures,
    course: isShown ? Course.make(recorder) : null
  }))

const calibrate = ({ calibrates }: CalibrationJob, onShare: OnShare): Effect.Effect<Calibration.Calibration, unknown> =>
  Calibration.run(calibrates, (scenario, round) =>
    Effect.map(
      live({ scenario, client: "naive" }, (share) => onShare?.((round - 1 + share) / Calibration.maxRounds)),
      ({ figures }) => figures
    ))

const outcome = (job: Job, onShare: OnShare): Effect.Effect<ResultOf<Job>, unknown> => {
  if ("calibrates" in job) return calibrate(job, onShare)
  return "study" in job ? Study.run(Studies.all[job.study]!, job.client, job.seed, onShare) : live(job, onShare)
}

/** `onShare` is told of the share of time that has passed. */
export const run = <J extends Job>(job: J, onShare?: (share: number) => void): Promise<ResultOf<J>> =>
  Effect.runPromise(outcome(job, onShare)) as Promise<ResultOf<J>>
