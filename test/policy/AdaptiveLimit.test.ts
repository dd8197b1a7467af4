import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Clock, Effect, Exit, Fiber } from "effect"
import { Bulkhead, Failure, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Aimd from "../../src/machine/Aimd.ts"
import * as ConcurrencyLimit from "../../src/machine/ConcurrencyLimit.ts"
import * as Gradient2 from "../../src/machine/Gradient2.ts"
import * as Vegas from "../../src/machine/Vegas.ts"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

const busy = { _tag: "EndpointUnavailable" } as const
const rule: Aimd.Rule = { min: 1, max: 20, backoff: 0.5, timeout: 15 }
const options = {
  maxConcurrent: 4,
  maxWait: "1 minute",
  adaptive: Bulkhead.aimd({ ...rule })
} satisfies Bulkhead.Options

interface Caller extends Crowd.Caller {
  readonly ending: "Success" | "Drop" | "Failure" | "Defect"
}

const cases: Arbitrary.Arbitrary<ReadonlyArray<Caller>> = Law.list(
  Arbitrary.all({
    arrives: Law.int(0, 100),
    works: Law.oneOf(1, 5, 10, 20),
    patience: Arbitrary.map(Law.oneOf(0, 0, 0, 3, 10, 25), (millis) => millis === 0 ? undefined : millis),
    ending: Law.oneOf("Success", "Success", "Success", "Drop", "Failure", "Defect")
  }),
  40
)

/** The reference: the machine alone, fed with every call that ended and was neither cancelled nor failed in another way. */
const learnsFrom = (counts: (outcome: string) => boolean) => (callers: ReadonlyArray<Caller>): Effect.Effect<void> =>
  Effect.gen(function*() {
    const bulkhead = yield* Effect.orDie(Bulkhead.make(options))
    const account = yield* Crowd.admit(
      callers,
      (work, { ending }) => {
        if (ending === "Success") return bulkhead.protect(work)
        const failure = ending === "Defect"
          ? Effect.die("broken")
          : Effect.fail(ending === "Drop" ? busy : { _tag: "RequestRejected" } as const)
        return bulkhead.protect(Effect.andThen(work, failure))
      },
      (inside) => {
        const { queued, running } = bulkhead.snapshotUnsafe()
        assert.strictEqual(running + queued, inside, "what was held is back before the interrupt returns")
      }
    )
    const state = Aimd.make(options.maxConcurrent)
    const startedAt = new Map<number, number>()
    for (const { at, what, who } of account.events) {
      if (what === "Starts") {
        startedAt.set(who, at)
        assert.isAtMost(startedAt.size, ConcurrencyLimit.whole(state), "no more run than the limit that was learned")
      } else if (what === "Ends") {
        const { outcome } = account.visits[who]!
        const sample = {
          rtt: at - startedAt.get(who)!,
          inFlight: startedAt.size,
          isDropped: outcome === "EndpointUnavailable"
        }
        startedAt.delete(who)
        if (counts(outcome)) Aimd.observe(state, sample, at, rule)
      }
    }
    assert.include(bulkhead.snapshotUnsafe(), {
      limit: ConcurrencyLimit.whole(state),
      running: 0,
      weight: 0,
      queued: 0
    })
  })

describe("a bulkhead with an adaptive limit", () => {
  const counts = (outcome: string) => outcome === "Success" || outcome === "EndpointUnavailable"

  it.effect.prop(
    "learns from each success and each drop, and from nothing that was cancelled or failed otherwise",
    [cases],
    ([callers]) => learnsFrom(counts)(callers),
    Law.check(200)
  )

  const broken: ReadonlyArray<readonly [string, (outcome: string) => boolean]> = [
    ["from calls that were cancelled", (outcome) => counts(outcome) || outcome === "Interrupted"],
    ["from failures of every kind", (outcome) => counts(outcome) || outcome === "RequestRejected"],
    ["from defects", (outcome) => counts(outcome) || outcome === "Defect"],
    ["from successes alone", (outcome) => outcome === "Success"]
  ]
  it.effect.each(broken)(
    "is told from one that learns %s",
    ([, counts]) => Law.isBrokenEffect(cases, learnsFrom(counts))
  )

  it.effect("serves those who wait as soon as the limit has grown", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ ...options, maxConcurrent: 1 })
      const calls = yield* Effect.forEach(
        [10, 10, 1000, 1000],
        (millis) => Effect.forkChild(bulkhead.protect(Effect.sleep(millis)), { startImmediately: true })
      )
      yield* TestClock.adjust("10 millis")
      assert.include(yield* bulkhead.state, { limit: 2, running: 2, queued: 1, maxConcurrent: 1 })
      yield* Fiber.interruptAll(calls)
    }))

  it.effect("knows by the slots in use, not by the calls, whether the limit has been tried", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ ...options, maxConcurrent: 6 })
      for (let n = 0; n < 7; n++) yield* bulkhead.protectWith({ weight: 2 })(Effect.void)
      assert.include(yield* bulkhead.state, { limit: 6 })
      for (let n = 0; n < 7; n++) yield* bulkhead.protectWith({ weight: 3 })(Effect.void)
      assert.include(yield* bulkhead.state, { limit: 7 })
    }))

  it.effect("runs a call alone that weighs more than the limit has come to be", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ ...options, maxQueued: 0 })
      for (let n = 0; n < 3; n++) {
        yield* TestClock.adjust("1 second")
        yield* Effect.ignore(bulkhead.protect(Effect.fail(busy)))
      }
      assert.include(yield* bulkhead.state, { limit: 1 })
      yield* bulkhead.protectWith({ weight: 20 })(Effect.void)
      const { rule } = yield* Effect.flip(bulkhead.protectWith({ weight: 21 })(Effect.void)).pipe(
        Effect.filterOrFail((failure) => failure._tag === "InvalidArgument")
      )
      assert.include(rule, "20")
    }))

  it.effect("forgets on reset, and goes on from where it is resized to", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make(options)
      yield* TestClock.adjust("1 second")
      yield* Effect.ignore(bulkhead.protect(Effect.fail(busy)))
      const calls = yield* Effect.forEach([1, 2, 3], () =>
        Effect.forkChild(bulkhead.protect(Effect.never), { startImmediately: true }))
      assert.include(yield* bulkhead.state, { limit: 2, maxConcurrent: 4, running: 2, queued: 1 })
      yield* bulkhead.reset
      assert.include(yield* bulkhead.state, { limit: 4, maxConcurrent: 4, running: 3, queued: 0 })
      yield* Fiber.interruptAll(calls)
      yield* bulkhead.resize(10)
      yield* TestClock.adjust("1 second")
      yield* Effect.ignore(bulkhead.protect(Effect.fail(busy)))
      assert.include(yield* bulkhead.state, { limit: 5, maxConcurrent: 10 })
      for (const size of [0, 21, NaN]) {
        const refusal = yield* Effect.flip(bulkhead.resize(size))
        assert.include(refusal.message, "from adaptive.min to adaptive.max, 1 to 20")
      }
      assert.include(yield* bulkhead.state, { limit: 5, maxConcurrent: 10 })
    }))

  it.effect("learns nothing by a predicate that throws, and loses neither slot nor failure to it", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({
        maxConcurrent: 10,
        adaptive: Bulkhead.aimd({
          isDrop: () => {
            throw new Error("out of luck")
          }
        })
      })
      assert.strictEqual(yield* Effect.flip(bulkhead.protect(Effect.fail(busy))), busy)
      assert.include(yield* bulkhead.state, { running: 0, weight: 0, limit: 10 })
    }))

  it.effect("loses no slot, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(
      Effect.map(Bulkhead.make({ ...options, maxConcurrent: 1, maxQueued: 2 }), (bulkhead) => ({
        protect: bulkhead.protect,
        check: (fibers, victim) =>
          Effect.sync(() => {
            assert.include(bulkhead.snapshotUnsafe(), { running: 0, queued: 0 })
            const others = fibers.filter((_, caller) => caller !== victim)
            for (const fiber of others) assert.isTrue(Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt()))
          })
      }))
    ))

  it.effect.each<[string, Bulkhead.AdaptiveLimit]>([
    ["aimd", Bulkhead.aimd()],
    ["vegas", Bulkhead.vegas()],
    ["gradient2", Bulkhead.gradient2({ window: "1 second" })]
  ])("shrinks at drops, by %s", ([, adaptive]) =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 50, adaptive })
      for (let n = 0; n < 5; n++) {
        yield* TestClock.adjust("2 seconds")
        yield* Effect.ignore(bulkhead.protect(Effect.fail(busy)))
      }
      assert.isBelow((yield* bulkhead.state).limit, 45)
      const before = yield* bulkhead.state
      for (let n = 0; n < 5; n++) {
        yield* TestClock.adjust("2 seconds")
        for (const work of [Effect.never, Effect.ensuring(Effect.never, Effect.fail(busy) as Effect.Effect<never>)]) {
          const call = yield* Effect.forkChild(bulkhead.protect(work), { startImmediately: true })
          yield* Fiber.interrupt(call)
        }
      }
      assert.deepStrictEqual(yield* bulkhead.state, before)
    }))
})

