/** What callers are ready to spend: set aside before an attempt, settled after it, shared by whatever is nested. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, Random, Stream } from "effect"
import { Budget, type ChatRequest, type Endpoint, RelayHttpClient, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { HttpClient } from "effect/http"
import { TestClock } from "effect/testing"
import * as Api from "./Api.ts"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status } = ScriptedEndpoint

/** A token costs a millionth of a dollar, of an answer two. */
const dear: Endpoint.Prices = { inputPerMillion: 1, outputPerMillion: 2 }
const cheap: Endpoint.Prices = { inputPerMillion: 0.1, outputPerMillion: 0.2 }

/** About a hundred tokens, and a hundred more for the answer: at most 300 millionths of a dollar where it is dear. */
const question: ChatRequest.ChatRequest = {
  model: "any",
  messages: [{ role: "user", content: "x".repeat(400) }],
  max_tokens: 100
}
const most = 0.0003

// ten tokens and five more
const took = 0.000_02

const chat = (options?: RelayService.ChatOptions, request = question) => Trial.chat(options, request)
const failure = (options?: RelayService.ChatOptions, request = question) => Trial.failure(options, request)

const one = (step = answer("Hello."), prices: { readonly prices?: Endpoint.Prices } = { prices: dear }) =>
  Effect.provide(Trial.over([make("a", [step], prices)], { retry: Retry.none }))

describe("a budget of one call", () => {
  it.effect("lets it go where it may cost that much, and not a billionth less", () =>
    Effect.gen(function*() {
      const refused = yield* failure({ budget: { dollars: most - 1e-9 } })
      assert.deepInclude(refused, { _tag: "BudgetExceeded", endpoint: "a", of: "dollars", needed: most })
      assert.deepStrictEqual(yield* Trial.counts("a"), [0])
      yield* chat({ budget: { dollars: most } })
      assert.deepStrictEqual(yield* Trial.counts("a"), [1])
    }).pipe(one()))

  it.effect("counts tokens of the question and of the longest answer, whatever they cost", () =>
    Effect.gen(function*() {
      const refused = yield* failure({ budget: { tokens: 199 } })
      assert.deepInclude(refused, { _tag: "BudgetExceeded", of: "tokens", limit: 199, left: 199, needed: 200 })
      yield* chat({ budget: { tokens: 200 } })
    }).pipe(one(answer("Hello."), {})))

  it.effect("takes an answer without a bound for one of four thousand tokens", () =>
    Effect.gen(function*() {
      const { max_tokens: _, ...endless } = question
      yield* failure({ budget: { tokens: 100 + 4095 } }, endless)
      yield* chat({ budget: { tokens: 100 + 4096 } }, endless)
    }).pipe(one()))

  it.effect("in dollars, asks nobody whose prices are not known, and says so", () =>
    Effect.gen(function*() {
      const refused = yield* failure({ budget: { dollars: 1000 } })
      assert.strictEqual(
        refused.message,
        "the budget of $1000.00 has $1000.00 left, and endpoint \"a\" has no prices: " +
          "nobody can say what the call costs there"
      )
    }).pipe(one(answer("Hello."), {})))

  it.effect("sends it where it is cheap enough, though others come first", () =>
    Effect.gen(function*() {
      const { meta } = yield* chat({ budget: { dollars: most / 2 } })
      assert.strictEqual(meta.endpoint, "cheap")
      assert.deepStrictEqual(meta.attempts.map(({ outcome, sent }) => [outcome, sent]), [
        ["BudgetExceeded", false],
        ["Success", true]
      ])
    }).pipe(Effect.provide(Trial.over([
      make("dear", [answer("Hello.")], { prices: dear }),
      make("cheap", [answer("Hello.")], { prices: cheap, tier: 1 })
    ]))))

  it.effect("that does not suffice is told at once, and never waited for", () =>
    Effect.gen(function*() {
      const before = yield* Trial.now
      assert.strictEqual((yield* failure({ budget: { tokens: 5 } }))._tag, "BudgetExceeded")
      assert.strictEqual(yield* Trial.now, before)
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.")])]))))

  it.effect("charges nothing for what a cache answers", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: most + took })
      const cached: RelayService.ChatOptions = { tenant: "acme", cache: true, budget }
      for (let call = 0; call < 5; call++) yield* chat(cached)
      assert.deepStrictEqual((yield* budget.state).spent, { dollars: took, tokens: 15 })
    }).pipe(one()))

  it.effect("is the asker's own: who joins a call that is too dear for another asks for itself", () =>
    Effect.gen(function*() {
      const cached: RelayService.ChatOptions = { tenant: "acme", cache: true }
      // the first waits in line for a slot, and then finds its budget gone
      const budget = yield* Budget.make({ dollars: most })
      const spender = yield* Trial.start(chat({ budget }))
      const poor = yield* Trial.start(Effect.exit(chat({ ...cached, budget })))
      const rich = yield* Trial.start(chat(cached))
      yield* Trial.pass("10 seconds")
      yield* Fiber.join(spender)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(poor)))
      assert.strictEqual((yield* Fiber.join(rich)).text, "Hello.")
    }).pipe(Effect.provide(Trial.over([make("a", [answer("Hello.", { delay: "1 second" })], { prices: dear })], {
      bulkhead: { maxConcurrent: 1 }
    }))))
})

