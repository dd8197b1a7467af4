import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Redacted, References } from "effect"
import { CircuitBreaker, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const text = (fiber: Fiber.Fiber<{ readonly text: string }, unknown>) =>
  Effect.map(Fiber.join(fiber), ({ text }) => text)
const queued = Effect.map(Trial.status("a"), ({ bulkhead, limiter }) => [bulkhead.queued, limiter.queued])

// no second round, and no budget for one: whatever is waited for below is no retry
const once = { retry: Retry.none, retryBudget: 0 }
const slow = answer("a", { delay: "1 second" })
const narrow = make("a", [slow], { limits: { concurrency: 1 } })
const quick = make("a", [answer("a")])
// one call a second
const steady = { ...once, rateLimiter: { limit: 60, window: "1 minute", burst: 0 } } as const

describe("a call that finds no room anywhere", () => {
  it.effect("waits in line for a slot, first come, first served, and retries nothing", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach([1, 2, 3], () => Trial.start(Trial.chat()))
      assert.deepStrictEqual(yield* queued, [2, 0])
      yield* Trial.pass("3 seconds")
      const replies = yield* Effect.forEach(calls, (call) => Fiber.join(call))
      assert.deepStrictEqual(replies.map(({ meta }) => meta.latency), [1000, 2000, 3000])
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 1000, 2000])
      assert.deepStrictEqual(replies[1]!.meta.attempts.map(({ outcome, round }) => [outcome, round]), [
        ["BulkheadFull", 0],
        ["Success", 1]
      ])
    }).pipe(Effect.provide(Trial.over([narrow], once))))

  it.effect("waits in line for a turn at the limiter likewise", () =>
    Effect.gen(function*() {
      const calls = yield* Effect.forEach([1, 2, 3], () => Trial.start(Trial.chat()))
      assert.deepStrictEqual(yield* queued, [0, 2])
      yield* Trial.pass("2 seconds")
      yield* Effect.forEach(calls, (call) => Fiber.join(call))
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 1000, 2000])
    }).pipe(Effect.provide(Trial.over([quick], steady))))

  it.effect("does not wait while another endpoint has room, even in a later tier", () =>
    Effect.gen(function*() {
      yield* Trial.start(Trial.chat())
      assert.deepInclude((yield* Trial.chat()).meta, { endpoint: "b", latency: 0 })
    }).pipe(Effect.provide(Trial.over([narrow, make("b", [answer("b")], { tier: 9 })], once))))

  it.effect("goes to the limiter that is free soonest", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.chat()
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.strictEqual(meta.endpoint, "b")
      assert.closeTo(meta.latency, 500, 10)
    }).pipe(Effect.provide(
      Trial.over([quick, make("b", [answer("b")], { limits: { requestsPerMinute: 120 }, tier: 1 })], steady)
    )))

  it.effect("leaves the line when it is interrupted, and those behind it move up", () =>
    Effect.gen(function*() {
      const [, second, third] = yield* Effect.forEach([1, 2, 3], () => Trial.start(Trial.chat()))
      yield* Trial.pass("500 millis")
      yield* Fiber.interrupt(second!)
      assert.deepStrictEqual(yield* queued, [1, 0])
      yield* Trial.pass("1500 millis")
      assert.strictEqual((yield* Fiber.join(third!)).meta.latency, 2000)
      assert.deepInclude(yield* Trial.status("a"), { inFlight: 0, answered: 2 })
    }).pipe(Effect.provide(Trial.over([narrow], once))))

  it.effect("leaves the line at its deadline, never having been sent", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", answer("a", { delay: "10 seconds" }))
      yield* Trial.start(Trial.chat())
      const call = yield* Trial.start(Trial.failure({ deadline: "1500 millis" }))
      yield* Trial.pass("1500 millis")
      const failure = yield* Fiber.join(call)
      assert.strictEqual(failure._tag, "DeadlineExceeded")
      assert.deepStrictEqual(failure.attempts.map(({ sent }) => sent), [false])
      assert.deepStrictEqual(yield* queued, [0, 0])
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over([narrow], once))))

  it.effect("gives back a slot that came free at the very moment its deadline passed", () =>
    Effect.gen(function*() {
      yield* Trial.start(Trial.chat())
      const call = yield* Trial.start(Trial.failure({ deadline: "1 second" }))
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Fiber.join(call))._tag, "DeadlineExceeded")
      assert.strictEqual((yield* Trial.status("a")).bulkhead.running, 0)
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over([narrow], once))))

  it.effect("does not stand in a line that is known to be longer than its deadline, or than maxWait", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 6; call++) yield* Trial.start(Trial.chat())
      const hurried = yield* Trial.failure({ deadline: "3 seconds" })
      assert.deepInclude(hurried, { _tag: "RateLimited", source: "Limiter", retryAfter: Duration.seconds(6) })
      yield* Trial.start(Trial.chat())
      assert.deepInclude(yield* Trial.failure(), { _tag: "RateLimited", retryAfter: Duration.seconds(7) })
      assert.strictEqual(yield* Trial.now, 0)
    }).pipe(Effect.provide(Trial.over([quick], { ...steady, maxWait: "6500 millis" }))))

  it.effect("goes to whoever asked for patience, once its time is over, where every line is longer", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      const refused = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1 second")
      // one line takes a minute, the service that refused another call takes one second more
      const [first, second] = yield* Effect.forEach([1, 2], () => Trial.start(Trial.chat()))
      yield* Trial.pass(Duration.millis(999))
      assert.isFalse(Trial.hasEnded(first!) || Trial.hasEnded(second!))
      yield* Trial.pass(Duration.millis(1))
      assert.deepStrictEqual([yield* text(first!), yield* text(second!)], ["b", "b"])
      yield* Trial.pass("2 minutes")
      assert.strictEqual((yield* Trial.status("a")).limiter.queued, 0)
      assert.deepInclude(yield* Trial.status("b"), { inFlight: 0 })
      assert.isTrue(Trial.hasEnded(refused))
    }).pipe(Effect.provide(
      Trial.over([
        make("a", [answer("a")], { limits: { requestsPerMinute: 1 } }),
        make("b", [status(429, { retryAfter: 2 }), answer("b")], { tier: 1 })
      ], { retry: Retry.none, maxWait: "2 minutes" })
    )))

  it.effect("goes where a circuit was open, once it may be tried", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.failure()
      const waiting = yield* Trial.start(Trial.chat())
      yield* Trial.pass(Duration.millis(1999))
      assert.isFalse(Trial.hasEnded(waiting))
      yield* Trial.pass(Duration.millis(1))
      assert.strictEqual(yield* text(waiting), "b")
    }).pipe(Effect.provide(
      Trial.over([
        make("a", [answer("a")], { limits: { requestsPerMinute: 1 } }),
        make("b", [status(500), answer("b")], {
          tier: 1,
          circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openFor: "2 seconds", jitter: 0 }
        })
      ], { retry: Retry.none, maxWait: "2 minutes" })
    )))

  it.effect("looks again where a pause was lengthened meanwhile, and keeps its place in line", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      for (const _ of [1, 2]) yield* Trial.start(Trial.failure())
      yield* Trial.pass("1 second")
      const waiting = yield* Trial.start(Trial.chat())
      yield* Trial.pass(Duration.millis(5499))
      assert.isFalse(Trial.hasEnded(waiting))
      assert.strictEqual((yield* Trial.status("a")).limiter.queued, 1)
      yield* Trial.pass(Duration.millis(1))
      assert.strictEqual(yield* text(waiting), "b")
      assert.strictEqual((yield* Trial.status("a")).limiter.queued, 0)
    }).pipe(Effect.provide(
      Trial.over([
        make("a", [answer("a")], { limits: { requestsPerMinute: 1 } }),
        make("b", [
          { ...status(429, { retryAfter: 2 }), delay: Duration.millis(500) },
          { ...status(429, { retryAfter: 5 }), delay: Duration.millis(1500) },
          answer("b")
        ], { tier: 1 })
      ], { retry: Retry.none, maxWait: "2 minutes" })
    )))

  it.effect("stands in line after a wait that was paid for, where every line was too long before", () => {
    const full = make("b", [answer("b")], { limits: { requestsPerMinute: 1 } })
    const paused = make("a", [status(429, { retryAfter: 2 }), answer("a")], {
      limits: { requestsPerMinute: 60 },
      tier: 1
    })
    return Effect.gen(function*() {
      yield* Trial.chat()
      // one is refused by the service, the other sends nothing: both wait for the service, and pay
      const calls = yield* Effect.forEach([1, 2], () => Trial.start(Trial.chat()))
      yield* Trial.pass("10 seconds")
      const replies = yield* Effect.forEach(calls, (call) => Fiber.join(call))
      assert.deepStrictEqual(replies.map(({ text }) => text), ["a", "a"])
      // one call a second at that limiter: the second waits for its turn, which has failed nobody
      const [refused, first, second] = yield* Trial.times("a")
      assert.deepStrictEqual([refused, first], [0, 2000])
      assert.isAbove(second!, 2900)
    }).pipe(Effect.provide(
      Trial.over([full, paused], {
        retryBudget: 2,
        retryRatio: 0,
        retry: Retry.constant({ base: "1 milli", times: 5 })
      })
    ))
  })

  it.effect("is refused at once when the line is as long as it may be", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 3; call++) yield* Trial.start(Trial.chat())
      assert.deepInclude(yield* Trial.failure(), { _tag: "BulkheadFull", reason: "Full", maxQueued: 2 })
      assert.strictEqual(yield* Trial.now, 0)
    }).pipe(Effect.provide(Trial.over([narrow], { ...once, bulkhead: { maxQueued: 2 } }))))

  const impatient: ReadonlyArray<readonly [string, Trial.Options]> = [
    ["the bulkhead's", { bulkhead: { maxWait: "2 seconds" } }],
    ["the relay's", { maxWait: "2 seconds" }]
  ]
  it.effect.each(impatient)(
    "says that it waited too long when no slot came free in time, %s maxWait",
    ([, options]) =>
      Effect.gen(function*() {
        yield* Trial.play("a", fault("silence"))
        yield* Trial.start(Trial.chat())
        const call = yield* Trial.start(Trial.failure())
        yield* Trial.pass("1999 millis")
        assert.isFalse(Trial.hasEnded(call))
        yield* Trial.pass("1 millis")
        assert.deepInclude(yield* Fiber.join(call), { _tag: "BulkheadFull", reason: "WaitedTooLong" })
        assert.deepStrictEqual(yield* queued, [0, 0])
      }).pipe(Effect.provide(Trial.over([narrow], { ...once, ...options })))
  )
})

