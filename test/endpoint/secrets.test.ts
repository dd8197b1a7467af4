import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger, Redacted, References, Result, Schema, Stream, Tracer } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Classifier,
  Dialect,
  Endpoint,
  RateLimiter,
  RelayError,
  RelayService,
  ResponseCache,
  Retry
} from "effect-relay"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"
import { inspect } from "node:util"

/** A secret with what makes secrets hard to find: characters that JSON and URLs write in more than one way. */
interface Secret {
  readonly value: string
  /** A piece of it that every way of writing leaves alone. */
  readonly piece: string
}

const key: Secret = { value: "sk-live/Zx81kQvT+pW3+==", piece: "Zx81kQvT" }
const header: Secret = { value: "hd-live/Mn42cRyB+uE7+==", piece: "Mn42cRyB" }

/** The first eight characters are enough to tell whose secret it is. */
const leaks = (secret: Secret, written: string): boolean =>
  written.includes(secret.piece) || written.includes(secret.value.slice(0, 8))

const print = (value: unknown): string =>
  inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity })

const writings = (failure: RelayError.RelayError, cause: Cause.Cause<unknown>): ReadonlyArray<string> => [
  failure.message,
  failure.stack ?? "",
  String(failure),
  print(failure),
  JSON.stringify(failure),
  JSON.stringify(Schema.encodeSync(RelayError.RelayError)(failure)),
  Cause.pretty(cause),
  print(cause)
]

type Echo = (secret: string) => readonly [status: number, body: string]

const error = (error: object | string) => JSON.stringify({ error })
const statuses = [200, 400, 401, 402, 403, 404, 413, 422, 429, 500, 529]

/** How a server that was told a secret may say it again. */
const echoes: Readonly<Record<string, Echo>> = {
  "the message of an error": (secret) => [401, error({ message: `Incorrect API key provided: ${secret}.` })],
  "an error that is a text": (secret) => [401, error(`no such key: ${secret}`)],
  "an error without a message": (secret) => [400, error({ given: secret })],
  "an error inside a 200": (secret) => [200, error({ message: `bad key ${secret}`, code: "mystery" })],
  "plain text": (secret) => [401, `I do not know ${secret}, ${secret} or ${secret}.`],
  "a page": (secret) => [503, `<pre>authorization: Bearer ${secret}\napi-key: ${secret}</pre>`],
  "a page with 200": (secret) => [200, `<pre>authorization: Bearer ${secret}</pre>`],
  "JSON that escapes slashes, cut off": (
    secret
  ) => [200, error({ message: secret }).replaceAll("/", "\\/").slice(0, -2)],
  "JSON in JSON": (secret) => [400, error({ raw: JSON.stringify({ key: secret }).replaceAll("/", "\\/") })],
  "JSON that escapes what is not a letter": (secret) => [
    401,
    JSON.stringify(secret).replaceAll(
      /[^\w"-]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
    )
  ],
  "a URL": (secret) => [404, `<a href="/login?key=${encodeURIComponent(secret)}">log in</a>`],
  "the place where a detail is cut": (secret) => [401, error({ message: `${"a".repeat(285)} ${secret}` })],
  "the place where a detail is cut, in text": (secret) => [500, `${"a".repeat(285)} ${secret}`],
  "a completion of the wrong types": (secret) => [200, JSON.stringify({ choices: secret })],
  "a completion with a field of its own": (secret) => [200, JSON.stringify({ choices: [{ [secret]: secret }] })],
  "the reason why it stopped": (secret) => [
    200,
    JSON.stringify({ choices: [{ message: { content: "" }, finish_reason: secret }] })
  ]
}

// the kinds of echo that some failure quotes, as long as nothing is taken out of it
const quoted = Object.entries(echoes).filter(([name]) => !/completion|stopped/.test(name))

const classify = (status: number, text: string, secret: string | undefined) => {
  const subject = {
    endpoint: "primary",
    account: "acme",
    model: "m-1",
    secrets: secret === undefined ? [] : [secret],
    now: 0
  }
  const result = Classifier.classify({ _tag: "Reply", status, headers: {}, text }, subject)
  return Result.isSuccess(result)
    ? assert.fail("an answer")
    : writings(result.failure, Cause.fail(result.failure)).join("\n")
}

describe("a failure read from a reply", () => {
  it.each(Object.entries(echoes))("does not hold a key that came back as %s", (_, echo) => {
    const [status, body] = echo(key.value)
    for (const each of [status, ...statuses]) {
      assert.isFalse(leaks(key, classify(each, body, key.value)), `HTTP ${each}`)
    }
  })

  it.each(quoted)("would hold a key that came back as %s, were it not taken out", (_, echo) => {
    const [status, body] = echo(key.value)
    assert.isTrue(leaks(key, classify(status, body, undefined)))
  })

  it("does not hold the half of a key that stands where reading ends", () => {
    for (const end of [300, 1024, 4096, 4800, 8192, 10_000, 16_384, 32_768, 65_536]) {
      for (const blank of [" ", "\n", "a"]) {
        const text = `${blank.repeat(end - 12)}${key.value}${" and more".repeat(10_000)}`
        for (const status of [200, 500]) assert.isFalse(leaks(key, classify(status, text, key.value)), `at ${end}`)
      }
    }
  })

  it("says what is left when a key was taken out", () => {
    assert.include(
      classify(401, error({ message: `Incorrect API key: ${key.value}.` }), key.value),
      "Incorrect API key: <redacted>."
    )
  })

  it("is whole where there is no key, or an empty one", () => {
    for (const secret of [undefined, ""]) assert.include(classify(500, "out of order", secret), "out of order")
  })
})

type Respond = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<Response, HttpClientError.HttpClientError>

const clientOf = (respond: Respond) =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.map(respond(request), (response) => HttpClientResponse.fromWeb(request, response))
    )
  )

