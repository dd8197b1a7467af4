import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result, Schema } from "effect"
import { Budget, Policy } from "effect-relay"
import * as Allowance from "../../src/machine/Allowance.ts"
import * as Money from "../../src/machine/Money.ts"
import * as BudgetExceeded from "../../src/policy/BudgetExceeded.ts"
import * as Purse from "../../src/policy/Purse.ts"

const dollars = (amount: number): Allowance.Amount => ({ money: Money.fromDollars(amount), tokens: 0 })
const tokens = (amount: number): Allowance.Amount => ({ money: 0, tokens: amount })

const current = Effect.withFiberSucceed(Purse.ofUnsafe)

/** What is inside spends from these, the innermost first. */
const limitsOf = (purse: Purse.Purse | undefined): ReadonlyArray<Allowance.Amount> =>
  purse === undefined ? [] : [purse.allowance.limit, ...limitsOf(purse.outer)]

const allowance = (options: Budget.Limits): Allowance.Allowance =>
  Result.getOrThrow(Budget.pocketOf("it", options)).allowance

const chain = (...options: ReadonlyArray<Budget.Limits>): Purse.Purse =>
  options.reduceRight<Purse.Purse | undefined>(
    (outer, one) => Purse.inside(outer, { allowance: allowance(one), owner: undefined }),
    undefined
  )!

describe("Budget", () => {
  it.effect("is nothing, for code that runs under none", () =>
    Effect.map(current, (purse) => assert.isUndefined(purse)))

  it.effect("is known to what runs under it, in every fiber, and to nothing after it", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 2 })
      const purse = yield* Effect.flatMap(Effect.forkChild(current), Fiber.join).pipe(budget.protect)
      assert.deepStrictEqual(limitsOf(purse), [{ money: 2e9, tokens: Infinity }])
      assert.isUndefined(yield* current)
    }))

  it.effect("stands inside of another, and once where it is named twice", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 7 })
      const outer = Budget.within({ dollars: 1 })
      assert.deepStrictEqual(limitsOf(yield* current.pipe(budget.protect, outer)), [
        { money: Infinity, tokens: 7 },
        { money: 1e9, tokens: Infinity }
      ])
      assert.lengthOf(limitsOf(yield* current.pipe(budget.protect, outer, budget.protect)), 2)
    }))

  it.effect("is one for all runs when it was made, and another at each run of `within`", () =>
    Effect.gen(function*() {
      const made = current.pipe((yield* Budget.make({ tokens: 7 })).protect)
      const within = current.pipe(Budget.within({ tokens: 7 }))
      assert.strictEqual((yield* made)?.allowance, (yield* made)?.allowance)
      assert.notStrictEqual((yield* within)?.allowance, (yield* within)?.allowance)
    }))

  it.effect("shows what is held and what was spent, in dollars and tokens", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ dollars: 1, tokens: 100 })
      const purse = (yield* current.pipe(budget.protect))!
      const held = { money: 250_000_000, tokens: 40 }
      Purse.hold(purse, held)
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: 0, tokens: 0 },
        held: { dollars: 0.25, tokens: 40 }
      })
      Purse.settle(purse, held, { money: 1, tokens: 3 }, 0)
      assert.deepInclude(yield* budget.state, {
        spent: { dollars: 1e-9, tokens: 3 },
        held: { dollars: 0, tokens: 0 }
      })
    }))

  it("is held and charged in all that stand around it", () => {
    const purse = chain({ tokens: 10 }, { tokens: 20 }, { tokens: 30 })
    Purse.hold(purse, tokens(8))
    Purse.settle(purse, tokens(5), tokens(1), 0)
    for (const one of [purse, purse.outer!, purse.outer!.outer!]) {
      assert.deepStrictEqual([one.allowance.held.tokens, one.allowance.spent.tokens], [3, 1])
    }
  })

  it("has as many users as are about to spend from it, up to where it is inside of another", () => {
    const purse = chain({ tokens: 10 }, { tokens: 20 }, { tokens: 30 })
    const users = () => [purse, purse.outer!, purse.outer!.outer!].map(({ allowance }) => allowance.users)
    Purse.use(purse, undefined, 1)
    Purse.use(purse, purse.outer!.outer, 1)
    assert.deepStrictEqual(users(), [2, 2, 1])
    Purse.use(purse, purse, 1)
    Purse.use(undefined, undefined, 1)
    assert.deepStrictEqual(users(), [2, 2, 1])
    Purse.use(purse, purse.outer, -1)
    assert.deepStrictEqual(users(), [1, 2, 1])
  })

  it("is short where one of them is, the innermost before the others", () => {
    const purse = chain({ dollars: 3 }, { tokens: 10 }, { dollars: 1 })
    assert.isUndefined(Purse.shortOf(purse, { ...dollars(1), tokens: 10 }, 0))
    assert.deepInclude(Purse.shortOf(purse, tokens(11), 0), { purse: purse.outer!, kind: "tokens" })
    assert.deepInclude(Purse.shortOf(purse, dollars(2), 0), { purse: purse.outer!.outer!, kind: "money" })
    assert.deepInclude(Purse.shortOf(purse, dollars(4), 0), { purse, kind: "money" })
  })

  it("tells which is the first that money has to be known for", () => {
    assert.isUndefined(Purse.limitedInMoney(chain({ tokens: 10 }, { tokens: 5 })))
    const purse = chain({ tokens: 10 }, { dollars: 5 }, { dollars: 1 })
    assert.strictEqual(Purse.limitedInMoney(purse), purse.outer!)
  })

  it.effect("shows what can be told on, as JSON", () =>
    Effect.gen(function*() {
      const state = yield* (yield* Budget.make({ tokens: 5 })).state
      const json = JSON.stringify(yield* Schema.encodeEffect(Budget.Snapshot)(state))
      assert.strictEqual(
        json,
        "{\"key\":\"default\",\"spent\":{\"dollars\":0,\"tokens\":0},\"held\":{\"dollars\":0,\"tokens\":0}}"
      )
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Budget.Snapshot)(JSON.parse(json)), state)
      const wrong = [{}, { ...state, spent: {} }, { ...state, held: {} }, { spent: state.spent, held: state.held }]
      for (const one of wrong) assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Budget.Snapshot)(one)))
    }))

  it.effect("is the same allowance however often it is looked up, and options are another each time", () =>
    Effect.gen(function*() {
      const budget = yield* Budget.make({ tokens: 5 })
      const look = (of: Budget.Budget | Budget.Limits) => Result.getOrThrow(Budget.pocketOf("it", of)).allowance
      assert.strictEqual(look(budget), look(budget))
      assert.strictEqual((yield* current.pipe(budget.protect))?.allowance, look(budget))
      const options = { tokens: 5 }
      assert.notStrictEqual(look(options), look(options))
    }))

  it.effect("takes the smallest and the largest there is", () =>
    Effect.gen(function*() {
      for (const options of [{ dollars: 1e-9 }, { dollars: 9_000_000 }, { tokens: 1 }]) yield* Budget.make(options)
      assert.strictEqual(allowance({ dollars: 9_000_000 }).limit.money, 9e15)
    }))

  const fromOneBillionth = "it has to be a number from 1e-9 to 9000000"
  it.effect.each<readonly [object, string, string, string]>([
    [{}, "dollars", "undefined", "it has to be said, or tokens, or both"],
    [{ dollars: 0 }, "dollars", "0", fromOneBillionth],
    [{ dollars: 9e-10 }, "dollars", "9e-10", fromOneBillionth],
    [{ dollars: 9_000_000.1 }, "dollars", "9000000.1", fromOneBillionth],
    [{ dollars: NaN }, "dollars", "NaN", fromOneBillionth],
    [{ dollars: "1" }, "dollars", "\"1\"", fromOneBillionth],
    [{ tokens: 0 }, "tokens", "0", "it has to be a whole number from 1 up"],
    [{ tokens: 5, cents: 1 }, "cents", "1", "there is no such option"]
  ])("refuses %j", ([options, field, value, rule]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Budget.make(options))
      assert.deepInclude(failure, { _tag: "InvalidConfiguration", subject: "Budget", field, value, rule })
      assert.throws(() => Budget.within(options), `Budget.within: ${field} is ${value}, but ${rule}`)
    }))

  it("stands in the explanation of a stack with what it allows", () => {
    const line = (options: Budget.Limits) => Policy.explain(Budget.within(options)).split("\n")[1]
    assert.strictEqual(line({ tokens: 5 }), "  1. budget: relayed calls inside spend at most 5 tokens")
    assert.strictEqual(line({ dollars: 0.5 }), "  1. budget: relayed calls inside spend at most $0.50")
    assert.strictEqual(
      line({ dollars: 0.5, tokens: 5 }),
      "  1. budget: relayed calls inside spend at most $0.50 and 5 tokens"
    )
  })
})

