import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Duration, Effect, Exit, Fiber, Layer, Redacted, type Scope } from "effect"
import { type ChatRequest, Dialect, type Endpoint, type RelayError, RelayService, Retry } from "effect-relay"
import { FetchHttpClient, type HttpClient } from "effect/http"
import * as Server from "./Server.ts"

type Options = Partial<Parameters<typeof RelayService.layerDefault>[0]>

const hi: ChatRequest.ChatRequest = { model: "any", messages: [{ role: "user", content: "Hi" }] }

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici
}

/** A relay over these endpoints, each a tier after the one before it, that neither waits nor checks. */
const makeRelay = (
  client: Layer.Layer<HttpClient.HttpClient>,
  endpoints: Readonly<Record<string, string | Endpoint.Options>>,
  options?: Options
) =>
  RelayService.layerDefault({
    health: "off",
    retry: Retry.none,
    attemptTimeout: "10 seconds",
    ...options,
    endpoints: Object.entries(endpoints).map(([id, more], tier) => ({
      tier,
      ...(typeof more === "string" ? { id, baseUrl: more } : more)
    }))
  }).pipe(
    Layer.provide(client),
    Layer.build,
    Effect.map((context) => Context.get(context, RelayService.RelayService))
  )

/** What no test may wait longer for: a call that takes this long hangs. */
const promptly = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(self, { duration: "15 seconds", orElse: () => Effect.die(new Error("it hangs")) })

/** The failure of a call; a defect or an answer fails the test. */
const failureOf = <A>(call: Effect.Effect<A, RelayError.RelayError>) =>
  Effect.map(Effect.exit(promptly(call)), (exit) => {
    if (Exit.isSuccess(exit)) return assert.fail(`an answer: ${JSON.stringify(exit.value)}`)
    const reason = exit.cause.reasons.find(Cause.isFailReason)
    return reason === undefined ? assert.fail(Cause.pretty(exit.cause)) : reason.error
  })

const assertIdle = Effect.fnUntraced(function*(relay: RelayService.RelayService) {
  for (const { bulkhead, id, inFlight } of yield* relay.status) {
    assert.deepStrictEqual({ id, inFlight, running: bulkhead.running }, { id, inFlight: 0, running: 0 })
  }
})

const healthy = Server.http(Server.json(Server.completion("From the backup.")))

interface Nonsense {
  readonly url: Effect.Effect<string, never, Scope.Scope>
  readonly tag: RelayError.RelayError["_tag"]
  readonly with?: object
  readonly options?: Options
}

const served = (handler: Server.Handler) => Effect.map(Server.http(handler), ({ url }) => url)
const sent = (respond: Parameters<typeof Server.raw>[0]) => Effect.map(Server.raw(respond), ({ url }) => url)
const says = (status: number, body: string | Uint8Array, headers: Record<string, string | Array<string>> = {}) =>
  served((response) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body))

const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
const answer = JSON.stringify(Server.completion("Hello."))
const day = Duration.days(1)
const short: Options = { attemptTimeout: "500 millis" }
const quota = "{\"error\":{\"message\":\"Slow down.\",\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}"

const timedOut = { tag: "EndpointUnavailable", with: { reason: "Timeout" }, options: short } as const
const disconnected = { tag: "EndpointUnavailable", with: { reason: "Connection" } } as const
const notJson = { tag: "InvalidResponse", with: { reason: "NotJson", status: 200 } } as const
const malformed = { tag: "InvalidResponse", with: { reason: "Malformed", status: 200 } } as const
const cutOff = { tag: "InvalidResponse", with: { reason: "CutOff", status: 200 } } as const
const tooLarge = { tag: "InvalidResponse", with: { reason: "TooLarge" }, options: { maxResponseBytes: 1000 } } as const

