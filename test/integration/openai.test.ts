import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted, Stream } from "effect"
import { Dialect, type Endpoint, type RelayEvent, RelayFetch, RelayService, Retry } from "effect-relay"
import { FetchHttpClient } from "effect/http"
import { gzipSync } from "node:zlib"
import OpenAI, {
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
  UnprocessableEntityError
} from "openai"
import * as Server from "../wire/Server.ts"

/** The real client over a relay over these servers, the first a tier before the second. */
const over = Effect.fnUntraced(function*(
  servers: ReadonlyArray<Server.Server>,
  options?: Partial<RelayService.Options>,
  endpoint?: Partial<Endpoint.Options>
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
        ...endpoint
      }))
    }).pipe(Layer.provide(FetchHttpClient.layer))
  )
  yield* Effect.addFinalizer(() => runtime.disposeEffect)
  const relay = yield* Effect.promise(() => runtime.runPromise(RelayService.RelayService))
  const client = new OpenAI({ apiKey: "key-of-the-caller", fetch: RelayFetch.make(relay, { runtime }) })
  return { client, relay }
})

const chat: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: "smart",
  messages: [{ role: "user", content: "Hi" }]
}

const ask = (client: OpenAI, options?: OpenAI.RequestOptions) =>
  Effect.promise(() => client.chat.completions.create(chat, options))

/** What the client throws. */
const thrownBy = (call: () => PromiseLike<unknown>) =>
  Effect.promise(() =>
    Promise.resolve(call()).then(
      (value) => assert.fail(`an answer: ${JSON.stringify(value)}`),
      (error: unknown) => error
    )
  )

const hello = Server.json(Server.completion("Hello."))
const error = (code: string) => ({ error: { message: `This is ${code}.`, type: "error", param: null, code } })
const down = Server.json(error("server_is_overloaded"), 503)

