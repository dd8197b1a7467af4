import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Duration, Effect, Exit, Fiber } from "effect"
import { RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Gcra from "../../src/machine/Gcra.ts"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

interface Limits {
  readonly limit: number
  readonly window: number
  readonly burst: number
  readonly maxWait: number
  readonly maxQueued: number
}

const options: Arbitrary.Arbitrary<Limits> = Arbitrary.all({
  limit: Law.int(1, 12),
  window: Law.oneOf(10, 30, 50, 100),
  burst: Law.oneOf(0, 0.2, 0.5, 0.8),
  maxWait: Law.oneOf(0, 20, 60, 10_000),
  maxQueued: Law.oneOf(0, 2, 100)
})

const ruleOf = ({ burst, limit, window }: Limits) => Gcra.rule(limit, window, Math.max(1, Math.floor(limit * burst)))

const holds = (limits: Limits, { served, visits }: Crowd.Account): void => {
  const rule = ruleOf(limits)
  const starts = served.map(({ started }) => started!)
  for (const from of starts) {
    const inWindow = starts.filter((at) => at >= from && at < from + limits.window)
    assert.isAtMost(inWindow.length, limits.limit, "the limit holds in every window")
  }
  const order = served.map((visit) => visits.indexOf(visit))
  assert.deepStrictEqual(order, order.toSorted((a, b) => a - b), "first come, first served")
  visits.forEach(({ arrived, left, outcome, started }, index) => {
    // who passes or gives up in this very millisecond may still be here or not
    const ahead = (isHere: (until: number) => boolean) => {
      const before = visits.slice(0, index)
      const waiting = before.filter((other) => isHere(other.started ?? other.left)).length
      const passed = before.flatMap(({ started }) => started === undefined || isHere(started) ? [] : [started])
      const tat = passed.reduce((tat, at) => Gcra.take(tat, at, 1, rule), -Infinity)
      return { waiting, wait: Gcra.wait(Gcra.take(tat, arrived, waiting, rule), arrived, 1, rule) }
    }
    const most = ahead((until) => until >= arrived)
    const least = ahead((until) => until > arrived)
    if (outcome.startsWith("RateLimited")) {
      assert.strictEqual(left, arrived, "who is refused is refused at once")
      assert.isTrue(most.wait > limits.maxWait - 1 || most.waiting >= limits.maxQueued, "nobody is refused in vain")
    } else if (started !== arrived) {
      assert.isTrue(least.wait < limits.maxWait + 1 && least.waiting < limits.maxQueued, "nobody waits in vain")
    }
  })
  let tat = -Infinity
  for (const { arrived, started } of served) {
    const earliest = arrived + Math.max(0, Math.ceil(Gcra.wait(tat, arrived, 1, rule) - 1e-3))
    assert.strictEqual(started, earliest, "nobody waits longer than needed, also when one before gave up")
    assert.isAtMost(earliest - arrived, limits.maxWait)
    tat = Gcra.take(tat, earliest, 1, rule)
  }
}

describe("RateLimiter", () => {
  it.effect.prop(
    "holds the limit, first come first served, as soon as it may be, whoever is interrupted when",
    [options, Crowd.callers(30, 150)],
    ([options, callers]) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make(options)
        const account = yield* Crowd.admit(callers, limiter.protect)
        holds(options, account)
        assert.include(yield* limiter.state, { queued: 0, retryAfter: 0 })
        assert.deepStrictEqual(account.visits.filter(({ outcome }) => outcome === "Defect"), [])
      }),
    Law.check(150)
  )

  it.effect.prop(
    "says when to come back, to the millisecond",
    [options, Law.list(Law.int(0, 40), 40)],
    ([options, gaps]) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ ...options, maxWait: 0 })
        for (const gap of gaps) {
          yield* TestClock.adjust(gap)
          const now = yield* Clock.currentTimeMillis
          const exit = yield* Effect.exit(limiter.protect(Effect.void))
          if (Exit.isSuccess(exit)) continue
          const { retryAfter } = yield* Effect.flip(exit)
          const one = { calls: 1, tokens: 0 }
          const wait = Duration.toMillis(retryAfter!)
          assert.isAbove(limiter.waitUnsafe(one, now + wait - 1), 0)
          assert.strictEqual(limiter.waitUnsafe(one, now + wait), 0)
        }
      }),
    Law.check(200)
  )

  it.effect("gives the turn of an interrupted waiter to the next before the interrupt returns", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "10 seconds", maxWait: "1 minute" })
      const call = limiter.protect(Clock.currentTimeMillis)
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(call, { startImmediately: true }))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fibers[1]!)
      assert.include(yield* limiter.state, { queued: 2, retryAfter: 29_000 })
      yield* Fiber.interrupt(fibers[3]!)
      assert.include(yield* limiter.state, { queued: 1, retryAfter: 19_000 })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(fibers[2]!), 10_000)
    }))

  it.effect("holds a limit of tokens beside that of calls, and charges neither for a refusal", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({
        limit: 100,
        tokenLimit: 1000,
        window: "1 minute",
        burst: 0.5,
        tokenBurst: 0.5
      })
      const send = (tokens: number) => Effect.exit(limiter.protectTokens(tokens)(Effect.void))
      assert.isTrue(Exit.isSuccess(yield* send(400)))
      const before = yield* limiter.state
      for (let n = 0; n < 200; n++) assert.isTrue(Exit.isFailure(yield* send(101)))
      assert.deepStrictEqual(yield* limiter.state, before)
      assert.isTrue(Exit.isSuccess(yield* send(100)))
      assert.isTrue(Exit.isFailure(yield* send(1)))
      assert.isTrue(Exit.isSuccess(yield* send(0)))
    }))

  it.effect("does not lend twice what was reserved, lay idle, and is given back late", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ tokenLimit: 10, window: "1 minute", tokenBurst: 0.5 })
      const fiveTokens = { calls: 1, tokens: 5 }
      limiter.takeUnsafe(fiveTokens, 0)
      // by now the limiter has long forgotten the first call, and it turns out to have used nothing
      limiter.takeUnsafe(fiveTokens, 60_000)
      const wait = limiter.waitUnsafe(fiveTokens, 60_000)
      limiter.refundUnsafe({ calls: 0, tokens: 5 }, 0)
      assert.strictEqual(limiter.waitUnsafe(fiveTokens, 60_000), wait)
    }))

  it.effect.each([NaN, Infinity, -50, -Infinity])(
    "is not thrown off by a call of %d tokens",
    (tokens) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ tokenLimit: 100, window: "1 minute", tokenBurst: 0.5 })
        const send = (tokens: number) => Effect.exit(limiter.protectTokens(tokens)(Effect.void))
        assert.isTrue(Exit.isSuccess(yield* send(50)))
        yield* send(tokens)
        assert.isTrue(Exit.isFailure(yield* send(1)), "the limit still holds")
        yield* TestClock.adjust("1 hour")
        assert.isTrue(Exit.isSuccess(yield* send(1)), "and passes with time")
      })
  )

  it.effect("loses no turn, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ limit: 1, window: 10, maxWait: "1 minute" })
        let started = 0
        return {
          protect: (work) => limiter.protect(Effect.andThen(Effect.sync(() => started++), work)),
          check: (fibers, victim) =>
            Effect.gen(function*() {
              const now = yield* Clock.currentTimeMillis
              yield* TestClock.adjust(10 * (fibers.length - 1))
              const others = fibers.filter((_, caller) => caller !== victim)
              assert.isTrue(others.every((fiber) => Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt())))
              assert.strictEqual(limiter.snapshotUnsafe(now).queued, 0)
              const paid = limiter.snapshotUnsafe(now).retryAfter / 10
              assert.isAtLeast(paid, started, "nobody runs without paying")
              assert.isAtMost(paid, started + 1, "nobody pays but who runs, or was about to")
              yield* TestClock.adjust("1 minute")
            })
        }
      })
    ))

  it.effect("takes no notice of a wall clock that is set back", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1e9)
      const limiter = yield* RateLimiter.make({ limit: 1, window: "10 seconds" })
      yield* limiter.protect(Effect.void)
      yield* TestClock.setTime(0)
      assert.include(yield* limiter.state, { retryAfter: 10_000 })
      yield* TestClock.adjust("10 seconds")
      yield* limiter.protect(Effect.void)
    }))
})
