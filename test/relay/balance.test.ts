import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Random } from "effect"
import { Balance, CircuitBreaker, type Endpoint, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

const ids = ["a", "b", "c", "d"]

const each = (options?: (id: string) => Omit<Endpoint.Options, "id" | "baseUrl">, among = ids) =>
  among.map((id) => make(id, [answer(id, { delay: "1 second" })], options?.(id)))

const roomy = { bulkhead: { maxConcurrent: 10_000 } }

/** So many calls at once, and how many went to each. */
const shares = Effect.fnUntraced(function*(calls: number, among: ReadonlyArray<string> = ids) {
  for (let call = 0; call < calls; call++) yield* Trial.start(Trial.chat())
  const counts = yield* Trial.counts(...among)
  yield* Trial.pass("1 second")
  return counts
})

const many = Array.from({ length: 40 }, (_, index) => `many-${index}`)

const fromOneTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe("every way to share calls", () => {
  const ways: ReadonlyArray<readonly [string, Balance.Balance]> = [
    ...Balance.names.map((name) => [name, name] as const),
    ["a function", (candidates) => candidates.find(({ mayBeAsked }) => mayBeAsked)],
    ["a function without an opinion", () => undefined]
  ]

  it.effect.each(ways)(
    "%s asks lower tiers first, and degraded endpoints last",
    ([, balance]) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* Trial.chat({ affinity: "one" })).meta.endpoint, "first")
        yield* Trial.play("first", status(503))
        for (let call = 0; call < 3; call++) yield* Trial.chat({ affinity: "one" })
        assert.strictEqual((yield* Trial.status("first")).state, "Degraded")
        yield* Trial.play("first", answer("back"))
        assert.strictEqual((yield* Trial.chat({ affinity: "one" })).meta.endpoint, "second")
        yield* Trial.play("second", status(503))
        assert.strictEqual((yield* Trial.chat({ affinity: "one" })).text, "back")
      }).pipe(
        Effect.provide(
          Trial.over([make("second", [answer("2")], { tier: 1 }), make("first", [answer("1")])], { balance })
        )
      )
  )

  // more than one choice looks at
  const crowd = Array.from({ length: 150 }, (_, index) => `crowd-${index}`)

  it.effect.each(ways)(
    "%s asks each endpoint once, and finds the last that answers",
    ([, balance]) =>
      Effect.gen(function*() {
        const { meta } = yield* Trial.chat({ affinity: "one" })
        assert.strictEqual(meta.endpoint, "lucky")
        const asked = meta.attempts.map(({ endpoint }) => endpoint)
        assert.strictEqual(new Set(asked).size, asked.length)
      }).pipe(
        Effect.provide(Trial.over(
          [...crowd.map((id) => make(id, [fault("refused")])), make("lucky", [answer("Hello.")])],
          {
            balance,
            retry: Retry.none,
            maxAttempts: 1000,
            circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(100) }
          }
        )),
        Random.withSeed("the last")
      )
  )
})

describe("balance: weighted", () => {
  const weights: Readonly<Record<string, number>> = { a: 6, b: 3, c: 1, d: 2 }

  it.effect("gives each its share by weight", () =>
    Effect.gen(function*() {
      const counts = yield* shares(1200)
      ids.forEach((id, index) => assert.closeTo(counts[index]!, 100 * weights[id]!, 45, id))
    }).pipe(
      Effect.provide(Trial.over(each((id) => ({ weight: weights[id] })), { balance: "weighted", ...roomy })),
      Random.withSeed("weighted")
    ))

  it.effect("does so in a large tier", () =>
    Effect.gen(function*() {
      const counts = yield* shares(2000, many)
      const heavy = counts.slice(0, 10).reduce((sum, count) => sum + count)
      // 10 of 9 and 30 of 1: three quarters
      assert.closeTo(heavy / 2000, 0.75, 0.04)
      assert.isAbove(Math.min(...counts), 0)
    }).pipe(
      Effect.provide(Trial.over(each((id) => ({ weight: many.indexOf(id) < 10 ? 9 : 1 }), many), {
        balance: "weighted",
        ...roomy
      })),
      Random.withSeed("weighted")
    ))

  it.effect("shares by weight what an endpoint that cannot answer leaves", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      const counts = yield* shares(600)
      assert.strictEqual(counts[0], 0)
      assert.closeTo(counts[1]!, 300, 40)
      assert.closeTo(counts[3]!, 200, 40)
    }).pipe(
      Effect.provide(Trial.over(each((id) => ({ weight: weights[id] })), { balance: "weighted", ...roomy })),
      Random.withSeed("weighted")
    ))
})

