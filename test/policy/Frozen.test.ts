import { assert, describe, it } from "@effect/vitest"
import * as Frozen from "../../src/policy/Frozen.ts"

describe("what is frozen", () => {
  it("is all that is a list or a plain object, however deep, and goes round in circles", () => {
    const inner = { list: [1, { a: 1 }], bare: Object.assign(Object.create(null), { b: {} }) }
    const value: Record<string, unknown> = { inner, again: inner }
    value["self"] = value
    Frozen.freeze(value)
    for (const part of [value, inner, inner.list, inner.list[1], inner.bare, inner.bare.b]) {
      assert.isTrue(Object.isFrozen(part))
    }
  })

  it("is not what belongs to somebody else", () => {
    const date = new Date(0)
    Frozen.freeze({ date })
    assert.isFalse(Object.isFrozen(date))
  })

  it("is as large as its texts and bytes, about", () => {
    const empty = Frozen.freeze({})
    assert.isAtMost(empty, 100)
    assert.strictEqual(Frozen.freeze("x".repeat(1000)) - Frozen.freeze(""), 1000)
    assert.isAtLeast(Frozen.freeze({ a: ["x".repeat(500), { b: "y".repeat(500) }] }), empty + 1000)
    assert.isAtLeast(Frozen.freeze({ bytes: new Uint8Array(5000) }), 5000)
    const shared = { text: "x".repeat(1000) }
    assert.isBelow(Frozen.freeze([shared, shared, shared]), 1500)
  })

  it("takes sixteen bytes a member and twenty-four an object, once each", () => {
    const one = { a: 1 }
    const sizes: ReadonlyArray<readonly [unknown, number]> = [
      [undefined, 16],
      [null, 16],
      [true, 16],
      ["ab", 18],
      [new Uint8Array(5), 21],
      [[], 40],
      [{ a: 1, b: "ab" }, 74],
      [Object.assign(Object.create(null), { a: 1 }), 56],
      // the second time it is a member like any other
      [[one, one], 40 + 56 + 16],
      [new Date(0), 16]
    ]
    for (const [value, bytes] of sizes) assert.strictEqual(Frozen.freeze(value), bytes)
  })

  it("may be nested deeper than the stack", () => {
    let deep: unknown = 0
    for (let n = 0; n < 100_000; n++) deep = [deep]
    assert.isAbove(Frozen.freeze(deep), 100_000)
  })
})
