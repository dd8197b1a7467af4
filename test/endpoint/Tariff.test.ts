/** What models cost: for all, for each, or from a table, and never by guessing. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { Endpoint } from "effect-relay"
import * as Prices from "../../src/endpoint/Prices.ts"
import * as Law from "../Law.ts"

const small: Endpoint.Prices = { inputPerMillion: 0.15, outputPerMillion: 0.6, cacheReadPerMillion: 0.075 }
const large: Endpoint.Prices = { inputPerMillion: 2.5, outputPerMillion: 10 }
const table = { asOf: "2026-11-28", models: { "gpt-4o-mini": small, "gpt-4o": large } }

const make = (options: Partial<Endpoint.Options>) => Endpoint.make({ id: "a", ...options })

const refusal = (options: object) =>
  Effect.map(Effect.flip(make(options)), ({ field, rule, value }) => ({ field, rule, value }))

describe("the prices of an endpoint", () => {
  it.effect("are nobody's guess where they are not said", () =>
    Effect.gen(function*() {
      assert.isUndefined(Endpoint.pricesOf(yield* make({}), "gpt-4o"))
    }))

  it.effect("hold for every model, where they are said once", () =>
    Effect.gen(function*() {
      const endpoint = yield* make({ models: ["x", "y"], prices: large })
      for (const model of ["x", "y", undefined, null]) assert.deepStrictEqual(Endpoint.pricesOf(endpoint, model), large)
    }))

  it.effect("can be said for each model by the names that callers use", () =>
    Effect.gen(function*() {
      const endpoint = yield* make({ models: { quick: "gpt-4o-mini", good: "gpt-4o" }, prices: { quick: small } })
      assert.deepStrictEqual(Endpoint.pricesOf(endpoint, "quick"), small)
      for (const model of ["good", "gpt-4o-mini", undefined]) assert.isUndefined(Endpoint.pricesOf(endpoint, model))
    }))

  it.effect("are looked up in a table by the endpoint's own names", () =>
    Effect.gen(function*() {
      const named = yield* make({ models: { quick: "gpt-4o-mini", good: "gpt-4o" }, prices: table })
      assert.deepStrictEqual(Endpoint.pricesOf(named, "quick"), small)
      assert.deepStrictEqual(Endpoint.pricesOf(named, "good"), large)
      assert.isUndefined(Endpoint.pricesOf(named, "gpt-4o"))
      const any = yield* make({ prices: table })
      assert.deepStrictEqual(Endpoint.pricesOf(any, "gpt-4o"), large)
      for (const model of ["gpt-4o-2024-08-06", "constructor", undefined, null]) {
        assert.isUndefined(Endpoint.pricesOf(any, model))
      }
    }))

  it.effect("are refused where they cannot be meant", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* refusal({ models: { good: "gpt-5" }, prices: table }), {
        field: "models.good",
        value: "\"gpt-5\"",
        rule: "it has to be in the price table of 2026-11-28: add it there, or say the prices of each model"
      })
      assert.deepStrictEqual(yield* refusal({ models: ["x"], prices: { y: small } }), {
        field: "prices.y",
        value: "\"y\"",
        rule: "it has to be one of its models, by the name that callers use"
      })
      assert.deepStrictEqual(yield* refusal({ prices: { x: small, y: 7 } }), {
        field: "prices.y",
        value: "7",
        rule: "it has to be an object of prices, as those of the other models are"
      })
      const fields = [
        [{ x: { inputPerMillion: 1 } }, "prices.x.outputPerMillion"],
        [{ ...small, cacheReadPerMillion: -1 }, "prices.cacheReadPerMillion"],
        [{ ...small, perToken: 1 }, "prices.perToken"],
        [
          { asOf: "today", models: { m: { inputPerMillion: "1", outputPerMillion: 1 } } },
          "prices.models.m.inputPerMillion"
        ],
        [7, "prices"],
        [[small], "prices"]
      ] as const
      for (const [prices, field] of fields) assert.strictEqual((yield* refusal({ prices })).field, field)
    }))
})

const count = Law.oneOf(0, 1, 7, 100, 999_999)
const price = Law.oneOf(0, 0.0001, 0.028, 0.15, 3, 75)
const cases = Arbitrary.all({
  parts: Arbitrary.all([count, count, count, count]),
  prices: Arbitrary.all([price, price, price, price])
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

/** The reference is exact: thousandths of a nanodollar as big integers. */
const costsWhatItCosts = (cost: typeof Prices.cost, most: typeof Prices.most) => ({ parts, prices }: Case): void => {
  const [plain, cacheRead, cacheWrite, output] = parts
  const [inputPerMillion, cacheReadPerMillion, cacheWritePerMillion, outputPerMillion] = prices
  const input = plain + cacheRead + cacheWrite
  const all = { inputPerMillion, cacheReadPerMillion, cacheWritePerMillion, outputPerMillion }
  const fine = (tokens: number, price: number): bigint => BigInt(tokens) * BigInt(Math.round(price * 1e6))
  const up = (thousandths: bigint): bigint => (thousandths + 999n) / 1000n
  const expected = up(
    fine(plain, inputPerMillion) + fine(cacheRead, cacheReadPerMillion) +
      fine(cacheWrite, cacheWritePerMillion)
  ) + up(fine(output, outputPerMillion))
  const tokens = { input, output, total: input + output }
  const told = { ...tokens, cacheRead, cacheWrite }
  assert.strictEqual(BigInt(cost(all, told)), expected)
  // what is set aside before anybody knows what comes from a cache is never too little
  assert.isAtLeast(most(all, tokens), cost(all, told))
  const usual = { inputPerMillion, outputPerMillion }
  assert.strictEqual(cost(usual, told), cost(usual, tokens))
  assert.strictEqual(most(usual, tokens), cost(usual, tokens))
}

describe("what tokens cost", () => {
  it.prop("is exact to the nanodollar, rounded up", [cases], ([it]) => costsWhatItCosts(Prices.cost, Prices.most)(it), {
    ...Law.check(400)
  })

  const broken: ReadonlyArray<readonly [string, typeof Prices.cost, typeof Prices.most]> = [
    [
      "takes what comes from a cache for any other",
      (prices, tokens) => Prices.cost({ ...prices, cacheReadPerMillion: undefined }, tokens),
      Prices.most
    ],
    [
      "counts what comes from a cache on top",
      (prices, tokens) => Prices.cost(prices, { ...tokens, input: tokens.input + (tokens.cacheRead ?? 0) }),
      Prices.most
    ],
    ["sets aside no more than plain input costs", Prices.cost, Prices.cost]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, cost, most]) => Law.isBroken(cases, costsWhatItCosts(cost, most))
  )

  it("of thoughts that stand in the total alone is what answers cost", () => {
    assert.strictEqual(Prices.cost(large, { input: 10, output: 5, total: 115 }), 10 * 2500 + 105 * 10_000)
  })
})
