import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import type { Meter } from "../../src/machine/Meter.ts"
import * as SlidingWindow from "../../src/machine/SlidingWindow.ts"
import * as Law from "../Law.ts"
import { byHistory, type Taken } from "./MeterByHistory.ts"

/** What a copy holds: unlike what the meter has let go of, that does not wait for a collector. */
const bytesOf = (meter: Meter): number => {
  const before = process.memoryUsage().arrayBuffers
  const copies = Array.from({ length: 200 }, () => meter.fork())
  return (process.memoryUsage().arrayBuffers - before) / copies.length
}

const usedAt = (meter: Meter, ...times: ReadonlyArray<number>) => times.map((at) => meter.used(at))

describe("SlidingWindow", () => {
  it("lets go of what is over, however long it is at work", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 10, burst: 10 })
    for (let now = 0; now < 20_000; now++) meter.take(1, now)
    assert.strictEqual(meter.used(19_999), 10)
    assert.strictEqual(Math.ceil(meter.wait(1, 19_999)), 1)
  })

  it("is idle when the last of several is over", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 100, burst: 10 })
    for (const at of [0, 30, 60]) meter.take(1, at)
    assert.deepStrictEqual([meter.isIdle(130), meter.isIdle(159), meter.isIdle(160)], [false, false, true])
  })

  it("counts what was given back and used after all from when it was taken", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 100, burst: 10 })
    meter.take(1, 0)
    meter.correct(-1, 0)
    meter.take(1, 5)
    meter.correct(1, 0)
    assert.deepStrictEqual(usedAt(meter, 99, 100, 105), [2, 1, 0])
  })

  it("gives nothing back of what was taken before a reset, or before the one before", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 100, burst: 10 })
    for (const at of [1, 2, 3]) meter.take(1, at)
    meter.reset()
    meter.reset()
    meter.take(1, 5)
    meter.correct(-1, 3)
    assert.strictEqual(meter.used(5), 1)
  })

  it("keeps 8192 times; what passes then counts as passed with the last", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 1e5, burst: 10 })
    for (let now = 0; now <= 8192; now++) meter.take(1, now)
    assert.deepStrictEqual(usedAt(meter, 1e5 + 8189, 1e5 + 8190, 1e5 + 8191, 1e5 + 8192), [3, 2, 2, 0])
  })

  it("needs no more memory after a busy time than before it", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 1e5, burst: 10 })
    for (let now = 0; now < 8192; now++) meter.take(1, now)
    meter.take(1, 1e6)
    assert.isBelow(bytesOf(meter), 1024)
  })
})

describe("SlidingWindow, of a limit above what it keeps apart", () => {
  const limit = 20_000
  const window = 60_000
  const many = Law.list(Arbitrary.all({ after: Law.int(0, 40), units: Law.int(1, 2000) }), 400, 100)

  it.prop("never lets too many pass, and makes nobody wait more than a moment longer", [many], ([steps]) => {
    const meter = SlidingWindow.make({ limit, window, burst: limit })
    const reference = byHistory.slidingWindow({ limit, window, burst: limit })
    const passed: Array<Taken> = []
    let now = 0
    for (const { after, units } of steps) {
      now += after
      const wait = meter.wait(units, now)
      const exact = passed.reduce((sum, { units }) => sum + units, units) <= limit
        ? 0
        : reference.wait(passed, units, now)
      assert.isAtLeast(wait, exact - 1e-2)
      assert.isAtMost(wait, exact + window / 8000)
      now += Math.ceil(wait)
      meter.take(units, now)
      passed.push({ at: now, units })
    }
  }, Law.check(20))

  it("counts what passes within one 8190th of the window as passed at the end of it", () => {
    const [window, span] = [8190 * 5000, 5000]
    const meter = SlidingWindow.make({ limit: 8193, window, burst: 8193 })
    for (const at of [0, span - 1, span]) meter.take(1, at)
    assert.deepStrictEqual(usedAt(meter, window + span - 2, window + span - 1, window + span), [3, 1, 0])
  })

  it("begins such a part of the window anew after a reset", () => {
    const meter = SlidingWindow.make({ limit: 8193, window: 8190 * 5000, burst: 8193 })
    meter.take(1, 0)
    meter.reset()
    meter.take(2, 100)
    assert.deepStrictEqual(usedAt(meter, 8190 * 5000 + 99, 8190 * 5000 + 100), [2, 0])
  })

  it("keeps each time apart up to a limit of 8192", () => {
    const meter = SlidingWindow.make({ limit: 8192, window: 8190 * 5000, burst: 8192 })
    for (const at of [0, 1]) meter.take(1, at)
    assert.deepStrictEqual(usedAt(meter, 8190 * 5000 - 1, 8190 * 5000, 8190 * 5000 + 1), [2, 1, 0])
  })

  it("keeps a bounded number of times, also when most is given back", () => {
    const meter = SlidingWindow.make({ limit: 10, window: 1e9, burst: 10 })
    for (let now = 0; now < 1e6; now++) {
      meter.take(1, now)
      if (now > 10) meter.correct(-1, now)
    }
    assert.isBelow(bytesOf(meter), 1024)
    assert.strictEqual(meter.used(1e6), 11)
    meter.correct(-1, 3)
    assert.strictEqual(meter.used(1e6), 10)
    meter.take(1, 1e6)
    meter.take(1, 1e6 + 5)
    assert.strictEqual(meter.used(1e9 + 1e6 + 1), 1, "and apart, as long as there is room")
  })
})
