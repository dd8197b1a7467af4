/** Bad input: whatever bytes come, they end in pieces or in a typed failure, and a part never passes for the whole. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Exit, Result, Schema } from "effect"
import { Dialect, RelayError } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Classifier from "../../src/endpoint/Classifier.ts"
import type * as Definition from "../../src/endpoint/dialect/Definition.ts"
import { EventReader } from "../../src/endpoint/EventReader.ts"
import type * as StreamPiece from "../../src/endpoint/StreamPiece.ts"
import { Transcript } from "../../src/endpoint/Transcript.ts"
import * as Law from "../Law.ts"
import * as Hearing from "../relay/Hearing.ts"
import * as Trial from "../relay/Trial.ts"

const utf8 = new TextEncoder()

const event = (json: object): string => `data: ${JSON.stringify(json)}\n\n`
const chunk = (delta: object, reason: string | null = null): string =>
  event({ id: "c", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta, finish_reason: reason }] })
const named = (json: { readonly type: string }): string => `event: ${json.type}\r\n${event(json)}`

const words = ["Grüß ", "Gott, ", "🌊", "Bern."]
const whole = words.join("")

interface Sample {
  readonly dialect: Definition.Dialect
  /** Everything up to the event that says why the model stopped, and that event. */
  readonly body: string
  readonly rest: string
}

const samples: Readonly<Record<string, Sample>> = {
  openai: {
    dialect: Dialect.openai,
    body: chunk({ role: "assistant", content: "" }) + ": keep-alive\n\n" +
      words.map((content) => chunk({ content })).join("") + chunk({}, "stop"),
    rest: event({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }) + "data: [DONE]\n\n"
  },
  anthropic: {
    dialect: Dialect.anthropic(),
    body: [
      { type: "message_start", message: { model: "m", usage: { input_tokens: 1 } } },
      { type: "ping" },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      ...words.map((text) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } })),
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } }
    ].map(named).join(""),
    rest: named({ type: "message_stop" })
  }
}

const head = { status: 200, headers: {} }
const maxBytes = 4096

const subject = (dialect: Definition.Dialect): Classifier.Subject => ({
  endpoint: "a",
  account: "a",
  model: "m",
  dialect,
  secrets: [],
  now: 0
})

const Piece: Schema.Codec<StreamPiece.StreamPiece, unknown> = Schema.Union([
  Schema.TaggedStruct("Model", { model: Schema.NonEmptyString }),
  Schema.TaggedStruct("Text", { text: Schema.NonEmptyString }),
  Schema.TaggedStruct("Reasoning", { text: Schema.NonEmptyString }),
  Schema.TaggedStruct("Refusal", { text: Schema.NonEmptyString }),
  Schema.TaggedStruct("ToolCall", {
    index: Schema.Int,
    id: Schema.optional(Schema.NonEmptyString),
    name: Schema.optional(Schema.String),
    arguments: Schema.String
  }),
  Schema.TaggedStruct("Stopped", { reason: Schema.NonEmptyString }),
  Schema.TaggedStruct("Counted", {
    input: Schema.optional(Schema.Finite),
    output: Schema.optional(Schema.Finite),
    total: Schema.optional(Schema.Finite)
  }),
  Schema.TaggedStruct("Done", {})
]) as never

const isPiece = Schema.is(Piece)

/** What a body in these packets says: the text of an answer that is whole, or nothing. */
const read = (dialect: Definition.Dialect, packets: ReadonlyArray<Uint8Array>): string | undefined => {
  const reader = new EventReader(head, subject(dialect), dialect.stream!, maxBytes)
  const transcript = new Transcript("")
  for (const packet of packets) {
    for (const piece of reader.read(packet)) {
      assert.isTrue(isPiece(piece), JSON.stringify(piece))
      transcript.add(piece)
    }
  }
  if (reader.failure !== undefined) {
    assert.isTrue(RelayError.isRelayError(reader.failure))
    return undefined
  }
  if (!transcript.hasStopped) return undefined
  const answer = Classifier.classifyStreamed(transcript.toDraft(), head, subject(dialect))
  return Result.isSuccess(answer) ? answer.success.text : undefined
}

