import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { Classifier, Dialect, RelayError } from "effect-relay"
import { int, list, oneOf } from "../Law.ts"
import * as Exchange from "./Exchange.ts"

const dialects = [
  Dialect.openai,
  Dialect.azure(),
  Dialect.anthropic(),
  Dialect.gemini,
  Dialect.deepseek,
  Dialect.openrouter
]

const encode = Schema.encodeUnknownSync(RelayError.RelayError)
const decode = Schema.decodeUnknownSync(RelayError.RelayError)

/** Whatever comes back is an answer with sound fields, or a listed failure that survives the wire. */
const check = (outcome: Classifier.Outcome): void => {
  for (const dialect of dialects) {
    const result = Classifier.classify(outcome, {
      endpoint: "primary",
      account: "acme",
      model: "m-1",
      dialect,
      secrets: ["sk-1"],
      now: 0
    })
    if (Result.isFailure(result)) {
      const { failure } = result
      assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(encode(failure)))), decode(encode(failure)))
      continue
    }
    const { finishReason, model, text, tokens, toolCalls } = result.success
    for (const value of [text, finishReason, model, ...toolCalls.map(({ name }) => name)]) assert.isString(value)
    for (const count of Object.values(tokens)) assert.isTrue(Number.isSafeInteger(count) && count >= 0)
  }
}

const reply = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Classifier.Outcome => ({
  _tag: "Reply",
  status,
  headers,
  text
})

/** Words that mean something somewhere, among values that mean nothing anywhere. */
const words = oneOf(
  "error",
  "type",
  "message",
  "code",
  "status",
  "details",
  "retryDelay",
  "violations",
  "quotaId",
  "metadata",
  "raw",
  "limit_source",
  "choices",
  "content",
  "text",
  "tool_use",
  "tool_calls",
  "function",
  "arguments",
  "name",
  "input",
  "stop_reason",
  "usage",
  "output_tokens",
  "candidates",
  "parts",
  "functionCall",
  "finishReason",
  "promptFeedback",
  "blockReason",
  "rate_limit_error",
  "insufficient_quota",
  "__proto__",
  "constructor"
)

const either = (...kinds: ReadonlyArray<Arbitrary.Arbitrary<unknown>>): Arbitrary.Arbitrary<unknown> =>
  Arbitrary.flatMap(int(0, kinds.length - 1), (index) => kinds[index]!)

const scalar = either(
  words,
  int(-1, 600),
  oneOf(true, false),
  Arbitrary.Constant(null),
  Arbitrary.schema(Schema.String)
)

const grown = (depth: number): Arbitrary.Arbitrary<unknown> =>
  depth === 0 ? scalar : either(
    scalar,
    list(grown(depth - 1), 3),
    Arbitrary.map(
      list(Arbitrary.all({ field: words, value: grown(depth - 1) }), 4),
      (all) => Object.fromEntries(all.map(({ field, value }) => [field, value]))
    )
  )

const status = Arbitrary.flatMap(
  oneOf(200, 200, 400, 401, 402, 404, 429, 498, 500, 529, 0),
  (status) => status === 0 ? int(100, 599) : Arbitrary.Constant(status)
)

const header = either(
  oneOf("true", "false", "-1", "0", "20ms", "6m0s", "2026-03-01T00:00:00Z", "rejected", "9e9", "NaN"),
  Arbitrary.schema(Schema.String)
)

const names = oneOf(
  "retry-after",
  "retry-after-ms",
  "x-ms-retry-after-ms",
  "x-should-retry",
  "date",
  "x-ratelimit-limit-requests",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-reset-requests",
  "anthropic-ratelimit-tokens-remaining",
  "anthropic-ratelimit-tokens-reset",
  "anthropic-ratelimit-unified-5h-status",
  "anthropic-ratelimit-unified-5h-reset"
)

const headers = Arbitrary.map(
  list(Arbitrary.all({ name: names, value: header }), 6),
  (all) => Object.fromEntries(all.map(({ name, value }) => [name, String(value)]))
)

const bytes = list(int(0, 255), 60)

const wrapping = oneOf(
  "%s",
  "\n\n\r\n%s",
  ": wait\n\n%s",
  "<html><title>502 %s</title>",
  "<pre>{\"error\":%s}</pre>",
  "\uFEFF%s"
)

describe("any reply, to an endpoint of any dialect", () => {
  it.prop("of words that mean something ends in an answer or a listed failure", {
    body: grown(4),
    headers,
    status,
    wrapping
  }, ({ body, headers, status, wrapping }) => {
    const text = wrapping.replace("%s", () => JSON.stringify(body))
    check(reply(status, text, headers))
    check(reply(200, text.slice(0, text.length / 2), headers))
  }, { arbitrary: { runs: 500, seed: 1 } })

  it.prop("of any bytes ends in an answer or a listed failure", { bytes, headers, status }, (
    { bytes, headers, status }
  ) => {
    check(reply(status, new TextDecoder().decode(Uint8Array.from(bytes)), headers))
  }, { arbitrary: { runs: 500, seed: 1 } })

  it.prop("that never came whole ends in a listed failure", { code: Schema.String, status, number: int(0, 1e9) }, (
    { code, number, status }
  ) => {
    check({ _tag: "Unreachable", code })
    check({ _tag: "CutOff", status, code })
    check({ _tag: "TooLarge", status, maxBytes: number })
    check({ _tag: "TimedOut", limit: number })
    check({ _tag: "Unsayable", what: code })
  }, { arbitrary: { runs: 100, seed: 1 } })

  it("that is long and blank, or long and strange, ends in time", () => {
    const long = 1_000_000
    for (
      const piece of ["\n", " :", ":\n", "<h1>", "{\"error\":", "error code: ", "try again in 1", "limit: 0", "\\"]
    ) {
      const text = piece.repeat(long / piece.length)
      for (const each of [text, `<${text}`, JSON.stringify({ error: { message: text } })]) {
        assert.doesNotThrow(() => check(reply(429, each)))
      }
    }
  }, 20_000)
})

describe("any request, to an endpoint of any dialect", () => {
  const role = oneOf("system", "developer", "user", "assistant", "tool", "critic")
  const part = either(
    grown(2),
    oneOf("text", "image_url", "refusal").pipe(
      Arbitrary.map((type) => ({ type, text: "Hi", image_url: { url: "data:," } }))
    )
  )
  const message = Arbitrary.all({
    role,
    content: either(Arbitrary.schema(Schema.String), list(part, 3), grown(1)),
    tool_calls: either(Arbitrary.Constant(undefined), list(grown(3), 2)),
    tool_call_id: oneOf("c-1", "c-2")
  })

  it.effect.prop("is sent or refused", {
    messages: list(message, 4, 1),
    tools: list(grown(2), 2),
    more: grown(2)
  }, ({ messages, more, tools }) =>
    Effect.gen(function*() {
      const request = { model: "m-1", messages, tools, tool_choice: more, response_format: more, stop: more }
      for (const dialect of [Dialect.anthropic(), Dialect.gemini]) {
        yield* Exchange.over({ dialect }, [{ body: {}, status: 400 }], (relay, received) =>
          Effect.gen(function*() {
            const failure = yield* Effect.flip(relay.chat(request as never))
            assert.strictEqual(failure._tag, "RequestRejected")
            assert.strictEqual("retry" in failure && failure.retry === "Elsewhere", received.length === 0)
          }))
      }
    }), { arbitrary: { runs: 60, seed: 1 } })
})
