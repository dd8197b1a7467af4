/** The relay of the day with one thing changed: what each policy is worth, and whether the settings are good ones. */
import { Hedge } from "effect-relay"
import type * as Client from "./Client.ts"
import * as Relay from "./clients/Relay.ts"
import type * as Scenario from "./Scenario.ts"

interface Variation {
  readonly changes: Relay.Changes
  /** The days on which it can make a difference. */
  readonly days: ReadonlyArray<Scenario.Name>
}

const on = (days: ReadonlyArray<Scenario.Name>, changes: Relay.Changes): Variation => ({ days, changes })

/** One policy less. What these days do not need is taken out in the studies: the bulkhead, the retry budget, the outliers. */
export const ablations = {
  "without cache": on(["article", "tight"], { cache: "off" }),
  "without limits known": on(["tight", "storm", "rough"], { limits: "none" }),
  "limits of endpoints, not accounts": on(["tight", "storm", "rough"], { limits: "endpoints" }),
  "without slowing down after a 429": on(["tight", "storm"], { limiter: { backOff: 1 } }),
  "without hedging": on(["article", "tight", "storm", "silent", "rough"], { relay: { hedge: "off" } }),
  "without circuit breaker": on(["silent", "failing", "rough"], { breaker: { mode: "off" } }),
  "without breaker and outliers": on(["silent", "failing", "rough"], {
    breaker: { mode: "off" },
    relay: { outliers: "off" }
  }),
  "without attempt timeout": on(["rough"], { relay: { attemptTimeout: "1 hour" } }),
  "without slow start": on(["silent", "failing", "rough"], { relay: { slowStart: 0 } }),
  "without health checks": on(["failing"], { relay: { health: "off" } }),
  "round robin": on(["article", "silent", "failing"], { relay: { balance: "roundRobin" } })
} as const satisfies Readonly<Record<string, Variation>>

/** Other settings; those of outliers and `maxWait` are in the studies. */
export const settings = {
  "attempt timeout 1 s": on(["article", "tight"], { relay: { attemptTimeout: "1 second" } }),
  "attempt timeout 10 s": on(["rough"], { relay: { attemptTimeout: "10 seconds" } }),
  "open for 5 s": on(["silent"], { breaker: { openFor: "5 seconds" } }),
  "open for 2 min": on(["silent"], { breaker: { openFor: "2 minutes" } }),
  "forgets after 15 s": on(["rough"], { breaker: { forgetAfter: "15 seconds" } }),
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
  "slow start 5 min": on(["silent"], { relay: { slowStart: "5 minutes" } }),
  "5 at once": on(["tight", "silent"], { bulkhead: { maxConcurrent: 5 } }),
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
