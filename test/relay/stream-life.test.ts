/** How long a stream may take, what it holds meanwhile, and who may let go of it. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Stream } from "effect"
import { Budget, CircuitBreaker, type RelayError, RelayService, Retry, type StreamChunk } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { events, make, stream } = ScriptedEndpoint

const keepAlive = ": keep-alive\n\n"
const delta = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`
const finish = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n`
const role = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] })}\n\n`
const done = "data: [DONE]\n\n"
const count = (output: number): string =>
  `data: ${JSON.stringify({ choices: [], usage: { completion_tokens: output } })}\n\n`

const every = (wait: Duration.Input, times: number, part: string): ReadonlyArray<ScriptedEndpoint.Part> =>
  Array.from({ length: times }, () => [{ wait }, part]).flat()

const over = (
  scripts: Readonly<Record<string, ScriptedEndpoint.Step>>,
  options?: Trial.Options,
  tier?: number
) =>
  Trial.over(Object.entries(scripts).map(([id, step], index) => make(id, [step], { tier: tier ?? index })), {
    retry: Retry.none,
    ...options
  })

const inFlight = (id: string) => Effect.map(Trial.status(id), ({ bulkhead, inFlight }) => [inFlight, bulkhead.running])

describe("the first token", () => {
  it.effect("has the time of an attempt, and what keeps the connection alive is none", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass(Duration.millis(29_999))
      assert.strictEqual(yield* Trial.count("b"), 0)
      yield* Trial.pass(Duration.millis(1))
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start b", "Bern.", "Finish"])
      const [{ cancelled }] = yield* Trial.received("a")
      assert.isTrue(cancelled)
    }).pipe(Effect.provide(over({
      a: events([role, ...every("1 second", 15, keepAlive), ...every("1 second", 60, count(0))]),
      b: stream(["Bern."])
    }))))

  it.effect("has as much time as the endpoint, or the caller, gives it", () =>
    Effect.gen(function*() {
      for (const [options, time] of [[{}, 5000], [{ firstTokenTimeout: "2 seconds" }, 2000]] as const) {
        const { fiber } = yield* Hearing.begin(options)
        yield* Trial.pass(Duration.millis(time - 1))
        assert.isFalse(Trial.hasEnded(fiber))
        yield* Trial.pass(Duration.millis(1))
        const failure = yield* Effect.flip(Fiber.join(fiber))
        assert.deepInclude(failure, { _tag: "EndpointUnavailable", reason: "Timeout" })
      }
    }).pipe(Effect.provide(Trial.over([make("a", [events([{ fault: "silence" }])], { attemptTimeout: "5 seconds" })], {
      retry: Retry.none
    }))))

  it.effect("counts from the request on, not from the headers", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin({ firstTokenTimeout: "3 seconds" })
      yield* Trial.pass("3 seconds")
      assert.isTrue(Trial.hasEnded(fiber))
    }).pipe(Effect.provide(over({ a: events([{ fault: "silence" }], { delay: "2 seconds" }) }))))
})

describe("the next token", () => {
  it.effect("has the idle time: a stall breaks the answer off", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin({ idleTimeout: "4 seconds" })
      // every third second, then never again
      yield* Trial.pass(Duration.millis(9000 + 3999))
      assert.isFalse(Trial.hasEnded(fiber))
      yield* Trial.pass(Duration.millis(1))
      const failure = Hearing.interruptionOf({ exit: yield* Fiber.await(fiber) })
      assert.deepInclude(failure, { because: "EndpointUnavailable", text: "xxx" })
      assert.include(failure.detail, "no token for 4s")
      assert.deepStrictEqual(yield* inFlight("a"), [0, 0])
    }).pipe(Effect.provide(over({
      a: events([...every("3 seconds", 3, delta("x")), ...every("1 second", 60, keepAlive)])
    }))))

  it.effect("may be long in coming all in all, however long the stream", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass("20 minutes")
      yield* Fiber.join(fiber)
      assert.lengthOf(Hearing.textOf(chunks), 60)
    }).pipe(Effect.provide(over({ a: events([...every("20 seconds", 60, delta("x")), finish, done]) }))))

  it.effect("has to come as fast as the caller wants it", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin({ minThroughput: { characters: 5, per: "10 seconds" } })
      // five in the first ten seconds from the first on, then one in three seconds
      yield* Trial.pass(Duration.millis(1000 + 19_999))
      assert.isFalse(Trial.hasEnded(fiber))
      yield* Trial.pass(Duration.millis(1))
      assert.include(
        Hearing.interruptionOf({ exit: yield* Fiber.await(fiber) }).detail,
        "fewer than 5 characters in 10s"
      )
    }).pipe(Effect.provide(over({
      a: events([...every("1 second", 10, delta("x")), ...every("3 seconds", 60, delta("x"))])
    }))))
})

describe("the end", () => {
  it.effect("comes promptly after a reason to stop, though the connection stays", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass(Duration.millis(500))
      yield* Fiber.join(fiber)
      const { tokens } = Hearing.finishOf({ chunks, exit: Exit.void })
      assert.deepStrictEqual(tokens, { input: 1, output: 2, total: 3, isEstimated: true })
      const [{ cancelled }] = yield* Trial.received("a")
      assert.isTrue(cancelled)
      assert.deepInclude(yield* Trial.status("a"), { answered: 1, failed: 0 })
    }).pipe(Effect.provide(over({ a: events([delta("Bern..."), finish, { fault: "silence" }]) }))))

  it.effect("waits half a second for what comes after the reason to stop, though a count has come", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass(Duration.millis(499))
      assert.isFalse(Trial.hasEnded(fiber))
      yield* Trial.pass(Duration.millis(1))
      yield* Fiber.join(fiber)
      assert.strictEqual(Hearing.textOf(chunks), "Bern.")
      assert.strictEqual(Hearing.finishOf({ chunks, exit: Exit.void }).tokens.output, 7)
    }).pipe(Effect.provide(over({
      a: events([
        delta("Ber"),
        finish,
        count(1),
        { wait: "200 millis" },
        delta("n."),
        { wait: "200 millis" },
        count(7),
        { wait: "200 millis" },
        count(8),
        { fault: "silence" }
      ])
    }))))

  it.effect("comes with [DONE], though the connection stays", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass(Duration.millis(50))
      yield* Fiber.join(fiber)
      assert.strictEqual(Hearing.finishOf({ chunks, exit: Exit.void }).tokens.output, 7)
    }).pipe(Effect.provide(over({ a: events([delta("Bern."), finish, count(7), done, { fault: "silence" }]) }))))

  it.effect.each(
    [
      ["a reset", [{ fault: "reset" }]],
      ["a close", []],
      ["[DONE], and then anything at all", [done, delta("x"), "data: {\n\n"]]
    ] as const
  )("may be %s, once the model has stopped", ([, last]) =>
    Effect.gen(function*() {
      const heard = yield* Hearing.whole()
      assert.deepStrictEqual(Hearing.brief(heard), ["Start a", "Bern.", "Finish"])
    }).pipe(Effect.provide(over({ a: events([delta("Bern."), finish, ...last]) }))))

  it.effect("has the count as it was last told, not the sum of what was told", () =>
    Effect.gen(function*() {
      assert.strictEqual(Hearing.finishOf(yield* Hearing.whole()).tokens.output, 9)
    }).pipe(Effect.provide(over({
      a: events([delta("Be"), count(1), delta("rn"), count(2), delta("."), finish, count(9), done])
    }))))

  it.effect("of the caller's time ends the stream, and blames nobody", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin({ deadline: "5 seconds" })
      yield* Trial.pass("5 seconds")
      const failure = Hearing.interruptionOf({ exit: yield* Fiber.await(fiber) })
      assert.deepInclude(failure, { because: "DeadlineExceeded", text: "xx", endpoint: "a" })
      assert.strictEqual(Hearing.textOf(chunks), "xx")
      assert.deepInclude((yield* Trial.status("a")).circuit, { suspicion: 0 })
      assert.deepStrictEqual(yield* inFlight("a"), [0, 0])
      const early = yield* Hearing.begin({ deadline: "1 second" })
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Effect.flip(Fiber.join(early.fiber)))._tag, "DeadlineExceeded")
    }).pipe(Effect.provide(over({ a: events(every("2 seconds", 60, delta("x"))) }))))
})

describe("what a stream holds", () => {
  it.effect("is held up to its last chunk", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin()
      yield* Trial.pass("5 seconds")
      assert.deepStrictEqual(yield* inFlight("a"), [1, 1])
      assert.strictEqual((yield* Trial.status("a")).answered, 0)
      yield* Trial.pass("5 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* inFlight("a"), [0, 0])
      assert.strictEqual((yield* Trial.status("a")).answered, 1)
    }).pipe(Effect.provide(over({ a: stream(Array.from({ length: 10 }, () => "x"), { between: "1 second" }) }))))

  it.effect("is back before a stream that is taken to its first chunks has ended, and the endpoint is not blamed", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const fiber = yield* Trial.start(Stream.runCollect(Stream.take(relay.stream(Trial.hi), 3)))
      yield* Trial.pass("2 seconds")
      assert.lengthOf(yield* Fiber.join(fiber), 3)
      assert.deepStrictEqual(yield* inFlight("a"), [0, 0])
      const { answered, circuit, failed } = yield* Trial.status("a")
      assert.deepStrictEqual([answered, failed, circuit.suspicion, circuit.state], [0, 0, 0, "Closed"])
      const [{ cancelled }] = yield* Trial.received("a")
      assert.isTrue(cancelled)
    }).pipe(Effect.provide(over({ a: stream(["x", "x", "x", "x"], { between: "1 second" }) }, {
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) }
    }))))

  it.effect("is back before an interrupt returns, whenever it comes", () =>
    Effect.gen(function*() {
      for (let millis = 0; millis <= 3500; millis += 250) {
        const { fiber } = yield* Hearing.begin()
        yield* Trial.pass(Duration.millis(millis))
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* inFlight("a"), [0, 0], `after ${millis} ms`)
      }
      const { circuit, failed } = yield* Trial.status("a")
      assert.deepStrictEqual([failed, circuit.suspicion], [0, 0])
    }).pipe(Effect.provide(over({ a: stream(["x", "x", "x"], { between: "1 second", delay: "500 millis" }) }))))

  it.effect("is a probe of a circuit as well: the stream decides at its end, and one that was left decides nothing", () =>
    Effect.gen(function*() {
      yield* Hearing.whole()
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "Open")
      yield* Trial.pass("30 seconds")
      yield* Trial.play("a", stream(["x", "x"], { between: "1 second" }))
      const left = yield* Hearing.begin()
      yield* Trial.pass("1 second")
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "HalfOpen")
      yield* Fiber.interrupt(left.fiber)
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "HalfOpen")
      const { fiber } = yield* Hearing.begin()
      yield* Trial.pass("2 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "Closed")
    }).pipe(Effect.provide(over({ a: stream(["x"], { end: "reset" }) }, {
      circuitBreaker: {
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor: "20 seconds",
        jitter: 0,
        successesToClose: 1
      }
    }))))

  it.effect("in tokens is settled by what was counted", () =>
    Effect.gen(function*() {
      yield* Hearing.whole({}, { ...Trial.hi, max_tokens: 500 })
      const { limits } = (yield* Trial.status("a")).limiter
      // a tenth of a minute's tokens may be used at once
      assert.deepStrictEqual(limits.map(({ remaining }) => remaining), [100 - 13])
    }).pipe(Effect.provide(Trial.over([make("a", [stream(["x", "x", "x"])], { limits: { tokensPerMinute: 1000 } })]))))
})

describe("what a stream spends", () => {
  const prices = { inputPerMillion: 1, outputPerMillion: 1_000_000 }
  const priced = (step: ScriptedEndpoint.Step) => Trial.over([make("a", [step], { prices })], { retry: Retry.none })
  const request = { ...Trial.hi, max_tokens: 10 }

  it.effect("is set aside while it lasts, and charged at its end by what was counted", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 100 })
      const { fiber } = yield* Hearing.begin({ budget }, request)
      yield* Trial.pass("1 second")
      const { held, spent } = yield* budget.state
      assert.deepStrictEqual([held.tokens, spent.tokens], [1 + 10, 0])
      yield* Trial.pass("10 seconds")
      yield* Fiber.join(fiber)
      const after = yield* budget.state
      assert.deepStrictEqual([after.held.tokens, after.spent.tokens], [0, 10 + 3])
    }).pipe(Effect.provide(priced(stream(["x", "x", "x"], { between: "1 second" })))))

  it.effect("is what came where it was left, or broke off: the question, and what was said of the answer", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 100 })
      const { fiber } = yield* Hearing.begin({ budget }, request)
      yield* Trial.pass("1 second")
      yield* Fiber.interrupt(fiber)
      yield* Trial.play("a", stream(["x"], { end: "reset" }))
      Hearing.interruptionOf(yield* Hearing.whole({ budget }, request))
      const { held, spent } = yield* budget.state
      assert.deepStrictEqual([held.tokens, spent.tokens], [0, 2 * (1 + 1)])
    }).pipe(Effect.provide(priced(stream(["x", "x", "x"], { between: "1 second" })))))

  it.effect("may not be more than there is: then nobody is asked", () =>
    Effect.gen(function*() {
      const failure = Hearing.failureOf(yield* Hearing.whole({ budget: { dollars: 1 } }, request))
      assert.strictEqual(failure._tag, "BudgetExceeded")
      assert.strictEqual(yield* Trial.count("a"), 0)
    }).pipe(Effect.provide(priced(stream(["x"])))))
})

describe("a slow listener", () => {
  /** Takes a chunk each second. */
  const slowly = (chunks: Array<StreamChunk.StreamChunk>, options?: RelayService.StreamOptions) =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      return yield* Trial.start(
        Stream.runForEach(relay.stream(Trial.hi, options), (chunk) => {
          chunks.push(chunk)
          return Effect.sleep("1 second")
        }) as Effect.Effect<void, RelayError.StreamError>
      )
    })

  const texts = Array.from({ length: 200 }, (_, index) => `${index} `)

  it.effect("slows the endpoint down, loses nothing and is no stall", () =>
    Effect.gen(function*() {
      const chunks: Array<StreamChunk.StreamChunk> = []
      const fiber = yield* slowly(chunks, {
        idleTimeout: "500 millis",
        minThroughput: { characters: 100, per: "2 seconds" }
      })
      for (let second = 0; second < 100; second++) {
        const [{ packets }] = yield* Trial.received("a")
        // what the listener has, what waits for it, and what is on its way there
        assert.isAtMost(packets, chunks.length + 2 * 16 + 2)
        yield* Trial.pass("1 second")
      }
      yield* Trial.pass("5 minutes")
      yield* Fiber.join(fiber)
      assert.strictEqual(Hearing.textOf(chunks), texts.join(""))
    }).pipe(Effect.provide(over({ a: stream(texts) }))))

  it.effect("gets all that came before a break, though it came in one packet", () =>
    Effect.gen(function*() {
      const chunks: Array<StreamChunk.StreamChunk> = []
      const fiber = yield* slowly(chunks)
      yield* Trial.pass("5 minutes")
      assert.strictEqual(Hearing.interruptionOf({ exit: yield* Fiber.await(fiber) }).text, texts.join(""))
      assert.strictEqual(Hearing.textOf(chunks), texts.join(""))
    }).pipe(
      Effect.provide(over({ a: events([delta(texts[0]!), texts.slice(1).map(delta).join("") + "data: {\n\n"]) }))
    ))

  it.effect("does not make the endpoint look slow", () =>
    Effect.gen(function*() {
      const chunks: Array<StreamChunk.StreamChunk> = []
      const fiber = yield* slowly(chunks)
      while ((yield* Trial.status("a")).answered === 0) yield* Trial.pass("1 second")
      const { latency } = yield* Trial.status("a")
      assert.isAbove(chunks.length, 150)
      // one pause of its own, and no time of the listener's
      assert.isAtMost(latency, 700)
      assert.isAtLeast(latency, 600)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(over({ a: events([{ wait: "700 millis" }, ...texts.map(delta), finish, done]) }))))

  it.effect("that never takes anything holds no more than a few chunks, and lets go of all of it", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const fiber = yield* Trial.start(Stream.runForEach(relay.stream(Trial.hi), () => Effect.never))
      yield* Trial.pass("1 hour")
      const [{ packets }] = yield* Trial.received("a")
      assert.isAtMost(packets, 40)
      assert.deepStrictEqual(yield* inFlight("a"), [1, 1])
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* inFlight("a"), [0, 0])
    }).pipe(Effect.provide(over({ a: stream(texts) }))))
})

describe("a thousand streams at once", () => {
  it.effect("lose no chunk", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.start(
        Effect.all(Array.from({ length: 1000 }, () => Hearing.whole()), { concurrency: "unbounded" })
      )
      yield* Trial.pass("1 minute")
      for (const one of yield* Fiber.join(heard)) {
        Hearing.finishOf(one)
        assert.strictEqual(Hearing.textOf(one.chunks), "0123456789")
      }
      assert.deepStrictEqual(yield* inFlight("a"), [0, 0])
    }).pipe(Effect.provide(over({ a: stream(Array.from("0123456789"), { between: "1 second" }) }, {
      bulkhead: { maxConcurrent: 1000 }
    }))))
})
