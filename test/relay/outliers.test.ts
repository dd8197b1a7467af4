import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { CircuitBreaker } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const good = (id: string) => make(id, [answer(id, { delay: "1 second" })])
const slow = (id: string) => make(id, [answer(id, { delay: "8 seconds" })])

/** Answers two of three. */
const flaky = (id: string) =>
  make(id, Array.from({ length: 300 }, (_, call) => call % 3 === 2 ? status(500) : answer(id)) as never)

const patient: CircuitBreaker.Options = { tripPolicy: CircuitBreaker.consecutive(1000) }

// by turns, so that the bad ones get their part; own past is left out of it
const byTurns = {
  balance: "roundRobin",
  slowFactor: 1000,
  circuitBreaker: patient,
  bulkhead: { maxConcurrent: 100 }
} as const

/** Four calls a second for so many seconds. */
const traffic = Effect.fnUntraced(function*(seconds: number, model = "any") {
  for (let second = 0; second < seconds; second++) {
    for (let call = 0; call < 4; call++) {
      yield* Trial.start(Effect.exit(Trial.chat({}, { ...Trial.hi, model })))
    }
    yield* Trial.pass("1 second")
  }
})

const states = Effect.flatMap(
  Trial.relay,
  ({ status }) => Effect.map(status, (all) => Object.fromEntries(all.map(({ id, state }) => [id, state])))
)

/** How many each gets during some traffic. */
const during = Effect.fnUntraced(function*(seconds: number, ...ids: ReadonlyArray<string>) {
  const before = yield* Trial.counts(...ids)
  yield* traffic(seconds)
  const after = yield* Trial.counts(...ids)
  return after.map((count, index) => count - before[index]!)
})

