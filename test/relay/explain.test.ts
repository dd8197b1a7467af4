/** What a relay says it would do is what it does, and saying it changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Fiber, Schedule, Schema } from "effect"
import { Balance, CircuitBreaker, RelayExplanation, type RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const hello = answer("Hello.")
const explain = (options?: RelayService.ChatOptions, request = Trial.hi) =>
  Effect.flatMap(Trial.relay, (relay) => relay.explain(request, options))

const candidate = (id: string) =>
  Effect.map(explain(), ({ candidates }) => candidates.find(({ endpoint }) => endpoint === id)!)

const standings = Effect.map(
  explain(),
  ({ candidates }) => Object.fromEntries(candidates.map(({ endpoint, standing }) => [endpoint, standing]))
)

const isolate = (id: string) => Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate(id))
const only = (step: ScriptedEndpoint.Step, options?: Trial.Options) =>
  Effect.provide(Trial.over([make("a", [step])], { retry: Retry.none, ...options }))

describe("an explanation", () => {
  it.effect("names the endpoint that is asked", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* explain(), { model: "any", goesTo: ["a"] })
      assert.deepInclude(yield* candidate("a"), { standing: "Chosen", tier: 0, because: "the call goes here" })
      assert.deepInclude(yield* candidate("b"), { standing: "LaterTier", because: "tier 0 is asked first" })
    }).pipe(Effect.provide(Trial.over([make("a", [hello]), make("b", [hello], { tier: 1 })]))))

  it.effect("names all that chance decides between", () =>
    Effect.gen(function*() {
      const { goesTo } = yield* explain()
      assert.sameMembers([...goesTo], ["a", "b", "c"])
      assert.include((yield* candidate("b")).because, "chance decides between it and 2 more")
    }).pipe(Effect.provide(Trial.over(["a", "b", "c"].map((id) => make(id, [hello]))))))

  it.effect("says who has more to do", () =>
    Effect.gen(function*() {
      yield* isolate("a")
      yield* Trial.start(Trial.chat())
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.reset("a"))
      assert.deepStrictEqual((yield* explain()).goesTo, ["a"])
      const { because, standing } = yield* candidate("b")
      assert.strictEqual(standing, "PassedOver")
      assert.include(because, "it has 1 under way")
    }).pipe(Effect.provide(Trial.over([make("a", [hello]), make("b", [answer("late", { delay: "1 second" })])]))))

  it.effect("says who is degraded, draining or does not serve the model", () =>
    Effect.gen(function*() {
      const { endpoints, execute } = yield* Trial.relay
      yield* isolate("good")
      for (let call = 0; call < 3; call++) yield* Effect.exit(execute(() => Effect.fail("down")))
      yield* endpoints.reset("good")
      yield* endpoints.drain("leaving")
      assert.deepStrictEqual(yield* standings, {
        bad: "Degraded",
        good: "Chosen",
        leaving: "Draining",
        other: "Unsuited",
        bare: "Unsuited"
      })
    }).pipe(Effect.provide(Trial.over([
      make("bad", [hello]),
      make("good", [hello], { tier: 1 }),
      make("leaving", [hello], { tier: 2 }),
      make("other", [hello], { models: ["another"], tier: 2 }),
      { ...make("bare", [hello]), endpoint: { id: "bare", tier: 3 } }
    ], { retry: Retry.none }))))

  const refusals: ReadonlyArray<
    readonly [refusal: string, step: ScriptedEndpoint.Step, after: Duration.Input, changes: string]
  > = [
    ["RateLimited", status(429, { retryAfter: 7 }), "7 seconds", "in 7s, as its service asked"],
    [
      "QuotaExceeded",
      status(429, { code: "insufficient_quota", retryAfter: 90 }),
      "90 seconds",
      "in 1m 30s, when the account is looked at again"
    ],
    ["Unauthorized", status(401), "5 minutes", "in 5m, when the key is tried again, or when somebody replaces"],
    ["ModelNotFound", status(404), "10 minutes", "in 10m, when it is asked for the model again"],
    ["CircuitOpen", status(500), "30 seconds", "in 30s, when a probe may pass"]
  ]
  it.effect.each(refusals)("says who refuses, why, and when that ends, to the millisecond: %s", (
    [refusal, step, after, changes]
  ) =>
    Effect.gen(function*() {
      yield* Trial.failure()
      const { goesTo, ifNobody } = yield* explain()
      assert.deepStrictEqual(goesTo, [])
      assert.deepStrictEqual(ifNobody, {
        _tag: "Fail",
        failure: refusal,
        retryAfter: Duration.toMillis(Duration.fromInputUnsafe(after))
      })
      const found = yield* candidate("a")
      assert.deepInclude(found, { standing: "Refused", refusal })
      assert.strictEqual(found.after, Duration.toMillis(Duration.fromInputUnsafe(after)))
      assert.include(found.changes ?? "", changes)
      yield* Trial.pass(Duration.millis(found.after! - 1))
      assert.deepInclude(yield* candidate("a"), { standing: "Refused", after: 1 })
      yield* Trial.pass("1 millis")
      assert.deepInclude(yield* candidate("a"), { standing: "Chosen" })
    }).pipe(only(step, { circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), jitter: 0 } })))

  it.effect("says by whom a refusal without an end is ended", () =>
    Effect.gen(function*() {
      yield* isolate("a")
      assert.deepInclude(yield* candidate("a"), {
        refusal: "CircuitOpen",
        changes: "when somebody resets it, or lets go of what holds it"
      })
      assert.notProperty(yield* candidate("a"), "after")
    }).pipe(only(hello)))

  it.effect("says that the call waits in line, and where", () =>
    Effect.gen(function*() {
      const call = yield* Trial.start(Trial.chat())
      assert.deepStrictEqual((yield* explain()).ifNobody, { _tag: "WaitInLine", endpoints: ["a"] })
      assert.deepInclude(yield* candidate("a"), { refusal: "BulkheadFull", changes: "when one of its 1 calls ends" })
      yield* Trial.pass("1 second")
      yield* Fiber.join(call)
    }).pipe(only(answer("late", { delay: "1 second" }), { bulkhead: { maxConcurrent: 1 } })))

  it.effect("says what happens when those that are asked fail: a wait, if that can be afforded", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* explain()).ifNobody, {
        _tag: "Wait",
        delay: 1000,
        because: "EndpointUnavailable"
      })
      assert.deepInclude((yield* explain({ deadline: "1 second" })).ifNobody, { _tag: "Fail" })
      const { execute } = yield* Trial.relay
      // whoever is inside a call leaves the waiting to it
      const { value } = yield* execute(() => explain())
      assert.deepInclude(value.ifNobody, { _tag: "Fail", failure: "EndpointUnavailable" })
      yield* Trial.whatever(Trial.failure())
      assert.deepInclude((yield* explain()).ifNobody, { _tag: "Fail" })
    }).pipe(only(status(503), {
      retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 1 }),
      retryBudget: 1,
      retryRatio: 0,
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(99) }
    })))

  it.effect("does not speak of waiting in line while somebody else has room", () =>
    Effect.gen(function*() {
      yield* Trial.start(Trial.chat())
      const { goesTo, ifNobody } = yield* explain()
      assert.lengthOf(goesTo, 1)
      assert.deepInclude(ifNobody, { _tag: "Fail", failure: "RelayExhausted" })
    }).pipe(Effect.provide(
      Trial.over(["a", "b"].map((id) => make(id, [answer("late", { delay: "1 second" })])), {
        retry: Retry.none,
        bulkhead: { maxConcurrent: 1 }
      })
    )))

  it.effect("knows that a circuit which only observes refuses nobody, and that one held by hand does", () =>
    Effect.gen(function*() {
      yield* Trial.failure()
      assert.strictEqual((yield* Trial.status("a")).state, "Open")
      assert.deepInclude(yield* candidate("a"), { standing: "Chosen" })
      assert.strictEqual((yield* Trial.status("a")).circuit.spared, 0)
      yield* isolate("a")
      assert.deepInclude(yield* candidate("a"), { standing: "Refused", refusal: "CircuitOpen" })
    }).pipe(only(status(500), { circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), mode: "observe" } })))

  it.effect("fails by itself where the call would, and asks nobody", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* explain({ deadline: 0 }), {
        goesTo: [],
        ifNobody: { _tag: "Fail", failure: "DeadlineExceeded" }
      })
      const rejected = yield* explain({}, { ...Trial.hi, messages: [] })
      assert.deepInclude(rejected.ifNobody, { _tag: "Fail", failure: "RequestRejected" })
      assert.strictEqual(rejected.candidates[0]!.standing, "PassedOver")
      const unknown = yield* explain({}, { ...Trial.hi, model: "unknown" })
      assert.deepStrictEqual(unknown.ifNobody, { _tag: "Fail", failure: "ModelNotFound" })
      assert.strictEqual(unknown.candidates[0]!.standing, "Unsuited")
    }).pipe(Effect.provide(Trial.over([make("a", [hello], { models: ["any"] })]))))

  it.effect("reads as text", () =>
    Effect.gen(function*() {
      yield* isolate("b")
      assert.strictEqual(
        RelayExplanation.print(yield* explain()),
        [
          "A call for model \"any\" goes to a",
          "  a, tier 0: the call goes here",
          "  b, tier 0: circuit \"b\" is held open by hand; changes when somebody resets it, or lets go of what holds it",
          "  c, tier 1: tier 0 is asked first; changes when nobody of tier 0 is left",
          "If nobody answers, it waits about 1s because of RelayExhausted, and asks again"
        ].join("\n")
      )
      yield* isolate("a")
      yield* isolate("c")
      const text = RelayExplanation.print(yield* explain())
      assert.match(text, /^A call for model "any" goes nowhere\n/)
      assert.match(text, /\nNow it fails with CircuitOpen$/)
    }).pipe(Effect.provide(
      Trial.over([make("a", [hello]), make("b", [hello]), make("c", [hello], { tier: 1 })], {
        retry: Schedule.spaced("1 second")
      })
    )))

  it.effect("crosses a boundary as JSON and comes back equal", () =>
    Effect.gen(function*() {
      const codec = Schema.fromJsonString(RelayExplanation.RelayExplanation)
      const explanation = yield* explain()
      assert.deepStrictEqual(
        yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(explanation)),
        explanation
      )
    }).pipe(only(hello)))

  it.effect("of a large tier names most that chance may choose, and none that it may not", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (let index = 1; index < 40; index++) {
        yield* endpoints.add({ ...make(`a${index}`, [hello]).endpoint, tier: 0 })
      }
      yield* endpoints.isolate("a7")
      const { goesTo } = yield* explain()
      assert.notInclude(goesTo, "a7")
      assert.isAtLeast(goesTo.length, 30)
    }).pipe(only(hello)))
})

/** What may be the matter with an endpoint before the question is asked. */
const matters = [
  "nothing",
  "isolated",
  "open",
  "half-open",
  "busy",
  "limited",
  "paused",
  "exhausted",
  "refused",
  "slow"
] as const
type Matter = typeof matters[number]