/** Everything a call leaves behind, as text: by where it was left. */
type Traces = Readonly<Record<"errors" | "status" | "events" | "cache" | "logs" | "spans", Array<string>>>

const noTraces = (): Traces => ({ errors: [], status: [], events: [], cache: [], logs: [], spans: [] })

const tracer = (traces: Traces) =>
  Tracer.make({
    span: (options) => {
      traces.spans.push(options.name, print(options.annotations), print(options.links))
      const span = new Tracer.NativeSpan(options)
      const attribute = span.attribute.bind(span)
      span.attribute = (name, value) => {
        traces.spans.push(`${name}=${print(value)}`)
        attribute(name, value)
      }
      const event = span.event.bind(span)
      span.event = (name, startTime, attributes) => {
        traces.spans.push(`${name} ${print(attributes)}`)
        event(name, startTime, attributes)
      }
      return span
    }
  })

const logger = (traces: Traces) =>
  Logger.make(({ cause, fiber, message }) => {
    traces.logs.push(print(message), Cause.pretty(cause), print(fiber.getRef(References.CurrentLogAnnotations)))
  })

const cacheOf = (traces: Traces) =>
  Layer.effect(
    ResponseCache.ResponseCache,
    Effect.map(ResponseCache.make(), (cache): ResponseCache.ResponseCache => ({
      ...cache,
      throughKey: (key, ask, terms) => {
        traces.cache.push(key)
        return cache.throughKey(key, ask, terms)
      }
    }))
  )

/** Runs everything under watch: a logger and a tracer that keep all there is, headers included. */
const watched = <A, E, R>(traces: Traces, self: Effect.Effect<A, E, R>) =>
  self.pipe(
    Effect.withTracer(tracer(traces)),
    Effect.provideService(HttpClient.TracerHeaderFilter, () => true),
    Effect.provideService(References.MinimumLogLevel, "All"),
    Effect.provide(Logger.layer([logger(traces)]))
  )

const described: Endpoint.Options = {
  id: "primary",
  baseUrl: "http://primary.test/v1",
  apiKey: Redacted.make(key.value),
  headers: { "api-key": Redacted.make(header.value) }
}

