import { assert, describe, it } from "@effect/vitest"
import { DateTime, Duration, Effect, Fiber, Layer, Schema, Stream } from "effect"
import { CircuitBreaker, Failure, RateLimiter, RelayError, RelayLanguageModel, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { AiError, LanguageModel, Prompt, type Response, Tool, Toolkit } from "effect/ai"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"
import * as Failures from "./Failures.ts"

const { answer, body, events, make, status, stream } = ScriptedEndpoint

type Endpoints = ReadonlyArray<ScriptedEndpoint.ScriptedEndpoint>

const over = (
  endpoints: Endpoints,
  model: Partial<RelayLanguageModel.Options> = {},
  relay: Partial<RelayService.Options> = {}
) =>
  RelayLanguageModel.layer({ model: "smart", ...model }).pipe(
    Layer.provideMerge(RelayService.layerDefault({
      health: "off",
      retry: Retry.none,
      ...relay,
      endpoints: endpoints.map(({ endpoint }) => endpoint)
    })),
    Layer.provideMerge(ScriptedEndpoint.layer(...endpoints))
  )

const bodies = Effect.fnUntraced(function*(id: string) {
  const recorder = yield* ScriptedEndpoint.Recorder
  return (yield* recorder.received(id)).map(({ body }) => body)
})

const completion = (message: object, finishReason: string) =>
  body(JSON.stringify({
    id: "chatcmpl-7",
    object: "chat.completion",
    model: "m-1",
    choices: [{ index: 0, message: { role: "assistant", content: null, ...message }, finish_reason: finishReason }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
  }))

const call = (name: string, parameters: string, id?: string) => ({
  ...(id === undefined ? {} : { id }),
  type: "function",
  function: { name, arguments: parameters }
})

const GetWeather = Tool.make("GetWeather", {
  description: "How the weather is in a city.",
  parameters: Schema.Struct({ city: Schema.String }),
  success: Schema.Struct({ degrees: Schema.Number })
})

const toolkit = Toolkit.make(GetWeather)
const Weather = toolkit.toLayer({ GetWeather: ({ city }) => Effect.succeed({ degrees: city.length }) })

const a = make("a", [status(503)])
const b = make("b", [answer("Bern.")], { tier: 1 })

describe("generateText over a relay", () => {
  it.effect("is the backup's where the primary fails, with model, usage and who was asked", () =>
    Effect.gen(function*() {
      const response = yield* LanguageModel.generateText({ prompt: "What is the capital of Switzerland?" })
      assert.strictEqual(response.text, "Bern.")
      assert.strictEqual(response.finishReason, "stop")
      assert.deepInclude(response.usage.inputTokens, { total: 10 })
      assert.deepInclude(response.usage.outputTokens, { total: 5 })
      const metadata = response.content.find(({ type }) => type === "response-metadata")
      assert.deepInclude(metadata, { modelId: "scripted" } as never)
      const finish = response.content.find((part): part is Response.FinishPart => part.type === "finish")
      const told = finish!.metadata["relay"] as { endpoint: string; attempts: ReadonlyArray<{ outcome: string }> }
      assert.strictEqual(told.endpoint, "b")
      assert.deepStrictEqual(told.attempts.map(({ outcome }) => outcome), ["EndpointUnavailable", "Success"])
    }).pipe(Effect.provide(over([a, b]))))

  it.effect("writes a conversation as OpenAI's API takes it, files and tools and all", () =>
    Effect.gen(function*() {
      yield* LanguageModel.generateText({
        prompt: Prompt.make([
          { role: "system", content: "Be brief." },
          { role: "user", content: [{ type: "text", text: "Hi" }] },
          {
            role: "user",
            content: [
              { type: "text", text: "What is it?" },
              { type: "file", mediaType: "image/png", data: new Uint8Array([1, 2, 3]) },
              { type: "file", mediaType: "image/jpeg", data: new URL("https://pictures.test/1.jpg") },
              { type: "file", mediaType: "audio/wav", data: "AQID" },
              { type: "file", mediaType: "application/pdf", fileName: "a.pdf", data: "AQID" }
            ]
          },
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "Hm." },
              { type: "text", text: "Let me see." },
              { type: "tool-call", id: "call-1", name: "GetWeather", params: { city: "Bern" } }
            ]
          },
          {
            role: "tool",
            content: [
              { type: "tool-result", id: "call-1", name: "GetWeather", isFailure: false, result: { degrees: 4 } },
              { type: "tool-result", id: "call-2", name: "GetWeather", isFailure: true, result: "no such city" }
            ]
          }
        ])
      })
      const [{ messages }] = (yield* bodies("b")) as [{ messages: ReadonlyArray<unknown> }]
      assert.deepStrictEqual(messages, [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AQID" } },
            { type: "image_url", image_url: { url: "https://pictures.test/1.jpg" } },
            { type: "input_audio", input_audio: { data: "AQID", format: "wav" } },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AQID" } }
          ]
        },
        {
          role: "assistant",
          content: "Let me see.",
          tool_calls: [{
            id: "call-1",
            type: "function",
            function: { name: "GetWeather", arguments: "{\"city\":\"Bern\"}" }
          }]
        },
        { role: "tool", tool_call_id: "call-1", content: "{\"degrees\":4}" },
        { role: "tool", tool_call_id: "call-2", content: "error: no such city" }
      ])
    }).pipe(Effect.provide(over([b]))))

  it.effect("sends the fields of the request, those of the call over those of the model", () =>
    Effect.gen(function*() {
      yield* LanguageModel.generateText({ prompt: "Hi" }).pipe(
        Effect.provideService(RelayLanguageModel.Overrides, { request: { temperature: 0 } })
      )
      yield* LanguageModel.generateText({ prompt: "Hi" })
      const [first, second] = yield* bodies("b")
      assert.deepInclude(first, { model: "smart", temperature: 0, max_tokens: 100 })
      assert.deepInclude(second, { model: "smart", temperature: 1, max_tokens: 100 })
      assert.notProperty(first, "tools")
      assert.notProperty(first, "response_format")
    }).pipe(Effect.provide(over([b], { request: { temperature: 1, max_tokens: 100 } }))))

  it.effect("asks the cache where the call names a tenant", () =>
    Effect.gen(function*() {
      const ask = LanguageModel.generateText({ prompt: "Hi" }).pipe(
        Effect.provideService(RelayLanguageModel.Overrides, { chat: { tenant: "acme" } })
      )
      yield* ask
      assert.strictEqual((yield* ask).text, "Bern.")
      assert.lengthOf(yield* bodies("b"), 1)
    }).pipe(Effect.provide(over([b], { request: { temperature: 0 } }))))

  it.effect("calls a tool with what the model says, and hands over the result", () =>
    Effect.gen(function*() {
      const response = yield* LanguageModel.generateText({ prompt: "How is the weather in Bern?", toolkit })
      assert.deepStrictEqual(response.toolCalls.map(({ id, name, params }) => ({ id, name, params })), [
        { id: "call-1", name: "GetWeather", params: { city: "Bern" } }
      ])
      assert.deepStrictEqual(response.toolResults.map(({ result }) => result), [{ degrees: 4 }])
      assert.strictEqual(response.finishReason, "tool-calls")
      const [sent] = yield* bodies("t")
      const [tool] = sent!["tools"] as [{ function: { name: string; description: string; parameters: object } }]
      assert.deepInclude(tool.function, { name: "GetWeather", description: "How the weather is in a city." })
      assert.deepInclude(tool.function.parameters, { type: "object", required: ["city"] })
      assert.strictEqual(sent!["tool_choice"], "auto")
    }).pipe(Effect.provide([
      over([
        make("t", [completion({ tool_calls: [call("GetWeather", "{\"city\":\"Bern\"}", "call-1")] }, "tool_calls")])
      ]),
      Weather
    ])))

  it.effect("names calls that have no name of their own, each its own", () =>
    Effect.gen(function*() {
      const { finishReason, toolCalls, toolResults } = yield* LanguageModel.generateText({
        prompt: "Weather?",
        toolkit
      })
      // some say that they just stopped
      assert.strictEqual(finishReason, "tool-calls")
      const ids = toolCalls.map(({ id }) => id)
      assert.strictEqual(new Set(ids).size, 2)
      assert.deepStrictEqual(toolResults.map(({ id }) => id), ids)
    }).pipe(Effect.provide([
      over([make("t", [
        completion({
          tool_calls: [call("GetWeather", "{\"city\":\"Bern\"}"), call("GetWeather", "{\"city\":\"Chur\"}")]
        }, "stop")
      ])]),
      Weather
    ])))

  const choices = [
    ["required", "required"],
    ["none", "none"],
    [{ tool: "GetWeather" }, { type: "function", function: { name: "GetWeather" } }],
    [{ mode: "required", oneOf: ["GetWeather"] }, "required"]
  ] as const
  for (const [toolChoice, expected] of choices) {
    it.effect(`says the choice ${JSON.stringify(toolChoice)} as OpenAI's API has it`, () =>
      Effect.gen(function*() {
        yield* LanguageModel.generateText({ prompt: "Hi", toolkit, toolChoice })
        assert.deepStrictEqual((yield* bodies("b"))[0]!["tool_choice"], expected)
      }).pipe(Effect.provide([over([b]), Weather])))
  }

  it.effect("shows what the model says to decline, and that it declined", () =>
    Effect.gen(function*() {
      const { content, finishReason, text } = yield* LanguageModel.generateText({ prompt: "Hi" })
      assert.deepStrictEqual([text, finishReason], ["I would rather not.", "content-filter"])
      const finish = content.find((part): part is Response.FinishPart => part.type === "finish")!
      assert.deepInclude(finish.metadata["relay"] as object, { endpoint: "r", refusal: "I would rather not." })
    }).pipe(Effect.provide(over([make("r", [completion({ refusal: "I would rather not." }, "stop")])]))))

  it.effect("tells of no refusal where there is none", () =>
    Effect.gen(function*() {
      const { content, finishReason } = yield* LanguageModel.generateText({ prompt: "Hi" })
      assert.strictEqual(finishReason, "stop")
      const finish = content.find((part): part is Response.FinishPart => part.type === "finish")!
      assert.notProperty(finish.metadata["relay"], "refusal")
    }).pipe(Effect.provide(over([make("r", [completion({ content: "Hi.", refusal: "" }, "stop")])]))))

  const finishes = [["length", "length"], ["content_filter", "content-filter"], ["eos", "other"]] as const
  for (const [word, expected] of finishes) {
    it.effect(`takes the reason ${word} for ${expected}`, () =>
      Effect.gen(function*() {
        assert.strictEqual((yield* LanguageModel.generateText({ prompt: "Hi" })).finishReason, expected)
      }).pipe(Effect.provide(over([make("f", [answer("Be", { finishReason: word })])]))))
  }

  it.effect("asks nobody what no endpoint could be told", () =>
    Effect.gen(function*() {
      const prompt = Prompt.make([{
        role: "user",
        content: [{ type: "file", mediaType: "application/pdf", data: new URL("https://files.test/1.pdf") }]
      }])
      const error = yield* Effect.flip(LanguageModel.generateText({ prompt }))
      assert.strictEqual((error as AiError.AiError).reason._tag, "InvalidUserInputError")
      assert.lengthOf(yield* bodies("b"), 0)
    }).pipe(Effect.provide(over([b]))))
})

