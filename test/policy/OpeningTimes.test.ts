import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Random, Schedule } from "effect"
import { CircuitBreaker } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"

const base: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(1),
  jitter: 0,
  halfOpenProbes: 1,
  successesToClose: 1
}

const down = (retryAfter?: Duration.Duration) =>
  Effect.fail({ _tag: "EndpointUnavailable", ...(retryAfter === undefined ? {} : { retryAfter }) })

/** How long the next openings last, when every probe fails. */
const lengths = (options: CircuitBreaker.Options, count: number) =>
  Effect.gen(function*() {
    const breaker = yield* CircuitBreaker.make({ ...base, ...options })
    const lengths: Array<number> = []
    for (let n = 0; n < count; n++) {
      yield* Effect.exit(breaker.protect(down()))
      const { retryAfter } = yield* breaker.state
      lengths.push(retryAfter!)
      yield* TestClock.adjust(retryAfter!)
    }
    return lengths
  })

describe("how long a circuit stays open", () => {
  const schedules: ReadonlyArray<readonly [string, CircuitBreaker.Options, ReadonlyArray<number>]> = [
    ["doubles a duration up to the cap", { openFor: 20, maxOpenFor: 100 }, [20, 40, 80, 100, 100]],
    ["keeps to a duration that is its own cap", { openFor: 20, maxOpenFor: 20 }, [20, 20, 20]],
    ["is a longer duration than the default cap, where no cap is given", { openFor: "5 minutes" }, [300_000, 300_000]],
    ["follows the delays of a schedule", { openFor: Schedule.fibonacci(10) }, [10, 10, 20, 30, 50, 80]],
    ["keeps to the last delay of a schedule that ends", {
      openFor: Schedule.exponential(10).pipe(Schedule.upTo({ times: 3 }))
    }, [10, 20, 40, 40, 40]],
    ["caps the delays of a schedule", { openFor: Schedule.exponential(10), maxOpenFor: 25 }, [10, 20, 25, 25]],
    ["does not cap a schedule of its own accord", { openFor: Schedule.spaced("1 hour") }, [3_600_000, 3_600_000]],
    ["keeps to the delay before one that never ends", {
      openFor: Schedule.concat(
        Schedule.spaced(10).pipe(Schedule.upTo({ times: 2 })),
        Schedule.spaced(Duration.infinity)
      )
    }, [10, 10, 10, 10]]
  ]
  it.effect.each(schedules)("%s", ([, options, expected]) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* lengths(options, expected.length), expected)
    }))

  it.effect("goes by the first 32 delays of a schedule, and then by the last of them", () =>
    Effect.gen(function*() {
      const openFor = Schedule.spaced(1).pipe(Schedule.modifyDelay(({ attempt }) => Effect.succeed(attempt)))
      const times = yield* lengths({ openFor }, 40)
      assert.deepStrictEqual(times, Array.from({ length: 40 }, (_, n) => Math.min(n + 1, 32)))
    }))

  it.effect("differs from breaker to breaker where the schedule is jittered", () =>
    Effect.gen(function*() {
      const openFor = Schedule.exponential("10 seconds").pipe(Schedule.jittered)
      const fleet = yield* Effect.forEach(Array.from({ length: 20 }), () => lengths({ openFor }, 1))
      assert.isAbove(new Set(fleet.flat()).size, 15)
      for (const [length] of fleet) assert.isTrue(length! >= 8000 && length! <= 12_000)
    }).pipe(Random.withSeed("fleet")))

  it.effect.prop(
    "is, by chance, up to a share shorter, and differs from opening to opening",
    [Law.oneOf(0.1, 0.5, 1)],
    ([jitter]) =>
      Effect.gen(function*() {
        const times = yield* lengths({ openFor: 10_000, maxOpenFor: 10_000, jitter }, 20)
        for (const time of times) assert.isTrue(time >= 10_000 * (1 - jitter) && time <= 10_000)
        assert.isAbove(new Set(times).size, 15)
      }).pipe(Random.withSeed("openings")),
    Law.check(3)
  )

  const refused: ReadonlyArray<readonly [string, Schedule.Schedule<unknown>]> = [
    ["has no delay", Schedule.recurs(3)],
    ["has no delay at first", Schedule.concat(Schedule.recurs(1), Schedule.spaced(10))],
    ["has none that ends", Schedule.spaced(Duration.infinity)],
    ["ends at once", Schedule.spaced(10).pipe(Schedule.upTo({ times: 0 }))],
    ["goes back in time", Schedule.spaced(Duration.millis(-1))]
  ]
  it.effect.each(refused)("cannot be told by a schedule that %s", ([, openFor]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(CircuitBreaker.make({ openFor }))
      assert.deepInclude(error, {
        _tag: "InvalidConfiguration",
        subject: "CircuitBreaker",
        field: "openFor",
        rule: "its first delay has to be finite and above zero"
      })
    }))

  it.effect("is forgiven one opening for each healthy spell", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...base, openFor: 20, maxOpenFor: 1000 })
      const open = Effect.gen(function*() {
        yield* Effect.exit(breaker.protect(down()))
        return (yield* breaker.state).retryAfter
      })
      const recover = Effect.gen(function*() {
        yield* TestClock.adjust((yield* breaker.state).retryAfter!)
        yield* breaker.protect(Effect.void)
      })
      const seen = [yield* open]
      for (const healthyFor of [0, 0, 19, 20, 45, 1000]) {
        yield* recover
        yield* TestClock.adjust(healthyFor)
        seen.push(yield* open)
      }
      // one more each time, less one for a spell of 20, less two for 45
      assert.deepStrictEqual(seen, [20, 40, 80, 160, 160, 80, 20])
    }))

  const asks = Arbitrary.all({
    hint: Law.oneOf(0, 1, 29_999, 45_000, 60_000, 1e9, Infinity),
    jitter: Law.oneOf(0, 0.5, 1),
    isProbe: Law.oneOf(true, false)
  })
  it.effect.prop(
    "is never shorter than a failure asks for, in any jitter, and never longer than the cap",
    [asks],
    ([{ hint, isProbe, jitter }]) =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker.make({ ...base, openFor: 30_000, maxOpenFor: 60_000, jitter })
        if (isProbe) {
          yield* Effect.exit(breaker.protect(down()))
          yield* TestClock.adjust((yield* breaker.state).retryAfter!)
        }
        yield* Effect.exit(breaker.protect(down(Duration.millis(hint))))
        const { retryAfter } = yield* breaker.state
        assert.isAtLeast(retryAfter!, Math.min(hint, 60_000))
        assert.isAtMost(retryAfter!, 60_000)
        if (jitter === 0) assert.strictEqual(retryAfter, Math.max(isProbe ? 60_000 : 30_000, Math.min(hint, 60_000)))
      }),
    Law.check(100)
  )

  const noHints: ReadonlyArray<readonly [string, unknown]> = [
    ["a number", 5000],
    ["a text", "5 seconds"],
    ["nothing", undefined],
    ["less than nothing", Duration.millis(-5000)]
  ]
  it.effect.each(noHints)("takes no hint from a failure that asks for %s", ([, retryAfter]) =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...base, openFor: 1000 })
      yield* Effect.exit(breaker.protect(Effect.fail({ retryAfter })))
      assert.strictEqual((yield* breaker.state).retryAfter, 1000)
    }))
})