const packetsOf = (bytes: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const packets: Array<Uint8Array> = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + cuts[turn % cuts.length]!
    packets.push(bytes.subarray(at, end))
    at = end
  }
  return packets
}

const cuts = Law.list(Law.oneOf(1, 2, 3, 7, 31, 200, 5000), 8, 1)

/** Bytes that were taken out, put in, changed or doubled. */
const damage = Law.list(
  Arbitrary.all({
    at: Law.int(0, 5000),
    do: Law.oneOf("cut", "insert", "flip", "double", "line", "junk"),
    size: Law.int(1, 40),
    byte: Law.int(0, 255)
  }),
  6
)

type Damage = typeof damage extends Arbitrary.Arbitrary<infer A> ? A : never

const junk = [
  "\n\n",
  "\r",
  ": x\n",
  "event: error\n",
  "data: {}\n\n",
  "data: null\n\n",
  "data: [1,2]\n\n",
  "\0",
  "\uFEFF"
]

const damaged = (text: string, damages: Damage): Uint8Array => {
  const bytes = Array.from(utf8.encode(text))
  for (const { at, byte, do: what, size } of damages) {
    const place = at % (bytes.length + 1)
    if (what === "cut") bytes.splice(place, size)
    if (what === "insert") bytes.splice(place, 0, byte)
    if (what === "flip" && bytes[place] !== undefined) bytes[place] ^= 1 << (byte % 8)
    if (what === "double") bytes.splice(place, 0, ...bytes.slice(place, place + size))
    if (what === "line") bytes.splice(place, 0, 10)
    if (what === "junk") bytes.splice(place, 0, ...utf8.encode(junk[byte % junk.length]))
  }
  return Uint8Array.from(bytes)
}

/** JSON with the names that dialects know, in places where they do not expect them. */
const names = Law.oneOf(
  "choices",
  "delta",
  "index",
  "content",
  "finish_reason",
  "tool_calls",
  "function",
  "arguments",
  "name",
  "id",
  "type",
  "usage",
  "model",
  "message",
  "content_block",
  "text",
  "partial_json",
  "stop_reason",
  "input_tokens",
  "output_tokens",
  "completion_tokens",
  "reasoning_content",
  "refusal",
  "error",
  "code"
)
const atoms = Law.oneOf<string | number | boolean>(
  "",
  "x",
  "message_start",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop",
  "tool_use",
  "text_delta",
  "input_json_delta",
  0,
  1,
  -1,
  1e300,
  0.5,
  true,
  false
)

const json = (depth: number): Arbitrary.Arbitrary<unknown> =>
  depth === 0 ? atoms : Arbitrary.flatMap(Law.int(0, 5), (kind) => {
    if (kind === 0) return Arbitrary.Constant<unknown>(null)
    if (kind === 1) return atoms as Arbitrary.Arbitrary<unknown>
    if (kind === 2) return Law.list(json(depth - 1), 3) as Arbitrary.Arbitrary<unknown>
    return Arbitrary.map(
      Law.list(Arbitrary.all({ name: names, value: json(depth - 1) }), 5),
      (members): unknown => Object.fromEntries(members.map(({ name, value }) => [name, value]))
    )
  })