describe("generateObject over a relay", () => {
  const Person = Schema.Struct({ name: Schema.String, age: Schema.optionalKey(Schema.Int) })

  it.effect("asks for JSON of the schema, and decodes it", () =>
    Effect.gen(function*() {
      const { value } = yield* LanguageModel.generateObject({ prompt: "Who?", schema: Person, objectName: "person" })
      assert.deepStrictEqual(value, { name: "Ada" })
      const [sent] = yield* bodies("o")
      const format = sent!["response_format"] as {
        type: string
        json_schema: { name: string; strict: boolean; schema: { type: string; required: ReadonlyArray<string> } }
      }
      assert.strictEqual(format.type, "json_schema")
      assert.deepInclude(format.json_schema, { name: "person", strict: true })
      // what is strict requires every field, and lets those be null that need not be there
      assert.deepInclude(format.json_schema.schema, { type: "object", required: ["name", "age"] })
    }).pipe(Effect.provide(over([make("o", [answer("{\"name\":\"Ada\",\"age\":null}")])]))))

  it.effect("fails on an answer that is not of the schema, without asking again", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person }))
      assert.include(["StructuredOutputError", "InvalidOutputError"], (error as AiError.AiError).reason._tag)
      assert.lengthOf(yield* bodies("o"), 1)
    }).pipe(Effect.provide(over([make("o", [answer("Ada, I think.")])]))))
})

