/** What a 429 does to the pace: of the endpoint, of its account, and of nobody else. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { RateLimiter, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const limits = { requestsPerMinute: 600 }
const once = { retry: Retry.none }
const busy = (seconds?: number) => status(429, { retryAfter: seconds })
const acme = (id: string, tier = 0) => make(id, [answer(id)], { account: "acme", tier, limits })

const shares = (...ids: ReadonlyArray<string>) =>
  Effect.forEach(ids, (id) => Effect.map(Trial.status(id), ({ limiter }) => limiter.slowedTo))

const refused = (failure: RateLimiter.RateLimited) =>
  Effect.flatMap(Trial.relay, ({ execute }) => Effect.exit(execute(() => Effect.fail(failure))))

const limited = (scope: "Account" | "Endpoint" | "Model" | undefined, key = "a") =>
  new RateLimiter.RateLimited({
    key,
    source: "Upstream",
    ...(scope === undefined ? {} : { scope }),
    retryAfter: Duration.seconds(5),
    attempts: []
  })

const both = [acme("a"), acme("b", 1), make("other", [answer("other")], { tier: 2, limits })]

describe("a 429", () => {
  it.effect("slows the endpoint down that answered it, until a minute after its pause", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(30), answer("a"))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "b")
      assert.deepStrictEqual(yield* shares("a", "b", "other"), [0.7, undefined, undefined])
      yield* Trial.pass("30 seconds")
      assert.deepStrictEqual(yield* shares("a"), [0.7])
      yield* Trial.pass("60 seconds")
      assert.deepStrictEqual(yield* shares("a"), [undefined])
    }).pipe(Effect.provide(Trial.over(both, once))))

  it.effect("slows all endpoints of the account down where a second one of them says the same", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(9))
      yield* Trial.play("b", busy(4))
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "other")
      assert.deepStrictEqual(yield* shares("a", "b", "c", "other"), [0.7, 0.7, 0.7, undefined])
    }).pipe(Effect.provide(Trial.over([...both, acme("c", 3)], once))))

  it.effect("slows down whom it speaks of: the account, the endpoint, or, of one model alone, nobody", () =>
    Effect.gen(function*() {
      yield* refused(limited("Model"))
      assert.deepStrictEqual(yield* shares("a", "b"), [undefined, undefined])
      yield* Trial.pass("5 seconds")
      yield* refused(limited("Endpoint"))
      assert.deepStrictEqual(yield* shares("a", "b"), [0.7, undefined])
      yield* Trial.pass("65 seconds")
      yield* refused(limited("Account"))
      assert.deepStrictEqual(yield* shares("a", "b"), [0.7, 0.7])
    }).pipe(
      Effect.provide(Trial.over([acme("a"), make("b", [answer("")], { account: "acme", tier: 1, limits })], once))
    ))

  it.effect("of somebody else's endpoint slows nobody down", () =>
    Effect.gen(function*() {
      yield* refused(limited("Endpoint", "elsewhere"))
      assert.deepStrictEqual(yield* shares("a"), [undefined])
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect("to a call from before the last cut slows nobody down further", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(429, { retryAfter: 1, delay: "1 second" }), busy(1), answer("a"))
      const slow = yield* Trial.start(Effect.exit(Trial.chat()))
      yield* Effect.exit(Trial.chat())
      yield* Trial.pass("1 second")
      yield* Fiber.join(slow)
      const [share] = yield* shares("a")
      assert.isAtLeast(share!, 0.7)
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect("for a quota slows nobody down, nor does an interrupt, a timeout or a server that fails", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      yield* Trial.play("a", status(500), answer("slow", { delay: "1 minute" }), answer("a", { delay: "1 minute" }))
      yield* Effect.exit(Trial.chat())
      yield* Trial.whatever(Effect.exit(Trial.chat()))
      const call = yield* Trial.start(execute(() => Effect.never))
      yield* Fiber.interrupt(call)
      yield* Trial.play("a", status(429, { code: "insufficient_quota" }))
      yield* Effect.exit(Trial.chat())
      assert.deepStrictEqual(yield* shares("a"), [undefined])
    }).pipe(Effect.provide(Trial.over([acme("a")], { ...once, attemptTimeout: "10 seconds" }))))

  it.effect("is forgotten when the endpoint is reset, and what was sent before brings nothing back", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.play("a", status(429, { retryAfter: 1, delay: "2 seconds" }), busy(1), answer("a"))
      const late = yield* Trial.start(Effect.exit(Trial.chat()))
      yield* Trial.pass("1 second")
      yield* Effect.exit(Trial.chat())
      assert.deepStrictEqual(yield* shares("a"), [0.7])
      yield* endpoints.reset("a")
      assert.deepStrictEqual(yield* shares("a"), [undefined])
      yield* Trial.pass("1 second")
      yield* Fiber.join(late)
      assert.deepStrictEqual(yield* shares("a"), [undefined])
    }).pipe(Effect.provide(Trial.over([acme("a")], once))))

  it.effect("is forgotten for all endpoints of an account when one of them is reset", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* refused(limited("Account"))
      yield* endpoints.reset("b")
      assert.deepStrictEqual(yield* shares("a", "b"), [undefined, undefined])
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  it.effect("does not reach an endpoint that has left the account", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const limiter = (yield* RateLimiter.RateLimiter).at("b")
      yield* endpoints.remove("b")
      yield* refused(limited("Account"))
      assert.deepStrictEqual(yield* shares("a"), [0.7])
      assert.strictEqual((yield* limiter.state).slowedTo, undefined)
    }).pipe(Effect.provide(Trial.over([acme("a"), acme("b", 1)], once))))

  it.effect("slows nobody down where the limiter is told not to", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", busy(1))
      yield* Effect.exit(Trial.chat())
      assert.deepStrictEqual(yield* shares("a"), [undefined])
    }).pipe(Effect.provide(Trial.over([acme("a")], { ...once, rateLimiter: { backOff: 1 } }))))
})

describe("a hedge", () => {
  // whoever is first in the list
  const hedged: Trial.Options = {
    retry: Retry.none,
    hedge: { delay: "1 second" },
    balance: (candidates) => candidates.find(({ mayBeAsked }) => mayBeAsked)
  }
  const slow = (id: string, limits?: { readonly requestsPerMinute: number }) =>
    make(id, [answer(id, { delay: "5 seconds" })], { limits, rateLimiter: { algorithm: "tokenBucket", burst: 0.5 } })

  /** How often `b` is asked for a call that goes to `a` first, with so many taken of the thirty that `b` lets pass at once. */
  const withTaken = (taken: number) =>
    Effect.gen(function*() {
      const { at } = yield* RateLimiter.RateLimiter
      at("b").takeUnsafe({ calls: taken, tokens: 0 }, 0)
      yield* Trial.whatever(Trial.chat())
      return yield* Trial.count("b")
    })

  const pair = [slow("a"), slow("b", { requestsPerMinute: 60 })]

  it.effect("goes to an endpoint that has more than half of its burst", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* withTaken(10), 1)
    }).pipe(Effect.provide(Trial.over(pair, hedged))))

  it.effect("does not go to one that has nearly used it up, though that would take a call", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* withTaken(20), 0)
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 0])
    }).pipe(Effect.provide(Trial.over(pair, hedged))))

  it.effect("goes to the one of several that has", () =>
    Effect.gen(function*() {
      yield* withTaken(20)
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "c"), [1, 0, 1])
    }).pipe(Effect.provide(Trial.over([...pair, slow("c")], hedged))))

  it.effect("leaves one that it passed over to the call itself", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(500, { delay: "3 seconds" }))
      yield* Trial.play("c", status(500, { delay: "1 second" }))
      assert.strictEqual(yield* withTaken(20), 1)
    }).pipe(Effect.provide(Trial.over([...pair, slow("c")], hedged))))
})
