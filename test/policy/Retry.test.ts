import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Clock, Duration, Effect, Exit, Fiber, Pull, Random, Schedule } from "effect"
import { CircuitBreaker, Configuration, Deadline, RateLimiter, Retry, RetryBudget, Verdict } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Backoff from "../../src/machine/Backoff.ts"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"
import * as StrictClock from "./StrictClock.ts"

/** What a schedule makes of failures: a delay each, until it gives up. */
const delays = <A, Input>(schedule: Schedule.Schedule<A, Input>, failures: ReadonlyArray<Input>) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(schedule)
    const delays: Array<number> = []
    for (const failure of failures) {
      const next = yield* Effect.result(step(0, failure))
      if (next._tag === "Failure") break
      delays.push(Duration.toMillis(next.success[1]))
    }
    return delays
  })

const times = <A>(count: number, value: A): ReadonlyArray<A> => Array.from({ length: count }, () => value)

const mean = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

describe("Retry.exponential", () => {
  it.effect.prop(
    "waits never longer than the cap nor than the exponential allows, and as often as it may",
    { base: Law.int(1, 1000), cap: Law.int(1, 20_000), retries: Law.int(0, 40), seed: Law.int(0, 1e6) },
    ({ base, cap, retries, seed }) =>
      Effect.gen(function*() {
        const waits = yield* delays(Retry.exponential({ base, cap, times: retries }), times(50, "down"))
        assert.lengthOf(waits, retries)
        waits.forEach((wait, n) => {
          assert.isAtLeast(wait, 0)
          assert.isAtMost(wait, Math.min(cap, base * 2 ** n))
        })
      }).pipe(Random.withSeed(seed)),
    Law.check(100)
  )

  it.effect("spreads each delay evenly from zero to the exponential", () =>
    Effect.gen(function*() {
      const runs = yield* Effect.forEach(times(4000, 0), () => delays(Retry.exponential(), times(4, "down")))
      for (const [n, most] of [100, 200, 400, 800].entries()) {
        const nth = runs.map((waits) => waits[n]! / most).toSorted((a, b) => a - b)
        // the deciles of an even spread are where their names say
        for (let tenth = 1; tenth < 10; tenth++) assert.closeTo(nth[tenth * 400]!, tenth / 10, 0.03)
        assert.isAbove(nth.at(-1)!, 0.99)
        assert.isBelow(nth[0]!, 0.01)
      }
    }).pipe(Random.withSeed("jitter")))

  it.effect("spreads the capped delays too, so that callers do not end up in step", () =>
    Effect.gen(function*() {
      const waits = yield* delays(Retry.exponential({ base: 1000, cap: 1000, times: 4000 }), times(4000, "down"))
      assert.closeTo(mean(waits), 500, 20)
      assert.isAbove(new Set(waits.map(Math.round)).size, 900)
    }).pipe(Random.withSeed("cap")))

  it.effect("is still finite at the 5000th attempt", () =>
    Effect.gen(function*() {
      const waits = yield* delays(Retry.exponential({ times: 5000 }), times(5000, "down"))
      assert.lengthOf(waits, 5000)
      assert.isTrue(waits.every((wait) => Number.isFinite(wait) && wait <= 20_000))
      assert.isAbove(mean(waits.slice(-500)), 9000)
    }).pipe(Random.withSeed("long")))

  it.effect("repeats under the same seed", () =>
    Effect.gen(function*() {
      const run = delays(Retry.standard, times(4, "down"))
      assert.deepStrictEqual(yield* run.pipe(Random.withSeed("a")), yield* run.pipe(Random.withSeed("a")))
      assert.notDeepEqual(yield* run.pipe(Random.withSeed("a")), yield* run.pipe(Random.withSeed("b")))
    }))
})

const schedules = {
  constant: Retry.constant,
  linear: Retry.linear,
  exponential: Retry.exponential,
  fibonacci: Retry.fibonacci
}

const jitters = Law.oneOf("full", "equal", "decorrelated", "none")