/** Asks twice through a relay whose only endpoint responds like this, and collects what is left behind. */
const tracesOf = (respond: Respond, more: Partial<Endpoint.Options> = {}) =>
  Effect.suspend(() => {
    const traces = noTraces()
    const options = { endpoints: [{ ...described, ...more }], retry: Retry.none, health: "off" } as const
    const relayLayer = RelayService.layer(options).pipe(
      Layer.provide([CircuitBreaker.layer(), Bulkhead.layer(), RateLimiter.layer(), cacheOf(traces)]),
      Layer.provide(clientOf(respond))
    )
    const program = Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      yield* Effect.forkScoped(
        Stream.runForEach(relay.events, (event) => Effect.sync(() => traces.events.push(print(event)))),
        { startImmediately: true }
      )
      const request = { model: "any", messages: [{ role: "user", content: "Hi" }], temperature: 0 }
      for (let call = 0; call < 2; call++) {
        const exit = yield* Effect.exit(Effect.withSpan(relay.chat(request, { tenant: "acme" }), "chat"))
        if (Exit.isFailure(exit)) {
          const failure = exit.cause.reasons.find(Cause.isFailReason)?.error ?? assert.fail(Cause.pretty(exit.cause))
          traces.errors.push(...writings(failure, exit.cause))
          yield* Effect.logError("it failed", exit.cause)
        }
        yield* Effect.yieldNow
      }
      traces.status.push(print(yield* relay.status), JSON.stringify(yield* relay.status))
      traces.cache.push(print(yield* relay.cache.state), print(relay.cache))
    })
    return Effect.as(watched(traces, Effect.provide(program, relayLayer)), traces)
  })

const respondWith = (echo: Echo, secret: Secret): Respond => () =>
  Effect.sync(() => {
    const [status, body] = echo(secret.value)
    return new Response(body, { status })
  })

const broken = (cause: (secret: string) => unknown, secret: Secret): Respond => (request) =>
  Effect.fail(
    new HttpClientError.HttpClientError({
      reason: new HttpClientError.TransportError({ request, cause: cause(secret.value) })
    })
  )

const cutOff = (cause: (secret: string) => unknown, secret: Secret): Respond => () =>
  Effect.sync(() => new Response(new ReadableStream({ pull: (controller) => controller.error(cause(secret.value)) })))

const causes: Readonly<Record<string, (secret: string) => unknown>> = {
  "an error": (secret) => new TypeError(`Headers.append: "Bearer ${secret}" is an invalid header value.`),
  "an error with a code": (secret) =>
    Object.assign(new Error(`sent ${secret}`), { code: "ECONNRESET", request: secret }),
  "an error in an error": (secret) => new Error("fetch failed", { cause: new Error(`sent ${secret}`) }),
  "a text": (secret) => `sent ${secret}`,
  "an object": (secret) => ({ headers: { authorization: secret } })
}

const assertNoTrace = (secret: Secret, traces: Traces): void => {
  for (const [where, written] of Object.entries(traces)) {
    assert.isFalse(leaks(secret, written.join("\n")), `${where}: ${written.find((text) => leaks(secret, text))}`)
  }
}

describe.each([["the key", key], ["a header", header]] as const)("%s of an endpoint", (_, secret) => {
  for (const [name, echo] of Object.entries(echoes)) {
    it.effect(`leaves no trace when it comes back as ${name}`, () =>
      Effect.gen(function*() {
        const traces = yield* tracesOf(respondWith(echo, secret))
        assert.isNotEmpty(traces.errors)
        assertNoTrace(secret, traces)
      }))
  }

  for (const [name, cause] of Object.entries(causes)) {
    it.effect(`leaves no trace when the connection breaks with it in ${name}`, () =>
      Effect.gen(function*() {
        const traces = yield* tracesOf(broken(cause, secret))
        assert.include(traces.errors.join("\n"), "EndpointUnavailable")
        assertNoTrace(secret, traces)
      }))

    it.effect(`leaves no trace when an answer breaks off with it in ${name}`, () =>
      Effect.gen(function*() {
        const traces = yield* tracesOf(cutOff(cause, secret))
        assert.include(traces.errors.join("\n"), "InvalidResponse")
        assertNoTrace(secret, traces)
      }))
  }

  it.effect("leaves no trace when all goes well", () =>
    Effect.gen(function*() {
      let sent = ""
      const traces = yield* tracesOf((request) =>
        Effect.sync(() => {
          sent = JSON.stringify(request.headers.authorization) + JSON.stringify(request.headers["api-key"])
          return new Response(JSON.stringify({ choices: [{ message: { content: "Hello." } }] }))
        })
      )
      assert.isTrue(leaks(secret, sent) || sent.includes(secret.value), "it was never sent")
      assert.isEmpty(traces.errors)
      for (const where of ["status", "events", "cache", "spans"] as const) assert.isNotEmpty(traces[where])
      assertNoTrace(secret, traces)
    }))

  it.effect("does not show when the endpoint is printed", () =>
    Effect.gen(function*() {
      const endpoint = yield* Endpoint.make(described)
      for (const written of [print(endpoint), JSON.stringify(endpoint), String(endpoint)]) {
        assert.isFalse(leaks(secret, written), written)
      }
    }))
})

