/** The relay of the day with one thing changed: what each policy is worth, and whether the settings are good ones. */
import { Hedge, Retry } from "effect-relay"
import type * as Client from "./Client.ts"
import * as Relay from "./clients/Relay.ts"
import type * as Scenario from "./Scenario.ts"

interface Variation {
  readonly changes: Relay.Changes
  /** The days on which it can make a difference. */
  readonly days: ReadonlyArray<Scenario.Name>
}

const on = (days: ReadonlyArray<Scenario.Name>, changes: Relay.Changes): Variation => ({ days, changes })

/** One policy less. */
export const ablations = {
  "without cache": on(["article", "tight"], { cache: "off" }),
  "without limits known": on(["tight", "storm", "rough"], { limits: "none" }),
  "limits of endpoints, not accounts": on(["tight", "storm", "rough"], { limits: "endpoints" }),
  "without slowing down after a 429": on(["tight", "storm", "rough"], { limiter: { backOff: 1 } }),
  "without circuit breaker": on(["silent", "failing", "rough"], { breaker: { mode: "off" } }),
  "without outliers": on(["silent", "failing", "rough"], { relay: { outliers: "off" } }),
  "without breaker and outliers": on(["silent", "failing", "rough"], {
    breaker: { mode: "off" },
    relay: { outliers: "off" }
  }),
  "without bulkhead": on(["tight", "silent"], { bulkhead: { maxConcurrent: 10_000 } }),
  "without hedging": on(["article", "tight", "storm", "silent", "rough"], { relay: { hedge: "off" } }),
  "without attempt timeout": on(["tight", "silent", "rough"], { relay: { attemptTimeout: "1 hour" } }),
  "without waiting rounds": on(["tight", "storm", "rough"], { relay: { retry: Retry.none } }),
  "without slow start": on(["silent", "failing", "rough"], { relay: { slowStart: 0 } }),
  "without health checks": on(["failing", "rough"], { relay: { health: "off" } }),
  "round robin": on(["article", "silent", "failing"], { relay: { balance: "roundRobin" } })
} as const satisfies Readonly<Record<string, Variation>>

/** Other settings. */
export const settings = {
  "attempt timeout 1 s": on(["article", "tight"], { relay: { attemptTimeout: "1 second" } }),
  "attempt timeout 10 s": on(["tight", "rough"], { relay: { attemptTimeout: "10 seconds" } }),
  "attempt timeout 30 s": on(["tight", "rough"], { relay: { attemptTimeout: "30 seconds" } }),
  "open for 5 s": on(["silent", "failing"], { breaker: { openFor: "5 seconds" } }),
  "open for 2 min": on(["silent", "failing"], { breaker: { openFor: "2 minutes" } }),
  "forgets after 10 min": on(["silent", "rough"], { breaker: { forgetAfter: "10 minutes" } }),
  "burst 2 %": on(["tight", "storm"], { limiter: { burst: 0.02 } }),
  "GCRA, burst 2 %": on(["tight", "storm"], { limiter: { algorithm: "gcra", burst: 0.02 } }),
  "backs off to 0.5": on(["tight", "storm"], { limiter: { backOff: 0.5 } }),
  "backs off to 0.9": on(["tight", "storm"], { limiter: { backOff: 0.9 } }),
  "hedges 1 %": on(["article", "tight"], {
    relay: { hedge: { maxExtraLoad: 0.01, delay: Hedge.quantile(0.99) } }
  }),
  "hedges 5 %": on(["article", "tight"], {
    relay: { hedge: { maxExtraLoad: 0.05, delay: Hedge.quantile(0.95) } }
  }),
  "slow start 5 min": on(["silent", "failing"], { relay: { slowStart: "5 minutes" } }),
  "outliers by 2 times": on(["silent", "tight"], { relay: { outliers: { latencyFactor: 2 } } }),
  "outliers degraded for 5 min": on(["silent", "failing"], { relay: { outliers: { degradedFor: "5 minutes" } } }),
  "waits 1 s at most": on(["tight", "storm"], { relay: { maxWait: "1 second" } }),
  "waits 5 s at most": on(["tight", "storm"], { relay: { maxWait: "5 seconds" } }),
  "5 at once": on(["tight", "silent"], { bulkhead: { maxConcurrent: 5 } }),
  "200 at once": on(["tight", "silent"], { bulkhead: { maxConcurrent: 200 } }),
  "cache of half the size": on(["article", "tight"], { cacheSize: 0.5 }),
  "cache of twice the size": on(["article", "tight"], { cacheSize: 2 }),
  "least loaded": on(["article", "tight", "silent"], { relay: { balance: "leastLoaded" } })
} as const satisfies Readonly<Record<string, Variation>>

export const ablationNames = Object.keys(ablations) as ReadonlyArray<keyof typeof ablations>

export const settingNames = Object.keys(settings) as ReadonlyArray<keyof typeof settings>

export type Name = keyof typeof ablations | keyof typeof settings

const all: Readonly<Record<string, Variation>> = { ...ablations, ...settings }

/** On which days it is lived through. */
export const daysOf = (name: Name): ReadonlyArray<Scenario.Name> => all[name]!.days

export const make = (name: Name): Client.Make => Relay.make(all[name]!.changes)
