import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as ChatCompletion from "../../src/endpoint/ChatCompletion.ts"
import * as Law from "../Law.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Call = Schema.Struct({ name: nullish(Schema.String), arguments: nullish(Schema.String) })

const call = { id: nullish(Schema.String), type: nullish(Schema.String), function: nullish(Call) }

const reply = {
  role: nullish(Schema.String),
  content: nullish(Schema.Union([Schema.String, Schema.Array(Schema.Unknown)])),
  refusal: nullish(Schema.String),
  tool_calls: nullish(Schema.Array(Schema.Struct(call))),
  function_call: nullish(Call),
  audio: nullish(Schema.Unknown)
}

const choice = { index: nullish(Schema.Int), finish_reason: nullish(Schema.String), message: Schema.Struct(reply) }

const usage = {
  prompt_tokens: nullish(Schema.Finite),
  completion_tokens: nullish(Schema.Finite),
  total_tokens: nullish(Schema.Finite)
}

const completion = {
  id: nullish(Schema.String),
  model: nullish(Schema.String),
  choices: Schema.Array(Schema.Struct(choice)),
  usage: nullish(Schema.Struct(usage))
}

/** The slow and obvious way: a schema says what a completion is, and what is read is its decoded copy. */
const isReadAs = (schema: Schema.Codec<unknown>) => {
  const decode = Schema.decodeUnknownResult(schema)
  return (body: unknown): void => {
    const read = ChatCompletion.read(body)
    const decoded = decode(body)
    if (Result.isFailure(decoded)) {
      const detail = String(decoded.failure.message).slice(0, 300)
      assert.deepStrictEqual(read, Result.fail({ reason: "Malformed", detail }))
    } else {
      assert.isFalse(Result.isFailure(read) && read.failure.reason === "Malformed")
      assert.deepStrictEqual(read, ChatCompletion.read(decoded.success))
    }
  }
}

const whole = {
  id: "c-1",
  model: "m-1",
  choices: [
    {
      index: 0,
      finish_reason: "stop",
      message: {
        role: "assistant",
        content: "Bern.",
        refusal: null,
        tool_calls: [
          { id: "t-1", type: "function", function: { name: "lookup", arguments: "{}" } },
          { id: "t-2", function: { name: "lookup" } }
        ],
        function_call: { name: "lookup", arguments: "{}" },
        audio: { id: "a-1" }
      }
    },
    { index: 1, message: { content: [{ type: "text", text: "Or Berne." }, 7] } }
  ],
  usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 },
  created: 1_800_000_000
}

type Path = ReadonlyArray<string>

const pathsOf = (value: unknown): ReadonlyArray<Path> =>
  typeof value !== "object" || value === null ? [[]] : [
    [],
    ...Object.entries(value).flatMap(([name, part]) => pathsOf(part).map((path) => [name, ...path]))
  ]

const paths = pathsOf(whole)

const remove = Symbol("remove")

/** The value with another in this place, or with none. */
const put = (value: unknown, [name, ...rest]: Path, other: unknown): unknown => {
  if (name === undefined) return other
  if (typeof value !== "object" || value === null || !(name in value)) return value
  const part = put(Reflect.get(value, name), rest, other)
  const entries = Object.entries(value).map((entry) => entry[0] === name ? [name, part] as const : entry)
  const kept = entries.filter(([, part]) => part !== remove)
  return Array.isArray(value) ? kept.map(([, part]) => part) : Object.fromEntries(kept)
}

// 1e999 is JSON, and infinite
const anything: ReadonlyArray<unknown> = [
  null,
  true,
  0,
  1,
  -1,
  1.5,
  1e300,
  Infinity,
  "",
  "text",
  [],
  [null],
  ["text"],
  [[]],
  [{}],
  {},
  { name: 7 },
  { message: {} },
  { text: "text" },
  { length: 1, 0: {} },
  JSON.parse(`{"__proto__":{"choices":[]}}`),
  remove
]

const change = Arbitrary.map(
  Arbitrary.all({ path: Law.int(0, paths.length - 1), other: Law.int(0, anything.length - 1) }),
  ({ other, path }) => ({ path: paths[path]!, other: anything[other] })
)

const bodies = Arbitrary.map(Law.list(change, 5), (changes): unknown => {
  const body = changes.reduce<unknown>((body, { other, path }) => put(body, path, other), whole)
  return body === remove ? null : body
})

const any = Schema.optional(Schema.Unknown)

const inChoices = (fields: Schema.Struct.Fields): Schema.Struct.Fields => ({
  ...completion,
  choices: Schema.Array(Schema.Struct(fields))
})

const inReply = (fields: Schema.Struct.Fields): Schema.Struct.Fields =>
  inChoices({ ...choice, message: Schema.Struct({ ...reply, ...fields }) })

const loosened: ReadonlyArray<readonly [string, Schema.Struct.Fields]> = [
  ["any id", { ...completion, id: any }],
  ["any model", { ...completion, model: any }],
  ["any usage", { ...completion, usage: any }],
  ["an infinite count", {
    ...completion,
    usage: nullish(Schema.Struct({ ...usage, total_tokens: nullish(Schema.Number) }))
  }],
  ["no choices", { ...completion, choices: Schema.optional(completion.choices) }],
  ["any choice", { ...completion, choices: Schema.Array(Schema.Unknown) }],
  ["half an index", inChoices({ ...choice, index: nullish(Schema.Finite) })],
  ["any reason", inChoices({ ...choice, finish_reason: any })],
  ["no message", inChoices({ ...choice, message: Schema.optional(Schema.Struct(reply)) })],
  ["any content", inReply({ content: any })],
  ["any refusal", inReply({ refusal: any })],
  ["any function call", inReply({ function_call: any })],
  ["any tool call", inReply({ tool_calls: nullish(Schema.Array(Schema.Unknown)) })],
  [
    "any function in a tool call",
    inReply({ tool_calls: nullish(Schema.Array(Schema.Struct({ ...call, function: any }))) })
  ]
]

describe("a body, whatever it is", () => {
  it.prop(
    "is read as its schema reads it, down to the words for what is wrong with it",
    { body: bodies },
    ({ body }) => isReadAs(Schema.Struct(completion) as never)(body),
    Law.check(2000)
  )

  it.effect.each(loosened)(
    "is read otherwise by a schema that takes %s",
    ([, fields]) => Law.isBroken(bodies, isReadAs(Schema.Struct(fields) as never))
  )
})
