/** What policies show of themselves, and what crosses a wire: with every word that may stand in it, and no other. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { Hedge, RetryBudget } from "effect-relay"
import { Attempt } from "../../src/policy/Attempt.ts"
import { BulkheadFull } from "../../src/policy/BulkheadFull.ts"
import * as BulkheadSnapshot from "../../src/policy/BulkheadSnapshot.ts"
import { CircuitOpen } from "../../src/policy/CircuitOpen.ts"
import * as CircuitSnapshot from "../../src/policy/CircuitSnapshot.ts"
import { InvalidArgument } from "../../src/policy/InvalidArgument.ts"
import { RateLimited } from "../../src/policy/RateLimited.ts"
import * as RateLimiterSnapshot from "../../src/policy/RateLimiterSnapshot.ts"

interface Case {
  readonly schema: Schema.Codec<unknown, unknown>
  readonly whole: object
  /** Fields with the words they know. */
  readonly words: Readonly<Record<string, ReadonlyArray<string>>>
  readonly optional: ReadonlyArray<string>
}

const limit = { of: "calls", algorithm: "gcra", limit: 5, window: 60_000, remaining: 3 }

const cases: ReadonlyArray<readonly [string, Case]> = [
  ["a bulkhead", {
    schema: BulkheadSnapshot.Snapshot,
    whole: {
      key: "db",
      running: 1,
      weight: 2,
      queued: 3,
      queuedBy: { high: 0, normal: 1, low: 1, background: 1 },
      maxConcurrent: 4,
      limit: 4,
      maxQueued: 5,
      order: "fifo",
      expectedWait: 1.5
    },
    words: { order: ["fifo", "lifo"] },
    optional: ["expectedWait"]
  }],
  ["a circuit", {
    schema: CircuitSnapshot.Snapshot,
    whole: {
      key: "db",
      state: "Open",
      mode: "enforce",
      suspicion: 0.5,
      share: 1,
      because: "consecutive(5)",
      retryAfter: 3,
      openings: 1,
      spared: 0
    },
    words: { state: ["Closed", "Open", "HalfOpen", "Isolated"], mode: ["enforce", "observe", "off"] },
    optional: ["because", "retryAfter"]
  }],
  ["a hedge", {
    schema: Hedge.Snapshot,
    whole: { key: "db", delay: 1.5, extra: 1, won: 1, credit: 0.5, burst: 10 },
    words: {},
    optional: ["delay"]
  }],
  ["a retry budget", {
    schema: RetryBudget.Snapshot,
    whole: { key: "db", deposits: 1, reserve: 9.5 },
    words: {},
    optional: []
  }],
  ["a rate limiter", {
    schema: RateLimiterSnapshot.Snapshot,
    whole: { key: "api", queued: 0, retryAfter: 0.5, pausedFor: 3, slowedTo: 0.7, limits: [limit] },
    words: {},
    optional: ["pausedFor", "slowedTo"]
  }],
  ["one limit", {
    schema: RateLimiterSnapshot.Snapshot.fields.limits.value as never,
    whole: limit,
    words: { of: ["calls", "tokens"], algorithm: ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"] },
    optional: []
  }],
  ["an attempt", {
    schema: Attempt,
    whole: {
      endpoint: "a",
      outcome: "Success",
      sent: true,
      round: 0,
      at: 1.5,
      duration: 2.5,
      status: 200,
      detail: "fine"
    },
    words: {},
    optional: ["status", "detail"]
  }],
  ["RateLimited", {
    schema: RateLimited as never,
    whole: {
      _tag: "RateLimited",
      key: "api",
      source: "Upstream",
      scope: "Account",
      retryAfter: 5,
      status: 429,
      detail: "slow down",
      retry: "Elsewhere",
      attempts: []
    },
    words: {
      source: ["Limiter", "Upstream"],
      scope: ["Account", "Endpoint", "Model"],
      retry: ["Anywhere", "Elsewhere"]
    },
    optional: ["scope", "retryAfter", "status", "detail", "retry"]
  }],
  ["CircuitOpen", {
    schema: CircuitOpen as never,
    whole: { _tag: "CircuitOpen", key: "db", reason: "Open", retryAfter: 5, attempts: [] },
    words: { reason: ["Open", "ProbesOut", "RampingUp", "Isolated"] },
    optional: ["retryAfter"]
  }],
  ["BulkheadFull", {
    schema: BulkheadFull as never,
    whole: { _tag: "BulkheadFull", key: "db", reason: "Full", maxConcurrent: 1, maxQueued: 0, attempts: [] },
    words: { reason: ["Full", "WaitedTooLong", "TooLate"] },
    optional: []
  }],
  ["InvalidArgument", {
    schema: InvalidArgument as never,
    whole: { _tag: "InvalidArgument", subject: "it", argument: "by", value: "-1", rule: "it has to be more" },
    words: {},
    optional: []
  }]
]

const isRead = ({ schema }: Case, input: unknown): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(schema)(input))

describe.each(cases)("the form of %s", (_, form) => {
  it("comes back from JSON as it was, with and without what may be missing", () => {
    const missing = { ...form.whole }
    for (const field of form.optional) Reflect.deleteProperty(missing, field)
    for (const one of [form.whole, missing]) {
      const back = Schema.decodeUnknownSync(form.schema)(JSON.parse(JSON.stringify(one)))
      assert.deepStrictEqual(JSON.parse(JSON.stringify(Schema.encodeUnknownSync(form.schema)(back))) as object, one)
    }
  })

  it("needs every other field", () => {
    for (const field of Object.keys(form.whole)) {
      const without = { ...form.whole }
      Reflect.deleteProperty(without, field)
      assert.strictEqual(isRead(form, without), form.optional.includes(field), field)
      // nothing is read for anything
      assert.isFalse(isRead(form, { ...form.whole, [field]: Symbol("strange") as never }), field)
    }
  })

  it("knows its words, and no other", () => {
    for (const [field, words] of Object.entries(form.words)) {
      for (const word of words) assert.isTrue(isRead(form, { ...form.whole, [field]: word }), `${field} ${word}`)
      for (const word of ["", "strange"]) {
        assert.isFalse(isRead(form, { ...form.whole, [field]: word }), `${field} ${word}`)
      }
    }
    assert.isTrue(isRead(form, form.whole))
  })
})