type Described = ReadonlyArray<readonly [matter: Matter, tier: number]>

const world: Arbitrary.Arbitrary<Described> = Law.list(
  Arbitrary.map(Law.int(0, 2 * matters.length - 1), (drawn) => [matters[drawn >> 1]!, drawn % 2] as const),
  3,
  1
)

const bring = Effect.fnUntraced(function*(id: string, matter: Matter) {
  const { endpoints, execute } = yield* Trial.relay
  // with everybody else away, the next call is this one's
  const alone = <A, E>(self: Effect.Effect<A, E, Trial.Services>) =>
    Effect.gen(function*() {
      const others = (yield* Effect.flatMap(Trial.relay, ({ status }) => status)).filter((other) => other.id !== id)
      const held = others.filter(({ circuit }) => circuit.state === "Closed")
      yield* Effect.forEach(held, (other) => endpoints.isolate(other.id))
      yield* self
      yield* Effect.forEach(held, (other) => endpoints.reset(other.id))
    })
  switch (matter) {
    case "nothing":
      return
    case "isolated":
      return yield* endpoints.isolate(id)
    case "busy":
      return yield* alone(Trial.start(execute(() => Effect.never)))
    case "limited":
      return yield* alone(execute(() => Effect.void))
    case "slow":
      return yield* alone(Trial.whatever(execute(() => Effect.sleep("2 seconds"))))
    default: {
      const step = {
        open: status(500),
        "half-open": status(500),
        paused: status(429, { retryAfter: 3 }),
        exhausted: status(429, { code: "insufficient_quota" }),
        refused: status(401)
      }[matter]
      yield* Trial.play(id, step)
      yield* alone(Effect.exit(Trial.chat({ deadline: 1 })))
      yield* Trial.play(id, hello)
      if (matter === "half-open") yield* TestClock.adjust("10 seconds")
    }
  }
})

