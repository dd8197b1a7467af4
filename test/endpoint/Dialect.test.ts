import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { type ChatRequest, Classifier, Dialect, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Exchange from "./Exchange.ts"

const hi: ChatRequest.ChatRequest = { model: "m-1", messages: [{ role: "user", content: "Hi" }] }

const sent = (dialect: Dialect.Dialect, request: ChatRequest.ChatRequest, models?: Readonly<Record<string, string>>) =>
  Exchange.sent({ dialect, models }, { body: {} }, request)

const read = (dialect: Dialect.Dialect, body: unknown, status = 200) =>
  Classifier.classify({ _tag: "Reply", status, headers: {}, text: JSON.stringify(body) }, {
    endpoint: "primary",
    account: "acme",
    model: "m-1",
    dialect,
    secrets: [],
    now: 0
  })

const answerTo = (dialect: Dialect.Dialect, body: unknown) => {
  const result = read(dialect, body)
  return Result.isSuccess(result) ? result.success : assert.fail(`${result.failure._tag}: ${result.failure.message}`)
}

const failureOf = (dialect: Dialect.Dialect, body: unknown, status?: number) => {
  const result = read(dialect, body, status)
  return Result.isFailure(result) ? result.failure : assert.fail(`an answer: ${JSON.stringify(result.success)}`)
}

/** What a failure is called, with its reason where it has one. */
const nameOf = (failure: ReturnType<typeof failureOf>): string =>
  failure._tag === "InvalidResponse" ? `${failure._tag} ${failure.reason}` : failure._tag

const photo = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw==" } }
const link = { type: "image_url", image_url: { url: "https://photos.test/1.png" } }
const weather = { type: "object", properties: { city: { type: "string" } } }
const lookup = { type: "function", function: { name: "lookup", description: "Finds it.", parameters: weather } }
const call = (id: string, city: string) => ({
  id,
  type: "function",
  function: { name: "lookup", arguments: JSON.stringify({ city }) }
})

/** A conversation that has everything in it. */
const rich: ChatRequest.ChatRequest = {
  model: "m-1",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: "Look." }, photo, link] },
    { role: "assistant", content: null, tool_calls: [call("c-1", "Bern"), call("c-2", "Basel")] },
    { role: "tool", tool_call_id: "c-1", content: "{\"degrees\":20}" },
    { role: "tool", tool_call_id: "c-2", content: "rain" },
    { role: "developer", content: [{ type: "text", text: "No jokes." }] },
    { role: "assistant", content: "One more." },
    { role: "user", content: "Go on." }
  ],
  tools: [lookup],
  tool_choice: "required",
  stop: "END",
  temperature: 0.5,
  top_p: 0.9,
  max_completion_tokens: 100,
  max_tokens: 999,
  user: "u-1",
  seed: 7,
  logprobs: true
}

describe.each([
  ["openai", Dialect.openai, "/chat/completions", "authorization", `Bearer ${Exchange.key}`],
  ["deepseek", Dialect.deepseek, "/chat/completions", "authorization", `Bearer ${Exchange.key}`],
  ["openrouter", Dialect.openrouter, "/chat/completions", "authorization", `Bearer ${Exchange.key}`],
  [
    "azure",
    Dialect.azure(),
    "/openai/deployments/gpt%2F5/chat/completions?api-version=2024-10-21",
    "api-key",
    Exchange.key
  ],
  ["anthropic", Dialect.anthropic(), "/messages", "x-api-key", Exchange.key],
  ["gemini", Dialect.gemini, "/models/gpt%2F5:generateContent", "x-goog-api-key", Exchange.key]
])("a request in the dialect %s", (name, dialect, path, header, key) => {
  it.effect("goes to its address, with the key in its header and in no other", () =>
    Effect.gen(function*() {
      const { headers, method, url } = yield* sent(dialect, hi, { "m-1": "gpt/5" })
      assert.strictEqual(dialect.name, name)
      assert.strictEqual(method, "POST")
      assert.strictEqual(url, `https://api.test/v1${path}`)
      assert.deepStrictEqual(
        Object.entries(headers).filter(([, value]) => value?.includes(Exchange.key)),
        [[header, key]]
      )
    }))
})

