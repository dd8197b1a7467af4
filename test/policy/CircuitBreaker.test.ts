import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Clock, Data, Deferred, Duration, Effect, Exit, Fiber, Random } from "effect"
import { CircuitBreaker } from "effect-relay"
import { TestClock } from "effect/testing"
import type * as Circuit from "../../src/machine/Circuit.ts"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

class Failure extends Data.TaggedError("EndpointUnavailable")<{}> {}

const fails = Effect.fail(new Failure())

/** How many probes may go out now: takes them all, and gives them back. */
const freeProbes = (breaker: CircuitBreaker.CircuitBreaker, now: number): number => {
  const tickets: Array<Circuit.Ticket> = []
  for (;;) {
    const verdict = breaker.admitUnsafe(now)
    if (verdict instanceof CircuitBreaker.CircuitOpen) break
    tickets.push(verdict)
  }
  for (const ticket of tickets) breaker.settleUnsafe(ticket, "Ignored", now, 0)
  return tickets.length
}

/** A breaker that is half-open, and stays so while nothing fails. */
const halfOpen = (probes: number) =>
  Effect.gen(function*() {
    const breaker = yield* CircuitBreaker.make({
      tripPolicy: CircuitBreaker.consecutive(1),
      halfOpenProbes: probes,
      successesToClose: 1000,
      openFor: 1,
      jitter: 0
    })
    yield* Effect.exit(breaker.protect(fails))
    yield* TestClock.adjust(1)
    return breaker
  })

const twinOptions: CircuitBreaker.Options = {
  tripPolicy: CircuitBreaker.consecutive(3),
  halfOpenProbes: 2,
  successesToClose: 2,
  openFor: 20,
  maxOpenFor: 60,
  jitter: 0,
  slowCallDuration: 5,
  slowCallEvidence: 3
}

