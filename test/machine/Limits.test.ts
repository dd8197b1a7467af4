import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import type * as Limit from "../../src/machine/Limit.ts"
import { names } from "../../src/machine/Limit.ts"
import { type Cost, Limits } from "../../src/machine/Limits.ts"
import * as Law from "../Law.ts"

const specOf = (most: number): Arbitrary.Arbitrary<Limit.Spec> =>
  Arbitrary.flatMap(
    Law.int(1, most),
    (limit) =>
      Arbitrary.all({
        of: Law.oneOf("calls", "tokens"),
        limit: Arbitrary.Constant(limit),
        window: Law.oneOf(10, 60, 1000),
        margin: Arbitrary.Constant(0),
        burst: Law.oneOf(0, 0.5, 1),
        algorithm: Law.oneOf("gcra", "tokenBucket", "slidingWindow", "fixedWindow")
      })
  )

const costs: Arbitrary.Arbitrary<Cost> = Arbitrary.all({ calls: Law.int(0, 2), tokens: Law.int(0, 5) })

interface Hinted {
  readonly specs: ReadonlyArray<Limit.Spec>
  readonly arrivals: ReadonlyArray<{ readonly after: number; readonly cost: Cost }>
  /** The hint comes after so many arrivals. */
  readonly comes: number
  readonly hint: { readonly limit?: number; readonly remaining?: number; readonly resetAfter?: number }
}

const hinted: Arbitrary.Arbitrary<Hinted> = Arbitrary.all({
  specs: Law.list(specOf(10), 3, 1),
  arrivals: Law.list(Arbitrary.all({ after: Law.oneOf(0, 0, 1, 5, 20), cost: costs }), 60),
  comes: Law.int(0, 30),
  hint: Arbitrary.map(
    Arbitrary.all([Law.int(0, 10), Law.int(0, 10), Law.int(1, 100), Law.int(0, 7)]),
    ([limit, remaining, resetAfter, has]) => ({
      ...((has & 1) === 0 || limit === 0 ? {} : { limit }),
      ...((has & 2) === 0 ? {} : { remaining, ...((has & 4) === 0 ? {} : { resetAfter }) })
    })
  )
})

type Learn = (limit: Limit.Limit, hint: Limit.Hint, now: number) => void
const learn: Learn = (limit, hint, now) => limit.learn(hint, 0, undefined, now)

/** What is learned can only hold back, and it does: no more passes than the service says is left. */
const onlyTightens = (learn: Learn) => ({ arrivals, comes, hint, specs }: Hinted): void => {
  const limits = new Limits(specs)
  const unhinted = new Limits(specs)
  const meant = limits.find(specs[0]!.of, undefined)!
  let now = 0
  let until = -Infinity
  let passed = 0
  for (const [index, { after, cost }] of arrivals.entries()) {
    now += after
    if (index === comes) {
      learn(meant, hint, now)
      until = now + Math.min(hint.resetAfter ?? 0, meant.spec.window)
      if (hint.remaining !== undefined) assert.isAtMost(meant.left(now), hint.remaining)
      if (hint.limit !== undefined) assert.isAtMost(meant.limit, hint.limit)
      assert.isAtMost(meant.limit, meant.spec.limit)
    }
    const wait = limits.wait(cost, now)
    assert.isAtLeast(wait, unhinted.wait(cost, now) - 1e-2, "it never lets pass sooner")
    const units = cost[meant.spec.of]
    if (now < until && hint.remaining !== undefined && units > 0) {
      assert.strictEqual(passed + units > hint.remaining && wait < until - now, false, "no more than there is left")
    }
    if (wait > 0) continue
    limits.take(cost, now)
    unhinted.take(cost, now)
    if (now < until) passed += units
  }
}

const one: Cost = { calls: 1, tokens: 0 }
const sliding = (limit: number, window: number): Limit.Spec => ({
  of: "calls",
  limit,
  window,
  margin: 0,
  burst: 0,
  algorithm: "slidingWindow"
})
const remaining = (limits: Limits, now: number) => limits.all.map((limit) => limit.left(now))

