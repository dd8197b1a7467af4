/** A second copy of a slow attempt: when there is one, where it goes, and what the loser leaves behind. */
import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Fiber, Layer, Schedule } from "effect"
import { CircuitBreaker, Hedge, type RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const afterOneSecond: Trial.Options = { hedge: { delay: "1 second" }, retry: Retry.none }
const slow = (text: string, delay: Duration.Input = "10 seconds") => answer(text, { delay })

const pair = (first: ScriptedEndpoint.Step, second: ScriptedEndpoint.Step) => [make("a", [first]), make("b", [second])]

/** Starts a call whose first attempt goes to `a`: as it starts, `b` has more to do. */
const startAtA = <A, E>(call: Effect.Effect<A, E, Trial.Services>) =>
  Effect.gen(function*() {
    const { endpoints, execute } = yield* Trial.relay
    yield* endpoints.isolate("a")
    const busy = yield* Trial.start(execute(() => Effect.never, { hedge: false }))
    yield* endpoints.reset("a")
    const fiber = yield* Trial.start(call)
    yield* Fiber.interrupt(busy)
    return fiber
  })

const atA = <A, E>(call: Effect.Effect<A, E, Trial.Services>) =>
  Effect.flatMap(startAtA(call), (fiber) => Trial.whatever(Fiber.join(fiber)))

const outcomes = (attempts: RelayService.ChatReply["meta"]["attempts"]) =>
  attempts.map(({ duration, endpoint, outcome }) => [endpoint, outcome, duration])

const sent = Effect.map(Trial.counts("a", "b"), ([a = 0, b = 0]) => a + b)

/** Nobody has anything, and nothing is held against anybody. */
const assertClean = Effect.fnUntraced(function*(...ids: ReadonlyArray<string>) {
  for (const id of ids) {
    const { bulkhead, circuit, failed, inFlight, state } = yield* Trial.status(id)
    assert.deepStrictEqual(
      { state, inFlight, running: bulkhead.running, failed, suspicion: circuit.suspicion },
      { state: "Healthy", inFlight: 0, running: 0, failed: 0, suspicion: 0 },
      id
    )
  }
})

describe("a slow attempt", () => {
  it.effect("gets its copy where the balance of the relay says next", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.deepStrictEqual(outcomes(meta.attempts), [["c", "Interrupted", 3000], ["b", "Success", 2000]])
      assert.deepStrictEqual(yield* Trial.counts("a", "b", "c", "d"), [0, 1, 1, 0])
    }).pipe(Effect.provide(Trial.over(
      ["a", "b", "c", "d"].map((id) => make(id, [slow(id, id === "c" ? "10 seconds" : "2 seconds")])),
      {
        ...afterOneSecond,
        balance: (candidates) =>
          ["c", "b"].map((id) => candidates.find((one) => one.id === id)!)
            .find(({ mayBeAsked }) => mayBeAsked)
      }
    ))))

  it.effect("gets no copy at an endpoint that cannot do what the request needs, whoever would choose it", () =>
    Effect.gen(function*() {
      const tools = { ...Trial.hi, tools: [{ type: "function", function: { name: "f" } }] }
      const { meta } = yield* Trial.whatever(Trial.chat({}, tools))
      assert.deepStrictEqual(outcomes(meta.attempts), [["b", "Interrupted", 3000], ["c", "Success", 2000]])
    }).pipe(Effect.provide(Trial.over(
      [
        make("a", [answer("a")], { capabilities: { tools: false } }),
        make("b", [slow("b")]),
        make("c", [slow("c", "2 seconds")])
      ],
      { ...afterOneSecond, balance: (candidates) => candidates.find(({ mayBeAsked }) => mayBeAsked) }
    ))))

  it.effect("gets no copy where only one endpoint of the tier can do what the request needs", () =>
    Effect.gen(function*() {
      const tools = { ...Trial.hi, tools: [{ type: "function", function: { name: "f" } }] }
      const { meta } = yield* Trial.whatever(Trial.chat({}, tools))
      assert.deepStrictEqual(outcomes(meta.attempts), [["b", "Success", 10_000]])
      assert.strictEqual(yield* sent, 1)
    }).pipe(Effect.provide(Trial.over(
      [make("a", [answer("a")], { capabilities: { tools: false } }), make("b", [slow("b")])],
      afterOneSecond
    ))))

  it.effect("gets a second copy at another endpoint after the delay, and the first answer is taken", () =>
    Effect.gen(function*() {
      const call = yield* startAtA(Trial.chat())
      yield* Trial.pass("999 millis")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 0])
      yield* Trial.pass("1 millis")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
      yield* Trial.pass("200 millis")
      const { meta, text } = yield* Fiber.join(call)
      assert.strictEqual(text, "b")
      assert.deepInclude(meta, { endpoint: "b", latency: 1200 })
      assert.deepStrictEqual(outcomes(meta.attempts), [["a", "Interrupted", 1200], ["b", "Success", 200]])
    }).pipe(Effect.provide(Trial.over(pair(slow("a"), slow("b", "200 millis")), afterOneSecond))))

  it.effect("that answers after all is the answer, and stands last in the trail", () =>
    Effect.gen(function*() {
      const { meta, text } = yield* atA(Trial.chat())
      assert.strictEqual(text, "a")
      assert.deepStrictEqual(outcomes(meta.attempts), [["b", "Interrupted", 500], ["a", "Success", 1500]])
    }).pipe(Effect.provide(Trial.over(pair(slow("a", "1500 millis"), slow("b")), afterOneSecond))))

  it.effect("that lost is cancelled, and neutral: no failure, no latency, no permit, no tokens", () =>
    Effect.gen(function*() {
      const before = yield* Trial.status("a")
      yield* atA(Trial.chat())
      assert.isTrue((yield* Trial.received("a"))[0]!.cancelled)
      yield* assertClean("a", "b")
      const after = yield* Trial.status("a")
      assert.strictEqual(after.answered, before.answered)
      assert.strictEqual(after.usualLatency, before.usualLatency)
      assert.isAtMost(after.latency, before.latency)
    }).pipe(Effect.provide(
      Trial.over(pair(slow("a"), slow("b", "200 millis")), {
        ...afterOneSecond,
        circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) }
      })
    )))

  it.effect("that lost gives its turn back to the limiter", () =>
    Effect.gen(function*() {
      const remaining = (id: string) =>
        Effect.map(Trial.status(id), ({ limiter }) => limiter.limits.map(({ remaining }) => remaining))
      const before = yield* remaining("a")
      const call = yield* startAtA(Trial.chat())
      assert.notDeepEqual(yield* remaining("a"), before)
      yield* Trial.pass("1 second")
      yield* Trial.pass("0 seconds")
      yield* Fiber.join(call)
      assert.deepStrictEqual(yield* remaining("a"), before)
      assert.notDeepEqual(yield* remaining("b"), before)
    }).pipe(Effect.provide(Trial.over([
      make("a", [slow("a")], { limits: { requestsPerMinute: 60, tokensPerMinute: 600_000 } }),
      make("b", [answer("b", { inputTokens: 50_000 })], { limits: { requestsPerMinute: 60, tokensPerMinute: 600_000 } })
    ], afterOneSecond))))

  it.effect("with its copy is interrupted when the call is, before the interrupt returns", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.chat())
      yield* Trial.pass("2 seconds")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
      yield* Fiber.interrupt(call)
      yield* assertClean("a", "b")
      for (const id of ["a", "b"]) assert.isTrue((yield* Trial.received(id))[0]!.cancelled)
    }).pipe(Effect.provide(Trial.over(pair(slow("a"), slow("b")), afterOneSecond))))

  it.effect("and its copy each have the attempt timeout to themselves", () =>
    Effect.gen(function*() {
      const { attempts } = yield* Trial.whatever(Trial.failure())
      assert.deepStrictEqual(attempts.map(({ duration, outcome }) => [outcome, duration]), [
        ["EndpointUnavailable", 5000],
        ["EndpointUnavailable", 5000]
      ])
      assert.strictEqual(attempts[1]!.at - attempts[0]!.at, 1000)
    }).pipe(Effect.provide(
      Trial.over([make("a", [fault("silence")]), make("b", [fault("silence")])], {
        ...afterOneSecond,
        attemptTimeout: "5 seconds"
      })
    )))

  it.effect("whose copies all fail fails over to the next tier, and the trail has them all", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.whatever(Trial.chat())
      assert.sameDeepMembers(
        meta.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]),
        [["a", "EndpointUnavailable"], ["b", "EndpointUnavailable"], ["backup", "Success"]]
      )
      assert.strictEqual(meta.attempts.at(-1)!.outcome, "Success")
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(503, { delay: "3 seconds" })]),
      make("b", [status(503, { delay: "3 seconds" })]),
      make("backup", [answer("Hello.")], { tier: 1 })
    ], afterOneSecond))))

  it.effect("is no reason to go on when its copy finds the request itself at fault", () =>
    Effect.gen(function*() {
      const failure = yield* atA(Trial.failure())
      assert.deepInclude(failure, { _tag: "RequestRejected", endpoint: "b" })
      assert.deepStrictEqual(failure.attempts.map(({ outcome }) => outcome), ["RequestRejected", "EndpointUnavailable"])
      assert.strictEqual(yield* Trial.count("backup"), 0)
    }).pipe(Effect.provide(Trial.over([
      make("a", [status(503, { delay: "3 seconds" })]),
      make("b", [status(400, { delay: "1 second" })]),
      make("backup", [answer("Hello.")], { tier: 1 })
    ], afterOneSecond))))

  it.effect("that fails before the delay has failed: the next is asked at once", () =>
    Effect.gen(function*() {
      const { meta } = yield* atA(Trial.chat())
      assert.deepStrictEqual(outcomes(meta.attempts), [["a", "EndpointUnavailable", 999], ["b", "Success", 0]])
    }).pipe(Effect.provide(
      Trial.over(pair(status(503, { delay: "999 millis" }), answer("b")), afterOneSecond)
    )))
})

