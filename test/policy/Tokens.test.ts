import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Tokens from "../../src/policy/Tokens.ts"

const { none } = Tokens
const all: Tokens.Tokens = { input: 7, output: 3, total: 10, cacheRead: 4, cacheWrite: 2, reasoning: 1 }
const parts = ["cacheRead", "cacheWrite", "reasoning"] as const

describe("Tokens", () => {
  it("are none where nothing was read or written", () => {
    assert.deepStrictEqual(none, { input: 0, output: 0, total: 0 })
  })

  it("add up, each kind by itself", () => {
    assert.deepStrictEqual(Tokens.add(all, { ...all, reasoning: 8 }), {
      input: 14,
      output: 6,
      total: 20,
      cacheRead: 8,
      cacheWrite: 4,
      reasoning: 9
    })
    assert.deepStrictEqual(Tokens.add(none, none), none)
  })

  it.each(parts)("have in their sum the %s that only one of them knows", (part) => {
    const one = { ...none, [part]: 5 }
    assert.deepStrictEqual([Tokens.add(one, none), Tokens.add(none, one)], [one, one])
  })

  it("have the parts that are known, and are the same where none is", () => {
    assert.deepStrictEqual(Tokens.withDetails(none, 0, undefined, undefined), { ...none, cacheRead: 0 })
    assert.deepStrictEqual(Tokens.withDetails(none, undefined, 0, undefined), { ...none, cacheWrite: 0 })
    assert.deepStrictEqual(Tokens.withDetails(none, undefined, undefined, 0), { ...none, reasoning: 0 })
    assert.strictEqual(Tokens.withDetails(all, undefined, undefined, undefined), all)
  })

  it("cross a wire and come back, and what is no number does not", () => {
    const decode = Schema.decodeUnknownResult(Tokens.Tokens)
    for (const tokens of [none, all]) {
      assert.deepStrictEqual(Result.getOrThrow(decode(JSON.parse(JSON.stringify(tokens)))), tokens)
    }
    for (const wrong of [{}, { ...none, total: "0" }, ...parts.map((part) => ({ ...all, [part]: null }))]) {
      assert.isTrue(Result.isFailure(decode(wrong)))
    }
  })
})