describe("a request in a dialect of OpenAI's", () => {
  it.effect.each([Dialect.openai, Dialect.azure({ apiVersion: "2026-01-01" }), Dialect.deepseek, Dialect.openrouter])(
    "goes as it is: $name",
    (dialect) =>
      Effect.gen(function*() {
        const request = { ...rich, provider: { order: ["a"] } }
        assert.deepStrictEqual((yield* sent(dialect, request, { "m-1": "gpt-5" })).body, { ...request, model: "gpt-5" })
      })
  )

  it.effect("to Azure names the version of the API", () =>
    Effect.gen(function*() {
      const { url } = yield* sent(Dialect.azure({ apiVersion: "2026-01-01" }), hi)
      assert.include(url, "?api-version=2026-01-01")
    }))
})

describe("a request to Anthropic", () => {
  const anthropic = Dialect.anthropic()
  const body = (request: object) => Effect.map(sent(anthropic, { ...hi, ...request }), ({ body }) => body as any)

  it.effect("says what it said, in Anthropic's words", () =>
    Effect.gen(function*() {
      const { body, headers } = yield* sent(anthropic, rich, { "m-1": "claude-5" })
      assert.strictEqual(headers["anthropic-version"], "2023-06-01")
      assert.deepStrictEqual(body, {
        model: "claude-5",
        max_tokens: 100,
        system: "Be brief.\n\nNo jokes.",
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "Look." },
              { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw==" } },
              { type: "image", source: { type: "url", url: "https://photos.test/1.png" } }
            ]
          },
          {
            role: "assistant",
            content: [
              { type: "tool_use", id: "c-1", name: "lookup", input: { city: "Bern" } },
              { type: "tool_use", id: "c-2", name: "lookup", input: { city: "Basel" } }
            ]
          },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "c-1", content: [{ type: "text", text: "{\"degrees\":20}" }] },
              { type: "tool_result", tool_use_id: "c-2", content: [{ type: "text", text: "rain" }] }
            ]
          },
          { role: "assistant", content: [{ type: "text", text: "One more." }] },
          { role: "user", content: [{ type: "text", text: "Go on." }] }
        ],
        tools: [{ name: "lookup", description: "Finds it.", input_schema: weather }],
        tool_choice: { type: "any" },
        stop_sequences: ["END"],
        temperature: 0.5,
        top_p: 0.9,
        metadata: { user_id: "u-1" }
      })
    }))

  it.effect("has a limit of tokens, which there has to be", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* body({})).max_tokens, 4096)
      assert.strictEqual((yield* body({ max_tokens: 5 })).max_tokens, 5)
      const { body: own } = yield* sent(Dialect.anthropic({ maxTokens: 77, version: "2030-01-01" }), hi)
      assert.deepInclude(own, { max_tokens: 77 })
    }))

  const choices: ReadonlyArray<readonly [request: object, choice: unknown]> = [
    [{}, undefined],
    [{ tool_choice: "auto" }, { type: "auto" }],
    [{ tool_choice: "none" }, { type: "none" }],
    [{ tool_choice: "required" }, { type: "any" }],
    [{ tool_choice: { type: "function", function: { name: "lookup" } } }, { type: "tool", name: "lookup" }],
    [{ parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }],
    [{ parallel_tool_calls: false, tool_choice: "none" }, { type: "none" }]
  ]
  it.effect.each(choices)("chooses among tools as it was told (%#)", ([request, choice]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* body({ tools: [lookup], ...request })).tool_choice, choice)
      assert.notProperty(yield* body(request), "tool_choice")
    }))

  it.effect("carries tools and fields of Anthropic's own as they are", () =>
    Effect.gen(function*() {
      const search = { type: "web_search_20250305", name: "web_search" }
      const thinking = { type: "enabled", budget_tokens: 1024 }
      assert.deepInclude(yield* body({ tools: [search], thinking, top_k: 5 }), { tools: [search], thinking, top_k: 5 })
    }))

  it.effect("is no hotter than Anthropic's scale goes", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* body({ temperature: 1.7 })).temperature, 1)
      assert.strictEqual((yield* body({ temperature: 0 })).temperature, 0)
    }))
})

