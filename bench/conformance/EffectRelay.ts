/** The relay over the faulty primary and the backup. */
import { Context, Effect, Layer } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache } from "effect-relay"
import { FetchHttpClient } from "effect/http"
import * as Client from "./Client.ts"

const layer = ({ backup, primary, profile }: Client.World) =>
  RelayService.layer({
    endpoints: [
      // the backup takes longer requests, and says so
      { id: "primary", baseUrl: primary.url, tier: 0, capabilities: { contextWindow: 8_192 } },
      { id: "backup", baseUrl: backup.url, tier: 1, capabilities: { contextWindow: 128_000 } }
    ],
    attemptTimeout: profile.stall,
    slowStart: profile.stall,
    // so that all that the servers see is attempts
    health: "off"
  }).pipe(
    Layer.provide([
      CircuitBreaker.layer({ openFor: profile.openFor }),
      Bulkhead.layer(),
      RateLimiter.layer(),
      ResponseCache.layer()
    ]),
    Layer.provide(FetchHttpClient.layer),
    Layer.orDie
  )

export const effectRelay: Client.Client = {
  name: "effect-relay",
  connect: (world) =>
    Effect.map(Layer.build(layer(world)), (context) => {
      const relay = Context.get(context, RelayService.RelayService)
      return (model) =>
        relay.chat({ model, messages: Client.question }).pipe(
          Effect.map(({ meta, text }) => ({
            text,
            model: meta.model,
            inputTokens: meta.tokens.input,
            outputTokens: meta.tokens.output
          })),
          Effect.mapError(({ _tag }) => new Client.Refusal({ what: _tag, isContent: _tag === "ContentRefused" }))
        )
    })
}
