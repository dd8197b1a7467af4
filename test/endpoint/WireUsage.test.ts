/** What of a usage is priced by itself, as services tell it, and nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result } from "effect"
import * as ChatAnswer from "../../src/endpoint/ChatAnswer.ts"
import * as ChatCompletion from "../../src/endpoint/ChatCompletion.ts"
import * as WireUsage from "../../src/endpoint/WireUsage.ts"
import * as Tokens from "../../src/policy/Tokens.ts"
import * as Law from "../Law.ts"

const counts = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }

const read = (usage: object): Tokens.Tokens => {
  const draft = ChatCompletion.read({ choices: [{ message: { content: "Yes." } }], usage })
  return ChatAnswer.tokensOf(Result.getOrThrow(draft))
}

describe("the usage of an answer", () => {
  const told: ReadonlyArray<readonly [service: string, usage: object, parts: object]> = [
    ["OpenAI", {
      prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 12 }
    }, { cacheRead: 64, reasoning: 12 }],
    ["OpenRouter", { prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 90 } }, {
      cacheRead: 0,
      cacheWrite: 90
    }],
    ["DeepSeek", { prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 }, { cacheRead: 64 }],
    ["Moonshot", { cached_tokens: 32 }, { cacheRead: 32 }],
    ["a proxy that speaks Anthropic's", { cache_read_input_tokens: 5, cache_creation_input_tokens: 7 }, {
      cacheRead: 5,
      cacheWrite: 7
    }],
    ["responses", { input_tokens_details: { cached_tokens: 3 }, output_tokens_details: { reasoning_tokens: 4 } }, {
      cacheRead: 3,
      reasoning: 4
    }]
  ]
  it.each(told)("of %s tells what came from the cache, what went into it, what was thought", (_, usage, parts) => {
    assert.deepStrictEqual(read({ ...counts, ...usage }), { input: 100, output: 20, total: 120, ...parts })
  })

  it("is as valid without parts, and with parts that are none", () => {
    const plain = { input: 100, output: 20, total: 120 }
    for (
      const usage of [
        {},
        { prompt_tokens_details: null },
        { prompt_tokens_details: "none" },
        { prompt_tokens_details: { cached_tokens: "many" } },
        { prompt_tokens_details: [1], completion_tokens_details: 7 },
        { cached_tokens: Number.NaN }
      ]
    ) assert.deepStrictEqual(read({ ...counts, ...usage }), plain, JSON.stringify(usage))
    assert.deepStrictEqual([undefined, null, 7, "x", []].map(WireUsage.parts), Array.from({ length: 5 }, () => ({})))
  })

  it("has no part that is more than the whole", () => {
    assert.deepStrictEqual(
      read({
        ...counts,
        prompt_tokens_details: { cached_tokens: 90, cache_write_tokens: 90 },
        completion_tokens_details: { reasoning_tokens: 1e9 }
      }),
      { input: 100, output: 20, total: 120, cacheRead: 90, cacheWrite: 10, reasoning: 20 }
    )
    // xAI counts thoughts in the total alone
    const { reasoning } = read({ ...counts, total_tokens: 420, completion_tokens_details: { reasoning_tokens: 300 } })
    assert.strictEqual(reasoning, 300)
  })

  const part = Law.oneOf(-1, 0, 1, 40)
  const tokens = Arbitrary.map(
    Arbitrary.all([Law.int(0, 60), Law.int(0, 60), part, part, part]),
    ([input, output, cacheRead, cacheWrite, reasoning]) =>
      ChatAnswer.tokensOf({
        tokens: {
          input,
          output,
          total: undefined,
          cacheRead: cacheRead < 0 ? undefined : cacheRead,
          cacheWrite: cacheWrite < 0 ? undefined : cacheWrite,
          reasoning: reasoning < 0 ? undefined : reasoning
        }
      })
  )

  it.prop("is written as it was read", [tokens], ([tokens]) => {
    const { cacheRead, cacheWrite } = tokens
    // what was put into a cache is not told without what came from it
    const expected = cacheWrite === undefined ? tokens : { ...tokens, cacheRead: cacheRead ?? 0 }
    assert.deepStrictEqual(read(WireUsage.write(tokens)), expected)
  }, Law.check(200))

  it.prop("adds up part by part", [tokens, tokens], ([a, b]) => {
    const sum = Tokens.add(a, b)
    for (const field of ["input", "output", "total", "cacheRead", "cacheWrite", "reasoning"] as const) {
      const isKnown = a[field] !== undefined || b[field] !== undefined
      assert.strictEqual(sum[field], isKnown ? (a[field] ?? 0) + (b[field] ?? 0) : undefined)
      assert.strictEqual(field in sum, isKnown)
    }
  }, Law.check(200))
})
