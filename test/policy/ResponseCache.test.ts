import { assert, describe, it } from "@effect/vitest"
import { Clock, Data, Deferred, Effect, Exit, Fiber } from "effect"
import { ResponseCache } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

class Down extends Data.TaggedError("Down")<{}> {}

const question = { tenant: "acme", request: { model: "m", messages: [{ role: "user", content: "hi" }] } }

/** Counts how often it was asked. */
const counter = (millis = 0) => {
  const asks = { begun: 0, done: 0, stopped: 0 }
  const ask = Effect.suspend(() => {
    const n = ++asks.begun
    return Effect.as(Effect.sleep(millis), { n })
  }).pipe(Effect.onExit((exit) => Effect.sync(() => Exit.isSuccess(exit) ? asks.done++ : asks.stopped++)))
  return { asks, ask }
}

/** The clock of the test, but for a wall clock that is off by so much. */
const wallClockOff = (millis: number) =>
  Effect.updateService(Clock.Clock, (clock) => ({
    ...clock,
    currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + millis,
    currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis)
  }))

describe("ResponseCache", () => {
  it.effect("asks once for a thousand who ask the same at the same time", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const { ask, asks } = counter(100)
      const fibers = yield* Effect.forEach(
        Array.from({ length: 1000 }),
        () => Effect.forkChild(cache.through(question, ask), { startImmediately: true })
      )
      yield* TestClock.adjust(100)
      const answers = yield* Fiber.joinAll(fibers)
      assert.strictEqual(asks.begun, 1)
      assert.strictEqual(answers.filter(({ hit }) => !hit).length, 1)
      assert.isTrue(answers.every(({ value }) => value === answers[0]!.value))
      assert.deepInclude(yield* cache.state, { entries: 1, capacity: 1000, hits: 0, coalesced: 999, misses: 1 })
    }))

  it.effect.prop(
    "has one call under way, and an answer for all but the interrupted, whoever is interrupted when",
    [Crowd.callers(20, 40)],
    ([callers]) =>
      Effect.gen(function*() {
        const cache = yield* ResponseCache.make({ timeToLive: "1 day" })
        let done = 0
        const account = yield* Crowd.admit(callers, (work) =>
          cache.through(question, Effect.tap(work, () => Effect.sync(() => done++))))
        assert.isAtMost(account.peak, 1)
        assert.isAtMost(done, 1)
        const hasty = account.visits.filter(({ outcome }) =>
          outcome === "Interrupted"
        ).length
        const answered = account.visits.filter(({ outcome }) => outcome === "Success").length
        assert.strictEqual(hasty + answered, callers.length)
        assert.isAtMost(
          account.served.length - done,
          hasty,
          "a call is stopped only when all who wait for it have gone"
        )
      }),
    Law.check(150)
  )

  it.effect("lets one caller go without disturbing the others, and stops the call with the last", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const { ask, asks } = counter(100)
      const fibers = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(cache.through(question, ask), { startImmediately: true })
      )
      yield* TestClock.adjust(50)
      yield* Fiber.interrupt(fibers[0]!)
      yield* Fiber.interrupt(fibers[2]!)
      assert.deepStrictEqual(asks, { begun: 1, done: 0, stopped: 0 })
      yield* Fiber.interrupt(fibers[1]!)
      assert.deepStrictEqual(asks, { begun: 1, done: 0, stopped: 1 })
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* cache.state).entries, 0)
    }))

  it.effect("loses no answer, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(
      Effect.map(ResponseCache.make(), (cache) => {
        const asks = { begun: 0, done: 0, stopped: 0 }
        return {
          protect: (work) =>
            Effect.suspend(() => {
              asks.begun++
              return Effect.onExit(
                work,
                (exit) => Effect.sync(() => Exit.isSuccess(exit) ? asks.done++ : asks.stopped++)
              )
            }).pipe((ask) => cache.through(question, ask), Effect.asVoid),
          check: (fibers, victim) =>
            Effect.sync(() => {
              const others = fibers.filter((_, caller) => caller !== victim)
              assert.isTrue(others.every((fiber) => Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt())))
              assert.strictEqual(asks.begun, asks.done + asks.stopped)
              assert.strictEqual(asks.done, 1)
            })
        }
      })
    ))

  it.effect("keeps no failure: those who waited for it share it, who comes after asks again", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const gate = yield* Deferred.make<never, Down>()
      let asked = 0
      const call = cache.through(question, Effect.suspend(() => (asked++, Deferred.await(gate))))
      const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(call, { startImmediately: true }))
      yield* Deferred.fail(gate, new Down())
      for (const fiber of fibers) assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "Down")
      assert.strictEqual(asked, 1)
      const { value } = yield* cache.through(question, Effect.succeed("up"))
      assert.strictEqual(value, "up")
    }))

  it.effect("answers for as long as an answer is good, and then asks again, once for all", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute" })
      const { ask, asks } = counter()
      yield* cache.through(question, ask)
      yield* TestClock.adjust(59_999)
      assert.isTrue((yield* cache.through(question, ask)).hit)
      yield* TestClock.adjust(2)
      const answers = yield* Effect.all([1, 2, 3].map(() => cache.through(question, ask)), { concurrency: 3 })
      assert.deepStrictEqual([asks.begun, ...answers.map(({ value }) => value.n)], [2, 2, 2, 2])
    }))

  it.effect("takes no notice of a wall clock that is set back: an answer ages all the same", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(1e9)
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute" })
      const { ask, asks } = counter(10)
      const call = Effect.forkChild(cache.through(question, ask), { startImmediately: true })
      yield* call
      yield* TestClock.adjust(10)
      yield* TestClock.setTime(0)
      yield* TestClock.adjust(60_001)
      const fibers = [yield* call, yield* call, yield* call]
      yield* TestClock.adjust(10)
      const answers = yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(answers.map(({ value }) => value.n), [2, 2, 2])
      assert.strictEqual(asks.begun, 2)
    }))

  it.effect("takes no notice of a wall clock that is set forward: an answer ages no faster", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ timeToLive: "1 minute" })
      const { ask } = counter()
      yield* cache.through(question, ask)
      const { hit } = yield* cache.through(question, ask).pipe(wallClockOff(86_400_000))
      assert.isTrue(hit)
    }))

  it.effect("asks once even when more questions are under way than it can keep answers", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ capacity: 1 })
      const { ask, asks } = counter(100)
      const other = { ...question, tenant: "other" }
      for (const asked of [question, other, question]) {
        yield* Effect.forkChild(cache.through(asked, ask), { startImmediately: true })
      }
      yield* TestClock.adjust(100)
      assert.strictEqual(asks.begun, 2)
    }))

  it.effect("keeps no more answers than it may", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make({ capacity: 3 })
      for (let request = 0; request < 50; request++) {
        yield* cache.through({ tenant: "a", request }, Effect.succeed(request))
      }
      assert.strictEqual((yield* cache.state).entries, 3)
      yield* cache.clear
      assert.strictEqual((yield* cache.state).entries, 0)
    }))

  it.effect("never gives one tenant what another asked, and does not care for the order of keys", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const ask = (tenant: string, request: unknown) => cache.through({ tenant, request }, Effect.succeed(tenant))
      yield* ask("a", { x: 1, y: { z: [1, 2], w: null } })
      const hits = yield* Effect.forEach([
        ask("a", { y: { w: null, z: [1, 2] }, x: 1, absent: undefined }),
        ask("b", { x: 1, y: { z: [1, 2], w: null } }),
        ask("a", { x: 1, y: { z: [2, 1], w: null } }),
        ask("a", { x: 1, y: { z: [1, 2] } }),
        ask(`a",{"x":1`, {})
      ], Effect.map(({ hit }) => hit))
      assert.deepStrictEqual(hits, [true, false, false, false, false])
    }))

  it.effect("hands out what nobody can change", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const ask = cache.through(question, Effect.sync(() => ({ choices: [{ text: "hi" }] })))
      const { value } = yield* ask
      assert.throws(() => value.choices.push({ text: "spam" }), TypeError)
      assert.throws(() => (value.choices[0]!.text = "spam"), TypeError)
      assert.deepStrictEqual((yield* ask).value, { choices: [{ text: "hi" }] })
    }))

  it.effect("hands out what nobody can change also where the outside was frozen before", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const { value } = yield* cache.through(question, Effect.sync(() => Object.freeze({ choices: [{ text: "hi" }] })))
      assert.throws(() => (value.choices[0]!.text = "spam"), TypeError)
    }))

  it.effect("refuses a question that JSON cannot ask, and says where in the request", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const { ask, asks } = counter()
      const refusal = yield* Effect.flip(cache.through({ tenant: "a", request: { top: { p: NaN } } }, ask))
      assert.strictEqual(refusal._tag, "Uncacheable")
      assert.strictEqual(refusal.path, "request.top.p")
      assert.strictEqual(refusal.message, "no cache key for this request: at request.top.p, NaN is not a JSON number")
      const nothing = yield* Effect.flip(cache.through({ tenant: "a", request: NaN }, ask))
      assert.strictEqual(nothing.message, "no cache key for this request: at request, NaN is not a JSON number")
      assert.strictEqual(asks.begun, 0)
    }))
})