describe("weights", () => {
  it.effect("also count for the default: one that weighs three times as much gets three times as many at once", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* shares(40, ["heavy", "light"]), [30, 10])
    }).pipe(Effect.provide(Trial.over(
      each((id) => ({ weight: id === "heavy" ? 3 : 1 }), ["heavy", "light"]),
      roomy
    ))))
})

describe("balance: roundRobin", () => {
  it.effect("asks one after the other", () =>
    Effect.gen(function*() {
      const order: Array<string> = []
      for (let call = 0; call < 12; call++) order.push((yield* Trial.whatever(Trial.chat())).meta.endpoint)
      const start = ids.indexOf(order[0]!)
      assert.deepStrictEqual(order, order.map((_, call) => ids[(start + call) % 4]!))
    }).pipe(Effect.provide(Trial.over(each(), { balance: "roundRobin" }))))

  it.effect("begins anywhere, so that many processes do not begin with the same", () =>
    Effect.gen(function*() {
      const firsts = new Set<string>()
      for (const seed of fromOneTo(20)) {
        const { meta } = yield* Trial.whatever(Trial.chat()).pipe(
          Effect.provide(Trial.over(each(), { balance: "roundRobin" })),
          Random.withSeed(seed)
        )
        firsts.add(meta.endpoint)
      }
      assert.sameMembers(Array.from(firsts), ids)
    }))
})

describe("balance: leastLoaded", () => {
  it.effect("goes by the calls under way, however fast each is", () =>
    Effect.gen(function*() {
      const among = ["fast", "slow"]
      for (let call = 0; call < 6; call++) {
        yield* Trial.start(Trial.chat())
        yield* Trial.pass("20 seconds")
      }
      const before = yield* Trial.counts(...among)
      for (let call = 0; call < 10; call++) yield* Trial.start(Trial.chat())
      const after = yield* Trial.counts(...among)
      assert.deepStrictEqual(after.map((count, index) => count - before[index]!), [5, 5])
    }).pipe(Effect.provide(Trial.over([
      make("fast", [answer("fast", { delay: "10 millis" })]),
      make("slow", [answer("slow", { delay: "15 seconds" })])
    ], { balance: "leastLoaded", slowStart: 0 }))))
})

describe("balance: cheapest", () => {
  const prices = (inputPerMillion: number, outputPerMillion: number) => ({
    prices: { inputPerMillion, outputPerMillion }
  })
  const long = { ...Trial.hi, messages: [{ role: "user", content: "word ".repeat(4000) }], max_tokens: 100 }
  const brief = { ...Trial.hi, max_tokens: 4000 }

  it.effect("asks where the request costs least: that depends on what is longer, question or answer", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat({}, long)).meta.endpoint, "cheap-to-ask")
      assert.strictEqual((yield* Trial.chat({}, brief)).meta.endpoint, "cheap-to-answer")
      assert.deepStrictEqual(yield* Trial.counts("dear", "unknown"), [0, 0])
    }).pipe(Effect.provide(Trial.over([
      make("unknown", [answer("?")]),
      make("dear", [answer("$")], prices(5, 9)),
      make("cheap-to-ask", [answer("q")], prices(1, 8)),
      make("cheap-to-answer", [answer("a")], prices(4, 2))
    ], { balance: "cheapest" }))))

  it.effect("takes an answer without a bound for as long as the question", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Trial.chat()).meta.endpoint, "seven")
      assert.strictEqual((yield* (yield* Trial.relay).execute(({ id }) => Effect.succeed(id))).value, "seven")
    }).pipe(Effect.provide(Trial.over([
      make("eight", [answer("8")], prices(1, 7)),
      make("seven", [answer("7")], prices(6, 1))
    ], { balance: "cheapest" }))))

  it.effect("goes on to the next when the cheapest has no room, and to one without a price last", () =>
    Effect.gen(function*() {
      const counts = yield* shares(9, ["cheap", "fair", "unknown"])
      assert.deepStrictEqual(counts, [2, 2, 5])
    }).pipe(Effect.provide(Trial.over([
      make("unknown", [answer("?", { delay: "1 second" })]),
      make("fair", [answer("f", { delay: "1 second" })], { ...prices(2, 2), limits: { concurrency: 2 } }),
      make("cheap", [answer("c", { delay: "1 second" })], { ...prices(1, 1), limits: { concurrency: 2 } })
    ], { balance: "cheapest" }))))

  it.effect("shares by load what costs the same", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* shares(12, ["a", "b", "c", "d"]), [4, 4, 4, 0])
    }).pipe(
      Effect.provide(Trial.over(each((id) => id === "d" ? prices(2, 2) : prices(1, 1)), { balance: "cheapest" }))
    ))
})