describe("a request to Gemini", () => {
  const body = (request: object) => Effect.map(sent(Dialect.gemini, { ...hi, ...request }), ({ body }) => body as any)

  it.effect("says what it said, in Gemini's words", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* body(rich), {
        systemInstruction: { parts: [{ text: "Be brief." }, { text: "No jokes." }] },
        contents: [
          {
            role: "user",
            parts: [
              { text: "Look." },
              { inlineData: { mimeType: "image/png", data: "iVBORw==" } },
              { fileData: { fileUri: "https://photos.test/1.png" } }
            ]
          },
          {
            role: "model",
            parts: [
              { functionCall: { id: "c-1", name: "lookup", args: { city: "Bern" } } },
              { functionCall: { id: "c-2", name: "lookup", args: { city: "Basel" } } }
            ]
          },
          {
            role: "user",
            parts: [
              { functionResponse: { id: "c-1", name: "lookup", response: { degrees: 20 } } },
              { functionResponse: { id: "c-2", name: "lookup", response: { result: "rain" } } }
            ]
          },
          { role: "model", parts: [{ text: "One more." }] },
          { role: "user", parts: [{ text: "Go on." }] }
        ],
        tools: [
          { functionDeclarations: [{ name: "lookup", description: "Finds it.", parametersJsonSchema: weather }] }
        ],
        toolConfig: { functionCallingConfig: { mode: "ANY" } },
        generationConfig: { maxOutputTokens: 100, temperature: 0.5, topP: 0.9, seed: 7, stopSequences: ["END"] }
      })
    }))

  it.effect("asks for JSON where it was asked for", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* body({ response_format: { type: "json_object" } })).generationConfig, {
        responseMimeType: "application/json"
      })
      const named = { type: "json_schema", json_schema: { name: "w", schema: weather } }
      assert.deepStrictEqual((yield* body({ response_format: named })).generationConfig, {
        responseMimeType: "application/json",
        responseJsonSchema: weather
      })
      assert.notProperty(yield* body({ response_format: { type: "text" } }), "generationConfig")
    }))

  it.effect("carries what is Gemini's own as it is, its configuration over ours", () =>
    Effect.gen(function*() {
      const safetySettings = [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }]
      const search = { googleSearch: {} }
      assert.deepInclude(
        yield* body({
          temperature: 1,
          tools: [lookup, search],
          tool_choice: { type: "function", function: { name: "lookup" } },
          safetySettings,
          generationConfig: { topK: 40, temperature: 0.1 }
        }),
        {
          safetySettings,
          generationConfig: { temperature: 0.1, topK: 40 },
          tools: [
            { functionDeclarations: [{ name: "lookup", description: "Finds it.", parametersJsonSchema: weather }] },
            search
          ],
          toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["lookup"] } }
        }
      )
    }))
})

const says = (content: unknown) => ({ messages: [{ role: "user", content }] })
const unsayable: ReadonlyArray<readonly [name: string, request: object, what: RegExp]> = [
  ["a message of no role it knows", { messages: [{ role: "critic", content: "Hm." }] }, /role "critic"/],
  ["a message that is none", { messages: [7] }, /no object/],
  ["sound", says([{ type: "input_audio", input_audio: { data: "AA==", format: "wav" } }]), /"input_audio"/],
  ["a part that is none", says(["Hi"]), /no object/],
  ["a content that is none", says(7), /content/],
  ["an image without an address", says([{ type: "image_url" }]), /"image_url"/],
  ["the result of a tool nobody called", { messages: [{ role: "tool", content: "20" }] }, /tool_call_id/],
  [
    "a call whose arguments are broken",
    {
      messages: [{
        role: "assistant",
        tool_calls: [{ id: "c-1", type: "function", function: { name: "f", arguments: "{\"a" } }]
      }]
    },
    /arguments/
  ],
  [
    "a call whose arguments are a list",
    {
      messages: [{
        role: "assistant",
        tool_calls: [{ id: "c-1", type: "function", function: { name: "f", arguments: "[]" } }]
      }]
    },
    /arguments/
  ],
  ["a call without a name", { messages: [{ role: "assistant", tool_calls: [{ id: "c-1" }] }] }, /name/],
  ["a call of the old kind", { messages: [{ role: "assistant", function_call: { name: "f" } }] }, /function_call/],
  ["tools of the old kind", { functions: [{ name: "f" }] }, /functions/],
  ["a tool that is none", { tools: ["lookup"] }, /tool/],
  ["a tool without a name", { tools: [{ type: "function" }] }, /name/],
  ["a choice of tools nobody knows", { tool_choice: "maybe" }, /tool_choice/],
  ["an answer to hear", { modalities: ["text", "audio"] }, /modalities/],
  ["a format nobody knows", { response_format: { type: "xml" } }, /response_format/]
]

