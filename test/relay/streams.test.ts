/** The rules of streams: what comes out, when somebody else answers, when an answer is whole. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Schema, Stream } from "effect"
import { CircuitBreaker, Dialect, RelayError, RelayService, Retry, StreamChunk } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { answer, body, events, fault, make, status, stream } = ScriptedEndpoint

const words = ["The capital ", "of Switzerland ", "is Bern."]
const text = words.join("")

const over = (
  scripts: Readonly<
    Record<string, ScriptedEndpoint.Step | readonly [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>]>
  >,
  options?: Trial.Options,
  endpoint?: Parameters<typeof make>[2]
) =>
  Trial.over(
    Object.entries(scripts).map(([id, script], tier) =>
      make(id, "_tag" in script ? [script] : script, { tier, ...endpoint })
    ),
    { retry: Retry.none, ...options }
  )

const event = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`
const delta = (delta: object, reason: string | null = null): string =>
  event({ model: "m-1", choices: [{ index: 0, delta, finish_reason: reason }] })
const finish = delta({}, "stop")
const done = "data: [DONE]\n\n"

/** Nothing is under way, held or queued anywhere. */
const isAtRest = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  for (const { bulkhead, id, inFlight, limiter } of yield* relay.status) {
    assert.deepStrictEqual([id, inFlight, bulkhead.running, limiter.queued], [id, 0, 0, 0])
  }
})