describe("there is no second copy", () => {
  const two = pair(slow("a"), slow("b"))
  const onlyOne = (call: Effect.Effect<unknown, unknown, Trial.Services>) =>
    Effect.gen(function*() {
      yield* Trial.whatever(call)
      assert.strictEqual(yield* sent, 1)
    })

  it.effect("unless the relay says so", () => onlyOne(Trial.chat()).pipe(Effect.provide(Trial.over(two))))

  it.effect("where the caller does not want one", () =>
    onlyOne(Trial.chat({ hedge: false })).pipe(Effect.provide(Trial.over(two, afterOneSecond))))

  it.effect("of an operation that must not run twice, or whose caller does not want one", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      for (const options of [{ idempotent: false }, { hedge: false }, {}]) {
        let runs = 0
        const operation = Effect.suspend(() => Effect.delay(Effect.succeed(++runs), "10 seconds"))
        yield* Trial.whatever(execute(() => operation, options))
        assert.strictEqual(runs, "idempotent" in options || "hedge" in options ? 1 : 2)
      }
    }).pipe(Effect.provide(Trial.over(two, afterOneSecond))))

  it.effect("at an endpoint of another tier", () =>
    onlyOne(Trial.chat()).pipe(Effect.provide(
      Trial.over([make("a", [slow("a")]), make("b", [slow("b")], { tier: 1 }), make("c", [slow("c")], { tier: 1 })], {
        ...afterOneSecond
      })
    )))

  const runs = (options?: { readonly failFirst?: boolean }) =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      let begun = 0
      const operation = Effect.suspend(() =>
        ++begun === 1 && options?.failFirst === true
          ? Effect.fail("down")
          : Effect.delay(Effect.succeed("done"), "10 seconds")
      )
      yield* Trial.whatever(execute(() => operation))
      return begun
    })

  const payOnce: Trial.Options = { ...afterOneSecond, retryBudget: 1, retryRatio: 0 }

  it.effect("while nobody else in the tier would take it, and then nothing is paid", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("b")
      assert.strictEqual(yield* runs(), 1)
      yield* endpoints.reset("b")
      assert.strictEqual(yield* runs(), 2)
      assert.strictEqual(yield* runs(), 1)
    }).pipe(Effect.provide(Trial.over(two, payOnce))))

  it.effect("while the others in the tier are degraded, and would be slow as well", () =>
    Effect.gen(function*() {
      const { endpoints, execute } = yield* Trial.relay
      yield* endpoints.isolate("a")
      for (let call = 0; call < 3; call++) yield* Effect.exit(execute(() => Effect.fail("down")))
      yield* endpoints.reset("a")
      assert.strictEqual((yield* Trial.status("b")).state, "Degraded")
      assert.strictEqual(yield* runs(), 1)
    }).pipe(Effect.provide(Trial.over(two, afterOneSecond))))

  it.effect("when the last attempt is under way, and then nothing is paid either", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* runs({ failFirst: true }), 2)
      assert.strictEqual(yield* runs(), 2)
      assert.strictEqual(yield* runs(), 1)
    }).pipe(Effect.provide(
      Trial.over(["a", "b", "c"].map((id) => make(id, [answer("never")])), { ...payOnce, maxAttempts: 2 })
    )))

  it.effect("at an endpoint of an earlier tier, for a call that has waited in line at a later one", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      const occupants = new Map<string, Fiber.Fiber<unknown, unknown>>()
      for (let occupant = 0; occupant < 3; occupant++) {
        let at = ""
        const fiber = yield* Trial.start(execute(({ id }) => {
          at = id
          return Effect.never
        }, { hedge: false }))
        occupants.set(at, fiber)
      }
      assert.sameMembers([...occupants.keys()], ["first", "x", "y"])
      const call = yield* Trial.start(Trial.chat())
      yield* Fiber.interrupt(occupants.get("x")!)
      yield* Trial.pass(0)
      assert.deepStrictEqual(yield* Trial.counts("first", "x", "y"), [0, 1, 0])
      yield* Fiber.interrupt(occupants.get("first")!)
      yield* Fiber.interrupt(occupants.get("y")!)
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(yield* Trial.counts("first", "x", "y"), [0, 1, 1])
      yield* Fiber.interrupt(call)
    }).pipe(Effect.provide(
      Trial.over([
        make("first", [slow("first")]),
        make("x", [slow("x")], { tier: 1 }),
        make("y", [slow("y")], { tier: 1 })
      ], { ...afterOneSecond, bulkhead: { maxConcurrent: 1 } })
    )))

  it.effect("beyond maxAttempts", () =>
    onlyOne(Trial.chat()).pipe(Effect.provide(Trial.over(two, { ...afterOneSecond, maxAttempts: 1 }))))

  it.effect("that the retry budget cannot pay for", () =>
    onlyOne(Trial.chat()).pipe(Effect.provide(Trial.over(two, { ...afterOneSecond, retryBudget: 0 }))))

  it.effect("when the deadline leaves it no time", () =>
    onlyOne(Trial.failure({ deadline: "1900 millis" })).pipe(Effect.provide(Trial.over(two, afterOneSecond))))

  it.effect("more often than the hedge allows on end", () =>
    Effect.gen(function*() {
      yield* Trial.whatever(Trial.chat())
      yield* Trial.whatever(Trial.chat())
      assert.strictEqual(yield* sent, 3)
    }).pipe(Effect.provide(
      Trial.over(two, { retry: Retry.none, hedge: { delay: "1 second", burst: 1, maxExtraLoad: 0.1 } })
    )))
})

