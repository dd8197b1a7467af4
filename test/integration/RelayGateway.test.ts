import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted, Schema, Scope } from "effect"
import { Budget, EndpointStatus } from "effect-relay"
import OpenAI, {
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError
} from "openai"
import * as Server from "../wire/Server.ts"
import * as Gateway from "./Gateway.ts"

const chat: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: "smart",
  messages: [{ role: "user", content: "Hi" }]
}

const ask = (client: OpenAI, options?: OpenAI.RequestOptions) =>
  Effect.promise(() => client.chat.completions.create(chat, options))

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

const get = (url: string, init?: RequestInit) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
  })

const post = (url: string, body: string, headers: Record<string, string> = {}) =>
  get(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } })

const assertIdle = Effect.fnUntraced(function*({ relay }: Gateway.Gateway) {
  for (const { bulkhead, id, inFlight } of yield* relay.status) {
    assert.deepStrictEqual({ id, inFlight, running: bulkhead.running }, { id, inFlight: 0, running: 0 })
  }
})

const isIdle = (gateway: Gateway.Gateway) =>
  Effect.repeat(
    Effect.map(gateway.relay.status, (all) => all.every(({ inFlight }) => inFlight === 0)),
    { until: (idle) => idle }
  )

const poorTeams = Effect.tap(
  Budget.make({ tokens: 100_000 }),
  (budgets) => budgets.configure("poor", { tokens: 1 })
)

describe("the openai package at a gateway", () => {
  it.live("gets the answer of the backup where the primary fails, and may read who was asked", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(hello)
      const { client } = yield* Gateway.over([primary, backup])
      const { data, response } = yield* Effect.promise(() => client.chat.completions.create(chat).withResponse())
      assert.strictEqual(data.choices[0]?.message.content, "Hello.")
      assert.strictEqual(response.headers.get("x-relay-endpoint"), "server-1")
      assert.strictEqual(response.headers.get("x-relay-attempts"), "2")
      assert.strictEqual(response.headers.get("x-relay-trail"), "server-0=EndpointUnavailable, server-1=Success")
      assert.deepStrictEqual([primary.received.length, backup.received.length], [1, 1])
    }))

  it.live("knows its tenants by their headers, and holds each to its budget", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client, relay } = yield* Gateway.over([server], {
        gateway: { tenantOf: ({ "x-team": team }) => team },
        relay: { budgets: { perTenant: yield* poorTeams } }
      })
      const as = (team: string) => ({ headers: { "x-team": team } })
      yield* Effect.promise(() => client.chat.completions.create(chat, as("rich")))
      for (const stream of [false, true]) {
        const thrown = yield* thrownBy(() => client.chat.completions.create({ ...chat, stream }, as("poor")))
        assert.deepInclude(thrown as object, { status: 402, code: "budget_exceeded" })
      }
      assert.deepStrictEqual((yield* relay.usage).map(({ calls, tenant }) => [tenant, calls]), [["rich", 1]])
      assert.lengthOf(server.received, 1)
    }))

  it.live("asks with the endpoint's key, and its own goes no further", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client } = yield* Gateway.over([server], { endpoint: { models: { smart: "m-1-2026" } } })
      yield* ask(client)
      const [{ body, headers }] = server.received as [Server.Received]
      assert.strictEqual(JSON.parse(body).model, "m-1-2026")
      assert.strictEqual(headers.authorization, "Bearer key-of-server-0")
      assert.notInclude(JSON.stringify(headers), "of-the-caller")
    }))

  const failures = [
    ["a bad key of the endpoint", 401, "invalid_api_key", AuthenticationError],
    ["a rate limit", 429, "rate_limit_exceeded", RateLimitError],
    ["a model nobody knows", 404, "model_not_found", NotFoundError],
    ["a context that is too long", 400, "context_length_exceeded", BadRequestError],
    ["a refusal by policy", 400, "content_policy_violation", BadRequestError],
    ["an endpoint that is down", 503, "endpoint_unavailable", InternalServerError]
  ] as const
  for (const [name, status, code, type] of failures) {
    it.live(`knows ${name} for what it is, and does not try again behind the relay`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(Server.json(error(code), status))
        const { client } = yield* Gateway.over([server])
        const thrown = yield* thrownBy(() => client.chat.completions.create(chat))
        assert.instanceOf(thrown, type)
        assert.deepInclude(thrown as object, { status, code })
        assert.lengthOf(server.received, 1)
      }))
  }

  it.live("is told how long to wait", () =>
    Effect.gen(function*() {
      const server = yield* Server.http((response) =>
        response.writeHead(429, { "retry-after": "7" }).end(JSON.stringify(error("rate_limit_exceeded")))
      )
      const { client } = yield* Gateway.over([server])
      const thrown = yield* thrownBy(() => client.chat.completions.create(chat))
      assert.instanceOf(thrown, RateLimitError)
      assert.strictEqual((thrown as InstanceType<typeof RateLimitError>).headers?.get("retry-after"), "7")
    }))

  it.live("lists the models by the names that callers use, and finds one whose name has a slash", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client } = yield* Gateway.over([server], {
        endpoint: { models: { smart: "m-1-2026", "meta/llama": "llama-4" } }
      })
      const { data } = yield* Effect.promise(() => client.models.list())
      assert.deepStrictEqual(data.map(({ id, object }) => [id, object]), [["smart", "model"], ["meta/llama", "model"]])
      assert.strictEqual((yield* Effect.promise(() => client.models.retrieve("meta/llama"))).id, "meta/llama")
      assert.instanceOf(yield* thrownBy(() => client.models.retrieve("m-1-2026")), NotFoundError)
      assert.lengthOf(server.received, 0)
    }))

  it.live("is shown no model of an endpoint on its way out, and none twice", () =>
    Effect.gen(function*() {
      const [primary, backup] = [yield* Server.http(hello), yield* Server.http(hello)]
      const { client, relay } = yield* Gateway.over([primary, backup], { endpoint: { models: ["smart"] } })
      yield* relay.endpoints.add({ id: "old", baseUrl: primary.url, models: ["gone"] })
      yield* relay.endpoints.drain("old")
      const { data } = yield* Effect.promise(() => client.models.list())
      assert.deepStrictEqual(data.map(({ id }) => id), ["smart"])
    }))

  it.live("lists the models of an endpoint where none names any", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(
        Server.json({ object: "list", data: [{ id: "m-7", object: "model", created: 1, owned_by: "them" }] })
      )
      const { client } = yield* Gateway.over([primary, backup])
      assert.deepStrictEqual((yield* Effect.promise(() => client.models.list())).data.map(({ id }) => id), ["m-7"])
      assert.deepStrictEqual(backup.received.map(({ path }) => path), ["/v1/models"])
    }))

  it.live("gets embeddings through it as well", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(
        Server.json({ object: "list", data: [{ object: "embedding", index: 0, embedding: [1, 2] }], model: "e-1" })
      )
      const { client } = yield* Gateway.over([server])
      const { data } = yield* Effect.promise(() =>
        client.embeddings.create({ model: "e-1", input: "Hi", encoding_format: "float" })
      )
      assert.deepStrictEqual(data[0]?.embedding, [1, 2])
    }))
})