describe("BudgetExceeded", () => {
  const spent = allowance({ dollars: 2, tokens: 50 })
  Allowance.settle(spent, Allowance.nothing, { money: 500_000_000, tokens: 20 }, 0)
  const pocket = { allowance: spent, owner: undefined }

  it("tells what is left, of which limit, and what is needed, in its unit", () => {
    assert.deepInclude(BudgetExceeded.make("a", pocket, "money", 1_600_000_000, 0), {
      endpoint: "a",
      of: "dollars",
      limit: 2,
      left: 1.5,
      needed: 1.6,
      message: "the budget of $2.00 has $1.50 left, and the call may take $1.60 at endpoint \"a\"",
      attempts: []
    })
    assert.deepInclude(BudgetExceeded.make("a", pocket, "tokens", 31, 0), {
      of: "tokens",
      limit: 50,
      left: 30,
      needed: 31,
      message: "the budget of 50 tokens has 30 tokens left, and the call may take 31 tokens at endpoint \"a\""
    })
  })

  it.effect("crosses a wire and comes back as it was", () =>
    Effect.gen(function*() {
      for (
        const failure of [
          BudgetExceeded.make("a", pocket, "money", 5, 0),
          BudgetExceeded.make("a", pocket, "tokens", 31, 0),
          BudgetExceeded.make("a", pocket, "money", undefined, 0)
        ]
      ) {
        const wire = JSON.stringify(yield* Schema.encodeEffect(Budget.BudgetExceeded)(failure))
        const back = yield* Schema.decodeUnknownEffect(Budget.BudgetExceeded)(JSON.parse(wire))
        assert.deepStrictEqual({ ...back }, { ...failure })
        assert.deepStrictEqual([back._tag, back.name], ["BudgetExceeded", "BudgetExceeded"])
      }
      const strange = { _tag: "BudgetExceeded", endpoint: "a", of: "euros", limit: 1, left: 1, attempts: [] }
      assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Budget.BudgetExceeded)(strange)))
    }))

  it("says when nobody knows what is needed", () => {
    const failure = BudgetExceeded.make("a", pocket, "money", undefined, 0)
    assert.notProperty(failure, "needed")
    assert.strictEqual(
      failure.message,
      "the budget of $2.00 has $1.50 left, and endpoint \"a\" has no prices: nobody can say what the call costs there"
    )
  })
})
