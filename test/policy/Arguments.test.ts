import { assert, describe, it } from "@effect/vitest"
import * as Arguments from "../../src/policy/Arguments.ts"

const rules = {
  name: Arguments.text,
  loud: Arguments.flag,
  times: Arguments.count,
  by: Arguments.fn,
  extra: Arguments.anything
}

const flawOf = (given: unknown) => Arguments.flawOf("options", given, rules)

describe("arguments", () => {
  it.each<readonly [unknown]>([
    [undefined],
    [{}],
    [{ name: "", loud: false, times: 0, by: () => 1, extra: null }],
    [{ name: undefined, loud: undefined, strange: undefined }],
    [Object.create({ name: "inherited" })]
  ])("may be missing, as a whole and one by one, or as their rules say", (given) => {
    assert.isUndefined(flawOf(given))
  })

  const itHas = (rule: string) => `it has to be ${rule}`

  it.each<readonly [unknown, argument: string, value: string, rule: string]>([
    [null, "options", "null", itHas("an object")],
    [5, "options", "5", itHas("an object")],
    ["text", "options", "\"text\"", itHas("an object")],
    [[], "options", "array", itHas("an object")],
    [() => ({}), "options", "function", itHas("an object")],
    [{ name: 1n }, "name", "1", itHas("a text")],
    [{ name: null }, "name", "null", itHas("a text")],
    [{ name: ["a"] }, "name", "array", itHas("a text")],
    [{ name: { a: 1 } }, "name", "object", itHas("a text")],
    [{ name: Symbol("a") }, "name", "symbol", itHas("a text")],
    [{ loud: "yes" }, "loud", "\"yes\"", itHas("true or false")],
    [{ loud: "x".repeat(80) }, "loud", `"${"x".repeat(80)}"`, itHas("true or false")],
    [{ loud: "x".repeat(81) }, "loud", `"${"x".repeat(80)}…"`, itHas("true or false")],
    [{ loud: 10n ** 90n }, "loud", `1${"0".repeat(79)}…`, itHas("true or false")],
    [{ times: -1 }, "times", "-1", itHas("a whole number from 0 up")],
    [{ times: 1.5 }, "times", "1.5", itHas("a whole number from 0 up")],
    [{ by: true }, "by", "true", itHas("a function")],
    [{ name: "fine", loud: 0 }, "loud", "0", itHas("true or false")],
    [Object.create({ loud: 1 }), "loud", "1", itHas("true or false")],
    [{ strange: 7 }, "strange", "7", "there is no such option"],
    [{ strange: true }, "strange", "true", "there is no such option"],
    [{ strange: "secret" }, "strange", "not shown here", "there is no such option"],
    [{ toString: 1 }, "toString", "1", "there is no such option"],
    [{ ["y".repeat(90)]: 1 }, `${"y".repeat(80)}…`, "1", "there is no such option"]
  ])("are refused by the first that is wrong: %o", (given, argument, value, rule) => {
    assert.deepStrictEqual(flawOf(given), { argument, value, rule })
  })
})
