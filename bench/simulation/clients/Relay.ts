/** This library, as its users get it: `relay.chat` with the response cache, over a simulated HTTP client. */
import { Bulkhead, CircuitBreaker, type Endpoint, RateLimiter, RelayService, ResponseCache } from "effect-relay"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Client from "../Client.ts"
import type * as Setting from "../Setting.ts"

/** What differs from the configuration of the day, to see what it is worth. */
export interface Changes {
  readonly relay?: Partial<RelayService.Options>
  readonly breaker?: CircuitBreaker.Options
  readonly bulkhead?: Bulkhead.Options
  /** Of the limiters of accounts as well, over what is known of these. */
  readonly limiter?: RateLimiter.Options
  readonly cache?: ResponseCache.Options | "off"
  /** How many times as much the cache holds. */
  readonly cacheSize?: number
  /** What the relay is told of limits: those of the accounts, for each endpoint its part of these, or nothing. */
  readonly limits?: "accounts" | "endpoints" | "none"
}

type Accounts = Setting.Setting["accounts"]

/** The limits of accounts, with some options changed. */
const accountsOf = (accounts: Accounts, { limiter }: Changes): Accounts =>
  Object.fromEntries(
    Object.entries(accounts).map(([name, { limits, rateLimiter }]) => [name, {
      limits,
      rateLimiter: { ...rateLimiter, ...limiter }
    }])
  )

/** Each endpoint with an equal part of what its account may do, for itself. */
const dividing = (endpoints: ReadonlyArray<Endpoint.Options>, accounts: Accounts): ReadonlyArray<Endpoint.Options> =>
  endpoints.map((endpoint) => {
    const { limits, rateLimiter } = accounts[endpoint.account!]!
    const part = 1 / endpoints.filter(({ account }) => account === endpoint.account).length
    const partOf = (limit: number | undefined): number | undefined => limit && Math.max(1, Math.floor(limit * part))
    return {
      ...endpoint,
      limits: {
        requestsPerMinute: partOf(limits?.requestsPerMinute),
        tokensPerMinute: partOf(limits?.tokensPerMinute)
      },
      rateLimiter
    }
  })

const outcomeOf = (tag: string): Client.Outcome =>
  tag === "RateLimited" || tag === "QuotaExceeded" ? "Limited" : "Failed"

export const make = (changes: Changes = {}): Client.Make => (setting) =>
  Effect.gen(function*() {
    const { limits = "accounts" } = changes
    const all = setting.endpoints.map(({ endpoint }) => endpoint)
    const accounts = accountsOf(setting.accounts, changes)
    const endpoints = limits === "endpoints" ? dividing(all, accounts) : all
    const layer = RelayService.layer({
      endpoints,
      accounts: limits === "accounts" ? accounts : {},
      attemptTimeout: "3 seconds",
      hedge: {},
      ...changes.relay
    }).pipe(
      Layer.provide([
        CircuitBreaker.layer(changes.breaker),
        Bulkhead.layer(changes.bulkhead),
        RateLimiter.layer(),
        ResponseCache.layer({
          capacity: Math.max(1, Math.round(setting.cache.capacity * (changes.cacheSize ?? 1))),
          timeToLive: setting.cache.timeToLive,
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