describe("balance: cheapest that is fast enough", () => {
  const priced = (perMillion: number) => ({ prices: { inputPerMillion: perMillion, outputPerMillion: perMillion } })
  const two = [
    make("dear", [answer("$", { delay: "100 millis" })], priced(10)),
    make("cheap", [answer("c", { delay: "800 millis" })], priced(1))
  ]
  const within = (maxAddedLatency: string, endpoints = two) =>
    Effect.provide(
      Trial.over(endpoints, { balance: { cheapest: { maxAddedLatency: maxAddedLatency as never } }, slowStart: 0 })
    )
  const ask = Effect.map(Trial.whatever(Trial.chat()), ({ meta }) => meta.endpoint)

  it.effect("passes over who is cheaper, but too slow, and says so", () =>
    Effect.gen(function*() {
      // one call each to learn how fast they are
      assert.deepStrictEqual([yield* ask, yield* ask], ["cheap", "dear"])
      for (let call = 0; call < 20; call++) assert.strictEqual(yield* ask, "dear")
      const { explain } = yield* Trial.relay
      const { balance, candidates, goesTo } = yield* explain(Trial.hi)
      assert.deepStrictEqual([balance, goesTo], ["cheapest", ["dear"]])
      assert.deepInclude(candidates.find(({ endpoint }) => endpoint === "cheap"), {
        standing: "PassedOver",
        because: "it takes 700ms longer than the fastest of its tier, and 200ms is allowed, by \"cheapest\": " +
          "it has 0 under way" + (yield* lately("cheap")),
        changes: "when it answers faster, or the others have no room"
      })
    }).pipe(within("200 millis")))

  const lately = (id: string) =>
    Effect.map(Trial.status(id), ({ latency }) => latency < 1 ? "" : ` and took ${Math.round(latency)}ms lately`)

  it.effect("takes who is cheaper where that is within the cap, to the millisecond", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 10; call++) yield* ask
      assert.deepStrictEqual(yield* Trial.counts("cheap", "dear"), [9, 1])
    }).pipe(within("700 millis")))

  it.effect("learns how fast somebody is by one call in ten seconds, once in five minutes", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      for (let second = 0; second < 700; second += 5) {
        seen.push(yield* ask)
        yield* Trial.pass("5 seconds")
      }
      const lessons = seen.filter((endpoint) => endpoint === "cheap").length
      assert.isAtLeast(lessons, 2)
      assert.isAtMost(lessons, 4)
    }).pipe(within("200 millis")))

  it.effect("comes back to who has become fast", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 5; call++) yield* ask
      yield* Trial.play("cheap", answer("c", { delay: "150 millis" }))
      for (let call = 0; call < 5; call++) assert.strictEqual(yield* ask, "dear")
      yield* Trial.pass("5 minutes")
      yield* ask
      yield* ask
      for (let call = 0; call < 5; call++) assert.strictEqual(yield* ask, "cheap")
    }).pipe(within("200 millis")))

  it.effect("goes to who is too slow where nobody else has room", () =>
    Effect.gen(function*() {
      yield* ask
      yield* ask
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("dear")
      assert.strictEqual(yield* ask, "cheap")
    }).pipe(within("200 millis")))

  it.effect("explains without a lesson", () =>
    Effect.gen(function*() {
      const { explain } = yield* Trial.relay
      yield* ask
      for (let look = 0; look < 3; look++) assert.deepStrictEqual((yield* explain(Trial.hi)).goesTo, ["dear"])
      assert.strictEqual(yield* ask, "dear")
    }).pipe(within("200 millis")))

  it.effect.each<unknown>([
    { cheapest: {} },
    { cheapest: { maxAddedLatency: -1 } },
    { cheapest: { maxAddedLatency: "soon" } },
    { cheapest: { maxAddedLatency: "1 second", most: 1 } },
    { dearest: { maxAddedLatency: "1 second" } }
  ])("is refused as %j", (balance) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.void.pipe(Effect.provide(Trial.over(two, { balance } as never))))
      assert.deepInclude(failure, { subject: "RelayService", field: "balance" })
    }))
})

