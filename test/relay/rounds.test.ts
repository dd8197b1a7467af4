import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schedule } from "effect"
import { CircuitBreaker, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const down = [make("a", [status(503)]), make("b", [status(503)], { tier: 1 })]
const everySecond = Schedule.spaced("1 second")
const patient: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(1000) }

describe("rounds", () => {
  it.effect("a round asks every candidate once, at once, and then fails if the schedule ends", () =>
    Effect.gen(function*() {
      yield* Trial.failure()
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
      assert.strictEqual(yield* Trial.now, 0)
    }).pipe(Effect.provide(Trial.over(down, { retry: Retry.none }))))

  it.effect("the schedule stands between rounds, not between candidates", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.failure())
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 3000, 6000])
      assert.deepStrictEqual(yield* Trial.times("b"), [0, 3000, 6000])
    }).pipe(Effect.provide(
      Trial.over(down, { retry: Schedule.spaced("3 seconds").pipe(Schedule.upTo({ times: 2 })) })
    )))

  it.effect("by default, all five are over within 1.5 seconds where everybody refuses at once", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 20; call++) {
        const start = yield* Trial.now
        const { attempts } = yield* Trial.whatever(Trial.failure())
        assert.strictEqual(attempts.at(-1)!.round, 4)
        assert.isAtMost(attempts.at(-1)!.at - start, 1500)
      }
    }).pipe(Effect.provide(Trial.over(down, { circuitBreaker: patient }))))

  it.effect("by default, a silent endpoint holds a call for five attempts of 30 seconds, and several for sixteen", () =>
    Effect.gen(function*() {
      const hung = (id: string) => make(id, [fault("silence")])
      const timeOf = (...ids: ReadonlyArray<string>) =>
        Effect.gen(function*() {
          const start = yield* Trial.now
          const failure = yield* Trial.whatever(Trial.failure())
          assert.strictEqual(failure._tag, "EndpointUnavailable")
          return [failure.attempts.length, Math.floor(((yield* Trial.now) - start) / 30_000)]
        }).pipe(Effect.provide(Trial.over(ids.map(hung), { circuitBreaker: patient })))
      assert.deepStrictEqual(yield* timeOf("a"), [5, 5])
      assert.deepStrictEqual(yield* timeOf("a", "b", "c", "d"), [16, 16])
    }))

  it.effect("a later round ends the call with its first answer", () =>
    Effect.gen(function*() {
      yield* Trial.play("b", status(503), answer("Hello."))
      const { meta, text } = yield* Trial.whatever(Trial.chat())
      assert.strictEqual(text, "Hello.")
      assert.deepInclude(meta, { endpoint: "b", latency: 1000 })
      assert.deepStrictEqual(meta.attempts.map(({ endpoint, round }) => [endpoint, round]), [
        ["a", 0],
        ["b", 0],
        ["a", 1],
        ["b", 1]
      ])
    }).pipe(Effect.provide(Trial.over(down, { retry: everySecond }))))

  it.effect("a wait lasts until the soonest retryAfter, and then only those are asked whose time has come", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("1999 millis")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
      yield* Trial.pass("1 millis")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 2])
      assert.strictEqual((yield* Fiber.join(call)).meta.endpoint, "b")
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(429, { retryAfter: 5 })]),
      make("b", [status(429, { retryAfter: 2 }), answer("Hello.")])
    ], { retry: Schedule.spaced("100 millis") }))))

  it.effect("a schedule that asks for longer than retryAfter has its way", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.chat())
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 7000])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(429, { retryAfter: 2 }), answer("Hello.")])], {
        retry: Schedule.spaced("7 seconds")
      })
    )))

  it.effect("a wait longer than maxWait is not begun: the failure says at once how long it would have been", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "RateLimited", retryAfter: Duration.seconds(11) })
      assert.strictEqual(yield* Trial.now, 0)
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(429, { retryAfter: 11 })])], { retry: everySecond, maxWait: "10 seconds" })
    )))

  it.effect("a wait as long as maxWait is begun", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.chat())
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 10_000])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(429, { retryAfter: 10 }), answer("Hello.")])], {
        retry: everySecond,
        maxWait: "10 seconds"
      })
    )))

  it.effect("a wait beyond the deadline is not begun either, and one that ends before it is", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure({ deadline: "5 seconds" })
      assert.deepInclude(failure, { _tag: "RateLimited", retryAfter: Duration.seconds(5) })
      assert.strictEqual(yield* Trial.now, 0)
      yield* Trial.whatever(Trial.chat({ deadline: "5001 millis" }))
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 5000])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(429, { retryAfter: 5 }), answer("Hello.")])], { retry: everySecond })
    )))

  it.effect("no call is sent more often than maxAttempts, rounds and endpoints together", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure())
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [3, 2])
      assert.strictEqual(failure.attempts.length, 5)
    }).pipe(Effect.provide(
      Trial.over(down, { retry: everySecond, maxAttempts: 5, circuitBreaker: patient })
    )))

  it.effect("refusals are not sent, and do not count as attempts", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      const { meta } = yield* Trial.chat()
      assert.strictEqual(meta.endpoint, "b")
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("a")]), make("b", [answer("b")], { tier: 1 })], { maxAttempts: 1 })
    )))

  it.effect("nothing is waited for when waiting cannot help", () =>
    Effect.gen(function*() {
      yield* Trial.failure()
      assert.strictEqual(yield* Trial.now, 0)
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(401)]), make("b", [status(404)], { tier: 1 })], { retry: everySecond })
    )))
})

