/** Each fault of the design that this one answers, and the proof that it is not here. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer } from "effect"
import { CanonicalJson, CircuitBreaker, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient } from "effect/http"
import * as Trial from "./Trial.ts"

const { answer, body, make, status } = ScriptedEndpoint

const once = { retry: Retry.none }
const touchy: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(1), jitter: 0 }
const backup = make("backup", [answer("backup")], { tier: 1 })

describe("Retry-After is slept on the failing endpoint, three times, before the next is tried", () => {
  it.effect.each([60, undefined])(
    "no: a 429 goes to the next endpoint at once, with Retry-After %s",
    (retryAfter) =>
      Effect.gen(function*() {
        const { meta } = yield* Trial.chat()
        assert.deepInclude(meta, { endpoint: "backup", latency: 0 })
        assert.deepStrictEqual(yield* Trial.counts("primary", "backup"), [1, 1])
      }).pipe(Effect.provide(Trial.over([make("primary", [status(429, { retryAfter })]), backup])))
  )

  it.effect("and the failing one is asked again when it said, not before and not by every call in between", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      yield* Trial.pass("59999 millis")
      yield* Trial.chat()
      assert.strictEqual(yield* Trial.count("primary"), 1)
      yield* Trial.pass("1 millis")
      assert.strictEqual((yield* Trial.chat()).text, "primary")
    }).pipe(Effect.provide(
      Trial.over([make("primary", [status(429, { retryAfter: 60 }), answer("primary")]), backup])
    )))
})

describe("int() of Retry-After crashes on a date and on a fraction", () => {
  const forms: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, number | undefined]> = [
    ["seconds", { "retry-after": "7" }, 7000],
    ["a fraction", { "retry-after": "1.5" }, 1500],
    ["a date", { "retry-after": "Thu, 01 Jan 1970 00:00:09 GMT" }, 9000],
    [
      "a date, on a server with a clock of its own",
      { "date": "Wed, 21 Oct 2015 07:28:00 GMT", "retry-after": "Wed, 21 Oct 2015 07:28:03 GMT" },
      3000
    ],
    ["a date that has passed", { "retry-after": "Wed, 31 Dec 1969 23:59:59 GMT" }, 0],
    ["milliseconds", { "retry-after-ms": "250" }, 250],
    ["ten years", { "retry-after": "315360000" }, 86_400_000],
    ["nonsense", { "retry-after": "abc" }, undefined],
    ["a negative number", { "retry-after": "-5" }, undefined],
    ["nothing", { "retry-after": "" }, undefined]
  ]
  it.effect.each(forms)("no: %s", ([, headers, millis]) =>
    Effect.gen(function*() {
      const failure = yield* Trial.failure()
      assert.strictEqual(failure._tag, "RateLimited")
      const retryAfter = "retryAfter" in failure ? failure.retryAfter : undefined
      assert.deepStrictEqual(retryAfter, millis === undefined ? undefined : Duration.millis(millis))
    }).pipe(Effect.provide(Trial.over([make("primary", [status(429, { headers })])], once))))
})

describe("401 and 400 are recorded as successes and parsed as answers", () => {
  it.effect("no: a 401 is a failure of the key, and the next endpoint answers", () =>
    Effect.gen(function*() {
      const { meta, text } = yield* Trial.chat()
      assert.strictEqual(text, "backup")
      assert.deepInclude(meta.attempts[0], { endpoint: "primary", outcome: "Unauthorized", status: 401 })
      assert.deepInclude(yield* Trial.status("primary"), { answered: 0, failed: 1, state: "Exhausted" })
    }).pipe(Effect.provide(Trial.over([make("primary", [status(401)]), backup]))))

  it.effect("no: a 400 is the caller's fault, and no endpoint is asked after it", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* Trial.failure(), { _tag: "RequestRejected", status: 400 })
      assert.deepStrictEqual(yield* Trial.counts("primary", "backup"), [1, 0])
      assert.deepInclude(yield* Trial.status("primary"), { answered: 0, state: "Healthy" })
    }).pipe(Effect.provide(
      Trial.over([make("primary", [status(400)]), backup], { circuitBreaker: touchy })
    )))

  it.effect("no: an answer in the body of a failure is no answer", () =>
    Effect.gen(function*() {
      const completion = answer("not this one")
      assert.strictEqual(completion._tag, "Reply")
      if (completion._tag !== "Reply") return
      for (const code of [301, 400, 401, 404, 429, 500]) {
        yield* Trial.play("primary", body(completion.body, { status: code }))
        assert.notStrictEqual((yield* Effect.exit(Trial.chat()))._tag, "Success", `HTTP ${code}`)
        yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.reset("primary"))
      }
    }).pipe(Effect.provide(Trial.over([make("primary", [answer("")])], once))))
})

describe("the cache key leaves out what changes the answer, and a hit is everybody's to change", () => {
  const request = { ...Trial.hi, temperature: 0, max_tokens: 10, tools: [{ type: "function" }] }
  const cached = { tenant: "acme", cache: true }
  const different: ReadonlyArray<readonly [string, object]> = [
    ["temperature", { temperature: 0.1 }],
    ["tools", { tools: [{ type: "function", function: { name: "f" } }] }],
    ["no tools", { tools: undefined }],
    ["max_tokens", { max_tokens: 11 }],
    ["model", { model: "other" }],
    ["messages", { messages: [{ role: "system", content: "Hi" }] }],
    ["an option nobody has heard of", { brand_new: true }]
  ]
  it.effect.each(different)("no: another %s is another question", ([, change]) =>
    Effect.gen(function*() {
      yield* Trial.chat(cached, request)
      assert.strictEqual((yield* Trial.chat(cached, { ...request, ...change })).meta.cache, "miss")
      assert.strictEqual(yield* Trial.count("primary"), 2)
    }).pipe(Effect.provide(Trial.over([make("primary", [answer("Hello.")])]))))

  it.effect("no: another tenant is another question, and no two names can be mistaken for one", () =>
    Effect.gen(function*() {
      for (const tenant of ["acme", "acme ", "Acme", "acme\",\""]) {
        assert.strictEqual((yield* Trial.chat({ tenant, cache: true }, request)).meta.cache, "miss", tenant)
      }
    }).pipe(Effect.provide(Trial.over([make("primary", [answer("Hello.")])]))))

  it("no: the key is the same text in every process, whatever the order of its members", () => {
    const text = "[\"acme\",{\"a\":[1,null],\"temperature\":0.5,\"zone\":{\"x\":1,\"y\":\"\\u0007\"}}]"
    const one = CanonicalJson.stringify(["acme", { zone: { y: "\u0007", x: 1 }, temperature: 0.5, a: [1, null] }])
    const other = CanonicalJson.stringify(["acme", { a: [1, null], temperature: 0.5, zone: { x: 1, y: "\u0007" } }])
    assert.deepStrictEqual([one, other].map((result) => "success" in result && result.success), [text, text])
  })

  it.effect("no: what one caller does to an answer, the next does not see", () =>
    Effect.gen(function*() {
      const spoil = (value: unknown): void => {
        if (typeof value !== "object" || value === null) return
        for (const member of Object.values(value)) spoil(member)
        for (const key of Object.keys(value)) Reflect.set(value, key, "spoilt")
      }
      const first = yield* Trial.chat(cached, request)
      const before = JSON.stringify(first.body)
      spoil(first)
      const second = yield* Trial.chat(cached, request)
      assert.deepStrictEqual([second.text, second.meta.cache, JSON.stringify(second.body)], ["Hello.", "hit", before])
      spoil(second)
      const third = yield* Trial.chat(cached, request)
      assert.deepStrictEqual([third.text, third.meta.endpoint, JSON.stringify(third.body)], [
        "Hello.",
        "primary",
        before
      ])
    }).pipe(Effect.provide(Trial.over([make("primary", [answer("Hello.")])]))))
})

describe("the endpoint chosen by health is then not used, and one never measured sorts last", () => {
  it.effect("no: the endpoint that is healthier is the one that is asked, and first", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 3; call++) yield* Trial.chat()
      const { meta } = yield* Trial.chat()
      assert.deepStrictEqual(meta.attempts.map(({ endpoint }) => endpoint), ["backup"])
    }).pipe(Effect.provide(Trial.over([make("primary", [status(503)]), backup]))))

  it.effect("no: an endpoint never measured is asked before one known to be slow", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("new")
      yield* Trial.whatever(Trial.chat())
      yield* endpoints.add(make("new", [answer("new")]).endpoint)
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).meta.endpoint, "new")
    }).pipe(Effect.provide(
      Trial.over([make("slow", [answer("slow", { delay: "5 seconds" })]), make("new", [answer("new")])])
    )))

  it.effect("nor first for everyone: calls at once are shared with one known to be fast", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("new")
      yield* Trial.whatever(Trial.chat())
      yield* endpoints.add(make("new", [answer("new")]).endpoint)
      for (let call = 0; call < 12; call++) yield* Trial.start(Trial.chat())
      const [fast, fresh] = yield* Trial.counts("fast", "new")
      assert.isAbove(fast!, fresh!)
    }).pipe(Effect.provide(Trial.over([
      make("fast", [answer("fast", { delay: "200 millis" })]),
      make("new", [answer("new", { delay: "200 millis" })])
    ]))))
})

describe("half-open admits everyone, and one failure after recovery reopens", () => {
  it.effect("no: no more calls pass than there are probes", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...touchy, halfOpenProbes: 3, openFor: "10 seconds" })
      yield* Effect.ignore(breaker.protect(Effect.fail("down")))
      yield* Trial.pass("10 seconds")
      let probes = 0
      const call = breaker.protect(Effect.andThen(Effect.sync(() => probes++), Effect.never))
      for (let n = 0; n < 20; n++) yield* Trial.start(Effect.ignore(call))
      assert.strictEqual(probes, 3)
      assert.deepInclude(yield* Effect.flip(call), { _tag: "CircuitOpen", reason: "ProbesOut" })
    }))

  it.effect("no: after recovery the old failures do not count", () =>
    Effect.gen(function*() {
      const fail = Effect.ignore(Trial.chat())
      for (let call = 0; call < 3; call++) yield* fail
      assert.strictEqual((yield* Trial.status("primary")).state, "Open")
      yield* Trial.play("primary", answer("up"))
      yield* Trial.pass("30 seconds")
      for (let probe = 0; probe < 3; probe++) yield* Trial.chat()
      yield* Trial.play("primary", status(500))
      yield* fail
      yield* fail
      assert.deepInclude((yield* Trial.status("primary")).circuit, { state: "Closed", suspicion: 2 })
    }).pipe(Effect.provide(Trial.over([make("primary", [status(500)])], {
      ...once,
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(3), openFor: "30 seconds", jitter: 0 }
    }))))
})

describe("half-open calls are counted in but never out", () => {
  const half = Effect.gen(function*() {
    const breaker = yield* CircuitBreaker.make({ ...touchy, openFor: "10 seconds", probeLease: "1 minute" })
    yield* Effect.ignore(breaker.protect(Effect.fail("down")))
    yield* Trial.pass("10 seconds")
    return { breaker, probe: breaker.protect(Effect.never) }
  })
  const up = Effect.succeed("up")

  it.effect("no: probes that are cancelled give their places back, however often", () =>
    Effect.gen(function*() {
      const { breaker, probe } = yield* half
      for (let round = 0; round < 10; round++) {
        const probes = yield* Effect.forEach([1, 2, 3], () => Trial.start(probe))
        yield* Fiber.interruptAll(probes)
      }
      for (let call = 0; call < 3; call++) yield* breaker.protect(up)
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))

  it.effect("no: probes that never return lose their places when their lease ends", () =>
    Effect.gen(function*() {
      const { breaker, probe } = yield* half
      for (let call = 0; call < 3; call++) yield* Trial.start(probe)
      yield* Trial.pass("59999 millis")
      assert.strictEqual((yield* Effect.flip(breaker.protect(up)))._tag, "CircuitOpen")
      yield* Trial.pass("1 millis")
      for (let call = 0; call < 3; call++) yield* breaker.protect(up)
      assert.strictEqual((yield* breaker.state).state, "Closed")
    }))
})

describe("the health monitor is described, and never started; a reset cannot be audited", () => {
  it.effect("no: a relay checks its endpoints as soon as its layer is built, without being told to", () =>
    Effect.gen(function*() {
      const { checks } = yield* ScriptedEndpoint.Recorder
      yield* Layer.build(RelayService.layerDefault({ endpoints: [backup.endpoint] }))
      yield* Trial.pass("1 minute")
      assert.isAtLeast(yield* checks("backup"), 5)
    }).pipe(Effect.provide(ScriptedEndpoint.layer(backup))))

  it.effect("no: whoever isolates or resets an endpoint stands in the event stream, with the reason", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("backup", "it burns")
      yield* endpoints.reset("backup", "it does not burn any more")
      yield* endpoints.reset("backup")
      yield* Effect.yieldNow
      const acts = heard.flatMap((event) => event._tag === "EndpointChanged" ? [[event.change, event.reason]] : [])
      assert.deepStrictEqual(acts, [
        ["Isolated", "it burns"],
        ["Reset", "it does not burn any more"],
        ["Reset", undefined]
      ])
    }).pipe(Effect.provide(Trial.over([backup]))))
})

describe("there is one HTTP client, and so one connection, for every request", () => {
  it.effect("no: the layer of the client is built once, however many endpoints and calls there are", () =>
    Effect.gen(function*() {
      const [builds, relay] = yield* Effect.gen(function*() {
        let builds = 0
        const scripted = ScriptedEndpoint.layer(backup, make("other", [answer("other")]))
        const http = Layer.effect(
          HttpClient.HttpClient,
          Effect.tap(HttpClient.HttpClient, () => Effect.sync(() => builds++))
        ).pipe(Layer.provide(scripted))
        const services = yield* Layer.build(
          Layer.provide(
            RelayService.layerDefault({ endpoints: [backup.endpoint, { ...backup.endpoint, id: "b" }] }),
            http
          )
        )
        return [() => builds, services] as const
      })
      yield* Effect.provideContext(
        Effect.forEach(Array.from({ length: 20 }), () => Trial.chat(), { concurrency: "unbounded" }),
        relay
      )
      yield* Trial.pass("1 minute")
      assert.strictEqual(builds(), 1)
    }))
})