describe("a budget that calls share", () => {
  it.effect("is charged what the answers took, and holds the most they may take while they are under way", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const fiber = yield* Trial.start(chat({ budget }))
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: 0, tokens: 0 },
        held: { dollars: most, tokens: 200 }
      })
      yield* Trial.pass("1 second")
      yield* Fiber.join(fiber)
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: took, tokens: 15 },
        held: { dollars: 0, tokens: 0 }
      })
    }).pipe(one(answer("Hello.", { delay: "1 second" }))))

  it.effect("cannot be overspent by calls at once", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 3 * most })
      const calls = Array.from({ length: 10 }, () => Effect.exit(chat({ budget })))
      const exits = yield* Trial.whatever(Effect.all(calls, { concurrency: "unbounded" }))
      assert.lengthOf(exits.filter(Exit.isSuccess), 3)
      assert.deepStrictEqual(yield* Trial.counts("a"), [3])
    }).pipe(one(answer("Hello.", { delay: "1 second" }))))

  it.effect("is charged nothing for a failure, nor for a call that was interrupted", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      yield* failure({ budget })
      yield* Trial.play("a", fault("silence"))
      const fiber = yield* Trial.start(chat({ budget }))
      yield* Fiber.interrupt(fiber)
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: 0, tokens: 0 },
        held: { dollars: 0, tokens: 0 }
      })
    }).pipe(one(status(500))))

  it.effect("is charged for a whole answer that was found wanting, by what it counted", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const refused = yield* failure({ budget })
      assert.deepInclude(refused, { _tag: "InvalidResponse", reason: "Rejected" })
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: took, tokens: 15 },
        held: { dollars: 0, tokens: 0 }
      })
    }).pipe(Effect.provide(Trial.over([
      make("a", [answer("Hello.")], { prices: dear, validate: () => "too polite" })
    ], { retry: Retry.none }))))

  it.effect("is asked for every answer of a request that wants several", () =>
    Effect.gen(function*() {
      const three = { ...question, n: 3 }
      const refused = yield* failure({ budget: { tokens: 399 } }, three)
      assert.deepInclude(refused, { _tag: "BudgetExceeded", needed: 400 })
      yield* chat({ budget: { tokens: 400 } }, three)
      for (const n of [0, -1, 1.5, "3", null]) yield* chat({ budget: { tokens: 200 } }, { ...question, n })
    }).pipe(one()))

  it.effect("is charged for an answer that counts nothing what was set aside for it", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      yield* chat({ budget })
      assert.deepStrictEqual((yield* budget.state).spent, { dollars: most, tokens: 200 })
    }).pipe(one(answer("Hello.", { inputTokens: 0, outputTokens: 0 }))))

  it.effect("is not charged for the copy that lost", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const fiber = yield* Trial.start(chat({ budget }))
      yield* Trial.pass("2 seconds")
      assert.deepStrictEqual((yield* budget.state).held, { dollars: 2 * most, tokens: 400 })
      yield* Trial.pass("10 seconds")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [1, 1])
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: took, tokens: 15 },
        held: { dollars: 0, tokens: 0 }
      })
    }).pipe(Effect.provide(Trial.over(
      ["a", "b"].map((id) => make(id, [answer("Hello.", { delay: "5 seconds" })], { prices: dear })),
      { hedge: { delay: "1 second", maxExtraLoad: 1, burst: 10 } }
    ))))

  it.effect("pays for no copy that it cannot afford, and none is noted", () =>
    Effect.gen(function*() {
      const fiber = yield* Trial.start(chat({ budget: { dollars: most } }))
      yield* Trial.pass("10 seconds")
      const { meta } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), ["Success"])
    }).pipe(Effect.provide(Trial.over(
      ["a", "b"].map((id) => make(id, [answer("Hello.", { delay: "5 seconds" })], { prices: dear })),
      { hedge: { delay: "1 second", maxExtraLoad: 1, burst: 10 } }
    ))))
})