const nonsense: Readonly<Record<string, Nonsense>> = {
  "a page": { ...notJson, url: says(200, "<!DOCTYPE html><h1>Welcome to nginx!</h1>") },
  "JSON that is cut off": { ...notJson, url: says(200, answer.slice(0, -9)) },
  "JSON of the wrong types": { ...malformed, url: says(200, "{\"choices\":{\"message\":[7]}}") },
  "JSON that is nested very deep": { ...malformed, url: says(200, `${"[".repeat(1e5)}${"]".repeat(1e5)}`) },
  "an error that is nested very deep": {
    url: says(500, `{"error":{"data":${"[".repeat(1e5)}${"]".repeat(1e5)}}}`),
    tag: "EndpointUnavailable",
    with: { reason: "Status", status: 500 }
  },
  "three megabytes of text": { ...notJson, url: says(200, "not JSON ".repeat(350_000)) },
  "three megabytes of an error": {
    url: says(500, "not JSON ".repeat(350_000)),
    tag: "EndpointUnavailable",
    with: { reason: "Status", status: 500 }
  },
  "a body over the limit": { ...tooLarge, url: says(200, JSON.stringify(Server.completion("a".repeat(2000)))) },
  "a body that never ends": {
    ...tooLarge,
    url: served((response) => {
      const more = () => {
        while (!response.destroyed && response.write("a".repeat(10_000)));
      }
      response.writeHead(200).on("drain", more)
      more()
    })
  },
  "a Retry-After of abc": { url: says(429, quota, { "retry-after": "abc" }), tag: "RateLimited" },
  "a Retry-After of ten years": {
    url: says(429, quota, { "retry-after": "315360000" }),
    tag: "RateLimited",
    with: { retryAfter: day },
    options: { retry: Retry.standard }
  },
  "a Retry-After until ten years from now": {
    url: says(503, "", { "retry-after": new Date(Date.now() + 315_360_000_000).toUTCString() }),
    tag: "EndpointUnavailable",
    with: { reason: "Status", retryAfter: day },
    options: { retry: Retry.standard }
  },
  "two Retry-After": {
    url: says(429, quota, { "retry-after": ["2", "3"] }),
    tag: "RateLimited",
    with: { retryAfter: Duration.seconds(3) }
  },
  "no connection": { ...disconnected, url: Server.gone },
  "a reset before its headers": { ...disconnected, url: sent((socket) => socket.resetAndDestroy()) },
  "an end before its headers": { ...disconnected, url: sent((socket) => socket.end()) },
  "an end in its headers": { ...disconnected, url: sent((socket) => socket.end(head)) },
  "something that is not HTTP": {
    ...disconnected,
    url: sent((socket) => socket.end("220 smtp.example ESMTP\r\n\r\n"))
  },
  "headers without end": {
    ...disconnected,
    url: sent((socket) => socket.end(`${head}x-long: ${"a".repeat(1_000_000)}\r\n\r\n${answer}`))
  },
  "a status nobody knows": {
    url: sent((socket) => socket.end("HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n")),
    tag: "EndpointUnavailable",
    with: { reason: "Status", status: 999 }
  },
  "a reset in its body": {
    ...cutOff,
    url: served((response) => {
      response.writeHead(200).write(answer.slice(0, 20), () => response.socket?.resetAndDestroy())
    })
  },
  "less than its content-length": {
    ...cutOff,
    url: sent((socket) => socket.end(`${head}content-length: 5000\r\n\r\n${answer}`))
  },
  "more than its content-length": {
    ...notJson,
    url: sent((socket) => socket.end(`${head}content-length: 20\r\n\r\n${answer}`))
  },
  "chunks that are none": {
    ...cutOff,
    url: sent((socket) => socket.end(`${head}transfer-encoding: chunked\r\n\r\nxyz\r\n${answer}\r\n`))
  },
  "a 204": { url: says(204, ""), tag: "InvalidResponse", with: { reason: "Empty", status: 204 } },
  "a 200 without a body": { url: says(200, ""), tag: "InvalidResponse", with: { reason: "Empty", status: 200 } },
  "something that is not gzip, as gzip": {
    url: says(200, "this is not gzip", { "content-encoding": "gzip" }),
    tag: "InvalidResponse",
    with: { status: 200 }
  },
  "bytes that are no UTF-8": { ...notJson, url: says(200, Uint8Array.from([0xff, 0xfe, 0xc0, 0x80, 0xf5])) },
  "silence": { ...timedOut, url: served(() => {}) },
  "silence after its headers": { ...timedOut, url: served((response) => response.writeHead(200).flushHeaders()) },
  "silence after half an answer": {
    ...timedOut,
    url: served((response) => response.writeHead(200).write(answer.slice(0, 20)))
  },
  "a drip that outlasts the attempt": {
    ...timedOut,
    url: served((response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write(" "), 20)
      response.on("close", () => clearInterval(drip))
    })
  },
  "a redirect to itself": {
    url: says(307, "", { location: "/v1/chat/completions" }),
    tag: "EndpointUnavailable",
    with: { reason: "Status", status: 307 }
  },
  "a redirect to nowhere": {
    url: says(302, "", { location: "http://[nowhere" }),
    tag: "EndpointUnavailable",
    with: { reason: "Status", status: 302 }
  }
}

