/** Which answers a relay keeps: those that are whole, in each of their choices. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { body, events, make } = ScriptedEndpoint

const cached = { tenant: "acme", cache: true }

const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } }

const choice = (message: object, finish_reason: string | null = "stop") => ({
  message: { role: "assistant", content: null, ...message },
  finish_reason
})

const completion = (...choices: ReadonlyArray<object>): ScriptedEndpoint.Step =>
  body(JSON.stringify({
    model: "m-1",
    choices: choices.map((choice, index) => ({ index, ...choice })),
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
  }))

const bern = choice({ content: "Bern." })

type Case = readonly [string, ReadonlyArray<object>, object?]

const secondIs = (step: ScriptedEndpoint.Step, request: object, cache: string) =>
  Effect.gen(function*() {
    yield* Trial.chat(cached, { ...Trial.hi, ...request })
    assert.strictEqual((yield* Trial.chat(cached, { ...Trial.hi, ...request })).meta.cache, cache)
  }).pipe(Effect.provide(Trial.over([make("a", [step])], { retry: Retry.none })))

describe("an answer", () => {
  const kept: ReadonlyArray<Case> = [
    ["says something, and that it is done", [bern]],
    ["says so in Together's word", [choice({ content: "Bern." }, "eos")]],
    ["calls a tool", [choice({ tool_calls: [call] }, "tool_calls")]],
    ["calls a tool and says that it stopped", [choice({ tool_calls: [call] })]],
    ["has two whole choices", [bern, choice({ content: "Berne." })], { n: 2 }],
    ["has two whole choices, one of which calls a tool", [bern, choice({ tool_calls: [call] }, "tool_calls")], { n: 2 }]
  ]
  it.effect.each(kept)(
    "is kept that %s",
    ([, choices, request = {}]) => secondIs(completion(...choices), request, "hit")
  )

  const left: ReadonlyArray<Case> = [
    ["gives no reason to stop", [choice({ content: "Ber" }, null)]],
    ["stopped for a reason that nobody knows", [choice({ content: "Ber" }, "model_length")]],
    ["was cut", [choice({ content: "Ber" }, "length")]],
    ["was cut by a filter", [choice({ content: "Ber" }, "content_filter")]],
    ["is empty", [choice({ content: "" })]],
    ["is blank", [choice({ content: " \n" })]],
    ["is a refusal", [choice({ refusal: "I cannot." })]],
    ["is a refusal beside a text", [choice({ content: "Bern.", refusal: "I cannot." })]],
    ["has fewer choices than were asked for", [bern], { n: 2 }],
    ["has a choice that was cut", [bern, choice({ content: "Ber" }, "length")], { n: 2 }],
    ["has a choice that was cut by a filter", [bern, choice({ content: "Ber" }, "content_filter")], { n: 2 }],
    ["has a choice without a reason", [bern, choice({ content: "Ber" }, null)], { n: 2 }],
    ["has an empty choice", [bern, choice({ content: "" })], { n: 2 }],
    ["has a choice that is a refusal", [bern, choice({ content: "Bern.", refusal: "I cannot." })], { n: 2 }],
    ["has a choice nobody asked for, and that was cut", [bern, choice({ content: "Ber" }, "length")]]
  ]
  it.effect.each(left)(
    "is not kept that %s",
    ([, choices, request = {}]) => secondIs(completion(...choices), request, "miss")
  )
})

describe("a stream", () => {
  const event = (delta: object, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ model: "m-1", choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  const counted = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 5 } })}\n\n`

  const asked = (parts: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      yield* Hearing.whole(cached)
      yield* Hearing.whole(cached)
      return yield* Trial.count("a")
    }).pipe(Effect.provide(Trial.over([make("a", [events([...parts, counted, "data: [DONE]\n\n"])])], {
      retry: Retry.none
    })))

  it.effect("is kept that says something, and that it is done", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* asked([event({ content: "Bern." }), event({}, "stop")]), 1)
    }))

  const left: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["stopped for a reason that nobody knows", [event({ content: "Ber" }), event({}, "model_length")]],
    ["is blank", [event({ content: " " }), event({}, "stop")]],
    ["is a refusal", [event({ refusal: "I cannot." }), event({}, "stop")]]
  ]
  it.effect.each(left)("is not kept that %s", ([, parts]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* asked(parts), 2)
    }))
})
