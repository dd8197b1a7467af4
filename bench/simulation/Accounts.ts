/** The accounts of a day: what they let through, when they let through less, and what a relay is told of them. */
import { Luck, SimulatedAccount } from "effect-relay/testing"
import * as Scenario from "./Scenario.ts"
import type * as Setting from "./Setting.ts"

interface Limits {
  readonly perMinute: number
  readonly burst: number
  readonly tokensPerMinute?: number
}

const roomy: readonly [Limits, Limits] = [{ perMinute: 2400, burst: 400 }, { perMinute: 1500, burst: 250 }]
const tight: readonly [Limits, Limits] = [{ perMinute: 1000, burst: 100 }, { perMinute: 500, burst: 50 }]

/** Tokens for 1200 and 800 answers a minute: these come first. */
const counted: readonly [Limits, Limits] = [
  { ...roomy[0], tokensPerMinute: 900_000 },
  { ...roomy[1], tokensPerMinute: 600_000 }
]

const limitsOf = ({ knobs, name }: Scenario.Scenario): ReadonlyArray<Limits> => [
  { perMinute: knobs.limit, burst: 3 },
  ...(name === "tight" ? tight : name === "rough" ? counted : roomy)
]

/** So many times a day, at an account by lot, limits are smaller for a while. */
const shrinkages = (
  scenario: Scenario.Scenario,
  account: number,
  { count, minutes, to }: { readonly count: number; readonly minutes: number; readonly to: number }
): ReadonlyArray<SimulatedAccount.Shrinkage> =>
  Array.from({ length: count }, (_, index) => index)
    .filter((index) => Math.floor(Luck.draw(scenario.seed + 5, index, 0, 0) * 3) === account)
    .map((index) => ({
      from: Scenario.hours(scenario, 24 * Luck.draw(scenario.seed + 5, index, 1, 0)),
      lasts: Scenario.hours(scenario, minutes / 60),
      to
    }))

const usual = { count: 6, minutes: 4, to: 0.5 }
const storms = { count: 40, minutes: 8, to: 0.15 }

export const make = (scenario: Scenario.Scenario): ReadonlyArray<SimulatedAccount.SimulatedAccount> => {
  const isStorm = scenario.name === "storm"
  return limitsOf(scenario).map(({ burst, perMinute, tokensPerMinute }, index) =>
    SimulatedAccount.make(`account-${index}`, {
      requestsPerMinute: perMinute,
      burst,
      ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
      retryAfter: index > 0,
      refusalsCount: isStorm,
      shrinkages: shrinkages(scenario, index, isStorm ? storms : usual),
      // the quota of the cheapest is used up before the day is
      emptyDuring: scenario.name === "rough" && index === 1
        ? [{ from: Scenario.hours(scenario, 20), lasts: Scenario.hours(scenario, 3) }]
        : []
    })
  )
}

/** What a relay is told: limits and bursts, and that these fill a bucket. */
export const known = (scenario: Scenario.Scenario): Setting.Setting["accounts"] =>
  Object.fromEntries(
    limitsOf(scenario).map(({ burst, perMinute, tokensPerMinute }, account) => [`account-${account}`, {
      limits: {
        requestsPerMinute: Math.max(1, Math.floor(perMinute)),
        ...(tokensPerMinute === undefined ? {} : { tokensPerMinute })
      },
      rateLimiter: {
        algorithm: "tokenBucket",
        burst: burst / perMinute,
        ...(tokensPerMinute === undefined ? {} : { tokenBurst: 1 })
      }
    }])
  )
