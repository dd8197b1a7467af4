import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect } from "effect"
import { CircuitBreaker } from "effect-relay"
import { TestClock } from "effect/testing"

const tagged = (tag: string) => Effect.fail({ _tag: tag })

const garbage = (value: unknown) => value as CircuitBreaker.Outcome

/** What a breaker makes of a call: a second call of that kind opens it, pays for a failure, or does neither. */
const outcomeOf = (classify: CircuitBreaker.Options["classify"], call: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const breaker = yield* CircuitBreaker.make({ classify, tripPolicy: CircuitBreaker.failureRate({ evidence: 2 }) })
    const ticket = breaker.admitUnsafe(0)
    if (ticket instanceof CircuitBreaker.CircuitOpen) return assert.fail("a closed circuit refuses")
    breaker.settleUnsafe(ticket, "Failure", 0, 0)
    yield* Effect.exit(breaker.protect(call))
    const { state, suspicion } = yield* breaker.state
    const outcome: CircuitBreaker.Outcome = state === "Open" ? "Failure" : suspicion === 0 ? "Success" : "Ignored"
    return outcome
  })

describe("the end of a call", () => {
  const byTag: CircuitBreaker.Classification = {
    tags: { NotFound: "Success", Cancelled: "Ignored", RateLimited: "Failure" }
  }
  const byError: CircuitBreaker.Classification = {
    error: (error) => error === "teapot" ? "Success" : error === "late" ? "Ignored" : undefined
  }
  const byResult: CircuitBreaker.Classification = {
    result: (result) => result === 503 ? "Failure" : result === "cached" ? "Ignored" : undefined
  }
  const throwing: CircuitBreaker.Classification = {
    error: () => {
      throw new Error("bug")
    },
    result: () => {
      throw new Error("bug")
    }
  }
  const said = (value: unknown): CircuitBreaker.Classification => ({
    error: () => garbage(value),
    result: () => garbage(value)
  })
  const cases: ReadonlyArray<
    readonly [string, CircuitBreaker.Options["classify"], Effect.Effect<unknown, unknown>, CircuitBreaker.Outcome]
  > = [
    ["a result is a success", "standard", Effect.succeed(503), "Success"],
    ["a failure of the target is one", "standard", tagged("EndpointUnavailable"), "Failure"],
    ["a failure nobody knows is one", "standard", Effect.fail("down"), "Failure"],
    ["a 429 is neither", "standard", tagged("RateLimited"), "Ignored"],
    ["a tag can stand for a success", byTag, tagged("NotFound"), "Success"],
    ["a tag can be ignored", byTag, tagged("Cancelled"), "Ignored"],
    ["a tag of the library can be read otherwise", byTag, tagged("RateLimited"), "Failure"],
    ["a tag that is not named is read as ever", byTag, tagged("EndpointUnavailable"), "Failure"],
    ["a tag is looked up among its own names only", byTag, tagged("valueOf"), "Failure"],
    ["an error can stand for a success", byError, Effect.fail("teapot"), "Success"],
    ["an error can be ignored", byError, Effect.fail("late"), "Ignored"],
    ["an error with no reading is read as ever", byError, tagged("RateLimited"), "Ignored"],
    ["tags go before errors", { ...byTag, error: () => "Failure" }, tagged("NotFound"), "Success"],
    ["errors without such a tag go to the function", { ...byTag, error: () => "Ignored" }, Effect.fail("x"), "Ignored"],
    ["a result can be a failure", byResult, Effect.succeed(503), "Failure"],
    ["a result can be ignored", byResult, Effect.succeed("cached"), "Ignored"],
    ["a result with no reading is a success", byResult, Effect.succeed(200), "Success"],
    ["a defect is a failure, whatever functions say", { error: () => "Ignored" }, Effect.die("bug"), "Failure"],
    ["an interrupt is ignored, whatever functions say", { error: () => "Failure" }, Effect.interrupt, "Ignored"],
    [
      "a failure counts even where it interrupted siblings",
      "standard",
      Effect.failCause(Cause.combine(Cause.interrupt(), Cause.fail("down"))),
      "Failure"
    ],
    ["a function that throws has no say in an error", throwing, tagged("RateLimited"), "Ignored"],
    ["nor in a result", throwing, Effect.succeed(1), "Success"],
    ["one that answers with anything else has none", said("Slow"), tagged("RateLimited"), "Ignored"],
    ["nor has one that answers later", said(Promise.resolve("Failure")), Effect.succeed(1), "Success"],
    ["nor one that answers with an effect", said(Effect.succeed("Failure")), Effect.succeed(1), "Success"]
  ]
  it.effect.each(cases)("is read: %s", ([, classify, call, outcome]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* outcomeOf(classify, call), outcome)
    }))

  it.effect("is passed on as it was, whatever it counts for", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ classify: { ...byResult, ...byTag } })
      assert.strictEqual(yield* breaker.protect(Effect.succeed(503)), 503)
      assert.deepStrictEqual(yield* Effect.flip(breaker.protect(tagged("NotFound"))), { _tag: "NotFound" })
    }))

  const untouchable = new Proxy({}, {
    get: () => {
      throw new Error("do not look")
    }
  })
  const lost: ReadonlyArray<readonly [string, CircuitBreaker.Classification, Effect.Effect<unknown, unknown>]> = [
    ["is ignored", byTag, tagged("Cancelled")],
    ["makes a function throw over a result", throwing, Effect.succeed(1)],
    ["makes a function throw over an error", throwing, tagged("RateLimited")],
    ["throws when it is looked at", byTag, Effect.fail(untouchable)]
  ]
  it.effect.each(lost)("loses no probe when it %s", ([, classify, call]) =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({
        classify,
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor: 10,
        jitter: 0,
        halfOpenProbes: 1,
        successesToClose: { ratio: 0.5, of: 1000 }
      })
      yield* Effect.exit(breaker.protect(Effect.fail("down")))
      yield* TestClock.adjust(10)
      for (let n = 0; n < 5; n++) yield* Effect.exit(breaker.protect(call))
      assert.strictEqual((yield* breaker.state).state, "HalfOpen")
      yield* breaker.protect(Effect.void)
    }))

  it.effect("counts a slow success as slow, and a slow failure as a failure only", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ slowCallDuration: 10, slowCallEvidence: 2, classify: byTag })
      const slowly = (end: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function*() {
          const call = Effect.exit(breaker.protect(Effect.andThen(Effect.sleep(11), end)))
          yield* Effect.forkChild(call, { startImmediately: true })
          yield* TestClock.adjust(11)
        })
      for (const end of [tagged("Cancelled"), tagged("Cancelled"), Effect.fail("down"), Effect.fail("down")]) {
        yield* slowly(end)
      }
      assert.include(yield* breaker.state, { state: "Closed", suspicion: 2 })
      yield* slowly(tagged("NotFound"))
      yield* slowly(Effect.void)
      assert.include(yield* breaker.state, { state: "Open", because: "slowCalls" })
    }))
})