const dialects = [
  Dialect.openai,
  Dialect.azure(),
  Dialect.anthropic(),
  Dialect.gemini,
  Dialect.deepseek,
  Dialect.openrouter,
  { ...Dialect.openai, name: "mine", key: { header: "X-Token", scheme: "Token" } }
]

describe.each(dialects)("the key of an endpoint that speaks $name", (dialect) => {
  const more = { dialect, headers: {}, baseUrl: "http://primary.test" }

  it.effect("is sent, and leaves no trace", () =>
    Effect.gen(function*() {
      const sent: Array<string> = []
      const traces = yield* tracesOf((request) =>
        Effect.sync(() => {
          sent.push(JSON.stringify(Object.entries(request.headers)))
          return new Response("{}")
        }), more)
      assert.isTrue(sent.some((headers) => headers.includes(key.value)), "it was never sent")
      for (const where of ["errors", "status", "events", "spans"] as const) assert.isNotEmpty(traces[where])
      assertNoTrace(key, traces)
    }))

  it.effect("leaves no trace when it comes back, or the connection breaks with it", () =>
    Effect.gen(function*() {
      for (const echo of Object.values(echoes)) {
        assertNoTrace(key, yield* tracesOf(respondWith(echo, key), more))
      }
      for (const cause of Object.values(causes)) assertNoTrace(key, yield* tracesOf(broken(cause, key), more))
    }))

  it.effect("leaves no trace when a validator shows it", () =>
    Effect.gen(function*() {
      const validate = () => {
        throw new Error(`the key was ${key.value}`)
      }
      const answers = [
        { choices: [{ message: { content: "Hello." } }] },
        { content: [{ type: "text", text: "Hello." }] },
        { candidates: [{ content: { parts: [{ text: "Hello." }] } }] }
      ]
      for (const answer of answers) {
        const traces = yield* tracesOf(() => Effect.sync(() => new Response(JSON.stringify(answer))), {
          ...more,
          validate
        })
        assert.isNotEmpty(traces.errors)
        assertNoTrace(key, traces)
      }
    }))
})

describe("the watch over secrets", () => {
  it.effect("sees what is logged, spanned, told, cached or thrown", () =>
    Effect.gen(function*() {
      const traces = noTraces()
      const slip = Effect.fail(`an error with ${key.value}`).pipe(
        Effect.tapError((error) => Effect.logTrace("oops", error)),
        Effect.annotateLogs("key", key.value),
        Effect.withSpan("call", { attributes: { key: key.value } })
      )
      const exit = yield* Effect.exit(watched(traces, slip))
      if (Exit.isFailure(exit)) traces.errors.push(Cause.pretty(exit.cause))
      for (const where of ["errors", "logs", "spans"] as const) {
        assert.isTrue(leaks(key, traces[where].join("\n")), `nothing in ${where}`)
      }
    }))

  it("knows a secret by its beginning, by its middle and in other writings", () => {
    for (
      const written of [
        key.value,
        key.value.slice(0, 9),
        encodeURIComponent(key.value),
        key.value.replaceAll("/", "\\/")
      ]
    ) {
      assert.isTrue(leaks(key, `said ${written}`), written)
    }
    assert.isFalse(leaks(key, "said <redacted>"))
  })
})
