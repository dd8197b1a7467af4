import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { CircuitBreaker, Dialect, Failure, RelayService, Retry, type WireRequest } from "effect-relay"
import * as Api from "./Api.ts"

const once = { retry: Retry.none }

const chatOf = (more: object = {}): WireRequest.WireRequest => ({
  method: "POST",
  path: "/chat/completions",
  body: JSON.stringify({ model: "smart", messages: [{ role: "user", content: "Hi" }], ...more })
})
const chat = chatOf()
const embeddings: WireRequest.WireRequest = {
  method: "POST",
  path: "/embeddings",
  body: "{\"model\":\"smart\",\"input\":\"Hi\"}"
}
const models: WireRequest.WireRequest = { method: "GET", path: "/models" }

const send = (request: WireRequest.WireRequest, options?: RelayService.SendOptions) =>
  Effect.flatMap(RelayService.RelayService, (relay) => relay.send(request, options))

const jsonOf = ({ body }: RelayService.SendReply) => JSON.parse(new TextDecoder().decode(body))

const asked = Effect.map(Api.Log, (log) => log.map(({ endpoint }) => endpoint))

const answers = (answer: Api.Answer, options: Api.Api["options"] = {}): Api.Api => ({ answer: () => answer, options })

const completion = {
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
  usage: { total_tokens: 15 }
}
const message = {
  id: "msg_1",
  model: "claude-1",
  content: [{ type: "text", text: "Hello." }],
  stop_reason: "end_turn",
  usage: { input_tokens: 10, output_tokens: 5 }
}

const anthropic = (answer: Api.Answer = Api.json(message), options: Api.Api["options"] = {}) =>
  answers(answer, { dialect: Dialect.anthropic(), apiKey: Redacted.make("key-of-a"), ...options })

const openai = answers(Api.json(completion))
const down = answers(Api.error("server_error", 503))

/** Runs this over a relay whose only endpoint speaks so and answers everything with a completion. */
const speaking = (options: Api.Api["options"], answer: unknown = completion) =>
  Effect.provide(Api.over({ a: answers(Api.json(answer), options) }, once))

const remaining = Effect.gen(function*() {
  const [status] = yield* (yield* RelayService.RelayService).status
  return status!.limiter.limits.find(({ of }) => of === "tokens")!.remaining
})

