/** Budgets of many keys, over a window, and what is set aside for work of one's own. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Config, ConfigProvider, Effect, Exit, Fiber, Layer, Result, Scope } from "effect"
import { Budget, Policy } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Money from "../../src/machine/Money.ts"
import * as Law from "../Law.ts"

const spend = (budget: Budget.Budget, tokens: number) => budget.withReservation({ tokens }, () => Effect.void)

const refusal = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

describe("a budget of a key", () => {
  it.effect("is its own, and has the options of all unless it has others", () =>
    Effect.gen(function*() {
      const budgets = yield* Budget.make({ tokens: 10 })
      yield* budgets.configure("big", { tokens: 100 })
      yield* spend(budgets.at("small"), 10)
      yield* spend(budgets.at("big"), 90)
      yield* spend(budgets, 3)
      assert.deepInclude(yield* refusal(spend(budgets.at("small"), 1)), {
        _tag: "BudgetExceeded",
        key: "small",
        of: "tokens",
        limit: 10,
        left: 0,
        needed: 1,
        message: "the budget of 10 tokens of \"small\" has 0 tokens left, and the call may take 1 tokens"
      })
      const ofAll = yield* refusal(spend(budgets, 8))
      for (const absent of ["key", "endpoint"]) assert.notProperty(ofAll, absent)
      assert.deepStrictEqual(
        (yield* budgets.states).map(({ key, spent }) => [key, spent.tokens]).sort(),
        [["big", 90], ["default", 3], ["small", 10]]
      )
      assert.deepInclude(yield* refusal(budgets.resetKey("nobody")), { subject: "Budget.resetKey", argument: "key" })
      yield* budgets.resetKey("small")
      yield* spend(budgets.at("small"), 10)
    }))

  it.effect("comes back, to the millisecond, when what was spent is a window ago", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 10, per: "6400 millis" })
      yield* TestClock.adjust("1050 millis")
      yield* spend(budget, 6)
      assert.strictEqual((yield* budget.state).resetAfter, 7500 - 1050)
      yield* TestClock.adjust("1 second")
      yield* spend(budget, 4)
      // spending comes back by sixty-fourths of the window
      assert.strictEqual((yield* budget.state).resetAfter, 8500 - 2050)
      const { message, retryAfter } = (yield* refusal(spend(budget, 5))) as Budget.BudgetExceeded
      assert.strictEqual(String(retryAfter), "5450 millis")
      assert.strictEqual(
        message,
        "the budget of 10 tokens has 0 tokens left, and the call may take 5 tokens; it will be there in 5s 450ms"
      )
      yield* TestClock.adjust("5449 millis")
      yield* refusal(spend(budget, 5))
      yield* TestClock.adjust("1 milli")
      yield* spend(budget, 5)
      assert.deepInclude(yield* budget.state, { spent: { dollars: 0, tokens: 9 } })
      yield* TestClock.adjust("7 seconds")
      const nothing = { dollars: 0, tokens: 0 }
      assert.deepStrictEqual(yield* budget.state, { key: "default", spent: nothing, held: nothing })
    }))

  it.effect("says nothing of when, where it never comes back or is held by others", () =>
    Effect.gen(function*() {
      const total = yield* Budget.make({ tokens: 10 })
      yield* spend(total, 10)
      assert.notProperty(yield* refusal(spend(total, 1)), "retryAfter")
      assert.notProperty(yield* total.state, "resetAfter")
      const window = yield* Budget.make({ tokens: 10, per: "1 minute" })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* window.reserve({ tokens: 8 })
        assert.notProperty(yield* refusal(spend(window, 3)), "retryAfter")
      }))
    }))

  it.effect("is kept while it has spent something, however many keys there are, and new ones share one then", () =>
    Effect.gen(function*() {
      const budgets = yield* Budget.make({ tokens: 10, per: "1 minute", maxKeys: 3 })
      yield* spend(budgets.at("a"), 10)
      yield* spend(budgets.at("b"), 10)
      yield* spend(budgets.at("c"), 6)
      yield* refusal(spend(budgets.at("d"), 6))
      yield* refusal(spend(budgets.at("a"), 1))
      yield* TestClock.adjust("2 minutes")
      yield* spend(budgets.at("e"), 10)
      assert.include(yield* budgets.keys, "e")
    }))

  it.effect("is not forgotten under a call that has not spent anything yet", () =>
    Effect.gen(function*() {
      const budgets = yield* Budget.make({ tokens: 10, maxKeys: 2 })
      const fiber = yield* Effect.forkChild(Effect.sleep("1 second").pipe(budgets.at("a").protect), {
        startImmediately: true
      })
      const before = budgets.at("a")
      for (const key of ["b", "c", "d"]) budgets.at(key)
      assert.strictEqual(budgets.at("a"), before)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      for (const key of ["b", "c", "d"]) budgets.at(key)
      assert.notStrictEqual(budgets.at("a"), before)
    }))

  it.effect("stands in the explanation of a stack with its window", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 5, tokens: 1000, per: "1 day" })
      assert.include(
        Policy.explain(budget.protect),
        "relayed calls inside spend at most $5.00 in 1d and 1000 tokens in 1d"
      )
    }))

  it.effect("is a service as well", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.Budget
      yield* spend(budget.at("a"), 5)
      yield* refusal(spend(budget.at("a"), 1))
    }).pipe(Effect.provide(Budget.layer({ tokens: 5 }))))

  it.effect("is read from the configuration of the environment as well", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.Budget
      yield* spend(budget, 5)
      assert.deepInclude(yield* refusal(spend(budget, 1)), { limit: 5, left: 0 })
    }).pipe(Effect.provide(
      Budget.layerConfig({ tokens: Config.Int("most") }).pipe(
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ most: 5 })))
      )
    )))

  it.effect.each<readonly [object, string, string, string]>([
    [{ tokens: 5, per: 0 }, "per", "0", "it has to be a duration above zero"],
    [{ tokens: 5, per: "soon" }, "per", "\"soon\"", "it has to be a duration such as \"5 seconds\""],
    [{ tokens: 5, maxKeys: 0 }, "maxKeys", "0", "it has to be a whole number from 1 up"],
    [{ per: "1 day" }, "dollars", "undefined", "it has to be said, or tokens, or both"]
  ])("refuses %j", ([options, field, value, rule]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* Effect.flip(Budget.make(options)), { subject: "Budget", field, value, rule })
    }))

  it("of one call has no window", () => {
    assert.throws(() => Budget.within({ tokens: 5, per: "1 day" } as never), "there is no such option")
  })
})

describe("what is set aside for work of one's own", () => {
  const tokens = (budget: Budget.Budget) =>
    Effect.map(budget.state, ({ held, spent }) => ({ held: held.tokens, spent: spent.tokens }))

  it.effect("is charged by what the work says it took, and by all of it where it says nothing", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1, tokens: 100 })
      const answer = yield* budget.withReservation(
        { dollars: 0.5, tokens: 40 },
        () => Effect.succeed({ words: 7 }),
        ({ words }) => ({ dollars: 0.1, tokens: words })
      )
      assert.deepStrictEqual(answer, { words: 7 })
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: 0.1, tokens: 7 },
        held: { dollars: 0, tokens: 0 }
      })
      yield* budget.withReservation({ tokens: 40 }, () => Effect.void)
      assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 47 })
    }))

  it.effect("is charged whole where the work was done and what it took is no amount", () =>
    Effect.gen(function*() {
      const unsound: ReadonlyArray<() => Budget.Amount> = [
        () => ({ tokens: NaN }),
        () => ({ tokens: -1 }),
        () => undefined as never,
        () => {
          throw new Error("cannot count")
        }
      ]
      for (const actualOf of unsound) {
        const budget = yield* Budget.make({ tokens: 100 })
        const exit = yield* Effect.exit(budget.withReservation({ tokens: 40 }, () => Effect.void, actualOf))
        assert.isTrue(Exit.isFailure(exit))
        assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 40 })
      }
    }))

  it.effect("is back after a failure, a defect and an interrupt, before any of them goes on", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 100 })
      const ends = [Effect.fail("no"), Effect.die("bug"), Effect.interrupt]
      for (const end of ends) {
        yield* Effect.exit(budget.withReservation({ tokens: 40 }, () => end))
        assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 0 })
      }
      const fiber = yield* Effect.forkChild(budget.withReservation({ tokens: 40 }, () => Effect.never), {
        startImmediately: true
      })
      assert.deepStrictEqual(yield* tokens(budget), { held: 40, spent: 0 })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 0 })
    }))

  it.effect("is settled, cancelled or ended once, whichever comes first", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 100 })
      const scope = yield* Scope.make()
      const earmark = yield* Scope.provide(budget.reserve({ tokens: 40 }), scope)
      assert.deepStrictEqual(earmark.reserved, { dollars: 0, tokens: 40 })
      yield* earmark.settle({ tokens: 50 })
      yield* earmark.settle({ tokens: 1 })
      yield* earmark.cancel
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 50 })
      const other = yield* Scope.make()
      yield* Effect.flatMap(Scope.provide(budget.reserve({ tokens: 40 }), other), ({ cancel }) => cancel)
      yield* Scope.close(other, Exit.void)
      assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 50 })
    }))

  it.effect("is set aside in every budget around it as well, or in none", () =>
    Effect.gen(function*() {
      const [inner, outer] = [yield* Budget.make({ tokens: 100 }), yield* Budget.make({ tokens: 10 })]
      const failure = yield* refusal(spend(inner, 11).pipe(outer.protect))
      assert.deepInclude(failure, { limit: 10, needed: 11 })
      assert.deepStrictEqual(yield* tokens(inner), { held: 0, spent: 0 })
      yield* spend(inner, 9).pipe(outer.protect)
      assert.deepStrictEqual([yield* tokens(inner), yield* tokens(outer)], [{ held: 0, spent: 9 }, {
        held: 0,
        spent: 9
      }])
    }))

  it.effect("is refused where it can be no amount", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 100 })
      const fromZero = "it has to be a whole number from 0 up"
      const upToNineMillion = "it has to be a number from 0 to 9000000"
      const noAmount = "it has to be an object with dollars or tokens"
      const wrong: ReadonlyArray<readonly [unknown, string]> = [
        [{ tokens: -1 }, `tokens is -1, but ${fromZero}`],
        [{ tokens: 1.5 }, `tokens is 1.5, but ${fromZero}`],
        [{ tokens: "1" }, `tokens is "1", but ${fromZero}`],
        [{ dollars: NaN }, `dollars is NaN, but ${upToNineMillion}`],
        [{ dollars: -1e-9 }, `dollars is -1e-9, but ${upToNineMillion}`],
        [{ dollars: 9_000_000.1 }, `dollars is 9000000.1, but ${upToNineMillion}`],
        [{ dollars: "1" }, `dollars is "1", but ${upToNineMillion}`],
        [{ cents: 1 }, "cents is \"there\", but an amount has only dollars and tokens"],
        [7, `amount is 7, but ${noAmount}`]
      ]
      for (const [amount, message] of wrong) {
        const failure = yield* refusal(budget.reserve(amount as never))
        assert.deepInclude(failure, { _tag: "InvalidArgument", message: `Budget.reserve: ${message}` })
        const used = yield* refusal(budget.withReservation(amount as never, () => Effect.void))
        assert.deepInclude(used, { _tag: "InvalidArgument", message: `Budget.withReservation: ${message}` })
        const settled = yield* refusal(budget.withReservation({ tokens: 1 }, ({ settle }) => settle(amount as never)))
        assert.deepInclude(settled, { _tag: "InvalidArgument", message: `Earmark.settle: ${message}` })
      }
      const none = yield* refusal(budget.reserve(null as never))
      assert.deepInclude(none, { _tag: "InvalidArgument", argument: "amount" })
      assert.deepStrictEqual(yield* tokens(budget), { held: 0, spent: 0 })
    }))
})

describe("the smallest and the largest that is set aside", () => {
  it.effect("is nothing, and nine million dollars", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 9_000_000, tokens: 10 })
      yield* budget.withReservation({ dollars: 9_000_000, tokens: 0 }, ({ reserved }) =>
        Effect.sync(() => assert.deepStrictEqual(reserved, { dollars: 9_000_000, tokens: 0 })))
      assert.deepInclude(yield* budget.state, { spent: { dollars: 9_000_000, tokens: 0 } })
      yield* budget.withReservation({}, ({ reserved }) =>
        Effect.sync(() =>
          assert.deepStrictEqual(reserved, { dollars: 0, tokens: 0 })
        ))
    }))

  it.effect("keeps its key from being forgotten for as long as it is set aside", () =>
    Effect.gen(function*() {
      const budgets = yield* Budget.make({ tokens: 10, maxKeys: 2 })
      const crowd = () => {
        for (const key of ["b", "c", "d"]) budgets.at(key)
      }
      const before = budgets.at("a")
      yield* before.withReservation({}, () =>
        Effect.sync(() => {
          crowd()
          assert.strictEqual(budgets.at("a"), before)
        }))
      crowd()
      assert.notStrictEqual(budgets.at("a"), before)
    }))
})

interface Work {
  readonly after: number
  readonly dollars: number
  readonly takes: number
  readonly share: number
  readonly end: "answers" | "says nothing" | "fails" | "dies" | "is interrupted" | "cancels"
}

const works = Law.list(
  Arbitrary.map(
    Arbitrary.all([
      Law.int(0, 500),
      Law.oneOf(0, 0.01, 0.07, 0.100000001, 0.3),
      Law.int(0, 400),
      Law.oneOf(0, 0.5, 1),
      Law.oneOf("answers", "says nothing", "fails", "dies", "is interrupted", "cancels")
    ]),
    ([after, dollars, takes, share, end]): Work => ({ after, dollars, takes, share, end })
  ),
  30
)

type Reserve = Budget.Budget["withReservation"]

/** Every nanodollar that was set aside was spent or came back, and never was more set aside and spent than there is. */
const addsUp = (reserveOf: (budget: Budget.Budget) => Reserve) => (works: ReadonlyArray<Work>) =>
  Effect.gen(function*() {
    const limit = 0.5
    const budget = yield* Budget.make({ dollars: limit })
    const withReservation = reserveOf(budget)
    let reserved = 0
    let refunded = 0
    const run = Effect.fnUntraced(function*({ after, dollars, end, share, takes }: Work) {
      yield* Effect.sleep(after)
      const actual = dollars * share
      const spends = end === "answers" ? actual : end === "says nothing" ? dollars : 0
      let isIn = false
      const used = withReservation({ dollars }, ({ cancel }) =>
        Effect.gen(function*() {
          isIn = true
          reserved += Money.fromDollars(dollars)
          yield* Effect.sleep(takes)
          switch (end) {
            case "fails":
              return yield* Effect.fail("no")
            case "dies":
              return yield* Effect.die("bug")
            case "cancels":
              return yield* cancel
          }
        }), end === "answers" ? () => ({ dollars: actual }) : undefined)
      const fiber = yield* Effect.forkChild(used, { startImmediately: true })
      if (end === "is interrupted") {
        yield* Effect.sleep(takes / 2)
        yield* Fiber.interrupt(fiber)
      }
      yield* Fiber.await(fiber)
      if (isIn) refunded += Money.fromDollars(dollars) - Money.fromDollars(spends)
    })
    // what takes no time is done before anybody interrupts it
    const alive = works.filter(({ end, takes }) => end !== "is interrupted" || takes > 0)
    const fibers = yield* Effect.forEach(alive, (work) => Effect.forkChild(run(work), { startImmediately: true }))
    for (let tick = 0; tick < 20; tick++) {
      const { held, spent } = yield* budget.state
      assert.isAtMost(Money.fromDollars(held.dollars) + Money.fromDollars(spent.dollars), Money.fromDollars(limit))
      yield* TestClock.adjust(50)
    }
    yield* Effect.forEach(fibers, Fiber.join)
    const { held, spent } = yield* budget.state
    assert.strictEqual(held.dollars, 0)
    assert.strictEqual(Money.fromDollars(spent.dollars), reserved - refunded)
  }).pipe(Effect.provide(TestClock.layer()), Effect.scoped)