describe("a message with nothing in it", () => {
  const hollow = {
    ...hi,
    messages: [{ role: "assistant", content: "" }, ...hi.messages, { role: "user", content: [] }]
  }

  it.effect("is left out where it would be refused", () =>
    Effect.gen(function*() {
      assert.deepInclude((yield* sent(Dialect.anthropic(), hollow)).body, {
        messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }]
      })
      assert.deepInclude((yield* sent(Dialect.gemini, hollow)).body, {
        contents: [{ role: "user", parts: [{ text: "Hi" }] }]
      })
    }))
})

describe("what a dialect cannot say", () => {
  for (const dialect of [Dialect.anthropic(), Dialect.gemini]) {
    it.effect.each(unsayable)(
      `is refused, and not sent without it: %s (${dialect.name})`,
      ([, request, what]) =>
        Exchange.over({ dialect }, [{ body: {} }], (relay, received) =>
          Effect.gen(function*() {
            const failure = yield* Effect.flip(relay.chat({ ...hi, ...request }))
            assert.deepInclude(failure, { _tag: "RequestRejected", endpoint: "primary", retry: "Elsewhere" })
            assert.match(failure.message, what)
            assert.isEmpty(received)
          }))
    )
  }

  const more: ReadonlyArray<object> = [{ n: 2 }, { response_format: { type: "json_object" } }]
  it.effect.each(more)(
    "includes, for Anthropic, %j",
    (request) =>
      Exchange.over({ dialect: Dialect.anthropic() }, [{ body: {} }], (relay, received) =>
        Effect.gen(function*() {
          assert.strictEqual((yield* Effect.flip(relay.chat({ ...hi, ...request })))._tag, "RequestRejected")
          assert.isEmpty(received)
        }))
  )

  it.effect("includes, for Gemini, that no two tools be called at once, where any may be", () =>
    Exchange.over({ dialect: Dialect.gemini }, [{ body: {} }], (relay, received) =>
      Effect.gen(function*() {
        const oneByOne = { ...hi, parallel_tool_calls: false }
        const failure = yield* Effect.flip(relay.chat({ ...oneByOne, tools: [lookup] }))
        assert.deepInclude(failure, { _tag: "RequestRejected", endpoint: "primary", retry: "Elsewhere" })
        assert.match(failure.message, /parallel_tool_calls/)
        assert.isEmpty(received)
        yield* Effect.exit(relay.chat(oneByOne))
        yield* Effect.exit(relay.chat({ ...oneByOne, tools: [lookup], tool_choice: "none" }))
        yield* Effect.exit(relay.chat({ ...hi, parallel_tool_calls: true, tools: [lookup] }))
        assert.strictEqual(received.length, 3)
      })))

  it.effect("includes a name of a model that no address can hold", () =>
    Exchange.over({ dialect: Dialect.gemini }, [{ body: {} }], (relay, received) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Effect.flip(relay.chat({ ...hi, model: "\ud800" })))._tag, "RequestRejected")
        assert.isEmpty(received)
      })))
})

const message = (content: ReadonlyArray<object>, stopReason: string | null = "end_turn", usage?: object) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-5",
  content,
  stop_reason: stopReason,
  stop_sequence: null,
  ...(usage === undefined ? {} : { usage })
})
const text = (text: string) => ({ type: "text", text })