describe("a stream", () => {
  it.effect("says who answers, what, and that it is whole", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", ...words, "Finish"])
      const { meta, reason, tokens, truncated } = Hearing.finishOf(heard)
      assert.deepStrictEqual([reason, truncated], ["stop", false])
      assert.deepStrictEqual(tokens, { input: 10, output: 3, total: 13, isEstimated: false })
      assert.deepStrictEqual([meta.endpoint, meta.model], ["a", "scripted"])
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), ["Success"])
      const [{ body, headers }] = yield* Trial.received("a")
      assert.deepStrictEqual([body["stream"], body["stream_options"]], [true, { include_usage: true }])
      assert.strictEqual(headers["accept"], "text/event-stream")
      yield* isAtRest
    }).pipe(Effect.provide(over({ a: stream(words) }))))

  it.effect("comes as it is sent, and is timed to its first chunk and to its last", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start a", words[0]])
      yield* Trial.pass("1 second")
      assert.strictEqual(Hearing.textOf(chunks), words[0]! + words[1]!)
      yield* Trial.pass("1 second")
      yield* Fiber.join(fiber)
      const { meta } = Hearing.finishOf({ chunks, exit: Exit.void })
      assert.deepStrictEqual([meta.firstChunk, meta.latency], [1000, 3000])
      const { firstToken, latency } = yield* Trial.status("a")
      assert.isAtMost(Math.abs(latency - 3000), 1)
      assert.isAtMost(Math.abs(firstToken! - 1000), 1)
    }).pipe(Effect.provide(over({ a: stream(words, { between: "1 second" }) }))))

  it.effect("crosses boundaries: its chunks and its failures are schemas", () =>
    Effect.gen(function*() {
      const { chunks } = yield* Hearing.whole()
      const all = Schema.Array(StreamChunk.StreamChunk)
      const sent = JSON.stringify(yield* Schema.encodeEffect(all)(chunks))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(all)(JSON.parse(sent)), chunks)
      yield* Trial.play("a", stream(words, { end: "reset" }))
      const failure = Hearing.interruptionOf(yield* Hearing.whole())
      const encoded = yield* Schema.encodeEffect(RelayError.StreamError)(failure)
      const back = yield* Schema.decodeUnknownEffect(RelayError.StreamError)(JSON.parse(JSON.stringify(encoded)))
      assert.instanceOf(back, RelayError.StreamInterrupted)
      assert.deepStrictEqual({ ...back }, { ...failure })
    }).pipe(Effect.provide(over({ a: stream(words) }))))

  it.effect("is whole at a [DONE] in spaces too", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(Hearing.brief(yield* Hearing.whole()), ["Start a", "Hi.", "Finish"])
    }).pipe(Effect.provide(over({ a: events([delta({ content: "Hi." }), finish, "data:  [DONE] \n\n"]) }))))

  it.effect("asks nobody before somebody listens, and asks anew for each who does", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const answer = relay.stream(Trial.hi)
      assert.strictEqual(yield* Trial.count("a"), 0)
      yield* Stream.runDrain(answer)
      yield* Stream.runDrain(answer)
      assert.strictEqual(yield* Trial.count("a"), 2)
    }).pipe(Effect.provide(over({ a: stream(words) }))))

  it.effect("has thoughts, refusals and tool calls in it as well", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      assert.deepStrictEqual(heard.chunks.slice(1, -1), [
        { _tag: "ReasoningDelta", text: "Hm." },
        { _tag: "ToolCallDelta", index: 0, id: "c1", name: "lookup", arguments: "" },
        { _tag: "ToolCallDelta", index: 0, arguments: "{\"city\":" },
        { _tag: "ToolCallDelta", index: 0, arguments: "\"Bern\"}" },
        { _tag: "RefusalDelta", text: "No." }
      ])
      assert.strictEqual(Hearing.finishOf(heard).reason, "tool_calls")
    }).pipe(Effect.provide(over({
      a: events([
        delta({ role: "assistant", reasoning_content: "Hm." }),
        delta({ tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "lookup", arguments: "" } }] }),
        delta({ tool_calls: [{ index: 0, function: { arguments: "{\"city\":" } }] }),
        delta({ tool_calls: [{ index: 0, function: { arguments: "\"Bern\"}" } }] }),
        delta({ refusal: "No." }),
        delta({}, "tool_calls"),
        done
      ])
    }))))

  it.effect("of Anthropic's is the same stream", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      assert.deepStrictEqual(heard.chunks.slice(0, -1), [
        { _tag: "Start", endpoint: "a", model: "claude-1", attempts: 1 },
        { _tag: "ReasoningDelta", text: "Hm." },
        { _tag: "TextDelta", text: "Let me " },
        { _tag: "TextDelta", text: "look." },
        { _tag: "ToolCallDelta", index: 0, id: "t1", name: "lookup", arguments: "" },
        { _tag: "ToolCallDelta", index: 0, arguments: "{\"city\":\"Bern\"}" },
        { _tag: "ToolCallDelta", index: 1, id: "t2", name: "now", arguments: "" },
        { _tag: "ToolCallDelta", index: 1, arguments: "{}" }
      ])
      const { reason, tokens } = Hearing.finishOf(heard)
      assert.strictEqual(reason, "tool_calls")
      // the counts of a message so far, not of an event
      assert.deepStrictEqual(tokens, { input: 17, output: 30, total: 47, cacheRead: 10, isEstimated: false })
      const [{ body }] = yield* Trial.received("a")
      assert.deepStrictEqual([body["stream"], body["stream_options"], body["max_tokens"]], [true, undefined, 4096])
    }).pipe(Effect.provide(over(
      {
        a: events(
          [
            {
              type: "message_start",
              message: { model: "claude-1", usage: { input_tokens: 7, cache_read_input_tokens: 10, output_tokens: 1 } }
            },
            { type: "ping" },
            { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } },
            { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm." } },
            { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "x" } },
            { type: "content_block_stop", index: 0 },
            { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
            { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Let me " } },
            { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "look." } },
            { type: "content_block_stop", index: 1 },
            {
              type: "content_block_start",
              index: 2,
              content_block: { type: "tool_use", id: "t1", name: "lookup", input: {} }
            },
            {
              type: "content_block_delta",
              index: 2,
              delta: { type: "input_json_delta", partial_json: "{\"city\":\"Bern\"}" }
            },
            { type: "content_block_stop", index: 2 },
            {
              type: "content_block_start",
              index: 3,
              content_block: { type: "server_tool_use", id: "s", name: "search" }
            },
            { type: "content_block_delta", index: 3, delta: { type: "input_json_delta", partial_json: "{}" } },
            {
              type: "content_block_start",
              index: 4,
              content_block: { type: "tool_use", id: "t2", name: "now", input: {} }
            },
            { type: "content_block_stop", index: 4 },
            { type: "message_delta", delta: { stop_reason: null }, usage: { output_tokens: 20 } },
            { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 30 } },
            { type: "of tomorrow" },
            { type: "message_stop" }
          ].map((json) => `event: ${json.type}\n${event(json)}`)
        )
      },
      {},
      { dialect: Dialect.anthropic() }
    ))))

  it.effect("comes in one go from who answers as a whole, whatever was asked for", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", text, "Finish"])
      assert.deepStrictEqual(Hearing.finishOf(heard).tokens, { input: 10, output: 5, total: 15, isEstimated: false })
    }).pipe(Effect.provide(over({ a: answer(text) }))))

  it.effect("comes in one go from an API that cannot stream", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(Hearing.brief(yield* Hearing.whole()), ["Start a", text, "Finish"])
      const [{ body }] = yield* Trial.received("a")
      assert.notProperty(body, "stream")
    }).pipe(Effect.provide(over(
      {
        a: body(JSON.stringify({ candidates: [{ content: { parts: [{ text }] }, finishReason: "STOP" }] }))
      },
      {},
      { dialect: Dialect.gemini }
    ))))

  it.effect("does not mind a request that asks for a stream itself", () =>
    Effect.gen(function*() {
      const request = { ...Trial.hi, stream: true, stream_options: { include_usage: false } }
      Hearing.finishOf(yield* Hearing.whole({}, request))
      const [{ body }] = yield* Trial.received("a")
      assert.deepStrictEqual([body["stream"], body["stream_options"]], [true, { include_usage: true }])
    }).pipe(Effect.provide(over({ a: stream(words) }))))

  it.effect("sends headers along, but nothing of who the caller is", () =>
    Effect.gen(function*() {
      yield* Hearing.whole({ headers: { "X-Trace": "t-1", authorization: "Bearer of-the-caller", cookie: "c" } })
      const [{ headers }] = yield* Trial.received("a")
      assert.deepInclude(headers, { "x-trace": "t-1", authorization: "Bearer key-of-a" })
      assert.notProperty(headers, "cookie")
    }).pipe(Effect.provide(over({ a: stream(words) }))))

  it.effect("sends no header of the caller's that goes by the name of the endpoint's key", () =>
    Effect.gen(function*() {
      yield* Hearing.whole({ headers: { "x-team": "of the caller", "x-trace": "t-1" } })
      const [{ headers }] = yield* Trial.received("a")
      assert.notProperty(headers, "x-team")
      assert.property(headers, "x-trace")
    }).pipe(Effect.provide(over({ a: stream(words) }, {}, {
      apiKey: undefined,
      dialect: { ...Dialect.openai, key: { header: "x-team" } }
    }))))

  it.effect.each([
    ["is no object", null, {}],
    ["asks for several answers", { ...Trial.hi, n: 2 }, {}],
    ["has no messages", { model: "any", messages: [] }, {}],
    ["has a header that is none", Trial.hi, { headers: { "x-trace": "a\nb" } }],
    ["has a commit point that is none", Trial.hi, { commit: "later" }],
    ["says of beginning anew what is neither true nor false", Trial.hi, { restart: 0 }],
    ["has a commit point of no characters", Trial.hi, { commit: { characters: 0 } }],
    ["has an option that is none", Trial.hi, { onCut: "fail" }],
    ["has an idle timeout of nothing", Trial.hi, { idleTimeout: 0 }],
    ["has a throughput in no time", Trial.hi, { minThroughput: { characters: 1, per: "Infinity" } }],
    ["has a deadline that is none", Trial.hi, { deadline: "soon" }]
  ])("is refused where it %s", ([, request, options]) =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole(options as never, request as never)
      assert.strictEqual(Hearing.failureOf(heard)._tag, "RequestRejected")
      assert.strictEqual(yield* Trial.count("a"), 0)
    }).pipe(Effect.provide(over({ a: stream(words) }))))

  const wrong: ReadonlyArray<readonly [object, string]> = [
    [{ commit: "later" }, "commit"],
    [{ afterCommit: "panic" }, "afterCommit"],
    [{ firstTokenTimeout: 0 }, "firstTokenTimeout"],
    [{ minThroughput: { characters: -1, per: "1 second" } }, "minThroughput.characters"]
  ]
  it.effect.each(wrong)("has defaults at the relay, which refuses %j", ([options, field]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.provide(Trial.relay, over({ a: stream(words) }, { stream: options })))
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", subject: "RelayService.stream", field })
    }))
})