describe("a stream under a budget", () => {
  const stream = (options: RelayService.StreamOptions) =>
    Effect.map(Trial.relay, (relay) => relay.stream(question, options))
  const whole = ScriptedEndpoint.stream(["Hel", "lo."], { inputTokens: 10, outputTokens: 5, between: "1 second" })
  const sixteen = "sixteen letters."
  const broken = ScriptedEndpoint.stream([sixteen, sixteen], { end: "reset" })

  it.effect("holds the most it may take while it runs, and is charged what it counted", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const fiber = yield* Trial.start(Stream.runDrain(yield* stream({ budget })))
      yield* Trial.pass("1500 millis")
      assert.deepStrictEqual((yield* budget.state).held, { dollars: most, tokens: 200 })
      yield* Trial.pass("1 second")
      yield* Fiber.join(fiber)
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: took, tokens: 15 },
        held: { dollars: 0, tokens: 0 }
      })
    }).pipe(one(whole)))

  // a hundred tokens of question, and a token for every four letters that came
  const came = (letters: number) => ({ dollars: (100 + 2 * letters / 4) / 1e6, tokens: 100 + letters / 4 })

  it.effect("that broke off is charged for what came", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const failure = yield* Effect.flip(Stream.runDrain(yield* stream({ budget })))
      assert.strictEqual(failure._tag, "StreamInterrupted")
      assert.deepInclude(yield* budget.state, { spent: came(32), held: { dollars: 0, tokens: 0 } })
    }).pipe(one(broken)))

  it.effect("that was left is charged for what came", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const fiber = yield* Trial.start(Stream.runDrain(yield* stream({ budget })))
      yield* Trial.pass("1500 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepInclude(yield* budget.state, { spent: came(16), held: { dollars: 0, tokens: 0 } })
    }).pipe(one(ScriptedEndpoint.stream([sixteen, sixteen], { between: "1 second" }))))

  it.effect("of which nothing came is charged nothing", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      yield* Effect.flip(Stream.runDrain(yield* stream({ budget })))
      assert.deepStrictEqual((yield* budget.state).spent, { dollars: 0, tokens: 0 })
    }).pipe(one(status(503))))
})