describe("what one endpoint says twice", () => {
  const twice = Schedule.upTo(Schedule.spaced("100 millis"), { times: 1 })

  it.effect("the failure tells the newest Retry-After, though an older one was longer", () =>
    Effect.gen(function*() {
      const failure = yield* Trial.whatever(Trial.failure())
      assert.deepInclude(failure, { _tag: "RateLimited", retryAfter: Duration.seconds(2) })
      assert.deepStrictEqual(yield* Trial.times("a"), [0, 5000])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(429, { retryAfter: 5 }), status(429, { retryAfter: 2 })])], { retry: twice })
    )))

  it.effect("the longest known pause stands for whoever comes next", () =>
    Effect.gen(function*() {
      const slow = yield* Trial.start(Trial.failure())
      const quick = yield* Trial.start(Trial.failure())
      yield* Trial.pass("1 second")
      assert.deepInclude(yield* Fiber.join(quick), { _tag: "RateLimited", retryAfter: Duration.seconds(10) })
      yield* Trial.pass("1 second")
      assert.deepInclude(yield* Fiber.join(slow), { _tag: "RateLimited", retryAfter: Duration.seconds(2) })
      yield* Trial.pass("8999 millis")
      assert.deepInclude(yield* Trial.failure(), { _tag: "RateLimited", retryAfter: Duration.millis(1) })
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "Hello.")
      assert.strictEqual(yield* Trial.count("a"), 3)
    }).pipe(Effect.provide(
      Trial.over([
        make("a", [
          status(429, { retryAfter: 2, delay: "2 seconds" }),
          status(429, { retryAfter: 10, delay: "1 second" }),
          answer("Hello.")
        ])
      ], { retry: Retry.none })
    )))
})

describe("what one endpoint lacks for long, and another for a moment", () => {
  const exhausted = make("exhausted", [status(429, { code: "insufficient_quota" })])
  const flaky = make("flaky", [answer("Hello.")], { tier: 1 })
  const long = "20 minutes"

  it.effect("an exhausted account does not stop the retries of the others", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.play("flaky", status(503), answer("Hello again."))
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).text, "Hello again.")
      assert.strictEqual(yield* Trial.count("exhausted"), 1)
    }).pipe(Effect.provide(Trial.over([exhausted, flaky]))))

  it.effect("a circuit that stays open for long does not stop them", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.play("flaky", status(503), answer("Hello again."))
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).text, "Hello again.")
    }).pipe(Effect.provide(
      Trial.over([
        make("open", [status(500)], {
          circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openFor: long, maxOpenFor: long }
        }),
        flaky
      ])
    )))

  it.effect("a circuit that opens again soon does not slow them down", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.play("flaky", status(503), answer("Hello again."))
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.isAtMost(meta.latency, 100)
    }).pipe(Effect.provide(
      Trial.over([
        make("open", [status(500)], {
          circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openFor: "15 seconds", jitter: 0 }
        }),
        flaky
      ])
    )))
})

describe("the retry budget", () => {
  const one = [make("a", [status(503)])]
  const retry = everySecond.pipe(Schedule.upTo({ times: 1 }))

  it.effect("a budget that is spent leaves the original failure, without a wait", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.failure())
      yield* Trial.whatever(Trial.failure())
      assert.strictEqual(yield* Trial.count("a"), 4)
      const before = yield* Trial.now
      const failure = yield* Trial.failure()
      assert.deepInclude(failure, { _tag: "EndpointUnavailable", status: 503 })
      assert.deepStrictEqual([yield* Trial.now, yield* Trial.count("a")], [before, 5])
    }).pipe(Effect.provide(Trial.over(one, { retry, retryBudget: 2, circuitBreaker: patient }))))

  it.effect("successes pay for later retries", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.failure())
      yield* Trial.play("a", answer("Hello."))
      yield* Trial.chat()
      yield* Trial.play("a", status(503))
      yield* Trial.failure()
      yield* Trial.play("a", answer("Hello."))
      yield* Trial.chat()
      yield* Trial.play("a", status(503), answer("Hello."))
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).meta.attempts.length, 2)
    }).pipe(Effect.provide(Trial.over(one, { retry, retryBudget: 1, retryRatio: 0.5, circuitBreaker: patient }))))

  it.effect("a wait that is interrupted costs nothing", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.failure())
      yield* Trial.pass("500 millis")
      yield* Fiber.interrupt(call)
      yield* Trial.play("a", status(503), answer("Hello."))
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).text, "Hello.")
    }).pipe(Effect.provide(Trial.over(one, { retry, retryBudget: 1, circuitBreaker: patient }))))

  it.effect("calls that fail together cannot all spend the last retry", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(
        Effect.forEach(Array.from({ length: 20 }), () => Trial.failure(), { concurrency: "unbounded" })
      )
      assert.strictEqual(yield* Trial.count("a"), 20 + 3)
    }).pipe(Effect.provide(Trial.over(one, { retry, retryBudget: 3, circuitBreaker: patient }))))

  it.effect("no budget at all means no second round", () =>
    Effect.gen(function*() {
      yield* Trial.failure()
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over(one, { retry, retryBudget: 0 }))))
})
