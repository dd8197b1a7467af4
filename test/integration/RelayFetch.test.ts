import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { CircuitBreaker, Configuration, Failure, RelayFetch, RelayService, Retry } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Api from "../relay/Api.ts"

const completion = {
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }]
}
const chat = JSON.stringify({ model: "smart", messages: [{ role: "user", content: "Hi" }] })
const post = { method: "POST", body: chat }
const url = "https://api.openai.com/v1/chat/completions"
const once = { retry: Retry.none }

const hello: Api.Api = { answer: () => Api.json(completion) }
const down: Api.Api = { answer: () => Api.error("server_error", 503) }

/** A `fetch` that runs on the clock of the test. */
const fetchOver = Effect.fnUntraced(function*(options?: RelayFetch.Options) {
  const relay = yield* RelayService.RelayService
  const context = yield* Effect.context<never>()
  return RelayFetch.make(relay, { runtime: { runPromiseExit: Effect.runPromiseExitWith(context) }, ...options })
})

const rejectionOf = (call: () => Promise<unknown>) =>
  Effect.promise(() => call().then((value) => assert.fail(`it resolves to ${value}`), (reason: unknown) => reason))

describe("a fetch over a relay", () => {
  it.effect("takes a text, a URL and a Request, and any form of body", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      const headers = { "content-type": "application/json" }
      const calls: ReadonlyArray<Parameters<typeof fetch>> = [
        [url, post],
        [new URL(url), { ...post, headers: new Headers(headers) }],
        [new Request(url, post)],
        [new Request(url, { method: "POST", body: "{}" }), { body: chat }],
        [url, { ...post, body: new TextEncoder().encode(chat), headers }],
        [url, { ...post, body: new Blob([chat], { type: "application/json" }) }],
        [url, { ...post, body: new Blob([chat]).stream(), duplex: "half", headers } as RequestInit]
      ]
      for (const call of calls) {
        const response = yield* Effect.promise(() => fetch(...call))
        assert.instanceOf(response, Response)
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual(yield* Effect.promise(() => response.json()), completion)
      }
      const log = yield* Api.Log
      assert.deepStrictEqual(log.map(({ body }) => body), calls.map(() => chat))
    }).pipe(Effect.provide(Api.over({ a: hello }))))

  it.effect("spends from the budgets of its tenant and its label, streams as well", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver({ tenant: "acme", label: "search" })
      const statuses = [post, { ...post, body: JSON.stringify({ ...JSON.parse(chat), stream: true }) }]
      const responses = yield* Effect.forEach(statuses, (init) => Effect.promise(() => fetch(url, init)))
      assert.deepStrictEqual(responses.map(({ status }) => status), [402, 402])
      const failure = RelayFetch.failureOf(responses[0]!)
      assert.deepInclude(failure, { _tag: "BudgetExceeded", key: "acme" })
      const others = yield* fetchOver({ label: "search" })
      const refused = yield* Effect.promise(() => others(url, post))
      assert.deepInclude(RelayFetch.failureOf(refused), { _tag: "BudgetExceeded", key: "(none)" })
    }).pipe(
      Effect.provide(Api.over({ a: hello }, { budgets: { perTenant: { tokens: 1 }, perLabel: { tokens: 100_000 } } }))
    ))

  it.effect("says in its headers who answered, after how many attempts", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      const { headers } = yield* Effect.promise(() => fetch(url, post))
      assert.deepStrictEqual([headers.get("x-relay-endpoint"), headers.get("x-relay-attempts")], [
        "z%C3%BCrich%201",
        "2"
      ])
      assert.isUndefined(RelayFetch.failureOf(yield* Effect.promise(() => fetch(url, post))))
    }).pipe(Effect.provide(Api.over({
      a: down,
      "zürich 1": { ...hello, options: { baseUrl: "http://b.test/v1" } },
      b: hello
    }))))

  it.effect("hands over what has no body, and drops what belongs to the connection", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      const response = yield* Effect.promise(() => fetch("https://api.openai.com/v1/files/f-1", { method: "DELETE" }))
      assert.deepStrictEqual([response.status, response.body], [204, null])
      const other = yield* Effect.promise(() => fetch("https://api.openai.com/v1/files"))
      assert.deepStrictEqual(
        ["content-encoding", "content-length", "connection", "x-hop", "set-cookie", "x-request-id"].map((name) =>
          other.headers.get(name)
        ),
        [null, null, null, null, null, "r-1"]
      )
    }).pipe(Effect.provide(Api.over({
      a: {
        answer: ({ method }) =>
          method === "DELETE" ? { status: 204 } : Api.json({}, 200, {
            "content-encoding": "gzip",
            "content-length": "7",
            connection: "x-hop",
            "x-hop": "1",
            "set-cookie": "session=1",
            "x-request-id": "r-1"
          })
      }
    }))))

  it.effect("turns a failure into a response, and knows which it was", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      const response = yield* Effect.promise(() => fetch(url, post))
      assert.deepStrictEqual([response.status, response.headers.get("x-should-retry")], [503, "false"])
      const failure = RelayFetch.failureOf(response)
      assert.instanceOf(failure, Failure.EndpointUnavailable)
      assert.strictEqual((yield* Effect.promise(() => response.json())).error.message, failure.message)
      assert.isUndefined(RelayFetch.failureOf(new Response()))
    }).pipe(Effect.provide(Api.over({ a: down }, once))))

  it.effect("answers 400 where stream is neither true nor false, and blames nobody", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      for (const stream of [1, "true"]) {
        const body = JSON.stringify({ ...JSON.parse(chat), stream })
        const response = yield* Effect.promise(() => fetch(url, { method: "POST", body }))
        assert.strictEqual(response.status, 400)
        assert.include((yield* Effect.promise(() => response.json())).error.message, "stream has to be true or false")
      }
      assert.lengthOf(yield* Api.Log, 0)
      const body = JSON.stringify({ ...JSON.parse(chat), stream: null })
      assert.strictEqual((yield* Effect.promise(() => fetch(url, { method: "POST", body }))).status, 200)
    }).pipe(Effect.provide(Api.over({ a: hello }, once))))

  const paths: ReadonlyArray<readonly [url: string, baseUrl: string | undefined, path: string | undefined]> = [
    ["https://api.openai.com/v1/models?limit=2", undefined, "/v1/models?limit=2"],
    ["http://localhost:3000/v1beta/models", undefined, "/v1/models"],
    ["http://localhost/openai/v2/models", undefined, "/v1/models"],
    ["http://localhost/v1/things/v2/x", undefined, "/v1/things/v2/x"],
    ["http://localhost/models", undefined, "/v1/models"],
    ["http://localhost/v1", undefined, "/v1/"],
    ["file:///etc/models", undefined, undefined],
    ["http://localhost/ai/models?x=1#y", "http://localhost/ai", "/v1/models?x=1"],
    ["http://localhost/ai/v1/models", "http://localhost/ai/", "/v1/v1/models"],
    ["http://localhost/air/models", "http://localhost/ai", undefined],
    ["https://localhost/ai/models", "http://localhost/ai", undefined],
    ["http://localhost/ai", "http://localhost/ai", undefined]
  ]
  for (const [from, baseUrl, path] of paths) {
    it.effect(`asks for ${path ?? "nothing"} where ${from} is asked for below ${baseUrl ?? "a version"}`, () =>
      Effect.gen(function*() {
        const fetch = yield* fetchOver({ baseUrl })
        if (path === undefined) {
          assert.instanceOf(yield* rejectionOf(() => fetch(from)), TypeError)
        } else {
          yield* Effect.promise(() => fetch(from))
        }
        const log = yield* Api.Log
        assert.deepStrictEqual(log.map(({ path }) => path), path === undefined ? [] : [path])
      }).pipe(Effect.provide(Api.over({ a: hello }))))
  }

  it.effect("rejects with a TypeError what no fetch can send", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      const bad: ReadonlyArray<Parameters<typeof fetch>> = [
        ["/chat/completions", post],
        ["https://user:password@api.openai.com/v1/models"],
        [url, { method: "GET", body: "{}" }],
        [url, { headers: { "not a name": "x" } }]
      ]
      for (const call of bad) assert.instanceOf(yield* rejectionOf(() => fetch(...call)), TypeError)
      assert.lengthOf(yield* Api.Log, 0)
    }).pipe(Effect.provide(Api.over({ a: hello }))))

  it.effect("rejects with what the caller's own stream fails with", () =>
    Effect.gen(function*() {
      const fetch = yield* fetchOver()
      const torn = new ReadableStream({ pull: (controller) => controller.error(new Error("torn")) })
      const reason = yield* rejectionOf(() => fetch(url, { method: "POST", body: torn, duplex: "half" } as RequestInit))
      assert.instanceOf(reason, Error)
      assert.strictEqual(reason.message, "torn")
    }).pipe(Effect.provide(Api.over({ a: hello }))))

  describe("when its signal aborts", () => {
    it.effect("rejects with the reason, and nobody is blamed", () => {
      const arrived = Deferred.makeUnsafe<void>()
      const silent: Api.Api = {
        answer: () => {
          Deferred.doneUnsafe(arrived, Effect.void)
          return { after: "1 hour" }
        },
        options: { circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } }
      }
      return Effect.gen(function*() {
        const fetch = yield* fetchOver()
        const controller = new AbortController()
        const reason = { why: "the user left" }
        const call = yield* Effect.forkChild(
          rejectionOf(() => fetch(url, { ...post, signal: controller.signal })),
          { startImmediately: true }
        )
        yield* Deferred.await(arrived)
        controller.abort(reason)
        assert.strictEqual(yield* Fiber.join(call), reason)
        const [status] = yield* (yield* RelayService.RelayService).status
        assert.deepInclude(status, { inFlight: 0, answered: 0, failed: 0, state: "Healthy" })
        assert.strictEqual(status?.bulkhead.running, 0)
      }).pipe(Effect.provide(Api.over({ a: silent })))
    })

    it.effect("sends nothing where it had aborted before, by the signal of a Request too", () =>
      Effect.gen(function*() {
        const fetch = yield* fetchOver()
        const signal = AbortSignal.abort("too late")
        assert.strictEqual(yield* rejectionOf(() => fetch(url, { ...post, signal })), "too late")
        assert.strictEqual(yield* rejectionOf(() => fetch(new Request(url, { ...post, signal }))), "too late")
        assert.lengthOf(yield* Api.Log, 0)
      }).pipe(Effect.provide(Api.over({ a: hello }))))

    it.effect("does not wait for a body that never ends", () =>
      Effect.gen(function*() {
        const fetch = yield* fetchOver()
        const controller = new AbortController()
        const begun = yield* Deferred.make<void>()
        const endless = new ReadableStream({ pull: () => void Deferred.doneUnsafe(begun, Effect.void) })
        const call = yield* Effect.forkChild(
          rejectionOf(() =>
            fetch(url, { method: "POST", body: endless, duplex: "half", signal: controller.signal } as RequestInit)
          ),
          { startImmediately: true }
        )
        yield* Deferred.await(begun)
        controller.abort("enough")
        assert.strictEqual(yield* Fiber.join(call), "enough")
      }).pipe(Effect.provide(Api.over({ a: hello }))))

    it.effect("keeps an answer that was there first", () =>
      Effect.gen(function*() {
        const fetch = yield* fetchOver()
        const controller = new AbortController()
        const response = yield* Effect.promise(() => fetch(url, { ...post, signal: controller.signal }))
        controller.abort()
        assert.deepStrictEqual(yield* Effect.promise(() => response.json()), completion)
      }).pipe(Effect.provide(Api.over({ a: hello }))))
  })

  it.effect("ends at its deadline, with a 504", () => {
    const arrived = Deferred.makeUnsafe<void>()
    const silent: Api.Api = {
      answer: () => {
        Deferred.doneUnsafe(arrived, Effect.void)
        return { after: "1 hour" }
      }
    }
    return Effect.gen(function*() {
      const fetch = yield* fetchOver({ deadline: "5 seconds" })
      const call = yield* Effect.forkChild(Effect.promise(() => fetch(url, post)), { startImmediately: true })
      yield* Deferred.await(arrived)
      yield* TestClock.adjust("5 seconds")
      const response = yield* Fiber.join(call)
      assert.strictEqual(response.status, 504)
      assert.deepInclude(RelayFetch.failureOf(response), { _tag: "DeadlineExceeded" })
    }).pipe(Effect.provide(Api.over({ a: silent })))
  })

  const illegal = {
    baseUrl: ["ftp://localhost", "localhost", ""],
    deadline: ["soon", 0, -1],
    runtime: [{}, 1],
    mystery: [1]
  }
  for (const [field, values] of Object.entries(illegal)) {
    it.effect(`refuses a ${field} that cannot work when it is made`, () =>
      Effect.gen(function*() {
        const relay = yield* RelayService.RelayService
        for (const value of values) {
          const thrown = yield* Effect.flip(Effect.try({
            try: () => RelayFetch.make(relay, { [field]: value } as never),
            catch: (error) => error
          }))
          assert.instanceOf(thrown, Configuration.InvalidConfiguration)
          assert.deepInclude(thrown, { subject: "RelayFetch", field })
        }
      }).pipe(Effect.provide(Api.over({ a: hello }))))
  }
})
