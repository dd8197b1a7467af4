/** What a relay reports of the tokens and the money that its calls took. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { type Endpoint, Money, RelayService, Retry, UsageReport } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Hearing from "./Hearing.ts"
import * as Trial from "./Trial.ts"

const { answer, fault, make, status, stream } = ScriptedEndpoint

const dear: Endpoint.Prices = { inputPerMillion: 1, outputPerMillion: 2 }

/** Ten tokens and five more, at dear prices. */
const took = 20_000n

const report = Effect.flatMap(RelayService.RelayService, ({ usage }) => usage)

const brief = Effect.map(
  report,
  (rows) =>
    rows.map(({ attempts, calls, cost, day, endpoint, failed, hits, model, tenant }) =>
      [day, tenant, endpoint, model, { calls, hits, attempts, failed, cost: Number(cost) }] as const
    )
)

const ask = (model: string, options?: RelayService.ChatOptions) => Trial.chat(options, { ...Trial.hi, model })

const two = (options?: Trial.Options) =>
  Effect.provide(Trial.over([
    make("a", [answer("Hello.")], { models: { good: "m-1", quick: "m-2" }, prices: { good: dear, quick: dear } })
  ], options))

describe("the usage of a relay", () => {
  it.effect("stands by tenant, endpoint, the endpoint's name for the model, and the day in UTC", () =>
    Effect.gen(function*() {
      yield* ask("good", { tenant: "acme" })
      yield* ask("good", { tenant: "acme" })
      yield* ask("quick", { tenant: "acme" })
      yield* ask("good")
      yield* Trial.pass("23 hours")
      yield* ask("good", { tenant: "acme" })
      yield* Trial.pass("1 hour")
      yield* ask("good", { tenant: "acme" })
      const one = { calls: 1, hits: 0, attempts: 1, failed: 0, cost: 20_000 }
      assert.deepStrictEqual(yield* brief, [
        ["1970-01-01", "acme", "a", "m-1", { ...one, calls: 3, attempts: 3, cost: 60_000 }],
        ["1970-01-01", "acme", "a", "m-2", one],
        ["1970-01-01", undefined, "a", "m-1", one],
        ["1970-01-02", "acme", "a", "m-1", one]
      ])
      const rows = yield* report
      assert.deepStrictEqual(
        Array.from(UsageReport.by(rows, "tenant"), ([tenant, { calls, cost }]) => [tenant, calls, Money.format(cost)]),
        [["acme", 5, "$0.0001"], [undefined, 1, "$0.00002"]]
      )
      assert.deepInclude(UsageReport.total(rows), { calls: 6, cost: 6n * took })
      assert.strictEqual(UsageReport.total(rows).tokens.total, 90n)
    }).pipe(two()))

  it.effect("counts failed attempts at what came of them, and tells what nobody counted and nobody can price", () =>
    Effect.gen(function*() {
      yield* Trial.chat()
      const [down, rude, free] = yield* report
      assert.deepInclude(down, { endpoint: "down", calls: 0, attempts: 1, failed: 1, cost: 0n, unpriced: 0 })
      assert.deepInclude(rude, { endpoint: "rude", calls: 0, attempts: 1, failed: 1, cost: took })
      assert.deepInclude(free, { endpoint: "free", calls: 1, failed: 0, cost: 0n, unpriced: 1, estimated: 1 })
      assert.isTrue(free!.tokens.total > 4000n)
    }).pipe(Effect.provide(Trial.over([
      make("down", [status(500)], { prices: dear }),
      make("rude", [answer("No!")], { prices: dear, tier: 1, validate: () => "too rude" }),
      make("free", [answer("Yes.", { inputTokens: 0, outputTokens: 0 })], { tier: 2 })
    ]))))

  it.effect("says of an answer that nobody counted what it saved in tokens, and of no money", () =>
    Effect.gen(function*() {
      const uncounted = Trial.chat({ tenant: "acme", cache: true })
      yield* uncounted
      yield* uncounted
      const [row] = yield* report
      assert.strictEqual(row!.hits, 1)
      assert.isAbove(Number(row!.saved.tokens), 0)
      assert.strictEqual(row!.saved.cost, 0n)
    }).pipe(Effect.provide(Trial.over([
      make("a", [
        ScriptedEndpoint.body(JSON.stringify({ choices: [{ message: { content: "Yes." }, finish_reason: "stop" }] }))
      ], { prices: dear })
    ]))))

  it.effect("counts what a cache answers as calls that cost nothing, and what they saved", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 4; call++) yield* ask("good", { tenant: "acme", cache: true })
      const [row] = yield* report
      assert.deepInclude(row, { calls: 4, hits: 3, attempts: 1, cost: took, model: "m-1" })
      assert.deepStrictEqual(row!.saved, { tokens: 45n, cost: 3n * took })
    }).pipe(two()))

  it.effect("counts streams, requests, operations, and copies that lost", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      yield* Hearing.whole({ tenant: "s" })
      yield* Trial.play("a", answer("Hello."))
      yield* relay.send({ method: "POST", path: "/chat/completions", body: JSON.stringify(Trial.hi) }, { tenant: "t" })
      yield* relay.execute(() => Effect.succeed(1), { tenant: "u" })
      const rows = yield* report
      assert.deepStrictEqual(rows.map(({ calls, cost, model, tenant }) => [tenant, model, calls, cost]), [
        ["s", "any", 1, 16_000n],
        ["t", "any", 1, took],
        ["u", undefined, 1, 0n]
      ])
    }).pipe(Effect.provide(Trial.over([make("a", [stream(["One ", "two ", "three."])], { prices: dear })]))))

  it.effect("has each of the copies of a call as an attempt, and the call once", () =>
    Effect.gen(function*() {
      const fiber = yield* Trial.start(Trial.chat())
      yield* Trial.pass("20 seconds")
      yield* Fiber.join(fiber)
      assert.deepInclude(UsageReport.total(yield* report), { calls: 1, attempts: 2, failed: 1, cost: took })
    }).pipe(Effect.provide(Trial.over(
      ["a", "b"].map((id) => make(id, [answer("Hello.", { delay: "5 seconds" })], { prices: dear })),
      { hedge: { delay: "1 second", maxExtraLoad: 1, burst: 10 } }
    ))))

  it.effect("adds up, whatever has no room for a row of its own", () =>
    Effect.gen(function*() {
      for (const tenant of ["a", "b", "c", "d"]) yield* ask("good", { tenant })
      assert.deepStrictEqual((yield* brief).map(([, tenant, endpoint]) => [tenant, endpoint]), [
        ["a", "a"],
        ["b", "a"],
        ["(others)", "(others)"]
      ])
      assert.deepInclude(UsageReport.total(yield* report), { calls: 4, cost: 4n * took })
      yield* Trial.pass("1 day")
      for (const tenant of ["e", "f", "g"]) yield* ask("good", { tenant })
      assert.deepStrictEqual((yield* brief).map(([day, tenant, , , { calls }]) => [day, tenant, calls]), [
        ["1970-01-01", "(others)", 4],
        ["1970-01-02", "e", 1],
        ["1970-01-02", "f", 1],
        ["1970-01-02", "(others)", 1]
      ])
      yield* Trial.pass("1 day")
      yield* ask("good", { tenant: "e" })
      yield* Trial.pass("1 day")
      yield* ask("good", { tenant: "e" })
      assert.deepStrictEqual(
        Array.from(UsageReport.by(yield* report, "day"), ([day, { calls }]) => [day, calls]),
        [["1970-01-03", 1], ["1970-01-04", 1]]
      )
    }).pipe(two({ usage: { maxRows: 2, days: 2 } })))

  it.effect("crosses boundaries, exact as it is", () =>
    Effect.gen(function*() {
      yield* ask("good")
      const rows = yield* report
      const json = JSON.stringify(yield* Schema.encodeEffect(Schema.Array(UsageReport.Row))(rows))
      assert.include(json, "\"cost\":\"20000\"")
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Schema.Array(UsageReport.Row))(JSON.parse(json)), rows)
    }).pipe(two()))

  it.effect("has an attempt that was interrupted, and nothing for one that was never sent", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* RelayService.RelayService
      const fiber = yield* Trial.start(Trial.chat())
      yield* Fiber.interrupt(fiber)
      yield* endpoints.isolate("a")
      yield* Trial.failure()
      assert.deepInclude(UsageReport.total(yield* report), { calls: 0, attempts: 1, failed: 1, cost: 0n })
    }).pipe(Effect.provide(Trial.over([make("a", [fault("silence")], { prices: dear })], { retry: Retry.none }))))

  it.effect.each<readonly [object, string]>([[{ maxRows: 0 }, "maxRows"], [{ days: 1001 }, "days"], [
    { rows: 1 },
    "rows"
  ]])(
    "remembers nothing that is %j",
    ([usage, field]) =>
      Effect.gen(function*() {
        const failure = yield* Effect.flip(Effect.void.pipe(two({ usage })))
        assert.deepInclude(failure, { subject: "RelayService.usage", field })
      })
  )
})
