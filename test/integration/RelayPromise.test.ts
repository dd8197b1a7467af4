import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import {
  CircuitBreaker,
  Configuration,
  Failure,
  Registry,
  RelayError,
  type RelayEvent,
  RelayFetch,
  RelayPromise,
  RelayService,
  Retry
} from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Server from "../wire/Server.ts"
import * as Sse from "../wire/Sse.ts"

const { answer, fault, make, status } = ScriptedEndpoint
const hi = { model: "any", messages: [{ role: "user", content: "Hi" }] }

/** A relay by promises over scripted endpoints, until the test ends. */
const over = (
  endpoints: ReadonlyArray<ScriptedEndpoint.ScriptedEndpoint>,
  options?: Partial<RelayService.Options>
) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      RelayPromise.make(
        RelayService.layerDefault({
          health: "off",
          retry: Retry.none,
          ...options,
          endpoints: endpoints.map(({ endpoint }) => endpoint)
        }).pipe(Layer.provide(ScriptedEndpoint.layer(...endpoints)))
      )
    ),
    (relay) => Effect.promise(relay.dispose)
  )

const rejectionOf = (call: () => Promise<unknown>) =>
  Effect.promise(() =>
    call().then((value) => assert.fail(`it resolves to ${JSON.stringify(value)}`), (reason: unknown) => reason)
  )

const neutral = { inFlight: 0, answered: 0, failed: 0, state: "Healthy" } as const

describe("an iterator of a stream", () => {
  it.live("may be asked for more before it has given any: each chunk comes once, in order, and then the end", () =>
    Effect.gen(function*() {
      const words = ["The capital ", "is ", "Bern."]
      const relay = yield* over([make("a", [ScriptedEndpoint.stream(words)])])
      const iterator = relay.stream(hi)[Symbol.asyncIterator]()
      const results = yield* Effect.promise(() => Promise.all(Array.from({ length: 12 }, () => iterator.next())))
      const chunks = results.flatMap(({ value }) => value ?? [])
      assert.deepStrictEqual([chunks.at(0)?._tag, chunks.at(-1)?._tag], ["Start", "Finish"])
      assert.strictEqual(chunks.map((chunk) => chunk._tag === "TextDelta" ? chunk.text : "").join(""), words.join(""))
      assert.deepStrictEqual(results.map(({ done }) => done === true), results.map((_, at) => at >= chunks.length))
    }))
})