describe("each way to learn", () => {
  interface Machine {
    readonly limit: () => number
    readonly observe: (sample: ConcurrencyLimit.Sample, now: number) => void
  }
  const bounds = { min: 1, max: 100 }
  const machineOf = <Rule extends ConcurrencyLimit.Bounds, State extends ConcurrencyLimit.Learned>(
    machine: ConcurrencyLimit.ConcurrencyLimit<Rule, State>,
    rule: Rule
  ): Machine => {
    const state = machine.make(20)
    return {
      limit: () => ConcurrencyLimit.whole(state),
      observe: (sample, now) => machine.observe(state, sample, now, rule)
    }
  }

  it.effect.each<[string, Bulkhead.AdaptiveLimit, Machine]>([
    ["aimd", Bulkhead.aimd(bounds), machineOf(Aimd, { ...bounds, backoff: 0.9, timeout: Infinity })],
    ["vegas", Bulkhead.vegas(bounds), machineOf(Vegas, bounds)],
    ["gradient2", Bulkhead.gradient2(bounds), machineOf(Gradient2, { ...bounds, tolerance: 1.5, window: 1000 })]
  ])("goes by the machine of its name: %s", ([, adaptive, machine]) =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 20, adaptive })
      for (let round = 0; round < 40; round++) {
        const rtt = 50 + 40 * (round % 4)
        const { limit } = bulkhead.snapshotUnsafe()
        for (let n = 0; n < limit; n++) yield* Effect.forkChild(bulkhead.protect(Effect.sleep(rtt)))
        yield* Effect.yieldNow
        yield* TestClock.adjust(rtt)
        for (let inFlight = limit; inFlight > 0; inFlight--) {
          machine.observe({ rtt, inFlight, isDropped: false }, yield* Clock.currentTimeMillis)
        }
        assert.strictEqual(bulkhead.snapshotUnsafe().limit, machine.limit())
      }
      assert.notStrictEqual(machine.limit(), 20)
    }))
})

