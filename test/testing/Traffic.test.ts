import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber } from "effect"
import { Luck, Traffic, VirtualTime } from "effect-relay/testing"

const countIn = (times: Float64Array, from: number, until: number): number =>
  times.filter((at) => at >= from && at < until).length

const hour = 3_600_000

describe("traffic", () => {
  it("is the same for the same options, and other for another seed", () => {
    assert.deepStrictEqual(Traffic.make({ seed: 1 }), Traffic.make({ seed: 1 }))
    assert.notDeepEqual(Traffic.make({ seed: 1, perDay: 1000 }), Traffic.make({ seed: 2, perDay: 1000 }))
  })

  it("has its peak and its trough, and so many requests in between", () => {
    const { times } = Traffic.make({ seed: 3, perDay: 200_000, swing: 0.6, peakAt: 0.5 })
    assert.closeTo(times.length, 200_000, 4000)
    assert.isTrue(times.every((at, index) => index === 0 || at >= times[index - 1]!), "in order")
    const average = times.length / 24
    assert.closeTo(countIn(times, 11.5 * hour, 12.5 * hour) / average, 1.6, 0.1)
    assert.closeTo(countIn(times, 0, hour) / average, 0.4, 0.05)
  })

  it("passes a short day as quickly as it is short", () => {
    const { times } = Traffic.make({ perDay: 50_000, day: "1 hour", swing: 1, peakAt: 0.25 })
    assert.isBelow(times.at(-1)!, hour)
    assert.isAbove(countIn(times, 0, hour / 2), 4 * countIn(times, hour / 2, hour))
  })

  it("comes in bursts", () => {
    const { times } = Traffic.make({
      perDay: 500_000,
      swing: 0,
      bursts: { factor: 5, last: "1 minute", every: "1 hour" }
    })
    const minutes = Array.from({ length: 1440 }, (_, minute) => countIn(times, minute * 60_000, (minute + 1) * 60_000))
    const usual = minutes.toSorted((a, b) => a - b)[720]!
    const busy = minutes.filter((count) => count > 2.5 * usual).length
    assert.isAbove(busy, 5)
    assert.isBelow(busy, 60)
  })

  it("comes in none where they are off, which is the same as bursts of the usual rate", () => {
    const { times } = Traffic.make({ perDay: 500_000, swing: 0, bursts: "off" })
    assert.closeTo(times.length, 500_000, 3000)
    const hours = Array.from({ length: 24 }, (_, index) => countIn(times, index * hour, (index + 1) * hour))
    for (const count of hours) assert.closeTo(count, 500_000 / 24, 700)
    const even = { factor: 1, last: "1 nano", every: "1 nano" } as const
    assert.deepStrictEqual(Traffic.make({ seed: 3, bursts: even }), Traffic.make({ seed: 3, bursts: "off" }))
  })

  it("is none where nobody asks, whatever is drawn", () => {
    // the first draw of this seed is 0, and the time until the next request 0/0
    const seed = 21_472_703
    assert.strictEqual(Luck.draw(seed, 1, 0, 0), 0)
    for (const chance of [0, seed]) {
      assert.deepStrictEqual(Traffic.make({ perDay: 0, seed: chance }).times, new Float64Array())
    }
  })

  it("asks by Zipf's law, and some questions once", () => {
    const { questions } = Traffic.make({ perDay: 200_000, unique: 0.3, questions: 1000, exponent: 1 })
    const counts = new Map<number, number>()
    for (const question of questions) counts.set(question, (counts.get(question) ?? 0) + 1)
    const singles = Array.from(counts).filter(([question]) => question >= 1000)
    assert.closeTo(singles.length / questions.length, 0.3, 0.01)
    assert.isTrue(singles.every(([, count]) => count === 1))
    assert.closeTo(counts.get(0)! / counts.get(9)!, 10, 1)
  })

  it.effect("makes each request at its time, with its luck, and waits for the last", () =>
    VirtualTime.run(Effect.gen(function*() {
      const traffic = Traffic.make({ perDay: 500 })
      const seen: Array<number> = []
      yield* Traffic.play(traffic, ({ number, question }) =>
        Effect.gen(function*() {
          assert.closeTo(yield* Clock.currentTimeMillis, traffic.times[number]!, 1.001)
          assert.strictEqual(question, traffic.questions[number])
          assert.deepStrictEqual(yield* Luck.Current, { request: number, sent: 0 })
          yield* Effect.sleep("1 hour")
          seen.push(number)
        }))
      assert.deepStrictEqual(seen, Array.from(traffic.times, (_, number) => number))
      assert.closeTo(yield* Clock.currentTimeMillis, traffic.times.at(-1)! + hour, 1.001)
    })))

  it.effect("ends with the first bug, and with an interrupt, and leaves nothing running", () =>
    VirtualTime.run(Effect.gen(function*() {
      let running = 0
      const traffic = Traffic.make({ perDay: 500 })
      const busy = Effect.acquireUseRelease(
        Effect.sync(() => running++),
        () => Effect.never,
        () => Effect.sync(() => running--)
      )
      const bug = yield* Effect.exit(
        Traffic.play(traffic, ({ number }) => number === 20 ? Effect.die("a bug") : busy)
      )
      assert.isTrue(Exit.isFailure(bug) && Cause.hasDies(bug.cause))
      assert.strictEqual(running, 0)
      const fiber = yield* Effect.forkChild(Traffic.play(traffic, () => busy))
      yield* Effect.sleep("12 hours")
      assert.isAbove(running, 10)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(running, 0)
    })))
})
