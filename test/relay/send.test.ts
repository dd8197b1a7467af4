import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted, Stream } from "effect"
import {
  CircuitBreaker,
  Failure,
  Idempotent,
  type RelayEvent,
  RelayService,
  Retry,
  type WireRequest
} from "effect-relay"
import { TestClock } from "effect/testing"
import * as Api from "./Api.ts"

const once = { retry: Retry.none }
const firstFailureOpens = { circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } }

const completion = {
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
  usage: { total_tokens: 15 }
}

const chat: WireRequest.WireRequest = {
  method: "POST",
  path: "/chat/completions",
  body: "{\"model\":\"smart\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"
}
const embeddings: WireRequest.WireRequest = {
  method: "POST",
  path: "/embeddings",
  body: "{\"model\":\"smart\",\"input\":\"Hi\"}"
}
const models: WireRequest.WireRequest = { method: "GET", path: "/models?limit=2" }

const send = (request: WireRequest.WireRequest, options?: RelayService.SendOptions) =>
  Effect.flatMap(RelayService.RelayService, (relay) => relay.send(request, options))

const textOf = ({ body }: RelayService.SendReply): string => new TextDecoder().decode(body)

/** Which endpoints were asked, in order. */
const asked = Effect.map(Api.Log, (log) => log.map(({ endpoint }) => endpoint))

const statusOf = (id: string) =>
  Effect.flatMap(
    RelayService.RelayService,
    ({ status }) => Effect.map(status, (all) => all.find((one) => one.id === id)!)
  )

const remainingTokens = Effect.map(
  statusOf("a"),
  ({ limiter: { limits } }) => limits.find(({ of }) => of === "tokens")!.remaining
)

const answers = (answer: Api.Answer, options?: Api.Api["options"]): Api.Api => ({
  answer: () => answer,
  ...(options === undefined ? {} : { options })
})

const down = answers(Api.error("server_error", 503))

describe("what cannot be sent", () => {
  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["a header with a name that none can have", { ...models, headers: { "x y": "1" } }],
    ["a header that no latin letters can write", { ...models, headers: { "x-user": "漢" } }],
    ["a header that would be two", { ...models, headers: { "x-user": "a\r\nb: c" } }],
    ["a path that escapes its slashes to leave", { ...models, path: "/..%2f..%2fadmin" }],
    ["one that does so later on", { ...models, path: "/a%2F..%2f..%5Cadmin" }],
    ["one that hides its dots behind a semicolon", { ...models, path: "/a/..;/..;x/admin" }],
    ["a body that is neither text nor bytes", { ...chat, body: 5 }],
    ["nothing", undefined]
  ]
  it.effect.each(cases)(
    "is refused before anybody is asked, and nobody is blamed: %s",
    ([, request]) =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(send(request as WireRequest.WireRequest))
        assert.strictEqual(failure._tag, "RequestRejected")
        assert.deepStrictEqual(yield* asked, [])
        assert.include(yield* statusOf("a"), { state: "Healthy", failed: 0 })
      }).pipe(Effect.provide(Api.over({ a: answers(Api.json({})) })))
  )

  it.effect("does not include a caller's own header that is dropped anyhow, or a path with dots in its names", () =>
    Effect.gen(function*() {
      yield* send({ ...models, path: "/a..b/.well-known/x;y=1?to=../..", headers: { cookie: "漢" } })
      assert.deepStrictEqual(yield* asked, ["a"])
    }).pipe(Effect.provide(Api.over({ a: answers(Api.json({})) }))))
})

