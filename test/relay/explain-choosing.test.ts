/** What an explanation says of the relay's balance and of what endpoints can do, and that it moves nobody's turn. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Random } from "effect"
import { type Balance, CircuitBreaker, type RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make } = ScriptedEndpoint

const three = ["a", "b", "c"].map((id) => make(id, [answer(id)]))

const explain = (options?: RelayService.ChatOptions, request = Trial.hi) =>
  Effect.flatMap(Trial.relay, (relay) => relay.explain(request, options))

const about = (id: string, options?: RelayService.ChatOptions, request = Trial.hi) =>
  Effect.map(explain(options, request), ({ candidates }) => candidates.find(({ endpoint }) => endpoint === id)!)

const whereTo = (options?: RelayService.ChatOptions) => Effect.map(Trial.chat(options), ({ meta }) => meta.endpoint)

describe("an explanation of whose turn it is", () => {
  const byTurns = Effect.provide(Trial.over(three, { balance: "roundRobin" }))

  it.effect("names the next, and however often it is asked, that one is next", () =>
    Effect.gen(function*() {
      let last = yield* whereTo()
      for (let call = 0; call < 7; call++) {
        const [next, ...others] = (yield* explain()).goesTo
        assert.isEmpty(others)
        assert.deepStrictEqual((yield* explain()).goesTo, [next])
        assert.strictEqual(yield* whereTo(), next)
        assert.notStrictEqual(next, last)
        last = next!
      }
    }).pipe(byTurns))

  it.effect("names all before the first call, and leaves it to that one where to begin", () =>
    Effect.gen(function*() {
      const begins = (isExplained: boolean) =>
        Effect.gen(function*() {
          if (isExplained) assert.sameMembers([...(yield* explain()).goesTo], ["a", "b", "c"])
          return yield* Effect.replicateEffect(whereTo(), 4)
        }).pipe(byTurns, Random.withSeed("the beginning"))
      assert.deepStrictEqual(yield* begins(true), yield* begins(false))
    }))

  it.effect("goes on with the one after, where the next refuses", () =>
    Effect.gen(function*() {
      const first = yield* whereTo()
      const [second] = (yield* explain()).goesTo
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate(second!))
      const [third] = (yield* explain()).goesTo
      assert.sameMembers([first, second, third], ["a", "b", "c"])
      assert.strictEqual(yield* whereTo(), third)
    }).pipe(byTurns))

  it.effect("is told apart by a function of one's own, which keeps turns itself", () => {
    let turn = 0
    const inTurn: Balance.Choose = (candidates, { isRehearsal }) =>
      candidates[(isRehearsal ? turn : turn++) % candidates.length]
    return Effect.gen(function*() {
      for (const expected of ["a", "b", "c", "a"]) {
        assert.deepStrictEqual((yield* explain()).goesTo, [expected])
        assert.strictEqual(yield* whereTo(), expected)
      }
      assert.strictEqual(turn, 4)
    }).pipe(Effect.provide(Trial.over(three, { balance: inTurn })))
  })
})

describe("an explanation", () => {
  const priced = ["cheap", "dear"].map((id, index) =>
    make(id, [answer(id)], { prices: { inputPerMillion: 1 + index, outputPerMillion: 1 + index } })
  )
  it.effect("says that the price decides", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* explain(), { balance: "cheapest", goesTo: ["cheap"] })
      assert.strictEqual(
        (yield* about("cheap")).because,
        "the call goes here, by \"cheapest\": the request costs least here, with the least to do where others cost the same"
      )
      assert.deepInclude(yield* about("dear"), {
        standing: "PassedOver",
        because: "others of its tier cost less for this request, or the same and have less to do, by \"cheapest\": " +
          "it has 0 under way",
        changes: "when those have no room, or with another request"
      })
    }).pipe(Effect.provide(Trial.over(priced, { balance: "cheapest" }))))

  it.effect("follows the affinity of the call, or its tenant", () =>
    Effect.gen(function*() {
      for (const affinity of ["one", "two", "three", "four", "five"]) {
        const home = yield* whereTo({ affinity })
        assert.deepInclude(yield* explain({ affinity }), { balance: "sticky", goesTo: [home] })
        assert.deepStrictEqual((yield* explain({ tenant: affinity })).goesTo, [home])
        assert.include((yield* about(home, { affinity })).because, "calls of this affinity go here")
        const other = ["a", "b", "c"].find((id) => id !== home)!
        const { because, changes } = yield* about(other, { affinity })
        assert.strictEqual(because, "calls of this affinity go to another of its tier, by \"sticky\"")
        assert.strictEqual(changes, "when that one cannot take them, or with another affinity")
      }
      // nobody's in particular
      assert.lengthOf((yield* explain()).goesTo, 3)
    }).pipe(Effect.provide(Trial.over(three, { balance: "sticky" }))))

  const ways: ReadonlyArray<readonly [name: string, balance: Balance.Balance, words: string]> = [
    ["peakEwma", "peakEwma", "\"peakEwma\""],
    ["leastLoaded", "leastLoaded", "\"leastLoaded\""],
    ["weighted", "weighted", "\"weighted\""],
    ["function", (candidates, { random }) => candidates[Math.floor(random() * 3)], "a function of your own"]
  ]
  it.effect.each(ways)("says how chance decides: %s", ([name, balance, words]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* explain()).balance, name)
      assert.strictEqual((yield* about("b")).because, `chance decides between it and 2 more, by ${words}`)
    }).pipe(Effect.provide(Trial.over(three, { balance }))))

  it.effect("says of one that is worse than its peers that it is, and until when", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 300; call++) {
        yield* Trial.start(Trial.chat())
        yield* Trial.pass("200 millis")
      }
      const { after, because, changes, standing } = yield* about("bad")
      assert.strictEqual(standing, "Degraded")
      assert.strictEqual(because, "it answers far worse than the others of its tier, so it is asked last")
      assert.match(changes!, /^in .*s, or when nobody else is left$/)
      yield* Trial.pass(after! - 1)
      assert.deepInclude(yield* about("bad"), { standing: "Degraded", after: 1 })
      yield* Trial.pass(1)
      assert.strictEqual((yield* about("bad")).standing, "Chosen")
    }).pipe(
      Effect.provide(Trial.over(
        [make("bad", [answer("late", { delay: "9 seconds" })]), ...three.slice(0, 2)],
        {
          balance: "roundRobin",
          slowFactor: 1000,
          outliers: { degradedFor: "5 minutes" },
          circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1000) },
          bulkhead: { maxConcurrent: 1000 }
        }
      )),
      Random.withSeed("worse")
    ))

  const tools = { ...Trial.hi, tools: [{ type: "function", function: { name: "f" } }] }
  const unable = [
    make("plain", [answer("plain")], { capabilities: { tools: false, vision: false } }),
    make("short", [answer("short")], { capabilities: { any: { contextWindow: 100 } } }),
    make("able", [answer("able")], { tier: 1 })
  ]
  it.effect("says who is left out for what the request needs, and goes where the call goes", () =>
    Effect.gen(function*() {
      const large = { ...tools, max_tokens: 5000 }
      assert.deepStrictEqual((yield* explain({}, large)).goesTo, ["able"])
      assert.deepInclude(yield* about("plain", {}, large), {
        standing: "Unsuited",
        because: "it says that it does not take tools",
        changes: "when somebody replaces the endpoint"
      })
      assert.deepInclude(yield* about("short", {}, large), {
        standing: "Unsuited",
        because: "the request takes about 5001 tokens, and it has room for 100"
      })
      assert.strictEqual((yield* Trial.chat({}, large)).meta.endpoint, "able")
      assert.strictEqual((yield* about("plain")).standing, "Chosen")
    }).pipe(Effect.provide(Trial.over(unable))))

  it.effect("says that a balance which throws ends the call in a defect, and so does the call", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("c")
      const explanation = yield* explain()
      assert.deepStrictEqual(
        { ...explanation, candidates: explanation.candidates.map(({ because, standing }) => [standing, because]) },
        {
          model: "any",
          balance: "function",
          goesTo: [],
          ifNobody: { _tag: "Fail", failure: "Defect" },
          candidates: [
            ["PassedOver", "the balance of the relay throws: out of ideas"],
            ["PassedOver", "the balance of the relay throws: out of ideas"],
            ["Refused", "circuit \"c\" is held open by hand"]
          ]
        }
      )
      const exit = yield* Effect.exit(Trial.chat())
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    }).pipe(Effect.provide(throwing)))

  it.effect("asks no balance about a call that fails before anybody is asked, as the call does not", () =>
    Effect.gen(function*() {
      const calls: ReadonlyArray<readonly [options: RelayService.ChatOptions, request: typeof Trial.hi, tag: string]> =
        [
          [{ deadline: 0 }, Trial.hi, "DeadlineExceeded"],
          [{}, { ...Trial.hi, messages: [] }, "RequestRejected"],
          [{ cache: "yes" as never }, Trial.hi, "RequestRejected"]
        ]
      for (const [options, request, tag] of calls) {
        const { candidates, goesTo, ifNobody } = yield* explain(options, request)
        assert.deepStrictEqual({ goesTo, ifNobody }, { goesTo: [], ifNobody: { _tag: "Fail", failure: tag } })
        assert.deepInclude(candidates[0], {
          standing: "PassedOver",
          because: "the call fails before anybody is asked"
        })
        assert.strictEqual((yield* Trial.failure(options, request))._tag, tag)
      }
    }).pipe(Effect.provide(throwing)))

  const throwing = Trial.over([
    make("a", [answer("a")]),
    make("b", [answer("b")], { tier: 1 }),
    make("c", [answer("c")])
  ], {
    balance: () => {
      throw new Error("out of ideas")
    }
  })

  const lacks: ReadonlyArray<readonly [string, typeof Trial.hi]> = [
    ["RequestRejected", tools],
    ["ContextTooLong", { ...Trial.hi, max_tokens: 5000 }]
  ]
  it.effect.each(lacks)(
    "says that the call fails where nobody can take it, and as what: %s",
    ([tag, request]) =>
      Effect.gen(function*() {
        const { candidates, goesTo, ifNobody } = yield* explain({}, request)
        assert.deepStrictEqual({ goesTo, ifNobody }, { goesTo: [], ifNobody: { _tag: "Fail", failure: tag } })
        assert.deepStrictEqual(candidates.map(({ standing }) => standing), ["Unsuited"])
        assert.strictEqual((yield* Trial.failure({}, request))._tag, tag)
      }).pipe(Effect.provide(Trial.over(
        [make("a", [answer("a")], { capabilities: { tools: false, contextWindow: 1000 } })],
        { retry: Retry.none }
      )))
  )
})