describe.each(Object.entries(clients))("a relay over %s", (_, client) => {
  for (const [name, { options, tag, url, with: fields }] of Object.entries(nonsense)) {
    it.live(`takes ${name} for ${tag}, gives back its permit and asks the next`, () =>
      Effect.gen(function*() {
        const backup = yield* healthy
        const primary = { id: "primary", baseUrl: yield* url, limits: { concurrency: 1 } }

        const alone = yield* makeRelay(client, { primary }, options)
        const failure = yield* failureOf(alone.chat(hi))
        assert.deepInclude(failure, { _tag: tag, ...fields } as never)
        if (name.endsWith("abc")) assert.notProperty(failure, "retryAfter")
        assert.deepStrictEqual(failure.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [["primary", tag]])
        assert.isAtMost(failure.message.length, 500)
        yield* assertIdle(alone)

        const relay = yield* makeRelay(client, { primary, backup: backup.url }, options)
        const { meta, text } = yield* promptly(relay.chat(hi))
        assert.strictEqual(text, "From the backup.")
        assert.deepStrictEqual(meta.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
          ["primary", tag],
          ["backup", "Success"]
        ])
        assert.strictEqual((yield* promptly(relay.chat(hi))).text, "From the backup.")
        yield* assertIdle(relay)
      }), { concurrent: true })
  }

  it.live("hangs up on a body over the limit", () =>
    Effect.gen(function*() {
      const endless = yield* Server.http((response) => {
        const more = () => {
          while (!response.destroyed && response.write("a".repeat(10_000)));
        }
        response.writeHead(200).on("drain", more)
        more()
      })
      const relay = yield* makeRelay(client, { endless: endless.url }, { maxResponseBytes: 1000 })
      assert.strictEqual((yield* failureOf(relay.chat(hi)))._tag, "InvalidResponse")
      yield* promptly(endless.until(() => endless.connections().open === 0))
    }))

  it.live("does not carry a prompt or a header to where a redirect points", () =>
    Effect.gen(function*() {
      const elsewhere = yield* Server.http(Server.json(Server.completion("From elsewhere.")))
      const location = `${elsewhere.url.replace("127.0.0.1", "localhost")}/chat/completions`
      for (const status of [301, 302, 307, 308]) {
        const primary = yield* Server.http((response) => response.writeHead(status, { location }).end())
        const relay = yield* makeRelay(client, {
          primary: { id: "primary", baseUrl: primary.url, headers: { "api-key": "secret" } }
        })
        assert.strictEqual((yield* failureOf(relay.chat(hi)))._tag, "EndpointUnavailable")
      }
      assert.deepStrictEqual(elsewhere.received, [])
    }))

  it.live("keeps an answer whose text holds bytes that are no UTF-8", () =>
    Effect.gen(function*() {
      const [before, after] = JSON.stringify(Server.completion("|")).split("|")
      const server = yield* Server.http((response) =>
        response.writeHead(200).end(
          Buffer.concat([Buffer.from(`${before}a`), Buffer.of(0xff), Buffer.from(`b${after}`)])
        )
      )
      const relay = yield* makeRelay(client, { primary: server.url })
      assert.strictEqual((yield* promptly(relay.chat(hi))).text, "a\uFFFDb")
    }))

  it.live("joins characters that were split between packets", () =>
    Effect.gen(function*() {
      const bytes = Buffer.from(JSON.stringify(Server.completion("\u{1F600} – ö")))
      const middle = bytes.indexOf(0xf0) + 2
      const server = yield* Server.http((response) => {
        response.writeHead(200).write(bytes.subarray(0, middle), () =>
          setTimeout(() => response.end(bytes.subarray(middle)), 20))
      })
      const relay = yield* makeRelay(client, { primary: server.url })
      assert.strictEqual((yield* promptly(relay.chat(hi))).text, "\u{1F600} – ö")
    }))

  it.live("takes an answer that is nested very deep, and caches it like any other", () =>
    Effect.gen(function*() {
      const deep = `${"[".repeat(1e5)}${"]".repeat(1e5)}`
      const server = yield* Server.http((response) =>
        response.writeHead(200).end(`${answer.slice(0, -1)},"deep":${deep}}`)
      )
      const relay = yield* makeRelay(client, { primary: server.url })
      const exit = yield* Effect.exit(promptly(relay.chat({ ...hi, temperature: 0 }, { tenant: "acme" })))
      assert.isFalse(Exit.hasDies(exit), Exit.isFailure(exit) ? Cause.pretty(exit.cause).slice(0, 300) : "")
      yield* assertIdle(relay)
    }))

  it.live("puts on the wire what the API asks for, and nothing of its own", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Server.json(Server.completion("Hello.")))
      const relay = yield* makeRelay(client, {
        primary: {
          id: "primary",
          baseUrl: `${server.url}/`,
          apiKey: Redacted.make("sk-1"),
          models: { smart: "m-1-2026" },
          headers: { "OpenAI-Organization": "org-1" }
        }
      })
      const request = {
        model: "smart",
        messages: [{ role: "user", content: "Grüezi \u{1F600}", name: "u" }],
        temperature: 0,
        response_format: { type: "json_object" }
      }
      const reply = yield* relay.chat(request, { tenant: "acme", deadline: "5 seconds" })
      assert.strictEqual(reply.text, "Hello.")
      assert.deepInclude(reply.meta, { endpoint: "primary", model: "m-1", cache: "miss" })

      assert.lengthOf(server.received, 1)
      const [{ body, headers, method, path }] = server.received as [Server.Received]
      assert.deepStrictEqual([method, path], ["POST", "/v1/chat/completions"])
      assert.deepStrictEqual(JSON.parse(body), { ...request, model: "m-1-2026" })
      assert.strictEqual(headers.authorization, "Bearer sk-1")
      assert.strictEqual(headers["openai-organization"], "org-1")
      assert.match(headers["content-type"] ?? "", /^application\/json/)
      assert.strictEqual(headers.accept, "application/json")
      assert.notInclude(JSON.stringify([body, headers]), "acme")
      assert.notInclude(JSON.stringify([body, headers]), "deadline")
    }))

  it.live("speaks to Anthropic as Anthropic speaks, and fails over from it", () =>
    Effect.gen(function*() {
      let calls = 0
      const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }
      const server = yield* Server.http((response, request) =>
        ++calls > 1
          ? Server.json(overloaded, 529)(response, request)
          : Server.json({
            type: "message",
            model: "claude-5",
            content: [{ type: "text", text: "Hello." }],
            stop_reason: "end_turn",
            usage: { input_tokens: 10, output_tokens: 5 }
          })(response, request)
      )
      const backup = yield* healthy
      const relay = yield* makeRelay(client, {
        primary: { id: "primary", baseUrl: server.url, dialect: Dialect.anthropic(), apiKey: Redacted.make("sk-1") },
        backup: backup.url
      })
      const reply = yield* relay.chat(hi)
      assert.deepInclude(reply, { text: "Hello.", finishReason: "stop", tokens: { input: 10, output: 5, total: 15 } })
      assert.strictEqual((yield* relay.chat(hi)).meta.endpoint, "backup")

      const [{ body, headers, method, path }] = server.received as [Server.Received, Server.Received]
      assert.deepStrictEqual([method, path], ["POST", "/v1/messages"])
      assert.deepInclude(headers, { "x-api-key": "sk-1", "anthropic-version": "2023-06-01" })
      assert.notProperty(headers, "authorization")
      assert.deepStrictEqual(JSON.parse(body), {
        model: "any",
        max_tokens: 4096,
        messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }]
      })
    }))

  it.live("sends no authorization where there is no key", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Server.json(Server.completion("Hello.")))
      const relay = yield* makeRelay(client, { primary: server.url })
      yield* relay.chat(hi)
      assert.notProperty(server.received[0]?.headers ?? assert.fail(), "authorization")
    }))

  const hangs: Readonly<Record<string, Server.Handler>> = {
    "before the headers": () => {},
    "in the body": (response) => response.writeHead(200).write(answer.slice(0, 20))
  }
  for (const [when, handler] of Object.entries(hangs)) {
    it.live(`hangs up when its caller is interrupted ${when}`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(handler)
        const relay = yield* makeRelay(client, { primary: server.url })
        const fiber = yield* Effect.forkChild(relay.chat(hi), { startImmediately: true })
        yield* promptly(server.until(() => server.received.length === 1))
        // time for what the server has sent to arrive
        yield* Effect.sleep("20 millis")
        yield* promptly(Fiber.interrupt(fiber))
        yield* assertIdle(relay)
        yield* promptly(server.until(() => server.connections().open === 0))
        const [status] = yield* relay.status
        assert.deepInclude(status, { answered: 0, failed: 0, state: "Healthy" })
      }))
  }

  it.live("hangs up when an attempt has timed out", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(() => {})
      const relay = yield* makeRelay(client, { primary: server.url }, short)
      assert.strictEqual((yield* failureOf(relay.chat(hi)))._tag, "EndpointUnavailable")
      yield* promptly(server.until(() => server.connections().open === 0))
    }))

  it.live("asks on one connection, answers and errors alike", () =>
    Effect.gen(function*() {
      let calls = 0
      const server = yield* Server.http((response, request) =>
        ++calls % 3 === 0
          ? Server.json({ error: { message: "a".repeat(5000) } }, 500)(response, request)
          : Server.json(Server.completion("a".repeat(5000)))(response, request)
      )
      const relay = yield* makeRelay(client, { primary: server.url })
      yield* Effect.repeat(Effect.ignore(relay.chat(hi)), { times: 29 })
      assert.lengthOf(server.received, 30)
      assert.strictEqual(server.connections().opened, 1)
    }))
})