describe("an endpoint that is far worse than its peers", () => {
  it.effect("is degraded when it answers far more slowly, and asked last: the others get its calls", () =>
    Effect.gen(function*() {
      yield* traffic(90)
      assert.deepStrictEqual(yield* states, { a: "Healthy", b: "Healthy", bad: "Degraded" })
      assert.deepStrictEqual(yield* during(10, "a", "b", "bad"), [20, 20, 0])
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], byTurns))))

  it.effect("is degraded when it fails far more often, though its circuit would not open", () =>
    Effect.gen(function*() {
      yield* traffic(60)
      assert.deepStrictEqual(yield* states, { a: "Healthy", b: "Healthy", bad: "Degraded" })
    }).pipe(Effect.provide(Trial.over([good("a"), flaky("bad"), good("b")], {
      ...byTurns,
      // a third of all is below what this asks for, and evidence never adds up
      circuitBreaker: { tripPolicy: CircuitBreaker.failureRate({ rate: 0.9, evidence: 1000 }) },
      outliers: { degradedFor: "10 minutes" }
    }))))

  it.effect("is asked again after a while, and stays away longer if it is still bad", () =>
    Effect.gen(function*() {
      const away: Array<number> = []
      let before = "Healthy"
      let since = 0
      for (let second = 0; second < 600 && away.length < 3; second++) {
        yield* traffic(1)
        const { state } = yield* Trial.status("bad")
        if (state !== before && state === "Degraded") since = second
        if (state !== before && state === "Healthy") away.push(second - since)
        before = state
      }
      assert.deepStrictEqual(away, [30, 60, 90])
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], byTurns))))

  it.effect("comes back for good when it is as good as the others again", () =>
    Effect.gen(function*() {
      yield* traffic(90)
      yield* Trial.play("bad", answer("good again", { delay: "1 second" }))
      yield* Trial.pass("2 minutes")
      yield* traffic(120)
      assert.deepStrictEqual(yield* states, { a: "Healthy", b: "Healthy", bad: "Healthy" })
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], byTurns))))

  it.effect("is still asked when nobody else answers", () =>
    Effect.gen(function*() {
      yield* traffic(90)
      yield* Trial.play("a", status(500))
      yield* Trial.play("b", status(500))
      assert.strictEqual((yield* Trial.whatever(Trial.chat())).meta.endpoint, "bad")
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], byTurns))))

  it.effect("is never one of more than half: some have to do the work", () =>
    Effect.gen(function*() {
      // one after the other becomes bad, as whoever is out is no measure for the rest
      yield* traffic(60)
      for (const id of ["b", "c", "d"]) {
        yield* Trial.play(id, answer("late", { delay: "40 seconds" }))
        yield* traffic(90)
        const degraded = Object.values(yield* states).filter((state) => state === "Degraded")
        assert.isAtMost(degraded.length, 2)
      }
    }).pipe(Effect.provide(Trial.over(
      ["a", "b", "c", "d"].map(good),
      { ...byTurns, attemptTimeout: "2 minutes", bulkhead: { maxConcurrent: 1000 } }
    ))))

  it.effect("counts as healthy while too few of the others can be used", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* traffic(90)
      yield* endpoints.isolate("a")
      assert.deepInclude(yield* states, { bad: "Healthy", b: "Healthy" })
      assert.isAbove((yield* during(10, "bad"))[0]!, 5)
      yield* endpoints.reset("a")
      assert.deepInclude(yield* states, { bad: "Degraded" })
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], {
      ...byTurns,
      outliers: { degradedFor: "10 minutes", panicBelow: 0.6 }
    }))))

  it.effect("is known as what it is before the first call, too", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("a")
      yield* endpoints.reset("a")
      assert.deepStrictEqual(yield* states, { a: "Healthy", b: "Healthy" })
    }).pipe(Effect.provide(Trial.over([good("a"), good("b")]))))

  it.effect("is left alone when outliers are off", () =>
    Effect.gen(function*() {
      yield* traffic(120)
      assert.deepStrictEqual(yield* states, { a: "Healthy", b: "Healthy", bad: "Healthy" })
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], { ...byTurns, outliers: "off" }))))

  it.effect("is left alone where it has no peers: of another tier, or alone", () =>
    Effect.gen(function*() {
      yield* traffic(120)
      assert.deepStrictEqual(yield* states, { a: "Healthy", bad: "Healthy" })
    }).pipe(Effect.provide(Trial.over([slow("bad"), { ...good("a"), endpoint: { ...good("a").endpoint, tier: 1 } }], {
      ...byTurns
    }))))

  it.effect("is not one that serves a slower model than they do", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 12; round++) {
        yield* traffic(10, "small")
        yield* traffic(10, "large")
      }
      assert.deepStrictEqual(yield* states, { a: "Healthy", b: "Healthy", large: "Healthy" })
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("a", { delay: "1 second" })], { models: ["small"] }),
      make("b", [answer("b", { delay: "1 second" })], { models: ["small"] }),
      make("large", [answer("l", { delay: "9 seconds" })], { models: ["large"] })
    ], byTurns))))

  it.effect("takes what is known of it along when the set changes, and none of it when it is replaced", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* traffic(90)
      yield* endpoints.remove("b")
      yield* traffic(1)
      assert.strictEqual((yield* Trial.status("bad")).state, "Degraded")
      yield* endpoints.replace(slow("bad").endpoint)
      assert.strictEqual((yield* Trial.status("bad")).state, "Degraded", "described as it was, it is no other")
      yield* endpoints.replace({ ...slow("bad").endpoint, headers: { "x-revision": "2" } })
      assert.strictEqual((yield* Trial.status("bad")).state, "Healthy")
      yield* traffic(1)
      assert.strictEqual((yield* Trial.status("bad")).state, "Healthy")
    }).pipe(Effect.provide(Trial.over([good("a"), slow("bad"), good("b")], {
      ...byTurns,
      outliers: { degradedFor: "10 minutes" }
    }))))
})

describe("an endpoint that gets worse than its own past", () => {
  it.effect("is degraded when its answers come slowly, and opens when they go on to, though all are answers", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 40; call++) yield* Trial.whatever(Trial.chat())
      yield* Trial.play("only", answer("late", { delay: "10 seconds" }))
      const seen: Array<string> = []
      for (let call = 0; call < 20; call++) {
        yield* Trial.whatever(Effect.exit(Trial.chat({ deadline: "11 seconds" })))
        const { state } = yield* Trial.status("only")
        if (seen.at(-1) !== state) seen.push(state)
      }
      assert.deepStrictEqual(seen.slice(0, 3), ["Healthy", "Degraded", "Open"])
    }).pipe(
      Effect.provide(Trial.over([make("only", [answer("Hello.", { delay: "1 second" })])])),
      Random.withSeed("past")
    ))
})
