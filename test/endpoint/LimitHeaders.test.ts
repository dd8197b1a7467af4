import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Schema } from "effect"
import { LimitHeaders, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import { oneOf } from "../Law.ts"
import * as Exchange from "./Exchange.ts"

const now = Date.UTC(2026, 2, 1)
const day = 24 * 60 * 60 * 1000

const read = (headers: Readonly<Record<string, string | undefined>>) => LimitHeaders.fromHeaders(headers, now)

const resetOf = (value: string, more: Readonly<Record<string, string>> = {}) =>
  read({ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": value, ...more })[0]!.resetAfter

describe("the limit headers", () => {
  it("of OpenAI, Azure and Groq tell of requests and of tokens", () => {
    assert.deepStrictEqual(
      read({
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s"
      }),
      [
        { of: "requests", limit: 60, remaining: 59, resetAfter: 1000, isWindow: false },
        { of: "tokens", limit: 150_000, remaining: 0, resetAfter: 360_000, isWindow: false }
      ]
    )
  })

  it("of Anthropic tell of requests, tokens, and tokens of each direction", () => {
    const family = (name: string, limit: number) => ({
      [`anthropic-ratelimit-${name}-limit`]: String(limit),
      [`anthropic-ratelimit-${name}-remaining`]: "7",
      [`anthropic-ratelimit-${name}-reset`]: "2026-03-01T00:00:30Z"
    })
    assert.deepStrictEqual(
      read({
        ...family("requests", 50),
        ...family("tokens", 48_000),
        ...family("input-tokens", 40_000),
        ...family("output-tokens", 8000)
      }),
      [
        { of: "requests", limit: 50, remaining: 7, resetAfter: 30_000, isWindow: false },
        { of: "tokens", limit: 48_000, remaining: 7, resetAfter: 30_000, isWindow: false },
        { of: "inputTokens", limit: 40_000, remaining: 7, resetAfter: 30_000, isWindow: false },
        { of: "outputTokens", limit: 8000, remaining: 7, resetAfter: 30_000, isWindow: false }
      ]
    )
  })

  it("of an Anthropic plan tell when a window that is used up begins anew", () => {
    const reset = String(now / 1000 + 3600)
    assert.deepStrictEqual(
      read({ "anthropic-ratelimit-unified-5h-status": "rejected", "anthropic-ratelimit-unified-5h-reset": reset }),
      [{ of: "usage", limit: undefined, remaining: 0, resetAfter: 3_600_000, isWindow: true }]
    )
    assert.isEmpty(
      read({ "anthropic-ratelimit-unified-5h-status": "allowed", "anthropic-ratelimit-unified-5h-reset": reset })
    )
  })

  it("of OpenRouter tell of requests, until a time in milliseconds", () => {
    assert.deepStrictEqual(
      read({ "x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now + 90_000) }),
      [{ of: "requests", limit: 20, remaining: 0, resetAfter: 90_000, isWindow: true }]
    )
  })

  it("may be named in any case", () => {
    assert.deepStrictEqual(
      read({ "X-RateLimit-Remaining-Requests": "0", "X-RATELIMIT-RESET-REQUESTS": "1s" }),
      read({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s" })
    )
    assert.lengthOf(read({ "X-RateLimit-Remaining-Requests": "0" }), 1)
  })

  it("are none where there are no headers, whatever is handed in", () => {
    for (const headers of [null, undefined, 5, "x-ratelimit-remaining: 0", []]) {
      assert.deepStrictEqual(LimitHeaders.fromHeaders(headers as never, now), [])
    }
    const odd = { "x-ratelimit-remaining-requests": 5, "x-ratelimit-reset-requests": null, "date": {} }
    assert.deepStrictEqual(LimitHeaders.fromHeaders(odd as never, now), [
      { of: "requests", limit: undefined, remaining: 5, resetAfter: undefined, isWindow: false }
    ])
  })

  const forms: ReadonlyArray<readonly [value: string, millis: number]> = [
    ["6m0s", 360_000],
    ["7.66s", 7660],
    ["20ms", 20],
    ["1h2m3s", 3_723_000],
    ["1.5ms", 1.5],
    ["250µs", 0.25],
    ["0s", 0],
    ["30", 30_000],
    ["0.5", 500],
    [" 1s ", 1000],
    ["2026-03-01T00:00:10Z", 10_000],
    ["2026-03-01T00:00:10.250Z", 10_250],
    ["2026-03-01T01:00:10+01:00", 10_000],
    ["Sun, 01 Mar 2026 00:00:10 GMT", 10_000],
    [String(now / 1000 + 10), 10_000],
    [String(now + 10), 10],
    ["2026-02-01T00:00:00Z", 0],
    [String(now - 10), 0],
    ["100000h", day],
    [String(now + 10 * day), day],
    ["2036-03-01T00:00:00Z", day],
    [`${"9".repeat(400)}s`, day]
  ]
  it.each(forms)("may say %s until the reset", (value, millis) => {
    assert.strictEqual(resetOf(value), millis)
  })

  it.each(["", " ", "-1", "-5s", "soon", "5 seconds", "1d", "s", "1s2", "NaN", "2026-03-01", "may 7", "1m-3s", "1e3"])(
    "that say %j until the reset say nothing of it",
    (value) => {
      assert.strictEqual(resetOf(value), undefined)
    }
  )

  it("are compared with the clock of the service that wrote them", () => {
    const date = "Sun, 01 Mar 2026 01:00:00 GMT"
    assert.strictEqual(resetOf("2026-03-01T01:00:10Z", { date }), 10_000)
    assert.strictEqual(resetOf(String(now + 3_610_000), { date }), 10_000)
    // a duration needs no clock
    assert.strictEqual(resetOf("10s", { date }), 10_000)
  })

  it.each(["-1", "0", "", "many", "1e9", "NaN"])("whose limit is %j say nothing, nor of what is left", (limit) => {
    assert.isEmpty(read({ "x-ratelimit-limit-requests": limit, "x-ratelimit-remaining-requests": "0" }))
  })

  it.each(["-1", "", "none", "5, 6"])("of which %j is left do not say what is left", (left) => {
    assert.isEmpty(read({ "x-ratelimit-remaining-requests": left }))
    const [standing] = read({ "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": left })
    assert.deepInclude(standing, { limit: 60, remaining: undefined })
  })

  it("that are missing say nothing", () => {
    assert.isEmpty(read({ "x-ratelimit-reset-requests": "1s", date: "Sun, 01 Mar 2026 00:00:00 GMT" }))
  })

  it("wait for the last of the limits that are used up, and for no other", () => {
    const wait = (requests: string, tokens: string, reset = "6m0s") =>
      LimitHeaders.waitOf(read({
        "x-ratelimit-remaining-requests": requests,
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": tokens,
        "x-ratelimit-reset-tokens": reset
      }))
    assert.strictEqual(wait("0", "0"), 360_000)
    assert.strictEqual(wait("0", "9"), 1000)
    assert.strictEqual(wait("9", "9"), undefined)
    assert.strictEqual(wait("9", "0", "soon"), undefined)
    // what has been reset already is no reason to wait
    assert.strictEqual(wait("9", "0", "0s"), undefined)
  })

  const scraps = Arbitrary.array(
    oneOf("1", "9", ".", "-", ":", "h", "m", "s", "ms", "T", "Z", "2026-03-01", "00:00:10", "Sun, ", " GMT", "e", "∞"),
    { maxLength: 8 }
  ).pipe(Arbitrary.map((all) => all.join("")))
  const text = Arbitrary.schema(Schema.String)

  it.prop("of any text say nothing, or something that can be counted with", { a: scraps, b: scraps, c: text }, (
    { a, b, c }
  ) => {
    for (const [limit, remaining, reset] of [[a, b, c], [c, a, b], [b, c, a]] as const) {
      const standings = read({
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": reset,
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": remaining,
        date: limit
      })
      for (const standing of standings) {
        for (const count of [standing.limit ?? 1, standing.remaining ?? 0]) {
          assert.isTrue(Number.isSafeInteger(count) && count >= 0)
        }
        assert.notStrictEqual(standing.limit, 0)
        const wait = standing.resetAfter ?? 0
        assert.isTrue(wait >= 0 && wait <= day, `${wait}`)
      }
    }
  }, { arbitrary: { runs: 1000, seed: 1 } })
})

const completion = { choices: [{ message: { content: "Hello." } }], usage: { total_tokens: 10 } }
const hi = { model: "any", messages: [{ role: "user", content: "Hi" }] }

const told = (headers: Readonly<Record<string, string>>, status = 200) => ({
  status,
  headers,
  body: status === 200 ? completion : { error: { message: "Slow down." } }
})

/** A window of which so many are left, and one that comes back bit by bit. */
const window = (remaining: number, reset: string, limit = 600) => ({
  "x-ratelimit-limit": String(limit),
  "x-ratelimit-remaining": String(remaining),
  "x-ratelimit-reset": reset
})
const bucket = (remaining: number, reset: string, limit = 600) => ({
  "x-ratelimit-limit-requests": String(limit),
  "x-ratelimit-remaining-requests": String(remaining),
  "x-ratelimit-reset-requests": reset
})

/** 600 calls a minute, all of which may come at once as far as our own limiter goes. */
const limited = RateLimiter.layer({ limit: 600, window: "1 minute", algorithm: "slidingWindow" })

const one = { calls: 1, tokens: 0 }

describe("an endpoint's own limiter", () => {
  const limits = { requestsPerMinute: 600 }

  /** Asks twice, one right after the other: the refusal of the second. */
  const refusal = (headers: Readonly<Record<string, string>>) =>
    Exchange.over({ limits }, [told(headers), told({})], (relay, received) =>
      Effect.gen(function*() {
        yield* relay.chat(hi)
        const refusal = yield* Effect.flip(relay.chat(hi, { deadline: "10 millis" }))
        assert.lengthOf(received, 1)
        return refusal
      }))

  it.effect("stops in front of a window that is used up, until its reset", () =>
    Exchange.over({ limits }, [told(window(0, "20s")), told({})], (relay, received) =>
      Effect.gen(function*() {
        yield* relay.chat(hi)
        assert.deepInclude(yield* Effect.flip(relay.chat(hi, { deadline: "1 second" })), {
          _tag: "RateLimited",
          source: "Limiter",
          retryAfter: Duration.seconds(20)
        })
        yield* TestClock.adjust("20 seconds")
        yield* relay.chat(hi)
        assert.lengthOf(received, 2)
      })))

  it.effect("stops in front of a limit that comes back bit by bit, for as long as one bit takes", () =>
    Effect.gen(function*() {
      const failure = yield* refusal(bucket(0, "60s"))
      assert.deepInclude(failure, { _tag: "RateLimited", source: "Limiter" })
      const wait = failure._tag === "RateLimited" ? Duration.toMillis(failure.retryAfter!) : 0
      assert.isTrue(wait > 50 && wait < 200, `${wait}`)
    }))

  it.effect("hears it from a refusal as well", () =>
    Exchange.over({ limits }, [told(window(0, "20s"), 429)], (relay) =>
      Effect.gen(function*() {
        yield* Effect.flip(relay.chat(hi))
        const [status] = yield* relay.status
        assert.strictEqual(status!.limiter.limits[0]?.remaining, 0)
      })))

  it.effect("is not made looser by what an answer tells", () =>
    Exchange.over(
      { limits: { requestsPerMinute: 1 } },
      [told(window(500, "1s"))],
      (relay, received) =>
        Effect.gen(function*() {
          yield* relay.chat(hi)
          assert.strictEqual((yield* Effect.flip(relay.chat(hi, { deadline: "1 second" })))._tag, "RateLimited")
          assert.lengthOf(received, 1)
        })
    ))

  it.effect("takes nothing from the size of a limit, which may be a second's", () =>
    Exchange.over({ limits }, [told(window(9, "1s", 10))], (relay, received) =>
      Effect.gen(function*() {
        yield* relay.chat(hi)
        yield* TestClock.adjust("2 seconds")
        for (let call = 0; call < 9; call++) yield* relay.chat(hi)
        assert.lengthOf(received, 10)
      })))

  it.effect("does not listen where a limit makes no sense", () =>
    Exchange.over({ limits }, [told(window(0, "20s", -1))], (relay, received) =>
      Effect.gen(function*() {
        yield* relay.chat(hi)
        yield* relay.chat(hi)
        assert.lengthOf(received, 2)
      })))

  it.effect("that has no limit hears nothing of one", () =>
    Exchange.over({}, [told(window(0, "20s"))], (relay, received) =>
      Effect.gen(function*() {
        yield* relay.chat(hi)
        yield* relay.chat(hi)
        assert.lengthOf(received, 2)
      })))

  it.effect("learns nothing from an answer to a call that is older than what it learned last", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.RateLimiter
      const at = (time: number) => ({ at: time, takenBefore: limiter.takenUnsafe() })
      const standing = (remaining: number) => LimitHeaders.fromHeaders(window(remaining, "30s"), 0)
      // sent first, answered last
      const old = at(0)
      LimitHeaders.teach(limiter, standing(5), at(10), 20)
      LimitHeaders.teach(limiter, standing(0), old, 30)
      assert.strictEqual(limiter.waitUnsafe({ calls: 5, tokens: 0 }, 40), 0)
      LimitHeaders.teach(limiter, standing(0), at(50), 60)
      assert.isAbove(limiter.waitUnsafe(one, 70), 29_000)
    }).pipe(Effect.provide(limited)))

  it.effect("does not hold what was sent since for part of what the answer counted", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.RateLimiter
      const sent = { at: 0, takenBefore: limiter.takenUnsafe() }
      limiter.takeUnsafe({ calls: 3, tokens: 0 }, 5)
      LimitHeaders.teach(limiter, LimitHeaders.fromHeaders(window(4, "30s"), 0), sent, 10)
      assert.strictEqual(limiter.waitUnsafe(one, 20), 0)
      assert.isAbove(limiter.waitUnsafe({ calls: 2, tokens: 0 }, 20), 0)
    }).pipe(Effect.provide(limited)))

  const left = (name: string, remaining: number): Readonly<Record<string, string>> => ({
    [`anthropic-ratelimit-${name}-limit`]: "1000",
    [`anthropic-ratelimit-${name}-remaining`]: String(remaining)
  })
  it.effect("counts tokens of both directions together, and hears of those together", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.RateLimiter
      const teach = (headers: Readonly<Record<string, string>>, at: number) =>
        LimitHeaders.teach(
          limiter,
          LimitHeaders.fromHeaders(headers, 0),
          { at, takenBefore: limiter.takenUnsafe() },
          at + 1
        )
      teach(left("input-tokens", 0), 0)
      teach(left("output-tokens", 0), 10)
      assert.strictEqual(limiter.waitUnsafe({ calls: 0, tokens: 1000 }, 15), 0)
      teach(left("tokens", 100), 20)
      assert.strictEqual(limiter.waitUnsafe({ calls: 0, tokens: 100 }, 25), 0)
      assert.isAbove(limiter.waitUnsafe({ calls: 0, tokens: 101 }, 25), 0)
    }).pipe(Effect.provide(RateLimiter.layer({ tokenLimit: 1000, algorithm: "slidingWindow" }))))
})

describe("a 429 without a Retry-After", () => {
  const failure = (headers: Readonly<Record<string, string>>) =>
    Exchange.over({}, [told(headers, 429)], (relay) => Effect.flip(relay.chat(hi)))

  it.effect("asks to wait until the limit that is used up is reset", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* failure(bucket(0, "7.66s")), { retryAfter: Duration.millis(7660) })
      assert.deepInclude(yield* failure({ ...bucket(0, "7.66s"), "retry-after": "2" }), {
        retryAfter: Duration.seconds(2)
      })
      assert.notProperty(yield* failure(bucket(3, "7.66s")), "retryAfter")
    }))
})
