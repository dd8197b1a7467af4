/**
 * The endpoints of a day: A, dear and slow, which the naive client is pinned to; B and C, cheap and fast, of one account; D,
 * of another. In the order in which clients with a list go through them.
 */
import { SimulatedEndpoint } from "effect-relay/testing"
import * as Accounts from "./Accounts.ts"
import * as Incidents from "./Incidents.ts"
import * as Scenario from "./Scenario.ts"

export const names: ReadonlyArray<Incidents.Endpoint> = ["B", "C", "D", "A"]

/** The place of A. */
export const pinned = names.indexOf("A")

const tokens = { inputTokens: 500, outputTokens: 250 }

// dollars an answer: the article's 4 850 a month, were every answer one of the dearest
const unit = 4850 / 30 / (Scenario.perDay * 0.98)

/** Prices that make an answer cost so many units. */
const prices = (units: number) => {
  const perMillion = units * unit * 1_000_000 / (tokens.inputTokens + tokens.outputTokens)
  return { inputPerMillion: perMillion, outputPerMillion: perMillion }
}

interface Kind {
  readonly account: number
  readonly tier: number
  /** What the relay gives it of its tier, beside the others. */
  readonly weight: number
  readonly price: number
  readonly median: number
  readonly sigma: number
  /** How many times as long stragglers take. */
  readonly factor: number
}

const kinds = ({ knobs }: Scenario.Scenario): Readonly<Record<Incidents.Endpoint, Kind>> => ({
  A: { account: 0, tier: 2, weight: 1, price: 1, median: knobs.median, sigma: 0.42, factor: 6 },
  B: { account: 1, tier: 0, weight: 3, price: 0.25, median: 78, sigma: 0.26, factor: 15 },
  C: { account: 1, tier: 0, weight: 1, price: 0.25, median: 84, sigma: 0.26, factor: 15 },
  D: { account: 2, tier: 1, weight: 1, price: 0.35, median: 92, sigma: 0.28, factor: 15 }
})

export const make = (scenario: Scenario.Scenario): ReadonlyArray<SimulatedEndpoint.SimulatedEndpoint> => {
  const accounts = Accounts.make(scenario)
  const all = kinds(scenario)
  return names.map((name) => {
    const { account, factor, median, price, sigma, tier, weight } = all[name]
    return SimulatedEndpoint.make(name, {
      ...tokens,
      account: accounts[account]!,
      latency: { median, sigma, stragglers: { share: 0.004, factor } },
      failures: 0.0005,
      incidents: Incidents.at(scenario, name)
    }, { tier, weight, prices: prices(price) })
  })
}