describe("a refusal over a relay", () => {
  const refusal = make("r", [completion({ refusal: "I would rather not." }, "stop")])
  const schema = Schema.Struct({ name: Schema.String })

  it.effect("is a matter of policy where an object was asked for, and no use trying again", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema }))
      const { reason } = error as AiError.AiError
      assert.strictEqual(reason._tag, "ContentPolicyError")
      assert.isFalse(reason.isRetryable)
      assert.include(reason.message, "I would rather not.")
      const back = RelayLanguageModel.toFailure(error as AiError.AiError, { endpoint: "r" }, 0)
      assert.strictEqual(back._tag, "ContentRefused")
      assert.deepStrictEqual(back.attempts.map(({ outcome }) => outcome), ["Success"])
      assert.lengthOf(yield* bodies("r"), 1)
    }).pipe(Effect.provide(over([refusal]))))

  it.effect("ends a stream as one", () =>
    Effect.gen(function*() {
      const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Hi" }))
      const finish = parts.find((part): part is Response.FinishPart => part.type === "finish")!
      assert.strictEqual(finish.reason, "content-filter")
      assert.deepInclude(finish.metadata["relay"] as object, { endpoint: "s", refusal: "I would rather not." })
    }).pipe(Effect.provide(over([make("s", [events([
      ...["I would ", "rather not."].map((refusal) =>
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { refusal } }] })}\n\n`
      ),
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n`,
      "data: [DONE]\n\n"
    ])])]))))
})

