import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { CircuitBreaker } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const quick = (id: string) => make(id, [answer(id, { delay: "1 second" })])

const roomy = { bulkhead: { maxConcurrent: 1000 } }

/** The share of `id` in so many calls at once. */
const share = Effect.fnUntraced(function*(id: string, calls = 40) {
  const before = yield* Trial.count(id)
  for (let call = 0; call < calls; call++) yield* Trial.start(Trial.chat())
  const after = yield* Trial.count(id)
  yield* Trial.pass("1 second")
  return (after - before) / calls
})

/** Eight calls a second, for so long: enough that nobody's latency is forgotten. */
const traffic = Effect.fnUntraced(function*(seconds: number) {
  for (let second = 0; second < seconds; second++) yield* share("a", 8)
})

const b = quick("b")

/** A relay over `a`, warm, that `b` has just joined. */
const joined = (options: Trial.Options) => <A, E>(self: Effect.Effect<A, E, Trial.Services>) =>
  Effect.gen(function*() {
    const { endpoints } = yield* Trial.relay
    yield* endpoints.remove("b")
    yield* traffic(40)
    yield* endpoints.add(b.endpoint)
    return yield* self
  }).pipe(Effect.provide(Trial.over([quick("a"), b], options)), Random.withSeed("slow start"))

describe("slow start", () => {
  it.effect("gives a new endpoint a tenth at first, more as it warms up, and then its share", () =>
    Effect.gen(function*() {
      // the first call is free, and a tenth of a's load is an eleventh of all
      const first = yield* share("b")
      assert.isAtMost(first, 0.13)
      assert.isAbove(first, 0)
      yield* traffic(14)
      assert.closeTo(yield* share("b"), 1 / 3, 0.08)
      yield* traffic(14)
      assert.closeTo(yield* share("b"), 1 / 2, 0.06)
    }).pipe(joined(roomy)))

  it.effect("is over at once where it takes no time", () =>
    Effect.gen(function*() {
      assert.closeTo(yield* share("b"), 1 / 2, 0.06)
    }).pipe(joined({ ...roomy, slowStart: 0 })))

  it.effect("counts for weights as well", () =>
    Effect.gen(function*() {
      assert.closeTo(yield* share("b", 300), 1 / 11, 0.05)
      yield* Trial.pass("30 seconds")
      assert.closeTo(yield* share("b", 300), 1 / 2, 0.08)
    }).pipe(joined({ ...roomy, balance: "weighted" })))

  it.effect("begins again for an endpoint whose circuit was open and closes", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* traffic(40)
      assert.closeTo(yield* share("b"), 1 / 2, 0.06)
      yield* endpoints.isolate("b")
      yield* traffic(10)
      yield* endpoints.reset("b")
      // what it took is half forgotten: a fifth of a's load
      const first = yield* share("b")
      assert.isAtMost(first, 0.2)
      assert.isAbove(first, 0)
      yield* traffic(40)
      assert.closeTo(yield* share("b"), 1 / 2, 0.06)
    }).pipe(Effect.provide(Trial.over([quick("a"), quick("b")], roomy)), Random.withSeed("slow start")))

  it.effect("does not begin again for one whose circuit only would have opened", () =>
    Effect.gen(function*() {
      const breaker = (yield* CircuitBreaker.CircuitBreaker).at("b")
      yield* Trial.play("b", status(500), status(500), status(500), answer("b", { delay: "1 second" }))
      yield* traffic(60)
      assert.strictEqual((yield* breaker.state).openings, 1)
      yield* Trial.pass("1 minute")
      yield* breaker.reset
      assert.closeTo(yield* share("b", 300), 1 / 2, 0.08)
    }).pipe(
      Effect.provide(Trial.over([quick("a"), quick("b")], {
        ...roomy,
        balance: "weighted",
        circuitBreaker: { mode: "observe", tripPolicy: CircuitBreaker.consecutive(2), openFor: "10 minutes" }
      })),
      Random.withSeed("slow start")
    ))

  const worse: ReadonlyArray<readonly [string, ScriptedEndpoint.Step]> = [
    ["being slow", answer("b", { delay: "9 seconds" })],
    ["failing", status(500)]
  ]
  it.effect.each(worse)("begins again for one that is no longer degraded for %s", ([, step]) =>
    Effect.gen(function*() {
      yield* Trial.play("b", step)
      for (let second = 0; second < 300 && (yield* Trial.status("b")).state !== "Degraded"; second++) yield* traffic(1)
      yield* Trial.play("b", answer("b", { delay: "1 second" }))
      assert.strictEqual(yield* share("b"), 0)
      yield* Trial.pass("30 seconds")
      assert.strictEqual((yield* Trial.status("b")).state, "Healthy")
      assert.closeTo(yield* share("b", 300), 1 / 11, 0.05)
    }).pipe(
      Effect.provide(Trial.over([quick("a"), quick("b")], {
        ...roomy,
        balance: "weighted",
        // worse than its peers, and not than its own past
        slowFactor: 1000,
        circuitBreaker: { mode: "off" }
      })),
      Random.withSeed("slow start")
    ))

  it.effect("holds nobody back where all are new", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 40; call++) yield* Trial.start(Trial.chat())
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [20, 20])
    }).pipe(Effect.provide(Trial.over([quick("a"), quick("b")], roomy))))

  it.effect("gives a new endpoint its first call even where calls are few", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 4; call++) yield* Trial.whatever(Trial.chat())
      assert.isAbove(yield* Trial.count("b"), 0)
    }).pipe(joined(roomy)))
})

