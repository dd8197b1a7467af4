/**
 * The cache of a relay: who shares an answer, and what an answer that is old is still good for.
 *
 * Three at once are one call. A stream gets what a chat asked, and a tenant never what another did. When the only endpoint is
 * down and the answer is past its time, it stands in for the failure, and says so.
 */
import { Console, Effect, Layer, Stream } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const { answer, fault, make } = ScriptedEndpoint

const api = make("api", [answer("Bern.", { delay: "50 millis" })])

const RelayLive = RelayService.layer({ endpoints: [api.endpoint], retry: Retry.none }).pipe(
  Layer.provide([
    CircuitBreaker.layer(),
    Bulkhead.layer(),
    RateLimiter.layer(),
    ResponseCache.layer({ timeToLive: "1 second", staleIfError: "1 hour" })
  ]),
  Layer.provideMerge(ScriptedEndpoint.layer(api))
)

const request = {
  model: "any",
  messages: [{ role: "user", content: "What is the capital of Switzerland?" }],
  temperature: 0
}

const program = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  const recorder = yield* ScriptedEndpoint.Recorder
  const ask = (tenant?: string) =>
    Effect.map(
      relay.chat(request, { tenant }),
      ({ meta }) => meta.bypass === undefined ? meta.cache : `${meta.cache}, ${meta.bypass}`
    )
  const asked = Effect.map(recorder.received("api"), ({ length }) => `the API was asked ${length} times so far`)

  const together = yield* Effect.all([ask("acme"), ask("acme"), ask("acme")], { concurrency: "unbounded" })
  yield* Console.log(`three at once: ${together.join(", ")}; ${yield* asked}`)

  yield* relay.stream(request, { tenant: "acme" }).pipe(
    Stream.runForEach((chunk) =>
      chunk._tag === "Finish" ? Console.log(`  a stream of the same: ${chunk.meta.cache}`) : Effect.void
    )
  )
  yield* Console.log(`another tenant: ${yield* ask("umbrella")}; nobody's: ${yield* ask()}; ${yield* asked}`)

  yield* recorder.play("api", [fault("refused")])
  yield* Effect.sleep("1100 millis")
  yield* Console.log(`past its time, and the API is down: ${yield* ask("acme")}`)

  const { coalesced, hits, misses, savedTokens, stale } = yield* relay.cache.state
  yield* Console.log(`${misses} misses, ${hits} hits, ${coalesced} joined, ${stale} stale: ${savedTokens} tokens saved`)
  yield* Console.log("Lesson: what is known costs nothing, is nobody else's, and outlives an outage.")
})

await Effect.runPromise(Effect.provide(program, RelayLive))