describe("Limits", () => {
  it.prop("wait as long as the one that waits longest, and a pause", [
    Law.list(specOf(10), 4),
    Law.list(Arbitrary.all({ after: Law.int(0, 20), cost: costs }), 40),
    Law.int(0, 300)
  ], ([specs, arrivals, pause]) => {
    const limits = new Limits(specs)
    const alone = specs.map((spec) => new Limits([spec]))
    let now = 0
    for (const { after, cost } of arrivals) {
      now += after
      if (after === 13) limits.pause(pause)
      const wait = Math.max(
        arrivals.some((other) => other.after === 13) && limits.pausedUntil > now ? pause - now : 0,
        ...alone.map((limit) => limit.wait(cost, now))
      )
      assert.strictEqual(limits.wait(cost, now), wait)
      if (wait > 0) continue
      limits.take(cost, now)
      for (const limit of alone) limit.take(cost, now)
    }
  }, Law.check(150))

  it.prop("learn what holds back and nothing that lets pass", [hinted], ([it]) => {
    onlyTightens(learn)(it)
  }, Law.check(500))

  const broken: ReadonlyArray<readonly [string, Learn]> = [
    [
      "believes in larger limits",
      (limit, hint, now) => limit.reconfigure({ ...limit.spec, limit: hint.limit ?? limit.spec.limit }, now)
    ],
    [
      "does not count down what is left",
      (limit, { limit: stated }, now) => learn(limit, stated === undefined ? {} : { limit: stated }, now)
    ],
    ["believes that all is left", (limit, hint, now) => {
      limit.reset()
      learn(limit, hint, now)
    }]
  ]
  it.effect.each(broken)("are told from such as %s", ([, broken]) => Law.isBroken(hinted, onlyTightens(broken)))

  it("learn nothing from an answer that is older than the last", () => {
    const limits = new Limits([sliding(10, 100)])
    const [limit] = limits.all
    limit!.learn({ remaining: 2, resetAfter: 50 }, 0, 5, 10)
    limit!.learn({ remaining: 9, resetAfter: 50 }, 0, 9, 11)
    assert.strictEqual(limit!.left(11), 2)
    limit!.learn({ remaining: 1, resetAfter: 50 }, 0, 9, 11)
    assert.strictEqual(limit!.left(11), 2, "also not when it says less")
    limit!.learn({ remaining: 9, resetAfter: 50 }, 0, 11, 12)
    assert.strictEqual(limit!.left(12), 9)
  })

  it("take no answer of unknown age for better news", () => {
    const limits = new Limits([sliding(10, 100)])
    const [limit] = limits.all
    limit!.learn({ limit: 6, remaining: 2, resetAfter: 50 }, 0, undefined, 10)
    limit!.learn({ limit: 8, remaining: 5, resetAfter: 80 }, 0, undefined, 11)
    assert.deepStrictEqual([limit!.limit, limit!.left(11), limit!.left(60), limit!.left(91)], [6, 2, 2, 6])
  })

  it("believe an answer of unknown age from the millisecond in which the last one ends", () => {
    for (const [at, left] of [[59, 2], [60, 5]] as const) {
      const limits = new Limits([sliding(10, 100)])
      const [limit] = limits.all
      limit!.learn({ remaining: 2, resetAfter: 50 }, 0, undefined, 10)
      limit!.learn({ remaining: 5, resetAfter: 50 }, 0, undefined, at)
      assert.strictEqual(limit!.left(at), left, `at ${at}`)
    }
  })

  it("hold what is under way to be not in the answer yet", () => {
    const limits = new Limits([sliding(10, 100)])
    limits.all[0]!.learn({ remaining: 5, resetAfter: 50 }, 3, 0, 10)
    assert.deepStrictEqual(remaining(limits, 10), [2])
  })

  it("are closed for a window at most by one absurd count or hint", () => {
    const limits = new Limits([sliding(10, 100)])
    limits.take(one, 0)
    limits.refund({ calls: -1e15, tokens: 0 }, 0)
    assert.strictEqual(Math.ceil(limits.wait(one, 0)), 100)
    limits.all[0]!.learn({ remaining: 0, resetAfter: 1e12 }, 0, undefined, 100)
    assert.strictEqual(limits.wait(one, 100), 100)
  })

  it("keep what was used of a limit that stays, whatever comes before it or goes", () => {
    const limits = new Limits([sliding(10, 100), sliding(50, 1000)])
    for (let n = 0; n < 7; n++) limits.take(one, 0)
    limits.reconfigure([sliding(50, 1000), sliding(20, 100)], 1)
    assert.deepStrictEqual(remaining(limits, 1), [43, 13])
    limits.reconfigure([sliding(5, 100)], 2)
    assert.deepStrictEqual(remaining(limits, 2), [0])
    assert.strictEqual(Math.ceil(limits.wait(one, 2)), 98)
    limits.reconfigure([{ ...sliding(20, 100), algorithm: "fixedWindow" }], 3)
    assert.deepStrictEqual(remaining(limits, 3), [13])
    limits.reconfigure([{ ...sliding(20, 100), of: "tokens" }], 3)
    assert.deepStrictEqual(remaining(limits, 3), [20])
  })

  it.each(names)("owe nothing from before a reset, by %s", (algorithm) => {
    const limits = new Limits([{ ...sliding(3, 100), burst: 1, algorithm }])
    limits.take({ calls: 3, tokens: 0 }, 0)
    limits.pause(1000)
    limits.all[0]!.learn({ limit: 1, remaining: 0, resetAfter: 50 }, 0, undefined, 0)
    limits.reset(10)
    assert.deepStrictEqual(remaining(limits, 10), [3])
    assert.strictEqual(limits.wait(one, 10), 0)
    limits.take(one, 10)
    limits.refund({ calls: 3, tokens: 0 }, 0)
    assert.deepStrictEqual(remaining(limits, 10), [2])
    limits.refund({ calls: -3, tokens: 0 }, 0)
    assert.deepStrictEqual(remaining(limits, 10), [2])
  })

  const only = (of: Limit.Unit, window: number, algorithm: Limit.Algorithm = "gcra"): Limit.Spec => ({
    of,
    limit: 10,
    window,
    margin: 0,
    burst: 1,
    algorithm
  })
  const oneCall: Cost = { calls: 1, tokens: 0 }
  const tenTokens: Cost = { calls: 0, tokens: 10 }

  it.each(names)("neither hold nor count a call by what it has nothing of, by %s", (algorithm) => {
    const limits = new Limits([only("tokens", 100, algorithm)])
    limits.take(tenTokens, 0)
    limits.take(tenTokens, 0)
    assert.strictEqual(limits.wait(oneCall, 0), 0)
    assert.isAbove(limits.wait({ calls: 1, tokens: 1 }, 0), 0)
    const counted = new Limits([only("tokens", 100, algorithm)])
    const uncounted = new Limits([only("tokens", 100, algorithm)])
    counted.take(oneCall, 0)
    for (const one of [counted, uncounted]) one.take(tenTokens, 50)
    assert.strictEqual(counted.wait(tenTokens, 50), uncounted.wait(tenTokens, 50))
  })

  it("give back what was taken in the moment of a reset", () => {
    const limits = new Limits([only("tokens", 100, "fixedWindow")])
    limits.reset(5)
    limits.take(tenTokens, 5)
    limits.refund(tenTokens, 5)
    assert.strictEqual(limits.wait(tenTokens, 5), 0)
  })

  it("find the one of its kind and window, or else of the shortest", () => {
    const [minute, second, tokens] = [only("calls", 60_000), only("calls", 1000), only("tokens", 60_000)]
    const limits = new Limits([minute, second, tokens])
    assert.strictEqual(limits.find("calls", undefined)?.spec, second)
    assert.strictEqual(limits.find("calls", 60_000)?.spec, minute)
    assert.strictEqual(limits.find("tokens", undefined)?.spec, tokens)
    assert.strictEqual(limits.find("tokens", 60_000)?.spec, tokens)
    assert.isUndefined(limits.find("tokens", 1000))
  })

  it("know each other again by their windows, and inherit once", () => {
    const [minute, second] = [only("calls", 60_000), only("calls", 1000)]
    const used = (): Limits => {
      const limits = new Limits([second, minute])
      limits.find("calls", 60_000)!.take(10, 0)
      return limits
    }
    for (const next of [[minute], [minute, second], [second, minute]]) {
      const limits = used()
      limits.reconfigure(next, 0)
      assert.strictEqual(limits.find("calls", 60_000)!.left(0), 0)
      if (next.length > 1) assert.strictEqual(limits.find("calls", 1000)!.left(0), 10)
    }
  })

  it("are idle once nothing is owed and the pause is over, to the millisecond", () => {
    const limits = new Limits([only("calls", 100, "fixedWindow")])
    assert.isTrue(limits.isIdle(0))
    limits.pause(10)
    assert.deepStrictEqual([limits.isIdle(9), limits.isIdle(10)], [false, true])
    limits.take(oneCall, 10)
    assert.deepStrictEqual([limits.isIdle(10), limits.isIdle(110)], [false, true])
  })

  it("are not idle while one of them is not", () => {
    const limits = new Limits([only("calls", 100), only("tokens", 100)])
    limits.take(oneCall, 0)
    assert.isFalse(limits.isIdle(0))
  })

  it("know all that was ever taken", () => {
    const limits = new Limits([only("calls", 100)])
    limits.take({ calls: 1, tokens: 20 }, 0)
    limits.take({ calls: 2, tokens: 5 }, 200)
    assert.deepStrictEqual(limits.taken, { calls: 3, tokens: 25 })
  })

  it("pass on what was used, where the window is another one, by their places among those of their kind", () => {
    const limits = new Limits([
      only("tokens", 50),
      only("calls", 100, "slidingWindow"),
      only("calls", 200, "slidingWindow")
    ])
    limits.all[1]!.take(3, 0)
    limits.all[2]!.take(4, 0)
    limits.reconfigure([only("calls", 300, "slidingWindow"), only("calls", 400, "slidingWindow")], 1)
    assert.deepStrictEqual(remaining(limits, 1), [7, 6])
  })
})