describe("before the commit point", () => {
  const failing: ReadonlyArray<readonly [string, ScriptedEndpoint.Step, string]> = [
    ["a refusal", status(503), "EndpointUnavailable"],
    ["a limit", status(429), "RateLimited"],
    ["no connection", fault("refused"), "EndpointUnavailable"],
    ["a reset", events([{ fault: "reset" }]), "InvalidResponse"],
    ["a reset after the role", stream([], { end: "reset" }), "InvalidResponse"],
    ["a body that is empty", events([]), "InvalidResponse"],
    ["[DONE] and nothing else", events([done]), "InvalidResponse"],
    ["an end without a word", events([finish, done]), "InvalidResponse"],
    [
      "an error in the stream",
      events([delta({ role: "assistant" }), event({ error: { code: "server_error" } })]),
      "EndpointUnavailable"
    ],
    ["a limit in the stream", events([event({ error: { message: "slow", code: 429 } })]), "RateLimited"],
    ["a quota in the stream", events([event({ error: { type: "insufficient_quota" } })]), "QuotaExceeded"],
    ["an error event of no kind", events(["event: error\ndata: oops\n\n"]), "InvalidResponse"],
    [
      "an error event without an error in it",
      events(["event: error\ndata: {\"message\":\"oops\"}\n\n", delta({ content: "Hi" }), finish, done]),
      "InvalidResponse"
    ],
    ["an error in JSON with 200", body(JSON.stringify({ error: { code: "server_error" } })), "EndpointUnavailable"],
    ["a page with 200", body("<html>", { headers: { "content-type": "text/html" } }), "InvalidResponse"],
    ["an event that is not JSON", events(["data: {\"choices\n\n"]), "InvalidResponse"],
    ["an event that is no chunk", events([event({ choices: "none" })]), "InvalidResponse"],
    ["an event without an end", events(["data: " + "x".repeat(1_100_000)]), "InvalidResponse"],
    ["a model that gave up", events([delta({}, "error"), done]), "InvalidResponse"]
  ]
  it.effect.each(failing)("%s is made good elsewhere, without a trace", ([, step, outcome]) =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      assert.deepStrictEqual(Hearing.brief(heard), ["Start b", ...words, "Finish"])
      assert.deepStrictEqual(Hearing.finishOf(heard).meta.attempts.map(({ outcome }) => outcome), [outcome, "Success"])
      yield* isAtRest
    }).pipe(Effect.provide(over({ a: step, b: stream(words) }))))

  it.effect.each(failing)(
    "%s is what the stream fails with, if nobody else can answer",
    ([, step, outcome]) =>
      Effect.gen(function*() {
        const heard = yield* Hearing.whole()
        const failure = Hearing.failureOf(heard)
        assert.deepStrictEqual([failure._tag, heard.chunks, failure.attempts.length], [outcome, [], 1])
        yield* isAtRest
      }).pipe(Effect.provide(over({ a: step })))
  )

  it.effect("the account whose quota is gone, as a stream says, is not asked again", () =>
    Effect.gen(function*() {
      yield* Hearing.whole()
      yield* Hearing.whole()
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 2])
      assert.strictEqual((yield* Trial.status("a")).state, "Exhausted")
    }).pipe(Effect.provide(over({ a: events([event({ error: { type: "insufficient_quota" } })]), b: stream(words) }))))

  it.effect("a round is waited for, as in a chat", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.whatever(Hearing.whole())
      assert.strictEqual(Hearing.textOf(heard.chunks), text)
      assert.deepStrictEqual(Hearing.finishOf(heard).meta.attempts.map(({ round }) => round), [0, 1])
    }).pipe(Effect.provide(over({ a: [status(503), stream(words)] }, { retry: Retry.standard }))))

  it.effect("of so many characters, what came before is kept back, and told once", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin({ commit: { characters: 20 } })
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(chunks, [])
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start a", words[0]! + words[1]!])
      yield* Trial.pass("1 second")
      yield* Fiber.join(fiber)
      assert.strictEqual(Hearing.textOf(chunks), text)
    }).pipe(Effect.provide(over({ a: stream(words, { between: "1 second" }) }))))

  it.effect("of so many characters, an answer broken off before is made good", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ commit: { characters: 20 } })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start b", words[0]! + words[1]!, words[2], "Finish"])
    }).pipe(Effect.provide(over({ a: stream(["Wrong."], { end: "reset" }), b: stream(words) }))))

  it.effect("of the whole answer, nothing comes out until it is whole", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ commit: "whole" })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start b", text, "Finish"])
      assert.strictEqual(Hearing.finishOf(heard).meta.attempts.length, 2)
    }).pipe(Effect.provide(over({ a: stream(words, { end: "closed" }), b: stream(words) }))))

  it.effect("of the whole answer, a validator may refuse it", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ commit: "whole" })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start b", text, "Finish"])
    }).pipe(Effect.provide(over({ a: stream(["I do not know."]), b: stream(words) }, {}, {
      validate: ({ text }) => text.includes("Bern") ? undefined : "no Bern"
    }))))

  it.effect("is where a short answer is committed that never got so far", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(Hearing.brief(yield* Hearing.whole({ commit: { characters: 500 } })), [
        "Start a",
        text,
        "Finish"
      ])
    }).pipe(Effect.provide(over({ a: stream(words) }))))
})

