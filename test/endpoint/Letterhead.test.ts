import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Endpoint } from "effect-relay"
import * as Letterhead from "../../src/endpoint/Letterhead.ts"

const dialect = {
  name: "mine",
  chatPath: "/chat",
  key: { header: "X-Key", scheme: "Token" },
  headers: { "X-Version": "1", accept: "application/x-mine" },
  defaults: {},
  read: () => assert.fail("nothing is read"),
  error: () => undefined,
  words: {},
  finishReasons: {}
}

const record = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({ ...headers })

const letterhead = (options: Partial<Endpoint.Options>) =>
  Effect.map(Endpoint.make({ id: "a", baseUrl: "http://a.invalid", ...options }), (endpoint) => {
    const made = Letterhead.of(endpoint)
    assert.strictEqual(Letterhead.of(endpoint), made)
    return { ...made, headers: record(made.headers), ofChat: record(made.ofChat) }
  })

describe("the letterhead of an endpoint", () => {
  it.effect("has the headers of its dialect, over them its own, and over all of them its key", () =>
    Effect.gen(function*() {
      const { headers } = yield* letterhead({
        dialect,
        apiKey: Redacted.make("k-1"),
        headers: { "x-version": "2", "X-KEY": "other", "X-Team": Redacted.make("t-1") }
      })
      assert.deepStrictEqual(headers, {
        "x-version": "2",
        accept: "application/x-mine",
        "x-key": "Token k-1",
        "x-team": "t-1"
      })
    }))

  it.effect("goes over what a chat says of itself", () =>
    Effect.gen(function*() {
      const { ofChat } = yield* letterhead({ headers: { "Content-Type": "application/json; charset=utf-8" } })
      assert.deepStrictEqual(ofChat, {
        accept: "application/json",
        "content-type": "application/json; charset=utf-8"
      })
      assert.strictEqual((yield* letterhead({ dialect })).ofChat["accept"], "application/x-mine")
    }))

  it.effect("knows its secrets, and the names that no tracer knows", () =>
    Effect.gen(function*() {
      const mine = yield* letterhead({
        dialect,
        apiKey: Redacted.make("k-1"),
        headers: { "X-Team": Redacted.make("t-1"), "x-open": "o-1" }
      })
      assert.deepStrictEqual([mine.secrets, mine.secretNames], [["k-1", "t-1"], ["x-team", "x-key"]])
      const usual = yield* letterhead({ apiKey: Redacted.make("k-1") })
      assert.deepStrictEqual([usual.secrets, usual.secretNames], [["k-1"], []])
      const none = yield* letterhead({})
      assert.deepStrictEqual([none.secrets, none.secretNames], [[], []])
    }))

  it.effect("is another's for an endpoint with the same id and another key", () =>
    Effect.gen(function*() {
      const first = yield* letterhead({ apiKey: Redacted.make("k-1") })
      const second = yield* letterhead({ apiKey: Redacted.make("k-2") })
      assert.deepStrictEqual(
        [first, second].map(({ headers }) => headers["authorization"]),
        ["Bearer k-1", "Bearer k-2"]
      )
    }))
})
