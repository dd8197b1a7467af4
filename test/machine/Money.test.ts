import { assert, describe, it } from "@effect/vitest"
import * as Money from "../../src/machine/Money.ts"
import * as Law from "../Law.ts"

describe("Money", () => {
  it("counts what a token of the cheapest and of the dearest models costs", () => {
    assert.deepStrictEqual(
      [[1, 0.028], [1, 0.15], [1000, 0.15], [1, 600], [3, 0.0001], [0, 600]].map(([tokens, price]) =>
        Money.cost(tokens!, price!)
      ),
      [28, 150, 150_000, 600_000, 1, 0]
    )
  })

  it("rounds a part of a nanodollar up, so that nothing is free that has a price", () => {
    assert.deepStrictEqual([1, 10, 11, 20, 21].map((tokens) => Money.cost(tokens, 0.0001)), [1, 1, 2, 2, 3])
  })

  it("is bounded, however much of whatever price", () => {
    const most = Money.fromDollars(Money.maxDollars)
    assert.isTrue(Number.isSafeInteger(most))
    assert.deepStrictEqual([Money.cost(Number.MAX_SAFE_INTEGER, 1e300), Money.cost(1e15, 1e6)], [most, most])
  })

  it.prop("is a sum of whole numbers, whatever the parts", [Law.list(Law.int(0, 1_000_000), 40)], ([parts]) => {
    const sum = parts.reduce((sum, part) => sum + Money.fromDollars(part / 1_000_000), 0)
    assert.strictEqual(sum, parts.reduce((sum, part) => sum + part, 0) * 1000)
  }, Law.check(200))

  it("is written whatever it is, exactly", () => {
    assert.deepStrictEqual(
      [90_071_992_547_409_931_000_000_001n, -1n, 0n, 2n ** 53n + 1n, 0.4, Infinity, NaN].map(Money.format),
      ["$90071992547409931.000000001", "$-0.000000001", "$0.00", "$9007199.254740993", "$0.00", "$Infinity", "$NaN"]
    )
  })

  it("is written with cents, and with as much more as there is", () => {
    assert.deepStrictEqual(
      [2, 0.5, 0.02, 0.0043, 1.5e-9, 0, 9_000_000, 1234.567, -0.25].map((dollars) =>
        Money.format(Money.fromDollars(dollars))
      ),
      ["$2.00", "$0.50", "$0.02", "$0.0043", "$0.000000002", "$0.00", "$9000000.00", "$1234.567", "$-0.25"]
    )
  })
})
