/** What a process is asked to live through, with one client, and what it hands back. */
import * as Effect from "effect/Effect"
import type * as Client from "./Client.ts"
import * as Clients from "./Clients.ts"
import * as Day from "./Day.ts"
import * as Recorder from "./Recorder.ts"
import * as Scenario from "./Scenario.ts"
import * as Studies from "./Studies.ts"
import * as Study from "./Study.ts"
import * as Variations from "./Variations.ts"

export interface DayJob {
  readonly scenario: Scenario.Scenario
  /** A client, or a variation of the relay. */
  readonly client: Clients.Name | Variations.Name
  /** In which steps of minutes the course of the day is wanted, if it is. */
  readonly step?: number
}

export interface StudyJob {
  readonly study: Studies.Name
  readonly client: string
  readonly seed: number
}

export type Job = DayJob | StudyJob

export interface Result {
  readonly figures: Recorder.Figures
  readonly course: Recorder.Course | null
}

export type ResultOf<J extends Job> = J extends DayJob ? Result : Study.Findings

const isStudy = (job: Job): job is StudyJob => "study" in job

const makeOf = (name: DayJob["client"]): Client.Make =>
  name in Clients.clients ? Clients.clients[name as Clients.Name] : Variations.make(name as Variations.Name)

export const title = (job: Job): string => `${job.client}, ${isStudy(job) ? job.study : `the ${job.scenario.name} day`}`

const live = (
  { client, scenario, step }: DayJob,
  onNote: ((share: number) => void) | undefined
): Promise<Result> =>
  Effect.runPromise(
    Effect.map(Day.live(Scenario.settingOf(scenario), makeOf(client), onNote), ({ figures, recorder }) => ({
      figures,
      course: step === undefined ? null : Recorder.course(recorder, step)
    }))
  )

/** `onNote` is told of the share of time that has passed. */
export const run = <J extends Job>(job: J, onNote?: (share: number) => void): Promise<ResultOf<J>> =>
  (isStudy(job)
    ? Study.run(Studies.studies[job.study], job.client, job.seed, onNote)
    : live(job, onNote)) as Promise<ResultOf<J>>