describe("calls that need a slot and a turn", () => {
  const both = Trial.over([narrow], {
    ...steady,
    maxWait: "2 hours",
    bulkhead: { maxQueued: 5000, maxWait: "1 hour" },
    rateLimiter: { ...steady.rateLimiter, maxQueued: 5000 }
  })
  const users = Effect.map(Trial.received("a"), (received) => received.map(({ body }) => body["user"]))

  it.effect("are served in the order in which they came", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", answer("a", { delay: "700 millis" }))
      for (let user = 0; user < 6; user++) yield* Trial.start(Trial.chat({}, { ...Trial.hi, user }))
      yield* Trial.pass("10 seconds")
      assert.deepStrictEqual(yield* users, [0, 1, 2, 3, 4, 5])
    }).pipe(Effect.provide(both)))

  it.effect("are served however many they are", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", answer("a", { delay: "700 millis" }))
      const calls = yield* Effect.forEach(Array.from({ length: 1000 }), () => Trial.start(Effect.exit(Trial.chat())))
      yield* Trial.pass("1 second")
      yield* Trial.play("a", answer("a"))
      yield* Trial.pass("3 seconds")
      assert.isTrue(calls.every((call) => call.pollUnsafe()?._tag !== "Failure"))
      assert.strictEqual(yield* Trial.count("a"), 5)
    }).pipe(Effect.provide(both)))
})

