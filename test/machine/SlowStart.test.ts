import { assert, describe, it } from "@effect/vitest"
import * as SlowStart from "../../src/machine/SlowStart.ts"

describe("SlowStart", () => {
  it("begins with a tenth, grows with time, and ends with all", () => {
    const shares = [0, 2999, 3000, 15_000, 29_999, 30_000, 1e9].map((now) => SlowStart.share(100, 100 + now, 30_000))
    assert.deepStrictEqual(shares, [0.1, 0.1, 0.1, 0.5, 29_999 / 30_000, 1, 1])
  })

  it("is over at once where it takes no time", () => {
    assert.strictEqual(SlowStart.share(5, 5, 0), 1)
  })
})
