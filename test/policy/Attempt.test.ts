import { assert, describe, it } from "@effect/vitest"
import { Failure } from "effect-relay"
import * as Attempt from "../../src/policy/Attempt.ts"

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
