/**
 * Quotas: what one endpoint learns of its account holds for the whole account, and for no other.
 *
 * The quota of "acme" is used up. One request finds that out; the second endpoint of the account is not even asked. When
 * the quota is looked at again, one call goes ahead while the others still use the spare account. A reset by hand says
 * who did it, and why.
 */
import { Console, Effect, Layer, Stream } from "effect"
import { RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const { answer, make, status } = ScriptedEndpoint

const usedUp = status(429, { code: "insufficient_quota", retryAfter: 1 })
const east = make("acme-east", [usedUp, answer("Hello from the east.", { delay: "100 millis" })], { account: "acme" })
const west = make("acme-west", [answer("Hello from the west.")], { account: "acme", tier: 1 })
const spare = make("spare", [answer("Hello from the spare.")], { tier: 2 })

const RelayLive = RelayService.layerDefault({ endpoints: [east.endpoint, west.endpoint, spare.endpoint] }).pipe(
  Layer.provideMerge(ScriptedEndpoint.layer(east, west, spare))
)

const program = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  const recorder = yield* ScriptedEndpoint.Recorder

  // every change by hand stands in the event stream
  const changes = relay.events.pipe(
    Stream.filter((event) => event._tag === "EndpointChanged"),
    Stream.runForEach(({ by, change, endpoint, reason }) =>
      Console.log(`  ${endpoint} ${change} by ${by}, because ${reason}`)
    )
  )
  yield* Effect.forkChild(changes, { startImmediately: true })

  const ask = Effect.map(
    relay.chat({ model: "any", messages: [{ role: "user", content: "Hello?" }] }),
    ({ text }) => text
  )
  const show = Effect.gen(function*() {
    for (const { id, state } of yield* relay.status) {
      const { length } = yield* recorder.received(id)
      yield* Console.log(`  ${id} is ${state}, asked ${length} times`)
    }
  })

  yield* Console.log(`the quota is used up: ${yield* ask}`)
  yield* show

  yield* Effect.sleep("1 second")
  const crowd = yield* Effect.all([ask, ask, ask], { concurrency: "unbounded" })
  yield* Console.log(`a second later, three calls at once: ${crowd.join(" ")}`)
  yield* show

  yield* recorder.play("acme-east", [usedUp])
  yield* Console.log(`used up again: ${yield* ask}`)
  yield* relay.endpoints.reset({ account: "acme" }, { by: "finance", reason: "the invoice is paid" })
  yield* recorder.play("acme-east", [answer("Hello again.")])
  yield* Console.log(`after the reset: ${yield* ask}`)
  yield* Console.log("Lesson: one call finds out for the whole account, and one call finds out when it is over.")
})

await Effect.runPromise(Effect.provide(program, RelayLive))
