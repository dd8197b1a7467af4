import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { Dialect } from "effect-relay"
import { APIError, type OpenAI, RateLimitError } from "openai"
import * as Server from "../wire/Server.ts"
import * as Sse from "../wire/Sse.ts"
import * as Gateway from "./Gateway.ts"

const chat: OpenAI.ChatCompletionCreateParamsStreaming = {
  model: "smart",
  messages: [{ role: "user", content: "Hi" }],
  stream: true,
  stream_options: { include_usage: true }
}

interface Read {
  readonly text: string
  readonly roles: number
  readonly finishReason: string | null
  readonly tokens: number | undefined
  readonly error: unknown
}

/** All that a client makes of a stream, and what it throws in the end. */
const read = (client: OpenAI, onText: (text: string) => void = () => {}) =>
  Effect.promise(async (signal): Promise<Read> => {
    const read: { -readonly [Field in keyof Read]: Read[Field] } = {
      text: "",
      roles: 0,
      finishReason: null,
      tokens: undefined,
      error: undefined
    }
    try {
      for await (const { choices, usage } of await client.chat.completions.create(chat, { signal })) {
        const [choice] = choices
        read.text += choice?.delta.content ?? ""
        if (choice?.delta.role !== undefined) read.roles++
        read.finishReason = choice?.finish_reason ?? read.finishReason
        read.tokens = usage?.total_tokens ?? read.tokens
        onText(read.text)
      }
    } catch (error) {
      read.error = error
    }
    return read
  })

const down = Server.json({ error: { message: "Down.", code: "server_is_overloaded" } }, 503)
const whole = { text: "Hello there.", roles: 1, finishReason: "stop", tokens: 15, error: undefined }
const says = Sse.says("Hello", " there.")

