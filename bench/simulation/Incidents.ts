/** What goes wrong with the endpoints of a day. */
import type { SimulatedEndpoint } from "effect-relay/testing"
import * as Scenario from "./Scenario.ts"

export type Endpoint = "A" | "B" | "C" | "D"

interface Incident {
  readonly at: Endpoint
  /** The hour at which it begins, and how many minutes of the day it lasts. */
  readonly hour: number
  readonly minutes: number
  readonly what: Omit<SimulatedEndpoint.Incident, "from" | "lasts">
}

/** The article's incident: A answers everything with HTTP 200, slowly, and a part of it never. */
const onA = ({ knobs }: Scenario.Scenario): Incident => ({
  at: "A",
  hour: 14,
  minutes: 47,
  what: { latencyFactor: knobs.slowdown, silence: knobs.silence }
})

/** One thing after the other. */
const rough: ReadonlyArray<Incident> = [
  { at: "B", hour: 8, minutes: 30, what: { hiddenErrors: 0.3 } },
  // one region
  { at: "B", hour: 11, minutes: 10, what: { unreachable: 1, failsIn: 5 } },
  { at: "D", hour: 11, minutes: 10, what: { unreachable: 1, failsIn: 5 } },
  { at: "C", hour: 17, minutes: 20, what: { silence: 0.2 } }
]

const more: Readonly<Record<Scenario.Name, ReadonlyArray<Incident>>> = {
  article: [],
  tight: [],
  storm: [],
  silent: [{ at: "B", hour: 14, minutes: 47, what: { latencyFactor: 20 } }],
  failing: [{ at: "B", hour: 14, minutes: 20, what: { failures: 1, failsIn: 5 } }],
  rough
}

/** Those of one endpoint. */
export const at = (scenario: Scenario.Scenario, endpoint: Endpoint): ReadonlyArray<SimulatedEndpoint.Incident> =>
  [onA(scenario), ...more[scenario.name]].filter((incident) => incident.at === endpoint).map((
    { hour, minutes, what }
  ) => ({ ...what, from: Scenario.hours(scenario, hour), lasts: Scenario.hours(scenario, minutes / 60) }))