describe("streamText over a relay", () => {
  const types = (parts: ReadonlyArray<{ readonly type: string }>) => parts.map(({ type }) => type)

  it.effect("is the backup's where the primary fails, and begins once", () =>
    Effect.gen(function*() {
      const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Hi" }))
      assert.deepStrictEqual(types(parts), [
        "response-metadata",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "finish"
      ])
      const text = parts.map((part) => part.type === "text-delta" ? part.delta : "").join("")
      assert.strictEqual(text, "Good morning.")
      const finish = parts.find((part): part is Response.FinishPart => part.type === "finish")!
      assert.strictEqual(finish.reason, "stop")
      assert.deepInclude(finish.usage.inputTokens, { total: 10 })
      assert.deepInclude(finish.metadata["relay"] as object, { endpoint: "s" })
    }).pipe(Effect.provide(over([a, make("s", [stream(["Good", " morning."])], { tier: 1 })]))))

  const chunk = (delta: object, finishReason: string | null = null) =>
    `data: ${JSON.stringify({ model: "m-1", choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`

  it.effect("tells thoughts from text, and calls a tool whose parameters came in pieces", () =>
    Effect.gen(function*() {
      const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Weather?", toolkit }))
      // when the tool is done is not the model's to say
      assert.deepStrictEqual(types(parts).filter((type) => type !== "tool-result"), [
        "response-metadata",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "text-start",
        "text-delta",
        "text-end",
        "tool-params-start",
        "tool-params-delta",
        "tool-params-delta",
        "tool-params-end",
        "tool-call",
        "finish"
      ])
      const called = parts.find((part) => part.type === "tool-call")
      assert.deepInclude(called, { id: "call-1", name: "GetWeather", params: { city: "Bern" } } as never)
      const result = parts.find((part) => part.type === "tool-result")
      assert.deepInclude(result, { id: "call-1", result: { degrees: 4 } } as never)
    }).pipe(Effect.provide([
      over([make("s", [events([
        chunk({ reasoning_content: "Hm." }),
        chunk({ content: "Let me see." }),
        chunk({ tool_calls: [{ index: 0, ...call("GetWeather", "", "call-1") }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: "{\"city\":" } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: "\"Bern\"}" } }] }),
        chunk({}, "tool_calls"),
        "data: [DONE]\n\n"
      ])])]),
      Weather
    ])))

  it.effect("that nobody counted leaves its tokens open, asked or streamed", () =>
    Effect.gen(function*() {
      const { usage } = yield* LanguageModel.generateText({ prompt: "Hi" })
      const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Hi" }))
      const finish = parts.find((part): part is Response.FinishPart => part.type === "finish")
      for (const { inputTokens, outputTokens } of [usage, finish!.usage]) {
        assert.deepStrictEqual([inputTokens.total, outputTokens.total], [undefined, undefined])
      }
    }).pipe(Effect.provide(over([make("s", [
      body(JSON.stringify({
        object: "chat.completion",
        model: "m-1",
        choices: [{ index: 0, message: { role: "assistant", content: "Good." }, finish_reason: "stop" }]
      })),
      events([chunk({ content: "Good." }), chunk({}, "stop"), "data: [DONE]\n\n"])
    ])]))))

  it.effect("that breaks off fails, and never finishes", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const error = yield* LanguageModel.streamText({ prompt: "Hi" }).pipe(
        Stream.runForEach(({ type }) => Effect.sync(() => seen.push(type))),
        Effect.flip
      )
      assert.strictEqual((error as AiError.AiError).reason._tag, "InternalProviderError")
      assert.isTrue((error as AiError.AiError).isRetryable)
      assert.include(seen, "text-delta")
      assert.notInclude(seen, "finish")
    }).pipe(Effect.provide(over([make("s", [stream(["Good"], { end: "closed" })]), b]))))

  it.effect("that would begin anew fails as well, asks nobody else, and tells whose it was", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Stream.runDrain(LanguageModel.streamText({ prompt: "Hi" })))
      assert.include((error as AiError.AiError).message, "endpoint \"s\" was broken off")
      const { reason } = error as AiError.AiError
      const relay = ("metadata" in reason ? reason.metadata["relay"] : undefined) as unknown as {
        readonly failure: string
        readonly attempts: ReadonlyArray<{ readonly endpoint: string; readonly outcome: string }>
      }
      assert.strictEqual(relay.failure, "StreamInterrupted")
      assert.deepStrictEqual(relay.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["s", "InvalidResponse"]
      ])
      assert.lengthOf(yield* bodies("t"), 0)
    }).pipe(Effect.provide(over(
      [make("s", [stream(["Good"], { end: "reset" })]), make("t", [stream(["Hi."])], { tier: 1 })],
      { stream: { afterCommit: "restart" } }
    ))))

  it.effect("whose reader stops hangs up at the endpoint, and nobody is blamed", () =>
    Effect.gen(function*() {
      yield* LanguageModel.streamText({ prompt: "Hi" }).pipe(
        Stream.takeUntil(({ type }) => type === "text-delta"),
        Stream.runDrain
      )
      const recorder = yield* ScriptedEndpoint.Recorder
      assert.deepStrictEqual((yield* recorder.received("s")).map(({ cancelled }) => cancelled), [true])
      const [only] = yield* Effect.flatMap(RelayService.RelayService, ({ status }) => status)
      assert.deepInclude(only, { inFlight: 0, failed: 0, answered: 0 })
    }).pipe(Effect.provide(over([make("s", [stream(["Good"], { end: "silence" })])]))))
})

