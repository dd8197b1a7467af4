import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import { type Hint, isExact, Limit, names, type Spec } from "../../src/machine/Limit.ts"
import * as Law from "../Law.ts"
import { ByAccounts } from "./LimitByAccounts.ts"

const specs: Arbitrary.Arbitrary<Spec> = Arbitrary.all({
  of: Arbitrary.Constant("calls" as const),
  limit: Law.int(1, 12),
  window: Law.oneOf(10, 60),
  margin: Law.oneOf(0, 0, 5),
  burst: Law.oneOf(0, 0.5, 1),
  algorithm: Law.oneOf("gcra", "tokenBucket", "slidingWindow", "fixedWindow")
})

const hints: Arbitrary.Arbitrary<Hint> = Arbitrary.map(
  Arbitrary.all([Law.int(1, 14), Law.int(0, 10), Law.int(1, 90), Law.int(0, 7)]),
  ([limit, remaining, resetAfter, has]) => ({
    ...((has & 1) === 0 ? {} : { limit }),
    ...((has & 2) === 0 ? {} : { remaining }),
    ...((has & 4) === 0 ? {} : { resetAfter })
  })
)

const cases = Arbitrary.all({
  spec: specs,
  steps: Law.list(
    Arbitrary.all({
      after: Law.oneOf(0, 0, 0, 1, 3, 10, 50),
      do: Law.oneOf(
        "take",
        "take",
        "take",
        "correct",
        "correct",
        "learn",
        "learn",
        "change",
        "reset",
        "look ahead",
        "fork"
      ),
      units: Law.int(1, 4),
      // what was taken before, and by how much it was wrong
      which: Law.int(0, 40),
      by: Law.int(-4, 4),
      hint: hints,
      underWay: Law.oneOf(0, 0, 2),
      // how long ago the call was sent whose answer is learned from
      sent: Law.oneOf<0 | 1 | 12 | "unknown">(0, 0, 1, 12, "unknown"),
      next: specs
    }),
    40
  )
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

const agreesWithItsAccounts = (make: (spec: Spec) => Limit) => ({ spec, steps }: Case): void => {
  let limit = make(spec)
  const reference = new ByAccounts(spec)
  let taken: Array<{ readonly at: number; units: number }> = []
  let isFork = false
  let now = 0
  const agrees = (limit: Limit, when: string): void => {
    assert.strictEqual(limit.limit, reference.limit, when)
    // now, soon, and around the time until which the other side has spoken
    const later = [now, now + 1, reference.until - 1, reference.until].filter((at) => at >= now)
    for (const at of later) {
      for (const units of [1, 3]) {
        const [wait, expected] = [limit.wait(units, at), reference.wait(units, at)]
        assert.isTrue(wait === expected || Math.abs(wait - expected) < 1e-2, `${when}: waits ${wait}, not ${expected}`)
      }
      assert.strictEqual(limit.left(at), reference.left(at), `${when}: left at ${at}`)
      assert.strictEqual(limit.isIdle(at), reference.isIdle(at), `${when}: idle at ${at}`)
    }
  }
  for (const step of steps) {
    now += step.after
    switch (step.do) {
      case "take":
        limit.take(step.units, now)
        reference.take(step.units, now)
        taken.push({ at: now, units: step.units })
        break
      case "correct": {
        const wrong = taken[step.which % Math.max(1, taken.length)]
        // a fork may forget how to correct
        if (wrong === undefined || isFork) break
        const by = Math.max(step.by, -wrong.units)
        wrong.units += by
        limit.correct(by, wrong.at)
        reference.correct(by, wrong.at)
        break
      }
      case "learn": {
        const sentAt = step.sent === "unknown" ? undefined : now - step.sent
        limit.learn(step.hint, step.underWay, sentAt, now)
        reference.learn(step.hint, step.underWay, sentAt, now)
        break
      }
      case "change":
        limit.reconfigure(step.next, now)
        reference.reconfigure(step.next, now)
        assert.strictEqual(limit.spec, step.next)
        break
      case "reset":
        limit.reset()
        reference.reset()
        taken = []
        break
      case "look ahead": {
        const ahead = limit.fork()
        agrees(ahead, "a fork")
        ahead.take(step.units, now)
        ahead.learn(step.hint, 0, now, now)
        break
      }
      case "fork":
        limit = limit.fork()
        isFork = true
    }
    agrees(limit, step.do)
  }
}

describe("Limit", () => {
  it.prop("does what each thing that was said of it asks for, and what is counted", [cases], ([it]) => {
    agreesWithItsAccounts((spec) => new Limit(spec))(it)
  }, Law.check(600))

  class Forgetful extends Limit {
    override fork(): Limit {
      return new Forgetful(this.spec)
    }
  }
  class Credulous extends Limit {
    override learn(hint: Hint, underWay: number, _: number | undefined, now: number): void {
      super.learn(hint, underWay, now, now)
    }
  }
  class Careless extends Limit {
    override learn(hint: Hint, _: number, sentAt: number | undefined, now: number): void {
      super.learn(hint, 0, sentAt, now)
    }
  }
  class Generous extends Limit {
    override correct(by: number, _: number): void {
      super.correct(by, Infinity)
    }
  }
  class Stubborn extends Limit {
    override reset(): void {}
  }
  const broken: ReadonlyArray<readonly [string, new(spec: Spec) => Limit]> = [
    ["has forks that stand elsewhere", Forgetful],
    ["takes every answer for the newest", Credulous],
    ["does not mind what is under way", Careless],
    ["gives back what an answer has counted", Generous],
    ["cannot be reset", Stubborn]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, Broken]) => Law.isBroken(cases, agreesWithItsAccounts((spec) => new Broken(spec)))
  )

  it("never lets more than its limit pass at once where windows are counted exactly", () => {
    const spec = { of: "calls", limit: 5, window: 100, margin: 0, burst: 0.2 } as const
    for (const algorithm of names) {
      const limit = new Limit({ ...spec, algorithm })
      assert.strictEqual(limit.wait(6, 0) === Infinity, isExact({ ...spec, algorithm }), algorithm)
    }
  })
})
