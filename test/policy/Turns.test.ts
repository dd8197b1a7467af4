/** What a rate limiter does while others wait: weights, deadlines, pauses, other limits, hints. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Duration, Effect, Exit, Fiber } from "effect"
import { Deadline, InvalidArgument, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Limit from "../../src/machine/Limit.ts"
import * as Description from "../../src/policy/Description.ts"
import * as Law from "../Law.ts"

const start = <A, E>(call: Effect.Effect<A, E>) => Effect.forkChild(Effect.exit(call), { startImmediately: true })
const startedAt = Clock.currentTimeMillis
const millis = (duration: Duration.Duration | undefined) =>
  duration === undefined ? undefined : Duration.toMillis(duration)

const bad: ReadonlyArray<readonly [string, unknown]> = [
  ["calls", NaN],
  ["tokens", NaN],
  ["tokens", -1],
  ["tokens", -0.5],
  ["tokens", 1.5],
  ["tokens", Infinity],
  ["tokens", "3"],
  ["calls", null],
  ["calls", 2 ** 53],
  ["token", 5]
]

const ports: ReadonlyArray<
  readonly [
    string,
    (
      limiter: RateLimiter.RateLimiter,
      weight: RateLimiter.Weight
    ) => Effect.Effect<unknown, RateLimiter.RateLimited | InvalidArgument.InvalidArgument>
  ]
> = [
  ["protectCost", (limiter, weight) => limiter.protectCost(weight)(Effect.void)],
  ["protectMeasured", (limiter, weight) => limiter.protectMeasured(weight, () => ({}))(Effect.void)],
  ["reserve", (limiter, weight) => limiter.reserve(weight)],
  ["withReservation", (limiter, weight) => limiter.withReservation(weight, () => Effect.void)]
]

describe("the weight of a call", () => {
  it.effect.each(ports)(
    "is refused by %s when it is no count, and nothing is changed",
    ([name, port]) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ limit: 5, tokenLimit: 10, tokenBurst: 1, maxWait: "1 hour" })
        const before = yield* limiter.state
        for (const [argument, value] of bad) {
          const error = yield* Effect.flip(port(limiter, { [argument]: value }))
          assert.instanceOf(error, InvalidArgument.InvalidArgument)
          assert.strictEqual(error.subject, `RateLimiter.${name}`)
          assert.strictEqual(error.argument, argument)
          assert.deepStrictEqual(yield* limiter.state, before)
        }
        assert.instanceOf(yield* Effect.flip(port(limiter, null as never)), InvalidArgument.InvalidArgument)
      })
  )

  it.effect("is refused by protectTokens likewise, by name, value and rule", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ tokenLimit: 10 })
      for (const tokens of [NaN, -1, 1.5, Infinity]) {
        const error = yield* Effect.flip(limiter.protectTokens(tokens)(Effect.void))
        assert.strictEqual(
          error.message,
          `RateLimiter.protectTokens: tokens is ${tokens}, but it has to be a whole number from 0 up`
        )
      }
      assert.deepInclude((yield* limiter.state).limits[0], { remaining: 1 })
    }))

  it.effect.each(["slidingWindow", "fixedWindow"] as const)(
    "is refused at once when a limit by %s could never let it pass",
    (algorithm) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({
          tokenLimit: 10,
          algorithm,
          maxWait: "Infinity",
          limits: [{ of: "tokens", limit: 100, window: "1 day" }]
        })
        const error = yield* Effect.flip(limiter.protectTokens(11)(Effect.void))
        assert.strictEqual(
          error.message,
          "RateLimiter.protectTokens: tokens is 11, but more than 10 tokens per 1m can never pass"
        )
        assert.deepStrictEqual(
          yield* Effect.exit(limiter.protectTokens(10)(Effect.succeed("sent"))),
          Exit.succeed("sent")
        )
      })
  )

  it.effect.each([["gcra", 20_000], ["tokenBucket", 16_000]] as const)(
    "above the burst passes by %s when nothing is owed, and is paid for afterwards",
    ([algorithm, wait]) =>
      Effect.gen(function*() {
        const limiter = yield* RateLimiter.make({ tokenLimit: 10, tokenBurst: 0.5, window: "10 seconds", algorithm })
        yield* limiter.protectTokens(20)(Effect.void)
        const error = yield* Effect.flip(limiter.protectTokens(1)(Effect.void))
        assert.instanceOf(error, RateLimiter.RateLimited)
        // 20 used, 5 may be owed at once and one of them is for this call
        const interval = algorithm === "gcra" ? 10_000 / 6 : 1000
        assert.strictEqual(millis(error.retryAfter), Math.ceil(16 * interval))
        assert.isAtLeast(millis(error.retryAfter)!, Math.min(wait, 16_000))
      })
  )
})

describe("several limits", () => {
  const limits = Law.list(
    Arbitrary.all({
      of: Law.oneOf("calls", "tokens"),
      limit: Law.int(1, 12),
      window: Law.oneOf(10, 100, 1000),
      burst: Law.oneOf(0, 0.5, 1),
      algorithm: Law.oneOf(...Limit.names)
    }),
    4,
    1
  )
  const arrivals = Law.list(
    Arbitrary.all({ after: Law.oneOf(0, 0, 1, 7, 50), calls: Law.int(0, 3), tokens: Law.int(0, 12) }),
    40
  )

  it.effect.prop("charge nothing for a refusal, and say when it would pass, to the millisecond", [limits, arrivals], (
    [limits, arrivals]
  ) =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limits })
      for (const { after, ...weight } of arrivals) {
        yield* TestClock.adjust(after)
        const before = yield* limiter.state
        const exit = yield* Effect.exit(limiter.protectCost(weight)(Effect.void))
        if (Exit.isSuccess(exit)) continue
        assert.deepStrictEqual(yield* limiter.state, before)
        const error = yield* Effect.flip(exit)
        if (error._tag === "InvalidArgument") {
          assert.strictEqual(limiter.waitUnsafe(weight, 0), Infinity)
          continue
        }
        const now = yield* Clock.currentTimeMillis
        const wait = millis(error.retryAfter)!
        assert.isAbove(limiter.waitUnsafe(weight, now + wait - 1), 0)
        assert.strictEqual(limiter.waitUnsafe(weight, now + wait), 0)
      }
    }), Law.check(150))

  it.effect("hold calls a minute, calls a day and tokens a day at once", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({
        limit: 2,
        window: "1 minute",
        algorithm: "slidingWindow",
        limits: [{ of: "calls", limit: 3, window: "1 day" }, { of: "tokens", limit: 100, window: "1 day" }]
      })
      const wait = (tokens: number) =>
        Effect.map(
          Effect.flip(limiter.protectTokens(tokens)(Effect.void)),
          (error) => error._tag === "RateLimited" ? Duration.format(error.retryAfter!) : error._tag
        )
      yield* limiter.protectTokens(60)(Effect.void)
      assert.strictEqual(yield* wait(41), "1d")
      yield* limiter.protectTokens(40)(Effect.void)
      assert.strictEqual(yield* wait(0), "1m")
      yield* TestClock.adjust("1 minute")
      yield* limiter.protectTokens(0)(Effect.void)
      assert.strictEqual(yield* wait(0), "23h 59m")
      assert.deepStrictEqual((yield* limiter.state).limits.map(({ remaining }) => remaining), [1, 0, 0])
    }))
})

describe("a line at a rate limiter", () => {
  it.effect.prop("is foretold to the millisecond to who is refused, by every algorithm", [
    Arbitrary.all({
      algorithm: Law.oneOf(...Limit.names),
      limit: Law.int(1, 9),
      window: Law.oneOf(10, 100, 1000),
      burst: Law.oneOf(0, 0.5, 1)
    }),
    Law.int(0, 12),
    Law.int(1, 3)
  ], ([options, waiting, weight]) =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({
        ...options,
        limits: [{ of: "tokens", limit: 5, window: 70 }],
        maxQueued: waiting,
        maxWait: "1 hour"
      })
      const cost = { calls: Math.min(weight, options.limit), tokens: weight }
      const call = limiter.protectCost(cost)(startedAt)
      const fibers = yield* Effect.forEach(Array.from({ length: 30 }), () => start(call))
      const refused = fibers.findLast((fiber) => fiber.pollUnsafe() !== undefined)!
      const error = yield* Effect.flip(yield* Fiber.join(refused))
      if (error._tag !== "RateLimited") return
      const wait = millis(error.retryAfter)!
      yield* TestClock.adjust(wait - 1)
      assert.isAbove(limiter.waitUnsafe(cost, yield* startedAt), 0, "one earlier it does not pass")
      yield* TestClock.adjust(1)
      assert.strictEqual(limiter.waitUnsafe(cost, yield* startedAt), 0, "then it does")
      yield* Fiber.awaitAll(fibers)
    }), Law.check(100))

  it.effect("refuses at once who would be past its deadline, and charges nothing", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "10 seconds", maxWait: "1 minute" })
      yield* limiter.protect(Effect.void)
      const within = (left: number) =>
        Effect.flatMap(startedAt, (now) =>
          Effect.provideService(limiter.protect(startedAt), Deadline.CurrentDeadline, now + left))
      const before = yield* limiter.state
      const error = yield* Effect.flip(within(9999))
      assert.strictEqual(millis(error.retryAfter), 10_000)
      assert.deepStrictEqual(yield* limiter.state, before)
      const fiber = yield* start(within(10_000))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.succeed(10_000))
    }))

  it.effect("refuses those whom a pause makes too late, and keeps those who can wait", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "10 seconds", maxWait: "30 seconds" })
      yield* limiter.protect(Effect.void)
      const first = yield* start(limiter.protect(startedAt))
      yield* TestClock.adjust("9 seconds")
      const second = yield* start(limiter.protect(startedAt))
      yield* limiter.pause("25 seconds")
      const refused = yield* Effect.flip(yield* Fiber.join(first))
      assert.strictEqual(millis(refused.retryAfter), 25_000)
      assert.include(yield* limiter.state, { queued: 1, pausedFor: 25_000, retryAfter: 35_000 })
      yield* TestClock.adjust("25 seconds")
      assert.deepStrictEqual(yield* Fiber.join(second), Exit.succeed(34_000))
    }))

  it.effect("runs one timer, however long it is, and none when it is empty", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      let running = 0
      let most = 0
      const counting = new Proxy(clock, {
        get: (target, name) =>
          name !== "sleep" ? Reflect.get(target, name) : (duration: Duration.Duration) =>
            Effect.suspend(() => {
              most = Math.max(most, ++running)
              return Effect.ensuring(target.sleep(duration), Effect.sync(() => running--))
            })
      })
      const limiter = yield* RateLimiter.make({ limit: 1, window: 10, maxWait: "1 hour" })
      const call = Effect.provideService(limiter.protect(startedAt), Clock.Clock, counting)
      const fibers = yield* Effect.forEach(Array.from({ length: 100 }), () => start(call))
      assert.deepStrictEqual([running, most], [1, 1])
      yield* Effect.forEach(fibers.slice(0, 50), Fiber.interrupt)
      yield* TestClock.adjust(200)
      assert.deepStrictEqual([running, most], [1, 1])
      yield* Effect.forEach(fibers, Fiber.interrupt)
      assert.deepStrictEqual([running, most], [0, 1])
    }))

  it.effect("moves up when something is given back, also where that is not enough to pass at once", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ tokenLimit: 100, algorithm: "slidingWindow", maxWait: "1 hour" })
      yield* limiter.protectTokens(50)(Effect.void)
      yield* TestClock.adjust("10 seconds")
      const reservation = yield* limiter.reserve({ tokens: 50 })
      const fiber = yield* start(limiter.protectTokens(100)(startedAt))
      yield* TestClock.adjust("10 seconds")
      yield* reservation.cancel
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.succeed(60_000))
    }))

  it.effect("is served in one go by calls that use nothing, however long it is", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, maxWait: "Infinity", maxQueued: 10_000 })
      const reservation = yield* limiter.reserve({})
      const call = limiter.withReservation({}, () => Effect.void, () => ({ calls: 0 }))
      const fibers = yield* Effect.forEach(Array.from({ length: 10_000 }), () => start(call))
      yield* reservation.cancel
      assert.include(yield* limiter.state, { queued: 0, retryAfter: 0 })
      assert.isTrue(fibers.every((fiber) => Exit.isSuccess(fiber.pollUnsafe()!)))
    }))

  it.effect("is served in one go by a reset, however long it is", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({
        limit: 20_000,
        algorithm: "fixedWindow",
        window: "1 hour",
        maxWait: "1 day",
        maxQueued: 20_000
      })
      limiter.takeUnsafe({ calls: 20_000, tokens: 0 }, 0)
      const order: Array<number> = []
      yield* Effect.forEach(
        Array.from({ length: 20_000 }),
        (_, n) => start(limiter.protect(Effect.sync(() => order.push(n)))),
        { discard: true }
      )
      assert.include(yield* limiter.state, { queued: 20_000 })
      yield* limiter.reset
      assert.include(yield* limiter.state, { queued: 0 })
      assert.deepStrictEqual(order, Array.from({ length: 20_000 }, (_, n) => n))
    }))
})

describe("a pause", () => {
  it.effect("lets nothing pass; the longest holds, up to the cap; a reset ends it", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ maxPause: "1 minute", maxWait: "1 hour" })
      yield* limiter.pause("10 seconds")
      yield* limiter.pause("1 second")
      assert.include(yield* limiter.state, { pausedFor: 10_000, retryAfter: 10_000 })
      const fiber = yield* start(limiter.protect(startedAt))
      yield* TestClock.adjust(9999)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.succeed(10_000))
      assert.notProperty(yield* limiter.state, "pausedFor")
      yield* limiter.pause("Infinity")
      assert.include(yield* limiter.state, { pausedFor: 60_000 })
      const waiting = yield* start(limiter.protect(startedAt))
      yield* limiter.reset
      assert.deepStrictEqual(yield* Fiber.join(waiting), Exit.succeed(10_000))
      yield* limiter.protect(Effect.void)
    }))

  it.effect("moves the turns of all who wait, and of who comes after them", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "10 seconds", maxWait: "1 hour" })
      yield* limiter.protect(Effect.void)
      const fibers = yield* Effect.forEach([1, 2], () => start(limiter.protect(startedAt)))
      assert.include(yield* limiter.state, { retryAfter: 30_000 })
      yield* limiter.pause("15 seconds")
      assert.include(yield* limiter.state, { retryAfter: 35_000 })
      yield* TestClock.adjust("25 seconds")
      const exits = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(exits, [15_000, 25_000].map((at) => Exit.succeed(at)))
    }))

  it.effect("of no length is refused by name, and nothing is changed", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make()
      for (const duration of [NaN, -1, "soon", {}, null]) {
        const error = yield* Effect.flip(limiter.pause(duration as number))
        assert.deepStrictEqual([error.subject, error.argument], ["RateLimiter.pause", "duration"])
      }
      assert.notProperty(yield* limiter.state, "pausedFor")
    }))
})

describe("other limits at run time", () => {
  it.effect("move those up who wait when they are raised", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({
        limit: 1,
        window: "10 seconds",
        algorithm: "slidingWindow",
        maxWait: "1 hour"
      })
      yield* limiter.protect(Effect.void)
      const fibers = yield* Effect.forEach([1, 2, 3], () => start(limiter.protect(startedAt)))
      yield* TestClock.adjust("4 seconds")
      yield* limiter.update({ limit: 3 })
      yield* TestClock.adjust("6 seconds")
      const exits = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(exits, [4000, 4000, 10_000].map((at) => Exit.succeed(at)))
    }))

  it.effect("keep what was used when they are lowered, and refuse who could never pass any more", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ tokenLimit: 10, algorithm: "slidingWindow", maxWait: "1 hour" })
      yield* limiter.protectTokens(4)(Effect.void)
      const heavy = yield* start(limiter.protectTokens(8)(startedAt))
      const light = yield* start(limiter.protectTokens(1)(startedAt))
      yield* limiter.update({ tokenLimit: 5 })
      const refused = yield* Effect.flip(yield* Fiber.join(heavy))
      assert.deepInclude(refused, { _tag: "RateLimited" })
      assert.notProperty(refused, "retryAfter")
      assert.deepStrictEqual(yield* Fiber.join(light), Exit.succeed(0))
      assert.deepInclude((yield* limiter.state).limits[0], { limit: 5, remaining: 0 })
    }))

  it.effect("are refused when they cannot work, and nothing is changed", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 3, window: "1 minute" })
      yield* limiter.protect(Effect.void)
      const before = yield* limiter.state
      const wrong: ReadonlyArray<readonly [object, string]> = [
        [{ limit: 0 }, "limit"],
        [{ limit: NaN }, "limit"],
        [{ algorithm: "leaky" }, "algorithm"],
        [{ limits: [{ of: "calls", limit: 1.5, window: 10 }] }, "limits.0.limit"],
        [{ limits: [{ of: "bytes", limit: 1, window: 10 }] }, "limits.0.of"],
        [{ limits: [{ of: "calls", limit: 1 }] }, "limits.0.window"],
        [{ limits: [{ of: "calls", limit: 1, window: 10, rate: 3 }] }, "limits.0.rate"],
        [{ maxKeys: 5 }, "maxKeys"],
        [{ maxKues: 5 }, "maxKues"]
      ]
      for (const [options, field] of wrong) {
        const error = yield* Effect.flip(limiter.update(options))
        assert.deepStrictEqual([error.subject, error.field], ["RateLimiter", field])
        assert.deepStrictEqual(yield* limiter.state, before)
      }
    }))

  it.effect("leave the options alone that are not named", () =>
    Effect.gen(function*() {
      const limiters = yield* RateLimiter.make({ limit: 3, window: "1 minute", burst: 1, maxWait: "5 seconds" })
      const limiter = yield* limiters.configure("a", { window: "1 hour" })
      yield* limiter.update({ limit: 4, maxQueued: undefined })
      yield* limiter.update({ maxQueued: 7 })
      assert.deepStrictEqual(limiter.protect[Description.TypeId](), {
        _tag: "RateLimiter",
        key: "a",
        limits: ["4 calls per 1h"],
        maxQueued: 7,
        maxWait: 5000
      })
    }))
})

describe("a hint of the service", () => {
  const hinted = RateLimiter.make({ limit: 10, window: "1 minute", algorithm: "slidingWindow", maxWait: "1 hour" })

  it.effect("is learned from only by how old its answer is", () =>
    Effect.gen(function*() {
      const limiter = yield* hinted
      const old = yield* limiter.reserve({})
      yield* TestClock.adjust("1 second")
      const recent = yield* limiter.reserve({})
      yield* limiter.reserve({})
      yield* TestClock.adjust("1 second")
      yield* recent.learn({ of: "calls", remaining: 3, resetAfter: "20 seconds" })
      const remaining = Effect.map(limiter.state, ({ limits }) => limits[0]!.remaining)
      assert.strictEqual(yield* remaining, 2, "one more was under way")
      yield* old.learn({ of: "calls", remaining: 9, resetAfter: "20 seconds" })
      assert.strictEqual(yield* remaining, 2)
      yield* limiter.learn({ of: "calls", remaining: 9, resetAfter: "20 seconds" })
      assert.strictEqual(yield* remaining, 2)
      yield* TestClock.adjust("1 second")
      const latest = yield* limiter.reserve({})
      yield* latest.learn({ of: "calls", remaining: 5, resetAfter: "20 seconds" })
      assert.strictEqual(yield* remaining, 5)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* remaining, 6, "what we know ourselves still holds")
    }))

  it.effect("makes those wait who wait, and no longer than a window", () =>
    Effect.gen(function*() {
      const limiter = yield* hinted
      yield* limiter.learn({ of: "calls", remaining: 0, resetAfter: "1 day" })
      const fiber = yield* start(limiter.protect(startedAt))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.succeed(60_000))
    }))

  it.effect("lowers a limit and never raises it above what was configured", () =>
    Effect.gen(function*() {
      const limiter = yield* hinted
      const limit = Effect.map(limiter.state, ({ limits }) => limits[0]!.limit)
      yield* limiter.learn({ of: "calls", limit: 4 })
      assert.strictEqual(yield* limit, 4)
      yield* TestClock.adjust(1)
      yield* Effect.flatMap(limiter.reserve({}), (call) => call.learn({ of: "calls", limit: 1000 }))
      assert.strictEqual(yield* limit, 10)
      yield* limiter.learn({ of: "calls", limit: 4 })
      yield* limiter.reset
      assert.strictEqual(yield* limit, 10)
    }))

  it.effect("that makes no sense is refused by name, and nothing is changed", () =>
    Effect.gen(function*() {
      const limiter = yield* hinted
      const before = yield* limiter.state
      const wrong: ReadonlyArray<readonly [object, string]> = [
        [{ of: "bytes", remaining: 1 }, "of"],
        [{ of: "tokens", remaining: 1 }, "of"],
        [{ of: "calls", window: "1 hour", remaining: 1 }, "of"],
        [{ of: "calls", remaining: NaN }, "remaining"],
        [{ of: "calls", remaining: -1 }, "remaining"],
        [{ of: "calls", limit: 0 }, "limit"],
        [{ of: "calls", limit: 2.5 }, "limit"],
        [{ of: "calls", remaining: 1, resetAfter: NaN }, "resetAfter"],
        [{ of: "calls", resetAfter: 5 }, "remaining"],
        [{ of: "calls", left: 5 }, "left"]
      ]
      for (const [hint, argument] of wrong) {
        const error = yield* Effect.flip(limiter.learn(hint as RateLimiter.Hint))
        assert.deepStrictEqual([error.subject, error.argument], ["RateLimiter.learn", argument])
        assert.deepStrictEqual(yield* limiter.state, before)
      }
    }))
})

describe("a key of a rate limiter", () => {
  it.effect("stays while it is paused, waited for or owes something, and goes when it is idle", () =>
    Effect.gen(function*() {
      const family = yield* RateLimiter.make({ maxKeys: 5, limit: 10, burst: 1, window: "1 minute", maxWait: "1 hour" })
      yield* family.at("paused").pause("1 minute")
      yield* family.at("owes").protect(Effect.void)
      yield* family.at("hinted").learn({ of: "calls", remaining: 3, resetAfter: "1 minute" })
      for (const key of ["a", "b", "c"]) yield* family.at(key).state
      assert.sameMembers([...(yield* family.keys)], ["default", "paused", "owes", "hinted", "c"])
      // also when somebody looks ahead to when nothing will be owed
      const waiting = yield* start(family.at("paused").protect(Effect.void))
      family.at("owes").waitUnsafe({ calls: 1, tokens: 0 }, 1e9)
      for (const key of ["a", "b", "c", "d"]) family.at(key)
      assert.include([...(yield* family.keys)], "paused")
      yield* Fiber.interrupt(waiting)
      yield* TestClock.adjust("1 hour")
      for (const key of ["d", "e", "f", "g"]) yield* family.at(key).state
      assert.sameMembers([...(yield* family.keys)], ["default", "d", "e", "f", "g"])
    }))

  it.effect("works by its bare names", () =>
    Effect.gen(function*() {
      const { at, protect, protectCost, protectTokens, reserve, reset, state, withReservation } = yield* RateLimiter
        .make({ limit: 2 })
      yield* protect(Effect.void)
      yield* reset
      yield* protectTokens(3)(Effect.void)
      yield* reset
      yield* protectCost({ tokens: 4 })(Effect.void)
      yield* reset
      const { cancel } = yield* reserve({})
      yield* cancel
      yield* withReservation({}, ({ settle }) => settle({ calls: 0 }))
      assert.include(yield* state, { key: "default", retryAfter: 0 })
      assert.strictEqual(at("a").key, "a")
    }))

  it.effect("serves nobody who was interrupted by one who was served just before", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 3, algorithm: "slidingWindow", maxWait: "1 hour" })
      limiter.takeUnsafe({ calls: 3, tokens: 0 }, 0)
      const ran: Array<string> = []
      const fibers: Array<Fiber.Fiber<unknown>> = []
      const run = (name: string, interrupts?: number) =>
        Effect.sync(() => {
          ran.push(name)
          if (interrupts !== undefined) fibers[interrupts]!.interruptUnsafe()
        })
      fibers.push(yield* start(limiter.protect(run("a", 1))))
      fibers.push(yield* start(limiter.protect(run("b"))))
      fibers.push(yield* start(limiter.protect(run("c"))))
      yield* limiter.reset
      yield* Fiber.awaitAll(fibers)
      assert.deepStrictEqual(ran, ["a", "c"])
      assert.deepInclude((yield* limiter.state).limits[0], { remaining: 1 })
    }))
})
