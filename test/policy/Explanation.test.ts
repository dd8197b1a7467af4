import { assert, describe, it } from "@effect/vitest"
import type { Effect } from "effect"
import { Policy } from "effect-relay"
import type { Description } from "../../src/policy/Description.ts"
import * as Explanation from "../../src/policy/Explanation.ts"

const said = (description: Description): Policy.Policy =>
  Policy.make(<A, E, R>(self: Effect.Effect<A, E, R>) => self, () => description)

const timeout = said({ _tag: "Timeout", duration: 1000 })
const hedge = said({ _tag: "Hedge", maxCopies: 2, delay: 200 })
const retry = { _tag: "Retry", maxAttempts: 3, maxDelay: 1000, retriesOpenCircuit: false, hasBudget: false } as const
const limiter = said({ _tag: "RateLimiter", key: "api", limits: ["60 calls per 1m"], maxQueued: 0, maxWait: 0 })
const bulkhead = said({ _tag: "Bulkhead", key: "db", maxConcurrent: 5, maxQueued: 0, maxWait: 0 })

describe("an explanation", () => {
  it("of nothing is of a bare call", () => {
    assert.strictEqual(
      Policy.explain([]),
      `Outermost first
  1. the call

One call at worst
  attempts: 1
  time: unbounded

Load at worst
  one call becomes up to 1, 1 at once
  nothing bounds how many run at once

Warnings
  nothing ends a call that hangs; put a timeout around the call, or a deadline around the whole`
    )
  })

  it("tells what it is made of, what it leaves out, and what multiplies", () => {
    const endless = said({ ...retry, maxAttempts: Infinity, maxDelay: Infinity })
    const stack = [timeout, limiter, hedge, said(retry), endless, said({ _tag: "Fallback", catches: ["A"] }), () => {}]
    assert.strictEqual(
      Policy.explain(stack).split("\n\nWarnings")[0],
      `Outermost first
  1. custom function: nothing is known of it
  2. fallback: answers instead of A
  3. retry: up to any number of attempts, waits for ever between them in all
  4. retry: up to 3 attempts, waits up to 1s between them in all
  5. hedge: up to 2 copies, the next after 200ms without an answer
  6. rate limiter "api": 60 calls per 1m; nobody waits
  7. timeout: ends what is inside after 1s
  8. the call

One call at worst
  attempts: unbounded (retry unbounded × retry 3 × hedge 2)
  time: unbounded, without what the fallback and custom functions may take

Load at worst
  one call becomes up to unbounded, 2 at once
  nothing bounds how many run at once
  60 calls per 1m`
    )
  })

  it("of one factor shows no product, and one attempt is none", () => {
    const lines = (...stack: ReadonlyArray<object>) => Policy.explain(stack).split("\n").map((line) => line.trim())
    assert.include(lines(timeout, said(retry)), "attempts: 3")
    assert.include(lines(timeout, hedge, said({ ...retry, maxAttempts: 1 })), "attempts: 2")
    assert.include(
      lines(timeout, said({ _tag: "Custom", name: "log" })),
      "time: 1s, without what custom functions may take"
    )
    assert.include(lines(timeout, bulkhead), "at most 5 at once in all")
    assert.include(lines(said(retry), limiter), "60 calls per 1m, each of them up to 3")
    assert.include(lines(timeout, said(retry)), "one call becomes up to 3, 1 at once")
  })

  it("without warnings and notes has no title for them", () => {
    const text = Policy.explain([timeout])
    assert.notInclude(text, "Warnings")
    assert.notInclude(text, "Notes")
    assert.isTrue(text.endsWith("nothing bounds how many run at once"))
  })

  it("names a function by its name, and what cannot be put into words not at all", () => {
    const broken = Policy.make(() => {}, () => ({ _tag: "RateLimiter" }) as never)
    assert.deepStrictEqual(
      [function log() {}, broken, {}, 5, null].map(Explanation.describe),
      ["log", "", "", "", ""].map((name) => ({ _tag: "Custom" as const, name }))
    )
    assert.deepStrictEqual(Explanation.describe([timeout, [hedge]]), {
      _tag: "Stack",
      parts: [
        { _tag: "Timeout", duration: 1000 },
        { _tag: "Stack", parts: [{ _tag: "Hedge", maxCopies: 2, delay: 200 }] }
      ]
    })
  })
})
