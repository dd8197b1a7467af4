/** One client and one day: what a process is asked to live through, and what it hands back. */
import * as Effect from "effect/Effect"
import type * as Client from "./Client.ts"
import * as Clients from "./Clients.ts"
import * as Day from "./Day.ts"
import * as Recorder from "./Recorder.ts"
import type * as Scenario from "./Scenario.ts"
import * as Variations from "./Variations.ts"

export interface Job {
  readonly scenario: Scenario.Scenario
  /** A client, or a variation of the relay. */
  readonly client: Clients.Name | Variations.Name
  /** In which steps of minutes the course of the day is wanted, if it is. */
  readonly step?: number
}

export interface Result {
  readonly figures: Recorder.Figures
  readonly course: Recorder.Course | null
}

const makeOf = (name: Job["client"]): Client.Make =>
  name in Clients.clients ? Clients.clients[name as Clients.Name] : Variations.make(name as Variations.Name)

export const title = ({ client, scenario }: Job): string => `${client} on the ${scenario.name} day`

/** `onMinute` is told of each minute of the day that has passed. */
export const run = ({ client, scenario, step }: Job, onMinute?: (minute: number) => void): Promise<Result> =>
  Effect.runPromise(Effect.map(Day.live(scenario, makeOf(client), onMinute), ({ figures, recorder }) => ({
    figures,
    course: step === undefined ? null : Recorder.course(recorder, step)
  })))