describe("an adaptive delay", () => {
  const adaptive: Trial.Options = { hedge: { delay: Hedge.quantile(0.9), burst: 2 }, retry: Retry.none }
  const fast = answer("fast", { delay: "100 millis" })
  const endpoints = [make("a", [fast]), make("b", [fast])]

  const hedged = (model: string) =>
    Effect.map(Trial.whatever(Trial.chat({}, { ...Trial.hi, model })), ({ meta }) => meta.attempts.length > 1)

  it.effect("is not known until enough calls were answered, and then follows them, for each model apart", () =>
    Effect.gen(function*() {
      yield* Trial.play("a", slow("a"))
      yield* Trial.play("b", slow("b"))
      assert.isFalse(yield* hedged("small"))
      yield* TestClock.adjust("1 minute")
      yield* Trial.play("a", fast)
      yield* Trial.play("b", fast)
      for (let call = 0; call < 25; call++) assert.isFalse(yield* hedged("small"))
      yield* Trial.play("a", slow("a"))
      yield* Trial.play("b", slow("b"))
      const call = yield* Trial.start(Trial.chat({}, { ...Trial.hi, model: "small" }))
      const before = yield* sent
      yield* Trial.pass("97 millis")
      assert.strictEqual(yield* sent, before)
      yield* Trial.pass("6 millis")
      assert.strictEqual(yield* sent, before + 1)
      yield* Fiber.interrupt(call)
      assert.isFalse(yield* hedged("large"))
    }).pipe(Effect.provide(Trial.over(endpoints, adaptive))))
})