describe("a chat sent to an API that has other words for it", () => {
  it.effect("is written in its words, and its answer comes back as a chat completion", () =>
    Effect.gen(function*() {
      const reply = yield* send({
        ...chatOf({ max_tokens: 9, stop: "END" }),
        path: "/chat/completions?beta=1",
        headers: { "x-trace": "t-1" }
      })
      const [received] = yield* Api.Log
      assert.deepInclude(received, { method: "POST", path: "/v1/messages" })
      assert.deepInclude(received!.headers, {
        "x-api-key": "key-of-a",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "x-trace": "t-1"
      })
      assert.deepStrictEqual(JSON.parse(received!.body), {
        model: "claude",
        max_tokens: 9,
        messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
        stop_sequences: ["END"]
      })
      const { id, ...said } = jsonOf(reply)
      assert.match(id, /^chatcmpl-[0-9a-z]{22}$/)
      assert.deepStrictEqual(said, {
        object: "chat.completion",
        created: 0,
        model: "claude-1",
        choices: [{
          index: 0,
          message: { role: "assistant", content: "Hello.", refusal: null },
          logprobs: null,
          finish_reason: "stop"
        }],
        usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
      })
      assert.deepStrictEqual([reply.status, reply.tokens], [200, { input: 10, output: 5, total: 15 }])
      assert.deepInclude(reply.headers, { "content-type": "application/json", "request-id": "r-1" })
    }).pipe(Effect.provide(Api.over({
      a: anthropic(Api.json(message, 200, { "request-id": "r-1", "content-type": "application/vnd.a+json" }), {
        models: { smart: "claude" }
      })
    }))))

  it.effect("tells each completion, and each call of a tool, from any other", () =>
    Effect.gen(function*() {
      const replies = [yield* send(chat), yield* send(chat)].map(jsonOf)
      const calls = replies.flatMap(({ choices }) => choices[0].message.tool_calls)
      assert.strictEqual(new Set([...replies, ...calls].map(({ id }) => id)).size, 6)
      assert.deepInclude(calls[0], { type: "function", function: { name: "f", arguments: "{\"a\":1}" } })
      assert.strictEqual(replies[0].choices[0].finish_reason, "tool_calls")
    }).pipe(speaking({ dialect: Dialect.gemini }, {
      candidates: [{
        content: {
          parts: [{ functionCall: { name: "f", args: { a: 1 } } }, { functionCall: { name: "f", args: { a: 1 } } }]
        },
        finishReason: "STOP"
      }]
    })))

  it.effect("fails over to it, and from it", () =>
    Effect.gen(function*() {
      const first = yield* send(chat)
      assert.deepStrictEqual(first.meta.attempts.map(({ outcome }) => outcome), ["EndpointUnavailable", "Success"])
      yield* Effect.flatMap(RelayService.RelayService, ({ endpoints }) => endpoints.isolate("b"))
      assert.deepStrictEqual(jsonOf(yield* send(chat)), completion)
    }).pipe(Effect.provide(Api.over({ a: down, b: anthropic(), c: openai }, once))))

  const others: ReadonlyArray<readonly [string, object]> = [
    ["more than one choice", { n: 2 }],
    ["logprobs", { logprobs: true }],
    ["modalities other than text", { modalities: ["text", "image"] }],
    ["audio", { audio: { voice: "alloy" } }]
  ]
  it.effect.each(others)(
    "is not sent where it asks for %s, but to the next endpoint",
    ([, more]) =>
      Effect.gen(function*() {
        // not even a request that is sent once at most ends there
        const { meta } = yield* send(chatOf(more), { idempotent: false })
        assert.deepStrictEqual(meta.attempts.map(({ outcome, sent }) => [outcome, sent]), [
          ["RequestRejected", false],
          ["Success", true]
        ])
        assert.deepStrictEqual(yield* asked, ["b"])
      }).pipe(Effect.provide(Api.over({ a: anthropic(), b: openai }, once)))
  )

  it.effect.each(others)(
    "is refused where it asks for %s and there is nobody else",
    ([what, more]) =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(send(chatOf(more)))
        assert.instanceOf(failure, Failure.RequestRejected)
        assert.deepInclude(failure, { endpoint: "a", detail: `its dialect cannot say ${what}` })
        assert.lengthOf(failure.attempts, 1)
        assert.deepStrictEqual(yield* asked, [])
      }).pipe(Effect.provide(Api.over({ a: anthropic() })))
  )

  it.effect("goes as one for one choice, and without logprobs, in words that say so", () =>
    Effect.gen(function*() {
      yield* send(chatOf({ n: 1, logprobs: false, modalities: ["text"] }))
      assert.deepStrictEqual(yield* asked, ["a"])
    }).pipe(Effect.provide(Api.over({ a: anthropic() }))))

  it.effect("is read by its words for errors", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(send(chat))
      assert.deepInclude(failure, { _tag: "RateLimited", scope: "Account" })
    }).pipe(Effect.provide(Api.over({
      a: anthropic(Api.json({ type: "error", error: { type: "rate_limit_error", message: "Slow." } }, 429))
    }, once))))

  it.effect("has to be what the endpoint's validator takes", () =>
    Effect.gen(function*() {
      const { meta } = yield* send(chat)
      assert.deepInclude(meta.attempts[0], { outcome: "InvalidResponse", detail: "too friendly" })
      assert.strictEqual(meta.endpoint, "b")
    }).pipe(Effect.provide(Api.over({
      a: anthropic(Api.json(message), { validate: ({ text }) => text === "Hello." ? "too friendly" : undefined }),
      b: openai
    }, once))))
})

describe("a request for anything but a chat", () => {
  it.effect("passes an API by that has no such thing, even where it is sent once at most", () =>
    Effect.gen(function*() {
      for (const request of [embeddings, models, { method: "POST", path: "/batches", body: "{}" }]) {
        const { meta } = yield* send(request)
        assert.deepStrictEqual(meta.attempts.map(({ sent }) => sent), [false, true])
      }
      assert.deepStrictEqual(yield* asked, ["b", "b", "b"])
    }).pipe(Effect.provide(Api.over({ a: anthropic(), b: openai }, once))))

  it.effect("is refused where there is nobody else, and nobody is blamed", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(send(models))
      assert.instanceOf(failure, Failure.RequestRejected)
      assert.strictEqual(failure.detail, "its dialect cannot say GET /models")
      assert.deepStrictEqual(failure.attempts.map(({ endpoint, sent }) => [endpoint, sent]), [["a", false], [
        "b",
        false
      ]])
      assert.deepStrictEqual(yield* asked, [])
      const states = (yield* (yield* RelayService.RelayService).status).map(({ failed, state }) => [failed, state])
      assert.deepStrictEqual(states, [[0, "Healthy"], [0, "Healthy"]])
    }).pipe(Effect.provide(Api.over({ a: anthropic(), b: anthropic() }))))

  it.effect("fails as those fail who have such a thing", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(send(embeddings))
      assert.instanceOf(failure, Failure.EndpointUnavailable)
      assert.lengthOf(failure.attempts, 2)
      yield* Effect.flatMap(RelayService.RelayService, ({ endpoints }) => endpoints.isolate("a"))
      assert.instanceOf(yield* Effect.flip(send(embeddings)), CircuitBreaker.CircuitOpen)
    }).pipe(Effect.provide(Api.over({ a: down, b: anthropic() }, once))))

  it.effect("is read by the dialect's words for errors", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(send(embeddings))
      assert.instanceOf(failure, Failure.QuotaExceeded)
    }).pipe(Effect.provide(Api.over({
      a: answers(Api.error("out_of_coins", 400), { dialect: { ...Dialect.openai, words: { out_of_coins: "Quota" } } })
    }, once))))
})