describe("what runs under a budget", () => {
  it.effect("spends from it, and from those around it", () =>
    Effect.gen(function*() {
      const outer = yield* Budget.make({ dollars: 1 })
      const inner = yield* Budget.make({ tokens: 1000 })
      yield* chat({ budget: inner }).pipe(outer.protect)
      yield* chat().pipe(inner.protect, outer.protect)
      assert.deepStrictEqual((yield* outer.state).spent, { dollars: 2 * took, tokens: 30 })
      assert.deepStrictEqual((yield* inner.state).spent.tokens, 30)
    }).pipe(one()))

  it.effect("is refused by whichever of them is short", () =>
    Effect.gen(function*() {
      const outer = yield* Budget.make({ tokens: 150 })
      const refused = yield* failure({ budget: { dollars: 1 } }).pipe(outer.protect)
      assert.deepInclude(refused, { _tag: "BudgetExceeded", of: "tokens", limit: 150 })
    }).pipe(one()))

  it.effect("pays once where the same budget is named twice", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      yield* chat({ budget }).pipe(budget.protect, budget.protect)
      assert.deepStrictEqual((yield* budget.state).spent.tokens, 15)
    }).pipe(one()))

  it.effect("has a budget of its own at each run of `within`", () =>
    Effect.gen(function*() {
      const agent = Effect.all([chat(), chat()]).pipe(Budget.within({ tokens: 220 }))
      yield* agent
      yield* agent
      const tooMuch = Effect.all([chat(), chat(), chat()]).pipe(Budget.within({ tokens: 220 }))
      assert.deepInclude(yield* Effect.flip(tooMuch), { _tag: "BudgetExceeded", left: 190 })
    }).pipe(one()))

  it.effect("includes the relayed calls inside of an operation, and its retries", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const twice = Effect.all([chat(), chat(), chat()])
      const refused = yield* Effect.flip(relay.execute(() => twice, { budget: { tokens: 220 } }))
      assert.strictEqual(refused._tag, "BudgetExceeded")
      // what is refused for want of money is nobody's failure: no second attempt, no blame
      assert.deepStrictEqual(yield* Trial.counts("a"), [2])
      assert.strictEqual((yield* Trial.status("a")).circuit.state, "Closed")
    }).pipe(one()))

  it.effect("is paid once where a relay stands on another", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const inner = yield* Effect.provide(Trial.relay, Trial.over([make("in", [answer("Hello.")], { prices: dear })]))
      const client = yield* RelayHttpClient.make(inner, { baseUrl: "http://relay.test/v1" })
      const outer = yield* Effect.provide(
        Trial.relay,
        RelayService.layerDefault({
          health: "off",
          endpoints: [{ id: "out", baseUrl: "http://relay.test/v1", prices: dear }]
        }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
      )
      yield* outer.chat(question, { budget })
      assert.deepStrictEqual((yield* budget.state).spent, { dollars: took, tokens: 15 })
    }))

  it.effect("is refused where it can be none, and nothing is sent", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const wrong: ReadonlyArray<readonly [unknown, string]> = [
        [{}, "budget.dollars is undefined, but it has to be said, or tokens, or both"],
        [{ dollars: 0 }, "budget.dollars is 0, but it has to be a number from 1e-9 to 9000000"],
        [{ dollars: NaN }, "budget.dollars is NaN, but it has to be a number from 1e-9 to 9000000"],
        [{ dollars: "5" }, "budget.dollars is \"5\", but it has to be a number from 1e-9 to 9000000"],
        [{ dollars: 1e7 }, "budget.dollars is 10000000, but it has to be a number from 1e-9 to 9000000"],
        [{ tokens: 1.5 }, "budget.tokens is 1.5, but it has to be a whole number from 1 up"],
        [{ tokens: 5, euros: 1 }, "budget.euros is 1, but there is no such option"],
        [5, "budget is number, but it has to be an object"],
        [null, "budget is null, but it has to be an object"]
      ]
      for (const [budget, detail] of wrong) {
        const options = { budget: budget as Budget.Options }
        const body = JSON.stringify(question)
        const failures = [
          yield* failure(options),
          yield* Effect.flip(relay.send({ method: "POST", path: "/chat/completions", body }, options)),
          yield* Effect.flip(relay.execute(() => Effect.succeed("ran"), options))
        ]
        for (const refused of failures) assert.deepInclude(refused, { _tag: "RequestRejected", detail })
      }
      assert.deepStrictEqual(yield* Trial.counts("a"), [0])
    }).pipe(one()))
})