describe("a gateway with keys", () => {
  const gateway = { apiKeys: [Redacted.make("key-of-the-caller"), Redacted.make("key-of-another")] }

  it.live("serves whoever has one of them", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client, url } = yield* Gateway.over([server], { gateway })
      assert.strictEqual((yield* ask(client)).choices[0]?.message.content, "Hello.")
      const { status } = yield* post(`${url}/v1/chat/completions`, JSON.stringify(chat), {
        authorization: "bearer  key-of-another"
      })
      assert.strictEqual(status, 200)
    }))

  const wrong: Readonly<Record<string, Record<string, string>>> = {
    "no key": {},
    "an empty one": { authorization: "Bearer " },
    "another one": { authorization: "Bearer key-of-the-cellar" },
    "the beginning of one": { authorization: "Bearer key-of-the-caller".slice(0, -1) },
    "one that is longer": { authorization: "Bearer key-of-the-callerk" },
    "one twice": { authorization: "Bearer key-of-the-callerkey-of-the-caller" },
    "one without its scheme": { authorization: "key-of-the-caller" },
    "one of another scheme": { authorization: "Basic key-of-the-caller" }
  }
  for (const [name, headers] of Object.entries(wrong)) {
    it.live(`turns away ${name}, and asks nobody`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(hello)
        const { url } = yield* Gateway.over([server], { gateway })
        for (const path of ["/v1/chat/completions", "/v1/embeddings", "/v1/nowhere"]) {
          const refused = yield* post(`${url}${path}`, JSON.stringify(chat), headers)
          assert.strictEqual(refused.status, 401)
          assert.strictEqual(refused.json().error.code, "invalid_api_key")
          assert.strictEqual(refused.headers.get("www-authenticate"), "Bearer")
          assert.strictEqual(refused.headers.get("x-should-retry"), "false")
          assert.notInclude(refused.text, "key-of")
        }
        for (const path of ["/v1/models", "/v1/models/smart", "/status"]) {
          assert.strictEqual((yield* get(`${url}${path}`, { headers })).status, 401)
        }
        assert.lengthOf(server.received, 0)
        assert.strictEqual((yield* get(`${url}/health`, { headers })).status, 200)
      }))
  }

  it.live("is known by the openai package for what it says", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { url } = yield* Gateway.over([server], { gateway })
      const client = new OpenAI({ apiKey: "wrong", baseURL: `${url}/v1`, logLevel: "off" })
      assert.instanceOf(yield* thrownBy(() => client.chat.completions.create(chat)), AuthenticationError)
    }))
})