describe("the openai package over a relay", () => {
  it.live("gets the answer of the backup where the primary fails, and does not notice", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(hello)
      const { client } = yield* over([primary, backup])
      const { data, response } = yield* Effect.promise(() => client.chat.completions.create(chat).withResponse())
      assert.strictEqual(data.choices[0]?.message.content, "Hello.")
      assert.deepStrictEqual(
        [response.headers.get("x-relay-endpoint"), response.headers.get("x-relay-attempts")],
        ["server-1", "2"]
      )
      assert.deepStrictEqual([primary.received.length, backup.received.length], [1, 1])
    }))

  it.live("asks with the endpoint's key and the endpoint's name for the model", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client } = yield* over([server], {}, { models: { smart: "m-1-2026" } })
      yield* ask(client, { headers: { "OpenAI-Organization": "org-of-the-caller", "X-Trace": "t-1" } })
      const [{ body, headers, method, path }] = server.received as [Server.Received]
      assert.deepStrictEqual([method, path], ["POST", "/v1/chat/completions"])
      assert.deepStrictEqual(JSON.parse(body), { ...chat, model: "m-1-2026" })
      assert.strictEqual(headers.authorization, "Bearer key-of-server-0")
      assert.strictEqual(headers["x-trace"], "t-1")
      assert.notInclude(JSON.stringify([headers, body]), "of-the-caller")
      assert.notProperty(headers, "x-stainless-retry-count")
    }))

  it.live("is answered by Anthropic in OpenAI's words, and goes on from there", () =>
    Effect.gen(function*() {
      const call = { type: "tool_use", id: "toolu_1", name: "lookup", input: { city: "Bern" } }
      const text = { type: "text", text: "It rains." }
      const said = (content: object, reason: string) =>
        Server.json({
          model: "claude-1",
          content: [content],
          stop_reason: reason,
          usage: { input_tokens: 3, output_tokens: 4 }
        })
      let asked = 0
      const server = yield* Server.http((response, request) =>
        (asked++ === 0 ? said(call, "tool_use") : said(text, "end_turn"))(response, request)
      )
      const { client } = yield* over([server], {}, { dialect: Dialect.anthropic() })
      const first = yield* ask(client)
      const [choice] = first.choices as [OpenAI.ChatCompletion.Choice]
      assert.strictEqual(choice.finish_reason, "tool_calls")
      assert.deepStrictEqual(first.usage, { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
      const second = yield* Effect.promise(() =>
        client.chat.completions.create({
          model: "smart",
          messages: [...chat.messages, choice.message, {
            role: "tool",
            tool_call_id: choice.message.tool_calls![0]!.id,
            content: "rain"
          }]
        })
      )
      assert.strictEqual(second.choices[0]?.message.content, "It rains.")
      assert.deepStrictEqual(JSON.parse(server.received[1]!.body).messages.slice(1), [
        { role: "assistant", content: [call] },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "rain" }] }]
        }
      ])
      assert.strictEqual(server.received[0]!.headers["x-api-key"], "key-of-server-0")
    }))

  it.live("throws its own error for a 429, knows how long to wait and does not come again", () =>
    Effect.gen(function*() {
      const limited = yield* Server.http((response) =>
        response.writeHead(429, { "retry-after": "77" }).end(JSON.stringify(error("rate_limit_exceeded")))
      )
      const { client } = yield* over([limited])
      const thrown = yield* thrownBy(() => client.chat.completions.create(chat))
      assert.instanceOf(thrown, RateLimitError)
      assert.deepInclude(thrown, { status: 429, code: "rate_limit_exceeded", type: "rate_limit_error" })
      assert.strictEqual(thrown.headers.get("retry-after"), "77")
      assert.strictEqual(thrown.headers.get("retry-after-ms"), "77000")
      assert.include(thrown.message, "This is rate_limit_exceeded.")
      assert.lengthOf(limited.received, 1)
    }))

  it.live("throws its own error when all endpoints are down, after one call to each", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(down)
      const { client } = yield* over([primary, backup])
      const thrown = yield* thrownBy(() => client.chat.completions.create(chat, { maxRetries: 5 }))
      assert.instanceOf(thrown, InternalServerError)
      assert.deepInclude(thrown, { status: 503, code: "endpoint_unavailable" })
      assert.strictEqual(thrown.headers.get("x-relay-attempts"), "2")
      assert.deepStrictEqual([primary.received.length, backup.received.length], [1, 1])
    }))

  const kinds = [
    [400, "context_length_exceeded", BadRequestError, "context_length_exceeded", 400],
    [400, "content_policy_violation", BadRequestError, "content_policy_violation", 400],
    [422, "odd", UnprocessableEntityError, null, 422],
    [401, "invalid_api_key", AuthenticationError, "invalid_api_key", 401],
    [404, "model_not_found", NotFoundError, "model_not_found", 404],
    [429, "insufficient_quota", RateLimitError, "insufficient_quota", 429],
    [200, "mystery", InternalServerError, "invalid_response", 502]
  ] as const
  for (const [status, said, errorClass, code, thrownStatus] of kinds) {
    it.live(`throws ${errorClass.name} where an endpoint says ${said} with ${status}`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(Server.json(error(said), status))
        const { client } = yield* over([server])
        const thrown = yield* thrownBy(() => client.chat.completions.create(chat))
        assert.instanceOf(thrown, errorClass)
        assert.deepInclude(thrown, { status: thrownStatus, code })
        assert.include(thrown.message, `This is ${said}.`)
        assert.lengthOf(server.received, 1)
      }))
  }

  it.live("hangs up when the caller aborts, and the endpoint is not blamed", () =>
    Effect.gen(function*() {
      const silent = yield* Server.http(() => {})
      const { client, relay } = yield* over([silent])
      const controller = new AbortController()
      const thrown = yield* Effect.forkChild(
        thrownBy(() => client.chat.completions.create(chat, { signal: controller.signal })),
        { startImmediately: true }
      )
      yield* silent.until(() => silent.received.length === 1)
      controller.abort()
      yield* silent.until(() => silent.connections().open === 0)
      assert.instanceOf(yield* Fiber.join(thrown), APIUserAbortError)
      const [status] = yield* relay.status
      assert.deepInclude(status, { answered: 0, failed: 0, inFlight: 0, state: "Healthy" })
      assert.lengthOf(silent.received, 1)
    }))

  it.live("asks for embeddings, by the endpoint's name for their model", () =>
    Effect.gen(function*() {
      const reply = {
        object: "list",
        data: [{ object: "embedding", index: 0, embedding: [0.25, -1] }],
        model: "e-1",
        usage: { prompt_tokens: 2, total_tokens: 2 }
      }
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(Server.json(reply))
      const { client } = yield* over([primary, backup], {}, { models: { embedder: "e-1-2026" } })
      const answer = yield* Effect.promise(() =>
        client.embeddings.create({ model: "embedder", input: "Hi", encoding_format: "float" })
      )
      assert.deepStrictEqual(answer.data[0]?.embedding, [0.25, -1])
      assert.strictEqual(JSON.parse(backup.received[0]!.body).model, "e-1-2026")
      assert.deepStrictEqual([...primary.received, ...backup.received].map(({ path }) => path), [
        "/v1/embeddings",
        "/v1/embeddings"
      ])
    }))

  it.live("reads what the endpoint has compressed", () =>
    Effect.gen(function*() {
      const server = yield* Server.http((response, request) => {
        assert.include(request.headers["accept-encoding"], "gzip")
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" })
          .end(gzipSync(JSON.stringify(Server.completion("Hello."))))
      })
      const { client } = yield* over([server])
      const { data, response } = yield* Effect.promise(() => client.chat.completions.create(chat).withResponse())
      assert.strictEqual(data.choices[0]?.message.content, "Hello.")
      assert.isNull(response.headers.get("content-encoding"))
    }))

  it.live("uploads a file, once at most", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(hello)
      const { client } = yield* over([primary, backup])
      const file = new File(["a,b"], "a.csv")
      assert.instanceOf(yield* thrownBy(() => client.files.create({ file, purpose: "batch" })), InternalServerError)
      assert.deepStrictEqual([primary.received.length, backup.received.length], [1, 0])
      assert.match(primary.received[0]?.headers["content-type"] ?? "", /^multipart\/form-data; boundary=/)
      assert.include(primary.received[0]?.body, "a,b")
    }))

  it.live("lists models, query and all", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Server.json({ object: "list", data: [{ id: "m-1", object: "model" }] }))
      const { client } = yield* over([server])
      const { data } = yield* Effect.promise(() => client.models.list({ query: { limit: 1 } }))
      assert.deepStrictEqual(data.map(({ id }) => id), ["m-1"])
      assert.deepInclude(server.received[0], { method: "GET", path: "/v1/models?limit=1", body: "" })
    }))

  it.live("hears of a path that no endpoint has, and no endpoint is blamed", () =>
    Effect.gen(function*() {
      const server = yield* Server.http((response) => response.writeHead(404).end("<h1>Not found</h1>"))
      const { client, relay } = yield* over([server])
      assert.instanceOf(yield* thrownBy(() => client.get("/nothing/here")), NotFoundError)
      assert.strictEqual(server.received[0]?.path, "/v1/nothing/here")
      assert.deepInclude((yield* relay.status)[0], { state: "Healthy" })
      assert.strictEqual((yield* relay.status)[0]?.circuit.suspicion, 0)
    }))

  it.live("is told that only chats are streamed, and nothing is sent", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client } = yield* over([server])
      const thrown = yield* thrownBy(() => client.responses.create({ model: "smart", input: "Hi", stream: true }))
      assert.instanceOf(thrown, BadRequestError)
      assert.include(thrown.message, "stream has to be left out")
      assert.lengthOf(server.received, 0)
    }))

  it.live("may come again where nothing was sent, and the relay knows that it does", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client, relay } = yield* over([server])
      yield* relay.endpoints.isolate("server-0")
      const heard: Array<RelayEvent.RelayEvent> = []
      yield* Effect.forkScoped(
        Stream.runForEach(relay.events, (event) => {
          heard.push(event)
          return event._tag === "CallFailed" ? Effect.orDie(relay.endpoints.reset("server-0")) : Effect.void
        }),
        { startImmediately: true }
      )
      assert.strictEqual((yield* ask(client)).choices[0]?.message.content, "Hello.")
      assert.deepInclude(heard.find(({ _tag }) => _tag === "CallerRetried"), { path: "/chat/completions", retry: 1 })
      assert.lengthOf(server.received, 1)
    }))
})
