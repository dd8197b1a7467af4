import { assert, describe, it } from "@effect/vitest"
import { Effect, Tracer } from "effect"
import { RelayService, Retry } from "effect-relay"
import * as Api from "./Api.ts"
import * as Trial from "./Trial.ts"

const completion = JSON.stringify({ choices: [{ message: { content: "Grüezi." }, finish_reason: "stop" }] })
const length = new TextEncoder().encode(completion).byteLength

const chat = Effect.flatMap(RelayService.RelayService, (relay) => relay.chat(Trial.hi))

const over = (headers: Record<string, string>, maxResponseBytes: number, body: string = completion) =>
  Api.over({ a: { answer: () => ({ body, headers }) } }, { maxResponseBytes, retry: Retry.none })

describe("a body", () => {
  const sized = { "content-length": String(length) }

  it.effect.each<readonly [string, Record<string, string>]>([
    ["says its length", sized],
    ["says none", {}],
    ["says what is no length", { "content-length": "many" }],
    ["begins with a byte order mark", sized]
  ])("is read whole up to the limit when it %s", ([how, headers]) =>
    Effect.gen(function*() {
      const body = how.includes("mark") ? `\uFEFF${completion}` : completion
      const { text } = yield* chat.pipe(Effect.provide(over(headers, length + 3, body)))
      assert.strictEqual(text, "Grüezi.")
    }))

  it.effect.each<readonly [string, Record<string, string>]>([
    ["says so", sized],
    ["says nothing", {}],
    ["says that it is short", { "content-length": "1" }],
    ["is to be unpacked", { "content-length": "1", "content-encoding": "gzip" }]
  ])("over the limit is refused when it %s", ([, headers]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(chat).pipe(Effect.provide(over(headers, length - 1)))
      assert.include(failure, { _tag: "InvalidResponse", reason: "TooLarge" })
    }))
})

describe("a request", () => {
  const received = () =>
    Effect.gen(function*() {
      yield* chat
      const [first] = yield* Api.Log
      return first!.headers
    }).pipe(Effect.provide(over({}, 1000)))

  it.effect("carries no trace where nobody traces", () =>
    Effect.gen(function*() {
      assert.notProperty(yield* received(), "traceparent")
    }))

  it.effect("carries the trace of whoever does", () =>
    Effect.gen(function*() {
      const names: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          names.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      assert.property(yield* Effect.withTracer(received(), tracer), "traceparent")
      assert.deepStrictEqual(names, ["POST"])
    }))
})
