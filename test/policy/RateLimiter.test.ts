import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Duration, Effect, Exit, Fiber } from "effect"
import { RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Limit from "../../src/machine/Limit.ts"
import { Limits } from "../../src/machine/Limits.ts"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

const options = Arbitrary.all({
  algorithm: Law.oneOf(...Limit.names),
  limit: Law.int(1, 12),
  window: Law.oneOf(10, 30, 50, 100),
  burst: Law.oneOf(0, 0.2, 0.5, 0.8),
  // a second limit for some, of three windows
  wide: Law.oneOf(0, 0, 8, 20),
  maxWait: Law.oneOf(0, 20, 60, 10_000),
  maxQueued: Law.oneOf(0, 2, 100)
})

type Options = typeof options extends Arbitrary.Arbitrary<infer A> ? A : never

const toOptions = ({ wide, ...options }: Options): RateLimiter.Options => ({
  ...options,
  limits: wide === 0 ? [] : [{ of: "calls", limit: wide, window: 3 * options.window }]
})

const limitsOf = ({ algorithm, burst, limit, wide, window }: Options): Limits => {
  const spec: Limit.Spec = { of: "calls", limit, window, margin: 0, burst, algorithm }
  return new Limits(wide === 0 ? [spec] : [spec, { ...spec, limit: wide, window: 3 * window }])
}

const one: RateLimiter.Cost = { calls: 1, tokens: 0 }

/** Lets so many more through limits, one as soon as it may after the other, and says when the next may. */
const untilNext = (limits: Limits, waiting: number, now: number): number => {
  let at = now
  for (let n = 0; n < waiting; n++) {
    at += Math.ceil(limits.wait(one, at))
    limits.take(one, at)
  }
  return at + Math.ceil(limits.wait(one, at)) - now
}

const holds = (options: Options, { served, visits }: Crowd.Account): void => {
  const { algorithm, burst, limit, maxQueued, maxWait, window } = options
  const starts = served.map(({ started }) => started!)
  const most = {
    gcra: limit,
    slidingWindow: limit,
    tokenBucket: limit + Math.max(1, Math.floor(limit * burst)),
    fixedWindow: 2 * limit
  }[algorithm]
  for (const from of starts) {
    const inWindow = starts.filter((at) => at >= from && at < from + window)
    assert.isAtMost(inWindow.length, most, "the limit holds in every window")
  }
  const order = served.map((visit) => visits.indexOf(visit))
  assert.deepStrictEqual(order, order.toSorted((a, b) => a - b), "first come, first served")
  visits.forEach(({ arrived, left, outcome, started }, index) => {
    // who passes or gives up in this very millisecond may still be here or not
    const ahead = (isHere: (until: number) => boolean) => {
      const before = visits.slice(0, index)
      const waiting = before.filter((other) => isHere(other.started ?? other.left)).length
      const limits = limitsOf(options)
      for (const { started } of before) if (started !== undefined && !isHere(started)) limits.take(one, started)
      return { waiting, wait: untilNext(limits, waiting, arrived) }
    }
    const least = ahead((until) => until > arrived)
    if (outcome.startsWith("RateLimited")) {
      const most = ahead((until) => until >= arrived)
      assert.strictEqual(left, arrived, "who is refused is refused at once")
      assert.isTrue(most.wait > maxWait || most.waiting >= maxQueued, "nobody is refused in vain")
    } else if (started !== arrived) {
      assert.isTrue(least.wait <= maxWait && least.waiting < maxQueued, "nobody waits in vain")
    }
  })
  const limits = limitsOf(options)
  let now = 0
  for (const { arrived, started } of served) {
    now = Math.max(now, arrived)
    now += Math.ceil(limits.wait(one, now))
    assert.strictEqual(started, now, "nobody waits longer than needed, also when one before gave up")
    assert.isAtMost(now - arrived, maxWait)
    limits.take(one, now)
  }
}

describe("RateLimiter", () => {
  it.effect.prop(
    "holds its limits, first come first served, as soon as it may be, whoever is interrupted when",
    [options, Crowd.callers(30, 150)],
    ([options, callers]) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make(toOptions(options))
        const account = yield* Crowd.admit(callers, limiter.protect)
        holds(options, account)
        assert.include(yield* limiter.state, { queued: 0, retryAfter: 0 })
        assert.deepStrictEqual(account.visits.filter(({ outcome }) => outcome === "Defect"), [])
        const now = Number(yield* Clock.monotonicTimeNanos) / 1e6
        const fresh = yield* RateLimiter.make(toOptions(options))
        for (let n = 0; n < 30; n++) {
          assert.closeTo(limiter.waitUnsafe(one, now), fresh.waitUnsafe(one, now), 1e-2, "it is as good as new")
          limiter.takeUnsafe(one, now)
          fresh.takeUnsafe(one, now)
        }
      }),
    Law.check(300)
  )

  it.effect.prop(
    "says when to come back, to the millisecond",
    [options, Law.list(Law.int(0, 40), 40)],
    ([options, gaps]) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ ...toOptions(options), maxWait: 0 })
        for (const gap of gaps) {
          yield* TestClock.adjust(gap)
          const now = yield* Clock.currentTimeMillis
          const exit = yield* Effect.exit(limiter.protect(Effect.void))
          if (Exit.isSuccess(exit)) continue
          const { retryAfter } = yield* Effect.flip(exit)
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

  const ways: ReadonlyArray<
    readonly [string, (limiter: RateLimiter.RateLimiter) => (work: Effect.Effect<void>) => Effect.Effect<void, unknown>]
  > = [
    ["protect", (limiter) => limiter.protect],
    ["protectCost", (limiter) => limiter.protectCost({ calls: 1 })]
  ]
  it.effect.each(ways)(
    "loses no turn to %s, wherever the scheduler steps in and the interrupt falls",
    ([, way]) =>
      Crowd.interruptAnywhere(
        Effect.gen(function*() {
          const limiter = yield* RateLimiter.make({ limit: 1, window: 10, maxWait: "1 minute" })
          let started = 0
          return {
            protect: (work) =>
              way(limiter)(Effect.suspend(() => {
                started++
                return work
              })),
            check: (fibers, victim) =>
              Effect.gen(function*() {
                const now = yield* Clock.currentTimeMillis
                yield* TestClock.adjust(10 * (fibers.length - 1))
                const others = fibers.filter((_, caller) => caller !== victim)
                assert.isTrue(others.every((fiber) => Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt())))
                assert.strictEqual(limiter.snapshotUnsafe(now).queued, 0)
                const paid = limiter.snapshotUnsafe(now).retryAfter / 10
                assert.strictEqual(paid, started, "who runs pays, and nobody else")
                yield* TestClock.adjust("1 minute")
              })
          }
        })
      )
  )

  it.effect("loses no reservation either: who is interrupted has used nothing", () =>
    Crowd.interruptAnywhere(
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ limit: 1, window: 10, maxWait: "1 minute" })
        let finished = 0
        let answered = 0
        const count = (self: Effect.Effect<void, unknown>, add: () => void) =>
          Effect.onExitPrimitive(self, (exit) => {
            if (Exit.isSuccess(exit)) add()
            return undefined
          })
        return {
          protect: (work) =>
            count(limiter.withReservation({ calls: 1 }, () => count(work, () => finished++)), () => answered++),
          check: (fibers) =>
            Effect.gen(function*() {
              const now = yield* Clock.currentTimeMillis
              yield* TestClock.adjust(10 * (fibers.length - 1))
              const { queued, retryAfter } = limiter.snapshotUnsafe(now)
              assert.strictEqual(queued, 0)
              assert.isAtLeast(retryAfter / 10, answered, "who got its answer has paid")
              assert.isAtMost(retryAfter / 10, finished, "who did not finish has not")
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
