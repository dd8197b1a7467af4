/** Small worlds with one service in them, and who asks it. */
import { SimulatedEndpoint, Traffic } from "effect-relay/testing"
import * as Naive from "../clients/Naive.ts"
import * as Relay from "../clients/Relay.ts"
import type * as Setting from "../Setting.ts"

export const second = 1000
export const minute = 60 * second

/** Requests that come steadily, each another question. */
export const steady = (seed: number, perSecond: number, lasts: number): Traffic.Traffic =>
  Traffic.make({
    seed: seed + 1,
    perDay: perSecond * 86_400,
    lasts,
    swing: 0,
    unique: 1,
    bursts: { factor: 1, last: 1, every: 1 }
  })

/** One service that works on ten requests at once, a tenth of a second on each: a hundred a second. */
export const busy = (incident: SimulatedEndpoint.Incident) => [
  SimulatedEndpoint.make("S", { latency: { median: 100, sigma: 0.1 }, workers: 10, incidents: [incident] }, { tier: 0 })
]

/** A world that lasts so long, in which callers wait five seconds, and nothing is kept. */
export const world = (
  seed: number,
  traffic: Traffic.Traffic,
  endpoints: ReadonlyArray<SimulatedEndpoint.SimulatedEndpoint>,
  lasts: number
): Setting.Setting => ({
  seed,
  traffic,
  endpoints,
  accounts: {},
  pinned: 0,
  patience: 5 * second,
  cache: { capacity: 1, timeToLive: 1 },
  notes: lasts / second,
  every: second,
  perMonth: 0,
  shifts: []
})

/** So many tries of a second each, as it is often written. */
export const tries = (count: number) =>
  Naive.make({ tries: count, base: 100, longest: 1000, jitter: 1, obeys: 60, timeout: second })

/** The relay, whose attempts may take a second as well; everything else by default, and as it is changed. */
export const relay = ({ relay, ...changes }: Relay.Changes = {}) =>
  Relay.make({ ...changes, relay: { attemptTimeout: "1 second", ...relay } })
