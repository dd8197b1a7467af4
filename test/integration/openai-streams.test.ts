/** The real client iterates a stream over a relay, against real servers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted } from "effect"
import { Dialect, type Endpoint, RelayFetch, RelayService, Retry } from "effect-relay"
import { FetchHttpClient } from "effect/http"
import OpenAI, { APIError, APIUserAbortError, RateLimitError } from "openai"
import * as Server from "../wire/Server.ts"
import * as Sse from "../wire/Sse.ts"

const over = Effect.fnUntraced(function*(
  servers: ReadonlyArray<Server.Server>,
  options?: Partial<RelayService.Options>,
  endpoints: ReadonlyArray<Partial<Endpoint.Options>> = []
) {
  const runtime = ManagedRuntime.make(
    RelayService.layerDefault({
      health: "off",
      retry: Retry.none,
      ...options,
      endpoints: servers.map(({ url }, tier) => ({
        id: `server-${tier}`,
        baseUrl: url,
        apiKey: Redacted.make(`key-of-server-${tier}`),
        tier,
        ...endpoints[tier]
      }))
    }).pipe(Layer.provide(FetchHttpClient.layer))
  )
  yield* Effect.addFinalizer(() => runtime.disposeEffect)
  const relay = yield* Effect.promise(() => runtime.runPromise(RelayService.RelayService))
  const client = new OpenAI({ apiKey: "key-of-the-caller", fetch: RelayFetch.make(relay, { runtime }) })
  return { client, relay, runtime }
})

const chat: OpenAI.ChatCompletionCreateParamsStreaming = {
  model: "smart",
  messages: [{ role: "user", content: "Hi" }],
  stream: true
}

interface Heard {
  readonly chunks: ReadonlyArray<OpenAI.ChatCompletionChunk>
  readonly text: string
  readonly thrown: unknown
}

const listen = (
  client: OpenAI,
  request: OpenAI.ChatCompletionCreateParamsStreaming = chat,
  options?: OpenAI.RequestOptions
) =>
  Effect.promise(async (): Promise<Heard> => {
    const chunks: Array<OpenAI.ChatCompletionChunk> = []
    const text = () => chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")
    try {
      for await (const chunk of await client.chat.completions.create(request, options)) chunks.push(chunk)
      return { chunks, text: text(), thrown: undefined }
    } catch (thrown) {
      return { chunks, text: text(), thrown }
    }
  })

const atRest = (relay: RelayService.RelayService) =>
  Effect.map(relay.status, (all) => {
    for (const { bulkhead, id, inFlight } of all) assert.deepStrictEqual([id, inFlight, bulkhead.running], [id, 0, 0])
  })

const down = Server.json({ error: { message: "down", code: "server_is_overloaded" } }, 503)
const hello = Sse.says("Hel", "lo, ", "Bern.")

describe("the openai package streams over a relay", () => {
  it.live("through a failover, and does not notice", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const second = yield* Server.http(Sse.send([Sse.chunk({ role: "assistant" })], "reset"))
      const third = yield* Server.http(hello)
      const { client, relay } = yield* over([primary, second, third])
      const { chunks, text, thrown } = yield* listen(client)
      assert.deepStrictEqual([text, thrown], ["Hello, Bern.", undefined])
      assert.deepStrictEqual(chunks.filter(({ choices }) => choices[0]?.delta.role !== undefined).length, 1)
      assert.strictEqual(chunks.at(-1)?.choices[0]?.finish_reason, "stop")
      assert.strictEqual(new Set(chunks.map(({ id }) => id)).size, 1)
      assert.isUndefined(chunks.at(-1)?.usage)
      assert.deepStrictEqual([primary, second, third].map(({ received }) => received.length), [1, 1, 1])
      yield* atRest(relay)
    }))

  it.live("and is told in the headers whose answer it is", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(hello)
      const { client } = yield* over([primary, backup])
      const { data, response } = yield* Effect.promise(() => client.chat.completions.create(chat).withResponse())
      assert.deepStrictEqual(
        ["content-type", "x-relay-endpoint", "x-relay-attempts"].map((name) => response.headers.get(name)),
        ["text/event-stream; charset=utf-8", "server-1", "2"]
      )
      yield* Effect.promise(async () => {
        for await (const _ of data);
      })
    }))

  it.live("with the count of tokens, where it asks for it", () =>
    Effect.gen(function*() {
      const { client } = yield* over([yield* Server.http(hello)])
      const { chunks } = yield* listen(client, { ...chat, stream_options: { include_usage: true } })
      assert.deepStrictEqual(chunks.at(-1)?.choices, [])
      assert.deepStrictEqual(chunks.at(-1)?.usage, { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 })
      assert.isTrue(chunks.slice(0, -1).every(({ usage }) => usage === null))
    }))

  it.live("what Anthropic says, tool calls and all", () =>
    Effect.gen(function*() {
      const events = [
        { type: "message_start", message: { model: "claude-1", usage: { input_tokens: 3 } } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Let me look." } },
        { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "t1", name: "lookup" } },
        { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "{\"city\":" } },
        { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "\"Bern\"}" } },
        { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 4 } },
        { type: "message_stop" }
      ]
      const server = yield* Server.http(Sse.send(events.map((json) => `event: ${json.type}\n${Sse.event(json)}`)))
      const { client } = yield* over([server], {}, [{ dialect: Dialect.anthropic() }])
      const whole = yield* Effect.promise(() =>
        client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } }).finalChatCompletion()
      )
      const [{ finish_reason: reason, message }] = whole.choices as unknown as [OpenAI.ChatCompletion.Choice]
      assert.deepStrictEqual([reason, message.content], ["tool_calls", "Let me look."])
      const [call] = message.tool_calls as [OpenAI.ChatCompletionMessageFunctionToolCall]
      assert.deepStrictEqual([call.id, call.function.name, call.function.arguments], [
        "t1",
        "lookup",
        "{\"city\":\"Bern\"}"
      ])
      assert.strictEqual(whole.usage?.total_tokens, 7)
      assert.strictEqual(JSON.parse(server.received[0]!.body).stream, true)
    }))

  it.live("and hears of a break as an error, after what came", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(Sse.send(["Hel", "lo"].map((content) => Sse.chunk({ content })), "reset"))
      const backup = yield* Server.http(hello)
      const { client, relay } = yield* over([primary, backup])
      const { text, thrown } = yield* listen(client)
      assert.strictEqual(text, "Hello")
      assert.instanceOf(thrown, APIError)
      assert.strictEqual((thrown as APIError).code, "stream_interrupted")
      assert.lengthOf(backup.received, 0)
      yield* atRest(relay)
    }))

  it.live("without a break, where it waits for the whole answer", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(Sse.send(["Hel", "lo"].map((content) => Sse.chunk({ content })), "reset"))
      const backup = yield* Server.http(hello)
      const { client } = yield* over([primary, backup], { stream: { commit: "whole" } })
      const { text, thrown } = yield* listen(client)
      assert.deepStrictEqual([text, thrown], ["Hello, Bern.", undefined])
    }))

  it.live("on from where another broke off, where that is possible", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(Sse.send([Sse.chunk({ content: "Hello, " })], "reset"))
      const backup = yield* Server.http(Sse.says(" Bern."))
      const { client } = yield* over([primary, backup], { stream: { afterCommit: "continue" } }, [{}, {
        prefill: true
      }])
      const { chunks, text, thrown } = yield* listen(client)
      assert.deepStrictEqual([text, thrown], ["Hello, Bern.", undefined])
      assert.strictEqual(new Set(chunks.map(({ id }) => id)).size, 1)
    }))

  it.live("never two answers glued together, and no second one is asked for, though the relay would begin anew", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(Sse.send([Sse.chunk({ content: "Hel" })], "reset"))
      const backup = yield* Server.http(hello)
      const { client, relay } = yield* over([primary, backup], { stream: { afterCommit: "restart" } })
      const { text, thrown } = yield* listen(client)
      assert.strictEqual(text, "Hel")
      assert.strictEqual((thrown as APIError).code, "stream_interrupted")
      assert.match((thrown as APIError).message, /"server-0".* broken off after 3 characters: ./)
      assert.lengthOf(backup.received, 0)
      yield* atRest(relay)
    }))

  it.live("or gets the error it knows, with its status, before anything has come", () =>
    Effect.gen(function*() {
      const limited = yield* Server.http((response) =>
        response.writeHead(429, { "retry-after": "77" }).end(JSON.stringify({ error: { code: "rate_limit_exceeded" } }))
      )
      const { client } = yield* over([limited])
      const { chunks, thrown } = yield* listen(client)
      assert.instanceOf(thrown, RateLimitError)
      assert.strictEqual((thrown as RateLimitError).headers?.get("retry-after"), "77")
      assert.deepStrictEqual(chunks, [])
      assert.lengthOf(limited.received, 1)
    }))

  it.live("and hangs up on the endpoint when it stops listening", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.send(["Hel", "lo"].map((content) => Sse.chunk({ content })), "silence"))
      const { client, relay } = yield* over([server])
      yield* Effect.promise(async () => {
        for await (const { choices } of await client.chat.completions.create(chat)) {
          if (choices[0]?.delta.content?.startsWith("Hel") === true) break
        }
      })
      yield* server.until(() => server.connections().open === 0)
      yield* atRest(relay)
      assert.deepInclude((yield* relay.status)[0], { failed: 0, answered: 0 })
    }))

  it.live("and hangs up when it aborts, before the first word and after", () =>
    Effect.gen(function*() {
      for (const words of [[], [Sse.chunk({ content: "Hel" })]]) {
        const server = yield* Server.http(Sse.send(words, "silence"))
        const { client, relay } = yield* over([server])
        const controller = new AbortController()
        const listening = yield* Effect.forkChild(listen(client, chat, { signal: controller.signal }), {
          startImmediately: true
        })
        yield* server.until(() => server.received.length === 1)
        yield* Effect.sleep("50 millis")
        controller.abort()
        const { thrown } = yield* Fiber.join(listening)
        if (words.length === 0) assert.instanceOf(thrown, APIUserAbortError)
        yield* server.until(() => server.connections().open === 0)
        yield* atRest(relay)
      }
    }))

  it.live("and is cut off, audibly, when the relay is closed", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.send([Sse.chunk({ content: "Hel" })], "silence"))
      const { client, runtime } = yield* over([server])
      const heard: Array<unknown> = []
      yield* Effect.promise(async () => {
        try {
          for await (const chunk of await client.chat.completions.create(chat)) {
            heard.push(chunk)
            if (chunk.choices[0]?.delta.content === "Hel") void runtime.dispose()
          }
          heard.push("the end")
        } catch {
          heard.push("cut off")
        }
      })
      assert.strictEqual(heard.at(-1), "cut off")
      yield* server.until(() => server.connections().open === 0)
    }))
})
