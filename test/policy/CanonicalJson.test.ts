import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { CanonicalJson } from "effect-relay"
import * as Law from "../Law.ts"

const text = (value: unknown): string => Result.getOrThrow(CanonicalJson.stringify(value))

const refusal = (value: unknown) => Result.getOrThrow(Result.flip(CanonicalJson.stringify(value)))

const json = Arbitrary.schema(Schema.Json)

/** The same value, with the members of every object in another order. */
const shuffled = (value: Schema.Json): Schema.Json => {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).toReversed().map(([key, member]) => [key, shuffled(member)]))
}

/** Equality the slow way: of JSON values, whatever the order of their keys. */
const equal = (a: Schema.Json, b: Schema.Json): boolean => {
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, n) => equal(item, b[n]!))
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b
  const [left, right] = [a, b] as [Record<string, Schema.Json>, Record<string, Schema.Json>]
  const keys = Object.keys(left)
  return keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equal(left[key]!, right[key]!))
}

describe("CanonicalJson", () => {
  it.prop("is JSON of the same value, one text whatever the order of keys", [json], ([value]) => {
    const canonical = text(value)
    assert.isTrue(equal(JSON.parse(canonical), JSON.parse(JSON.stringify(value))))
    assert.strictEqual(text(shuffled(value)), canonical)
    assert.strictEqual(text(JSON.parse(canonical)), canonical)
  }, Law.check(200))

  // values from a small world, so that many are equal
  const small = Arbitrary.array(
    Arbitrary.array(Law.oneOf<string | number | boolean>("", "a", "a,b", 0, -0, 1, "1", true, "true"), {
      maxLength: 2
    }),
    {
      maxLength: 2
    }
  )
  it.prop("tells apart what differs, and nothing else", [small, small], ([a, b]) => {
    assert.strictEqual(text(a) === text(b), equal(a, b))
    const objects = [a, b].map((lists) => Object.fromEntries(lists.map((list, n) => [String(list[0] ?? n), list])))
    assert.strictEqual(text(objects[0]) === text(objects[1]), equal(objects[0]!, objects[1]!))
  }, Law.check(1000))

  it("sorts keys by their UTF-16 units and writes numbers and texts as RFC 8785 does", () => {
    const unordered = Object.fromEntries(
      ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"].map((key) => [key, 0])
    )
    const inOrder = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\u{1f600}", "\ufb33"]
    assert.strictEqual(text(unordered), `{${inOrder.map((key) => `${JSON.stringify(key)}:0`).join(",")}}`)
    assert.strictEqual(
      text([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0]),
      "[333333333.3333333,1e+30,4.5,0.002,1e-27,0]"
    )
    assert.strictEqual(text("\u20ac$\u000F\nA'B\"/"), `"\u20ac$\\u000f\\nA'B\\"/"`)
  })

  it("takes a member that is undefined for absent, and a key named __proto__ for any other", () => {
    assert.strictEqual(text({ b: undefined, a: 1 }), text({ a: 1 }))
    assert.strictEqual(text(JSON.parse(`{"__proto__":{"x":1}}`)), `{"__proto__":{"x":1}}`)
    assert.strictEqual(text(Object.assign(Object.create(null), { a: 1 })), `{"a":1}`)
  })

  const cycle: Record<string, unknown> = {}
  cycle["again"] = { cycle }
  const refused: ReadonlyArray<readonly [string, unknown, string]> = [
    ["NaN", { a: [1, NaN] }, "a.1"],
    ["Infinity", { a: { b: Infinity } }, "a.b"],
    ["a function", [() => 1], "0"],
    ["a symbol", Symbol.iterator, "(the whole)"],
    ["a bigint", { n: 1n }, "n"],
    ["undefined in a list", [1, undefined], "1"],
    ["undefined", undefined, "(the whole)"],
    ["a date", { at: new Date(0) }, "at"],
    ["a map", new Map([[1, 2]]), "(the whole)"],
    ["an instance of a class", { e: new Error("x") }, "e"],
    ["a hole in a list", [1, , 3], "1"] // oxlint-disable-line no-sparse-arrays
  ]
  it.each(refused)("refuses %s, and says where", (_, value, path) => {
    assert.strictEqual(refusal(value).path, path)
  })

  it("refuses a list that says otherwise as JSON", () => {
    const list = Object.assign(["a"], { toJSON: () => ["b"] })
    assert.deepStrictEqual(
      CanonicalJson.stringify({ list }),
      Result.fail({
        path: "list",
        rule: "it is a list that says otherwise as JSON"
      })
    )
  })

  it("says which rule was broken first", () => {
    const rules: ReadonlyArray<readonly [unknown, string]> = [
      [{ a: NaN, b: () => 1 }, "NaN is not a JSON number"],
      [{ a: () => 1, b: NaN }, "a function is not JSON"],
      [{ at: new Date(0) }, "it is not a plain object"]
    ]
    for (const [value, rule] of rules) assert.strictEqual(refusal(value).rule, rule)
  })

  it("looks no further than the first refusal, where a cycle has more ways through than anyone could go", () => {
    const maze: Record<string, unknown> = {}
    for (const way of ["left", "right"]) maze[way] = maze
    assert.include(refusal(maze).rule, "cycle")
  })

  it("refuses a cycle, and what is nested too deep, without falling over", () => {
    assert.include(refusal(cycle).rule, "cycle")
    let deep: unknown = 0
    for (let n = 0; n < 100_000; n++) deep = [deep]
    assert.include(refusal(deep).rule, "deeper than 64")
    let most: unknown = 0
    for (let n = 0; n < 64; n++) most = { a: most }
    assert.isTrue(Result.isSuccess(CanonicalJson.stringify(most)))
    assert.strictEqual(refusal({ a: most }).path, Array(65).fill("a").join("."))
  })
})
