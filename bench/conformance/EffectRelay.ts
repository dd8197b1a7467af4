/** The relay over the faulty primary and the backup, by `relay.stream`. */
import { Context, Effect, Layer, Stream } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache, type StreamChunk } from "effect-relay"
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
    // an answer that breaks off begins anew, and whoever listens is told so
    stream: { afterCommit: "restart", idleTimeout: profile.stall },
    slowStart: profile.stall,
    // so that all that the servers see is attempts
    health: "off"
  }).pipe(
    Layer.provide([
      CircuitBreaker.layer({ openFor: profile.openFor, forgetAfter: profile.forgetAfter }),
      Bulkhead.layer(),
      RateLimiter.layer(),
      ResponseCache.layer()
    ]),
    Layer.provide(FetchHttpClient.layer),
    Layer.orDie
  )

const nothing: Client.Answer = { text: "", model: undefined, inputTokens: undefined, outputTokens: undefined }

const take = (answer: Client.Answer, chunk: StreamChunk.StreamChunk): Client.Answer => {
  switch (chunk._tag) {
    case "TextDelta":
      return { ...answer, text: answer.text + chunk.text }
    case "Restarted":
      return nothing
    case "Finish":
      return {
        text: answer.text,
        model: chunk.meta.model,
        inputTokens: chunk.tokens.input,
        outputTokens: chunk.tokens.output
      }
    default:
      return answer
  }
}

export const effectRelay: Client.Client = {
  name: "effect-relay",
  connect: (world) =>
    Effect.map(Layer.build(layer(world)), (context) => {
      const relay = Context.get(context, RelayService.RelayService)
      return (model) =>
        relay.stream({ model, messages: Client.question }).pipe(
          Stream.runFold(() => nothing, take),
          Effect.mapError(({ _tag }) => new Client.Refusal({ what: _tag, isContent: _tag === "ContentRefused" }))
        )
    })
}