describe("Azure", () => {
  const addresses: ReadonlyArray<readonly [WireRequest.WireRequest, string]> = [
    [chat, "/openai/deployments/gpt%2F5/chat/completions?api-version=2024-10-21"],
    [
      { ...chat, path: "/chat/completions?api-version=1999&trace=1" },
      "/openai/deployments/gpt%2F5/chat/completions?api-version=2024-10-21&trace=1"
    ],
    [embeddings, "/openai/deployments/gpt%2F5/embeddings?api-version=2024-10-21"],
    [{ ...embeddings, path: "/responses" }, "/openai/responses?api-version=2024-10-21"],
    [{ method: "GET", path: "/files?limit=2" }, "/openai/files?api-version=2024-10-21&limit=2"]
  ]
  it.effect.each(addresses)("is asked where it has it, with its key: %j", ([request, path]) =>
    Effect.gen(function*() {
      yield* send(request)
      const [received] = yield* Api.Log
      assert.deepInclude(received, { path })
      assert.deepInclude(received!.headers, { "api-key": "key-of-a" })
      assert.notProperty(received!.headers, "authorization")
      if (request.body !== undefined) {
        assert.strictEqual(received!.body, String(request.body).replace("smart", "gpt/5"))
      }
    }).pipe(speaking({
      baseUrl: "http://a.test",
      dialect: Dialect.azure(),
      models: { smart: "gpt/5" },
      apiKey: Redacted.make("key-of-a")
    })))

  it.effect("is not asked for what it has by deployment only, where no deployment is named", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(send({ method: "POST", path: "/audio/transcriptions", body: "" }))
      assert.deepInclude(failure, { detail: "its dialect cannot say POST /audio/transcriptions" })
      assert.deepStrictEqual(yield* asked, [])
    }).pipe(speaking({ dialect: Dialect.azure() })))

  it.effect("is not asked for a model by a name that no path can hold", () =>
    Effect.gen(function*() {
      assert.instanceOf(yield* Effect.flip(send(chatOf({ model: "\ud800" }))), Failure.RequestRejected)
      assert.deepStrictEqual(yield* asked, [])
    }).pipe(speaking({ dialect: Dialect.azure() })))
})

describe("a dialect of one's own", () => {
  it.effect("with defaults gives them to chats that say nothing else, and leaves other requests alone", () =>
    Effect.gen(function*() {
      yield* send({ ...chat, path: "/chat/completions?trace=1" })
      yield* send(embeddings)
      const [first, second] = yield* Api.Log
      assert.deepStrictEqual(JSON.parse(first!.body), { ...JSON.parse(String(chat.body)), max_tokens: 7 })
      assert.strictEqual(first!.path, "/v1/chat/completions?trace=1")
      assert.strictEqual(second!.body, embeddings.body)
    }).pipe(speaking({ dialect: { ...Dialect.openai, defaults: { max_tokens: 7 } } })))

  it.effect("that reads in its own way gets its requests as they are, and its answers are written anew", () =>
    Effect.gen(function*() {
      const reply = jsonOf(yield* send(chat))
      assert.deepInclude(reply, { object: "chat.completion", model: "m-1" })
      assert.strictEqual(reply.choices[0].message.content, "Hello.")
      assert.deepStrictEqual((yield* Api.Log).map(({ body }) => body), [chat.body])
    }).pipe(speaking({
      dialect: { ...Dialect.openai, read: (body) => Dialect.openai.read((body as { inner: unknown }).inner) }
    }, { inner: completion })))

  it.effect("gets no header of the caller's by the name that its key has", () =>
    Effect.gen(function*() {
      yield* send({ ...chat, headers: { "X-Pass": "of-the-caller" } })
      assert.notProperty((yield* Api.Log)[0]!.headers, "x-pass")
    }).pipe(speaking({ dialect: { ...Dialect.openai, key: { header: "X-Pass" } } })))
})

describe("what a reply says of the limits", () => {
  const left = { "x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "30" }
  const limited = (answer: Api.Answer) => ({ a: answers(answer, { limits: { tokensPerMinute: 1000 } }) })

  it.effect.each([["a chat", chat], ["an answer", embeddings]] as const)(
    "is heard of %s",
    ([, request]) =>
      Effect.gen(function*() {
        yield* send(request)
        assert.strictEqual(yield* remaining, 30)
      }).pipe(Effect.provide(Api.over(limited(Api.json(completion, 200, left)))))
  )

  it.effect("is heard of a refusal, too", () =>
    Effect.gen(function*() {
      yield* Effect.flip(send(chat))
      assert.strictEqual(yield* remaining, 30)
    }).pipe(Effect.provide(Api.over(limited(Api.json({ error: { code: "odd" } }, 400, left)), once))))

  it.effect("is not heard of anything else: a limit on files is none on chats", () =>
    Effect.gen(function*() {
      const before = yield* remaining
      yield* send({ method: "GET", path: "/files" })
      assert.strictEqual(yield* remaining, before)
    }).pipe(Effect.provide(Api.over(limited(Api.json({ data: [] }, 200, left))))))
})
