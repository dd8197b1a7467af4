/** Two tenants with one account. */
import { RateLimiter } from "effect-relay"
import { SimulatedAccount, SimulatedEndpoint, type Traffic } from "effect-relay/testing"
import * as Effect from "effect/Effect"
import type * as Client from "../Client.ts"
import type * as Study from "../Study.ts"
import * as Service from "./Service.ts"

const { minute } = Service

// the noisy one asks questions from here on
const noisyFrom = 1_000_000

const isQuiet = (question: number): boolean => question < noisyFrom

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
    const { ask, ...client } = yield* Service.relay()(setting)
    const limiter = yield* RateLimiter.make({ limit: 60, window: "1 second", burst: 0.5 })
    return {
      ...client,
      ask: (request) =>
        limiter.at(isQuiet(request.question) ? "quiet" : "noisy").protect(ask(request)).pipe(
          Effect.catchTag("RateLimited", () => Effect.succeed<Client.Outcome>("Limited"))
        )
    }
  })

const account = SimulatedAccount.make("small", { requestsPerMinute: 6000, burst: 100 })

export const study: Study.Study = {
  about: "one of two tenants asks twenty times as much for a minute; counted are the requests of the other",
  setting: (seed) =>
    Service.world(
      seed,
      merge(Service.steady(seed, 20, 3 * minute), Service.steady(seed + 10, 400, minute), minute),
      [
        SimulatedEndpoint.make("S", { latency: { median: 100, sigma: 0.1 }, account }, {
          tier: 0,
          limits: { requestsPerMinute: 6000 }
        })
      ],
      3 * minute
    ),
  from: minute,
  until: 2 * minute,
  counts: isQuiet,
  clients: {
    "three tries": Service.tries(3),
    "relay": Service.relay(),
    "relay, waits 100 ms at most": Service.relay({ relay: { maxWait: "100 millis" } }),
    "relay, a limiter for each tenant": limited
  }
}