const variants: ReadonlyArray<readonly [string, (budget: Budget.Budget) => Reserve]> = [
  [
    "charges what was set aside, whatever was taken",
    (budget) => (estimate, use) => budget.withReservation(estimate, use)
  ],
  [
    "keeps what a failure held",
    (budget) => (estimate, use, actualOf) =>
      Effect.flatten(
        budget.withReservation(estimate, (earmark) => Effect.exit(use(earmark)), (exit) =>
          Result.getOrElse(
            Result.map(
              Exit.isSuccess(exit) ? Result.succeed(exit.value) : Result.fail(0),
              actualOf ?? (() => estimate)
            ),
            () => estimate
          ))
      ) as never
  ],
  [
    "sets nothing aside",
    (budget) => (estimate, use, actualOf) => budget.withReservation({}, use, actualOf ?? (() => estimate))
  ],
  ["sets aside a billionth less", (budget) => (estimate, use, actualOf) =>
    budget.withReservation(
      { dollars: Math.max(0, (estimate.dollars ?? 0) - 1e-9) },
      use,
      actualOf ?? (() => estimate)
    )]
]

describe("the law of what is set aside", () => {
  it.effect.prop(
    "reserved minus refunded is spent, and nothing is overspent",
    [works],
    ([works]) => addsUp(({ withReservation }) => withReservation)(works),
    Law.check(100)
  )

  it.effect.each(variants)("tells one that %s", ([, reserveOf]) => Law.isBrokenEffect(works, addsUp(reserveOf)))
})
