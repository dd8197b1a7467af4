/** Budgets of a relay: of all its calls, of each tenant, of each label; and that every attempt is charged once, in all of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { Attempt, Budget, type Endpoint, Money, RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status, stream } = ScriptedEndpoint

const dear: Endpoint.Prices = { inputPerMillion: 1, outputPerMillion: 2 }

/** At most 300 millionths of a dollar, and 20 in the end. */
const question = { model: "any", messages: [{ role: "user", content: "x".repeat(400) }], max_tokens: 100 }
const most = 0.0003
const took = 0.000_02

const over = (budgets: NonNullable<RelayService.Options["budgets"]>) =>
  Effect.provide(Trial.over([make("a", [answer("Hello.")], { prices: dear })], { budgets, retry: Retry.none }))

const chat = (options?: RelayService.ChatOptions) => Trial.chat(options, question)
const refusal = (options?: RelayService.ChatOptions) => Trial.failure(options, question)

describe("a relay with budgets", () => {
  it.effect("refuses a tenant that has spent its own, and nobody else", () =>
    Effect.gen(function*() {
      yield* chat({ tenant: "acme", cache: false })
      assert.deepInclude(yield* refusal({ tenant: "acme", cache: false }), {
        _tag: "BudgetExceeded",
        key: "acme",
        endpoint: "a",
        left: most - took,
        needed: most
      })
      yield* chat({ tenant: "other", cache: false })
      assert.deepStrictEqual(yield* Trial.counts("a"), [2])
    }).pipe(over({ perTenant: { dollars: most } })))

  it.effect("takes calls without a tenant for those of one more", () =>
    Effect.gen(function*() {
      yield* chat()
      assert.deepInclude(yield* refusal({ tenant: "" }), { _tag: "BudgetExceeded", key: "(none)" })
      yield* chat({ tenant: "acme" })
    }).pipe(over({ perTenant: { dollars: most } })))

  it.effect("holds to the budget of a label only what has it", () =>
    Effect.gen(function*() {
      yield* chat({ label: "summaries" })
      assert.deepInclude(yield* refusal({ label: "summaries" }), { _tag: "BudgetExceeded", key: "summaries" })
      for (const label of [undefined, "", "search"]) yield* chat({ label })
    }).pipe(over({ perLabel: { tokens: 200 } })))

  it.effect("sets aside in all that apply, the call's own before the others", () =>
    Effect.gen(function*() {
      const state = (budget: Budget.Budget) => Effect.map(budget.state, ({ spent }) => spent.dollars)
      const [total, perTenant] = [yield* Budget.make({ dollars: 1 }), yield* Budget.make({ dollars: 1 })]
      yield* perTenant.configure("poor", { dollars: most / 2 })
      yield* Effect.gen(function*() {
        yield* chat({ tenant: "acme", label: "x", budget: { dollars: most } })
        assert.deepInclude(yield* refusal({ tenant: "poor" }), { key: "poor", limit: most / 2 })
        assert.notProperty(yield* refusal({ tenant: "poor", budget: { dollars: most / 3 } }), "key")
      }).pipe(over({ total, perTenant, perLabel: { dollars: 1 } }))
      assert.deepStrictEqual([yield* state(total), yield* state(perTenant.at("acme"))], [took, took])
    }))

  it.effect("says when a window gives back what is needed, and never waits for it", () =>
    Effect.gen(function*() {
      yield* chat({ tenant: "acme", cache: false })
      const before = yield* Trial.now
      const failure = yield* refusal({ tenant: "acme", cache: false })
      assert.strictEqual(yield* Trial.now, before)
      assert(failure._tag === "BudgetExceeded")
      yield* TestClock.adjust(failure.retryAfter!)
      yield* chat({ tenant: "acme", cache: false })
    }).pipe(over({ perTenant: { dollars: most, per: "1 hour" } })))

  it.effect("holds streams, requests and what operations relay to the same budget", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      const options = { tenant: "acme" }
      yield* chat({ ...options, cache: false })
      assert.strictEqual(Hearing.failureOf(yield* Hearing.whole(options, question))._tag, "BudgetExceeded")
      const sent = relay.send({ method: "POST", path: "/chat/completions", body: JSON.stringify(question) }, options)
      assert.strictEqual((yield* Effect.flip(sent))._tag, "BudgetExceeded")
      const nested = relay.execute(() => chat({ tenant: "other" }), options)
      assert.strictEqual((yield* Effect.flip(nested))._tag, "BudgetExceeded")
    }).pipe(over({ perTenant: { dollars: most } })))

  it.effect("stands in an explanation", () =>
    Effect.gen(function*() {
      yield* chat({ tenant: "acme", cache: false })
      const relay = yield* RelayService.RelayService
      const { candidates } = yield* relay.explain(question, { tenant: "acme" })
      assert.deepInclude(candidates[0], { standing: "Refused", refusal: "BudgetExceeded" })
    }).pipe(over({ perTenant: { dollars: most } })))

  it.effect.each<readonly [object, string]>([
    [{ perTenant: { dollars: -1 } }, "perTenant.dollars"],
    [{ perTenant: {} }, "perTenant.dollars"],
    [{ total: 7 }, "total"],
    [{ perDay: { dollars: 1 } }, "perDay"]
  ])("refuses %j", ([budgets, field]) =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.void.pipe(over(budgets)))
      assert.deepInclude(failure, { subject: "RelayService.budgets", field })
    }))
})

