/** All that a day comes to: who asks, and whom. */
import { Traffic } from "effect-relay/testing"
import * as Accounts from "./Accounts.ts"
import * as Endpoints from "./Endpoints.ts"
import * as Scenario from "./Scenario.ts"
import type * as Setting from "./Setting.ts"

const trafficOf = (scenario: Scenario.Scenario): Traffic.Traffic =>
  Traffic.make({
    seed: scenario.seed + 1,
    perDay: Scenario.perDay / scenario.speed,
    day: Scenario.hours(scenario, 24),
    unique: scenario.knobs.unique,
    questions: Math.round(500_000 / scenario.speed)
  })

/** How long a caller waits for an answer, milliseconds. */
const patience = 30_000

export const settingOf = (scenario: Scenario.Scenario): Setting.Setting => ({
  seed: scenario.seed,
  traffic: trafficOf(scenario),
  endpoints: Endpoints.make(scenario),
  accounts: Accounts.known(scenario),
  pinned: Endpoints.pinned,
  patience,
  cache: {
    capacity: Math.max(1, Math.round(20_000 / scenario.speed)),
    timeToLive: Scenario.hours(scenario, 1)
  },
  notes: Scenario.minutes,
  every: Scenario.hours(scenario, 1 / 60),
  perMonth: 30 * scenario.speed,
  shifts: []
})
