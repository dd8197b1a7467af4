/** What endpoints of one account share, and what they do not: limits, quota and keys. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Fiber, Redacted } from "effect"
import { Failure, RateLimiter, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const once = { retry: Retry.none }
const state = (id: string) => Effect.map(Trial.status(id), ({ state }) => state)
const states = (...ids: ReadonlyArray<string>) => Effect.forEach(ids, state)
const acme = (id: string, tier = 0) => make(id, [answer(id)], { account: "acme", tier })
const ask = (model: string) => Trial.chat({}, { ...Trial.hi, model })
const refused = (model: string) => Effect.flip(ask(model))

describe("a 429 that says what it limits", () => {
  const limited = (scope: "Account" | "Endpoint" | "Model", seconds?: number, key?: string) =>
    Effect.flatMap(Trial.relay, ({ execute }) =>
      Effect.ignore(execute(({ id }) =>
        Effect.fail(
          new RateLimiter.RateLimited({
            key: key ?? id,
            source: "Upstream",
            scope,
            ...(seconds === undefined ? {} : { retryAfter: Duration.seconds(seconds) }),
            attempts: []
          })
        )
      )))
  // only the first endpoint is asked
  const first = { ...once, maxAttempts: 1 }

  it.effect("of the account pauses every endpoint of it, for every model, and none of another account", () =>
    Effect.gen(function*() {
      yield* limited("Account", 9)
      assert.deepStrictEqual(yield* states("a", "b", "other"), ["Paused", "Paused", "Healthy"])
      assert.strictEqual((yield* ask("any other")).meta.endpoint, "other")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [0, 0])
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1), make("other", [answer("")], { tier: 2 })], first))))

  it.effect("says to the millisecond when the account may be asked again", () =>
    Effect.gen(function*() {
      yield* limited("Account", 9)
      yield* Trial.pass("8999 millis")
      const failure = yield* refused("any")
      assert.deepInclude(failure, { _tag: "RateLimited", source: "Upstream", scope: "Account" })
      assert.deepInclude(failure, { retryAfter: Duration.millis(1) })
      yield* Trial.pass("1 milli")
      assert.strictEqual((yield* ask("any")).text, "a")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], first))))

  it.effect("of the endpoint pauses all its models, and nothing else of its account", () =>
    Effect.gen(function*() {
      yield* limited("Endpoint", 9)
      assert.deepStrictEqual(yield* states("a", "b"), ["Paused", "Healthy"])
      assert.strictEqual((yield* ask("any other")).meta.endpoint, "b")
      yield* Trial.pass("9 seconds")
      assert.strictEqual((yield* ask("any other")).meta.endpoint, "a")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], first))))

  it.effect("of a model pauses that model there, however many endpoints say so", () =>
    Effect.gen(function*() {
      yield* limited("Model", 9)
      yield* limited("Model", 9)
      assert.deepStrictEqual(yield* states("a", "b"), ["Paused", "Paused"])
      assert.strictEqual((yield* ask("any other")).meta.endpoint, "a")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], first))))

  it.effect.each(["Account", "Endpoint"] as const)(
    "grows without a hint, and begins anew after an answer: of the %s",
    (scope) =>
      Effect.gen(function*() {
        for (const seconds of [1, 2, 4]) {
          yield* limited(scope)
          assert.deepInclude(yield* refused("any"), { scope, retryAfter: Duration.seconds(seconds) })
          yield* Trial.pass(Duration.seconds(seconds))
        }
        yield* Trial.pass("1 milli")
        yield* ask("any")
        yield* limited(scope)
        assert.deepInclude(yield* refused("any"), { scope, retryAfter: Duration.seconds(1) })
      }).pipe(Effect.provide(Trial.over([acme("a")], first)))
  )

  it.effect("of a model says nothing of the account, even where another endpoint's has no scope", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(429, { retryAfter: 60 }), answer("a"))
      yield* refused("*")
      yield* limited("Model", 60)
      assert.deepStrictEqual(yield* states("a", "b"), ["Paused", "Paused"])
      assert.strictEqual((yield* ask("any other")).meta.endpoint, "a")
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("a")], { account: "acme" }), acme("b", 1)], first)
    )))

  it.effect("of somebody else's account is not believed of this one", () =>
    Effect.gen(function*() {
      yield* limited("Account", 9, "an endpoint of a relay below")
      assert.strictEqual((yield* ask("any other")).meta.endpoint, "a")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], first))))

  it.effect("the longest pause stands, whatever it is of", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(429, { retryAfter: 20 }))
      yield* refused("any")
      yield* limited("Account", 9)
      assert.deepInclude(yield* refused("any"), { scope: "Model", retryAfter: Duration.seconds(20) })
      assert.deepInclude(yield* refused("another"), { scope: "Account", retryAfter: Duration.seconds(9) })
    }).pipe(Effect.provide(Trial.over([acme("a")], first))))

  it.effect("a shorter one from before does not shorten that of the account", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      const at = (delay: number, seconds: number) =>
        Trial.start(Effect.ignore(execute(({ id }) =>
          Effect.delay(
            Effect.fail(
              new RateLimiter.RateLimited({
                key: id,
                source: "Upstream",
                scope: "Account",
                retryAfter: Duration.seconds(seconds),
                attempts: []
              })
            ),
            delay
          )
        )))
      yield* at(1000, 60)
      yield* at(2000, 2)
      yield* Trial.pass("2 seconds")
      assert.deepInclude(yield* refused("any"), { retryAfter: Duration.seconds(59) })
    }).pipe(Effect.provide(Trial.over([acme("a")], first))))

  it.effect("an answer to a call from before does not lift it, one from after forgets how long it had grown", () =>
    Effect.gen(function*() {
      const early = yield* Trial.start(ask("any"))
      yield* limited("Account", 60)
      yield* Trial.pass("5 seconds")
      yield* Fiber.join(early)
      assert.deepInclude(yield* refused("any"), { scope: "Account", retryAfter: Duration.seconds(55) })
      yield* Trial.pass("55 seconds")
      assert.strictEqual((yield* Trial.whatever(ask("any"))).text, "early")
      assert.strictEqual(yield* state("a"), "Healthy")
    }).pipe(Effect.provide(
      Trial.over([make("a", [answer("early", { delay: "5 seconds" })], { account: "acme" })], first)
    )))
})

describe("a 429 of unknown scope", () => {
  const busy = (seconds?: number) => status(429, { retryAfter: seconds })

  it.effect("is the account's when a second endpoint of it is refused for the same model meanwhile", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(9))
      yield* Trial.play("b", busy(4))
      assert.strictEqual((yield* ask("any")).meta.endpoint, "other")
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "c", "other"), [1, 1, 0, 1])
      assert.strictEqual((yield* ask("another")).meta.endpoint, "other")
      // no sooner than the first of them asked for
      yield* Trial.pass("8999 millis")
      assert.deepStrictEqual(yield* states("a", "b", "c"), ["Paused", "Paused", "Paused"])
      yield* Trial.pass("1 milli")
      assert.deepStrictEqual(yield* states("a", "b", "c"), ["Healthy", "Healthy", "Healthy"])
    }).pipe(Effect.provide(
      Trial.over([acme("a"), acme("b", 1), acme("c", 2), make("other", [answer("")], { tier: 3 })], once)
    )))

  it.effect("is not when the second was refused for another model", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(9), answer("a"))
      yield* Trial.play("b", busy(9), answer("b"))
      yield* refused("one")
      yield* refused("two")
      assert.strictEqual((yield* ask("three")).text, "a")
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("")], { account: "acme", models: ["one", "three"] }),
      make("b", [answer("")], { account: "acme", models: ["two", "three"], tier: 1 })
    ], once))))

  it.effect("is not when the first pause is over", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(9), answer("a"))
      yield* ask("any")
      yield* Trial.pass("9 seconds")
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.drain("a"))
      yield* Trial.play("b", busy(9), answer("b"))
      yield* refused("any")
      assert.strictEqual((yield* ask("another")).text, "b")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  it.effect("is not when another endpoint has answered for the model in between", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(60), answer("a"))
      yield* ask("any")
      yield* Trial.pass("1 second")
      yield* ask("any")
      yield* Trial.play("b", busy(9), answer("b"))
      yield* refused("any")
      assert.strictEqual((yield* ask("another")).text, "a")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  it.effect("is not when the second is of another account", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(9), answer("a"))
      yield* Trial.play("other", busy(9))
      yield* refused("any")
      assert.strictEqual((yield* ask("another")).text, "a")
    }).pipe(Effect.provide(Trial.over([acme("a"), make("other", [answer("")], { tier: 1 })], once))))

  it.effect("without a hint the account's pause doubles, as one model's does", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy())
      yield* Trial.play("b", busy())
      for (const seconds of [1, 2, 4]) {
        yield* refused("any")
        assert.deepInclude(yield* refused("another"), { scope: "Account", retryAfter: Duration.seconds(seconds) })
        yield* Trial.pass(Duration.seconds(seconds))
      }
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))
})

describe("a quota that is looked at again", () => {
  const used = (retryAfter?: number) => status(429, { code: "insufficient_quota", retryAfter })
  const slow = { delay: "5 seconds" } as const
  const others = (count: number) =>
    Effect.forEach(Array.from({ length: count }), () => Trial.start(Effect.exit(Trial.chat())))
  const exhaust = Effect.gen(function*() {
    yield* Trial.play("a", used())
    yield* Trial.failure()
    yield* Trial.pass("5 minutes")
  })

  it.effect("is by one call, of one endpoint, while the others still skip the account", () =>
    Effect.gen(function*() {
      yield* exhaust
      assert.deepStrictEqual(yield* states("a", "b"), ["Recovering", "Recovering"])
      yield* Trial.play("a", answer("refilled", slow))
      const trial = yield* Trial.start(Trial.chat())
      const crowd = yield* Effect.forEach(Array.from({ length: 50 }), () => Trial.failure())
      for (const failure of crowd) {
        assert.strictEqual(failure._tag, "QuotaExceeded")
        assert.notProperty(failure, "retryAfter", "nobody knows how the trial ends")
      }
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [2, 0])
      yield* Trial.pass("5 seconds")
      assert.strictEqual((yield* Fiber.join(trial)).text, "refilled")
      assert.deepStrictEqual(yield* states("a", "b"), ["Healthy", "Healthy"])
      const calls = yield* others(50)
      yield* Trial.pass("5 seconds")
      for (const call of calls) assert.strictEqual((yield* Fiber.join(call))._tag, "Success")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], { ...once, bulkhead: { maxConcurrent: 100 } }))))

  it.effect("closes again when it is still used up: one call every five minutes, not one each", () =>
    Effect.gen(function*() {
      yield* exhaust
      for (let round = 0; round < 5; round++) {
        const calls = yield* others(20)
        for (const call of calls) assert.strictEqual((yield* Fiber.join(call))._tag, "Failure")
        yield* Trial.pass("299999 millis")
        yield* Trial.failure()
        yield* Trial.pass("1 milli")
      }
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [6, 0])
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  const silent: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["a 503", status(503)],
    ["a 400", status(400)],
    ["a 429 that passes", status(429, { retryAfter: 1 })]
  ]
  it.effect.each(silent)(
    "is by the next call when the first says nothing of the quota: %s",
    ([, step]) =>
      Effect.gen(function*() {
        yield* exhaust
        yield* Trial.play("a", step)
        yield* Trial.failure({}, { ...Trial.hi, model: "another" })
        yield* Trial.play("a", answer("refilled"))
        assert.strictEqual((yield* Trial.chat()).text, "refilled")
      }).pipe(Effect.provide(Trial.over([acme("a")], once)))
  )

  it.effect("is by the next call when the caller of the first goes away, in the same instant", () =>
    Effect.gen(function*() {
      yield* exhaust
      yield* Trial.play("a", answer("too late", slow), answer("refilled"))
      const trial = yield* Trial.start(Trial.chat())
      yield* Trial.failure()
      yield* Fiber.interrupt(trial)
      assert.strictEqual((yield* Trial.chat()).text, "refilled")
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect("is by the next call when the first ran out of the caller's time", () =>
    Effect.gen(function*() {
      yield* exhaust
      yield* Trial.play("a", answer("too late", slow), answer("refilled"))
      const trial = yield* Trial.start(Trial.failure({ deadline: "1 second" }))
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Fiber.join(trial))._tag, "DeadlineExceeded")
      assert.strictEqual((yield* Trial.chat()).text, "refilled")
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect("is not kept up by a call that another policy refuses", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* exhaust
      yield* endpoints.isolate("a")
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  it.effect("a trial that hangs does not keep the account out for longer than a minute", () =>
    Effect.gen(function*() {
      yield* exhaust
      yield* Trial.play("a", answer("at last", { delay: "10 minutes" }), answer("refilled"))
      yield* Trial.start(Trial.chat())
      yield* Trial.pass("59999 millis")
      assert.strictEqual((yield* Trial.failure())._tag, "QuotaExceeded")
      yield* Trial.pass("1 milli")
      assert.strictEqual((yield* Trial.chat()).text, "refilled")
    }).pipe(Effect.provide(Trial.over([acme("a")], { ...once, attemptTimeout: "1 hour" }))))

  it.effect("a refusal of a call from before the trial does not close it again", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(429, { code: "insufficient_quota", delay: "6 minutes" }), used())
      const early = yield* Trial.start(Trial.failure())
      yield* Trial.failure()
      yield* Trial.pass("5 minutes")
      yield* Trial.play("a", answer("refilled"))
      yield* Trial.chat()
      yield* Trial.pass("1 minute")
      assert.strictEqual((yield* Fiber.join(early))._tag, "QuotaExceeded")
      assert.strictEqual((yield* Trial.chat()).text, "refilled")
    }).pipe(Effect.provide(Trial.over([acme("a")], { ...once, attemptTimeout: "1 hour" }))))

  interface Caller {
    readonly after: number
    readonly lasts: number
    readonly ends: "answered" | "used up" | "broken" | "interrupted"
  }
  const crowds = Law.list(
    Arbitrary.map(
      Arbitrary.all([
        Law.oneOf(0, 0, 0, 1, 10, 200),
        Law.oneOf(2, 6, 30, 100),
        Law.oneOf("answered", "used up", "used up", "broken", "broken", "interrupted", "interrupted")
      ]),
      ([after, lasts, ends]): Caller => ({ after, lasts, ends })
    ),
    25,
    5
  )
  const exceeded = (endpoint: string) =>
    new Failure.QuotaExceeded({ endpoint, account: "acme", retryAfter: Duration.millis(20), attempts: [] })

  it.effect.prop(
    "whoever comes and goes, one call at a time tries an exhausted account",
    [crowds],
    ([crowd]) =>
      Effect.gen(function*() {
        const { execute } = yield* Trial.relay
        let underWay = 0
        let mostTrials = 0
        let isExhausted = true
        const call = ({ ends, lasts }: Caller) =>
          execute(({ id }) =>
            Effect.suspend(() => {
              underWay++
              if (isExhausted) mostTrials = Math.max(mostTrials, underWay)
              return Effect.sleep(lasts)
            }).pipe(
              Effect.ensuring(Effect.sync(() => {
                underWay--
              })),
              Effect.flatMap(() => {
                if (ends !== "answered") return Effect.fail(ends === "used up" ? exceeded(id) : "broken")
                isExhausted = false
                return Effect.void
              })
            )
          ).pipe(
            Effect.timeoutOption(ends === "interrupted" ? lasts / 2 : "1 hour"),
            Effect.exit
          )
        yield* Effect.ignore(execute(({ id }) => Effect.fail(exceeded(id))))
        for (const caller of crowd) {
          yield* Trial.pass(caller.after)
          const fiber = yield* Trial.start(call(caller))
          // once an answer has opened the account, a refusal may close it again while others are under way
          if (!isExhausted) {
            yield* Fiber.interrupt(fiber)
            return assert.isAtMost(mostTrials, 1)
          }
        }
        yield* Trial.pass("1 second")
        assert.strictEqual(underWay, 0)
        assert.isAtMost(mostTrials, 1)
        assert.strictEqual((yield* execute(() => Effect.succeed("refilled"))).value, "refilled")
        assert.deepStrictEqual(yield* states("a", "b"), ["Healthy", "Healthy"])
      }).pipe(
        Effect.scoped,
        Effect.provide(Trial.over([acme("a"), acme("b")], { ...once, circuitBreaker: { mode: "off" } })),
        Effect.provide(TestClock.layer())
      ),
    Law.check(100)
  )
})

describe("a key that two endpoints of one account send", () => {
  const shared = Redacted.make("one-and-the-same")
  const same = Redacted.make("one-and-the-same")
  const with_ = (id: string, apiKey: Redacted.Redacted, account: string, tier: number) =>
    make(id, [answer(id)], { account, apiKey, tier })

  it.effect("is out for both after a 401 to one of them, and for nobody with another key or account", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(401))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "another key")
      assert.deepStrictEqual(yield* states("a", "b", "another key", "another account"), [
        "Exhausted",
        "Exhausted",
        "Healthy",
        "Healthy"
      ])
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 0])
    }).pipe(Effect.provide(Trial.over([
      with_("a", shared, "acme", 0),
      with_("b", same, "acme", 1),
      with_("another key", Redacted.make("another"), "acme", 2),
      with_("another account", same, "umbrella", 3)
    ], once))))

  it.effect("is out only where it is forbidden, after a 403", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(403))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
      assert.deepStrictEqual(yield* states("a", "b"), ["Exhausted", "Healthy"])
    }).pipe(Effect.provide(Trial.over([with_("a", shared, "acme", 0), with_("b", same, "acme", 1)], once))))

  it.effect.each([401, 403])(
    "is tried again by one call, which may go away and leave it to the next: %i",
    (code) =>
      Effect.gen(function*() {
        const { endpoints } = yield* Trial.relay
        yield* endpoints.isolate("b")
        yield* Trial.play("a", status(code))
        yield* Trial.failure()
        yield* Trial.pass("5 minutes")
        yield* Trial.play("a", answer("allowed", { delay: "1 second" }))
        const gone = yield* Trial.start(Trial.chat())
        yield* Trial.failure()
        yield* Fiber.interrupt(gone)
        const trial = yield* Trial.start(Trial.chat())
        yield* Trial.failure()
        assert.strictEqual(yield* Trial.count("a"), 3)
        yield* Trial.pass("1 second")
        assert.strictEqual((yield* Fiber.join(trial)).text, "allowed")
        yield* endpoints.reset("b")
        assert.deepStrictEqual(yield* states("a", "b"), ["Healthy", "Healthy"])
      }).pipe(Effect.provide(Trial.over([with_("a", shared, "acme", 0), with_("b", same, "acme", 1)], once)))
  )

  it.effect.each([401, 403])("is good for all again once a trial was answered: %i", (code) =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(code))
      yield* Trial.failure()
      yield* Trial.pass("5 minutes")
      yield* Trial.play("a", answer("allowed"))
      yield* Trial.chat()
      assert.strictEqual(yield* state("a"), "Healthy")
    }).pipe(Effect.provide(Trial.over([with_("a", shared, "acme", 0)], once))))

  it.effect("is still out for an endpoint that comes later, and forgotten with the last that sent it", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const b = with_("b", same, "acme", 1).endpoint
      yield* endpoints.remove("b")
      yield* Trial.play("a", status(401))
      yield* Trial.failure()
      yield* endpoints.add(b)
      assert.strictEqual(yield* state("b"), "Exhausted")
      yield* endpoints.remove("b")
      yield* endpoints.remove("a")
      yield* endpoints.add(b)
      assert.strictEqual((yield* Trial.chat()).text, "b")
    }).pipe(Effect.provide(Trial.over([
      with_("a", shared, "acme", 0),
      with_("b", same, "acme", 1),
      // the account stays
      with_("c", Redacted.make("another"), "acme", 2)
    ], { ...once, maxAttempts: 1 }))))

  it.effect("stands in no failure, event or status", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Trial.play("a", status(401))
      const failures = [yield* Trial.failure(), yield* Trial.failure()]
      const { endpoints, status: all } = yield* Trial.relay
      yield* endpoints.reset({ account: "acme" })
      assert.notInclude(JSON.stringify([failures, heard, yield* all]), "one-and-the-same")
    }).pipe(Effect.provide(Trial.over([with_("a", shared, "acme", 0), with_("b", same, "acme", 1)], once))))
})

describe("a reset", () => {
  const troubles: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["a used-up quota", status(402)],
    ["a refused key", status(401)],
    ["a forbidden key", status(403)],
    ["a pause", status(429, { retryAfter: 60 })],
    ["a missing model", status(404)]
  ]
  const subjects = ["a", { account: "acme" }] as const

  it.effect.each(troubles)("of the endpoint, and of the account, forgets %s", ([, trouble]) =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (const subject of subjects) {
        yield* Trial.play("a", trouble, answer("a"))
        yield* Trial.failure()
        assert.notStrictEqual((yield* Effect.exit(Trial.chat()))._tag, "Success")
        yield* endpoints.reset(subject, { by: "ops", reason: "mended" })
        assert.strictEqual((yield* Trial.chat()).text, "a")
        assert.strictEqual(yield* state("a"), "Healthy")
      }
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect.each(troubles)("is not undone by an answer from before it: %s", ([, trouble]) =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.play("a", trouble._tag === "Reply" ? { ...trouble, delay: Duration.seconds(5) } : trouble)
      const early = yield* Trial.start(Trial.failure())
      yield* Trial.pass("1 second")
      yield* endpoints.reset("a")
      yield* Trial.play("a", answer("a"))
      yield* Trial.pass("4 seconds")
      yield* Fiber.join(early)
      assert.strictEqual(yield* state("a"), "Healthy")
      assert.strictEqual((yield* Trial.chat()).text, "a")
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect("is not undone by a 429 of the whole account from before it", () =>
    Effect.gen(function*() {
      const { endpoints, execute } = yield* Trial.relay
      const early = execute(({ id }) =>
        Effect.delay(
          Effect.fail(new RateLimiter.RateLimited({ key: id, source: "Upstream", scope: "Account", attempts: [] })),
          "5 seconds"
        )
      )
      yield* Trial.start(Effect.ignore(early))
      yield* Trial.pass("1 second")
      yield* endpoints.reset("b")
      yield* Trial.pass("4 seconds")
      assert.deepStrictEqual(yield* states("a", "b"), ["Healthy", "Healthy"])
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], { ...once, maxAttempts: 1 }))))

  it.effect("of one endpoint forgets its account's quota, for the others of the account too", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.play("a", status(402))
      yield* Trial.failure()
      yield* endpoints.reset("b")
      assert.deepStrictEqual(yield* states("a", "b"), ["Healthy", "Healthy"])
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  it.effect("of one account leaves another as it is", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (const id of ["a", "other"]) yield* Trial.play(id, status(402))
      yield* Trial.failure()
      yield* endpoints.reset({ account: "acme" })
      assert.deepStrictEqual(yield* states("a", "other"), ["Healthy", "Exhausted"])
    }).pipe(Effect.provide(Trial.over([acme("a"), make("other", [answer("")], { tier: 1 })], once))))
})