describe("a call whose turn has come", () => {
  it.effect("goes on to another endpoint when this one refuses for another reason, and gives its turn back", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.drain("b")
      yield* Trial.chat()
      const call = yield* Trial.start(Trial.chat())
      yield* endpoints.isolate("a")
      yield* endpoints.replace(make("b", [answer("b")], { tier: 1 }).endpoint)
      yield* Trial.pass("1 second")
      assert.strictEqual(yield* text(call), "b")
      yield* endpoints.reset("a")
      assert.deepInclude((yield* Trial.chat()).meta, { endpoint: "a", latency: 0 })
    }).pipe(Effect.provide(Trial.over([quick, make("b", [answer("b")])], steady))))

  it.effect("fails over like any other when the endpoint then fails", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("b")
      yield* Trial.start(Trial.chat())
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.play("a", status(503))
      yield* endpoints.reset("b")
      yield* Trial.pass("1 second")
      assert.strictEqual(yield* text(call), "b")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [2, 1])
    }).pipe(Effect.provide(Trial.over([narrow, make("b", [answer("b")], { tier: 1 })], once))))

  const gone: ReadonlyArray<readonly ["remove" | "drain", string]> = [["remove", "removed"], ["drain", "drained"]]
  it.effect.each(gone)(
    "is not sent to an endpoint that was taken out meanwhile: %s",
    ([change]) =>
      Effect.gen(function*() {
        const { endpoints } = yield* Trial.relay
        yield* Trial.start(Trial.chat())
        const call = yield* Trial.start(Trial.failure())
        const changed = yield* Trial.start(endpoints[change]("a"))
        yield* Trial.pass("1 second")
        assert.isTrue(Trial.hasEnded(changed))
        yield* Trial.pass("1 minute")
        assert.isTrue(Trial.hasEnded(call))
        assert.strictEqual(yield* Trial.count("a"), 1)
      }).pipe(Effect.provide(Trial.over([narrow], once)))
  )

  it.effect("is sent to the endpoint that took the place of the one it waited for, with the new key", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.start(Trial.chat())
      const call = yield* Trial.start(Trial.chat())
      yield* endpoints.replace({ ...narrow.endpoint, apiKey: Redacted.make("new") })
      yield* Trial.pass("2 seconds")
      yield* Fiber.join(call)
      const keys = (yield* Trial.received("a")).map(({ headers }) => headers["authorization"])
      assert.deepStrictEqual(keys, ["Bearer key-of-a", "Bearer new"])
    }).pipe(Effect.provide(Trial.over([narrow], once))))

  it.effect("does not take a probe's place for granted: a circuit that opened meanwhile refuses it", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(503, { delay: "1 second" }))
      yield* Trial.start(Effect.ignore(Trial.chat()))
      const call = yield* Trial.start(Trial.failure())
      yield* Trial.pass("1 second")
      assert.isTrue(Trial.hasEnded(call))
      assert.strictEqual((yield* Fiber.join(call))._tag, "CircuitOpen")
      assert.strictEqual(yield* Trial.count("a"), 1)
      const { bulkhead, inFlight } = yield* Trial.status("a")
      assert.deepStrictEqual([inFlight, bulkhead.running], [0, 0])
    }).pipe(Effect.provide(
      Trial.over([narrow], { ...once, circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } })
    )))
})