describe("a relay by promises", () => {
  it.live("is built from options alone, over the fetch of the platform", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Server.json(Server.completion("Hello.")))
      const relay = yield* Effect.promise(() =>
        RelayPromise.make({
          health: "off",
          endpoints: [{ id: "a", baseUrl: server.url, apiKey: Redacted.make("sk-1") }]
        })
      )
      assert.strictEqual((yield* Effect.promise(() => relay.chat(hi))).text, "Hello.")
      assert.strictEqual(server.received[0]?.headers.authorization, "Bearer sk-1")
      yield* Effect.promise(relay.dispose)
    }))

  it.live("answers through a failover, and tells how", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [status(503)]), make("b", [answer("Hello.")], { tier: 1 })])
      const { meta, text } = yield* Effect.promise(() => relay.chat(hi, { tenant: "acme", deadline: "1 minute" }))
      assert.strictEqual(text, "Hello.")
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), ["EndpointUnavailable", "Success"])
      assert.deepStrictEqual((yield* Effect.promise(relay.status)).map(({ answered, failed }) => [answered, failed]), [
        [0, 1],
        [1, 0]
      ])
    }))

  it.live("rejects with the failure itself, of its class and with its fields", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [status(422, { message: "n has to be 1" })])])
      const reason = yield* rejectionOf(() => relay.chat(hi))
      assert.instanceOf(reason, Failure.RequestRejected)
      assert.instanceOf(reason, Error)
      assert.deepInclude(reason, { _tag: "RequestRejected", endpoint: "a", status: 422, detail: "n has to be 1" })
      assert.isTrue(RelayError.isRelayError(reason))
      const late = yield* rejectionOf(() => relay.chat(hi, { deadline: 0 }))
      assert.instanceOf(late, RelayError.DeadlineExceeded)
      const bad = yield* rejectionOf(() => relay.chat(hi, { deadline: "soon" as never }))
      assert.instanceOf(bad, Failure.RequestRejected)
    }))

  it.live("rejects what untyped code says of a call and cannot mean, its signal included, and sends nothing", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [answer("Hello.")])])
      const cases: ReadonlyArray<readonly [options: unknown, detail: string]> = [
        [{ signal: "stop" }, "signal is \"stop\", but it has to be an AbortSignal"],
        [{ signal: null }, "signal is null, but it has to be an AbortSignal"],
        [{ signal: { aborted: false } }, "signal is object, but it has to be an AbortSignal"],
        [{ signal: new AbortController().signal, deadlin: 5 }, "deadlin is 5, but there is no such option"],
        [null, "options is null, but it has to be an object"],
        [[], "options is array, but it has to be an object"],
        ["fast", "options is \"fast\", but it has to be an object"],
        [5, "options is 5, but it has to be an object"]
      ]
      for (const [options, detail] of cases) {
        for (
          const call of [
            () => relay.chat(hi, options as never),
            () => relay.execute(async () => assert.fail("it ran"), options as never)
          ]
        ) {
          const reason = yield* rejectionOf(call)
          assert.instanceOf(reason, Failure.RequestRejected)
          assert.deepInclude(reason, { detail, attempts: [] })
        }
      }
      assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
    }))

  it.live("rejects with InvalidConfiguration where it cannot be built", () =>
    Effect.gen(function*() {
      const reason = yield* rejectionOf(() => RelayPromise.make({ endpoints: [] }))
      assert.instanceOf(reason, Configuration.InvalidConfiguration)
      assert.deepInclude(reason, { subject: "RelayService", field: "endpoints" })
    }))

  it.live("runs operations of promises", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [answer("")]), make("b", [answer("")], { tier: 1 })])
      const { meta, value } = yield* Effect.promise(() =>
        relay.execute(async ({ id }) => {
          if (id === "a") throw new Error("down")
          return id.toUpperCase()
        })
      )
      assert.deepStrictEqual([value, meta.endpoint, meta.attempts.length], ["B", "b", 2])

      const mine = new Error("mine")
      let runs = 0
      const refuse = async () => {
        runs++
        throw mine
      }
      assert.strictEqual(
        yield* rejectionOf(() => relay.execute(refuse, { isCallersFault: (error) => error === mine })),
        mine
      )
      assert.strictEqual(runs, 1)
      assert.strictEqual(yield* rejectionOf(() => relay.execute(refuse, { idempotent: false })), mine)
      assert.strictEqual(runs, 2)
    }))

  it.live("refuses an operation that is no function", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [answer("")])])
      for (const operation of [undefined, Promise.resolve("")]) {
        const reason = yield* rejectionOf(() => relay.execute(operation as never))
        assert.instanceOf(reason, Failure.RequestRejected)
        assert.strictEqual(
          reason.detail,
          `operation is ${operation === undefined ? "undefined" : "object"}, but it has to be a function`
        )
      }
      assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
    }))

  it.live("ends a chat when its signal aborts, and nobody is blamed", () =>
    Effect.gen(function*() {
      const silent = yield* Server.http(() => {})
      const relay = yield* Effect.promise(() =>
        RelayPromise.make({
          health: "off",
          endpoints: [{
            id: "a",
            baseUrl: silent.url,
            circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) }
          }]
        })
      )
      const controller = new AbortController()
      const reason = { why: "the user left" }
      const call = yield* Effect.forkChild(rejectionOf(() => relay.chat(hi, { signal: controller.signal })), {
        startImmediately: true
      })
      yield* silent.until(() => silent.received.length === 1)
      controller.abort(reason)
      assert.strictEqual(yield* Fiber.join(call), reason)
      assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
      yield* silent.until(() => silent.connections().open === 0)
      assert.strictEqual(yield* rejectionOf(() => relay.chat(hi, { signal: controller.signal })), reason)
      assert.lengthOf(silent.received, 1)
      yield* Effect.promise(relay.dispose)
    }))

  it.live("aborts the operation whose caller aborts", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [answer("")])])
      const controller = new AbortController()
      let inner: AbortSignal | undefined
      const started = yield* Deferred.make<void>()
      const call = yield* Effect.forkChild(
        rejectionOf(() =>
          relay.execute((_, signal) => {
            inner = signal
            Deferred.doneUnsafe(started, Effect.void)
            return new Promise(() => {})
          }, { signal: controller.signal })
        ),
        { startImmediately: true }
      )
      yield* Deferred.await(started)
      controller.abort("enough")
      assert.strictEqual(yield* Fiber.join(call), "enough")
      assert.strictEqual(inner?.aborted, true)
      const none = () => assert.fail("it runs although nobody waits")
      assert.strictEqual(yield* rejectionOf(() => relay.execute(none, { signal: controller.signal })), "enough")
      assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
    }))

  it.live("tells what happens, to each who listens, until it is disposed of", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [status(503), answer("Hello.")])])
      const listen = async () => {
        const heard: Array<RelayEvent.RelayEvent["_tag"]> = []
        for await (const { _tag } of relay.events) {
          heard.push(_tag)
          if (_tag === "CallFailed") break
        }
        return heard
      }
      const first = listen()
      const second = listen()
      yield* rejectionOf(() => relay.chat(hi))
      assert.deepStrictEqual(yield* Effect.promise(() => Promise.all([first, second])), [
        ["AttemptEnded", "CallFailed"],
        ["AttemptEnded", "CallFailed"]
      ])
      const third = listen()
      yield* Effect.promise(() => relay.chat(hi))
      yield* Effect.promise(relay.dispose)
      assert.deepStrictEqual(yield* Effect.promise(() => third), ["AttemptEnded"])
    }))

  it.live("changes its endpoints", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [answer("From a.")])])
      yield* Effect.promise(() => relay.endpoints.add({ id: "b", baseUrl: "http://b.test/v1" }))
      yield* Effect.promise(() => relay.endpoints.isolate("a", "maintenance"))
      const states = yield* Effect.promise(relay.status)
      assert.deepStrictEqual(states.map(({ id, state }) => [id, state]), [["a", "Isolated"], ["b", "Healthy"]])
      yield* Effect.promise(() => relay.endpoints.reset("a"))
      yield* Effect.promise(() => relay.endpoints.replace({ id: "b", baseUrl: "http://c.test/v1", tier: 3 }))
      yield* Effect.promise(() => relay.endpoints.drain("b"))
      yield* Effect.promise(() => relay.endpoints.remove("b"))
      assert.strictEqual((yield* Effect.promise(() => relay.chat(hi))).text, "From a.")
      assert.instanceOf(yield* rejectionOf(() => relay.endpoints.remove("b")), Registry.EndpointNotFound)
    }))

  it.live("lends a fetch", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [status(503)])])
      const response = yield* Effect.promise(() =>
        relay.fetch("http://localhost/v1/chat/completions", { method: "POST", body: JSON.stringify(hi) })
      )
      assert.strictEqual(response.status, 503)
      assert.instanceOf(RelayFetch.failureOf(response), Failure.EndpointUnavailable)
    }))

  it.live("ends the calls under way when it is disposed of, and takes no others", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [fault("silence")])])
      const chat = yield* Effect.forkChild(rejectionOf(() => relay.chat(hi)), { startImmediately: true })
      const fetch = yield* Effect.forkChild(rejectionOf(() => relay.fetch("http://localhost/v1/models")), {
        startImmediately: true
      })
      yield* Effect.promise(relay.dispose)
      for (
        const reason of [
          yield* Fiber.join(chat),
          yield* Fiber.join(fetch),
          yield* rejectionOf(() => relay.chat(hi)),
          yield* rejectionOf(relay.status)
        ]
      ) {
        assert.instanceOf(reason, Error)
        assert.strictEqual(reason.message, "this relay was disposed of")
      }
      yield* Effect.promise(relay.dispose)
    }))
})