describe("an answer of Anthropic", () => {
  const anthropic = Dialect.anthropic()

  it("has the text, the model, the tokens and the whole body", () => {
    const body = message([text("Ye"), text("s.")], "end_turn", {
      input_tokens: 10,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 4,
      output_tokens: 5
    })
    assert.deepStrictEqual(answerTo(anthropic, body), {
      text: "Yes.",
      finishReason: "stop",
      truncated: false,
      toolCalls: [],
      refusal: undefined,
      model: "claude-5",
      tokens: { input: 17, output: 5, total: 22, cacheRead: 4, cacheWrite: 3 },
      body
    })
  })

  it("may call tools", () => {
    const use = { type: "tool_use", id: "t-1", name: "lookup", input: { city: "Bern" } }
    assert.deepInclude(answerTo(anthropic, message([use], "tool_use")), {
      text: "",
      finishReason: "tool_calls",
      toolCalls: [{ id: "t-1", name: "lookup", arguments: "{\"city\":\"Bern\"}" }]
    })
  })

  const reasons: ReadonlyArray<readonly [own: string | null, common: string, truncated: boolean]> = [
    ["end_turn", "stop", false],
    ["stop_sequence", "stop", false],
    ["tool_use", "tool_calls", false],
    ["max_tokens", "length", true],
    ["model_context_window_exceeded", "length", true],
    ["refusal", "content_filter", false],
    ["pause_turn", "pause_turn", false],
    ["toString", "toString", false],
    [null, "unknown", false]
  ]
  it.each(reasons)("that stopped because of %s", (own, finishReason, truncated) => {
    assert.deepInclude(answerTo(anthropic, message([text("So")], own)), { finishReason, truncated })
  })

  it("may be a refusal", () => {
    assert.strictEqual(answerTo(anthropic, message([text("I cannot.")], "refusal")).refusal, "I cannot.")
    assert.strictEqual(answerTo(anthropic, message([], "refusal")).text, "")
  })

  const valid: ReadonlyArray<readonly [name: string, body: object]> = [
    ["nothing, but tokens were spent on it", message([], "end_turn", { output_tokens: 3 })],
    [
      "thoughts alone, because the limit went into them",
      message([{ type: "thinking", thinking: "Hm." }], "max_tokens")
    ],
    ["a block that nobody knows yet", message([{ type: "hologram", text: {}, name: 7 }])],
    ["a block that nobody knows beside a text", message([{ type: "hologram" }, text("Yes.")])]
  ]
  it.each(valid)("may be %s", (_, body) => {
    assert.deepStrictEqual(answerTo(anthropic, body).body, body)
  })

  const invalid: ReadonlyArray<readonly [name: string, body: unknown, reason: string]> = [
    ["nothing", message([]), "Empty"],
    ["an empty text", message([text("")]), "Empty"],
    ["thoughts alone", message([{ type: "thinking", thinking: "Hm." }]), "Empty"],
    ["no list of blocks", { ...message([]), content: "Yes." }, "Malformed"],
    ["a text block without a text", message([{ type: "text" }]), "Malformed"],
    ["a tool call without a name", message([{ type: "tool_use", id: "t-1" }]), "Malformed"],
    ["a chat completion", { choices: [{ message: { content: "Yes." } }] }, "Malformed"]
  ]
  it.each(invalid)("is none with %s", (_, body, reason) => {
    assert.strictEqual(nameOf(failureOf(anthropic, body)), `InvalidResponse ${reason}`)
  })

  it("is none where there is an error instead, whatever the status", () => {
    const error = (type: string, message = "No.", more: object = {}) => ({
      type: "error",
      error: { type, message, ...more }
    })
    const names = [
      [200, error("overloaded_error"), "EndpointUnavailable"],
      [529, error("overloaded_error"), "EndpointUnavailable"],
      [200, error("not_found_error"), "ModelNotFound"],
      [
        429,
        error("rate_limit_error", "Limit.", { details: { error_code: "enforced_spend_limit_reached" } }),
        "QuotaExceeded"
      ]
    ] as const
    for (const [status, body, name] of names) assert.strictEqual(nameOf(failureOf(anthropic, body, status)), name)
  })
})

