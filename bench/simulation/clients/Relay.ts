/** This library, as its users get it: `relay.chat` with the response cache, over a simulated HTTP client. */
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache } from "effect-relay"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Client from "../Client.ts"

/** What differs from the configuration of the day, to see what it is worth. */
export interface Changes {
  readonly relay?: Partial<RelayService.Options>
  readonly breaker?: CircuitBreaker.Options
  readonly bulkhead?: Bulkhead.Options
  /** Of the limiters of accounts as well, over what is known of these. */
  readonly limiter?: RateLimiter.Options
  readonly cache?: ResponseCache.Options | "off"
  /** Whether the relay is told the limits of the accounts. */
  readonly limits?: boolean
}

const outcomeOf = (tag: string): Client.Outcome =>
  tag === "RateLimited" || tag === "QuotaExceeded" ? "Limited" : "Failed"

export const make = (changes: Changes = {}): Client.Make => (setting) =>
  Effect.gen(function*() {
    const endpoints = setting.endpoints.map(({ endpoint }) => endpoint)
    const accounts = changes.limits === false ? {} : Object.fromEntries(
      Object.entries(setting.accounts).map(([name, { limits, rateLimiter }]) => [name, {
        limits,
        rateLimiter: { ...rateLimiter, ...changes.limiter }
      }])
    )
    const layer = RelayService.layer({ endpoints, accounts, attemptTimeout: "3 seconds", hedge: {}, ...changes.relay })
      .pipe(
        Layer.provide([
          CircuitBreaker.layer(changes.breaker),
          Bulkhead.layer({ maxConcurrent: 200, ...changes.bulkhead }),
          RateLimiter.layer(),
          ResponseCache.layer({
            ...setting.cache,
            ...(changes.cache === "off" ? {} : changes.cache)
          })
        ])
      )
    const context = yield* Layer.build(layer)
    const relay = yield* Effect.provide(RelayService.RelayService, context)
    const options: RelayService.ChatOptions = {
      tenant: "everybody",
      deadline: setting.patience,
      ...(changes.cache === "off" ? { cache: false } : {})
    }
    const states = Effect.map(relay.status, (all) => all.map(({ state }) => String(state)))
    const ask: Client.Client["ask"] = ({ question }) =>
      Effect.match(
        relay.chat(
          { model: "small", temperature: 0, messages: [{ role: "user", content: `What about number ${question}?` }] },
          options
        ),
        {
          onSuccess: ({ meta }): Client.Outcome => meta.cache === "hit" ? "Hit" : "Answered",
          onFailure: ({ _tag }): Client.Outcome => outcomeOf(_tag)
        }
      )
    return { ask, states }
  })
