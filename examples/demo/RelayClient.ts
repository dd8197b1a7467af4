/** The relay over all three servers: the same calls, the same patience. */
import { Context, Effect, Layer, Redacted, Stream } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache, Retry } from "effect-relay"
import { FetchHttpClient } from "effect/http"
import * as Client from "./Client.ts"
import * as Primary from "./Primary.ts"
import * as Reserve from "./Reserve.ts"
import type * as Upstream from "./Upstream.ts"
import type * as World from "./World.ts"

const endpoint = ({ id, baseUrl }: Upstream.Upstream, tier: number) => ({
  id,
  baseUrl,
  tier,
  apiKey: Redacted.make(Client.apiKey)
})

const layer = ({ primary, backup, reserve }: World.World) =>
  RelayService.layer({
    endpoints: [
      { ...endpoint(primary, 0), limits: { requestsPerMinute: Primary.requestsPerMinute } },
      endpoint(backup, 1),
      { ...endpoint(reserve, 2), limits: { concurrency: Reserve.slots } }
    ],
    attemptTimeout: "1 second",
    retry: Retry.standard
  }).pipe(
    Layer.provide([
      CircuitBreaker.layer({ slowCallDuration: "500 millis", openFor: "2 seconds" }),
      Bulkhead.layer(),
      RateLimiter.layer(),
      ResponseCache.layer()
    ]),
    Layer.provide(FetchHttpClient.layer)
  )

export const make = Effect.fnUntraced(function*(world: World.World) {
  const relay = Context.get(yield* Layer.build(layer(world)), RelayService.RelayService)
  let trips = 0
  yield* relay.events.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        if (event._tag === "CircuitChanged" && event.to === "Open") trips++
      })
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  const send = (prompt: string) =>
    relay.chat(
      { model: Client.model, temperature: 0, messages: [{ role: "user", content: prompt }] },
      { tenant: "demo", deadline: Client.patience }
    ).pipe(
      Effect.map(({ text, meta }) => ({ text, from: meta.cache === "hit" ? "cache" : meta.endpoint }))
    )
  return { name: "relay", send, circuitTrips: Effect.sync(() => trips) } satisfies Client.Client
})
