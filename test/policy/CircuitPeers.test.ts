/**
 * The breaker beside Effect's own, on the same histories. Where they mean the same they have to
 * say the same; where they differ, the last tests say how.
 */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Deferred, Duration, Effect, Exit, Fiber, Schedule } from "effect"
import { CircuitBreaker } from "effect-relay"
import { CircuitBreaker as Peer } from "effect/persistence"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"

const openFor = 20

interface Step {
  readonly do: "start" | "finish" | "wait"
  readonly end: "succeed" | "fail" | "interrupt"
  readonly hint: number
  readonly by: number
}

const histories = Law.list(
  Arbitrary.all({
    do: Law.oneOf("start", "start", "finish", "finish", "wait"),
    end: Law.oneOf("succeed", "succeed", "fail", "fail", "fail", "interrupt"),
    hint: Law.oneOf(0, 0, 0, 35, 1000),
    by: Law.int(0, 30)
  }),
  80
)

class Down {
  readonly _tag = "Down"
  readonly retryAfter: Duration.Duration
  constructor(hint: number) {
    this.retryAfter = Duration.millis(hint)
  }
}

type Run = (work: Effect.Effect<void, Down>) => Effect.Effect<void, unknown>

/** What a call was told at once, if anything: how long to wait, or that a probe is out. */
const refusalOf = (fiber: Fiber.Fiber<void, unknown>): number | "ProbesOut" | undefined => {
  const exit = fiber.pollUnsafe()
  if (exit === undefined || Exit.isSuccess(exit)) return undefined
  const error = exit.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? [reason.error] : [])[0]
  if (error instanceof CircuitBreaker.CircuitOpen) {
    return error.retryAfter === undefined ? "ProbesOut" : Duration.toMillis(error.retryAfter)
  }
  if (!(error instanceof Peer.CircuitBreakerError)) return undefined
  return error.reason._tag === "CircuitOpen" ? Duration.toMillis(error.reason.retryAfter) : "ProbesOut"
}

/** Two breakers, each with the calls it let pass. */
const both = (tripPolicy: CircuitBreaker.TripPolicy, theirs: Peer.TripPolicy, maxOpenFor = openFor) =>
  Effect.gen(function*() {
    const ours = yield* CircuitBreaker.make({
      tripPolicy,
      // the same each time: what ours doubles theirs does not
      openFor: Schedule.spaced(openFor),
      maxOpenFor,
      jitter: 0,
      halfOpenProbes: 1,
      successesToClose: 1,
      probeLease: "1 day"
    })
    const peer = yield* Peer.make({ tripPolicy: theirs, openDuration: openFor, maxOpenDuration: maxOpenFor })
    const sides: ReadonlyArray<Run> = [
      ours.protect,
      peer.execute({
        key: "k",
        classify: (exit) => {
          if (Exit.isSuccess(exit)) return Peer.success
          const down = exit.cause.reasons.find((reason) => reason._tag === "Fail")
          return down?.error instanceof Down ? Peer.failure({ retryAfter: down.error.retryAfter }) : Peer.failure()
        }
      })
    ]
    const states = Effect.gen(function*() {
      const { retryAfter, state } = yield* ours.state
      const other = yield* peer.state("k")
      return [
        { state, retryAfter: retryAfter ?? 0 },
        {
          // theirs stays open by name until the next call
          state: other._tag === "Open" && Duration.toMillis(other.retryAfter) === 0 ? "HalfOpen" : other._tag,
          retryAfter: other._tag === "Open" ? Duration.toMillis(other.retryAfter) : 0
        }
      ] as const
    })
    return { sides, states }
  })

