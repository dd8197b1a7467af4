/**
 * Streams: failover before the first token, and what the caller wants after it.
 *
 * A stream that is cut looks like one that ended. Here it never does: an answer is whole with its `Finish`, and with
 * nothing else.
 */
import { Console, Effect, Layer, Stream } from "effect"
import { RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const { make, stream } = ScriptedEndpoint

const answer = ["Bern ", "is ", "the ", "capital."]

// breaks off before the first word, then after two
const primary = make("primary", [
  stream([], { end: "reset" }),
  stream(answer.slice(0, 2), { end: "closed", between: "10 millis" })
])
const backup = make("backup", [stream(answer, { between: "10 millis" })], { tier: 1 })

const request = { model: "any", messages: [{ role: "user", content: "What is the capital of Switzerland?" }] }

/** Prints a stream as it comes. */
const show = Effect.fnUntraced(function*(what: string, options?: RelayService.StreamOptions) {
  const relay = yield* RelayService.RelayService
  yield* Console.log(`\n${what}`)
  yield* Stream.runForEach(relay.stream(request, options), (chunk) => {
    switch (chunk._tag) {
      case "Start":
        return Console.log(`  ${chunk.endpoint} answers`)
      case "TextDelta":
        return Console.log(`  "${chunk.text}"`)
      case "Restarted":
        return Console.log(`  ${chunk.endpoint} broke off: forget what it said`)
      case "Finish":
        return Console.log(`  whole, by ${chunk.meta.endpoint}, ${chunk.tokens.output} tokens`)
      default:
        return Effect.void
    }
  }).pipe(
    Effect.catchTag("StreamInterrupted", ({ because, text }) => Console.log(`  only "${text}", because of ${because}`))
  )
})

const program = Effect.gen(function*() {
  yield* show("broken off before the first token: nobody notices")
  yield* show("broken off after it: the caller is told, with what there is")
  yield* show("the same, for a caller who would rather begin anew", { afterCommit: "restart" })
  yield* show("the same, for a caller who can wait", { commit: "whole" })
  yield* Console.log("\nLesson: say up to where an answer may still change hands, and what is to follow after that.")
})

await Effect.runPromise(Effect.provide(
  program,
  RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint], retry: Retry.none }).pipe(
    Layer.provide(ScriptedEndpoint.layer(primary, backup))
  )
))
