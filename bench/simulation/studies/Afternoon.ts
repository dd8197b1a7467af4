/** The busiest time of the article's day at its own pace, with something wrong for ten minutes in it. */
import { type SimulatedEndpoint, Traffic } from "effect-relay/testing"
import type * as Client from "../Client.ts"
import * as Clients from "../Clients.ts"
import * as Relay from "../clients/Relay.ts"
import type * as Incidents from "../Incidents.ts"
import * as Occasion from "../Occasion.ts"
import * as Scenario from "../Scenario.ts"
import type * as Setting from "../Setting.ts"

const minute = 60_000

export interface Afternoon {
  /** When it begins to go wrong, and until when, milliseconds. */
  readonly from: number
  readonly until: number
  readonly setting: (seed: number) => Setting.Setting
}

type Endpoint = SimulatedEndpoint.SimulatedEndpoint

/** `before` is how many minutes pass before. */
export const make = (before: number, change: (endpoint: Endpoint, span: Span) => Endpoint): Afternoon => {
  const span: Span = { from: before * minute, lasts: 10 * minute }
  const until = span.from + span.lasts
  const lasts = until + 20 * minute
  return {
    from: span.from,
    until,
    setting: (seed) => {
      const scenario = { name: "article", seed, speed: 1, knobs: Scenario.reference } as const
      const setting = Occasion.settingOf(scenario)
      return {
        ...setting,
        traffic: Traffic.make({
          seed: seed + 1,
          perDay: Scenario.perDay,
          lasts,
          // in the middle of it
          peakAt: (span.from + span.lasts / 2) / (24 * 60 * minute),
          unique: scenario.knobs.unique,
          questions: 500_000
        }),
        endpoints: setting.endpoints.map((endpoint) => change(withIncidents(endpoint, []), span)),
        notes: lasts / (10 * 1000),
        every: 10 * 1000
      }
    }
  }
}

export interface Span {
  readonly from: number
  readonly lasts: number
}

const withIncidents = (endpoint: Endpoint, incidents: ReadonlyArray<SimulatedEndpoint.Incident>): Endpoint => ({
  ...endpoint,
  behaviour: { ...endpoint.behaviour, incidents }
})

/** What goes wrong with some endpoints, twenty minutes after the beginning unless it is said. */
export const incident = (
  ids: ReadonlyArray<Incidents.Endpoint>,
  what: Omit<SimulatedEndpoint.Incident, "from" | "lasts">,
  before = 20
): Afternoon =>
  make(
    before,
    (endpoint, span) =>
      ids.some((id) => id === endpoint.id) ? withIncidents(endpoint, [{ ...span, ...what }]) : endpoint
  )

/** Some of the clients of the day. */
export const clients = (...names: ReadonlyArray<Clients.Name>): Readonly<Record<string, Client.Make>> =>
  Object.fromEntries(names.map((name) => [name, Clients.clients[name]]))

/** The relay with one thing changed. */
export const changed = (changes: Readonly<Record<string, Relay.Changes>>): Readonly<Record<string, Client.Make>> =>
  Object.fromEntries(Object.entries(changes).map(([name, change]) => [`relay, ${name}`, Relay.make(change)]))
