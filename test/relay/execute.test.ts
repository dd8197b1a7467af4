import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Data, Duration, Effect, Exit, Fiber } from "effect"
import { CircuitBreaker, type Endpoint, Failure, RateLimiter, RelayError, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient } from "effect/http"
import * as Trial from "./Trial.ts"

const { answer, make } = ScriptedEndpoint

class Mine extends Data.TaggedError("Mine")<{ readonly at: string; readonly bad?: boolean }> {}
class Word extends Context.Service<Word, string>()("test/Word") {}

const never = answer("execute sends nothing of its own")
const two = [make("a", [never]), make("b", [never], { tier: 1 })]
const once = { retry: Retry.none }

const execute = <A, E, R>(
  operation: (endpoint: Endpoint.Endpoint) => Effect.Effect<A, E, R>,
  options?: RelayService.ExecuteOptions<E>
) => Effect.flatMap(Trial.relay, (relay) => relay.execute(operation, options))

describe("execute", () => {
  it.effect("runs any effect with the endpoint that was chosen, and tells how", () =>
    Effect.gen(function*() {
      const answered = yield* Trial.whatever(
        execute(({ id, tier }) => Effect.delay(tier === 0 ? Effect.fail("down") : Effect.succeed(id), "1 second"))
      )
      assert.strictEqual(answered.value, "b")
      assert.deepInclude(answered.meta, { endpoint: "b", latency: 2000 })
      assert.deepStrictEqual(answered.meta.attempts.map(({ outcome }) => outcome), ["Failure", "Success"])
      assert.strictEqual(yield* Trial.count("a"), 0)
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("keeps what the operation needs", () =>
    Effect.gen(function*() {
      const call: Effect.Effect<unknown, string | RelayError.ExecuteError, Word | RelayService.RelayService> = execute(
        () => Effect.flatMap(Word, (word) => word === "" ? Effect.fail("no word") : Effect.succeed(word))
      )
      // @ts-expect-error the word is still missing
      const complete: Effect.Effect<unknown, unknown, RelayService.RelayService> = call
      const { value } = yield* Effect.provideService(call as Effect.Effect<{ readonly value: string }>, Word, "Hello.")
      assert.strictEqual(value, "Hello.")
      assert.isTrue(Effect.isEffect(complete))
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("fails with the operation's own error when every endpoint ends in it", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(execute(({ id }) => Effect.fail(new Mine({ at: id }))))
      assert.instanceOf(failure, Mine)
      assert.strictEqual(failure.at, "a")
    }).pipe(Effect.provide(Trial.over(two, once))))

  it.effect("fails with RelayExhausted when they end differently", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      const failure = yield* Effect.flip(execute(({ id }) => Effect.fail(new Mine({ at: id }))))
      assert.instanceOf(failure, RelayError.RelayExhausted)
      assert.deepStrictEqual(failure.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["a", "CircuitOpen"],
        ["b", "Mine"]
      ])
    }).pipe(Effect.provide(Trial.over(two, once))))

  it.effect("takes errors of any kind: texts, numbers, null", () =>
    Effect.gen(function*() {
      for (const error of ["down", 7, null, undefined, { code: 1 }]) {
        assert.deepStrictEqual(yield* Effect.flip(execute(() => Effect.fail(error))), error)
      }
    }).pipe(Effect.provide(Trial.over([make("a", [never])], once))))

  it.effect("blames the endpoint for an error it does not know", () =>
    Effect.gen(function*() {
      yield* Effect.flip(execute(() => Effect.fail(new Mine({ at: "" }))))
      assert.deepInclude(yield* Trial.status("a"), { state: "Open", failed: 1, lastFailure: "Mine" })
    }).pipe(Effect.provide(
      Trial.over([make("a", [never])], { ...once, circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } })
    )))

  it.effect("asks whose fault it is of every error, even of one that is nothing", () =>
    Effect.gen(function*() {
      let runs = 0
      const nothing = Effect.suspend((): Effect.Effect<never, undefined> => {
        runs++
        return Effect.fail(undefined)
      })
      assert.isUndefined(yield* Effect.flip(execute(() => nothing, { isCallersFault: () => true })))
      assert.strictEqual(runs, 1)
    }).pipe(Effect.provide(Trial.over(two, once))))

  it.effect("an error that is the caller's fault ends the call and blames nobody", () =>
    Effect.gen(function*() {
      let runs = 0
      const operation = execute(() => Effect.suspend(() => Effect.fail(new Mine({ at: `${++runs}`, bad: true }))), {
        isCallersFault: (failure) => failure.bad === true
      })
      assert.deepInclude(yield* Effect.flip(operation), { _tag: "Mine", at: "1" })
      assert.strictEqual(runs, 1)
      assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", inFlight: 0 })
    }).pipe(Effect.provide(Trial.over(two, { circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) } }))))

  it.effect("asks isCallersFault about errors of the operation only, never about the relay's own", () =>
    Effect.gen(function*() {
      const asked: Array<unknown> = []
      const operation = execute(() => Effect.andThen(Effect.never, Effect.fail(new Mine({ at: "" }))), {
        isCallersFault: (failure) => {
          asked.push(failure)
          return false
        }
      })
      const failure = yield* Trial.whatever(Effect.flip(operation))
      assert.strictEqual(failure._tag, "EndpointUnavailable")
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.provide(Trial.over([make("a", [never])], once))))

  it.effect("an isCallersFault that throws is a defect, and keeps no permit", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(execute(() => Effect.fail("down"), {
        isCallersFault: () => {
          throw new Error("a bug in the predicate")
        }
      }))
      assert.isTrue(Exit.hasDies(exit))
      const { bulkhead, inFlight } = yield* Trial.status("a")
      assert.deepStrictEqual([inFlight, bulkhead.running], [0, 0])
    }).pipe(Effect.provide(Trial.over([make("a", [never])], once))))

  it.effect("an operation that must not run twice is not run again once it ran", () =>
    Effect.gen(function*() {
      const runs: Array<string> = []
      const operation = execute(({ id }) =>
        Effect.suspend(() => {
          runs.push(id)
          return Effect.fail(new Mine({ at: id }))
        }), { idempotent: false })
      assert.deepInclude(yield* Effect.flip(operation), { _tag: "Mine", at: "a" })
      assert.deepStrictEqual(runs, ["a"])
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("but refusals before it ran send it elsewhere", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      assert.strictEqual((yield* execute(({ id }) => Effect.succeed(id), { idempotent: false })).value, "b")
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("a defect goes straight to the caller, and keeps no permit", () =>
    Effect.gen(function*() {
      let runs = 0
      const exit = yield* Effect.exit(execute(() =>
        Effect.sync(() => {
          runs++
          throw new Error("a bug")
        })
      ))
      assert.isTrue(Exit.hasDies(exit))
      assert.strictEqual(runs, 1)
      const { bulkhead, inFlight } = yield* Trial.status("a")
      assert.deepStrictEqual([inFlight, bulkhead.running], [0, 0])
    }).pipe(Effect.provide(Trial.over(two))))

  const bug = new Error("a bug")
  const bugs: ReadonlyArray<readonly [string, () => unknown]> = [
    ["dies", () => Effect.die(bug)],
    ["dies of a failure of this library", () =>
      Effect.die(
        new Failure.QuotaExceeded({ endpoint: "a", account: "a", retryAfter: Duration.hours(1), attempts: [] })
      )],
    ["throws", () => {
      throw bug
    }],
    ["throws late", () =>
      Effect.delay(
        Effect.sync(() => {
          throw bug
        }),
        "1 second"
      )],
    ["gives back nothing", () => undefined],
    ["gives back a number", () => 42],
    ["gives back a promise", () => Promise.resolve("not an effect")]
  ]
  it.effect.each(bugs)(
    "an operation that %s is a bug of the caller's, and hurts nobody however often",
    ([, operation]) =>
      Effect.gen(function*() {
        const before = (yield* Trial.status("a")).limiter
        for (let call = 0; call < 40; call++) {
          const exit = yield* Trial.whatever(Effect.exit(execute(operation as () => Effect.Effect<string>)))
          assert.isTrue(Exit.hasDies(exit))
        }
        for (const id of ["a", "b"]) {
          const { bulkhead, circuit, failed, inFlight, state } = yield* Trial.status(id)
          assert.deepStrictEqual([state, failed, inFlight, bulkhead.running], ["Healthy", 0, 0, 0])
          assert.deepInclude(circuit, { state: "Closed", suspicion: 0, openings: 0 })
        }
        assert.deepStrictEqual((yield* Trial.status("a")).limiter.limits, before.limits)
      }).pipe(Effect.provide(Trial.over([
        make("a", [never], { limits: { requestsPerMinute: 1000 } }),
        make("b", [never], { tier: 1 })
      ])))
  )

  it.effect("a bug in an operation gives back the probe that it ran as", () =>
    Effect.gen(function*() {
      yield* Effect.flip(execute(() => Effect.fail("down"), { idempotent: false }))
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "Open")
      yield* Trial.pass("1 minute")
      for (let call = 0; call < 5; call++) {
        assert.isTrue(Exit.hasDies(yield* Effect.exit(execute(() => Effect.die("bug")))))
      }
      const { circuit } = yield* Trial.status("a")
      assert.deepInclude(circuit, { state: "HalfOpen", openings: 1 })
      assert.strictEqual((yield* execute(({ id }) => Effect.succeed(id))).value, "a")
    }).pipe(Effect.provide(Trial.over([make("a", [never])], {
      ...once,
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openFor: "30 seconds", halfOpenProbes: 1 }
    }))))

  it.effect("a bug in an operation stands in the trail of nobody's failure", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      yield* Effect.exit(execute(() => Effect.die(bug)))
      const ended = heard.flatMap((event) => event._tag === "AttemptEnded" ? [event.attempt] : [])
      assert.deepStrictEqual(ended.map(({ endpoint, outcome, sent }) => [endpoint, outcome, sent]), [[
        "a",
        "Error",
        true
      ]])
      assert.notProperty(yield* Trial.status("a"), "lastFailure")
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("the bug of a client that a chat goes through is still the endpoint's failure", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.make({ endpoints: [two[0]!.endpoint], health: "off" })
      assert.isTrue(Exit.hasDies(yield* Effect.exit(relay.chat(Trial.hi))))
      const [a] = yield* relay.status
      assert.deepStrictEqual([a!.inFlight, a!.failed, a!.circuit.suspicion], [0, 1, 1])
    }).pipe(
      Effect.provideService(HttpClient.HttpClient, HttpClient.make(() => Effect.die(bug))),
      Effect.provide(Trial.over(two))
    ))

  it.effect("what is no function is refused as a wrong option is, and nobody is asked", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const cases: ReadonlyArray<readonly [operation: unknown, detail: string]> = [
        [undefined, "operation is undefined, but it has to be a function"],
        [Effect.void, "operation is object, but it has to be a function"],
        ["chat", "operation is \"chat\", but it has to be a function"]
      ]
      for (const [operation, detail] of cases) {
        const failure = yield* Effect.flip(execute(operation as () => Effect.Effect<string>))
        assert.instanceOf(failure, Failure.RequestRejected)
        assert.deepInclude(failure, { detail, attempts: [] })
      }
      assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", answered: 0, failed: 0 })
      assert.deepStrictEqual(heard.map(({ _tag }) => _tag), ["CallFailed", "CallFailed", "CallFailed"])
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("has a deadline and an attempt timeout too", () =>
    Effect.gen(function*() {
      const hung = execute(() => Effect.never, { deadline: "7 seconds" })
      const failure = yield* Trial.whatever(Effect.flip(hung))
      assert.deepInclude(failure, { _tag: "DeadlineExceeded", deadline: Duration.seconds(7) })
      assert.deepStrictEqual(failure.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["a", "EndpointUnavailable"],
        ["b", "DeadlineExceeded"]
      ])
    }).pipe(Effect.provide(Trial.over(two, { attemptTimeout: "5 seconds" }))))

  it.effect("runs again by the schedule, and gives up when it ends", () =>
    Effect.gen(function*() {
      let runs = 0
      const third = execute(() => Effect.suspend(() => ++runs < 3 ? Effect.fail("down") : Effect.succeed(runs)))
      assert.strictEqual((yield* Trial.whatever(third)).value, 3)
    }).pipe(Effect.provide(Trial.over([make("a", [never])]))))

  it.effect("learns from failures of this library that the operation ends in", () =>
    Effect.gen(function*() {
      const limiter = yield* RateLimiter.make({ limit: 1, window: "1 minute" })
      const operation = execute(() => limiter.protect(Effect.succeed("sent")))
      yield* operation
      const failure = yield* Effect.flip(operation)
      assert.deepInclude(failure, { _tag: "RateLimited", key: "default", retryAfter: Duration.minutes(1) })
      assert.strictEqual(failure.attempts.length, 1)
      assert.strictEqual((yield* Trial.status("a")).state, "Paused")
    }).pipe(Effect.provide(Trial.over([make("a", [never])], once))))

  it.effect("is interrupted with its caller, finalizers first", () =>
    Effect.gen(function*() {
      const steps: Array<string> = []
      const operation = Effect.onInterrupt(Effect.never, () => Effect.sync(() => steps.push("released")))
      const fiber = yield* Trial.start(execute(() => operation))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(steps, ["released"])
      assert.strictEqual((yield* Trial.status("a")).inFlight, 0)
    }).pipe(Effect.provide(Trial.over(two))))

  it.effect("without an endpoint there is nobody to ask", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("a")
      yield* endpoints.remove("b")
      const failure = yield* Effect.flip(execute(() => Effect.succeed("never")))
      assert.deepInclude(failure, { _tag: "RelayExhausted", attempts: [] })
    }).pipe(Effect.provide(Trial.over(two))))
})

describe("an error that throws when it is looked at", () => {
  const odd: ReadonlyArray<readonly [string, () => unknown]> = [
    ["a tag that is no text", () => ({ _tag: Object.create(null) })],
    ["a tag that throws", () => ({
      get _tag() {
        throw new Error("no tag for you")
      }
    })],
    ["a proxy that was revoked", () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    }]
  ]
  it.effect.each(odd)("costs no permit: %s", ([, make]) =>
    Effect.gen(function*() {
      for (let call = 0; call < 30; call++) yield* Effect.exit(execute(() => Effect.fail(make())))
      const { bulkhead, inFlight } = yield* Trial.status("a")
      assert.deepStrictEqual([bulkhead.running, inFlight], [0, 0])
      const exit = yield* Effect.exit(execute(() => Effect.fail(make())))
      assert.isTrue(Exit.isFailure(exit) && !Cause.hasDies(exit.cause), "it comes back as a failure, not as a defect")
      assert.strictEqual((yield* execute(() => Effect.succeed("well"))).value, "well")
    }).pipe(
      Effect.provide(Trial.over(two, { ...once, circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(99) } }))
    ))
})