describe("balance: sticky", () => {
  const keys = fromOneTo(60).map((key) => `conversation ${key}`)
  const where = (options: { readonly affinity?: string; readonly tenant?: string }) =>
    Effect.map(Trial.whatever(Trial.chat(options)), ({ meta }) => meta.endpoint)
  const sticky = { balance: "sticky", slowStart: 0, retry: Retry.none } as const

  it.effect("sends the same affinity to the same endpoint, and affinities to all", () =>
    Effect.gen(function*() {
      const once = yield* Effect.forEach(keys, (affinity) => where({ affinity }))
      assert.deepStrictEqual(yield* Effect.forEach(keys, (affinity) => where({ affinity })), once)
      assert.sameMembers(Array.from(new Set(once)), ids)
    }).pipe(Effect.provide(Trial.over(each(), sticky))))

  it.effect("moves only the affinities of an endpoint that cannot answer, and moves them back", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const before = yield* Effect.forEach(keys, (affinity) => where({ affinity }))
      yield* endpoints.isolate("b")
      const without = yield* Effect.forEach(keys, (affinity) => where({ affinity }))
      before.forEach((id, key) =>
        id === "b" ? assert.notStrictEqual(without[key], "b") : assert.strictEqual(without[key], id)
      )
      // what it leaves goes to all others, not to one
      assert.sameMembers(Array.from(new Set(without.filter((_, key) => before[key] === "b"))), ["a", "c", "d"])
      yield* endpoints.reset("b")
      assert.deepStrictEqual(yield* Effect.forEach(keys, (affinity) => where({ affinity })), before)
    }).pipe(Effect.provide(Trial.over(each(), sticky))))

  it.effect("moves only the affinities of an endpoint that is removed", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const before = yield* Effect.forEach(keys, (affinity) => where({ affinity }))
      yield* endpoints.remove("c")
      const after = yield* Effect.forEach(keys, (affinity) => where({ affinity }))
      before.forEach((id, key) => id === "c" || assert.strictEqual(after[key], id))
    }).pipe(Effect.provide(Trial.over(each(), sticky))))

  it.effect("keeps a tenant together where no affinity is given, and an affinity before a tenant", () =>
    Effect.gen(function*() {
      for (const key of keys.slice(0, 20)) {
        const home = yield* where({ affinity: key })
        assert.strictEqual(yield* where({ tenant: key, affinity: "" }), home)
        assert.strictEqual(yield* where({ tenant: "somebody", affinity: key }), home)
      }
    }).pipe(Effect.provide(Trial.over(each(), sticky))))

  it.effect("shares calls without either by load", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* shares(12), [3, 3, 3, 3])
    }).pipe(Effect.provide(Trial.over(each(), sticky))))

  it.effect("keeps operations of one affinity together", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      for (const affinity of keys.slice(0, 20)) {
        const { value } = yield* execute(({ id }) => Effect.succeed(id), { affinity })
        assert.strictEqual(value, yield* where({ affinity }))
      }
    }).pipe(Effect.provide(Trial.over(each(), sticky))))
})