describe("a stream by promises", () => {
  const words = ["Good ", "morning."]
  const { stream } = ScriptedEndpoint

  /** What comes, and what is thrown after it. */
  const hear = (relay: RelayPromise.RelayPromise, options?: RelayPromise.StreamOptions, stop?: string) =>
    Effect.promise(async () => {
      const texts: Array<string> = []
      try {
        for await (const chunk of relay.stream(hi, options)) {
          texts.push("text" in chunk ? chunk.text : chunk._tag)
          if (texts.at(-1) === stop) break
        }
        return { texts, thrown: undefined }
      } catch (thrown) {
        return { texts, thrown }
      }
    })

  it.live("is an AsyncIterable, and asks anew for each who listens", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [status(503), stream(words)]), make("b", [stream(words)], { tier: 1 })])
      for (let call = 0; call < 2; call++) {
        assert.deepStrictEqual(yield* hear(relay), { texts: ["Start", ...words, "Finish"], thrown: undefined })
      }
      assert.deepStrictEqual((yield* Effect.promise(relay.status)).map(({ answered }) => answered), [1, 1])
    }))

  it.live("throws the failure itself, after what came", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [stream(words, { end: "reset" })])])
      const { texts, thrown } = yield* hear(relay)
      assert.deepStrictEqual(texts, ["Start", ...words])
      assert.instanceOf(thrown, RelayError.StreamInterrupted)
      assert.strictEqual(thrown.text, words.join(""))
    }))

  it.live("hangs up when it is left", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [stream(words, { end: "silence" })])])
      assert.deepStrictEqual((yield* hear(relay, {}, words[0])).texts, ["Start", words[0]])
      assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
    }))

  it.live("is ended by its signal, with the reason, before it begins and while it lasts", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [stream(words, { end: "silence" })])])
      const controller = new AbortController()
      const listening = yield* Effect.forkChild(hear(relay, { signal: controller.signal }), { startImmediately: true })
      yield* Effect.sleep("20 millis")
      controller.abort(new Error("enough"))
      assert.deepStrictEqual(yield* Fiber.join(listening), { texts: ["Start", ...words], thrown: new Error("enough") })
      assert.deepStrictEqual(yield* hear(relay, { signal: controller.signal }), {
        texts: [],
        thrown: new Error("enough")
      })
      assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
    }))

  for (const how of ["its signal aborts", "the relay is disposed of"] as const) {
    it.live(`is closed at once when ${how}, though its listener is busy with a chunk`, () =>
      Effect.gen(function*() {
        const server = yield* Server.http(Sse.send(words.map((content) => Sse.chunk({ content })), "silence"))
        const relay = yield* Effect.promise(() =>
          RelayPromise.make({
            health: "off",
            retry: Retry.none,
            endpoints: [{ id: "a", baseUrl: server.url, apiKey: Redacted.make("key") }]
          })
        )
        yield* Effect.addFinalizer(() => Effect.promise(relay.dispose))
        const controller = new AbortController()
        const iterator = relay.stream(hi, { signal: controller.signal })[Symbol.asyncIterator]()
        const first = yield* Effect.promise(() => iterator.next())
        assert.strictEqual(first.value._tag, "Start")
        assert.strictEqual((yield* Effect.promise(relay.status))[0]?.inFlight, 1)

        if (how === "its signal aborts") {
          controller.abort(new Error("enough"))
          yield* server.until(() => server.connections().open === 0)
          assert.deepInclude((yield* Effect.promise(relay.status))[0], neutral)
        } else {
          yield* Effect.promise(relay.dispose)
          yield* server.until(() => server.connections().open === 0)
        }
        const reason = new Error(how === "its signal aborts" ? "enough" : "this relay was disposed of")
        assert.deepStrictEqual(yield* rejectionOf(() => iterator.next()), reason)
        assert.deepStrictEqual(yield* Effect.promise(() => iterator.next()), { done: true, value: undefined })
      }))
  }

  it.live("does not end in silence when the relay is disposed of", () =>
    Effect.gen(function*() {
      const relay = yield* over([make("a", [stream(words, { end: "silence" })])])
      const listening = yield* Effect.forkChild(hear(relay), { startImmediately: true })
      yield* Effect.sleep("20 millis")
      yield* Effect.promise(relay.dispose)
      const gone = new Error("this relay was disposed of")
      assert.deepStrictEqual(yield* Fiber.join(listening), { texts: ["Start", ...words], thrown: gone })
      assert.deepStrictEqual(yield* hear(relay), { texts: [], thrown: gone })
    }))
})
