/**
 * Testing: a service of your own on top of the relay, tested in virtual time against scripted endpoints.
 *
 * Nothing is mocked: the real relay runs, with its timeouts and its failover, and half a minute of silence passes in no
 * time. With "@effect/vitest" the test below is the body of an `it.effect`, which brings the test clock by itself.
 */
import { Clock, Console, Context, Effect, Fiber, Layer } from "effect"
import { RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import assert from "node:assert/strict"

// --- the service: a headline for a text, or the text's own first line when nobody has a better one
class Headlines extends Context.Service<Headlines, {
  readonly of: (text: string) => Effect.Effect<string>
}>()("example/Headlines") {
  static readonly layer = Layer.effect(
    Headlines,
    Effect.map(RelayService.RelayService, (relay) => ({
      of: (text) =>
        relay.chat({ model: "small", messages: [{ role: "user", content: `A headline for: ${text}` }] }).pipe(
          Effect.map((answer) => answer.text),
          Effect.orElseSucceed(() => text.split("\n")[0]!)
        )
    }))
  )
}

// --- the test: the primary never answers, the backup does
const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.fault("silence")])
const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("Rain at last")], { tier: 1 })

const HeadlinesTest = Headlines.layer.pipe(
  Layer.provide(RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint] })),
  Layer.provideMerge(ScriptedEndpoint.layer(primary, backup))
)

const test = Effect.gen(function*() {
  const headlines = yield* Headlines
  const recorder = yield* ScriptedEndpoint.Recorder

  const fiber = yield* Effect.forkChild(headlines.of("It rained.\nAll day."), { startImmediately: true })
  yield* TestClock.adjust("30 seconds")
  assert.equal(yield* Fiber.join(fiber), "Rain at last")
  yield* Console.log(`the backup answers after ${yield* Clock.currentTimeMillis} ms of virtual time`)

  // the recorder knows what reached each endpoint, and when
  const [asked] = yield* recorder.received("primary")
  const [rescued] = yield* recorder.received("backup")
  assert.equal(asked?.cancelled, true)
  assert.equal(rescued?.at, 30_000)
  assert.deepEqual(rescued?.body["messages"], [{ role: "user", content: "A headline for: It rained.\nAll day." }])

  // a new script in the middle of a test: now the request itself is refused
  yield* recorder.play("primary", [ScriptedEndpoint.status(400)])
  assert.equal(yield* headlines.of("It rained.\nAll day."), "It rained.")
  yield* Console.log("when the request is refused, the first line has to do")
})

const startedAt = performance.now()
await Effect.runPromise(test.pipe(Effect.provide(HeadlinesTest), Effect.provide(TestClock.layer())))
console.log(
  `Lesson: test the real relay on scripted endpoints; this took ${Math.round(performance.now() - startedAt)} ms.`
)
