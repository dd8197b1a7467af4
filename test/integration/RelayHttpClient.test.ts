import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Option, Schedule, Schema, Stream } from "effect"
import { Configuration, Deadline, Failure, type RelayEvent, RelayHttpClient, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as Api from "../relay/Api.ts"

const completion = {
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }]
}
const url = "https://api.openai.com/v1/chat/completions"
const post = HttpClientRequest.post(url).pipe(
  HttpClientRequest.bodyJsonUnsafe({ model: "smart", messages: [{ role: "user", content: "Hi" }] })
)

const hello: Api.Api = { answer: () => Api.json(completion) }
const down: Api.Api = { answer: () => Api.error("server_error", 503) }

const over = (apis: Readonly<Record<string, Api.Api>>, options?: Partial<RelayService.Options>) =>
  RelayHttpClient.layer.pipe(Layer.provideMerge(Api.over(apis, options)))

const asked = Effect.map(Api.Log, (log) => log.map(({ endpoint }) => endpoint))

const callersRetries = Effect.gen(function*() {
  const heard: Array<number> = []
  const { events } = yield* RelayService.RelayService
  yield* Effect.forkScoped(
    Stream.runForEach(
      events,
      (event: RelayEvent.RelayEvent) =>
        Effect.sync(() => event._tag === "CallerRetried" ? heard.push(event.retry) : undefined)
    ),
    { startImmediately: true }
  )
  return heard
})

