import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Failure } from "effect-relay"
import * as Attempt from "../../src/policy/Attempt.ts"

const attempt: Attempt.Attempt = { endpoint: "a", outcome: "Success", sent: true, round: 0, at: 0, duration: 0 }

describe("no tries", () => {
  it("are the same for everybody, and nobody's to write to", () => {
    assert.throws(() => (Attempt.none as Array<unknown>).push("mine"), TypeError)
  })

  it("are each failure's own where it is made without any", () => {
    const make = () => new Failure.RequestRejected({ detail: "no model" })
    ;(make().attempts as Array<unknown>).push("mine")
    assert.deepStrictEqual(make().attempts, [])
  })
})

describe("what tries cost", () => {
  it("is the sum of what is known", () => {
    assert.strictEqual(Attempt.costOf([]), 0)
    assert.strictEqual(Attempt.costOf([attempt, { ...attempt, cost: 5 }, { ...attempt, cost: 7 }]), 12)
  })

  it("is told with whether it was reckoned, which is said or is not", () => {
    const decode = Schema.decodeUnknownResult(Attempt.Attempt)
    assert.isTrue(Result.isSuccess(decode({ ...attempt, cost: 5, isEstimated: true })))
    assert.isTrue(Result.isFailure(decode({ ...attempt, cost: 5, isEstimated: false })))
  })
})