describe("the named schedules", () => {
  it.effect.prop(
    "are the backoff of their name, by the random numbers of the fiber, from the start in each run",
    {
      shape: Law.oneOf("constant", "linear", "exponential", "fibonacci"),
      jitter: jitters,
      base: Law.int(1, 1000),
      cap: Law.int(1001, 20_000),
      retries: Law.int(0, 40),
      seed: Law.int(0, 1e6)
    },
    ({ base, cap, jitter, retries, seed, shape }) =>
      Effect.gen(function*() {
        if (jitter === "decorrelated" && shape !== "exponential") return
        const schedule = schedules[shape]({ base, cap, times: retries, jitter })
        const draws = yield* Effect.forEach(times(jitter === "none" ? 0 : retries, 0), () => Random.next).pipe(
          Random.withSeed(seed)
        )
        let row = Backoff.start
        const expected = times(retries, 0).map((_, n) =>
          (row = Backoff.next(row, { shape, jitter, base, cap }, draws[n] ?? 0)).delay
        )
        for (const _ of ["once", "and again"]) {
          const waits = yield* delays(schedule, times(50, "down")).pipe(Random.withSeed(seed))
          assert.lengthOf(waits, retries)
          waits.forEach((wait, n) => {
            assert.closeTo(wait, expected[n]!, 1e-5)
            assert.isAtMost(wait, cap)
          })
        }
      }),
    Law.check(150)
  )

  it.effect("keep two runs at a time apart", () =>
    Effect.gen(function*() {
      for (const schedule of Object.values(schedules)) {
        const backoff = schedule({ jitter: "none", times: 10 })
        const [one, other] = [yield* Schedule.toStep(backoff), yield* Schedule.toStep(backoff)]
        const row = []
        for (let n = 0; n < 5; n++) {
          row.push((yield* one(0, "down"))[1])
          if (n === 2) assert.deepStrictEqual((yield* other(0, "down"))[1], row[0])
        }
        assert.deepStrictEqual(row.map(Duration.toMillis), yield* delays(backoff, times(5, "down")))
      }
    }))

  it.effect("grow as their names say", () =>
    Effect.gen(function*() {
      const five = (schedule: typeof Retry.constant) =>
        delays(schedule({ base: 10, cap: 70, times: 6, jitter: "none" }), times(9, "down"))
      assert.deepStrictEqual(yield* five(Retry.constant), [10, 10, 10, 10, 10, 10])
      assert.deepStrictEqual(yield* five(Retry.linear), [10, 20, 30, 40, 50, 60])
      assert.deepStrictEqual(yield* five(Retry.exponential), [10, 20, 40, 70, 70, 70])
      assert.deepStrictEqual(yield* five(Retry.fibonacci), [10, 10, 20, 30, 50, 70])
    }))

  it.effect("count the retries from 0 on, and say in the end how many there were", () =>
    Effect.gen(function*() {
      const step = yield* Schedule.toStep(Retry.constant({ times: 3 }))
      const counted = yield* Effect.forEach([1, 2, 3], () => Effect.map(step(0, "down"), ([output]) => output))
      assert.deepStrictEqual(counted, [0, 1, 2])
      assert.strictEqual(yield* Pull.catchDone(step(0, "down"), Effect.succeed), 3)
    }))

  it.effect("take nothing of the caller's chance where there is no jitter", () =>
    Effect.gen(function*() {
      for (const [jitter, draws] of [["none", 0], ["full", 4]] as const) {
        const before = yield* Random.next.pipe(Random.withSeed("same"))
        const after = Effect.gen(function*() {
          yield* delays(Retry.exponential({ jitter }), times(9, "down"))
          return yield* Random.next
        })
        const skipped = Effect.gen(function*() {
          for (let n = 0; n < draws; n++) yield* Random.next
          return yield* Random.next
        })
        const [drawn, expected] = [yield* Random.withSeed(after, "same"), yield* Random.withSeed(skipped, "same")]
        assert.deepStrictEqual([drawn, drawn === before], [expected, draws === 0])
      }
    }))

  it("refuse decorrelated jitter where it cannot be", () => {
    for (const schedule of [Retry.constant, Retry.linear, Retry.fibonacci]) {
      assert.throws(() => schedule({ jitter: "decorrelated" }), Configuration.InvalidConfiguration, "jitter")
    }
    assert.throws(
      () => Retry.exponential({ jitter: "decorrelated", base: 100, cap: 100 }),
      Configuration.InvalidConfiguration,
      "cap"
    )
  })
})

