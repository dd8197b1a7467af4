import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Layer, Schema } from "effect"
import { ChatRequest, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const messages = [{ role: "user", content: "Hi" }]
const hi = { model: "any", messages }

const flawed: ReadonlyArray<readonly [name: string, request: unknown, rule: RegExp]> = [
  ["nothing", undefined, /object/],
  ["null", null, /object/],
  ["a text", "Hi", /object/],
  ["a list", [hi], /model/],
  ["no model", { messages }, /model/],
  ["an empty model", { model: "", messages }, /model/],
  ["a model that is no text", { model: 7, messages }, /model/],
  ["no messages", { model: "any" }, /messages/],
  ["messages that are a text", { model: "any", messages: "Hi" }, /messages/],
  ["an empty list of messages", { model: "any", messages: [] }, /messages/],
  ["a wish for a stream", { ...hi, stream: true }, /stream/],
  ["what an API may take for such a wish", { ...hi, stream: 1 }, /stream/]
]

describe("a request", () => {
  it.each(flawed)("that is, or has, %s cannot be sent", (_, request, rule) => {
    assert.match(ChatRequest.flaw(request as ChatRequest.ChatRequest) ?? "", rule)
  })

  it.each([hi, { ...hi, stream: false }, { ...hi, stream: null }, { ...hi, temperature: 1, tools: [] }, {
    ...hi,
    messages: [{ role: "tool" }]
  }])(
    "with all it needs can be sent (%#)",
    (request) => {
      assert.strictEqual(ChatRequest.flaw(request), undefined)
    }
  )
})

const loop: { self?: unknown } = {}
loop.self = loop

const nested = (depth: number): unknown => {
  let value: unknown = []
  for (let level = 0; level < depth; level++) value = [value]
  return value
}

const unspeakable: ReadonlyArray<readonly [name: string, more: object]> = [
  ["a big integer", { seed: 1n }],
  ["a loop", { metadata: loop }],
  ["more levels than can be written", { metadata: nested(100_000) }],
  ["something that will not be written", { metadata: { toJSON: () => assert.fail("no") } }]
]

describe("a relay", () => {
  const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.answer("Hello.")])
  const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("Hello.")], { tier: 1 })
  const layer = RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint], health: "off" }).pipe(
    Layer.provideMerge(ScriptedEndpoint.layer(primary, backup))
  )

  /** The failure of this request, after which nobody was asked and everything is as it was. */
  const refusal = Effect.fnUntraced(function*(request: unknown, options?: RelayService.ChatOptions) {
    const relay = yield* RelayService.RelayService
    const failure = yield* Effect.flip(relay.chat(request as ChatRequest.ChatRequest, options))
    const recorder = yield* ScriptedEndpoint.Recorder
    for (const { bulkhead, id, inFlight, state } of yield* relay.status) {
      assert.isEmpty(yield* recorder.received(id))
      assert.deepStrictEqual({ inFlight, running: bulkhead.running, state }, {
        inFlight: 0,
        running: 0,
        state: "Healthy"
      })
    }
    if (failure._tag !== "RequestRejected") return assert.fail(failure._tag)
    assert.notProperty(failure, "endpoint")
    return failure
  })

  it.effect.each(flawed)("refuses %s, and asks nobody", ([, request, rule]) =>
    Effect.gen(function*() {
      const failure = yield* refusal(request)
      assert.match(failure.message, rule)
      assert.isEmpty(failure.attempts)
      assert.match((yield* refusal(request, { tenant: "acme", cache: true })).message, rule)
    }).pipe(Effect.provide(layer)))

  it.effect.each(unspeakable)(
    "refuses %s, which JSON cannot say, and asks nobody",
    ([, more]) =>
      Effect.gen(function*() {
        yield* refusal({ ...hi, ...more })
      }).pipe(Effect.provide(layer))
  )

  it.effect.each(unspeakable)(
    "that caches refuses %s, which JSON cannot say, and asks nobody",
    ([, more]) =>
      Effect.gen(function*() {
        yield* refusal({ ...hi, ...more }, { tenant: "acme", cache: true })
      }).pipe(Effect.provide(layer))
  )

  it.effect("does not count as sent what could not be written", () =>
    Effect.gen(function*() {
      const { attempts } = yield* refusal({ ...hi, seed: 1n })
      assert.isFalse(attempts.some(({ sent }) => sent))
      const relay = yield* RelayService.RelayService
      assert.deepStrictEqual((yield* relay.status).map(({ failed }) => failed), [0, 0])
    }).pipe(Effect.provide(layer)))
})

const estimate = (request: object) => ChatRequest.estimateTokens({ ...hi, ...request })

describe("the tokens of a request", () => {
  it("are about a quarter of its characters", () => {
    assert.strictEqual(estimate({ messages: [{ role: "user", content: "a".repeat(400) }] }), 100)
    assert.strictEqual(estimate({ messages: [{ role: "user", content: "a" }, { role: "user", content: "b" }] }), 1)
    assert.strictEqual(
      estimate({ messages: [{ role: "user", content: [{ type: "text", text: "a".repeat(40) }] }] }),
      10
    )
  })

  it("include its longest answer", () => {
    assert.strictEqual(estimate({ max_tokens: 100 }), 101)
    assert.strictEqual(estimate({ max_completion_tokens: 50, max_tokens: 100 }), 51)
    for (const max_tokens of [0, -1, Number.NaN, Infinity]) assert.strictEqual(estimate({ max_tokens }), 1)
  })

  it("are none where there is no text", () => {
    for (const content of [undefined, null, "", [], [{ type: "image_url" }, null]]) {
      assert.strictEqual(estimate({ messages: [{ role: "user", content }, null] }), 0)
    }
  })

  it.prop("are a whole number, whatever the request says", {
    messages: Arbitrary.array(Arbitrary.schema(Schema.Json)),
    limit: Schema.Json
  }, ({ limit, messages }) => {
    for (const more of [{ max_tokens: limit }, { max_completion_tokens: limit }, { messages: [{ content: limit }] }]) {
      const tokens = estimate({ messages, ...more })
      assert.isTrue(Number.isInteger(tokens) && tokens >= 0, String(tokens))
    }
  }, { arbitrary: { runs: 500, seed: 1 } })
})