describe("a gateway tells", () => {
  it.live("that it works while an endpoint can be asked, and that it does not when none can", () =>
    Effect.gen(function*() {
      const [primary, backup] = [yield* Server.http(hello), yield* Server.http(hello)]
      const { relay, url } = yield* Gateway.over([primary, backup])
      yield* relay.endpoints.isolate("server-0")
      const well = yield* get(`${url}/health`)
      assert.deepStrictEqual([well.status, well.json()], [200, { status: "ok", endpoints: 2, usable: 1 }])
      yield* relay.endpoints.isolate("server-1")
      const ill = yield* get(`${url}/health`)
      assert.deepStrictEqual([ill.status, ill.json()], [503, { status: "unavailable", endpoints: 2, usable: 0 }])
      assert.strictEqual((yield* get(`${url}/health`, { method: "HEAD" })).status, 503)
    }))

  it.live("how its endpoints are, as the relay has it, and no secret", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(down)
      const { client, relay, url } = yield* Gateway.over([server], { endpoint: { models: ["smart"] } })
      yield* thrownBy(() => client.chat.completions.create(chat))
      const { json, text } = yield* get(`${url}/status`)
      const codec = Schema.toCodecJson(Schema.Array(EndpointStatus.EndpointStatus))
      const told = yield* Schema.decodeUnknownEffect(codec)(json().endpoints)
      const own = yield* relay.status
      const timeless = ({ answered, failed, id, lastFailure, models, state }: EndpointStatus.EndpointStatus) => (
        { answered, failed, id, lastFailure, models, state }
      )
      assert.deepStrictEqual(told.map(timeless), own.map(timeless))
      assert.deepInclude(told[0], { id: "server-0", failed: 1, models: ["smart"], lastFailure: "EndpointUnavailable" })
      assert.notInclude(text, "key-of")
    }))
})