const runs = 24

const below = (limit: number) => Effect.map(Random.next, (random) => Math.floor(random * limit))
const oneOf = <A>(values: ReadonlyArray<A>) => Effect.map(below(values.length), (index) => values[index]!)

const step = Effect.flatMap(below(4000), (delay) =>
  oneOf<ScriptedEndpoint.Step>([
    answer("Hello.", { delay }),
    answer("Hello.", { delay: 0 }),
    // of the most that was set aside nothing is left
    answer("Hello.", { delay, inputTokens: 100, outputTokens: 100 }),
    answer("Rude!", { delay }),
    answer("Hello.", { inputTokens: 0, outputTokens: 0 }),
    status(500),
    fault("silence"),
    stream(["One ", "two ", "three."], { delay, between: "300 millis" }),
    stream(["One ", "two "], { end: "reset", between: "300 millis" })
  ]))

const spentBy = ({ spent }: Budget.Snapshot): number => Money.fromDollars(spent.dollars)

describe("every interleaving of calls", () => {
  it.effect(
    "charges each attempt once, in every budget that applies, and overspends none of them",
    () =>
      Effect.gen(function*() {
        let refusals = 0
        let wasted = 0
        for (let seed = 0; seed < runs; seed++) {
          yield* Effect.gen(function*() {
            const limits = { total: 0.003, tenant: 0.0012 }
            const total = yield* Budget.make({ dollars: limits.total })
            const perTenant = yield* Budget.make({ dollars: limits.tenant })
            const scripts = yield* Effect.forEach(
              ["a", "b"],
              (id) =>
                Effect.map(
                  Effect.forEach(Array.from({ length: 40 }), () => step),
                  (steps) =>
                    make(id, steps as [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>], {
                      prices: dear,
                      validate: ({ text }) => text === "Rude!" ? "too rude" : undefined
                    })
                )
            )
            yield* Effect.gen(function*() {
              const heard = yield* Trial.listen
              const fibers = yield* Effect.forEach(Array.from({ length: 30 }), () =>
                Trial.start(Effect.gen(function*() {
                  yield* Effect.sleep(yield* below(8000))
                  const tenant = yield* oneOf(["x", "y", "z"])
                  const isStream = (yield* below(3)) === 0
                  const call: Effect.Effect<unknown, unknown, RelayService.RelayService> = isStream
                    ? Hearing.whole({ tenant, deadline: "6 seconds" }, question)
                    : chat({ tenant, cache: false, deadline: "6 seconds" })
                  const fiber = yield* Trial.start(Effect.exit(call))
                  if ((yield* below(4)) === 0) {
                    yield* Effect.sleep(yield* below(2000))
                    yield* Fiber.interrupt(fiber)
                  }
                  const exit = yield* Fiber.await(fiber)
                  if (JSON.stringify(exit).includes("BudgetExceeded")) refusals++
                })))
              for (let tick = 0; tick < 300; tick++) {
                yield* Trial.pass("50 millis")
                for (
                  const [budget, limit] of [
                    [total, limits.total],
                    ...["x", "y", "z"].map((key) => [perTenant.at(key), limits.tenant] as const)
                  ] as const
                ) {
                  const { held, spent } = yield* budget.state
                  assert.isAtMost(
                    Money.fromDollars(held.dollars) + Money.fromDollars(spent.dollars),
                    Money.fromDollars(limit)
                  )
                }
              }
              yield* Effect.forEach(fibers, Fiber.join)
              const attempts = heard.flatMap((event) => event._tag === "AttemptEnded" ? [event.attempt] : [])
              wasted += attempts.filter(({ cost = 0, outcome }) => outcome !== "Success" && cost > 0).length
              const states = yield* perTenant.states
              const [inAll, ofTenants] = [
                spentBy(yield* total.state),
                states.reduce((sum, one) => sum + spentBy(one), 0)
              ]
              // reserved less refunded is what the attempts say they took
              assert.deepStrictEqual([inAll, ofTenants], [Attempt.costOf(attempts), Attempt.costOf(attempts)])
              for (const { held } of [yield* total.state, ...states]) {
                assert.deepStrictEqual(held, { dollars: 0, tokens: 0 })
              }
            }).pipe(Effect.provide(Trial.over(scripts, {
              budgets: { total, perTenant },
              attemptTimeout: "3 seconds",
              stream: { afterCommit: "restart", firstTokenTimeout: "3 seconds", idleTimeout: "2 seconds" },
              hedge: seed % 2 === 0 ? "off" : { delay: "300 millis", maxExtraLoad: 1, burst: 50 }
            })))
          }).pipe(Random.withSeed(seed), Effect.scoped, Effect.provide(TestClock.layer()))
        }
        assert.isAbove(refusals, 30)
        assert.isAbove(wasted, 30)
      }),
    60_000
  )
})