describe("a stream through a gateway", () => {
  const faults: Readonly<Record<string, Server.Handler>> = {
    "is down": down,
    "resets the connection": (response) => response.destroy(),
    "is cut before its first token": Sse.send([Sse.chunk({ role: "assistant", content: "" })]),
    "says an error in its stream": Sse.send([Sse.event({ error: { message: "Overloaded.", code: "server_error" } })])
  }
  for (const [name, fault] of Object.entries(faults)) {
    it.live(`is the backup's where the primary ${name}, and nobody notices`, () =>
      Effect.gen(function*() {
        const primary = yield* Server.http(fault)
        const backup = yield* Server.http(says)
        const { client } = yield* Gateway.over([primary, backup])
        assert.deepStrictEqual(yield* read(client), whole)
        const { response } = yield* Effect.promise(() => client.chat.completions.create(chat).withResponse())
        assert.strictEqual(response.headers.get("x-relay-endpoint"), "server-1")
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream; charset=utf-8")
        yield* Effect.promise(async () => response.body?.cancel())
      }))
  }

  it.live("comes as it is said, and not when all is said", () =>
    Effect.gen(function*() {
      let goOn = () => {}
      const server = yield* Server.http((response) => {
        Sse.begin(response).write(Sse.chunk({ content: "Hello" }))
        goOn = () => response.end([Sse.chunk({ content: " there." }), ...Sse.end].join(""))
      })
      const { client } = yield* Gateway.over([server])
      const { text } = yield* read(client, (text) => {
        if (text === "Hello") goOn()
      })
      assert.strictEqual(text, "Hello there.")
    }))

  it.live("that breaks off after its first token ends in an error, never as if it were whole", () =>
    Effect.gen(function*() {
      for (const then of ["end", "reset"] as const) {
        const primary = yield* Server.http(Sse.send([Sse.chunk({ content: "Hello" })], then))
        const backup = yield* Server.http(says)
        const { client } = yield* Gateway.over([primary, backup])
        const { error, finishReason, text } = yield* read(client)
        assert.instanceOf(error, APIError)
        assert.deepStrictEqual([(error as APIError).code, finishReason, text], ["stream_interrupted", null, "Hello"])
        assert.lengthOf(backup.received, 0)
      }
    }))

  it.live("that would begin anew elsewhere ends in an error as well, and nobody else is asked", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(Sse.send([Sse.chunk({ content: "Hello" })], "reset"))
      const backup = yield* Server.http(Sse.send([Sse.chunk({ content: "Good morning." })], "silence"))
      const { client } = yield* Gateway.over([primary, backup], { relay: { stream: { afterCommit: "restart" } } })
      const { error, text } = yield* read(client)
      assert.deepStrictEqual([(error as APIError).code, text], ["stream_interrupted", "Hello"])
      assert.include((error as APIError).message, "\"server-0\"")
      assert.lengthOf(backup.received, 0)
    }))

  it.live("that nobody can begin is a response of its own, with status and wait", () =>
    Effect.gen(function*() {
      const server = yield* Server.http((response) =>
        response.writeHead(429, { "retry-after": "7" }).end("{\"error\":{\"code\":\"rate_limit_exceeded\"}}")
      )
      const { client } = yield* Gateway.over([server])
      const { error } = yield* read(client)
      assert.instanceOf(error, RateLimitError)
      const { headers } = error as InstanceType<typeof RateLimitError>
      assert.deepStrictEqual([headers?.get("retry-after"), headers?.get("x-relay-trail")], [
        "7",
        "server-0=RateLimited"
      ])
      assert.lengthOf(server.received, 1)
    }))

  it.live("is OpenAI's, though Anthropic says it", () =>
    Effect.gen(function*() {
      const event = (value: { readonly type: string }) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
      const said = [
        { type: "message_start", message: { model: "claude-5", usage: { input_tokens: 10, output_tokens: 1 } } },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello there." } },
        { type: "content_block_stop", index: 0 },
        { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
        { type: "message_stop" }
      ]
      const server = yield* Server.http(Sse.send(said.map(event)))
      const { client } = yield* Gateway.over([server], { endpoint: { dialect: Dialect.anthropic() } })
      assert.deepStrictEqual(yield* read(client), whole)
    }))

  it.live("that its reader leaves is hung up on at the endpoint, and nobody is blamed", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.send([Sse.chunk({ content: "Hello" })], "silence"))
      const { client, relay } = yield* Gateway.over([server])
      yield* Effect.promise(async () => {
        for await (const _ of await client.chat.completions.create(chat)) break
      })
      yield* server.until(() => server.connections().open === 0)
      const settled = yield* Effect.repeat(relay.status, { until: ([only]) => only?.inFlight === 0 })
      assert.deepInclude(settled[0], { inFlight: 0, failed: 0, answered: 0, state: "Healthy" })
      assert.strictEqual(settled[0]!.bulkhead.running, 0)
    }))

  it.live("that its reader leaves before the first token, as well", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.send([": wait\n\n"], "silence"))
      const { client, relay } = yield* Gateway.over([server])
      const reading = yield* Effect.forkChild(read(client), { startImmediately: true })
      yield* server.until(() => server.received.length === 1)
      yield* Fiber.interrupt(reading)
      yield* server.until(() => server.connections().open === 0)
      const settled = yield* Effect.repeat(relay.status, { until: ([only]) => only?.inFlight === 0 })
      assert.deepInclude(settled[0], { failed: 0, answered: 0, state: "Healthy" })
    }))

  it.live("is let to its end by a gateway that ends", () =>
    Effect.gen(function*() {
      let goOn = () => {}
      const server = yield* Server.http((response) => {
        Sse.begin(response).write(Sse.chunk({ content: "Hello" }))
        goOn = () => response.end([Sse.chunk({ content: " there." }), ...Sse.end].join(""))
      })
      const scope = yield* Scope.make()
      const { client, url } = yield* Scope.provide(Gateway.over([server]), scope)
      const reading = yield* Effect.forkChild(read(client), { startImmediately: true })
      yield* server.until(() => server.received.length === 1)
      const ending = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      const late = yield* Effect.exit(Effect.tryPromise(() => fetch(`${url}/health`)))
      assert.isTrue(Exit.isFailure(late))
      goOn()
      assert.deepStrictEqual(yield* Fiber.join(reading), whole)
      yield* Fiber.join(ending)
    }))
})