describe("CircuitBreaker", () => {
  it.effect.prop(
    "lets out no more probes than it may, and has each back before its interrupt returns",
    [Law.int(1, 3), Crowd.callers(20, 40)],
    ([probes, callers]) =>
      Effect.gen(function*() {
        const breaker = yield* halfOpen(probes)
        const account = yield* Crowd.admit(callers, breaker.protect, (inside, now) => {
          assert.strictEqual(freeProbes(breaker, now), probes - inside)
        })
        assert.isAtMost(account.peak, probes)
        for (const visit of account.visits) {
          assert.include(["Success", "Interrupted", "CircuitOpen ProbesOut"], visit.outcome)
          if (visit.outcome !== "CircuitOpen ProbesOut") continue
          const before = account.visits.slice(0, account.visits.indexOf(visit))
          assert.strictEqual(visit.left, visit.arrived)
          assert.isAtLeast(
            before.filter(({ left, started }) => started !== undefined && left >= visit.arrived).length,
            probes
          )
        }
        assert.strictEqual(freeProbes(breaker, yield* Clock.currentTimeMillis), probes)
      }),
    Law.check(100)
  )

  it.effect.prop(
    "is, after calls that were interrupted, as if they had never been made",
    [Law.list(
      Arbitrary.all({
        call: Law.oneOf("succeed", "slow", "fail", "fail", "fail", "wait"),
        interrupted: Law.int(0, 2),
        by: Law.int(0, 30)
      }),
      40
    )],
    ([history]) =>
      Effect.gen(function*() {
        const breaker = yield* CircuitBreaker.make(twinOptions)
        const twin = yield* CircuitBreaker.make(twinOptions)
        for (const { by, call, interrupted } of history) {
          for (let n = 0; n < interrupted; n++) {
            const fiber = yield* Effect.forkChild(breaker.protect(Effect.never), { startImmediately: true })
            yield* Fiber.interrupt(fiber)
          }
          assert.deepStrictEqual(yield* breaker.state, yield* twin.state)
          const work = call === "fail" ? fails : Effect.sleep(call === "slow" ? 6 : 0)
          if (call !== "wait") {
            const both = Effect.all([Effect.exit(breaker.protect(work)), Effect.exit(twin.protect(work))], {
              concurrency: 2
            })
            const fiber = yield* Effect.forkChild(both, { startImmediately: true })
            yield* TestClock.adjust(6)
            const [one, other] = yield* Fiber.join(fiber)
            assert.strictEqual(one._tag, other._tag)
          } else yield* TestClock.adjust(by)
          assert.deepStrictEqual(yield* breaker.state, yield* twin.state)
        }
      }),
    Law.check(100)
  )

  it.effect("loses no probe, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(
      Effect.map(halfOpen(3), (breaker) => ({
        protect: breaker.protect,
        check: (fibers, victim) =>
          Effect.gen(function*() {
            assert.strictEqual(freeProbes(breaker, yield* Clock.currentTimeMillis), 3)
            const others = fibers.filter((_, caller) => caller !== victim)
            assert.isTrue(others.every((fiber) => Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt())))
          })
      }))
    ))

  it.effect("does not hear an answer that comes when the circuit has moved on", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ ...twinOptions, tripPolicy: CircuitBreaker.consecutive(1) })
      const answer = yield* Deferred.make<void, Failure>()
      const late = yield* Effect.forkChild(breaker.protect(Deferred.await(answer)), { startImmediately: true })
      yield* Effect.exit(breaker.protect(fails))
      yield* TestClock.adjust(20)
      yield* breaker.protect(Effect.void)
      const before = yield* breaker.state
      yield* Deferred.fail(answer, new Failure())
      yield* Fiber.await(late)
      assert.deepStrictEqual(yield* breaker.state, before)
      assert.strictEqual(before.state, "HalfOpen")
    }))

  it.effect("says when to come back, to the millisecond, whatever chance takes off", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor: "10 seconds",
        jitter: 0.9,
        halfOpenProbes: 1
      })
      const waits = new Set<number>()
      for (let n = 0; n < 50; n++) {
        assert.strictEqual((yield* Effect.flip(breaker.protect(fails)))._tag, "EndpointUnavailable", "a probe passes")
        const { reason, retryAfter } = yield* Effect.flip(breaker.protect(Effect.void))
        assert.strictEqual(reason, "Open")
        waits.add(Duration.toMillis(retryAfter!))
        yield* TestClock.adjust(Duration.subtract(retryAfter!, Duration.millis(1)))
        assert.strictEqual((yield* Effect.flip(breaker.protect(Effect.void))).reason, "Open", "not a millisecond early")
        yield* TestClock.adjust(1)
      }
      assert.isAbove(waits.size, 45)
    }).pipe(Random.withSeed("jitter")))

  it.effect("takes no notice of a wall clock that is set back", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1e9)
      const breaker = yield* CircuitBreaker.make(twinOptions)
      for (let n = 0; n < 3; n++) yield* Effect.exit(breaker.protect(fails))
      yield* TestClock.setTime(0)
      assert.include(yield* breaker.state, { state: "Open", retryAfter: 20 })
      yield* TestClock.adjust(20)
      yield* breaker.protect(Effect.void)
    }))

  const tagged = (tag: string) => Effect.fail({ _tag: tag })
  const heard: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>, boolean]> = [
    ["a failure of the endpoint", tagged("EndpointUnavailable"), true],
    ["a failure that nobody knows", Effect.fail("down"), true],
    ["a defect", Effect.die(new Error("bug")), true],
    ["a caller's mistake", tagged("RequestRejected"), false],
    ["a refusal of another policy", tagged("BulkheadFull"), false],
    ["a 429", tagged("RateLimited"), false],
    ["an interrupt", Effect.interrupt, false],
    ["an interrupt whose finalizer died", Effect.failCause(Cause.combine(Cause.interrupt(), Cause.die("late"))), false]
  ]
  it.effect.each(heard)("makes of %s what it is", ([, call, opens]) =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1) })
      yield* Effect.exit(breaker.protect(call))
      assert.strictEqual((yield* breaker.state).state, opens ? "Open" : "Closed")
    }))

  it.effect("tells whoever watches of each change, until they look away, and can be held open by hand", () =>
    Effect.gen(function*() {
      const breaker = yield* CircuitBreaker.make(twinOptions)
      const seen: Array<string> = []
      const lookAway = breaker.watchUnsafe(({ from, to }) => seen.push(`${from} -> ${to}`))
      for (let n = 0; n < 3; n++) yield* Effect.exit(breaker.protect(fails))
      yield* TestClock.adjust(20)
      yield* breaker.protect(Effect.void)
      yield* breaker.protect(Effect.void)
      yield* breaker.isolate
      yield* TestClock.adjust("1 day")
      assert.strictEqual((yield* Effect.flip(breaker.protect(Effect.void))).reason, "Isolated")
      lookAway()
      yield* breaker.reset
      yield* breaker.protect(Effect.void)
      assert.deepStrictEqual(seen, ["Closed -> Open", "Open -> HalfOpen", "HalfOpen -> Closed", "Closed -> Isolated"])
    }))
})
