/** A day: who asks, and what the endpoints are like. */
import { Luck, SimulatedAccount, SimulatedEndpoint, Traffic } from "effect-relay/testing"
import type * as Setting from "./Setting.ts"

/** What is set so that the naive client meets the article's "without" column; see `Calibration.ts`. */
export interface Knobs {
  /** Requests a minute of the account that the naive client has. */
  readonly limit: number
  /** The latency of its endpoint. */
  readonly median: number
  /** How many times as long its answers take during the incident. */
  readonly slowdown: number
  /** The share that is never answered meanwhile. */
  readonly silence: number
  /** The share of questions that are asked once. */
  readonly unique: number
}

/** What a reference implementation in plain JavaScript was calibrated to, for all of the day; where calibration begins. */
export const reference: Knobs = { limit: 3030, median: 313, slowdown: 4.2, silence: 0.16, unique: 0.258 }

export type Name = "article" | "tight" | "storm" | "silent" | "failing"

export interface Scenario {
  readonly name: Name
  readonly seed: number
  /**
   * How many times as fast the day passes. Its hours, its incidents, its questions and its cache are so many times
   * shorter and smaller; rates, limits, latencies and patience are those of the whole day.
   */
  readonly speed: number
  readonly knobs: Knobs
}

/** Requests of a whole day. */
export const perDay = 2_300_000

/** So many hours of the day, in milliseconds that pass. */
export const hours = ({ speed }: Scenario, count: number): number => count * 3_600_000 / speed

const cacheOf = (scenario: Scenario) => ({
  capacity: Math.max(1, Math.round(20_000 / scenario.speed)),
  timeToLive: hours(scenario, 1)
})

const trafficOf = (scenario: Scenario): Traffic.Traffic =>
  Traffic.make({
    seed: scenario.seed + 1,
    perDay: perDay / scenario.speed,
    day: hours(scenario, 24),
    unique: scenario.knobs.unique,
    questions: Math.round(500_000 / scenario.speed)
  })

const tokens = { inputTokens: 500, outputTokens: 250 }

// dollars an answer: the article's 4 850 a month, were every answer one of the dearest
const unit = 4850 / 30 / (perDay * 0.98)

/** Prices that make an answer cost so many units. */
const prices = (units: number) => {
  const perMillion = units * unit * 1_000_000 / (tokens.inputTokens + tokens.outputTokens)
  return { inputPerMillion: perMillion, outputPerMillion: perMillion }
}

/** So many times a day, at an account by lot, limits are smaller for a while. */
const shrinkages = (
  scenario: Scenario,
  account: number,
  { count, minutes, to }: { readonly count: number; readonly minutes: number; readonly to: number }
): ReadonlyArray<SimulatedAccount.Shrinkage> =>
  Array.from({ length: count }, (_, index) => index)
    .filter((index) => Math.floor(Luck.draw(scenario.seed + 5, index, 0, 0) * 3) === account)
    .map((index) => ({
      from: hours(scenario, 24 * Luck.draw(scenario.seed + 5, index, 1, 0)),
      lasts: hours(scenario, minutes / 60),
      to
    }))

interface AccountLimits {
  readonly perMinute: number
  readonly burst: number
}

const limitsOf = ({ knobs, name }: Scenario): readonly [AccountLimits, AccountLimits, AccountLimits] => [
  { perMinute: knobs.limit, burst: 3 },
  name === "tight" ? { perMinute: 1000, burst: 100 } : { perMinute: 2400, burst: 400 },
  name === "tight" ? { perMinute: 500, burst: 50 } : { perMinute: 1500, burst: 250 }
]

/** What the relay is told of the accounts: limits and bursts, and that these fill a bucket. */
const accountsOf = (scenario: Scenario): Setting.Setting["accounts"] =>
  Object.fromEntries(
    limitsOf(scenario).map(({ burst, perMinute }, account) => [`account-${account}`, {
      limits: { requestsPerMinute: Math.max(1, Math.floor(perMinute)) },
      rateLimiter: { algorithm: "tokenBucket", burst: burst / perMinute }
    }])
  )

/**
 * A, dear and slow, which the naive client is pinned to; B and C, cheap and fast, of one account; D, of another.
 * In the order in which clients with a list go through them.
 */
const endpointsOf = (scenario: Scenario): ReadonlyArray<SimulatedEndpoint.SimulatedEndpoint> => {
  const { knobs, name } = scenario
  const isStorm = name === "storm"
  const storms = isStorm ? { count: 40, minutes: 8, to: 0.15 } : { count: 6, minutes: 4, to: 0.5 }
  const accounts = limitsOf(scenario).map(({ burst, perMinute }, index) =>
    SimulatedAccount.make(`account-${index}`, {
      requestsPerMinute: perMinute,
      burst,
      retryAfter: index > 0,
      refusalsCount: isStorm,
      shrinkages: shrinkages(scenario, index, storms)
    })
  )
  const latency = (median: number, sigma: number, factor: number) => ({
    median,
    sigma,
    stragglers: { share: 0.004, factor }
  })
  const failures = 0.0005
  const incidents: ReadonlyArray<SimulatedEndpoint.Incident> = [{
    from: hours(scenario, 14),
    lasts: hours(scenario, 47 / 60),
    latencyFactor: knobs.slowdown,
    silence: knobs.silence
  }]
  const onB: ReadonlyArray<SimulatedEndpoint.Incident> = name === "silent"
    ? [{ from: hours(scenario, 14), lasts: hours(scenario, 47 / 60), latencyFactor: 20 }]
    : name === "failing"
    ? [{ from: hours(scenario, 14), lasts: hours(scenario, 20 / 60), failures: 1, failsIn: 5 }]
    : []
  return [
    SimulatedEndpoint.make(
      "B",
      { ...tokens, account: accounts[1]!, latency: latency(78, 0.26, 15), failures, incidents: onB },
      { tier: 0, weight: 3, prices: prices(0.25) }
    ),
    SimulatedEndpoint.make(
      "C",
      { ...tokens, account: accounts[1]!, latency: latency(84, 0.26, 15), failures },
      { tier: 0, prices: prices(0.25) }
    ),
    SimulatedEndpoint.make(
      "D",
      { ...tokens, account: accounts[2]!, latency: latency(92, 0.28, 15), failures },
      { tier: 1, prices: prices(0.35) }
    ),
    SimulatedEndpoint.make(
      "A",
      { ...tokens, account: accounts[0]!, latency: latency(knobs.median, 0.42, 6), failures, incidents },
      { tier: 2, prices: prices(1) }
    )
  ]
}

/** Where the naive client is pinned to, and how long a caller waits for an answer, milliseconds. */
const pinned = 3
const patience = 30_000

export const minutes = 1440

export const settingOf = (scenario: Scenario): Setting.Setting => ({
  seed: scenario.seed,
  traffic: trafficOf(scenario),
  endpoints: endpointsOf(scenario),
  accounts: accountsOf(scenario),
  pinned,
  patience,
  cache: cacheOf(scenario),
  notes: minutes,
  every: hours(scenario, 1 / 60),
  perMonth: 30 * scenario.speed,
  shifts: []
})
