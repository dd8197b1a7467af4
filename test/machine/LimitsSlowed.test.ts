/** Limits after a refusal by the other side: what is held against them, for how long, and that nobody waits longer than that. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import type * as Limit from "../../src/machine/Limit.ts"
import { type Cost, Limits } from "../../src/machine/Limits.ts"
import * as Law from "../Law.ts"

const one: Cost = { calls: 1, tokens: 0 }

const specs: Arbitrary.Arbitrary<Limit.Spec> = Arbitrary.all({
  of: Law.oneOf("calls", "tokens"),
  limit: Law.oneOf(1, 2, 7, 60, 600),
  window: Law.oneOf(1000, 10_000, 60_000, 3_600_000),
  margin: Law.oneOf(0, 250),
  burst: Law.oneOf(0, 0.1, 0.5, 1),
  algorithm: Law.oneOf("gcra", "tokenBucket", "slidingWindow", "fixedWindow")
})

const cases = Arbitrary.all({
  specs: Law.list(specs, 2, 1),
  steps: Law.list(
    Arbitrary.all({
      do: Law.oneOf("take", "take", "take", "refuse", "refuse", "look", "refund", "pause", "reset", "lift", "change"),
      after: Law.oneOf(0, 1, 20, 200, 1000, 5000, 20_000),
      cost: Arbitrary.all({ calls: Law.int(0, 3), tokens: Law.int(0, 30) }),
      took: Law.oneOf(0, 1, 15, 2000),
      next: specs
    }),
    25
  )
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

type Wait = (limits: Limits, cost: Cost, now: number) => number

const asItIs: Wait = (limits, cost, now) => limits.wait(cost, now)

const played = ({ specs, steps }: Case, onStep: (limits: Limits, cost: Cost, now: number) => void): void => {
  const limits = new Limits(specs)
  let now = 100_000
  for (const { after, cost, do: what, next, took } of steps) {
    now += after
    if (what === "take" && limits.wait(cost, now) === 0) limits.take(cost, now)
    else if (what === "refuse") limits.slowDown(0.7, now - took, now, now + took)
    else if (what === "refund") limits.refund(cost, now - took)
    else if (what === "pause") limits.pause(now + took)
    else if (what === "reset") limits.reset(now)
    else if (what === "lift") limits.lift(now)
    else if (what === "change") limits.reconfigure([next, ...specs.slice(1)], now)
    onStep(limits, cost, now)
  }
}

/** Whoever is told to wait passes then, and not a millisecond sooner, however much comes back meanwhile. */
const tellsWhen = (wait: Wait) => (it: Case): void =>
  played(it, (limits, cost, now) => {
    const told = wait(limits, cost, now)
    const until = now + Math.ceil(told)
    if (told === Infinity) {
      assert.strictEqual(limits.fork().wait(cost, now + 10_000_000), Infinity)
      return
    }
    assert.strictEqual(limits.fork().wait(cost, until), 0, "then it passes")
    for (const sooner of [1, 2, 10, 1000]) {
      if (until - sooner < now) continue
      assert.isAbove(limits.fork().wait(cost, until - sooner), 0, "and not sooner")
    }
  })

/** However often somebody looks, what comes is the same. */
const isNotMovedByLooks = (it: Case): void => {
  const seen: Array<number> = []
  const ask = (looks: boolean) => (limits: Limits, cost: Cost, now: number): void => {
    if (looks) {
      for (const before of [3000, 700, 1]) limits.ease(now - before)
      limits.wait(cost, now)
      limits.isAmple(now)
      limits.isIdle(now)
    }
    seen.push(limits.fork().wait({ calls: 2, tokens: 20 }, now))
  }
  played(it, ask(false))
  const plain = seen.splice(0)
  played(it, ask(true))
  for (const [index, wait] of seen.entries()) {
    if (wait !== plain[index]) assert.closeTo(wait, plain[index]!, 1e-3)
  }
}

/** After a refusal no more passes than would have without one; but a fixed window that lasts longer begins at other times. */
const onlyHoldsBack = ({ specs, steps }: Case): void => {
  if (specs.some(({ algorithm }) => algorithm === "fixedWindow")) return
  const slowed = new Limits(specs)
  const free = new Limits(specs)
  let now = 100_000
  for (const { after, cost, do: what } of steps) {
    now += after
    if (what === "refuse") slowed.slowDown(0.7, now, now, now)
    assert.isAtLeast(slowed.wait(cost, now), free.wait(cost, now) - 1e-2)
    if (slowed.wait(cost, now) > 0) continue
    slowed.take(cost, now)
    free.take(cost, now)
  }
}