describe("a request by HTTP", () => {
  const send = (path: string, body: object, budget: Budget.Budget | Budget.Options) =>
    Effect.flatMap(
      Trial.relay,
      (relay) =>
        relay.send({
          method: "POST",
          path,
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body)
        }, {
          budget
        })
    )

  it.effect("that is a chat spends as a chat does", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: most })
      yield* send("/chat/completions", question, budget)
      assert.deepStrictEqual((yield* budget.state).spent, { dollars: took, tokens: 15 })
    }).pipe(one()))
})

describe("an answer by HTTP", () => {
  const post = (path: string, usage: object) =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1 })
      const { send } = yield* Effect.provide(
        Trial.relay,
        Api.over({ a: { answer: () => Api.json({ ...reply, usage }), options: { prices: dear } } })
      )
      const { tokens } = yield* send({ method: "POST", path, body: JSON.stringify({ ...question, input: "x" }) }, {
        budget
      })
      return [tokens, (yield* budget.state).spent] as const
    })
  const reply = { data: [], choices: [{ text: "Hi", message: { content: "Hi" }, finish_reason: "stop" }] }

  it.effect.each(["/chat/completions", "/completions"])(
    "is charged by its parts: %s",
    (path) =>
      Effect.map(post(path, { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }), ([tokens, spent]) => {
        assert.deepStrictEqual(tokens, { input: 7, output: 3, total: 10 })
        assert.deepStrictEqual(spent, { dollars: 0.000_013, tokens: 10 })
      })
  )

  it.effect("may name them as the responses API does", () =>
    Effect.map(post("/responses", { input_tokens: 7, output_tokens: 3, total_tokens: 10 }), ([, spent]) => {
      assert.deepStrictEqual(spent, { dollars: 0.000_013, tokens: 10 })
    }))

  it.effect("is charged for all of the total, what is in no part at the price of an answer", () =>
    Effect.gen(function*() {
      for (const path of ["/chat/completions", "/embeddings"]) {
        const [, spent] = yield* post(path, { prompt_tokens: 4, total_tokens: 10 })
        assert.deepStrictEqual(spent, { dollars: 0.000_016, tokens: 10 }, path)
      }
    }))

  it.effect("with nonsense for a count is charged what was set aside for it", () =>
    Effect.gen(function*() {
      for (const total_tokens of [-5, 1.5, "9", null, 1e300]) {
        const [tokens, spent] = yield* post("/embeddings", { total_tokens })
        assert.isUndefined(tokens)
        assert.isAbove(spent.tokens, 0)
      }
    }))
})

describe("explain", () => {
  it.effect("tells who is too dear, and what would change it", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const { candidates, goesTo } = yield* relay.explain(question, { budget: { dollars: most / 2 } })
      assert.deepStrictEqual(goesTo, ["cheap"])
      assert.deepStrictEqual(candidates.slice(0, 2).map(({ changes, refusal }) => [refusal, changes]), [
        ["BudgetExceeded", "with a larger budget, a shorter request or a lower `max_tokens`"],
        ["BudgetExceeded", "when somebody replaces the endpoint, with its prices"]
      ])
      const { ifNobody } = yield* relay.explain(question, { budget: { tokens: 1 } })
      assert.deepStrictEqual(ifNobody, { _tag: "Fail", failure: "BudgetExceeded" })
    }).pipe(Effect.provide(Trial.over([
      make("dear", [answer("Hello.")], { prices: dear }),
      make("unknown", [answer("Hello.")]),
      make("cheap", [answer("Hello.")], { prices: cheap, tier: 1 })
    ]))))
})