/** Asks for an explanation and then makes the call; `check` compares the two. */
const compare = (
  described: Described,
  check: (explanation: RelayExplanation.RelayExplanation, call: {
    readonly first: string | undefined
    readonly failure: string | undefined
    readonly waited: number
  }) => void,
  balance: Balance.Balance = "peakEwma"
) => {
  const endpoints = described.map(([matter, tier], index) =>
    make(`e${index}`, [hello], { tier, ...(matter === "limited" ? { limits: { requestsPerMinute: 1 } } : {}) })
  )
  return Effect.gen(function*() {
    for (const [index, [matter]] of described.entries()) yield* bring(`e${index}`, matter)
    const relay = yield* Trial.relay
    const before = yield* relay.status
    const explanation = yield* explain({ affinity: "one" })
    assert.deepStrictEqual(yield* relay.status, before, "explaining changed something")
    const heard = yield* Trial.listen
    const call = yield* Trial.start(Effect.exit(Trial.chat({ affinity: "one" })))
    // whoever listens gets a turn
    yield* Trial.pass(0)
    const attempts = heard.flatMap((event) =>
      event._tag === "AttemptEnded" && event.attempt.sent ? [event.attempt] : []
    )
    const wait = heard.find((event) => event._tag === "WaitBegan")
    const exit = call.pollUnsafe()
    const failure = exit?._tag === "Success" && exit.value._tag === "Failure"
      ? exit.value.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? [reason.error._tag] : [])[0]
      : undefined
    check(explanation, { first: attempts[0]?.endpoint, failure, waited: wait?.delay ?? -1 })
    yield* Fiber.interrupt(call)
  }).pipe(
    Effect.scoped,
    Effect.provide(Trial.over(endpoints, {
      balance,
      retry: Schedule.upTo(Schedule.spaced("1 second"), { times: 3 }),
      bulkhead: { maxConcurrent: 1 },
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openFor: "9 seconds", jitter: 0, halfOpenProbes: 1 }
    })),
    Effect.provide(TestClock.layer())
  )
}

const keepsItsWord = (described: Described, balance: Balance.Balance) =>
  compare(described, ({ goesTo, ifNobody }, { failure, first, waited }) => {
    if (goesTo.length > 0) return assert.include(goesTo, first)
    assert.isUndefined(first)
    if (ifNobody._tag === "Fail") return assert.strictEqual(failure, ifNobody.failure)
    assert.isUndefined(failure)
    assert.strictEqual(waited, ifNobody.delay ?? 0)
  }, balance)

describe("whatever is the matter with the endpoints", () => {
  it.effect(
    "the call goes where it was said to go, waits as long, or fails as it was said to, by any balance",
    () =>
      Effect.map(
        Arbitrary.checkEffect(
          Arbitrary.all([world, Law.oneOf(...Balance.names)]),
          ([described, balance]) => Effect.as(keepsItsWord(described, balance), true),
          Law.check(250).arbitrary
        ),
        (result) => assert.strictEqual(result._tag, "Passed", JSON.stringify(result))
      ),
    60_000
  )

  it.effect(
    "which is not true of somebody who says the first endpoint is asked",
    () =>
      Law.isBrokenEffect(world, (described) => compare(described, (_, { first }) => assert.strictEqual(first, "e0"))),
    60_000
  )
})