describe("after the commit point", () => {
  const breaks: ReadonlyArray<readonly [string, ScriptedEndpoint.Step, string]> = [
    ["a reset", stream(words, { end: "reset" }), "InvalidResponse"],
    ["a body that just ends", stream(words, { end: "closed" }), "InvalidResponse"],
    [
      "[DONE] without a reason to stop",
      events([...words.map((content) => delta({ content })), done]),
      "InvalidResponse"
    ],
    [
      "an error in the stream",
      events([...words.map((content) => delta({ content })), event({ error: { code: "overloaded_error" } })]),
      "EndpointUnavailable"
    ],
    [
      "an event that is not JSON",
      events([...words.map((content) => delta({ content })), "data: {\n\n"]),
      "InvalidResponse"
    ],
    [
      "a reason to stop in an event that no blank line ends",
      events([...words.map((content) => delta({ content })), finish.slice(0, -1)]),
      "InvalidResponse"
    ],
    [
      "a reason that is a break",
      events([...words.map((content) => delta({ content })), delta({}, "error")]),
      "InvalidResponse"
    ]
  ]
  it.effect.each(breaks)(
    "%s fails the stream, with the text so far and why",
    ([, step, because]) =>
      Effect.gen(function*() {
        const heard = yield* Trial.whatever(Hearing.whole())
        assert.deepStrictEqual(Hearing.brief(heard), ["Start a", ...words])
        const failure = Hearing.interruptionOf(heard)
        assert.deepInclude(failure, { endpoint: "a", text, because })
        assert.deepStrictEqual(failure.attempts.map(({ outcome }) => outcome), [because])
        // nobody counted them
        assert.deepStrictEqual(failure.tokens, {
          input: 1,
          output: Math.ceil(text.length / 4),
          total: 1 + Math.ceil(text.length / 4),
          isEstimated: true
        })
        assert.strictEqual(yield* Trial.count("b"), 0)
        assert.deepInclude(yield* Trial.status("a"), { answered: 0, failed: 1 })
        yield* isAtRest
      }).pipe(Effect.provide(over({ a: step, b: stream(words) })))
  )

  it.effect("a break tells how long the endpoint asked to be left alone, and an answer without a word of it nothing", () =>
    Effect.gen(function*() {
      const limited = Hearing.interruptionOf(yield* Trial.whatever(Hearing.whole()))
      assert.deepInclude(limited, { because: "RateLimited", retryAfter: Duration.seconds(7) })
      const reset = Hearing.interruptionOf(yield* Trial.whatever(Hearing.whole()))
      assert.notProperty(reset, "retryAfter")
    }).pipe(Effect.provide(over({
      a: events([
        ...words.map((content) => delta({ content })),
        event({ error: { code: "rate_limit_exceeded", message: "Please try again in 7s." } })
      ]),
      b: stream(words, { end: "reset" })
    }))))

  it.effect("a break counts against the circuit, a whole answer for it", () =>
    Effect.gen(function*() {
      yield* Hearing.whole()
      assert.strictEqual((yield* Trial.status("a")).state, "Open")
    }).pipe(Effect.provide(over({ a: stream(words, { end: "reset" }) }, {
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) }
    }))))

  it.effect("a break repeats no secret that the endpoint repeats", () =>
    Effect.gen(function*() {
      const failure = Hearing.interruptionOf(yield* Hearing.whole())
      assert.strictEqual(failure.because, "Unauthorized")
      assert.notInclude(JSON.stringify([failure, failure.message]), "key-of-a")
    }).pipe(Effect.provide(over({
      a: events([
        delta({ content: "Hi" }),
        event({ error: { code: "invalid_api_key", message: "Incorrect API key provided: key-of-a" } })
      ])
    }))))

  it.effect("whoever listens to the relay hears of each attempt at its end, and of the failure", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Hearing.whole({ afterCommit: "restart" })
      yield* Effect.yieldNow
      const told = heard.map((event) => event._tag === "AttemptEnded" ? event.attempt.outcome : event._tag)
      assert.deepStrictEqual(told, ["InvalidResponse", "EndpointUnavailable", "CallFailed"])
      assert.deepInclude(heard.at(-1), { _tag: "CallFailed", failure: "StreamInterrupted" })
    }).pipe(Effect.scoped, Effect.provide(over({ a: stream(words, { end: "reset" }), b: status(500) }))))

  it.effect("another begins anew behind a marker, if the caller wants that", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "restart" })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Berne", "Restarted a", "Start b", ...words, "Finish"])
      assert.deepInclude(heard.chunks[2], { because: "InvalidResponse" })
      assert.strictEqual(Hearing.textOf(heard.chunks), text)
      const { meta, tokens } = Hearing.finishOf(heard)
      assert.deepStrictEqual([meta.endpoint, tokens.isEstimated, tokens.output], ["b", false, 3])
      yield* isAtRest
    }).pipe(Effect.provide(over({ a: stream(["Berne"], { end: "reset" }), b: stream(words) }))))

  it.effect.each([["restart", "Restarted"], ["continue", "Continued"]] as const)(
    "a later round comes back to the one that broke off, which then goes by the same name: %s",
    ([afterCommit, marker]) =>
      Effect.gen(function*() {
        const heard = yield* Trial.whatever(Hearing.whole({ afterCommit }))
        assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Berne", `${marker} a`, "Start a", ...words, "Finish"])
        assert.deepStrictEqual(Hearing.finishOf(heard).meta.attempts.map(({ round }) => round), [0, 1])
      }).pipe(Effect.provide(over(
        { a: [stream(["Berne"], { end: "reset" }), stream(words)] },
        { retry: Retry.standard },
        { prefill: true }
      )))
  )

  it.effect("nobody begins anew where the caller cannot take back what came out", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ restart: false })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", ...words])
      assert.deepInclude(Hearing.interruptionOf(heard), {
        _tag: "StreamInterrupted",
        endpoint: "a",
        because: "InvalidResponse"
      })
      assert.lengthOf(yield* Trial.received("b"), 0)
    }).pipe(Effect.provide(
      over({ a: stream(words, { end: "reset" }), b: stream(words) }, { stream: { afterCommit: "restart" } })
    )))

  it.effect.each([[["B"], "1 character"], [["B", "e"], "2 characters"]] as const)(
    "of %j a break says that %s came",
    ([texts, length]) =>
      Effect.gen(function*() {
        assert.include(Hearing.interruptionOf(yield* Hearing.whole()).message, `was broken off after ${length}:`)
      }).pipe(Effect.provide(over({ a: stream(texts, { end: "reset" }) })))
  )

  it.effect("who fails before anything of it comes out leaves no marker", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "restart" })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Berne", "Restarted a", "Start c", ...words, "Finish"])
    }).pipe(Effect.provide(over({ a: stream(["Berne"], { end: "reset" }), b: status(500), c: stream(words) }))))

  it.effect("the break is what is told when nobody begins anew", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "restart" })
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Berne"])
      const failure = Hearing.interruptionOf(heard)
      assert.deepInclude(failure, { endpoint: "a", text: "Berne", because: "InvalidResponse" })
      assert.deepStrictEqual(failure.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["a", "InvalidResponse"],
        ["b", "Unauthorized"]
      ])
    }).pipe(Effect.provide(over({ a: stream(["Berne"], { end: "reset" }), b: status(401) }))))

  it.effect("whoever begins anew may break off as well: the text is the last one's", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "restart" })
      assert.deepInclude(Hearing.interruptionOf(heard), { endpoint: "b", text: words[0]! })
    }).pipe(
      Effect.provide(over({ a: stream(["Berne"], { end: "reset" }), b: stream([words[0]!], { end: "closed" }) }))
    ))

  it.effect("another goes on from there, if it can", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "continue" })
      assert.deepStrictEqual(Hearing.brief(heard), [
        "Start a",
        words[0],
        "Continued a",
        "Start c",
        words[1],
        words[2],
        "Finish"
      ])
      assert.strictEqual(Hearing.textOf(heard.chunks), text)
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "c"), [1, 0, 1])
      const [{ body }] = yield* Trial.received("c")
      // some refuse an answer that begins with something that ends in spaces
      assert.deepStrictEqual(body["messages"], [...Trial.hi.messages, {
        role: "assistant",
        content: words[0]!.trimEnd()
      }])
      assert.deepStrictEqual(Hearing.finishOf(heard).tokens, { input: 10, output: 5, total: 15, isEstimated: true })
      yield* isAtRest
    }).pipe(Effect.provide(Trial.over([
      make("a", [stream([words[0]!], { end: "reset" })], { tier: 0 }),
      make("b", [stream(words)], { tier: 1 }),
      make("c", [stream([` ${words[1]!}`, words[2]!], { outputTokens: 2 })], { tier: 2, prefill: true })
    ], { retry: Retry.none }))))

  it.effect("the spaces between the two are said once, and no others are lost", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "continue" })
      assert.strictEqual(Hearing.textOf(heard.chunks), "Hi, \n there, \n x")
      yield* Trial.play("b", stream(["there,", " \n ", "x"]))
      assert.strictEqual(
        Hearing.textOf((yield* Hearing.whole({ afterCommit: "continue" })).chunks),
        "Hi, \n there, \n x"
      )
    }).pipe(Effect.provide(over(
      {
        a: stream(["Hi, \n "], { end: "reset" }),
        b: stream([" ", "\n", " there", ", \n ", "x"])
      },
      {},
      { prefill: true }
    ))))

  it.effect("nobody is waited for where no endpoint can go on", () =>
    Effect.gen(function*() {
      Hearing.interruptionOf(yield* Hearing.whole({ afterCommit: "continue" }))
      assert.strictEqual(yield* Trial.now, 0)
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 0])
    }).pipe(Effect.provide(over({ a: stream(words, { end: "reset" }), b: stream(words) }, { retry: Retry.standard }))))

  it.effect("what ends the answer of whoever began anew is told, and no older break", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin({ afterCommit: "restart", deadline: "3 seconds" })
      yield* Trial.pass("3 seconds")
      const failure = Hearing.interruptionOf({ exit: yield* Fiber.await(fiber) })
      assert.deepInclude(failure, { endpoint: "b", because: "DeadlineExceeded", text: words[0]! + words[1]! })
    }).pipe(
      Effect.provide(over({ a: stream(["Berne"], { end: "reset" }), b: stream(words, { between: "1.2 seconds" }) }))
    ))

  it.effect("who then refuses to go on leaves the break as it was", () =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ afterCommit: "continue" })
      const failure = Hearing.interruptionOf(heard)
      assert.deepInclude(failure, { endpoint: "a", because: "InvalidResponse", text: words[0]! })
      assert.deepStrictEqual(failure.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["a", "InvalidResponse"],
        ["b", "RequestRejected"],
        ["c", "RequestRejected"]
      ])
    }).pipe(Effect.provide(over(
      {
        a: stream([words[0]!], { end: "reset" }),
        b: status(400, { message: "no prefill" }),
        c: status(400, { message: "no prefill" })
      },
      {},
      { prefill: true }
    ))))

  it.effect("nobody goes on where no endpoint says that it can, nor from a tool call", () =>
    Effect.gen(function*() {
      Hearing.interruptionOf(yield* Hearing.whole({ afterCommit: "continue" }))
      assert.strictEqual(yield* Trial.count("b"), 0)
      const relay = yield* RelayService.RelayService
      yield* relay.endpoints.replace({ ...make("b", [stream(words)]).endpoint, tier: 1, prefill: true })
      yield* Trial.play(
        "a",
        events([delta({ content: "Hm." }), delta({ tool_calls: [{ index: 0, function: { name: "f" } }] })])
      )
      Hearing.interruptionOf(yield* Hearing.whole({ afterCommit: "continue" }))
      assert.strictEqual(yield* Trial.count("b"), 0)
    }).pipe(Effect.provide(over({ a: stream([words[0]!], { end: "reset" }), b: stream(words) }))))

  it.effect("DeepSeek is told that it is to go on", () =>
    Effect.gen(function*() {
      Hearing.finishOf(yield* Hearing.whole({ afterCommit: "continue" }))
      const [{ body }] = yield* Trial.received("b")
      const last = (body["messages"] as ReadonlyArray<unknown>).at(-1)
      assert.deepStrictEqual(last, { role: "assistant", content: "Bern", prefix: true })
    }).pipe(Effect.provide(over({ a: stream(["Bern"], { end: "reset" }), b: stream(["."]) }, {}, {
      dialect: Dialect.deepseek,
      prefill: true
    }))))
})
