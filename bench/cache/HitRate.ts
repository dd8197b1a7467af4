/** How many requests find their answer, by policy of eviction and kind of traffic: the same numbers on any machine. */
import { ResponseCache } from "effect-relay"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Results from "../Results.ts"
import * as Eviction from "./Eviction.ts"
import * as Ideal from "./Ideal.ts"
import * as Workload from "./Workload.ts"

interface Traffic {
  readonly make: (requests: number) => Workload.Workload
  readonly requests: number
  readonly capacity: number
  /** Seconds. */
  readonly timeToLive: number
}

const million = 1_000_000
const seed = 20_260_420

/** The kinds of traffic, by the name under which results are kept. */
export const traffics = {
  "Zipf 0.8": {
    make: (requests) => Workload.ofZipf(0.8, requests, 100_000, seed),
    requests: million,
    capacity: 10_000,
    timeToLive: Infinity
  },
  "Zipf 1.0": {
    make: (requests) => Workload.ofZipf(1, requests, 100_000, seed),
    requests: million,
    capacity: 10_000,
    timeToLive: Infinity
  },
  "Zipf 0.9 with scans": {
    make: (requests) => Workload.withScans(0.9, requests, 100_000, { every: 50_000, length: 15_000 }, seed),
    requests: million,
    capacity: 10_000,
    timeToLive: Infinity
  },
  "Zipf 1.0 that drifts": {
    make: (requests) => Workload.ofDrift(1, requests, 100_000, 10, seed),
    requests: million,
    capacity: 10_000,
    timeToLive: Infinity
  },
  "the article's day": {
    make: (requests) => Workload.ofArticle(requests, seed),
    requests: 2_300_000,
    capacity: 20_000,
    timeToLive: 3600
  }
} as const satisfies Record<string, Traffic>

export type Name = keyof typeof traffics

export const names = Object.keys(traffics) as ReadonlyArray<Name>

const simulate = ({ at, keys }: Workload.Workload, timeToLive: number, { keep, use }: Eviction.Eviction): number => {
  let hits = 0
  for (let index = 0; index < keys.length; index++) {
    const since = use(keys[index]!)
    if (since !== undefined && at[index]! - since < timeToLive) hits++
    else keep(keys[index]!, at[index]!)
  }
  return hits / keys.length
}

// longer than any run, for a cache that has to have a time to live
const noEnd = 1e12

/** The cache itself, by its public API, at the time of each request. */
const ours = ({ at, keys }: Workload.Workload, capacity: number, timeToLive: number): number => {
  let index = 0
  const millis = (): number => at[index]! * 1000
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: () => BigInt(Math.round(millis() * 1e6)),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(millis() * 1e6))),
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(millis() * 1e6)),
    monotonicTimeNanos: Effect.sync(() => BigInt(Math.round(millis() * 1e6))),
    sleep: () => Effect.never
  }
  const answer = Effect.succeed(0)
  const run = Effect.gen(function*() {
    const cache = yield* ResponseCache.make({ capacity, timeToLive: Math.min(noEnd, timeToLive * 1000) })
    yield* Effect.whileLoop({
      while: () => index < keys.length,
      body: () => cache.throughKey(`${keys[index]}` as ResponseCache.CacheKey, answer),
      step: () => {
        index++
      }
    })
    return (yield* cache.state).hits
  })
  return Effect.runSync(Effect.provideService(run, Clock.Clock, clock)) / keys.length
}

/** The rates of one kind of traffic, of fewer requests if that is asked for. */
export const measure = (name: Name, requests: number = traffics[name].requests): Results.HitRate => {
  const { capacity, make, timeToLive }: Traffic = traffics[name]
  const workload = make(requests)
  const round = (rate: number): number => Math.round(rate * 10_000) / 10_000
  const by = (policy: Eviction.Make): number => round(simulate(workload, timeToLive, policy(capacity)))
  return {
    requests,
    capacity,
    timeToLive: timeToLive === Infinity ? null : timeToLive,
    rates: {
      fifo: by(Eviction.fifo),
      lru: by(Eviction.lru),
      sieve: by(Eviction.sieve),
      s3fifo: by(Eviction.s3fifo),
      tinyLfu: by(Eviction.tinyLfu),
      ours: round(ours(workload, capacity, timeToLive)),
      ideal: round(Ideal.hitRate(workload, capacity, timeToLive))
    }
  }
}