describe("balance: a function of your own", () => {
  const seen: Array<readonly [ReadonlyArray<Balance.Candidate>, Balance.Context]> = []

  it.effect("is shown the candidates of the tier as they are, and what the call says", () =>
    Effect.gen(function*() {
      seen.length = 0
      yield* Trial.start(Trial.chat())
      yield* Trial.start(Trial.chat({ affinity: "one" }, { ...Trial.hi, max_tokens: 50 }))
      const [candidates, context] = seen[1]!
      assert.deepInclude(context, { model: "any", affinity: "one", inputTokens: 1, outputTokens: 50 })
      assert.isTrue(Object.isFrozen(candidates) && candidates.every(Object.isFrozen))
      const [b, a] = candidates
      assert.deepInclude(a, { id: "a", account: "a", tier: 0, weight: 1, prices: undefined })
      assert.deepInclude(b, {
        id: "b",
        account: "team",
        weight: 2,
        prices: { inputPerMillion: 1, outputPerMillion: 2 }
      })
    }).pipe(Effect.provide(Trial.over([
      make("b", [answer("b", { delay: "1 second" })], {
        account: "team",
        weight: 2,
        prices: { inputPerMillion: 1, outputPerMillion: 2 }
      }),
      make("a", [answer("a", { delay: "1 second" })]),
      make("later", [answer("z")], { tier: 1 })
    ], {
      balance: (candidates, context) => {
        seen.push([candidates, context])
        return candidates[1]
      }
    }))))

  it.effect("sees how each is at that moment", () =>
    Effect.gen(function*() {
      const views: Array<unknown> = []
      looked = ({ inFlight, latency, load, mayBeAsked }) => views.push({ inFlight, latency, load, mayBeAsked })
      yield* Trial.start(Trial.chat())
      yield* Trial.start(Trial.chat())
      yield* Trial.pass("2 seconds")
      yield* Trial.start(Trial.chat())
      assert.deepStrictEqual(views, [
        { inFlight: 0, latency: 1000, load: 500, mayBeAsked: true },
        { inFlight: 1, latency: 1000, load: 1000, mayBeAsked: true },
        { inFlight: 0, latency: 2000, load: 1000, mayBeAsked: true }
      ])
    }).pipe(Effect.provide(Trial.over([make("a", [answer("a", { delay: "2 seconds" })], { weight: 2 })], {
      slowStart: 0,
      balance: ([one]) => {
        looked(one!)
        return one
      }
    }))))
  let looked: (candidate: Balance.Candidate) => void

  const kept: Array<Balance.Candidate> = []
  const useless: ReadonlyArray<readonly [string, Balance.Choose]> = [
    ["nobody", () => undefined],
    ["something else", () => ({ id: "b" }) as never],
    ["a candidate of another tier", (candidates) => {
      kept.push(...candidates)
      return kept.find(({ tier }) => tier !== candidates[0]!.tier)
    }]
  ]
  it.effect.each(useless)("that chooses %s leaves the choice to the default", ([, balance]) =>
    Effect.gen(function*() {
      yield* Trial.play("a", status(503), answer("a"))
      assert.strictEqual((yield* Trial.chat()).text, "b")
      assert.strictEqual((yield* Trial.chat()).text, "a")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("a")]), make("b", [answer("b")], { tier: 1 })], { balance }))))

  it.effect("that insists on one that has failed does not get it in the same round", () =>
    Effect.gen(function*() {
      const { meta } = yield* Trial.chat()
      assert.deepStrictEqual(meta.attempts.map(({ endpoint }) => endpoint), ["a", "b"])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(503)]), make("b", [answer("b")])], { balance: ([a]) => a })
    )))

  it.effect("that throws is a defect of the call, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Trial.chat())
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepInclude(yield* Trial.status("a"), { inFlight: 0, answered: 0, failed: 0 })
    }).pipe(Effect.provide(Trial.over([make("a", [answer("a")])], {
      balance: () => {
        throw new Error("out of ideas")
      }
    }))))

  it.effect("draws its numbers from the Random of the call", () =>
    Effect.gen(function*() {
      const drawn = (seed: string) =>
        Effect.gen(function*() {
          numbers.length = 0
          yield* Trial.chat()
          return numbers.slice()
        }).pipe(Random.withSeed(seed))
      assert.deepStrictEqual(yield* drawn("x"), yield* drawn("x"))
      assert.notDeepEqual(yield* drawn("x"), yield* drawn("y"))
    }).pipe(Effect.provide(Trial.over([make("a", [answer("a")])], {
      balance: ([a], { random }) => {
        numbers.push(random())
        return a
      }
    }))))
  const numbers: Array<number> = []
})