describe("send", () => {
  it.effect("gives back the reply of the endpoint, byte for byte, and tells how it came about", () => {
    const odd =
      `\n {"b": 1e400, "choices":[{"message":{"content":"ü"},"finish_reason":"stop"}], "n": 12345678901234567890 }`
    return Effect.gen(function*() {
      const reply = yield* send(chat)
      assert.strictEqual(textOf(reply), odd)
      assert.deepInclude(reply.headers, { "x-request-id": "r-1", "content-type": "application/json" })
      assert.deepStrictEqual(reply.meta.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["a", "EndpointUnavailable"],
        ["b", "Success"]
      ])
    }).pipe(Effect.provide(Api.over({
      a: down,
      b: answers({ body: odd, headers: { "content-type": "application/json", "x-request-id": "r-1" } })
    })))
  })

  it.effect("sends the endpoint's key and headers and none of the caller's secrets", () =>
    Effect.gen(function*() {
      yield* send({
        ...chat,
        headers: {
          Authorization: "Bearer of-the-caller",
          "API-Key": "of-the-caller",
          "x-goog-api-key": "of-the-caller",
          cookie: "session=of-the-caller",
          host: "of-the-caller",
          connection: "keep-alive, X-Hop",
          "x-hop": "of-the-caller",
          "openai-organization": "of-the-caller",
          "accept-encoding": "of-the-caller",
          "x-version": "7",
          "x-trace": "t-1"
        }
      })
      const [received] = yield* Api.Log
      assert.notInclude(JSON.stringify(received), "of-the-caller")
      assert.deepInclude(received!.headers, {
        authorization: "Bearer key-of-a",
        "x-version": "8",
        "x-trace": "t-1",
        "content-type": "application/json"
      })
    }).pipe(Effect.provide(Api.over({
      a: answers(Api.json(completion), { apiKey: Redacted.make("key-of-a"), headers: { "x-version": "8" } })
    }))))

  it.effect("sends no key that stands in the query, and every other byte of it", () =>
    Effect.gen(function*() {
      yield* send({ method: "GET", path: "/models?key=sk-1&page_token=p-1&API_KEY=sk-2&limit=2&key=sk-3" })
      yield* send({ method: "GET", path: "/models?a=%20b+c&d" })
      const log = yield* Api.Log
      assert.deepStrictEqual(log.map(({ path }) => path), [
        "/v1/models?page_token=p-1&limit=2",
        "/v1/models?a=%20b+c&d"
      ])
    }).pipe(Effect.provide(Api.over({ a: answers(Api.json({ data: [] })) }))))

  it.effect("asks each endpoint by its own name for the model, and changes nothing else in the body", () =>
    Effect.gen(function*() {
      const body = `{ "seed" : 12345678901234567890,\n"model":"smart","messages":[{"role":"user","model":"smart"}] }`
      yield* send({ ...chat, body })
      const log = yield* Api.Log
      assert.deepStrictEqual(log.map(({ body }) => body), [
        body.replace(`"smart","messages"`, `"a-\\"1\\"","messages"`),
        body
      ])
    }).pipe(Effect.provide(Api.over({
      a: { ...down, options: { models: { smart: "a-\"1\"" } } },
      b: answers(Api.json(completion))
    }))))

  it.effect("asks only endpoints that serve the model, and for a request without one any that has a URL", () =>
    Effect.gen(function*() {
      yield* send(chat)
      assert.deepStrictEqual(yield* asked, ["c"])
      const { meta } = yield* send(models)
      assert.lengthOf(meta.attempts, 1)
      const [, received] = yield* Api.Log
      assert.deepInclude(received, { endpoint: "b", method: "GET", path: "/v1/models?limit=2", body: "" })
      const failure = yield* Effect.flip(send({ ...chat, body: String(chat.body).replace("smart", "unknown") }))
      assert.instanceOf(failure, Failure.ModelNotFound)
    }).pipe(Effect.provide(Api.over({
      a: { ...down, options: { baseUrl: undefined } },
      b: answers(Api.json(completion), { models: ["other"] }),
      c: answers(Api.json(completion), { models: ["smart"] })
    }))))

  it.effect("fails over for whatever is no valid chat completion, an error inside a 200 too", () =>
    Effect.gen(function*() {
      const { meta } = yield* send(chat)
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), [
        "InvalidResponse",
        "QuotaExceeded",
        "InvalidResponse",
        "Success"
      ])
    }).pipe(Effect.provide(Api.over({
      empty: answers(Api.json({ choices: [] })),
      poor: answers(Api.error("insufficient_quota", 200)),
      page: answers({ body: "<h1>Hello.</h1>" }),
      sound: answers(Api.json(completion))
    }, once))))

  it.effect("looks for errors inside other answers as well, but not inside what only describes one", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* send(embeddings)).meta.endpoint, "b")
      const job = { id: "job-1", status: "failed", error: { message: "Out of luck.", code: "server_error" } }
      const reply = yield* send({ method: "GET", path: "/fine_tuning/jobs/job-1" })
      assert.deepStrictEqual([reply.meta.endpoint, JSON.parse(textOf(reply))], ["a", job])
    }).pipe(Effect.provide(Api.over({
      a: answers(Api.json({ id: "job-1", status: "failed", error: { message: "Out of luck.", code: "server_error" } })),
      b: answers(Api.json({ data: [], usage: { total_tokens: 2 } }))
    }, once))))

  it.effect("passes on what is no JSON, and what has no body", () =>
    Effect.gen(function*() {
      const bytes = yield* send({ method: "GET", path: "/files/f-1/content" })
      assert.deepStrictEqual(Array.from(bytes.body), [0xff, 0, 0xfe])
      const nothing = yield* send({ method: "DELETE", path: "/files/f-1" })
      assert.deepStrictEqual([nothing.status, nothing.body.byteLength], [204, 0])
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: ({ method }) => method === "DELETE" ? { status: 204 } : { body: Uint8Array.of(0xff, 0, 0xfe) }
      }
    }))))

  const repeated: ReadonlyArray<readonly [WireRequest.WireRequest, boolean]> = [
    [models, true],
    [{ method: "DELETE", path: "/files/f-1" }, true],
    [{ method: "put", path: "/x", body: "{}" }, true],
    [chat, true],
    [embeddings, true],
    [{ ...embeddings, path: "/responses" }, true],
    [{ ...embeddings, path: "/completions" }, true],
    [{ ...embeddings, path: "/moderations" }, true],
    [{ ...embeddings, path: "/images/generations" }, false],
    [{ method: "POST", path: "/batches", body: "{}" }, false],
    [{ method: "PATCH", path: "/x", body: "{}" }, false]
  ]
  for (const [request, isRepeated] of repeated) {
    it.effect(`sends ${request.method} ${request.path} ${isRepeated ? "again where it failed" : "once at most"}`, () =>
      Effect.gen(function*() {
        yield* Effect.flip(send(request))
        assert.deepStrictEqual(yield* asked, isRepeated ? ["a", "b"] : ["a"])
        yield* Effect.flip(send(request, { idempotent: !isRepeated }))
        assert.lengthOf(yield* asked, 3)
        yield* Effect.flip(Idempotent.mark(send(request)))
        assert.lengthOf(yield* asked, 5)
      }).pipe(Effect.provide(Api.over({ a: down, b: down }, once))))
  }

  it.effect("goes on to the next endpoint where none was sent to, even what is sent once at most", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(RelayService.RelayService, ({ endpoints }) => endpoints.isolate("a"))
      const { meta } = yield* send({ method: "POST", path: "/batches", body: "{}" })
      assert.strictEqual(meta.endpoint, "b")
    }).pipe(Effect.provide(Api.over({ a: down, b: answers(Api.json({ id: "batch-1" })) }))))

  it.effect("a retry of the caller's goes through the endpoints once, and is told of", () =>
    Effect.gen(function*() {
      const heard: Array<RelayEvent.RelayEvent> = []
      const { events } = yield* RelayService.RelayService
      yield* Effect.forkScoped(Stream.runForEach(events, (event) => Effect.sync(() => heard.push(event))), {
        startImmediately: true
      })
      yield* Effect.flip(send({ ...chat, headers: { "X-Stainless-Retry-Count": "2" } }))
      assert.deepStrictEqual(yield* asked, ["a", "b"])
      yield* Effect.flip(send(chat, { retry: 1 }))
      assert.lengthOf(yield* asked, 4)
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        heard.flatMap((event) => event._tag === "CallerRetried" ? [[event.path, event.retry]] : []),
        [["/chat/completions", 2], ["/chat/completions", 1]]
      )
      assert.isFalse(heard.some(({ _tag }) => _tag === "WaitBegan"))

      // a first try waits for another round
      const first = yield* Effect.forkChild(
        Effect.flip(send({ ...chat, headers: { "x-stainless-retry-count": "0" } })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(first)
      assert.isAbove((yield* asked).length, 6)
    }).pipe(Effect.provide(Api.over({ a: down, b: down }))))

  it.effect("what an endpoint lacks is held against neither its circuit nor its chats", () =>
    Effect.gen(function*() {
      for (const status of [404, 405, 501, 403]) {
        const request = { method: "POST", path: `/embeddings?status=${status}`, body: `{"model":"m-${status}"}` }
        assert.strictEqual((yield* send(request)).meta.endpoint, "b")
        // refused once, it is not asked again for the same
        assert.strictEqual((yield* send(request)).meta.endpoint, "b")
      }
      assert.deepStrictEqual((yield* asked).join(""), "abbabbabbabb")
      assert.strictEqual((yield* statusOf("a")).circuit.state, "Closed")
      const sameModel = { ...chat, body: String(chat.body).replace("smart", "m-404") }
      assert.strictEqual((yield* send(sameModel)).meta.endpoint, "a")
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: ({ path }) =>
          path.endsWith("/chat/completions")
            ? Api.json(completion)
            : { status: Number(new URLSearchParams(path.split("?")[1]).get("status")), body: "<h1>No.</h1>" },
        options: firstFailureOpens
      },
      b: answers(Api.json({ data: [] }))
    }, once))))

  for (const status of [301, 302, 303, 307, 308]) {
    for (const request of [models, embeddings]) {
      it.effect(`a ${status} to ${request.path} says that the endpoint stands elsewhere, and the next is asked`, () =>
        Effect.gen(function*() {
          assert.strictEqual((yield* send(request)).meta.endpoint, "b")
          assert.deepInclude(yield* statusOf("a"), { state: "Open", lastFailure: "InvalidResponse" })
          yield* Effect.flatMap(RelayService.RelayService, ({ endpoints }) => endpoints.remove("b"))
          const { attempts } = yield* Effect.flip(send(request))
          assert.deepStrictEqual(attempts.map(({ outcome }) => outcome), ["CircuitOpen"])
        }).pipe(Effect.provide(Api.over({
          a: answers({ status, headers: { location: "https://login.example/?token=t" } }, firstFailureOpens),
          b: answers(Api.json({ data: [] }))
        }, once))))
    }
  }

  for (const status of [403, 404, 405, 409, 410, 422, 501]) {
    it.effect(`${status} for a path of the caller's choosing ends the call and blames nobody`, () =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(send({ method: "GET", path: "/nothing" }))
        assert.instanceOf(failure, Failure.RequestRejected)
        assert.strictEqual(failure.status, status)
        const { circuit, state } = yield* statusOf("a")
        assert.deepStrictEqual([circuit.state, state], ["Closed", "Healthy"])
      }).pipe(Effect.provide(Api.over({
        a: answers({ status, body: "<h1>No.</h1>" }, firstFailureOpens),
        b: answers({})
      }, once))))
  }

  it.effect("a key without the right to a path is still good for chats", () =>
    Effect.gen(function*() {
      yield* Effect.flip(send({ method: "GET", path: "/files" }))
      assert.strictEqual((yield* statusOf("a")).state, "Healthy")
    }).pipe(Effect.provide(Api.over({
      a: answers(Api.json({ error: { message: "Missing scopes: api.files.read", type: "authentication_error" } }, 401))
    }, once))))

  it.effect("how long other requests take says nothing about chats", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 25; call++) yield* send(models)
      const { latency, usualLatency } = yield* statusOf("a")
      assert.deepStrictEqual([latency, usualLatency], [0, undefined])
      const slow = yield* Effect.forkChild(send(chat), { startImmediately: true })
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(slow)
      assert.deepInclude(yield* statusOf("a"), { state: "Healthy", latency: 20_000, answered: 26 })
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: ({ method }) =>
          method === "GET" ? Api.json({ data: [] }) : { ...Api.json(completion), after: "20 seconds" },
        options: firstFailureOpens
      }
    }))))

  it.effect("an interrupt is neutral", () =>
    Effect.gen(function*() {
      const call = yield* Effect.forkChild(send(chat), { startImmediately: true })
      assert.strictEqual((yield* statusOf("a")).inFlight, 1)
      yield* Fiber.interrupt(call)
      assert.deepInclude(yield* statusOf("a"), { inFlight: 0, answered: 0, failed: 0, state: "Healthy" })
    }).pipe(Effect.provide(Api.over({ a: answers({ after: "1 hour" }, firstFailureOpens) }))))

  it.effect("ends at its deadline", () =>
    Effect.gen(function*() {
      const call = yield* Effect.forkChild(Effect.flip(send(chat, { deadline: "2 seconds" })), {
        startImmediately: true
      })
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* Fiber.join(call), { _tag: "DeadlineExceeded", deadline: Duration.seconds(2) })
    }).pipe(Effect.provide(Api.over({ a: answers({ after: "1 hour" }) }))))

  it.effect("charges the tokens that a reply says it took", () =>
    Effect.gen(function*() {
      const before = yield* remainingTokens
      for (const request of [chat, embeddings]) {
        yield* send(request)
      }
      assert.strictEqual(before - (yield* remainingTokens), 15 + 7)
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: ({ path }) =>
          Api.json(path.endsWith("embeddings") ? { data: [], usage: { total_tokens: 7 } } : completion),
        options: { limits: { tokensPerMinute: 1000 } }
      }
    }))))

  const long = "word ".repeat(400)
  const asks: Readonly<Record<string, object>> = {
    "/chat/completions": { model: "smart", messages: [{ role: "user", content: long }] },
    "/completions": { model: "smart", prompt: long },
    "/embeddings": { model: "smart", input: ["short", long] },
    "/moderations": { input: long },
    "/responses": { model: "smart", instructions: "short", input: [{ role: "user", content: [{ text: long }] }] },
    "/responses ": { model: "smart", input: "short", max_output_tokens: 500 }
  }
  for (const [path, body] of Object.entries(asks)) {
    it.effect(`charges beforehand what ${path.trim()} is likely to take`, () =>
      Effect.gen(function*() {
        const before = yield* remainingTokens
        yield* Effect.forkChild(send({ method: "POST", path: path.trim(), body: JSON.stringify(body) }), {
          startImmediately: true
        })
        assert.isAtLeast(before - (yield* remainingTokens), 500)
      }).pipe(Effect.provide(Api.over({ a: answers({ after: "1 hour" }, { limits: { tokensPerMinute: 100_000 } }) }))))
  }

  it.effect("repeats no secret of the endpoint that its error repeats", () =>
    Effect.gen(function*() {
      for (const request of [embeddings, models]) {
        const failure = yield* Effect.flip(send(request))
        assert.notInclude(JSON.stringify(failure) + failure.message, "sk-live")
        assert.include(failure.message, "<redacted>")
      }
    }).pipe(Effect.provide(Api.over({
      a: answers(Api.json({ error: { message: "Who is sk-live-1?" } }, 422), { apiKey: Redacted.make("sk-live-1") })
    }))))

  const flawed: Readonly<Record<string, readonly [WireRequest.WireRequest, string]>> = {
    "a stream": [{ ...chat, body: "{\"model\":\"smart\",\"messages\":[{}],\"stream\":true}" }, "stream"],
    ...Object.fromEntries(
      ["1", "0", "\"true\"", "{}"].map((word): [string, readonly [WireRequest.WireRequest, string]] => [
        `a chat whose stream is ${word}`,
        [{ ...chat, body: `{"model":"smart","messages":[{}],"stream":${word}}` }, "stream has to be true or false"]
      ])
    ),
    "an answer whose stream is a number": [{ ...embeddings, body: "{\"model\":\"smart\",\"stream\":1}" }, "stream has"],
    "a stream of another kind": [{ ...embeddings, body: "{\"model\":\"smart\",\"stream\":true}" }, "stream"],
    "a chat that is not JSON": [{ ...chat, body: "Hi" }, "object"],
    "a chat without a body": [{ method: "POST", path: "/chat/completions" }, "object"],
    "a chat without a model": [{ ...chat, body: "{\"messages\":[{}]}" }, "model"],
    "a method that there is not": [{ ...models, method: "BREW" }, "method"],
    "a path without a slash": [{ ...models, path: "models" }, "path"],
    "a path to another host": [{ ...models, path: "//elsewhere.test/" }, "path"],
    "a path that leads out": [{ ...models, path: "/a/../../admin" }, "path"],
    "a path that leads out unseen": [{ ...models, path: "/a/%2e%2e/.%2E\\admin" }, "path"]
  }
  for (const [name, [request, detail]] of Object.entries(flawed)) {
    it.effect(`refuses ${name}, and sends nothing`, () =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(send(request))
        assert.instanceOf(failure, Failure.RequestRejected)
        assert.include(failure.detail, detail)
        assert.deepStrictEqual(yield* asked, [])
      }).pipe(Effect.provide(Api.over({ a: down }))))
  }
})