describe("exploring", () => {
  const oneByOne = Effect.fnUntraced(function*(seconds: number) {
    for (let second = 0; second < seconds; second += 5) {
      yield* Trial.whatever(Trial.chat())
      yield* Trial.pass("5 seconds")
    }
  })

  it.effect("an endpoint that was slow is tried again, rarely, though a faster one is always free", () =>
    Effect.gen(function*() {
      yield* oneByOne(600)
      const settled = yield* Trial.count("slow")
      yield* oneByOne(1200)
      const tries = (yield* Trial.count("slow")) - settled
      assert.isAtLeast(tries, 5)
      assert.isAtMost(tries, 40)
    }).pipe(
      Effect.provide(Trial.over([
        make("fast", [answer("fast", { delay: "200 millis" })]),
        make("slow", [answer("slow", { delay: "900 millis" })])
      ])),
      Random.withSeed("exploring")
    ))

  it.effect("one that was slow for long, and is fast now, gets calls again", () =>
    Effect.gen(function*() {
      yield* oneByOne(600)
      yield* Trial.play("slow", answer("fast now", { delay: "50 millis" }))
      yield* oneByOne(600)
      const before = yield* Trial.counts("fast", "slow")
      yield* oneByOne(300)
      const [fast, slow] = (yield* Trial.counts("fast", "slow")).map((count, index) => count - before[index]!)
      assert.isAbove(slow!, 5 * fast!)
    }).pipe(
      Effect.provide(Trial.over([
        make("fast", [answer("fast", { delay: "200 millis" })]),
        make("slow", [answer("slow", { delay: "900 millis" })])
      ])),
      Random.withSeed("exploring")
    ))

  it.effect("one that never answered is taken for one that takes a second at most, however slow its tier", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("b")
      for (let call = 0; call < 30; call++) yield* Trial.whatever(Trial.chat())
      yield* endpoints.add(b.endpoint)
      assert.strictEqual((yield* Trial.chat().pipe(Trial.whatever)).meta.endpoint, "b")
    }).pipe(
      Effect.provide(Trial.over([make("a", [answer("a", { delay: "20 seconds" })]), b], { slowStart: 0 })),
      Random.withSeed("exploring 3")
    ))

  it.effect("one that was punished for failing is tried again when that has faded", () =>
    Effect.gen(function*() {
      yield* Trial.play("b", status(500), answer("b", { delay: "1 second" }))
      for (let call = 0; call < 4; call++) yield* Trial.whatever(Trial.chat())
      const before = yield* Trial.count("b")
      yield* oneByOne(120)
      assert.isAbove(yield* Trial.count("b"), before)
    }).pipe(Effect.provide(Trial.over([quick("a"), quick("b")])), Random.withSeed("exploring")))
})

describe("a hundred calls at once", () => {
  const ids = Array.from({ length: 10 }, (_, index) => `endpoint-${index}`)

  it.effect("do not all go to the fastest while none has answered", () =>
    Effect.gen(function*() {
      for (let second = 0; second < 60; second++) {
        for (let call = 0; call < 10; call++) yield* Trial.start(Trial.chat())
        yield* Trial.pass("2 seconds")
      }
      const before = yield* Trial.counts(...ids)
      for (let call = 0; call < 100; call++) yield* Trial.start(Trial.chat())
      const counts = (yield* Trial.counts(...ids)).map((count, index) => count - before[index]!)
      assert.strictEqual(counts.reduce((sum, count) => sum + count), 100)
      assert.strictEqual(counts[0], Math.max(...counts), "the fastest gets most")
      assert.isBelow(counts[0]!, 35)
      assert.isAtLeast(Math.min(...counts), 2)
    }).pipe(
      Effect.provide(Trial.over(
        ids.map((id, index) => make(id, [answer(id, { delay: index === 0 ? "200 millis" : "600 millis" })])),
        roomy
      )),
      Random.withSeed("a hundred")
    ))
})