describe("an HttpClient over a relay", () => {
  it.effect("serves code that knows nothing of it, through a failover", () =>
    Effect.gen(function*() {
      const client = (yield* HttpClient.HttpClient).pipe(
        HttpClient.mapRequest(HttpClientRequest.bearerToken("key-of-the-caller")),
        HttpClient.filterStatusOk
      )
      const answer = yield* Effect.flatMap(
        client.execute(post),
        HttpClientResponse.schemaBodyJson(Schema.Struct({ model: Schema.String }))
      )
      assert.deepStrictEqual(answer, { model: "m-1" })
      const log = yield* Api.Log
      assert.deepStrictEqual(log.map(({ endpoint, path }) => [endpoint, path]), [
        ["a", "/v1/chat/completions"],
        ["b", "/v1/chat/completions"]
      ])
      assert.notInclude(JSON.stringify(log), "key-of-the-caller")
    }).pipe(Effect.provide(over({ a: down, b: hello }))))

  it.effect("answers a failure with the response that clients know, and knows which it was", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const response = yield* client.execute(post)
      assert.strictEqual(response.status, 422)
      const failure = RelayHttpClient.failureOf(response)
      assert.instanceOf(failure, Failure.RequestRejected)
      const error = yield* Effect.flip(HttpClient.filterStatusOk(client).execute(post))
      assert.instanceOf(error, HttpClientError.HttpClientError)
      assert.strictEqual(error.reason._tag, "StatusCodeError")
      assert.instanceOf(RelayHttpClient.failureOf(error.response!), Failure.RequestRejected)
    }).pipe(Effect.provide(over({ a: { answer: () => Api.error("odd", 422) } }))))

  it.effect("sends bodies of every kind, and the query", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const bytes = new TextEncoder().encode("{\"x\":1}")
      const to = HttpClientRequest.post("https://api.openai.com/v1/x", { urlParams: { a: "1 2" } })
      const form = new FormData()
      form.set("x", "1")
      yield* client.execute(HttpClientRequest.bodyUint8Array(to, bytes))
      yield* client.execute(HttpClientRequest.bodyStream(to, Stream.make(bytes.slice(0, 3), bytes.slice(3))))
      yield* client.execute(HttpClientRequest.bodyFormData(to, form))
      yield* client.get("https://api.openai.com/v1/x", { urlParams: { a: "1 2" } })
      const log = yield* Api.Log
      assert.deepStrictEqual(log.map(({ path }) => path), Array.from({ length: 4 }, () => "/v1/x?a=1+2"))
      assert.deepStrictEqual([log[0]?.body, log[1]?.body, log[3]?.body], ["{\"x\":1}", "{\"x\":1}", ""])
      const { body, headers } = log[2]!
      const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers["content-type"] ?? "")?.[1]
      assert.isTrue(body.startsWith(`--${boundary}`), body)
    }).pipe(Effect.provide(over({ a: hello }))))

  it.effect("fails with EncodeError where the body cannot be read, and sends nothing", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const torn = HttpClientRequest.bodyStream(HttpClientRequest.post(url), Stream.fail(new Error("torn")))
      const error = yield* Effect.flip(client.execute(torn))
      assert.strictEqual(error.reason._tag, "EncodeError")
      assert.lengthOf(yield* Api.Log, 0)
    }).pipe(Effect.provide(over({ a: hello }))))

  it.effect("fails with InvalidUrlError for a URL that is not below the base URL", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      assert.strictEqual((yield* client.get("http://relay.test/ai/models")).status, 200)
      const error = yield* Effect.flip(client.get("http://relay.test/other/models"))
      assert.strictEqual(error.reason._tag, "InvalidUrlError")
      const log = yield* Api.Log
      assert.deepStrictEqual(log.map(({ path }) => path), ["/v1/models"])
    }).pipe(Effect.provide(
      RelayHttpClient.layerWith({ baseUrl: "http://relay.test/ai" }).pipe(Layer.provideMerge(Api.over({ a: hello })))
    )))

  it.effect("refuses options that cannot work", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const failure = yield* Effect.flip(RelayHttpClient.make(relay, { baseUrl: "localhost" }))
      assert.instanceOf(failure, Configuration.InvalidConfiguration)
      assert.deepInclude(failure, { subject: "RelayHttpClient", field: "baseUrl" })
    }).pipe(Effect.provide(over({ a: hello }))))

  it.effect("tells the retries of the client above it from first tries", () =>
    Effect.gen(function*() {
      const heard = yield* callersRetries
      const client = HttpClient.retryTransient(yield* HttpClient.HttpClient, {
        times: 2,
        schedule: Schedule.spaced("1 second")
      })
      const call = yield* Effect.forkChild(client.execute(post), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* Fiber.join(call)).status, 503)
      // three rounds for the first try, one for each retry
      assert.lengthOf(yield* asked, 3 + 1 + 1)
      assert.deepStrictEqual(heard, [1, 2])
    }).pipe(Effect.provide(over({ a: down }, {
      retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 2 })
    }))))

  it.effect("takes what is only repeated for first tries", () =>
    Effect.gen(function*() {
      const heard = yield* callersRetries
      const client = yield* HttpClient.HttpClient
      yield* Effect.repeat(client.execute(post), { times: 3 })
      assert.deepStrictEqual(heard, [])
      assert.lengthOf(yield* asked, 4)
    }).pipe(Effect.provide(over({ a: hello }))))

  it.effect("keeps the deadline that it runs under", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      // as somebody has who stands further out and does not interrupt by itself
      const call = yield* Effect.forkChild(
        Effect.provideService(client.execute(post), Deadline.CurrentDeadline, 3000),
        { startImmediately: true }
      )
      yield* TestClock.adjust("3 seconds")
      const response = yield* Fiber.join(call)
      assert.deepInclude(RelayHttpClient.failureOf(response), { _tag: "DeadlineExceeded" })
    }).pipe(Effect.provide(over({ a: { answer: () => ({ after: "1 hour" }) } }))))

  it.effect("an interrupt is neutral", () =>
    Effect.gen(function*() {
      const client = yield* HttpClient.HttpClient
      const call = yield* Effect.forkChild(client.execute(post), { startImmediately: true })
      yield* Fiber.interrupt(call)
      const [status] = yield* (yield* RelayService.RelayService).status
      assert.deepInclude(status, { inFlight: 0, answered: 0, failed: 0, state: "Healthy" })
    }).pipe(Effect.provide(over({ a: { answer: () => ({ after: "1 hour" }) } }))))

  it.effect("a relay that stands on itself dies and says so; one on another works", () =>
    Effect.gen(function*() {
      const options = {
        health: "off",
        retry: Retry.none,
        endpoints: [{ id: "x", baseUrl: "http://x.test/v1" }]
      } as const
      let below: HttpClient.HttpClient = yield* HttpClient.HttpClient
      let calls = 0
      const knot = HttpClient.make((request) => {
        calls++
        return below.execute(request)
      })
      const relay = Context.get(
        yield* Layer.build(
          Layer.provide(RelayService.layerDefault(options), Layer.succeed(HttpClient.HttpClient, knot))
        ),
        RelayService.RelayService
      )
      // on the client of another relay
      const own = yield* RelayHttpClient.make(relay)
      assert.strictEqual((yield* own.execute(post)).status, 200)
      // and now on its own
      below = own
      calls = 0
      const exit = yield* Effect.exit(own.execute(post))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "a relay stands on itself")
      assert.strictEqual(calls, 1)
      const chat = yield* Effect.exit(relay.chat({ model: "smart", messages: [{ role: "user", content: "Hi" }] }))
      assert.include(Exit.isFailure(chat) ? Cause.pretty(chat.cause) : "", "a relay stands on itself")
    }).pipe(Effect.scoped, Effect.provide(over({ a: hello }))))
})