/** Plays a history to both, call by call, and compares what they say. */
const agree = (
  history: ReadonlyArray<Step>,
  { sides, states }: Effect.Success<ReturnType<typeof both>>
) =>
  Effect.gen(function*() {
    const calls: Array<
      { readonly answer: Deferred.Deferred<void, Down>; readonly fibers: ReadonlyArray<Fiber.Fiber<void, unknown>> }
    > = []
    for (const step of history) {
      if (step.do === "wait") yield* TestClock.adjust(step.by)
      else if (step.do === "start") {
        const answer = yield* Deferred.make<void, Down>()
        const fibers = yield* Effect.forEach(
          sides,
          (run) => Effect.forkChild(run(Deferred.await(answer)), { startImmediately: true })
        )
        // theirs takes some turns
        yield* TestClock.adjust(0)
        const [ours, theirs] = fibers.map(refusalOf)
        assert.strictEqual(ours, theirs)
        if (ours === undefined) calls.push({ answer, fibers })
      } else if (calls.length > 0) {
        const [{ answer, fibers }] = calls.splice(step.by % calls.length, 1) as [typeof calls[0] & {}]
        if (step.end === "interrupt") yield* Fiber.interruptAll(fibers)
        else if (step.end === "fail") yield* Deferred.fail(answer, new Down(step.hint))
        else yield* Deferred.succeed(answer, undefined)
        yield* Fiber.awaitAll(fibers)
      }
      const [ours, theirs] = yield* states
      assert.deepStrictEqual(ours, theirs)
    }
    yield* Fiber.interruptAll(calls.flatMap(({ fibers }) => fibers))
  })

const inMemory = Effect.provide(Peer.layerStoreMemory({ idleTimeToLive: "1 day" }))

describe("the breaker beside Effect's own", () => {
  it.effect.prop(
    "opens, refuses, probes and closes in step with it by failures in a row, hints included",
    [Arbitrary.all({ failures: Law.int(1, 4), history: histories })],
    ([{ failures, history }]) =>
      Effect.gen(function*() {
        const pair = yield* both(CircuitBreaker.consecutive(failures), Peer.consecutive(failures), 100)
        yield* agree(history, pair)
      }).pipe(inMemory, Effect.scoped),
    Law.check(100)
  )

  it.effect.prop(
    "and by the share of the last calls that failed, from the first call on",
    [Arbitrary.all({ calls: Law.int(1, 6), rate: Law.oneOf(0.25, 0.5, 1), history: histories })],
    ([{ calls, history, rate }]) =>
      Effect.gen(function*() {
        const pair = yield* both(
          CircuitBreaker.countWindow({ calls, rate, minimumCalls: 1 }),
          Peer.rate({ size: calls, threshold: rate, minimumCalls: 1 })
        )
        yield* agree(history, pair)
      }).pipe(inMemory, Effect.scoped),
    Law.check(100)
  )

  const play = (pair: Effect.Success<ReturnType<typeof both>>, work: Effect.Effect<void, Down>) =>
    Effect.forEach(pair.sides, (run) => Effect.exit(run(work)))

  it.effect("differs where a success completes the calls that are asked for: it does not open at a success", () =>
    Effect.gen(function*() {
      const pair = yield* both(
        CircuitBreaker.countWindow({ calls: 4, rate: 0.25 }),
        Peer.rate({ size: 4, threshold: 0.25 })
      )
      for (const end of ["fail", "succeed", "succeed", "succeed"]) {
        yield* play(pair, end === "fail" ? Effect.fail(new Down(0)) : Effect.void)
      }
      assert.deepStrictEqual((yield* pair.states).map(({ state }) => state), ["Closed", "Open"])
    }).pipe(inMemory, Effect.scoped))

  it.effect("differs in what an interrupt next to a defect is: the call says nothing of the target", () =>
    Effect.gen(function*() {
      const pair = yield* both(CircuitBreaker.consecutive(1), Peer.consecutive(1))
      yield* play(pair, Effect.onInterrupt(Effect.interrupt, () => Effect.die("while cleaning up")))
      assert.deepStrictEqual((yield* pair.states).map(({ state }) => state), ["Closed", "Open"])
    }).pipe(inMemory, Effect.scoped))

  it.effect("differs in a probe that never returns: its lease ends", () =>
    Effect.gen(function*() {
      const ours = yield* CircuitBreaker.make({
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor,
        jitter: 0,
        halfOpenProbes: 1,
        probeLease: "1 minute"
      })
      const peer = yield* Peer.make({ tripPolicy: Peer.consecutive(1), openDuration: openFor })
      const sides: ReadonlyArray<Run> = [ours.protect, peer.execute({ key: "k" })]
      yield* Effect.forEach(sides, (run) => Effect.exit(run(Effect.fail(new Down(0)))))
      yield* TestClock.adjust(openFor)
      yield* Effect.forEach(sides, (run) => Effect.forkChild(run(Effect.never), { startImmediately: true }))
      yield* TestClock.adjust("1 hour")
      const exits = yield* Effect.forEach(sides, (run) => Effect.exit(run(Effect.void)))
      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false])
    }).pipe(inMemory, Effect.scoped))
})