const bucket: Limit.Spec = { of: "calls", limit: 600, window: 60_000, margin: 0, burst: 0.1, algorithm: "tokenBucket" }

/** How many pass at once, and then in so many milliseconds, when everybody wants to. */
const passing = (limits: Limits, from: number, lasts: number): number => {
  let passed = 0
  for (let now = from; now < from + lasts; now++) {
    while (limits.wait(one, now) === 0) {
      limits.take(one, now)
      passed++
    }
  }
  return passed
}

describe("limits that were refused for", () => {
  it.prop("tell exactly when something may pass", [cases], ([it]) => tellsWhen(asItIs)(it), Law.check(500))

  it.effect("would not, if they told as if nothing came back meanwhile", () =>
    Law.isBroken(
      cases,
      tellsWhen((limits, cost, now) => {
        let longest = Math.max(0, limits.pausedUntil - now)
        for (const limit of limits.all) {
          const units = limit.spec.of === "calls" ? cost.calls : cost.tokens
          if (units > 0) longest = Math.max(longest, limit.fork().wait(units, now))
        }
        return longest
      })
    ))

  it.prop("are not moved by whoever looks", [cases], ([it]) => isNotMovedByLooks(it), Law.check(500))

  it.prop("only hold back", [cases], ([it]) => onlyHoldsBack(it), Law.check(500))

  it("let a share of what they allow pass, and all of it again within a minute", () => {
    for (const algorithm of ["gcra", "tokenBucket"] as const) {
      const limits = new Limits([{ ...bucket, algorithm, burst: 0.01 }])
      limits.slowDown(0.5, 0, 0, 0)
      assert.closeTo(passing(limits, 0, 1000), 5.5, 1.5, algorithm)
      assert.closeTo(passing(limits, 60_000, 10_000), 103, 4, algorithm)
      assert.strictEqual(limits.share, 1)
    }
  })

  it("have nothing left of a burst, and owe no more than they did", () => {
    for (const algorithm of ["gcra", "tokenBucket"] as const) {
      const fresh = new Limits([{ ...bucket, algorithm }])
      fresh.slowDown(0.7, 0, 0, 0)
      assert.strictEqual(fresh.all[0]!.left(0), 0)
      // the next one comes after one step at seven tenths of the pace
      const interval = (algorithm === "gcra" ? 60_000 / (600 - 60 + 1) : 60_000 / 600) / 0.7
      assert.isAtMost(fresh.wait(one, 0), interval)
      assert.isAbove(fresh.wait(one, 0), interval * 0.95)

      const indebted = new Limits([{ ...bucket, of: "tokens", algorithm }])
      indebted.take({ calls: 1, tokens: 100 }, 0)
      const owed = indebted.wait({ calls: 1, tokens: 1 }, 0)
      indebted.slowDown(0.7, 0, 0, 0)
      assert.isAbove(indebted.wait({ calls: 1, tokens: 1 }, 0), owed)
      assert.isBelow(indebted.wait({ calls: 1, tokens: 1 }, 0), owed / 0.6)
    }
  })

  it("count what has passed in an exact window for longer, and have as much left of it", () => {
    for (const algorithm of ["slidingWindow", "fixedWindow"] as const) {
      const limits = new Limits([{ ...bucket, limit: 10, algorithm }])
      limits.take({ calls: 3, tokens: 0 }, 0)
      limits.slowDown(0.5, 1000, 1001, 1_000_000)
      assert.strictEqual(limits.all[0]!.left(1001), 7)
      assert.strictEqual(limits.all[0]!.left(119_999), 7)
      assert.strictEqual(limits.all[0]!.left(120_000), 10)
    }
  })

  it("let at least one pass in a window", () => {
    const limits = new Limits([{ ...bucket, limit: 4, burst: 0 }, { ...bucket, limit: 1 }])
    for (let now = 0; now <= 20_000; now += 1000) limits.slowDown(0.3, now, now, now)
    assert.strictEqual(limits.share, 0.01)
    assert.deepStrictEqual(limits.all.map((limit) => Math.round(limit.wait(1, 20_000))), [60_000, 60_000])
  })

  it("stay as they are where there are none, or their window is longer than ten minutes", () => {
    for (const specs of [[], [{ ...bucket, window: 600_001 }]]) {
      const limits = new Limits(specs)
      limits.slowDown(0.7, 0, 0, 0)
      assert.strictEqual(limits.share, 1)
      assert.isTrue(limits.isIdle(0))
      assert.isTrue(limits.isAmple(0))
    }
    const both = new Limits([{ ...bucket, window: 600_000 }, { ...bucket, window: 600_001 }])
    both.slowDown(0.7, 0, 0, 0)
    assert.deepStrictEqual(both.all.map((limit) => limit.left(0)), [0, 60])
  })

  it("go by what has passed since the last cut, where that is less than they allow", () => {
    const limits = new Limits([bucket])
    limits.slowDown(0.7, 0, 0, 0)
    assert.strictEqual(passing(limits, 0, 2000), 14)
    // what was before the cut is of no account
    const later = new Limits([bucket])
    later.take({ calls: 50, tokens: 0 }, 99_000)
    later.slowDown(0.7, 100_000, 100_000, 100_000)
    later.take({ calls: 7, tokens: 0 }, 101_000)
    later.slowDown(0.7, 100_001, 102_000, 102_000)
    assert.closeTo(later.share, 0.35 * 0.7, 1e-9)
    // 14 in two seconds of ten a second are 0.7; half of that, by hand
    const slow = new Limits([bucket])
    slow.slowDown(0.7, 0, 0, 0)
    for (let n = 0; n < 7; n++) slow.take(one, 1000)
    limits.slowDown(0.7, 1, 2000, 2000)
    slow.slowDown(0.7, 1, 2000, 2000)
    assert.closeTo(limits.share, 0.7 * 0.7, 0.03)
    assert.closeTo(slow.share, 0.35 * 0.7, 1e-9)
  })

  it("let one pass after a pause, and no burst that came back while nobody asked", () => {
    for (const algorithm of ["gcra", "tokenBucket"] as const) {
      const limits = new Limits([{ ...bucket, limit: 600, burst: 0.05, algorithm }])
      limits.slowDown(0.5, 0, 0, 4000)
      assert.isAbove(limits.wait(one, 3900), 0)
      assert.strictEqual(limits.wait(one, 4000), 0)
      assert.strictEqual(passing(limits, 4000, 1), 1)
      // five a second, or a few less
      assert.closeTo(passing(limits, 4001, 2000), 10, 1)
    }
  })

  it("count from the end of a pause what has passed: before that nobody asked", () => {
    const limits = new Limits([bucket])
    limits.slowDown(0.7, 0, 0, 4000)
    limits.take(one, 4000)
    limits.slowDown(0.7, 4000, 4015, 8015)
    assert.closeTo(limits.share, 0.7 * 0.7, 0.01)
    // nobody has asked since
    limits.slowDown(0.7, 8015, 8015, 8015)
    assert.closeTo(limits.share, 0.7 * 0.7 * 0.7, 0.01)
  })

  it("go by what the limit that was used most has seen", () => {
    const limits = new Limits([bucket, { ...bucket, of: "tokens", limit: 60_000 }, { ...bucket, window: 600_001 }])
    limits.slowDown(0.7, 0, 0, 0)
    limits.take({ calls: 1, tokens: 1000 }, 500)
    limits.take({ calls: 2, tokens: 0 }, 1000)
    limits.slowDown(0.7, 1, 2000, 2000)
    // 1000 tokens in two seconds, of a thousand a second
    assert.closeTo(limits.share, 0.5 * 0.7, 1e-9)
  })

  it("know nothing of what the service lets through once nothing was held any more", () => {
    const limits = new Limits([bucket])
    limits.slowDown(0.7, 0, 0, 0)
    limits.slowDown(0.7, 100_000, 100_001, 100_001)
    assert.closeTo(limits.share, 0.7, 1e-9)
  })

  it("hold nothing for calls that were sent before the last cut, or before they were reset or lifted", () => {
    const limits = new Limits([bucket])
    limits.slowDown(0.7, 0, 1000, 1000)
    const before = limits.share
    limits.slowDown(0.7, 999, 2500, 2500)
    assert.isAbove(limits.share, before)
    limits.lift(3000)
    assert.strictEqual(limits.share, 1)
    limits.take({ calls: limits.all[0]!.left(3000), tokens: 0 }, 3000)
    assert.closeTo(limits.all[0]!.wait(10, 3000), 1000, 100, "at full pace")
    limits.slowDown(0.7, 2999, 3001, 3001)
    assert.strictEqual(limits.share, 1)
    limits.slowDown(0.7, 3000, 3001, 3001)
    assert.closeTo(limits.share, 0.7, 1e-9)
    limits.reset(4000)
    assert.deepStrictEqual([limits.share, limits.all[0]!.limit, limits.all[0]!.left(4000)], [1, 600, 60])
    limits.slowDown(0.7, 3999, 4001, 4001)
    assert.strictEqual(limits.share, 1)
  })

  it("come back only when a pause is over, whoever imposed it", () => {
    const told = new Limits([bucket])
    told.slowDown(0.7, 0, 0, 30_000)
    const paused = new Limits([bucket])
    paused.pause(30_000)
    paused.slowDown(0.7, 0, 0, 0)
    for (const limits of [told, paused]) {
      limits.ease(30_000)
      assert.closeTo(limits.share, 0.7, 1e-9)
      limits.ease(33_000)
      assert.isAbove(limits.share, 0.75)
    }
  })

  it("have come back as far whether somebody asks first or not", () => {
    const asked = new Limits([{ ...bucket, burst: 1 }])
    const silent = new Limits([{ ...bucket, burst: 1 }])
    for (const limits of [asked, silent]) limits.slowDown(0.3, 0, 0, 0)
    asked.ease(30_000)
    for (const limits of [asked, silent]) limits.take({ calls: 10, tokens: 0 }, 30_000)
    assert.strictEqual(silent.share, asked.share)
    assert.closeTo(silent.wait({ calls: 300, tokens: 0 }, 30_000), asked.wait({ calls: 300, tokens: 0 }, 30_000), 1e-3)
    silent.isAmple(50_000)
    assert.strictEqual(silent.share, 1)
  })

  it("are idle only when nothing is held against them", () => {
    const limits = new Limits([bucket])
    limits.slowDown(0.7, 0, 0, 0)
    assert.isFalse(limits.isIdle(12_000))
    assert.isTrue(limits.isIdle(60_000))
  })

  it("take what is held along to other limits", () => {
    const limits = new Limits([bucket])
    const waits = () => limits.all.map((limit) => Math.round(limit.wait(limit.burst, 0)))
    limits.slowDown(0.5, 0, 0, 0)
    assert.deepStrictEqual(waits(), [12_000])
    limits.reconfigure([{ ...bucket, limit: 300 }, { ...bucket, of: "tokens", window: 6000 }], 0)
    assert.strictEqual(waits()[0], 24_000)
    limits.take({ calls: 0, tokens: 60 }, 0)
    assert.strictEqual(waits()[1], 1200)
    limits.reconfigure([{ ...bucket, limit: 300, algorithm: "slidingWindow" }], 0)
    limits.take({ calls: 300, tokens: 0 }, 0)
    assert.deepStrictEqual(waits(), [120_000])
  })

  it("slow down from what was learned, too", () => {
    const limits = new Limits([{ ...bucket, burst: 0 }])
    limits.all[0]!.learn({ limit: 300 }, 0, undefined, 0)
    limits.slowDown(0.5, 0, 0, 0)
    assert.strictEqual(Math.round(limits.all[0]!.wait(1, 0)), 400)
    limits.all[0]!.learn({ limit: 150 }, 0, undefined, 0)
    assert.strictEqual(Math.round(limits.all[0]!.wait(1, 0)), 800)
  })

  it("fill at the share that came back meanwhile, also where nobody has asked since they were refused for", () => {
    const [ample, lifted, asked] = [new Limits([bucket]), new Limits([bucket]), new Limits([bucket])]
    for (const limits of [ample, lifted, asked]) limits.slowDown(0.1, 0, 0, 0)
    // at a tenth of ten a second there would be eight
    assert.isTrue(ample.isAmple(8000))
    for (let now = 0; now <= 3000; now += 100) asked.ease(now)
    lifted.lift(3000)
    assert.strictEqual(lifted.all[0]!.left(3000), asked.all[0]!.left(3000))
    assert.isAbove(lifted.all[0]!.left(3000), 5)
  })

  it("let one pass after a pause whatever of the limit is a burst", () => {
    const limits = new Limits([{ ...bucket, limit: 6, burst: 0.5, algorithm: "gcra" }])
    limits.slowDown(0.5, 0, 0, 60_000)
    limits.take(one, 60_000)
    assert.isAbove(limits.wait(one, 60_000), 10_000)
  })

  it("are ample while more than half of every burst is left", () => {
    for (const algorithm of ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"] as const) {
      const limits = new Limits([
        { ...bucket, limit: 100, burst: 0.1, algorithm },
        { ...bucket, of: "tokens", limit: 100, burst: 0.1, algorithm }
      ])
      const half = algorithm === "gcra" || algorithm === "tokenBucket" ? 5 : 50
      limits.take({ calls: half - 1, tokens: half - 1 }, 0)
      assert.isTrue(limits.isAmple(0), algorithm)
      const byCalls = limits.fork()
      byCalls.take({ calls: 1, tokens: 0 }, 0)
      assert.isFalse(byCalls.isAmple(0), algorithm)
      limits.take({ calls: 0, tokens: 1 }, 0)
      assert.isFalse(limits.isAmple(0), algorithm)
      assert.isTrue(limits.isAmple(70_000), algorithm)
    }
    assert.isTrue(new Limits([]).isAmple(0))
  })
})
