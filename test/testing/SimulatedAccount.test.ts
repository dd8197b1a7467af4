import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as SimulatedAccount from "../../src/testing/SimulatedAccount.ts"
import * as Law from "../Law.ts"

type Standing = Pick<SimulatedAccount.Standing, "take" | "wait">

const account = SimulatedAccount.make("a", {
  requestsPerMinute: 600,
  burst: 4,
  tokensPerMinute: 60_000,
  shrinkages: [{ from: 300, lasts: 400, to: 0.5 }, { from: 600, lasts: 500, to: 0.5 }]
})

/** The share of the limits that holds at a time. */
const shareAt = (at: number): number => (at >= 300 && at < 700 ? 0.5 : 1) * (at >= 600 && at < 1100 ? 0.5 : 1)

const cases = Law.list(Arbitrary.all({ after: Law.int(0, 120), tokens: Law.oneOf(10, 10, 400, 20_000) }), 60)

interface Step {
  readonly after: number
  readonly tokens: number
}

/** The reference: both buckets, filled millisecond by millisecond. */
const fillsDropByDrop = (make: () => Standing) => (history: ReadonlyArray<Step>): void => {
  const standing = make()
  let [requests, tokens, now] = [4, 60_000, 0]
  const flow = (milliseconds: number): void => {
    for (let passed = 0; passed < milliseconds; passed++) {
      const share = shareAt(now)
      requests = Math.min(4 * share, requests + 0.01 * share)
      tokens = Math.min(60_000 * share, tokens + share)
      now++
    }
  }
  for (const step of history) {
    flow(step.after)
    const share = shareAt(now)
    ;[requests, tokens] = [Math.min(4 * share, requests), Math.min(60_000 * share, tokens)]
    const lacks = Math.max((1 - requests) / (0.01 * share), (step.tokens - tokens) / share)
    // a millisecond's worth of rounding is no difference
    if (Math.abs(lacks) < 1e-6) continue
    assert.closeTo(standing.wait(now, step.tokens), Math.max(0, lacks), 1e-6)
    assert.strictEqual(standing.take(now, step.tokens), lacks <= 0)
    if (lacks <= 0) [requests, tokens] = [requests - 1, tokens - step.tokens]
  }
}

describe("a simulated account", () => {
  it.prop("is two buckets that fill steadily, more slowly while its limits are smaller", [cases], ([history]) => {
    fillsDropByDrop(() => new SimulatedAccount.Standing(account))(history)
  }, Law.check(200))

  class Refilling extends SimulatedAccount.Standing {
    override take(now: number, tokens: number): boolean {
      return super.take(now, Math.min(tokens, 10))
    }
  }
  const broken: ReadonlyArray<readonly [string, () => Standing]> = [
    ["forgets that limits shrink", () => new SimulatedAccount.Standing({ ...account, shrinkages: [] })],
    ["has another burst", () => new SimulatedAccount.Standing({ ...account, burst: 5 })],
    ["counts refusals", () => new SimulatedAccount.Standing({ ...account, refusalsCount: true })],
    ["takes no tokens", () => new Refilling(account)]
  ]
  it.effect.each(broken)("is told from one that %s", ([, make]) => Law.isBroken(cases, fillsDropByDrop(make)))

  it("never refuses without limits, and is empty when it is said to be", () => {
    const standing = new SimulatedAccount.Standing(
      SimulatedAccount.make("b", { emptyDuring: [{ from: "1 second", lasts: "1 second" }] })
    )
    for (let now = 0; now < 100; now++) assert.isTrue(standing.take(now, 1_000_000))
    assert.deepStrictEqual([999, 1000, 1999, 2000].map((now) => standing.isEmpty(now)), [false, true, true, false])
  })

  it("lets at least one through at once", () => {
    const standing = new SimulatedAccount.Standing(SimulatedAccount.make("d", { requestsPerMinute: 0.5 }))
    assert.deepStrictEqual([0, 0, 119_999, 120_000].map((now) => standing.take(now, 0)), [true, false, false, true])
  })

  it("lets nobody through who never stops asking, where refusals count", () => {
    const standing = new SimulatedAccount.Standing(
      SimulatedAccount.make("c", { requestsPerMinute: 60, burst: 1, refusalsCount: true })
    )
    let passed = 0
    for (let now = 0; now < 60_000; now += 500) if (standing.take(now, 0)) passed++
    assert.strictEqual(passed, 1)
  })
})