const candidate = (parts: ReadonlyArray<object>, finishReason: string | undefined = "STOP", more: object = {}) => ({
  candidates: [{ index: 0, content: { role: "model", parts }, finishReason }],
  modelVersion: "gemini-3-pro",
  ...more
})

describe("an answer of Gemini", () => {
  const { gemini } = Dialect

  it("has the text without its thoughts, the model, the tokens and the whole body", () => {
    const body = candidate([{ text: "Hm.", thought: true }, { text: "Yes." }], "STOP", {
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 7, totalTokenCount: 22 }
    })
    assert.deepStrictEqual(answerTo(gemini, body), {
      text: "Yes.",
      finishReason: "stop",
      truncated: false,
      toolCalls: [],
      refusal: undefined,
      model: "gemini-3-pro",
      tokens: { input: 10, output: 12, total: 22, reasoning: 7 },
      body
    })
  })

  it("may call tools", () => {
    const body = candidate([{ functionCall: { name: "lookup", args: { city: "Bern" } } }])
    assert.deepInclude(answerTo(gemini, body), {
      finishReason: "tool_calls",
      toolCalls: [{ id: undefined, name: "lookup", arguments: "{\"city\":\"Bern\"}" }]
    })
  })

  const reasons: ReadonlyArray<readonly [own: string, common: string, truncated: boolean]> = [
    ["STOP", "stop", false],
    ["MAX_TOKENS", "length", true],
    ["SAFETY", "content_filter", false],
    ["RECITATION", "content_filter", false],
    ["PROHIBITED_CONTENT", "content_filter", false],
    ["OTHER", "OTHER", false]
  ]
  it.each(reasons)("that stopped because of %s", (own, finishReason, truncated) => {
    assert.deepInclude(answerTo(gemini, candidate([{ text: "So" }], own)), { finishReason, truncated })
  })

  it("may be nothing, because of a filter or because the limit went into thoughts", () => {
    for (const more of [{ finishReason: "SAFETY" }, { finishReason: "MAX_TOKENS", content: {} }]) {
      assert.strictEqual(answerTo(gemini, { candidates: [more] }).text, "")
    }
  })

  const failures: ReadonlyArray<readonly [name: string, body: unknown, status: number, is: string]> = [
    ["no candidates", { candidates: [] }, 200, "InvalidResponse Empty"],
    ["an empty text", candidate([{ text: "" }]), 200, "InvalidResponse Empty"],
    ["thoughts alone", candidate([{ text: "Hm.", thought: true }]), 200, "InvalidResponse Empty"],
    ["a broken call", candidate([], "MALFORMED_FUNCTION_CALL"), 200, "InvalidResponse CutOff"],
    ["candidates that are none", { candidates: [7] }, 200, "InvalidResponse Malformed"],
    ["nothing known", {}, 200, "InvalidResponse Malformed"],
    ["a blocked prompt", { promptFeedback: { blockReason: "SAFETY" } }, 200, "ContentRefused"],
    [
      "a region where there is no API",
      { error: { code: 400, status: "FAILED_PRECONDITION", message: "User location is not supported." } },
      400,
      "Unauthorized"
    ],
    [
      "a long prompt",
      {
        error: {
          code: 400,
          status: "INVALID_ARGUMENT",
          message: "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
        }
      },
      400,
      "ContextTooLong"
    ]
  ]
  it.each(failures)("is none with %s", (_, body, status, is) => {
    assert.strictEqual(nameOf(failureOf(gemini, body, status)), is)
  })
})

describe("an answer of the others", () => {
  it("is none where DeepSeek ran out of resources in the middle of it", () => {
    const body = { choices: [{ message: { content: "Once" }, finish_reason: "insufficient_system_resource" }] }
    assert.strictEqual(nameOf(failureOf(Dialect.deepseek, body)), "InvalidResponse CutOff")
  })

  it("is a wait where OpenRouter has no budget left for what is under way, and a quota where there is no credit", () => {
    const error = (metadata: object) => ({ error: { code: 402, message: "Payment required", metadata } })
    const inFlight = error({ limit_source: "openrouter_in_flight_budget" })
    assert.strictEqual(nameOf(failureOf(Dialect.openrouter, inFlight, 402)), "RateLimited")
    assert.strictEqual(nameOf(failureOf(Dialect.openrouter, error({}), 402)), "QuotaExceeded")
  })
})

