import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as ModelMember from "../../src/endpoint/ModelMember.ts"
import * as Law from "../Law.ts"

const texts = ["smart", "", "\"", "\\", "a\\\"b", "{\"model\":\"x\"}", "ü\u{1F600}", "model"] as const
const names = Law.oneOf(...texts)
const keys = ["a", "model", "mod\"el", "\\", "modèle", "messages"]

/** A value that a number stands for; some hold a model of their own further in. */
const valueOf = (number: number): unknown => {
  const name = texts[number % texts.length]!
  const key = keys[number % keys.length]!
  return [name, { [key]: name }, [[name], { model: { model: name } }], null, -1.5e-7, { [key]: { [name]: [] } }][
    Math.floor(number / 48) % 6
  ]
}

const objects = Arbitrary.map(
  Law.list(Law.int(0, 287), 5),
  (numbers): Record<string, unknown> => ({
    ...Object.fromEntries(
      numbers.map((number) => [keys[number % keys.length]!, [valueOf(number), valueOf(number + 1)]])
    ),
    model: "smart"
  })
)

describe("the model in a JSON body", () => {
  it.prop(
    "is replaced, and nothing else, however the body is written",
    [objects, names, Law.oneOf("", " ", "\t", "\n\r ")],
    ([object, model, space]) => {
      const json = JSON.stringify(object, null, space)
      assert.deepStrictEqual(JSON.parse(ModelMember.replace(json, model)), { ...object, model })
      assert.strictEqual(ModelMember.replace(json, "smart"), json)
    },
    Law.check(500)
  )

  const written: Readonly<Record<string, readonly [string, string]>> = {
    "numbers no double can hold": [
      `{"seed":12345678901234567890,"model":"a","p":1.10}`,
      `{"seed":12345678901234567890,"model":"z","p":1.10}`
    ],
    "a name that is escaped": [`{"\\u006dodel":"a"}`, `{"\\u006dodel":"z"}`],
    "a name given twice": [`{"model":"a","model":"b"}`, `{"model":"z","model":"z"}`],
    "a model that is no text": [`{"model":1}`, `{"model":1}`],
    "spaces everywhere": [` {\n"model" :\t"a" }`, ` {\n"model" :\t"z" }`],
    "a value that reads like a name": [`{"a":"model","b":["model"]}`, `{"a":"model","b":["model"]}`]
  }
  for (const [name, [json, expected]] of Object.entries(written)) {
    it(`leaves alone what is not its business: ${name}`, () => {
      assert.strictEqual(ModelMember.replace(json, "z"), expected)
    })
  }

  it("is found behind five megabytes of a picture", () => {
    const picture = "A\\/".repeat(1_600_000)
    assert.strictEqual(
      ModelMember.replace(`{"image":"${picture}","model":"a"}`, "z"),
      `{"image":"${picture}","model":"z"}`
    )
  })
})