describe("a call that waits", () => {
  it.effect("stands in every line at once, and goes where it is free first", () =>
    Effect.gen(function*() {
      const stuck = yield* Trial.start(Trial.chat())
      const busy = yield* Trial.start(Trial.chat())
      const waiting = yield* Effect.forEach([1, 2, 3], () => Trial.start(Trial.chat()))
      yield* Trial.pass("4 seconds")
      assert.isFalse(Trial.hasEnded(stuck))
      assert.strictEqual(yield* text(busy), "b")
      assert.deepStrictEqual(yield* Effect.forEach(waiting, text), ["b", "b", "b"])
      yield* Fiber.interrupt(stuck)
      for (const id of ["a", "b"]) {
        const { bulkhead, inFlight } = yield* Trial.status(id)
        assert.deepStrictEqual([inFlight, bulkhead.running, bulkhead.queued], [0, 0, 0])
      }
    }).pipe(Effect.provide(Trial.over([
      make("a", [fault("silence")], { limits: { concurrency: 1 } }),
      make("b", [answer("b", { delay: "1 second" })], { tier: 1, limits: { concurrency: 1 } })
    ], once))))
})

describe("a call that waits while the endpoints change", () => {
  it.effect("goes to one that was added, at once", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("b")
      const stuck = yield* Trial.start(Trial.chat())
      const waiting = yield* Effect.forEach([1, 2], () => Trial.start(Trial.chat()))
      yield* Trial.pass("1 second")
      yield* endpoints.add(spare.endpoint)
      assert.deepStrictEqual(yield* Effect.forEach(waiting, text), ["b", "b"])
      yield* Fiber.interrupt(stuck)
      assert.deepStrictEqual(yield* queued, [0, 0])
    }).pipe(Effect.provide(Trial.over([hung, spare], once))))

  for (const change of ["remove", "drain"] as const) {
    const out = Effect.flatMap(Trial.relay, ({ endpoints }) => Trial.start(endpoints[change]("a")))

    it.effect(`does not wait on for one that takes no more, and says what a new call would: ${change}`, () =>
      Effect.gen(function*() {
        const stuck = yield* Trial.start(Trial.chat())
        const call = yield* Trial.start(Trial.failure())
        yield* Trial.pass("1 second")
        yield* out
        const failure = yield* Fiber.join(call)
        assert.strictEqual(failure._tag, "RelayExhausted")
        assert.deepStrictEqual(failure.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
          ["a", "BulkheadFull"]
        ])
        assert.strictEqual((yield* Trial.failure())._tag, "RelayExhausted")
        assert.isFalse(Trial.hasEnded(stuck))
        yield* Fiber.interrupt(stuck)
      }).pipe(Effect.provide(Trial.over([hung], { ...once, bulkhead: { maxQueued: 5 } }))))

    it.effect(`moves to the line of another, and the call under way stays: ${change}`, () =>
      Effect.gen(function*() {
        yield* Trial.play("a", answer("a", { delay: "10 seconds" }))
        const under = yield* Trial.start(Trial.chat())
        const calls = yield* Effect.forEach([1, 2, 3], () => Trial.start(Trial.chat()))
        yield* Trial.pass("500 millis")
        const changed = yield* out
        yield* Trial.pass("2500 millis")
        const replies = yield* Effect.forEach(calls, (call) => Fiber.join(call))
        assert.deepStrictEqual(replies.map(({ text }) => text), ["b", "b", "b"])
        yield* Trial.pass("7 seconds")
        assert.strictEqual(yield* text(under), "a")
        assert.isTrue(Trial.hasEnded(changed))
      }).pipe(Effect.provide(Trial.over([hung, busy], once))))

    it.effect(`fails with what the others say, and tries no other round for the sake of one that is out: ${change}`, () =>
      Effect.gen(function*() {
        yield* Trial.start(Effect.exit(Trial.chat()))
        yield* Trial.play("b", status(401, { delay: "1 second" }))
        const call = yield* Trial.start(Trial.failure())
        yield* Trial.pass("500 millis")
        yield* out
        yield* Trial.pass("500 millis")
        assert.deepInclude(yield* Fiber.join(call), { _tag: "Unauthorized", endpoint: "b" })
        assert.strictEqual(yield* Trial.count("b"), 1)
      }).pipe(Effect.provide(Trial.over([hung, spare]))))

    it.effect(`forgets one that is out before the next round: ${change}`, () =>
      Effect.gen(function*() {
        yield* Trial.start(Effect.exit(Trial.chat()))
        yield* Trial.play("b", status(401))
        const call = yield* Trial.start(Trial.failure())
        yield* out
        yield* Trial.pass("10 seconds")
        assert.deepInclude(yield* Fiber.join(call), { _tag: "Unauthorized", endpoint: "b" })
        assert.isAtMost(Math.max(...(yield* Fiber.join(call)).attempts.map(({ round }) => round)), 1)
      }).pipe(Effect.provide(Trial.over([hung, spare]))))
  }

  it.effect("misses no change, wherever between its round and its line that falls", () =>
    Effect.gen(function*() {
      for (let step = 0; step < 60; step++) {
        const { endpoints } = yield* Trial.relay
        yield* endpoints.set([hung.endpoint])
        const stuck = yield* Trial.start(Trial.chat())
        // it goes three operations at a time
        const call = yield* Trial.start(Effect.provideService(Trial.chat(), References.MaxOpsBeforeYield, 3))
        for (let turn = 0; turn < step; turn++) yield* Effect.yieldNow
        yield* endpoints.set([spare.endpoint])
        for (let turn = 0; turn < 5000 && !Trial.hasEnded(call); turn++) yield* Effect.yieldNow
        assert.isTrue(Trial.hasEnded(call), `it waits on when the change comes after ${step} steps`)
        assert.strictEqual(yield* text(call), "b")
        yield* Fiber.interrupt(stuck)
      }
    }).pipe(Effect.provide(Trial.over([hung, spare], once))))
})

const hung = make("a", [fault("silence")], { limits: { concurrency: 1 } })
const spare = make("b", [answer("b")], { tier: 1 })
const busy = make("b", [answer("b", { delay: "1 second" })], { tier: 1, limits: { concurrency: 1 } })
