/**
 * Retry: a schedule of your own, put together from this package's parts and Effect's.
 *
 * Everything in `Retry` is a plain `Schedule`. So Effect's combinators fit, and the result goes to a relay as well as
 * to `Effect.retry` around any effect.
 */
import { Console, Duration, Effect, Layer, Schedule } from "effect"
import { CircuitBreaker, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

// once again at once, then with growing pauses; after two seconds no more
const patient = Schedule.concat(
  Schedule.recurs(1),
  Retry.exponential({ base: "20 millis", cap: "200 millis", times: 6 })
).pipe(
  Schedule.upTo({ duration: "2 seconds" }),
  // not before a failure's own `retryAfter`; give up where that is more than a second
  Retry.honorRetryAfter("1 second"),
  // not what cannot succeed, such as a rejected request
  Retry.onlyRetryable,
  Schedule.tap(({ attempt, duration }) =>
    Console.log(`  retry ${attempt} after ${Math.round(Duration.toMillis(duration))} ms`)
  )
)

// down twice, then asking for 0.3 seconds of patience, then well
const { answer, status } = ScriptedEndpoint
const only = ScriptedEndpoint.make("only", [
  status(503),
  status(503),
  status(429, { retryAfter: "0.3" }),
  answer("Done.")
])

const RelayLive = RelayService.layerDefault({ endpoints: [only.endpoint], retry: patient }).pipe(
  Layer.provide(ScriptedEndpoint.layer(only))
)

const program = Effect.gen(function*() {
  yield* Console.log("a relay, round after round:")
  const relay = yield* RelayService.RelayService
  const { meta, text } = yield* relay.chat({ model: "any", messages: [{ role: "user", content: "Do it." }] })
  yield* Console.log(`  ${text} after ${meta.attempts.map(({ outcome }) => outcome).join(", ")}`)

  yield* Console.log("an effect of your own:")
  let calls = 0
  const flaky = Effect.suspend(() => ++calls < 4 ? Effect.fail("not yet") : Effect.succeed(`done by call ${calls}`))
  yield* Console.log(`  ${yield* Effect.retry(flaky, patient)}`)

  yield* Console.log("an open circuit:")
  const breaker = yield* CircuitBreaker.make()
  yield* breaker.isolate
  const refused = yield* Effect.flip(Effect.retry(breaker.protect(flaky), patient))
  yield* Console.log(`  not retried: ${typeof refused === "string" ? refused : refused.message}`)

  yield* Console.log("Lesson: compose one schedule, and use it in the relay and around your own effects.")
})

await Effect.runPromise(Effect.provide(program, RelayLive))
