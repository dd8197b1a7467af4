import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Endpoint, PriceTable } from "effect-relay"

describe("the table of prices", () => {
  it("is dated, and has the same kinds of prices for every model", () => {
    assert.match(PriceTable.listed.asOf, /^\d{4}-\d\d-\d\d$/)
    for (const [model, prices] of Object.entries(PriceTable.listed.models)) {
      const { cacheReadPerMillion, cacheWritePerMillion, inputPerMillion, outputPerMillion } = prices
      assert.isAbove(inputPerMillion, 0, model)
      assert.isAtLeast(outputPerMillion, inputPerMillion, model)
      assert.isBelow(cacheReadPerMillion!, inputPerMillion, model)
      assert.isAtLeast(cacheWritePerMillion!, inputPerMillion, model)
    }
  })

  it.effect("prices the models of an endpoint that names it, and no other", () =>
    Effect.gen(function*() {
      const models = { small: "gpt-4o-mini" }
      const priced = yield* Endpoint.make({ id: "a", models, prices: PriceTable.listed })
      assert.strictEqual(Endpoint.pricesOf(priced, "small")?.inputPerMillion, 0.15)
      assert.isUndefined(Endpoint.pricesOf(yield* Endpoint.make({ id: "a", models }), "small"))
    }))

  it("can be replaced model by model, with a day of its own", () => {
    const free = { inputPerMillion: 0, outputPerMillion: 0 }
    const mine = PriceTable.extend(PriceTable.listed, "2027-01-04", { "gpt-4o": free, ours: free })
    assert.strictEqual(mine.asOf, "2027-01-04")
    assert.deepStrictEqual([mine.models["gpt-4o"], mine.models["ours"]], [free, free])
    assert.strictEqual(mine.models["gpt-4.1"], PriceTable.listed.models["gpt-4.1"])
    assert.notStrictEqual(PriceTable.listed.models["gpt-4o"]!.inputPerMillion, 0)
  })
})