describe("a failure of the relay", () => {
  const failures: ReadonlyArray<readonly [code: string, http: number, reason: AiError.AiErrorReason["_tag"]]> = [
    ["rate_limit_exceeded", 429, "RateLimitError"],
    ["insufficient_quota", 429, "QuotaExhaustedError"],
    ["invalid_api_key", 401, "AuthenticationError"],
    ["model_not_found", 404, "InvalidRequestError"],
    ["context_length_exceeded", 400, "InvalidRequestError"],
    ["content_policy_violation", 400, "ContentPolicyError"],
    ["invalid_request_error", 400, "InvalidRequestError"],
    ["server_error", 500, "InternalProviderError"]
  ]
  for (const [code, http, reason] of failures) {
    it.effect(`${code} is a reason of the kind ${reason}, asked or streamed, and comes back as it was`, () =>
      Effect.gen(function*() {
        const relay = yield* RelayService.RelayService
        const request = { model: "smart", messages: [{ role: "user", content: "Hi" }] }
        const original = yield* Effect.flip(relay.chat(request))
        yield* relay.endpoints.reset("f")
        const asked = (yield* Effect.flip(LanguageModel.generateText({ prompt: "Hi" }))) as AiError.AiError
        yield* relay.endpoints.reset("f")
        const streamed = (yield* Effect.flip(
          Stream.runDrain(LanguageModel.streamText({ prompt: "Hi" }))
        )) as AiError.AiError
        assert.deepStrictEqual([asked.reason._tag, streamed.reason._tag], [reason, reason])
        assert.deepStrictEqual([asked.method, streamed.method], ["generateText", "streamText"])
        const back = RelayLanguageModel.toFailure(asked, { endpoint: "f", model: "smart" }, 0)
        assert.strictEqual(back._tag, original._tag)
        assert.deepStrictEqual(back.attempts.map(({ outcome }) => outcome), [original._tag])
      }).pipe(Effect.provide(over([make("f", [status(http, { code })])]))))
  }

  it.effect("keeps when it is worth coming again", () =>
    Effect.gen(function*() {
      const ask = Effect.flip(LanguageModel.generateText({ prompt: "Hi" })) as Effect.Effect<
        AiError.AiError,
        unknown,
        LanguageModel.LanguageModel
      >
      const limited = yield* ask
      assert.deepStrictEqual(limited.retryAfter, Duration.seconds(7))
      yield* TestClock.adjust("7 seconds")
      const unavailable = yield* ask
      assert.strictEqual(unavailable.reason._tag, "InternalProviderError")
      assert.deepStrictEqual(unavailable.retryAfter, Duration.seconds(9))
      const back = RelayLanguageModel.toFailure(unavailable, { endpoint: "f" }, 0)
      assert.deepInclude(back, { _tag: "EndpointUnavailable", retryAfter: Duration.seconds(9) } as never)
      const codec = Schema.toCodecJson(AiError.AiError)
      const remote = yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(unavailable))
      assert.deepStrictEqual(RelayLanguageModel.retryAfter(remote.reason, 0), Duration.seconds(9))
      const quota = yield* ask
      assert(quota.reason._tag === "QuotaExhaustedError")
      const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      assert.strictEqual(DateTime.toEpochMillis(quota.reason.resetAt!), now + 60_000)
      assert.deepStrictEqual(RelayLanguageModel.retryAfter(quota.reason, now), Duration.seconds(60))
    }).pipe(Effect.provide(over([make("f", [
      status(429, { code: "rate_limit_exceeded", retryAfter: 7 }),
      status(503, { retryAfter: 9 }),
      status(429, { code: "insufficient_quota", retryAfter: 60 })
    ])]))))

  it.effect("is a deadline's where the call's own time is up", () =>
    Effect.gen(function*() {
      const asking = yield* Effect.forkChild(Effect.flip(LanguageModel.generateText({ prompt: "Hi" })), {
        startImmediately: true
      })
      yield* TestClock.adjust("2 seconds")
      const error = (yield* Fiber.join(asking)) as AiError.AiError
      assert.deepStrictEqual([error.reason._tag, error.isRetryable], ["UnknownError", false])
      assert.include(error.message, "deadline")
    }).pipe(
      Effect.provide(over([make("f", [ScriptedEndpoint.fault("silence")])], { chat: { deadline: "2 seconds" } }))
    ))

  it.effect("is refused by its field where an option cannot work", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [options: object, field: string]> = [
        [{ model: " " }, "model"],
        [{ request: 7 }, "request"],
        [{ tenant: "acme" }, "tenant"]
      ]
      for (const [options, field] of wrong) {
        const refused = yield* Effect.flip(Layer.build(over([b], options)))
        assert.deepInclude(refused, { _tag: "InvalidConfiguration", field } as never)
      }
    }))
})

