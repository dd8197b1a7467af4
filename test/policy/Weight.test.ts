import { assert, describe, it } from "@effect/vitest"
import type * as Limit from "../../src/machine/Limit.ts"
import { Limits } from "../../src/machine/Limits.ts"
import * as InvalidArgument from "../../src/policy/InvalidArgument.ts"
import * as Weight from "../../src/policy/Weight.ts"

const cost = (weight: unknown) => Weight.toCost("it", weight as Weight.Weight, { calls: 3, tokens: 7 })

describe("a weight", () => {
  it.each<readonly [object, object]>([
    [{}, { calls: 3, tokens: 7 }],
    [{ calls: 0 }, { calls: 0, tokens: 7 }],
    [{ tokens: 9 }, { calls: 3, tokens: 9 }],
    [{ calls: undefined, tokens: 0 }, { calls: 3, tokens: 0 }]
  ])("is what it says, and otherwise what there was: %o", (weight, expected) => {
    assert.deepStrictEqual(cost(weight) as object, expected)
  })

  const fromZero = "it has to be a whole number from 0 up"
  it.each<readonly [unknown, argument: string, value: string, rule: string]>([
    [null, "weight", "object", "it has to be an object with calls or tokens"],
    [5, "weight", "5", "it has to be an object with calls or tokens"],
    [{ tokns: 5 }, "tokns", "5", "a weight has only calls and tokens"],
    [{ calls: -1 }, "calls", "-1", fromZero],
    [{ calls: 0.5 }, "calls", "0.5", fromZero],
    [{ tokens: 2 ** 53 }, "tokens", "9007199254740992", fromZero],
    [{ tokens: "5" }, "tokens", "\"5\"", fromZero]
  ])("is refused by what is wrong with it: %o", (weight, argument, value, rule) => {
    const failure = cost(weight)
    assert.instanceOf(failure, InvalidArgument.InvalidArgument)
    assert.deepStrictEqual({ ...failure }, { _tag: "InvalidArgument", subject: "it", argument, value, rule } as never)
  })

  const spec = (of: Limit.Unit, limit: number, algorithm: Limit.Algorithm): Limit.Spec => ({
    of,
    limit,
    window: 60_000,
    margin: 0,
    burst: 1,
    algorithm
  })

  it("never passes a limit that counts exactly and is lower, of the same unit", () => {
    const excess = (specs: ReadonlyArray<Limit.Spec>, calls: number, tokens: number) =>
      Weight.excess("it", { calls, tokens }, new Limits(specs))?.message
    for (const algorithm of ["slidingWindow", "fixedWindow"] as const) {
      const specs = [spec("calls", 2, algorithm), spec("tokens", 100, algorithm)]
      assert.isUndefined(excess(specs, 2, 100))
      assert.match(String(excess(specs, 3, 0)), /^it: calls is 3, but more than 2 calls per 1m.* can never pass$/)
      assert.match(
        String(excess(specs, 0, 101)),
        /^it: tokens is 101, but more than 100 tokens per 1m.* can never pass$/
      )
    }
    for (const algorithm of ["gcra", "tokenBucket"] as const) {
      assert.isUndefined(excess([spec("calls", 2, algorithm)], 9, 0))
    }
    assert.isUndefined(excess([spec("tokens", 2, "fixedWindow")], 9, 0))
  })
})
