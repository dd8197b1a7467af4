/** What an endpoint's dialect cannot say passes it by, whole or streamed, and an explanation knows. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result, Stream } from "effect"
import { Budget, type ChatRequest, Dialect, type Endpoint, Failure, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Api from "./Api.ts"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const once = { retry: Retry.none }

const request: ChatRequest.ChatRequest = { model: "smart", messages: [{ role: "user", content: "Hi" }] }
const spoken: ChatRequest.ChatRequest = { ...request, audio: { voice: "alloy" } }

const completion = {
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
  usage: { total_tokens: 15 }
}

const api = (options: Omit<Endpoint.Options, "id"> = {}): Api.Api => ({ answer: () => Api.json(completion), options })
const anthropic = (options: Omit<Endpoint.Options, "id"> = {}) =>
  api({ dialect: Dialect.anthropic(), apiKey: Redacted.make("key-of-a"), ...options })

const relay = RelayService.RelayService
const chat = (request: ChatRequest.ChatRequest, options?: RelayService.ChatOptions) =>
  Effect.flatMap(relay, (relay) => relay.chat(request, options))

/** The trail of a stream that came to its end. */
const stream = (request: ChatRequest.ChatRequest) =>
  Effect.gen(function*() {
    const chunks = yield* Stream.runCollect((yield* relay).stream(request))
    const end = chunks.at(-1)
    assert.strictEqual(end?._tag, "Finish")
    return end?._tag === "Finish" ? end.meta.attempts : []
  })

const trail = Effect.map(({ meta }: RelayService.ChatReply) => meta.attempts)
const explain = (request: ChatRequest.ChatRequest) => Effect.flatMap(relay, (relay) => relay.explain(request))
const asked = Effect.map(Api.Log, (log) => log.map(({ endpoint }) => endpoint))
const statuses = Effect.flatMap(relay, ({ status }) => status)

const ways: ReadonlyArray<readonly [string, typeof stream]> = [
  ["a chat", (request) => trail(chat(request))],
  ["a stream", stream]
]

describe("what a dialect cannot say", () => {
  it.effect.each(ways)("is not sent to it by %s, and is no attempt", ([, ask]) =>
    Effect.gen(function*() {
      const limits = Effect.map(statuses, ([a]) => a!.limiter.limits)
      const before = yield* limits
      const attempts = yield* ask(spoken)
      assert.deepStrictEqual(attempts.map(({ endpoint, outcome, sent }) => [endpoint, outcome, sent]), [
        ["a", "RequestRejected", false],
        ["b", "Success", true]
      ])
      assert.deepStrictEqual(yield* asked, ["b"])
      const [a] = yield* statuses
      assert.deepInclude(a, { failed: 0, answered: 0, state: "Healthy" })
      assert.deepStrictEqual(yield* limits, before)
    }).pipe(Effect.provide(Api.over({
      a: anthropic({ limits: { requestsPerMinute: 5 } }),
      b: api()
    }, { ...once, maxAttempts: 1 }))))

  it.effect.each(ways)(
    "fails %s as what it is where everybody is such an endpoint",
    ([, ask]) =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(ask(spoken))
        assert.instanceOf(failure, Failure.RequestRejected)
        assert.strictEqual(failure.detail, "its dialect cannot say audio")
        assert.deepStrictEqual(failure.attempts.map(({ endpoint, sent }) => [endpoint, sent]), [
          ["a", false],
          ["b", false]
        ])
        assert.deepStrictEqual(yield* asked, [])
      }).pipe(Effect.provide(Api.over({ a: anthropic(), b: anthropic() }, once)))
  )

  it.effect("takes nothing from a budget, and hides no failure of those who could say it", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 1 })
      const failure = yield* Effect.flip(chat({ ...spoken, max_tokens: 100 }, { budget }))
      assert.strictEqual(failure._tag, "BudgetExceeded")
      assert.deepStrictEqual(failure.attempts.map(({ outcome }) => outcome), ["RequestRejected", "BudgetExceeded"])
    }).pipe(Effect.provide(Api.over({ a: anthropic(), b: api() }, once))))

  it.effect("is what a path cannot hold, too", () =>
    Effect.gen(function*() {
      const attempts = yield* trail(chat({ ...request, model: "\ud800" }))
      assert.deepStrictEqual(attempts.map(({ sent }) => sent), [false, true])
    }).pipe(Effect.provide(Api.over({ a: api({ dialect: Dialect.azure() }), b: api() }, once))))

  it.effect("is explained: the endpoint is unsuited, and the call goes where it can be said", () =>
    Effect.gen(function*() {
      const { candidates, goesTo } = yield* explain(spoken)
      assert.deepStrictEqual(goesTo, ["b"])
      assert.deepInclude(candidates[0], {
        endpoint: "a",
        standing: "Unsuited",
        because: "its dialect cannot say audio",
        changes: "when somebody replaces the endpoint"
      })
      assert.deepStrictEqual((yield* explain(request)).goesTo, ["a"])
      assert.deepStrictEqual(yield* asked, [])
    }).pipe(Effect.provide(Api.over({ a: anthropic(), b: api() }, once))))

  it.effect("is explained where nobody can say it: nobody is asked, and the call fails as it will", () =>
    Effect.gen(function*() {
      const { candidates, goesTo, ifNobody } = yield* explain(spoken)
      assert.deepStrictEqual(goesTo, [])
      assert.deepStrictEqual(ifNobody, { _tag: "Fail", failure: "RequestRejected" })
      assert.deepStrictEqual(candidates.map(({ standing }) => standing), ["Unsuited", "Unsuited"])
    }).pipe(Effect.provide(Api.over({ a: anthropic(), b: anthropic() }, once))))
})

