/** What goes wrong in production, one thing at a time. */
import { RateLimiter } from "effect-relay"
import { SimulatedAccount, SimulatedEndpoint, Traffic } from "effect-relay/testing"
import * as Effect from "effect/Effect"
import type * as Client from "./Client.ts"
import * as Clients from "./Clients.ts"
import * as Naive from "./clients/Naive.ts"
import * as Relay from "./clients/Relay.ts"
import * as Scenario from "./Scenario.ts"
import type * as Setting from "./Setting.ts"
import type * as Study from "./Study.ts"

const second = 1000
const minute = 60 * second

/** Requests that come steadily, each another question. */
const steady = (seed: number, perSecond: number, lasts: number): Traffic.Traffic =>
  Traffic.make({
    seed: seed + 1,
    perDay: perSecond * 86_400,
    lasts,
    swing: 0,
    unique: 1,
    bursts: { factor: 1, last: 1, every: 1 }
  })

/** One service that works on ten requests at once, a tenth of a second on each: a hundred a second. */
const service = (incident: SimulatedEndpoint.Incident) => [
  SimulatedEndpoint.make("S", { latency: { median: 100, sigma: 0.1 }, workers: 10, incidents: [incident] }, { tier: 0 })
]

const small = (
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

/** Three tries of a second each, as it is often written. */
const insistent = Naive.make({ tries: 3, base: 100, longest: 1000, jitter: 1, obeys: 60, timeout: second })

const cautious = { relay: { attemptTimeout: "1 second" }, bulkhead: { maxConcurrent: 20 } } as const
const careful = Relay.make(cautious)
const hopeful = Relay.make({ ...cautious, breaker: { openFor: "5 seconds" } })

/** Two hours of the article's day around its peak, with something wrong with some endpoints for ten minutes. */
const afternoon = (
  seed: number,
  change: (endpoint: SimulatedEndpoint.SimulatedEndpoint) => SimulatedEndpoint.SimulatedEndpoint
): Setting.Setting => {
  const setting = Scenario.settingOf({ name: "article", seed, speed: 24, knobs: Scenario.reference })
  return { ...setting, endpoints: setting.endpoints.map(change), notes: 360, every: 10 * second }
}

const tenMinutes = { from: 30 * minute, lasts: 10 * minute }
const [from, until] = [tenMinutes.from, tenMinutes.from + tenMinutes.lasts]

const withIncident = (
  incident: Omit<SimulatedEndpoint.Incident, "from" | "lasts">,
  isMeant: (id: string) => boolean
) =>
(endpoint: SimulatedEndpoint.SimulatedEndpoint): SimulatedEndpoint.SimulatedEndpoint =>
  isMeant(endpoint.id)
    ? { ...endpoint, behaviour: { ...endpoint.behaviour, incidents: [{ ...tenMinutes, ...incident }] } }
    : { ...endpoint, behaviour: { ...endpoint.behaviour, incidents: [] } }

const everybody = ["naive", "retry", "plan", "article", "relay"] as const
const clientsOf = (names: ReadonlyArray<Clients.Name>) =>
  Object.fromEntries(names.map((name) => [name, Clients.clients[name]]))

// of two tenants, the noisy one asks questions from here on
const noisyFrom = 1_000_000

const merge = (a: Traffic.Traffic, b: Traffic.Traffic, after: number): Traffic.Traffic => {
  const all = [
    ...Array.from(a.times, (at) => [at, 0] as const),
    ...Array.from(b.times, (at) => [at + after, noisyFrom] as const)
  ].sort(([one], [other]) => one - other)
  return {
    times: Float64Array.from(all, ([at]) => at),
    questions: Int32Array.from(all, ([, first], index) => first + index)
  }
}

/** Each tenant under a limit of its own, before the relay. */
const limited: Client.Make = (setting) =>
  Effect.gen(function*() {
    const { ask, ...client } = yield* careful(setting)
    const limiter = yield* RateLimiter.make({ limit: 60, window: "1 second", burst: 0.5 })
    return {
      ...client,
      ask: (request) =>
        limiter.at(request.question < noisyFrom ? "quiet" : "noisy").protect(ask(request)).pipe(
          Effect.catchTag("RateLimited", () => Effect.succeed<Client.Outcome>("Limited"))
        )
    }
  })

const account = SimulatedAccount.make("small", { requestsPerMinute: 6000, burst: 100 })

export const studies = {
  "retry storm": {
    about:
      "a service at seven tenths of what it can do gets five times as slow for 20 s, and works on what nobody waits for",
    setting: (seed) =>
      small(
        seed,
        steady(seed, 70, 3 * minute),
        service({ from: minute, lasts: 20 * second, latencyFactor: 5 }),
        3 * minute
      ),
    from: minute,
    until: 80 * second,
    clients: { retry: insistent, relay: careful }
  },
  "recovery stampede": {
    about: "the only service is gone for a minute, and those who were left waiting all come back at once",
    setting: (seed) =>
      small(
        seed,
        steady(seed, 70, 4 * minute),
        service({ from: minute, lasts: minute, unreachable: 1, failsIn: 5 }),
        4 * minute
      ),
    from: minute,
    until: 2 * minute,
    clients: { retry: insistent, relay: careful, "relay, open for 5 s": hopeful }
  },
  "noisy tenant": {
    about: "one of two tenants asks twenty times as much for a minute; counted are the requests of the other",
    setting: (seed) =>
      small(
        seed,
        merge(steady(seed, 20, 3 * minute), steady(seed + 10, 400, minute), minute),
        [SimulatedEndpoint.make("S", { latency: { median: 100, sigma: 0.1 }, account }, {
          tier: 0,
          limits: { requestsPerMinute: 6000 }
        })],
        3 * minute
      ),
    from: minute,
    until: 2 * minute,
    counts: (question) => question < noisyFrom,
    clients: { retry: insistent, relay: careful, "relay, a limiter for each tenant": limited }
  },
  "clock steps": {
    about: "the wall clock is put back by an hour, and forward by three; nothing is to differ from a day without that",
    setting: (seed) => afternoon(seed, (endpoint) => endpoint),
    from,
    until,
    clients: {
      "relay": Clients.clients.relay,
      "relay, clock steps": {
        make: Clients.clients.relay,
        shifts: [{ at: from, by: -60 * minute }, { at: until, by: 180 * minute }]
      }
    }
  },
  "all endpoints down": {
    about: "nobody can be reached for ten minutes",
    setting: (seed) => afternoon(seed, withIncident({ unreachable: 1, failsIn: 5 }, () => true)),
    from,
    until,
    clients: {
      ...clientsOf(everybody),
      "relay, stale answers for an hour": Relay.make({ cache: { staleIfError: "1 hour" } })
    }
  },
  "quota gone": {
    about: "the account of the two cheapest endpoints has used up its quota for ten minutes",
    setting: (seed) => {
      const empty = SimulatedAccount.make("account-1", {
        requestsPerMinute: 2400,
        burst: 400,
        emptyDuring: [tenMinutes]
      })
      return afternoon(
        seed,
        (endpoint) => ({
          ...withIncident({}, () => false)(endpoint),
          ...(endpoint.account.id === "account-1" ? { account: empty } : {})
        })
      )
    },
    from,
    until,
    place: 0,
    clients: clientsOf(["plan", "article", "relay"])
  },
  "silent degradation": {
    about: "the preferred endpoint answers everything, twenty times as slowly, for ten minutes",
    setting: (seed) => afternoon(seed, withIncident({ latencyFactor: 20 }, (id) => id === "B")),
    from,
    until,
    place: 0,
    clients: clientsOf(["plan", "article", "relay"])
  },
  "failing fast": {
    about: "the preferred endpoint answers everything with HTTP 500 in 5 ms for ten minutes",
    setting: (seed) => afternoon(seed, withIncident({ failures: 1, failsIn: 5 }, (id) => id === "B")),
    from,
    until,
    place: 0,
    clients: clientsOf(["plan", "article", "relay"])
  }
} as const satisfies Readonly<Record<string, Study.Study>>

export type Name = keyof typeof studies

export const names = Object.keys(studies) as ReadonlyArray<Name>

export const all: Readonly<Record<string, Study.Study>> = studies