describe("a relay that hedges", () => {
  it.effect("waits in line, fails and tries again as one that does not", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.play("a", status(503), answer("a"))
      yield* Trial.play("b", status(503), answer("b"))
      assert.lengthOf((yield* Trial.whatever(Trial.chat())).meta.attempts, 3)
      yield* endpoints.isolate("a")
      yield* endpoints.isolate("b")
      const failure = yield* Trial.failure()
      assert.strictEqual(failure._tag, "CircuitOpen")
      assert.deepStrictEqual(failure.attempts.map(({ sent }) => sent), [false, false])
    }).pipe(Effect.provide(
      Trial.over(pair(answer("a"), answer("b")), { ...afterOneSecond, retry: Schedule.spaced("1 second") })
    )))

  it.effect.each(
    [
      [{ delay: -1 }, "delay"],
      [{ delay: Hedge.quantile(1) }, "delay.quantile"],
      [{ maxCopies: 1 }, "maxCopies"],
      [{ burst: 0 }, "burst"],
      ["on", "hedge"],
      [true, "hedge"]
    ] as const
  )("refuses what cannot work: %s", ([hedge, field]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(
        Effect.scoped(Layer.build(Trial.over(pair(answer("a"), answer("b")), { hedge: hedge as never })))
      )
      assert.deepInclude(failure, {
        subject: field === "hedge" ? "RelayService" : "RelayService.hedge",
        field
      })
    }))
})