describe("a stream by an HttpClient over a relay", () => {
  const streamed = HttpClientRequest.post(url).pipe(
    HttpClientRequest.bodyJsonUnsafe({ model: "smart", messages: [{ role: "user", content: "Hi" }], stream: true })
  )
  const primary = ScriptedEndpoint.make("a", [ScriptedEndpoint.status(503)])
  const over = (step: ScriptedEndpoint.Step) => {
    const backup = ScriptedEndpoint.make("b", [step], { tier: 1 })
    return RelayHttpClient.layer.pipe(
      Layer.provideMerge(RelayService.layerDefault({
        health: "off",
        retry: Retry.none,
        endpoints: [primary.endpoint, backup.endpoint]
      })),
      Layer.provide(ScriptedEndpoint.layer(primary, backup))
    )
  }
  const inFlight = Effect.flatMap(
    RelayService.RelayService,
    ({ status }) => Effect.map(status, (all) => all.map(({ inFlight }) => inFlight))
  )

  const ask = Effect.flatMap(HttpClient.HttpClient, (client) => client.execute(streamed))

  const dataOf = (text: string) =>
    text.split("\n\n").filter((line) => line !== "").map((line) => line.replace("data: ", ""))

  it.live("comes through a failover in OpenAI's shape", () =>
    Effect.gen(function*() {
      const response = yield* ask
      assert.deepInclude(response.headers, { "x-relay-endpoint": "b", "x-relay-attempts": "2" })
      assert.include(response.headers["content-type"], "text/event-stream")
      const data = dataOf(yield* response.text)
      assert.strictEqual(data.at(-1), "[DONE]")
      const chunks = data.slice(0, -1).map((json) => JSON.parse(json))
      assert.deepStrictEqual(chunks.map(({ choices }) => choices[0].delta.content), ["", "Hel", "lo.", undefined])
      assert.deepStrictEqual(yield* inFlight, [0, 0])
    }).pipe(Effect.provide(over(ScriptedEndpoint.stream(["Hel", "lo."], { between: "5 millis" })))))

  it.live("is a failure that its caller knows, if nothing of it has come", () =>
    Effect.gen(function*() {
      const response = yield* ask
      assert.strictEqual(response.status, 503)
      assert.strictEqual(RelayHttpClient.failureOf(response)?._tag, "RelayExhausted")
    }).pipe(Effect.provide(over(ScriptedEndpoint.stream([], { end: "reset" })))))

  it.live("says in its body that it broke off", () =>
    Effect.gen(function*() {
      const data = dataOf(yield* Effect.flatMap(ask, ({ text }) => text))
      assert.strictEqual(JSON.parse(data.at(-1)!).error.code, "stream_interrupted")
      assert.deepStrictEqual(yield* inFlight, [0, 0])
    }).pipe(Effect.provide(over(ScriptedEndpoint.stream(["Hel"], { end: "reset" })))))

  it.live("lets go of its endpoint when the scope of its response closes, though nobody has read its body", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const client = HttpClient.withScope(yield* HttpClient.HttpClient)
        assert.strictEqual((yield* client.execute(streamed)).status, 200)
        assert.deepStrictEqual(yield* inFlight, [0, 1])
      }))
      yield* Effect.sleep("20 millis")
      assert.deepStrictEqual(yield* inFlight, [0, 0])
    }).pipe(Effect.provide(over(ScriptedEndpoint.stream(["Hel"], { end: "silence" })))))

  it.live("lets go of its endpoint when its body is left, and when it is interrupted before there is one", () =>
    Effect.gen(function*() {
      const first = yield* Stream.runHead(HttpClientResponse.stream(ask))
      assert.isTrue(Option.isSome(first))
      assert.deepStrictEqual(yield* inFlight, [0, 0])
    }).pipe(
      Effect.provide(over(ScriptedEndpoint.stream(["Hel"], { end: "silence" }))),
      Effect.andThen(
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(ask, { startImmediately: true })
          yield* Effect.sleep("20 millis")
          assert.deepStrictEqual(yield* inFlight, [0, 1])
          yield* Fiber.interrupt(fiber)
          assert.deepStrictEqual(yield* inFlight, [0, 0])
        }).pipe(Effect.provide(over(ScriptedEndpoint.stream([], { end: "silence" }))))
      )
    ))
})
