/** Hedged streams: the first token wins, and whoever lost is hung up on. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { Hedge, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { events, make, status, stream } = ScriptedEndpoint

const slow = stream(["late ", "answer"], { between: "10 seconds" })
const quick = stream(["quick ", "answer"], { between: "1 second" })

/** Both in one tier; whoever is asked first has the first script. */
const over = (first: ScriptedEndpoint.Step, second: ScriptedEndpoint.Step, options?: Trial.Options) =>
  Trial.over([make("a", [first]), make("b", [second])], {
    retry: Retry.none,
    hedge: { delay: "2 seconds" },
    balance: (candidates) => candidates.find(({ mayBeAsked }) => mayBeAsked),
    ...options
  })

const atRest = Effect.gen(function*() {
  for (const { bulkhead, id, inFlight } of yield* Effect.flatMap(Trial.relay, ({ status }) => status)) {
    assert.deepStrictEqual([id, inFlight, bulkhead.running], [id, 0, 0])
  }
})

describe("a hedged stream", () => {
  it.effect("is that of the first token: the other request is hung up on, and says nothing of its endpoint", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass("2 seconds")
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start b", "quick "])
      const [{ cancelled }] = yield* Trial.received("a")
      assert.isTrue(cancelled)
      assert.strictEqual((yield* Trial.status("a")).inFlight, 0)
      assert.strictEqual((yield* Trial.status("b")).inFlight, 1)
      yield* Trial.pass("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start b", "quick ", "answer", "Finish"])
      const { failed, latency } = yield* Trial.status("a")
      assert.deepStrictEqual([failed, latency], [0, 0])
      yield* atRest
    }).pipe(Effect.provide(over(slow, quick))))

  it.effect("is that of one, if both begin to speak at once", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass("1 minute")
      yield* Fiber.join(fiber)
      const [first] = chunks
      assert.strictEqual(first?._tag, "Start")
      const winner = first?._tag === "Start" ? first.endpoint : ""
      assert.deepStrictEqual(Hearing.brief({ chunks }), [`Start ${winner}`, winner, winner, "Finish"])
      yield* atRest
    }).pipe(Effect.provide(over(
      stream(["a", "a"], { between: "3 seconds" }),
      stream(["b", "b"], { between: "1 second" })
    ))))

  it.effect("goes on with the first, if that comes before the copy says anything", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start a", "late ", "answer", "Finish"])
      const { meta } = Hearing.finishOf({ chunks, exit: yield* Fiber.await(fiber) })
      assert.deepStrictEqual(meta.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
        ["b", "Interrupted"],
        ["a", "Success"]
      ])
      yield* atRest
    }).pipe(Effect.provide(over(slow, stream(["never"], { between: "1 hour" })))))

  it.effect("needs no copy when the first token is in time, however long the rest takes", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin()
      yield* Trial.pass("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 0])
    }).pipe(Effect.provide(over(stream(Array.from({ length: 30 }, () => "x"), { between: "1 second" }), quick))))

  it.effect("needs no copy when the caller wants none", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin({ hedge: false })
      yield* Trial.pass("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 0])
    }).pipe(Effect.provide(over(slow, quick))))

  it.effect("keeps to the winner of the race, though nothing of it has come out", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin({ commit: "whole" })
      yield* Trial.pass("3 seconds")
      const [{ cancelled }] = yield* Trial.received("a")
      assert.deepStrictEqual([cancelled, chunks], [true, []])
      yield* Trial.pass("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start b", "quick answer", "Finish"])
    }).pipe(Effect.provide(over(slow, quick))))

  it.effect("is answered elsewhere when both copies fail before their first token", () =>
    Effect.gen(function*() {
      const { chunks, fiber } = yield* Hearing.begin()
      yield* Trial.pass("10 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(Hearing.brief({ chunks }), ["Start c", "quick ", "answer", "Finish"])
      yield* atRest
    }).pipe(Effect.provide(Trial.over([
      make("a", [events([{ wait: "5 seconds" }, { fault: "reset" }])]),
      make("b", [status(503, { delay: "1 second" })]),
      make("c", [quick], { tier: 1 })
    ], { retry: Retry.none, hedge: { delay: "2 seconds" }, balance: ([a, b]) => a?.mayBeAsked === true ? a : b }))))

  it.effect("fails with its winner, after the commit point", () =>
    Effect.gen(function*() {
      const { fiber } = yield* Hearing.begin()
      yield* Trial.pass("1 minute")
      assert.deepInclude(Hearing.interruptionOf({ exit: yield* Fiber.await(fiber) }), { endpoint: "b", text: "quick " })
      yield* atRest
    }).pipe(Effect.provide(over(slow, stream(["quick "], { between: "1 second", end: "reset" })))))

  it.effect("goes on at whoever lost the race, when the winner breaks off: to lose is not to fail", () =>
    Effect.gen(function*() {
      for (const options of [{ afterCommit: "restart" }, { commit: "whole" }] as const) {
        const { chunks, fiber } = yield* Hearing.begin(options)
        yield* Trial.pass("1 minute")
        const { meta } = Hearing.finishOf({ chunks, exit: yield* Fiber.await(fiber) })
        assert.strictEqual(Hearing.textOf(chunks), "late answer")
        assert.deepStrictEqual(meta.attempts.map(({ endpoint, outcome }) => [endpoint, outcome]), [
          ["a", "Interrupted"],
          ["b", "InvalidResponse"],
          ["a", "Success"]
        ])
        yield* atRest
      }
    }).pipe(Effect.provide(over(slow, stream(["quick "], { between: "1 second", end: "reset" })))))

  it.effect("holds nothing once it is interrupted, whenever that is", () =>
    Effect.gen(function*() {
      for (let millis = 0; millis <= 4500; millis += 250) {
        const { fiber } = yield* Hearing.begin()
        yield* Trial.pass(Duration.millis(millis))
        yield* Fiber.interrupt(fiber)
        yield* atRest
      }
      for (const id of ["a", "b"]) assert.deepInclude(yield* Trial.status(id), { failed: 0 })
    }).pipe(Effect.provide(over(slow, quick))))

  it.effect("learns its delay from first tokens alone, apart from whole answers", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 25; call++) {
        const fiber = yield* Trial.start(Trial.chat())
        yield* Trial.pass("800 millis")
        yield* Fiber.join(fiber)
      }
      yield* Trial.play("a", stream(["x", "x", "x", "x"], { between: "100 millis" }))
      for (let call = 0; call < 25; call++) {
        const { fiber } = yield* Hearing.begin()
        yield* Trial.pass("400 millis")
        yield* Fiber.join(fiber)
      }
      yield* Trial.play("a", slow)
      const { fiber } = yield* Hearing.begin()
      yield* Trial.pass("95 millis")
      assert.strictEqual(yield* Trial.count("b"), 0)
      yield* Trial.pass("10 millis")
      assert.strictEqual(yield* Trial.count("b"), 1)
      yield* Fiber.interrupt(fiber)
      yield* atRest
    }).pipe(Effect.provide(over(ScriptedEndpoint.answer("x", { delay: "800 millis" }), quick, {
      hedge: { delay: Hedge.quantile(0.9), burst: 2 }
    }))))
})