describe("whatever happens", () => {
  const runs = 60
  const below = (limit: number) => Effect.map(Random.next, (random) => Math.floor(random * limit))
  const oneOf = <A>(choices: ReadonlyArray<A>) => Effect.map(below(choices.length), (index) => choices[index]!)

  const step = Effect.gen(function*() {
    const delay = Duration.millis(yield* oneOf([0, 20, 300, 4000]))
    const inputTokens = 1 + (yield* below(100))
    return yield* oneOf([
      answer("Hello.", { delay, inputTokens, outputTokens: yield* below(100) }),
      answer("Hello.", { delay, inputTokens, outputTokens: 0 }),
      status(503, { delay }),
      status(429, { delay, retryAfter: 1 }),
      fault("silence")
    ])
  })

  it.effect("a budget holds nothing in the end, has spent what the answers took, and was never overspent", () =>
    Effect.gen(function*() {
      let refusals = 0
      let answers = 0
      for (let seed = 0; seed < runs; seed++) {
        yield* Effect.gen(function*() {
          const hasInterrupts = seed % 3 === 0
          const limit = yield* oneOf([0.001, 0.002, 0.004])
          const budget = yield* Budget.make({ dollars: limit, tokens: 2000 })
          const scripts = yield* Effect.forEach(
            ["a", "b"],
            (id) =>
              Effect.map(
                Effect.forEach(Array.from({ length: 30 }), () => step),
                (steps) =>
                  make(id, steps as [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>], {
                    prices: id === "a" ? dear : cheap
                  })
              )
          )
          yield* Effect.gen(function*() {
            const exits: Array<Exit.Exit<RelayService.ChatReply, { readonly _tag: string }>> = []
            const fibers = yield* Effect.forEach(Array.from({ length: 25 }), () =>
              Trial.start(Effect.gen(function*() {
                yield* Effect.sleep(yield* below(8000))
                const fiber = yield* Trial.start(chat({ budget, deadline: "6 seconds" }))
                if (hasInterrupts && (yield* below(4)) === 0) {
                  yield* Effect.sleep(yield* below(2000))
                  yield* Fiber.interrupt(fiber)
                }
                exits.push(yield* Fiber.await(fiber))
              })))
            for (let tick = 0; tick < 400; tick++) {
              yield* Trial.pass("50 millis")
              const { held, spent } = yield* budget.state
              assert.isAtMost(spent.dollars + held.dollars, limit + 1e-12)
              assert.isAtMost(spent.tokens + held.tokens, 2000)
            }
            yield* Effect.forEach(fibers, Fiber.join)
            const succeeded = exits.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : [])
            const sum = succeeded.reduce((sum, { meta, tokens }) => {
              const prices = meta.endpoint === "a" ? dear : cheap
              return sum + tokens.input * prices.inputPerMillion * 1000 + tokens.output * prices.outputPerMillion * 1000
            }, 0)
            const { held, spent } = yield* budget.state
            assert.deepStrictEqual(held, { dollars: 0, tokens: 0 })
            // an interrupt may come when the answer is there already
            const check = hasInterrupts ? assert.isAtLeast : assert.strictEqual
            check(Math.round(spent.dollars * 1e9), Math.round(sum))
            answers += succeeded.length
            refusals += exits.filter((exit) =>
              Exit.isFailure(exit) &&
              exit.cause.reasons.some((reason) => reason._tag === "Fail" && reason.error._tag === "BudgetExceeded")
            ).length
          }).pipe(Effect.provide(Trial.over(scripts, {
            attemptTimeout: "3 seconds",
            hedge: seed % 2 === 0 ? "off" : { delay: "300 millis", maxExtraLoad: 1, burst: 50 }
          })))
        }).pipe(Random.withSeed(seed), Effect.scoped, Effect.provide(TestClock.layer()))
      }
      assert.isAbove(answers, 200)
      assert.isAbove(refusals, 50)
    }))
})
