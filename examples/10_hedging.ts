/**
 * Hedging: a second copy of a slow attempt, at another endpoint, and what the relay says it would do.
 *
 * One attempt in a few hangs. Without a hedge its caller waits for it; with one, another endpoint is asked as soon as the
 * attempt takes longer than it should, and the request that lost is hung up on.
 */
import { Console, Effect, Layer } from "effect"
import { RelayExplanation, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const { answer, make } = ScriptedEndpoint

// quick as a rule, but one answer of each takes its time
const quick = answer("Good morning.", { delay: "10 millis" })
const slow = answer("Good morning.", { delay: "800 millis" })
const east = make("east", [quick, slow, quick])
const west = make("west", [quick, quick, slow, quick])

const request = { model: "any", messages: [{ role: "user", content: "Good morning?" }] }

const program = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  const recorder = yield* ScriptedEndpoint.Recorder

  yield* Console.log(RelayExplanation.print(yield* relay.explain(request)))

  let slowest = 0
  for (let call = 1; call <= 4; call++) {
    const { meta } = yield* relay.chat(request)
    slowest = Math.max(slowest, meta.latency)
    if (meta.attempts.length > 1) {
      const trail = meta.attempts.map(({ endpoint, outcome }) => `${endpoint} ${outcome}`).join(", ")
      yield* Console.log(`call ${call}: ${trail}`)
    }
  }
  const received = [...yield* recorder.received("east"), ...yield* recorder.received("west")]
  const hungUpOn = received.filter(({ cancelled }) => cancelled).length
  yield* Console.log(
    `4 calls, ${received.length} requests, ${hungUpOn} of them hung up on; the slowest call took ` +
      `${slowest < 400 ? "less" : "more"} than half of what the slowest answer takes`
  )
})

const endpoints = [east.endpoint, west.endpoint]
const over = (options: Omit<RelayService.Options, "endpoints">) =>
  RelayService.layerDefault({ endpoints, retry: Retry.none, ...options }).pipe(
    Layer.provideMerge(ScriptedEndpoint.layer(east, west))
  )

await Effect.runPromise(Effect.gen(function*() {
  yield* Console.log("without a hedge")
  yield* Effect.provide(program, over({}))
  yield* Console.log("\nwith a hedge after 50 ms")
  yield* Effect.provide(program, over({ hedge: { delay: "50 millis" } }))
  yield* Console.log("Lesson: where slowness is a matter of luck, ask twice, seldom, and take whoever answers first.")
}))
