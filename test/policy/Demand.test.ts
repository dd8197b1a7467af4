import { assert, describe, it } from "@effect/vitest"
import * as Demand from "../../src/policy/Demand.ts"
import * as InvalidArgument from "../../src/policy/InvalidArgument.ts"

describe("a demand", () => {
  it.each<readonly [unknown, Demand.Claim]>([
    [undefined, { level: 1, weight: 1 }],
    [{}, { level: 1, weight: 1 }],
    [{ priority: "high" }, { level: 0, weight: 1 }],
    [{ priority: "normal" }, { level: 1, weight: 1 }],
    [{ priority: "low" }, { level: 2, weight: 1 }],
    [{ priority: "background", weight: 5 }, { level: 3, weight: 5 }],
    [{ priority: 0 }, { level: 0, weight: 1 }],
    [{ priority: 3 }, { level: 3, weight: 1 }]
  ])("is a level and a weight: %o", (demand, claim) => {
    assert.deepStrictEqual(Demand.decode(demand as Demand.Demand), claim)
  })

  const levels = "it has to be \"high\", \"normal\", \"low\", \"background\" or a whole number from 0 to 3"
  it.each<readonly [unknown, argument: string, value: string, rule: string]>([
    [{ urgent: true }, "urgent", "true", "there is no such option"],
    [{ priority: 4 }, "priority", "4", levels],
    [{ priority: -1 }, "priority", "-1", levels],
    [{ priority: 0.5 }, "priority", "0.5", levels],
    [{ priority: "urgent" }, "priority", "\"urgent\"", levels],
    [{ priority: "length" }, "priority", "\"length\"", levels],
    [{ weight: 0 }, "weight", "0", "it has to be a whole number from 1 up"],
    [{ weight: 1.5 }, "weight", "1.5", "it has to be a whole number from 1 up"]
  ])("is refused by what is wrong with it: %o", (demand, argument, value, rule) => {
    const failure = Demand.decode(demand as Demand.Demand)
    assert.instanceOf(failure, InvalidArgument.InvalidArgument)
    const subject = "Bulkhead.protectWith"
    assert.deepStrictEqual({ ...failure }, { _tag: "InvalidArgument", subject, argument, value, rule } as never)
  })

  it("that is too heavy says how heavy it may be", () => {
    assert.strictEqual(
      Demand.tooHeavy(9, 4).message,
      "Bulkhead.protectWith: weight is 9, but it has to be at most 4, as many as may run at once"
    )
  })
})
