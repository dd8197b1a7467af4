/**
 * Failover: the next endpoint answers, and when none does, the failure says what each of them said.
 *
 * Every failure is a tagged error in the type of `chat`. When all endpoints fail alike, you get their tag; when each
 * fails in its own way, you get `RelayExhausted`. Both carry `attempts`.
 */
import { Console, Effect, Layer } from "effect"
import { type Attempt, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const { answer, status } = ScriptedEndpoint

const east = ScriptedEndpoint.make("east", [status(503), status(503), status(400, { message: "n has to be 1" })])
const west = ScriptedEndpoint.make("west", [answer("Good morning."), status(401)], { tier: 1 })

// no second round: by default the relay waits and begins again where that may help
const RelayLive = RelayService.layerDefault({ endpoints: [east.endpoint, west.endpoint], retry: Retry.none }).pipe(
  Layer.provide(ScriptedEndpoint.layer(east, west))
)

const trail = (attempts: ReadonlyArray<Attempt.Attempt>): string =>
  attempts.map(({ endpoint, outcome, status }) => `\n  ${endpoint}: ${outcome} ${status ?? ""}`.trimEnd()).join("")

const program = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService

  const ask = relay.chat({ model: "any", messages: [{ role: "user", content: "Good morning?" }] }).pipe(
    Effect.map(({ meta, text }) => `answered: ${text}${trail(meta.attempts)}`),
    // may work later
    Effect.catchTag("RelayExhausted", ({ attempts }) => Effect.succeed(`nobody answered${trail(attempts)}`)),
    // will work nowhere, so nobody else is asked
    Effect.catchTag(
      "RequestRejected",
      ({ attempts, detail }) => Effect.succeed(`rejected: ${detail}${trail(attempts)}`)
    )
  )

  for (let call = 1; call <= 3; call++) yield* Console.log(`call ${call}, ${yield* ask}`)
  yield* Console.log("Lesson: catch the tags that you can act on; each knows who was asked and what they said.")
})

await Effect.runPromise(Effect.provide(program, RelayLive))