describe("the limit that a 429 tells of", () => {
  const scopeOf = (dialect: Dialect.Dialect, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const outcome = Classifier.classify(
      { _tag: "Reply", status: 429, headers, text: typeof body === "string" ? body : JSON.stringify(body) },
      { endpoint: "primary", account: "acme", model: "m-1", dialect, secrets: [], now: 0 }
    )
    const failure = Result.isFailure(outcome) ? outcome.failure : assert.fail("an answer")
    return failure._tag === "RateLimited" ? failure.scope : assert.fail(failure._tag)
  }
  const quota = (quotaId: string) => ({
    error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "No.", details: [{ violations: [{ quotaId }] }] }
  })
  const limited = (message: string) => ({ type: "error", error: { type: "rate_limit_error", message } })

  it("is whose the dialect knows it to be, or nobody's in particular", () => {
    const plain = { error: { message: "Slow down.", code: "rate_limit_exceeded" } }
    assert.strictEqual(scopeOf(Dialect.openai, plain), undefined)
    assert.strictEqual(scopeOf(Dialect.azure(), plain), "Model")
    assert.strictEqual(scopeOf(Dialect.anthropic(), limited("Your organization's rate limit.")), "Account")
    assert.strictEqual(scopeOf(Dialect.anthropic(), limited("The limit (org: o-1, model: claude-5).")), undefined)
    const plan = { "anthropic-ratelimit-unified-status": "rejected" }
    assert.strictEqual(scopeOf(Dialect.anthropic(), limited("The limit (model: claude-5)."), plan), "Account")
    assert.strictEqual(scopeOf(Dialect.gemini, quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier")), "Model")
    assert.strictEqual(scopeOf(Dialect.gemini, quota("RequestsPerMinutePerProject")), "Account")
    assert.strictEqual(scopeOf(Dialect.gemini, {}), undefined)
    const routed = (source: string) => ({ error: { code: 429, message: "No.", metadata: { limit_source: source } } })
    assert.strictEqual(scopeOf(Dialect.openrouter, routed("openrouter")), "Account")
    assert.strictEqual(scopeOf(Dialect.openrouter, routed("provider")), undefined)
  })

  it("is the endpoint's where the one who stands before it says so", () => {
    assert.strictEqual(scopeOf(Dialect.openai, "error code: 1015"), "Endpoint")
  })
})

describe("the health check of an endpoint", () => {
  const paths: ReadonlyArray<readonly [dialect: Dialect.Dialect, path: string]> = [
    [Dialect.openai, "/models"],
    [Dialect.anthropic(), "/models"],
    [Dialect.gemini, "/models"],
    [Dialect.azure(), "/openai/models?api-version=2024-10-21"],
    [Dialect.openrouter, "/key"]
  ]
  it.effect.each(paths)(
    "goes where a GET costs nothing, with the key",
    ([dialect, path]) =>
      Exchange.over({ dialect }, [{ body: {} }], (_, received) =>
        Effect.gen(function*() {
          yield* TestClock.adjust("15 seconds")
          const [check] = received
          assert.deepInclude(check, { method: "GET", url: `https://api.test/v1${path}` })
          assert.include(check!.headers[dialect.key.header], Exchange.key)
        }), { health: {} })
  )
})

describe("a scripted endpoint", () => {
  const primary = ScriptedEndpoint.make("primary", [
    ScriptedEndpoint.body(JSON.stringify(message([text("From Claude.")])))
  ], { dialect: Dialect.anthropic() })
  const backup = ScriptedEndpoint.make("backup", [
    ScriptedEndpoint.body(JSON.stringify(candidate([{ text: "From Gemini." }])))
  ], { dialect: Dialect.gemini, tier: 1 })

  it.effect("is asked, and plays its script, in its own dialect", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const recorder = yield* ScriptedEndpoint.Recorder
      assert.strictEqual((yield* relay.chat(hi)).text, "From Claude.")
      yield* recorder.play("primary", [ScriptedEndpoint.status(529)])
      assert.strictEqual((yield* relay.chat(hi)).text, "From Gemini.")
      const [asked] = yield* recorder.received("backup")
      assert.deepStrictEqual(asked!.body, { contents: [{ role: "user", parts: [{ text: "Hi" }] }] })
    }).pipe(Effect.provide(
      RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint], health: "off" }).pipe(
        Layer.provideMerge(ScriptedEndpoint.layer(primary, backup))
      )
    )))
})