describe("every failure there is", () => {
  const page = readFileSync(join(root, "docs/relay/language-model.md"), "utf8")

  it.each(Object.values(Failures.byTag))("$_tag is told on the page as it is", (failure) => {
    const row = page.split("\n").find((line) =>
      line.startsWith("| `") && line.split("|")[1]!.includes(`\`${failure._tag}\``)
    )
    const [, , reason = "", isRetryable] = (row ?? "").split("|").map((cell) => cell.trim())
    const made = RelayLanguageModel.fromFailure(failure, 0)
    assert.deepStrictEqual([reason.split("`")[1], isRetryable], [made._tag, made.isRetryable ? "yes" : "no"])
  })

  it.each(Object.values(Failures.byTag))("$_tag keeps its tag and its attempts, there and back", (failure) => {
    const reason = RelayLanguageModel.fromFailure(failure, 0)
    const told = ("metadata" in reason ? reason.metadata["relay"] : undefined) as { failure: string; attempts: unknown }
    assert.deepStrictEqual([told.failure, told.attempts], [failure._tag, failure.attempts])
    const error = AiError.make({ module: "m", method: "m", reason })
    const back = RelayLanguageModel.toFailure(error, { endpoint: "a" }, 0)
    assert.deepStrictEqual(back.attempts, failure.attempts)
    // what an endpoint says is said again; what the relay says is what its endpoint says to a relay above it
    const isOfEndpoint = Object.keys(Failure).includes(failure._tag) || failure._tag === "RateLimited"
    if (isOfEndpoint) assert.strictEqual(back._tag, failure._tag)
  })

  const retryAfter = Duration.seconds(7)
  const hinted = [
    Failures.unavailable({ retryAfter }),
    new RateLimiter.RateLimited({ key: "a", source: "Limiter", retryAfter }),
    new CircuitBreaker.CircuitOpen({ key: "a", reason: "Open", retryAfter }),
    new Failure.QuotaExceeded({ endpoint: "a", account: "a", retryAfter }),
    new Failure.Unauthorized({ endpoint: "a", retryAfter }),
    new Failure.ModelNotFound({ endpoint: "a", model: "m", retryAfter }),
    new RelayError.RelayExhausted({ retryAfter })
  ]
  it.each(hinted)("$_tag keeps when it is worth coming again", (failure) => {
    assert.deepStrictEqual(
      RelayLanguageModel.retryAfter(RelayLanguageModel.fromFailure(failure, 1_000), 1_000),
      retryAfter
    )
  })
})