describe("a dialect that writes requests anew", () => {
  /** Counts how often it writes. */
  const counting = () => {
    let writes = 0
    const dialect: Dialect.Dialect = {
      ...Dialect.openai,
      write: (request) => {
        writes++
        return request["audio"] === undefined ? Result.succeed(request) : Result.fail("audio")
      }
    }
    return { dialect, writes: () => writes }
  }

  it.effect.each(ways)("writes once for %s: to know whether it can, and to send it", ([, ask]) => {
    const { dialect, writes } = counting()
    return Effect.gen(function*() {
      yield* ask(request)
      assert.strictEqual(writes(), 1)
    }).pipe(Effect.provide(Api.over({ a: api({ dialect }) }, once)))
  })

  it.effect("writes once for all endpoints that speak it and call the model alike", () => {
    const { dialect, writes } = counting()
    return Effect.gen(function*() {
      assert.lengthOf(yield* trail(chat(spoken)), 4)
      assert.strictEqual(writes(), 1)
    }).pipe(Effect.provide(Api.over({
      a: api({ dialect }),
      b: api({ dialect }),
      c: api({ dialect }),
      d: api()
    }, once)))
  })

  it.effect("writes once where a stream goes on, the text so far included", () => {
    const { dialect, writes } = counting()
    return Effect.gen(function*() {
      Hearing.finishOf(yield* Hearing.whole({ afterCommit: "continue" }))
      assert.strictEqual(writes(), 1)
      const [{ body }] = yield* Trial.received("b")
      assert.deepInclude((body["messages"] as ReadonlyArray<unknown>).at(-1), { content: "Bern" })
    }).pipe(Effect.provide(Trial.over([
      ScriptedEndpoint.make("a", [ScriptedEndpoint.stream(["Bern"], { end: "reset" })]),
      ScriptedEndpoint.make("b", [ScriptedEndpoint.stream(["."])], { tier: 1, dialect, prefill: true })
    ], once)))
  })

  it.effect("is passed by where a stream goes on with what it cannot say", () => {
    const { dialect } = counting()
    return Effect.gen(function*() {
      const { meta } = Hearing.finishOf(yield* Hearing.whole({ afterCommit: "continue" }, spoken))
      assert.deepStrictEqual(meta.attempts.map(({ endpoint, sent }) => [endpoint, sent]), [
        ["a", true],
        ["b", false],
        ["c", true]
      ])
    }).pipe(Effect.provide(Trial.over([
      ScriptedEndpoint.make("a", [ScriptedEndpoint.stream(["Bern"], { end: "reset" })]),
      ScriptedEndpoint.make("b", [ScriptedEndpoint.stream(["."])], { tier: 1, dialect, prefill: true }),
      ScriptedEndpoint.make("c", [ScriptedEndpoint.stream(["."])], { tier: 2, prefill: true })
    ], { ...once, maxAttempts: 2 })))
  })
})
