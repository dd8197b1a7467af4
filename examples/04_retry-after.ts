/**
 * Retry-After: an endpoint that answers 429 asks for a pause. The relay grants it, and asks somebody else meanwhile.
 *
 * Nobody waits: the call that met the 429 goes to the backup at once, the next one does not even try the primary, and
 * when the pause is over the primary is first again.
 */
import { Console, Effect, Layer } from "effect"
import { RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const primary = ScriptedEndpoint.make("primary", [
  ScriptedEndpoint.status(429, { retryAfter: 1 }),
  ScriptedEndpoint.answer("Hello from the primary.")
])
const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("Hello from the backup.")], { tier: 1 })

const RelayLive = RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint] }).pipe(
  Layer.provideMerge(ScriptedEndpoint.layer(primary, backup))
)

const program = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  const recorder = yield* ScriptedEndpoint.Recorder

  const ask = Effect.gen(function*() {
    const { meta, text } = yield* relay.chat({ model: "any", messages: [{ role: "user", content: "Hello?" }] })
    const trail = meta.attempts.map(({ endpoint, outcome, sent }) => `${endpoint} ${sent ? outcome : "not asked"}`)
    yield* Console.log(`${text} ${Math.round(meta.latency)} ms: ${trail.join(", then ")}`)
  })

  yield* ask
  yield* ask
  const [first] = yield* relay.status
  yield* Console.log(`the ${first?.id} is ${first?.state}; a second later:`)
  yield* Effect.sleep("1 second")
  yield* ask

  const { length } = yield* recorder.received("primary")
  yield* Console.log(`Lesson: a 429 costs one request and no wait; of three calls, ${length} went to the primary.`)
})

await Effect.runPromise(Effect.provide(program, RelayLive))