describe.each(Object.entries(samples))("the stream of %s", (_, { body, dialect, rest }) => {
  it("is whole as it is", () => {
    assert.strictEqual(read(dialect, [utf8.encode(body + rest)]), whole)
  })

  it("cut anywhere is whole with the reason to stop, and is nothing without it", () => {
    const bytes = utf8.encode(body + rest)
    const enough = utf8.encode(body).length
    for (let end = 0; end <= bytes.length; end++) {
      const said = read(dialect, packetsOf(bytes.subarray(0, end), [1 + end % 40]))
      assert.strictEqual(said, end < enough ? undefined : whole, `${end} of ${bytes.length}, enough is ${enough}`)
    }
  })

  it.prop("is the same, however it comes in packets", [cuts], ([cuts]) => {
    assert.strictEqual(read(dialect, packetsOf(utf8.encode(body + rest), cuts)), whole)
  }, Law.check(300))

  it.prop("ends in pieces or in a typed failure, however damaged it is", [damage, cuts], ([damage, cuts]) => {
    const bytes = damaged(body + rest, damage)
    const said = read(dialect, packetsOf(bytes, cuts))
    assert.isAtMost(said?.length ?? 0, bytes.length)
  }, Law.check(2000))

  it.prop("ends in pieces or in a typed failure, whatever bytes come", [
    Law.list(Law.list(Law.int(0, 255), 60), 10)
  ], ([packets]) => {
    assert.isUndefined(read(dialect, packets.map((packet) => Uint8Array.from(packet))))
  }, Law.check(1000))

  it.prop("ends in pieces or in a typed failure, whatever JSON comes", [Law.list(json(4), 6)], ([values]) => {
    read(dialect, [utf8.encode(values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join(""))])
  }, Law.check(2000))

  it.prop("is whole or nothing, if line ends are put in among its data", [
    Law.list(Law.int(0, 5000), 3, 1),
    cuts
  ], ([places, cuts]) => {
    // not into the name of the field: what the standard does not know, it leaves out
    const inData = Array.from(
      body.matchAll(/(?<=^data: .+)./gm),
      ({ index }) => utf8.encode(body.slice(0, index)).length
    )
    const bytes = damaged(
      body,
      places.map((place) => ({ at: inData[place % inData.length]!, do: "line" as const, size: 1, byte: 0 }))
        .toSorted((one, other) => other.at - one.at)
    )
    assert.isUndefined(read(dialect, packetsOf(bytes, cuts)))
  }, Law.check(300))
})

describe("a stream of a relay", () => {
  const bodies = Arbitrary.all({
    sample: Law.oneOf("openai", "anthropic"),
    damage,
    cuts,
    commit: Law.oneOf("firstToken", "whole"),
    end: Law.oneOf("close", "reset")
  })

  it.effect.prop(
    "ends in a Finish or in a typed failure, whatever comes",
    [bodies],
    ([{ commit, cuts, damage, end, sample }]) =>
      Effect.gen(function*() {
        const { body, dialect, rest } = samples[sample]!
        const parts: Array<ScriptedEndpoint.Part> = [...packetsOf(damaged(body + rest, damage), cuts)]
        if (end === "reset") parts.push({ fault: "reset" })
        const heard = yield* Effect.provide(
          Trial.whatever(Hearing.whole({ commit })),
          Trial.over([ScriptedEndpoint.make("a", [ScriptedEndpoint.events(parts)], { dialect })], { maxAttempts: 1 })
        )
        assert.isFalse(Exit.hasDies(heard.exit))
        if (Exit.isSuccess(heard.exit)) return void Hearing.finishOf(heard)
        const failure = Hearing.failureOf(heard)
        assert.isTrue(Schema.is(RelayError.StreamError)(failure))
        assert.strictEqual(failure._tag === "StreamInterrupted", heard.chunks.length > 0)
      }),
    Law.check(300)
  )
})