describe("Retry.honorRetryAfter", () => {
  const limited = (millis: number) =>
    new RateLimiter.RateLimited({ key: "k", source: "Upstream", retryAfter: Duration.millis(millis) })

  it.effect.prop(
    "never retries early, and gives up at once when told to wait longer than it would",
    [Arbitrary.all({ hints: Law.list(Law.int(0, 4000), 10), max: Law.int(1, 4000), seed: Law.int(0, 1e6) })],
    ([{ hints, max, seed }]) =>
      Effect.gen(function*() {
        const schedule = Retry.exponential({ times: 20 }).pipe(Retry.honorRetryAfter(max))
        const waits = yield* delays(schedule, hints.map(limited))
        const tooLong = hints.findIndex((hint) => hint > max)
        assert.lengthOf(waits, tooLong === -1 ? hints.length : tooLong)
        waits.forEach((wait, n) => assert.isAtLeast(wait, hints[n]!))
      }).pipe(Random.withSeed(seed)),
    Law.check(200)
  )

  it.effect("keeps to the jittered delay where nothing is said, or something unreadable", () =>
    Effect.gen(function*() {
      const failures = ["down", null, undefined, {}, { retryAfter: "soon" }, { retryAfter: 1e9 }, { retryAfter: NaN }]
      const honest = Retry.exponential({ times: 20 })
      const run = (schedule: Schedule.Schedule<number>) => delays(schedule, failures).pipe(Random.withSeed("same"))
      assert.deepStrictEqual(yield* run(honest.pipe(Retry.honorRetryAfter())), yield* run(honest))
    }))
})

describe("Retry.onlyRetryable", () => {
  it.effect.each(Object.entries(Verdict.byTag))("asks the verdict on %s", ([tag, verdict]) =>
    Effect.gen(function*() {
      const waits = yield* delays(Retry.exponential().pipe(Retry.onlyRetryable), times(10, { _tag: tag }))
      assert.lengthOf(waits, verdict.again ? 4 : 0)
    }))
})

describe("Retry.standard and Retry.none", () => {
  it.effect("make five calls and one", () =>
    Effect.gen(function*() {
      const calls = (schedule: Schedule.Schedule<number>) =>
        Effect.gen(function*() {
          let calls = 0
          const call = Effect.suspend(() => Effect.fail(++calls))
          const fiber = yield* Effect.forkChild(Effect.exit(Effect.retry(call, schedule)), { startImmediately: true })
          yield* TestClock.adjust("1 hour")
          yield* Fiber.join(fiber)
          return calls
        })
      assert.deepStrictEqual([yield* calls(Retry.standard), yield* calls(Retry.none)], [5, 1])
    }))

  it.effect("wait out a limiter's refusal, and pass on that of an open circuit at once", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "7 seconds" })
      yield* limiter.protect(Effect.void)
      const call = Effect.retry(limiter.protect(Clock.currentTimeMillis), Retry.standard)
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), 7000)

      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolate
      assert.strictEqual(
        (yield* Effect.flip(Effect.retry(breaker.protect(Effect.void), Retry.standard)))._tag,
        "CircuitOpen"
      )
      assert.strictEqual(yield* Clock.currentTimeMillis, 60_000)
    }))
})

const start = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.forkChild(effect, { startImmediately: true })

