/**
 * Effect's own LanguageModel over the relay: text, objects and tools from whichever endpoint answers.
 *
 * The program knows `effect/ai` and nothing else; that there are several endpoints, and that one is down, is the layer's.
 */
import { Console, Effect, Layer, Schema, Stream } from "effect"
import { RelayLanguageModel, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { LanguageModel, Tool, Toolkit } from "effect/ai"

const { answer, body, make, status, stream } = ScriptedEndpoint

const callOfTool = body(JSON.stringify({
  model: "scripted",
  choices: [{
    index: 0,
    message: {
      role: "assistant",
      content: null,
      tool_calls: [{
        id: "call-1",
        type: "function",
        function: { name: "Altitude", arguments: "{\"place\":\"Bern\"}" }
      }]
    },
    finish_reason: "tool_calls"
  }],
  usage: { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 }
}))

const primary = make("primary", [status(503)])
const backup = make("backup", [
  answer("Bern."),
  answer("{\"name\":\"Bern\",\"inhabitants\":137000}"),
  callOfTool,
  stream(["Bern ", "is ", "at ", "540 m."]),
  status(429, { code: "rate_limit_exceeded", retryAfter: 20 })
], { tier: 1 })

const Model = RelayLanguageModel.layer({ model: "small", request: { temperature: 0 } }).pipe(
  Layer.provide(RelayService.layerDefault({
    endpoints: [primary.endpoint, backup.endpoint],
    // by default the relay waits and begins again
    retry: Retry.none,
    health: "off"
  })),
  Layer.provide(ScriptedEndpoint.layer(primary, backup))
)

const City = Schema.Struct({ name: Schema.String, inhabitants: Schema.Int })

const toolkit = Toolkit.make(
  Tool.make("Altitude", {
    description: "How high a place is, in metres.",
    parameters: Schema.Struct({ place: Schema.String }),
    success: Schema.Number
  })
)
const Altitudes = toolkit.toLayer({ Altitude: () => Effect.succeed(540) })

const program = Effect.gen(function*() {
  const { text, usage } = yield* LanguageModel.generateText({ prompt: "What is the capital of Switzerland?" })
  yield* Console.log(`${text} (${usage.outputTokens.total} tokens)`)

  const { value } = yield* LanguageModel.generateObject({ prompt: "Tell me of Bern.", schema: City })
  yield* Console.log(`${value.name} has ${value.inhabitants} inhabitants`)

  const { toolResults } = yield* LanguageModel.generateText({ prompt: "How high is Bern?", toolkit })
  yield* Console.log("the tool says", toolResults.map(({ result }) => result))

  yield* LanguageModel.streamText({ prompt: "How high is Bern?" }).pipe(
    Stream.filter((part) => part.type === "text-delta"),
    Stream.runForEach(({ delta }) => Console.log(`  … ${delta}`))
  )

  const failure = yield* Effect.flip(LanguageModel.generateText({ prompt: "And Chur?" }))
  yield* Console.log(failure.message)
})

await Effect.runPromise(program.pipe(Effect.provide([Model, Altitudes])))
console.log(
  "Lesson: code written against effect/ai keeps running when an API does not; the relay is one layer below it."
)