describe("a stream over the bound", () => {
  const over = (step: ScriptedEndpoint.Step) =>
    Trial.over([ScriptedEndpoint.make("a", [step])], { maxResponseBytes: 10_000, maxAttempts: 1 })

  const tooLong: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["an event that is longer", ["data: ", ...Array.from({ length: 100 }, () => "x".repeat(1000))]],
    ["an answer that is longer", Array.from({ length: 100 }, () => chunk({ content: "x".repeat(1000) }))],
    ["thoughts that are longer", Array.from({ length: 100 }, () => chunk({ reasoning: "x".repeat(1000) }))],
    [
      "a tool call that is longer",
      Array.from(
        { length: 100 },
        () => chunk({ tool_calls: [{ index: 0, function: { arguments: "x".repeat(1000) } }] })
      )
    ],
    [
      "more tool calls than it has room for",
      Array.from({ length: 20_000 }, (_, index) => chunk({ tool_calls: [{ index }] }))
    ]
  ]
  it.effect.each(tooLong)("%s is read no further, and held no longer", ([, parts]) =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole({ commit: "whole" })
      assert.deepInclude(Hearing.failureOf(heard), { _tag: "InvalidResponse", reason: "TooLarge" })
      const [{ packets }] = yield* Trial.received("a")
      assert.isBelow(packets, parts.length)
      assert.strictEqual((yield* Trial.status("a")).inFlight, 0)
    }).pipe(Effect.provide(over(ScriptedEndpoint.events(parts)))))

  it.effect("does not count what is not held: a long stream of short events is none", () =>
    Effect.gen(function*() {
      Hearing.finishOf(yield* Hearing.whole())
    }).pipe(Effect.provide(over(
      ScriptedEndpoint.events([...Array.from({ length: 2000 }, () => chunk({ content: "x" })), chunk({}, "stop")])
    ))))
})

describe("a dialect of somebody else's", () => {
  const readers: Readonly<Record<string, unknown>> = {
    "cannot be made": () => {
      throw new Error("no reader")
    },
    "is none": () => undefined,
    throws: () => () => {
      throw new Error("no event")
    },
    "says nothing": () => () => undefined,
    "says something else": () => () => ({ text: "Hi" }),
    "has no list of pieces": () => () => Result.succeed("Hi"),
    "has pieces that are none": () => () => Result.succeed([null]),
    "has a text that is none": () => () => Result.succeed([{ _tag: "Text", text: 5 }]),
    "has a tool call without a place": () => () => Result.succeed([{ _tag: "ToolCall", arguments: "" }]),
    "has a count that is none": () => () => Result.succeed([{ _tag: "Counted", input: "1" }]),
    "has a reason that is none": () => () => Result.succeed([{ _tag: "Stopped" }]),
    "has a model that is none": () => () => Result.succeed([{ _tag: "Model", model: 5 }])
  }
  it.effect.each(Object.entries(readers))(
    "makes a failure and no defect where its reader %s",
    ([, reader]) =>
      Effect.gen(function*() {
        const heard = yield* Hearing.whole()
        assert.deepInclude(Hearing.failureOf(heard), { _tag: "InvalidResponse", reason: "Malformed" })
      }).pipe(Effect.provide(Trial.over([
        ScriptedEndpoint.make("a", [ScriptedEndpoint.stream(["Hi"])], {
          dialect: { ...Dialect.openai, stream: { ...Dialect.openai.stream!, reader: reader as never } }
        })
      ], { maxAttempts: 1 })))
  )

  it.effect("makes no defect where its error throws", () =>
    Effect.gen(function*() {
      Hearing.finishOf(yield* Hearing.whole())
    }).pipe(Effect.provide(Trial.over([
      ScriptedEndpoint.make("a", [ScriptedEndpoint.stream(["Hi"])], {
        dialect: {
          ...Dialect.openai,
          error: () => {
            throw new Error("no error")
          }
        }
      })
    ]))))

  it.effect.each(
    [
      [{ reader: () => () => Result.succeed([]) }, "dialect.stream.fields"],
      [{ fields: {} }, "dialect.stream.reader"],
      [{ fields: {}, reader: "read" }, "dialect.stream.reader"],
      ["yes", "dialect.stream"]
    ] as const
  )("is refused with a stream of %j", ([stream, field]) =>
    Effect.gen(function*() {
      const endpoint = ScriptedEndpoint.make("a", [ScriptedEndpoint.stream(["Hi"])], {
        dialect: { ...Dialect.openai, stream: stream as never }
      })
      const failure = yield* Effect.flip(Effect.provide(Trial.relay, Trial.over([endpoint])))
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", field })
    }))
})
