/**
 * First call: a relay over two endpoints, its policies composed as layers.
 *
 * The endpoints here play a script, so no key and no network are needed. With real ones you describe each by its `id`,
 * `baseUrl` and `apiKey`, and provide `FetchHttpClient.layer` from "effect/http" instead of `ScriptedEndpoint.layer`.
 */
import { Console, Effect, Layer } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.answer("Bern.")])
const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("It is Bern.")], { tier: 1 })

// each policy is a layer with options of its own; leave one out, and the program no longer type-checks
const RelayLive = RelayService.layer({
  endpoints: [primary.endpoint, backup.endpoint],
  retry: Retry.standard
}).pipe(
  Layer.provide([
    CircuitBreaker.layer({ openFor: "10 seconds" }),
    Bulkhead.layer({ maxConcurrent: 50 }),
    RateLimiter.layer({ limit: 600, window: "1 minute" }),
    ResponseCache.layer({ timeToLive: "10 minutes" })
  ]),
  Layer.provide(ScriptedEndpoint.layer(primary, backup))
)

const program = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  // the tenant and a temperature of 0 are what make an answer worth keeping
  const ask = relay.chat({
    model: "some-model",
    temperature: 0,
    messages: [{ role: "user", content: "What is the capital of Switzerland?" }]
  }, { tenant: "acme" })

  const first = yield* ask
  yield* Console.log(`${first.text} (${first.meta.endpoint}, ${first.tokens.total} tokens, cache ${first.meta.cache})`)

  const second = yield* ask
  yield* Console.log(`${second.text} (${second.meta.attempts.length} attempts, cache ${second.meta.cache})`)

  for (const { id, answered, state } of yield* relay.status) {
    yield* Console.log(`${id}: ${state}, answered ${answered}`)
  }
  yield* Console.log("Lesson: a relay is one layer, its policies are the layers below it, and a call is one effect.")
})

await Effect.runPromise(Effect.provide(program, RelayLive))
