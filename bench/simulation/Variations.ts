/** The relay of the day with one thing changed: what each policy is worth, and whether the settings are good ones. */
import { CircuitBreaker, Retry } from "effect-relay"
import type * as Client from "./Client.ts"
import * as Relay from "./clients/Relay.ts"

// more evidence than a day has
const deaf: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.failureRate({ evidence: Number.MAX_SAFE_INTEGER })
}

/** One policy less. */
export const ablations = {
  "without cache": { cache: "off" },
  "without limits known": { limits: false },
  "without circuit breaker": { breaker: deaf },
  "without hedging": { relay: { hedge: "off" } },
  "without waiting rounds": { relay: { retry: Retry.none } },
  "without outliers": { relay: { outliers: "off" } },
  "without slow start": { relay: { slowStart: 0 } },
  "without health checks": { relay: { health: "off" } },
  "round robin": { relay: { balance: "roundRobin" } }
} as const satisfies Readonly<Record<string, Relay.Changes>>

/** Other settings. */
export const settings = {
  "attempt timeout 1 s": { relay: { attemptTimeout: "1 second" } },
  "attempt timeout 10 s": { relay: { attemptTimeout: "10 seconds" } },
  "attempt timeout 30 s": { relay: { attemptTimeout: "30 seconds" } },
  "open for 5 s": { breaker: { openFor: "5 seconds" } },
  "open for 2 min": { breaker: { openFor: "2 minutes" } },
  "burst 10 %": { limiter: { burst: 0.1 } },
  "burst 0 %": { limiter: { burst: 0 } },
  "token bucket, burst 10 %": { limiter: { algorithm: "tokenBucket", burst: 0.1 } },
  "20 at once": { bulkhead: { maxConcurrent: 20 } },
  "retry budget 10": { relay: { retryBudget: 10 } },
  "least loaded": { relay: { balance: "leastLoaded" } },
  "cheapest": { relay: { balance: "cheapest" } }
} as const satisfies Readonly<Record<string, Relay.Changes>>

export const ablationNames = Object.keys(ablations) as ReadonlyArray<keyof typeof ablations>

export const settingNames = Object.keys(settings) as ReadonlyArray<keyof typeof settings>

export const all: Readonly<Record<string, Relay.Changes>> = { ...ablations, ...settings }

export type Name = keyof typeof ablations | keyof typeof settings

export const make = (name: Name): Client.Make => Relay.make(all[name])