describe("a gateway refuses", () => {
  const bodies: Readonly<Record<string, string>> = {
    "an empty body": "",
    "a body that is not JSON": "{\"model\":",
    "JSON that is no object": "[1, 2]",
    "a request without a model": JSON.stringify({ messages: chat.messages }),
    "a request without messages": JSON.stringify({ model: "smart" }),
    "messages that are no list": JSON.stringify({ model: "smart", messages: "Hi" })
  }
  for (const [name, body] of Object.entries(bodies)) {
    it.live(`${name} with a 400 in the shape of OpenAI's, and asks nobody`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(hello)
        const { url } = yield* Gateway.over([server])
        const refused = yield* post(`${url}/v1/chat/completions`, body)
        assert.strictEqual(refused.status, 400)
        assert.hasAllKeys(refused.json().error, ["message", "type", "param", "code"])
        assert.strictEqual(refused.json().error.type, "invalid_request_error")
        assert.lengthOf(server.received, 0)
      }))
  }

  it.live("a body whose told length is over the limit before it is read, and serves the next call", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client, port, url } = yield* Gateway.over([server], { gateway: { maxRequestBytes: 1000 } })
      const text = yield* Gateway.raw(
        port,
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1001\r\n\r\n"
      )
      assert.match(text, /^HTTP\/1\.1 413 /)
      const refused = yield* post(`${url}/v1/chat/completions`, " ".repeat(2000))
      assert.deepStrictEqual([refused.status, refused.json().error.code], [413, "request_too_large"])
      yield* ask(client)
      assert.lengthOf(server.received, 1)
    }))

  it.live("a body that goes on past the limit while it comes", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { port } = yield* Gateway.over([server], { gateway: { maxRequestBytes: 1000 } })
      const piece = `${(600).toString(16)}\r\n${" ".repeat(600)}\r\n`
      const text = yield* Gateway.raw(
        port,
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n${piece}${piece}`
      )
      assert.match(text, /^HTTP\/1\.1 413 /)
      assert.lengthOf(server.received, 0)
    }))

  it.live("a body of just the limit not at all", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const body = JSON.stringify(chat)
      const { url } = yield* Gateway.over([server], { gateway: { maxRequestBytes: body.length } })
      assert.strictEqual((yield* post(`${url}/v1/chat/completions`, body)).status, 200)
      assert.strictEqual((yield* post(`${url}/v1/chat/completions`, `${body} `)).status, 413)
    }))

  const elsewhere = [
    "/v1",
    "/v1/files",
    "/v1/chat",
    "/v1/chat/completions/x",
    "/v1/organization/admin_api_keys",
    "/v1/chat/%2e%2e/files"
  ]
  for (const path of elsewhere) {
    it.live(`${path} with a 404, whatever the method, and asks nobody`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(hello)
        const { url } = yield* Gateway.over([server])
        for (const method of ["GET", "POST", "DELETE"]) {
          const refused = yield* get(`${url}${path}`, { method })
          assert.deepStrictEqual([refused.status, refused.json().error.code], [404, "not_found"])
        }
        assert.lengthOf(server.received, 0)
      }))
  }

  it.live("a path outside of the API", () =>
    Effect.gen(function*() {
      const { url } = yield* Gateway.over([yield* Server.http(hello)])
      assert.strictEqual((yield* get(`${url}/`)).status, 404)
    }))

  const methods = [
    ["GET", "/v1/chat/completions", "POST"],
    ["DELETE", "/v1/chat/completions", "POST"],
    ["PUT", "/v1/embeddings", "POST"],
    ["POST", "/v1/models", "GET, HEAD"],
    ["DELETE", "/v1/models/smart", "GET, HEAD"],
    ["POST", "/health", "GET, HEAD"],
    ["POST", "/status", "GET, HEAD"]
  ] as const
  for (const [method, path, allow] of methods) {
    it.live(`${method} ${path} with a 405 that names ${allow}`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(hello)
        const { url } = yield* Gateway.over([server])
        const refused = yield* get(`${url}${path}`, { method })
        assert.deepStrictEqual([refused.status, refused.headers.get("allow")], [405, allow])
        assert.strictEqual(refused.json().error.code, "method_not_allowed")
        assert.lengthOf(server.received, 0)
      }))
  }

  const options: Readonly<Record<string, readonly [options: object, field: string]>> = {
    "a limit of nothing": [{ maxRequestBytes: 0 }, "maxRequestBytes"],
    "no time": [{ deadline: 0 }, "deadline"],
    "a key that is not wrapped": [{ apiKeys: ["secret-key"] }, "apiKeys"],
    "an empty list of keys": [{ apiKeys: [] }, "apiKeys"],
    "an empty key": [{ apiKeys: [Redacted.make("")] }, "apiKeys"],
    "a key with a space": [{ apiKeys: [Redacted.make("secret key")] }, "apiKeys"],
    "an option nobody knows": [{ port: 80 }, "port"]
  }
  for (const [name, [gateway, field]] of Object.entries(options)) {
    it.effect(`${name} when it is built, by the name of the option and without a key`, () =>
      Effect.gen(function*() {
        const refused = yield* Effect.flip(Gateway.over([yield* Server.http(hello)], { gateway }))
        assert.deepInclude(refused, { _tag: "InvalidConfiguration", subject: "RelayGateway", field } as never)
        assert.notInclude(refused.message, "secret")
      }))
  }
})

describe("a caller that hangs up", () => {
  const body = JSON.stringify(chat)
  const head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"

  it.live("ends its call on the wire, gives back what it held, and nobody is blamed", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(() => {})
      const gateway = yield* Gateway.over([server])
      const socket = yield* Gateway.open(gateway.port, `${head}content-length: ${body.length}\r\n\r\n${body}`)
      yield* server.until(() => server.received.length === 1)
      socket.destroy()
      yield* server.until(() => server.connections().open === 0)
      yield* isIdle(gateway)
      yield* assertIdle(gateway)
      assert.deepInclude((yield* gateway.relay.status)[0], { failed: 0, answered: 0, state: "Healthy" })
    }))

  it.live("in the middle of its request reaches nobody, and the next is served", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(hello)
      const { client, port } = yield* Gateway.over([server])
      const socket = yield* Gateway.open(port, `${head}content-length: 5000\r\n\r\n${body}`)
      socket.destroy()
      yield* ask(client)
      assert.lengthOf(server.received, 1)
    }))
})

describe("a gateway that ends", () => {
  it.live("lets a call under way finish, and takes no other", () =>
    Effect.gen(function*() {
      let answer = () => {}
      const server = yield* Server.http((response, request) => {
        answer = () => hello(response, request)
      })
      const scope = yield* Scope.make()
      const { client, url } = yield* Scope.provide(Gateway.over([server]), scope)
      const call = yield* Effect.forkChild(ask(client), { startImmediately: true })
      yield* server.until(() => server.received.length === 1)
      const ending = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      const late = yield* Effect.exit(Effect.tryPromise(() => fetch(`${url}/health`)))
      assert.isTrue(Exit.isFailure(late))
      answer()
      assert.strictEqual((yield* Fiber.join(call)).choices[0]?.message.content, "Hello.")
      yield* Fiber.join(ending)
    }))
})