describe("what speaks of overload", () => {
  const limited = (source: "Limiter" | "Upstream") => new RateLimiter.RateLimited({ key: "a", source })
  it.each<[string, unknown, boolean]>([
    ["a service that asks to wait", limited("Upstream"), true],
    ["our own limiter", limited("Limiter"), false],
    ["a full bulkhead", { _tag: "BulkheadFull" }, true],
    ["an endpoint that is down", new Failure.EndpointUnavailable({ endpoint: "a", reason: "Status" }), true],
    ["a timeout", { _tag: "TimedOut" }, true],
    ["Effect's timeout", new Cause.TimeoutError(), true],
    ["a bad request", new Failure.RequestRejected({}), false],
    ["a text", "EndpointUnavailable", false],
    ["nothing", undefined, false],
    ["an error that throws when it is looked at", {
      get _tag() {
        throw new Error("do not look")
      }
    }, false]
  ])("%s", (_, error, expected) => {
    assert.strictEqual(Bulkhead.isOverload(error), expected)
  })
})

describe("the options of an adaptive limit", () => {
  it("are the usual ones where they are not given, or given as nothing", () => {
    const { aimd, gradient2, vegas } = Bulkhead
    for (const learn of [aimd, gradient2, vegas]) {
      assert.deepStrictEqual(learn({ min: undefined, max: undefined, isDrop: undefined }), learn())
    }
    assert.deepInclude(aimd({ min: 2, max: undefined }), { ...aimd(), min: 2 })
  })

  it.effect.each<readonly [Bulkhead.AdaptiveLimit, string]>([
    [Bulkhead.aimd({ isDrop: true as never }), "it has to be a function of the error"],
    [Bulkhead.aimd({ backoff: 0 }), "it has to be a number above 0 and below 1"],
    [Bulkhead.aimd({ backoff: 1 }), "it has to be a number above 0 and below 1"]
  ])("are refused with the rule they break: %o", ([adaptive, rule]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(Bulkhead.make({ adaptive }))).rule, rule)
    }))

  const refused: ReadonlyArray<readonly [field: string, options: Bulkhead.Options]> = [
    ["adaptive", { adaptive: "on" as never }],
    ["adaptive.min", { adaptive: Bulkhead.aimd({ min: 0 }) }],
    ["adaptive.min", { maxConcurrent: 5, adaptive: Bulkhead.aimd({ min: 10, max: 5 }) }],
    ["adaptive.max", { adaptive: Bulkhead.vegas({ max: NaN }) }],
    ["adaptive.backoff", { adaptive: Bulkhead.aimd({ backoff: 1 }) }],
    ["adaptive.timeout", { adaptive: Bulkhead.aimd({ timeout: 0 }) }],
    ["adaptive.tolerance", { adaptive: Bulkhead.gradient2({ tolerance: 0.5 }) }],
    ["adaptive.window", { adaptive: Bulkhead.gradient2({ window: "Infinity" }) }],
    ["adaptive.isDrop", { adaptive: Bulkhead.aimd({ isDrop: true as never }) }],
    ["adaptive.most", { adaptive: Bulkhead.aimd({ most: 5 } as never) }],
    ["maxConcurrent", { maxConcurrent: 300, adaptive: Bulkhead.aimd() }],
    ["maxConcurrent", { maxConcurrent: [50, 5], tier: 1, adaptive: Bulkhead.aimd({ min: 10 }) }]
  ]
  it.effect.each(refused)("are refused by name: %s", ([field, options]) =>
    Effect.gen(function*() {
      const refusal = yield* Effect.flip(Bulkhead.make(options))
      assert.strictEqual(refusal.field, field, refusal.message)
    }))
})