describe("a dialect that is made twice", () => {
  it("is the same, so that whoever compares descriptions finds no change", () => {
    assert.deepStrictEqual(Dialect.anthropic({ maxTokens: 5 }), Dialect.anthropic({ maxTokens: 5 }))
    assert.deepStrictEqual(Dialect.azure(), Dialect.azure())
    assert.notDeepEqual(Dialect.azure(), Dialect.azure({ apiVersion: "2026-01-01" }))
  })
})

describe("a dialect of one's own", () => {
  const mine: Dialect.Dialect = {
    ...Dialect.openai,
    name: "mine",
    chatPath: "/ask?of={model}",
    key: { header: "x-token", scheme: "Token" },
    headers: { "x-client": "relay" },
    defaults: { tone: "calm" },
    words: { out_of_coins: "Quota", bad_prompt: "Content" },
    finishReasons: { full: "length" }
  }

  it.effect("is data: path, header, defaults, words and reasons", () =>
    Effect.gen(function*() {
      const { body, headers, url } = yield* sent(mine, hi)
      assert.strictEqual(url, "https://api.test/v1/ask?of=m-1")
      assert.deepInclude(headers, { "x-token": `Token ${Exchange.key}`, "x-client": "relay" })
      assert.notProperty(headers, "authorization")
      assert.deepStrictEqual(body, { tone: "calm", ...hi })
      assert.strictEqual(failureOf(mine, { error: { code: "Out_Of_Coins" } }, 418)._tag, "QuotaExceeded")
      assert.strictEqual(failureOf(mine, { error: { code: "bad_prompt" } }, 400)._tag, "ContentRefused")
      const full = { choices: [{ message: { content: "So" }, finish_reason: "full" }] }
      assert.deepInclude(answerTo(mine, full), { finishReason: "length", truncated: true })
    }))

  it.effect("sends the headers of the endpoint over its own", () =>
    Effect.gen(function*() {
      const { headers } = yield* Exchange.sent(
        { dialect: Dialect.anthropic(), headers: { "anthropic-version": "2030-01-01" } },
        { body: {} },
        hi
      )
      assert.strictEqual(headers["anthropic-version"], "2030-01-01")
    }))

  const tooFar = (): never => {
    throw new Error("too far")
  }

  it("whose functions throw still ends in a value", () => {
    const broken: Dialect.Dialect = { ...mine, read: tooFar, error: tooFar, limitScope: tooFar }
    assert.strictEqual(nameOf(failureOf(broken, { choices: [] })), "InvalidResponse Malformed")
    assert.strictEqual(nameOf(failureOf(broken, { error: { code: "out_of_coins" } })), "QuotaExceeded")
    assert.strictEqual(nameOf(failureOf(broken, {}, 429)), "RateLimited")
  })

  it.effect("that cannot write a request does not end the call elsewhere", () =>
    Effect.gen(function*() {
      for (const write of [tooFar, () => Result.succeed(undefined), () => Result.fail("a joke")]) {
        yield* Exchange.over({ dialect: { ...mine, write } }, [{ body: {} }], (relay, received) =>
          Effect.gen(function*() {
            const failure = yield* Effect.flip(relay.chat(hi))
            assert.deepInclude(failure, { _tag: "RequestRejected", retry: "Elsewhere" })
            assert.isEmpty(received)
          }))
      }
    }))
})
