/** Limits of an account: all its endpoints together keep to them, each in addition to its own. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { RateLimiter, type RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Trial from "./Trial.ts"

const { answer, make } = ScriptedEndpoint

const acme = { account: "acme" }
const all = { burst: 1 }

/** Two endpoints of one account, asked in turn, and a spare one of another where there is to be one. */
const over = (
  accounts: RelayService.Options["accounts"],
  { own = {}, spare = false, ...options }: Trial.Options & { own?: object; spare?: boolean } = {}
) =>
  Effect.provide(Trial.over([
    make("b", [answer("Hello.")], { ...acme, ...own }),
    make("c", [answer("Hello.")], acme),
    ...(spare ? [make("d", [answer("Hello.")], { tier: 1 })] : [])
  ], {
    retry: Retry.none,
    balance: "roundRobin",
    maxWait: 0,
    ...options,
    ...(accounts === undefined ? {} : { accounts })
  }))

const perMinute = (requestsPerMinute: number) => ({ acme: { limits: { requestsPerMinute }, rateLimiter: all } })

describe("the limits of an account", () => {
  it.effect("hold for all its endpoints together", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 3; call++) yield* Trial.chat()
      const failure = yield* Trial.failure()
      assert.strictEqual(failure._tag, "RateLimited")
      const { key, retryAfter, source } = failure as RateLimiter.RateLimited
      assert.deepStrictEqual([key, source, Duration.toMillis(retryAfter!)], ["account acme", "Limiter", 60_250])
      const [b = 0, c = 0] = yield* Trial.counts("b", "c")
      assert.deepStrictEqual([b + c, Math.abs(b - c)], [3, 1])
      yield* Trial.pass(Duration.millis(60_249))
      yield* Trial.failure()
      yield* Trial.pass(Duration.millis(1))
      yield* Trial.chat()
    }).pipe(over(perMinute(3))))

  it.effect("send calls on to another account at once", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 5; call++) yield* Trial.chat()
      const [b = 0, c = 0, d] = yield* Trial.counts("b", "c", "d")
      assert.deepStrictEqual([b + c, d], [3, 2])
    }).pipe(over(perMinute(3), { spare: true })))

  it.effect("are waited for in line, and calls come out when they may", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      const waiting = [yield* Trial.start(Trial.chat()), yield* Trial.start(Trial.chat())]
      yield* Trial.pass(Duration.millis(20_082))
      assert.deepStrictEqual(waiting.map(Trial.hasEnded), [false, false])
      yield* Trial.pass(Duration.millis(2))
      assert.deepStrictEqual(waiting.map(Trial.hasEnded), [true, false])
      yield* Trial.pass(Duration.millis(20_084))
      assert.deepStrictEqual(waiting.map(Trial.hasEnded), [true, true])
    }).pipe(over({ acme: { limits: { requestsPerMinute: 3 } } }, { maxWait: "1 minute" })))

  it.effect("are kept beside those of an endpoint", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 4; call++) yield* Trial.chat()
      assert.deepStrictEqual(yield* Trial.counts("b", "c"), [1, 3])
      assert.strictEqual((yield* Trial.failure() as Effect.Effect<RateLimiter.RateLimited>).key, "account acme")
    }).pipe(over(perMinute(4), { own: { limits: { requestsPerMinute: 1 } } })))

  it.effect("get back what an interrupted call took, and the tokens that no call used", () =>
    Effect.gen(function*() {
      const { accountLimiter } = yield* Trial.status("c")
      assert.deepInclude(accountLimiter?.limits[0], { limit: 1000, remaining: 1000 })
      const call = yield* Trial.start(Trial.chat(undefined, { ...Trial.hi, max_tokens: 500 }))
      const left = Effect.map(Trial.status("b"), ({ accountLimiter }) => accountLimiter!.limits[0]!.remaining)
      assert.isBelow(yield* left, 510)
      yield* Fiber.interrupt(call)
      assert.strictEqual(yield* left, 1000)
      yield* Trial.whatever(Trial.chat(undefined, { ...Trial.hi, max_tokens: 500 }))
      assert.isAbove(yield* left, 900)
    }).pipe(
      Effect.provide(Trial.over([
        make("b", [answer("Hello.", { delay: "1 second" })], acme),
        make("c", [answer("Hello.")], { ...acme, tier: 1 })
      ], { accounts: { acme: { limits: { tokensPerMinute: 1000 }, rateLimiter: { tokenBurst: 1 } } } }))
    ))

  it.effect("are smaller where an answer of one endpoint says so, for the others too", () => {
    const told = { ...answer("Hello."), headers: { "x-ratelimit-remaining-requests": "0" } } as ScriptedEndpoint.Step
    return Effect.gen(function*() {
      yield* Trial.chat()
      const failure = yield* Trial.failure()
      assert.strictEqual((failure as RateLimiter.RateLimited).key, "account acme")
      const [b = 0, c = 0] = yield* Trial.counts("b", "c")
      assert.strictEqual(b + c, 1)
    }).pipe(
      Effect.provide(Trial.over([make("b", [told], acme), make("c", [told], acme)], {
        retry: Retry.none,
        balance: "roundRobin",
        maxWait: 0,
        accounts: perMinute(100)
      }))
    )
  })

  it.effect("stay as used as they were when endpoints come, go and are replaced", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      for (let call = 0; call < 3; call++) yield* Trial.chat()
      const { endpoint } = make("b", [answer("Hello.")], { ...acme, weight: 2 })
      yield* relay.endpoints.set([endpoint])
      assert.strictEqual((yield* Trial.failure() as Effect.Effect<RateLimiter.RateLimited>).key, "account acme")
      yield* relay.endpoints.remove("b")
      yield* relay.endpoints.add(endpoint)
      assert.strictEqual((yield* Trial.failure() as Effect.Effect<RateLimiter.RateLimited>).key, "account acme")
    }).pipe(over(perMinute(3))))

  it.effect("are those of a limiter that is found in its layer", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.RateLimiter
      yield* limiter.at("account acme").pause("1 minute")
      assert.strictEqual((yield* Trial.failure() as Effect.Effect<RateLimiter.RateLimited>).key, "account acme")
      assert.notProperty(yield* Trial.status("d"), "accountLimiter")
      assert.deepStrictEqual((yield* Trial.status("b")).accountLimiter, (yield* Trial.status("c")).accountLimiter)
    }).pipe(over(perMinute(3), { spare: true, own: {} }), Effect.ignore))

  it.effect("give back a turn of one of two limiters where the other does not let the call pass", () =>
    Effect.gen(function*() {
      // the endpoint's own line is the longer one at first; when the turn comes, others have used up the account
      yield* Trial.chat(undefined, { ...Trial.hi, model: "only-b" })
      const waiting = yield* Trial.start(Trial.chat(undefined, { ...Trial.hi, model: "only-b" }))
      yield* Trial.pass("50 seconds")
      for (let call = 0; call < 4; call++) yield* Trial.chat(undefined, { ...Trial.hi, model: "only-c" })
      const first = yield* Trial.start(Trial.chat(undefined, { ...Trial.hi, model: "only-c" }))
      yield* Trial.pass("11 seconds")
      assert.isTrue(Trial.hasEnded(first))
      assert.isFalse(Trial.hasEnded(waiting))
      yield* Trial.pass("50 seconds")
      assert.isTrue(Trial.hasEnded(waiting))
      const { accountLimiter, limiter } = yield* Trial.status("b")
      assert.strictEqual(limiter.limits[0]!.remaining, 0)
      assert.isAtLeast(accountLimiter!.limits[0]!.remaining, 3)
    }).pipe(Effect.provide(Trial.over([
      make("b", [answer("Hello.")], { ...acme, models: ["only-b"], limits: { requestsPerMinute: 1 } }),
      make("c", [answer("Hello.")], { ...acme, models: ["only-c"] })
    ], {
      retry: Retry.none,
      maxWait: "3 minutes",
      accounts: { acme: { limits: { requestsPerMinute: 5 }, rateLimiter: { algorithm: "slidingWindow" } } }
    }))))

  it.effect.each<readonly [object, string, string]>([
    [{ acme: { limits: { requestsPerMinute: 0 } } }, "Account \"acme\"", "limits.requestsPerMinute"],
    [{ acme: { limits: { concurrency: 3 } } }, "Account \"acme\"", "limits.concurrency"],
    [{ acme: { rateLimiter: { burst: 2 } } }, "Account \"acme\"", "rateLimiter.burst"],
    [{ acme: { rateLimiter: 7 } }, "Account \"acme\"", "rateLimiter"],
    [{ acme: { limit: 7 } }, "Account \"acme\"", "limit"],
    [[], "RelayService", "accounts"]
  ])("refuse %j", ([accounts, subject, field]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.void.pipe(over(accounts as never)))
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", subject, field })
    }))

  const histories = Law.list(Law.int(0, 12), 60, 20)
  it.effect.prop(
    "are kept over every window, whoever of its endpoints is asked, waits, or is interrupted",
    [histories],
    ([history]) =>
      Effect.gen(function*() {
        const calls: Array<Fiber.Fiber<unknown, unknown>> = []
        for (const turn of history) {
          if (turn < 8) {
            calls.push(yield* Trial.start(Trial.chat(undefined, { ...Trial.hi, model: turn < 4 ? "x" : "y" })))
          } else if (turn === 8 && calls.length > 0) yield* Fiber.interrupt(calls.shift()!)
          else yield* TestClock.adjust(Duration.seconds(turn * turn % 17))
        }
        yield* TestClock.adjust("2 minutes")
        // what is interrupted counts as not sent
        const sent = [...yield* Trial.received("b"), ...yield* Trial.received("c")].filter(({ cancelled }) =>
          !cancelled
        )
        const times = sent.map(({ at }) => at).sort((a, b) => a - b)
        for (const [index, from] of times.entries()) {
          const within = times.slice(index).filter((time) => time < from + 60_000).length
          assert.isAtMost(within, 10)
        }
        for (const fiber of calls) yield* Fiber.interrupt(fiber)
        const { accountLimiter, inFlight } = yield* Trial.status("b")
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual([inFlight, accountLimiter!.queued], [0, 0])
        assert.strictEqual((yield* Trial.status("c")).accountLimiter!.limits[0]!.remaining, 5)
      }).pipe(Effect.provide(Trial.over([
        make("b", [answer("Hello.", { delay: "1 second" })], {
          ...acme,
          models: ["x", "y"],
          limits: { requestsPerMinute: 6 }
        }),
        make("c", [answer("Hello.", { delay: "1 second" })], { ...acme, models: ["y"] })
      ], {
        retry: Retry.none,
        maxWait: "1 minute",
        accounts: { acme: { limits: { requestsPerMinute: 10 }, rateLimiter: { burst: 0.5 } } }
      }))),
    Law.check(40)
  )
})