/** An effect that takes its time and fails so often before it succeeds, and when it was begun. */
const flaky = (failures: number, takes = 0) => {
  const begun: Array<number> = []
  const call = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    begun.push(now)
    const end = begun.length > failures ? Effect.succeed("answered") : Effect.fail(`failure ${begun.length}`)
    return takes === 0 ? end : Effect.andThen(Effect.sleep(takes), end)
  })
  return { begun, call }
}

const unlimited = (schedule: Schedule.Schedule<unknown>, options?: Retry.RetryOptions) =>
  Retry.make({ schedule, budget: "unlimited", ...options })

describe("Retry.make", () => {
  it.effect.prop(
    "begins no wait that does not end before the deadline, and passes the latest failure on at once",
    {
      delays: Law.list(Law.int(0, 30), 8),
      takes: Law.int(0, 10),
      failures: Law.int(0, 9),
      deadline: Law.int(1, 120)
    },
    ({ deadline, delays, failures, takes }) =>
      Effect.gen(function*() {
        const steps = Schedule.fromStep(Effect.sync(() => {
          const left = [...delays]
          return () =>
            left.length === 0
              ? Cause.done(0)
              : Effect.sync(() => [0, Duration.millis(left.shift()!)] as [number, Duration.Duration])
        }))
        const { begun, call } = flaky(failures, takes)
        const retry = yield* unlimited(steps)
        const fiber = yield* start(
          Effect.result(retry.protect(call)).pipe(
            Effect.flatMap((result) => Effect.map(Clock.currentTimeMillis, (now) => [result, now] as const)),
            Deadline.within(deadline),
            Effect.exit
          )
        )
        yield* TestClock.adjust("1 hour")
        const exit = yield* Fiber.join(fiber)

        const expected = [0]
        let ends = takes
        for (const delay of delays) {
          if (expected.length > failures || ends >= deadline || ends + delay >= deadline) break
          expected.push(ends + delay)
          ends += delay + takes
        }
        assert.deepStrictEqual(begun, expected)
        if (ends > deadline) return assert.isTrue(Exit.isFailure(exit), "only an attempt can be cut short")
        if (ends === deadline) return
        if (Exit.isFailure(exit)) return assert.fail(Cause.pretty(exit.cause))
        const [result, at] = exit.value
        assert.strictEqual(at, ends)
        if (begun.length > failures) assert.strictEqual(result._tag === "Success" && result.success, "answered")
        else assert.strictEqual(result._tag === "Failure" && result.failure, `failure ${begun.length}`)
      }),
    Law.check(300)
  )

  it.effect.prop(
    "pays for each retry that begins, and for no other, whoever is interrupted when",
    [Law.int(0, 12), Crowd.callers(20, 40)],
    ([paid, callers]) =>
      Effect.gen(function*() {
        const budget = yield* RetryBudget.make({ ratio: 1, reserve: 0, capacity: 100, ttl: "1 day" })
        for (let success = 0; success < paid; success++) yield* budget.deposit
        const retry = yield* Retry.make({ schedule: Retry.constant({ base: 8, times: 3, jitter: "none" }), budget })
        let calls = 0
        let entered = 0
        let answers = 0
        let broke = 0
        const account = yield* Crowd.admit(callers, (work) =>
          Effect.suspend(() => {
            entered++
            return retry.protect(Effect.suspend(() => {
              calls++
              // two of three fail
              return calls % 3 === 0
                ? Effect.tap(work, () => Effect.sync(() => answers++))
                : Effect.fail({ _tag: "Down" })
            }))
          }), () => {
          // a wait that was interrupted is not paid for; others may still be waiting for theirs
          const held = budget.snapshotUnsafe(0).deposits
          if (held > paid + answers - (calls - entered)) broke++
        })
        const { deposits } = yield* budget.state
        assert.strictEqual(deposits, paid + answers - (calls - entered))
        assert.strictEqual(broke, 0)
        assert.isAtLeast(deposits, 0)
        for (const { outcome } of account.visits) assert.include(["Success", "Down", "Interrupted"], outcome)
      }),
    Law.check(150)
  )

  it.effect("gives back what it paid before the interrupt returns", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make({ reserve: 1, ttl: "10 seconds" })
      const retry = yield* Retry.make({ schedule: Retry.constant({ base: "1 second", jitter: "none" }), budget })
      const fiber = yield* start(retry.protect(Effect.fail("down")))
      assert.strictEqual((yield* budget.state).reserve, 9)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* budget.state).reserve, 10)
    }))

  it.effect("loses no payment, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(Effect.gen(function*() {
      const budget = yield* RetryBudget.make({ ratio: 0, reserve: 10, ttl: "1 second" })
      const retry = yield* Retry.make({ schedule: Schedule.recurs(2), budget })
      let calls = 0
      let entered = 0
      return {
        protect: (work) =>
          Effect.suspend(() => {
            entered++
            let own = 0
            return retry.protect(Effect.suspend(() => {
              calls++
              return ++own === 1 ? Effect.andThen(work, Effect.fail("down")) : work
            }))
          }),
        check: (fibers, victim) =>
          Effect.sync(() => {
            const spent = 10 - budget.snapshotUnsafe(0).reserve
            // a retry that was paid for and cut off before its first step cannot be told from one that began
            assert.isAtLeast(spent, calls - entered)
            assert.isAtMost(spent, calls - entered + 1)
            const others = fibers.filter((_, caller) => caller !== victim)
            for (const fiber of others) assert.isTrue(Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt()))
          })
      }
    })))

  it.effect("meets neither schedule nor timer when all goes well", () =>
    Effect.gen(function*() {
      const { provide, timers } = yield* StrictClock.make
      let begun = 0
      const schedule = Schedule.fromStep(Effect.sync(() => {
        begun++
        return () => Cause.done(0)
      }))
      for (const budget of [undefined, "unlimited"] as const) {
        const retry = yield* Retry.make({ schedule, budget })
        assert.strictEqual(yield* provide(retry.protect(Effect.succeed(1))), 1)
        assert.strictEqual(
          yield* provide(Effect.flip(retry.protect(Effect.fail({ _tag: "RequestRejected" })))).pipe(
            Effect.map(({ _tag }) => _tag)
          ),
          "RequestRejected"
        )
      }
      assert.deepStrictEqual([begun, timers.ever], [0, 0])
    }))

  it.effect("begins its schedule anew for every call", () =>
    Effect.gen(function*() {
      const retry = yield* unlimited(Retry.exponential({ base: 100, jitter: "none", times: 2 }))
      for (let call = 0; call < 3; call++) {
        const before = yield* Clock.currentTimeMillis
        const { begun, call } = flaky(5)
        const fiber = yield* start(Effect.flip(retry.protect(call)))
        yield* TestClock.adjust(300)
        assert.strictEqual(yield* Fiber.join(fiber), "failure 3")
        assert.deepStrictEqual(begun.map((at) => at - before), [0, 100, 300])
      }
    }))

  it.effect("retries neither defects nor interrupts, and passes them on as they were", () =>
    Effect.gen(function*() {
      const retry = yield* unlimited(Retry.constant({ base: 1 }))
      let calls = 0
      const endings: ReadonlyArray<Effect.Effect<never, string>> = [
        Effect.die("bug"),
        Effect.interrupt,
        Effect.failCause(Cause.combine(Cause.fail("down"), Cause.die("bug")))
      ]
      for (const ending of endings) {
        const call = Effect.suspend(() => {
          calls++
          return ending
        })
        const bare = yield* Effect.exit(ending)
        const exit = yield* Effect.exit(retry.protect(call))
        assert.deepStrictEqual(
          Exit.isFailure(exit) && exit.cause.reasons.map(({ _tag }) => _tag),
          Exit.isFailure(bare) && bare.cause.reasons.map(({ _tag }) => _tag)
        )
      }
      assert.strictEqual(calls, endings.length)
    }))

  it.effect("retries a failure that interrupted its siblings", () =>
    Effect.gen(function*() {
      const retry = yield* unlimited(Schedule.recurs(1))
      let calls = 0
      const both = Effect.suspend(() => {
        calls++
        return Effect.all([Effect.never, Effect.andThen(Effect.yieldNow, Effect.fail("down"))], { concurrency: 2 })
      })
      assert.strictEqual(yield* Effect.flip(retry.protect(both)), "down")
      assert.strictEqual(calls, 2)
    }))

  it.effect("stops paying when nothing succeeds, and starts again with success", () =>
    Effect.gen(function*() {
      const budget = yield* RetryBudget.make({ ratio: 0.5, reserve: 0, capacity: 10 })
      const retry = yield* Retry.make({ schedule: Schedule.recurs(3), budget })
      const calls = (failures: number) =>
        Effect.gen(function*() {
          const { begun, call } = flaky(failures)
          yield* Effect.exit(retry.protect(call))
          return begun.length
        })
      assert.strictEqual(yield* calls(9), 1, "nothing was paid in yet")
      for (let success = 0; success < 4; success++) assert.strictEqual(yield* calls(0), 1)
      assert.strictEqual(yield* calls(9), 3, "four successes pay for two retries")
      assert.strictEqual(yield* calls(9), 1)
    }))

  it.effect("keeps retries to a share of successes in an outage that does not end", () =>
    Effect.gen(function*() {
      const retry = yield* Retry.make({ schedule: Schedule.recurs(3) })
      let sent = 0
      const call = (isDown: boolean) =>
        Effect.exit(retry.protect(Effect.suspend(() => {
          sent++
          return isDown ? Effect.fail("down") : Effect.void
        })))
      for (let n = 0; n < 500; n++) yield* call(false)
      sent = 0
      for (let n = 0; n < 1000; n++) yield* call(true)
      // 1000 calls, 50 retries that successes had paid for, 10 out of the reserve
      assert.strictEqual(sent, 1060)
    }))

  it.effect("asks `while` which failures to retry", () =>
    Effect.gen(function*() {
      const open = { _tag: "CircuitOpen" }
      const calls = (options: Retry.RetryOptions) =>
        Effect.gen(function*() {
          const retry = yield* Retry.make({ budget: "unlimited", ...options })
          let calls = 0
          const fiber = yield* start(Effect.exit(retry.protect(Effect.suspend(() => {
            calls++
            return Effect.fail(open)
          }))))
          yield* TestClock.adjust("1 hour")
          yield* Fiber.join(fiber)
          return calls
        })
      assert.strictEqual(yield* calls({}), 1)
      assert.strictEqual(yield* calls({ while: (failure) => failure === open }), 5)
      assert.strictEqual(
        yield* calls({ while: () => true, schedule: Retry.standard }),
        1,
        "the schedule has its say too"
      )
      assert.strictEqual(yield* calls({ while: () => true, schedule: Retry.none }), 1)
    }))

  it.effect("waits out a limiter's refusal to the millisecond", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "7 seconds" })
      yield* limiter.protect(Effect.void)
      const retry = yield* Retry.make()
      const fiber = yield* start(limiter.protect(Clock.currentTimeMillis).pipe(retry.protect))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(fiber), 7000)
    }))

  it.effect("is not early, even where the timers are", () =>
    Effect.gen(function*() {
      const { provide } = yield* StrictClock.makeEarly(3)
      const { begun, call } = flaky(1)
      const retry = yield* unlimited(Retry.constant({ base: 50, jitter: "none" }))
      const fiber = yield* start(retry.protect(call).pipe(provide))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(begun, [0, 50])
    }))

  it.effect("is not asked whether it may where its schedule never would", () =>
    Effect.gen(function*() {
      let asked = 0
      const retry = yield* unlimited(Retry.none, { while: () => ++asked > 0 })
      assert.strictEqual(yield* Effect.flip(retry.protect(Effect.fail("down"))), "down")
      assert.strictEqual(asked, 0)
    }))

  it.effect("that nobody pays for has nothing to give back when its wait is interrupted", () =>
    Effect.gen(function*() {
      const retry = yield* unlimited(Retry.constant({ base: 50, jitter: "none" }))
      const fiber = yield* start(retry.protect(Effect.fail("down")))
      yield* TestClock.adjust(20)
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    }))

  it.effect("gives up on a wait without end", () =>
    Effect.gen(function*() {
      const retry = yield* unlimited(Schedule.spaced("Infinity"))
      assert.strictEqual(yield* Effect.flip(retry.protect(Effect.fail("down"))), "down")
    }))

  it.effect("comes back no earlier than the failure asks, by any schedule, and not at all where that is too long", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const asks = (seconds: number) =>
        Effect.andThen(
          Effect.map(Clock.currentTimeMillis, (now) => times.push(now)),
          Effect.fail({ _tag: "RateLimited", retryAfter: Duration.seconds(seconds) })
        )
      const schedule = Retry.exponential({ base: 100, times: 2, jitter: "none" })
      const retry = yield* Retry.make({ schedule, maxRetryAfter: "10 seconds" })
      const fiber = yield* Effect.forkChild(Effect.exit(retry.protect(asks(7))), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(times.splice(0), [0, 7000, 14_000])
      yield* Effect.exit(retry.protect(asks(11)))
      assert.lengthOf(times.splice(0), 1)
      const edge = yield* start(Effect.exit(retry.protect(asks(10))))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(edge)
      assert.lengthOf(times, 3)
    }))

  it.effect("lets the failure out as it is when the predicate throws", () =>
    Effect.gen(function*() {
      const retry = yield* Retry.make({
        while: () => {
          throw new Error("mine")
        }
      })
      assert.strictEqual(yield* Effect.flip(retry.protect(Effect.fail("original"))), "original")
    }))

  it.effect("describes itself by the worst that can come", () =>
    Effect.gen(function*() {
      const describe = (options?: Retry.RetryOptions) =>
        Effect.map(Retry.make(options), ({ protect }) => {
          const { _tag, ...description } = protect["~effect-relay/policy/Policy"]()
          assert.strictEqual(_tag, "Retry")
          return description
        })
      assert.deepStrictEqual(yield* describe(), {
        maxAttempts: 5,
        maxDelay: 80_000,
        retriesOpenCircuit: false,
        hasBudget: true
      })
      const linear = Retry.linear({ base: 100, cap: 250, times: 4, jitter: "none" })
      assert.deepStrictEqual(
        yield* describe({ schedule: linear, budget: "unlimited", maxRetryAfter: 0, while: () => true }),
        {
          maxAttempts: 5,
          maxDelay: 100 + 200 + 250 + 250,
          retriesOpenCircuit: true,
          hasBudget: false
        }
      )
      assert.deepInclude(yield* describe({ schedule: Retry.none }), { maxAttempts: 1, maxDelay: 0 })
      assert.deepInclude(
        yield* describe({
          schedule: linear.pipe(Retry.honorRetryAfter(200), Retry.onlyRetryable),
          maxRetryAfter: 0
        }),
        {
          maxAttempts: 5,
          maxDelay: 200 + 200 + 250 + 250
        }
      )
      assert.deepInclude(yield* describe({ schedule: Schedule.recurs(3) }), {
        maxAttempts: Infinity,
        maxDelay: Infinity
      })
      const picky = (failure: unknown) => (failure as { readonly detail: { readonly code: number } }).detail.code > 499
      assert.deepInclude(yield* describe({ while: picky }), { retriesOpenCircuit: false })
    }))

  it.effect("refuses what it cannot work with", () =>
    Effect.gen(function*() {
      const wrong = { schedule: "often", budget: {}, maxRetryAfter: -1, while: true, times: 3 }
      for (const [field, value] of Object.entries(wrong)) {
        assert.strictEqual((yield* Effect.flip(Retry.make({ [field]: value }))).field, field)
      }
    }))
})