describe("an AiError of somebody else's model, inside of relay.execute", () => {
  const ai = (reason: AiError.AiErrorReason) => AiError.make({ module: "Theirs", method: "generateText", reason })

  it.effect("is failed over from, and its endpoint is left alone for as long as it asks", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const { value } = yield* relay.execute(({ id }) =>
        id === "a"
          ? Effect.clockWith((clock) => clock.currentTimeMillis).pipe(
            Effect.flatMap((now) =>
              Effect.fail(RelayLanguageModel.toFailure(
                ai(new AiError.RateLimitError({ retryAfter: Duration.seconds(7) })),
                { endpoint: id },
                now
              ))
            )
          )
          : Effect.succeed(`From ${id}.`)
      )
      assert.strictEqual(value, "From b.")
      const [first] = yield* relay.status
      assert.deepInclude(first, { state: "Paused", retryAfter: 7_000 })
    }).pipe(Effect.provide(over([a, b]))))

  const reasons: ReadonlyArray<readonly [reason: AiError.AiErrorReason, tag: string]> = [
    [new AiError.RateLimitError({}), "RateLimited"],
    [new AiError.QuotaExhaustedError({}), "QuotaExceeded"],
    [new AiError.AuthenticationError({ kind: "ExpiredKey" }), "Unauthorized"],
    [new AiError.ContentPolicyError({ description: "No." }), "ContentRefused"],
    [new AiError.InvalidRequestError({}), "RequestRejected"],
    [new AiError.InternalProviderError({ description: "Down." }), "EndpointUnavailable"],
    [new AiError.InvalidResponseError({ description: "What?" }), "InvalidResponse"],
    [new AiError.InvalidOutputError({ description: "What?" }), "InvalidResponse"],
    [new AiError.StructuredOutputError({ description: "What?", responseText: "" }), "InvalidResponse"],
    [new AiError.UnsupportedSchemaError({ description: "No." }), "RequestRejected"],
    [new AiError.UnknownError({}), "InvalidResponse"],
    [new AiError.ToolNotFoundError({ toolName: "t", availableTools: [] }), "RequestRejected"],
    [new AiError.InvalidUserInputError({ description: "No." }), "RequestRejected"]
  ]
  for (const [reason, tag] of reasons) {
    it(`is ${tag} where it is a ${reason._tag}`, () => {
      const failure = RelayLanguageModel.toFailure(ai(reason), { endpoint: "a" }, 0)
      assert.deepStrictEqual([failure._tag, failure.attempts], [tag, []])
    })
  }

  it("is EndpointUnavailable where the connection failed, and the request's fault where it could not be sent", () => {
    const request = { method: "POST", url: "https://theirs.test" }
    const failureOf = (reason: AiError.NetworkError["reason"]) =>
      RelayLanguageModel.toFailure(ai(new AiError.NetworkError({ reason, ...request })), { endpoint: "a" }, 0)._tag
    assert.strictEqual(failureOf("TransportError"), "EndpointUnavailable")
    assert.strictEqual(failureOf("EncodeError"), "RequestRejected")
  })
})
