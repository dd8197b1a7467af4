import { assert, describe, it } from "@effect/vitest"
import * as Peers from "../../src/endpoint/Peers.ts"

const rules: Peers.Rules = {
  decay: 30_000,
  verdicts: {
    outlier: { evidence: 10, failureGap: 0.2, latencyFactor: 5, latencyFloor: 1000 },
    demotion: { lasts: 1000, maxShare: 0.5, panicBelow: 0.5 }
  }
}

const together = (...members: ReadonlyArray<Peers.Peer>) => new Peers.Peers(rules, members.length, members, undefined)

const times = <A>(count: number, run: () => A): ReadonlyArray<A> => Array.from({ length: count }, run)

describe("Peers", () => {
  it("say in the step that shows it that one is worse, and until when", () => {
    const [good, bad] = [Peers.peer(), Peers.peer()]
    const peers = together(good, bad)
    times(20, () => peers.answered(good, "m", 100, 0, 0))
    assert.deepStrictEqual(times(10, () => peers.failed(bad, 0, 5)), [...times(9, () => false), true])
    assert.strictEqual(bad.until, 1005)
    assert.isTrue(peers.isOutlier(bad, 1004))
    assert.isFalse(peers.isOutlier(bad, 1005))
  })

  it("hear nothing of calls that began before the verdict", () => {
    const [good, bad] = [Peers.peer(), Peers.peer()]
    const peers = together(good, bad)
    times(20, () => peers.answered(good, "m", 100, 0, 0))
    times(10, () => peers.failed(bad, 0, 5))
    times(50, () => peers.failed(bad, 4, 2000))
    times(50, () => peers.answered(bad, "m", 90_000, 4, 2000))
    assert.strictEqual(bad.calls, 0)
    assert.closeTo(peers.typicalLatency, 100, 1e-9)
    assert.isFalse(peers.failed(bad, 2000, 2000), "the first of a clean slate")
  })

  it("do not measure themselves by one that is out", () => {
    const [good, bad, other] = [Peers.peer(), Peers.peer(), Peers.peer()]
    const peers = together(good, bad, other)
    times(20, () => peers.answered(good, "m", 100, 0, 0))
    times(10, () => peers.answered(bad, "m", 60_000, 0, 0))
    assert.isTrue(peers.isOutlier(bad, 1))
    assert.closeTo(peers.typicalLatency, 100, 1e-9)
  })

  it("go on with what is known when they are counted anew, and those who have left bother nobody", () => {
    const [good, bad, gone] = [Peers.peer(), Peers.peer(), Peers.peer()]
    const before = together(good, bad, gone)
    times(20, () => before.answered(good, "m", 100, 0, 0))
    times(9, () => before.failed(bad, 0, 5))
    times(200, () => before.answered(gone, "m", 100, 0, 0))
    const after = new Peers.Peers(rules, 2, [good, bad], before)
    times(50, () => before.failed(gone, 0, 5))
    assert.isTrue(after.failed(bad, 0, 5))
    assert.isTrue(after.isOutlier(bad, 6))
  })

  it("are only counted where nobody is to be judged", () => {
    const [good, bad] = [Peers.peer(), Peers.peer()]
    const peers = new Peers.Peers({ decay: 30_000, verdicts: undefined }, 2, [good, bad], undefined)
    times(20, () => peers.answered(good, "m", 100, 0, 0))
    assert.isFalse(times(100, () => peers.failed(bad, 0, 5)).includes(true))
    assert.closeTo(peers.typicalLatency, 100, 1e-9)
  })
})
