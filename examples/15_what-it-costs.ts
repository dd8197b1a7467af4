/**
 * What it costs: a month of 2.3 million requests a day at 500 tokens, with each model of the price table; then a budget that
 * holds, and the report of who spent what.
 *
 * The estimate is computed from the table, in whole nanodollars. How much of the 500 tokens is question and how much is
 * answer decides more than the model does, so it is a parameter. Prices change: look at the day of the table.
 */
import { Console, Effect, Layer } from "effect"
import { Money, Prices, PriceTable, RelayService, UsageReport } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const perDay = 2_300_000n
const days = 30n
const tokens = { input: 400, output: 100, total: 500 }

/** Of a thousand requests, so many are answered by the cache. */
const cached = 342n

const thousands = (dollars: bigint): string => String(dollars).replace(/\B(?=(\d{3})+$)/g, ",")

const dollars = (nanodollars: bigint): string => `$${thousands((nanodollars + 500_000_000n) / 1_000_000_000n)}`

const estimate = Effect.gen(function*() {
  yield* Console.log(
    `${thousands(perDay)} requests a day, ${tokens.input} tokens and ${tokens.output} more for the answer`
  )
  yield* Console.log(
    `by the prices of ${PriceTable.listed.asOf}, for ${days} days, without a cache and with 34.2% from it:`
  )
  const rows = Object.entries(PriceTable.listed.models)
    .map(([model, prices]) => ({ model, each: Prices.cost(prices, tokens) }))
    .sort((a, b) => a.each - b.each)
  for (const { each, model } of rows) {
    const month = BigInt(each) * perDay * days
    const rest = month * (1000n - cached) / 1000n
    yield* Console.log(`  ${model.padEnd(22)} ${dollars(month).padStart(10)} ${dollars(rest).padStart(10)}`)
  }
})

const openai = ScriptedEndpoint.make(
  "openai",
  [ScriptedEndpoint.answer("Yes.", { inputTokens: 400, outputTokens: 100 })],
  { models: { small: "gpt-4o-mini" }, prices: PriceTable.listed }
)

const RelayLive = RelayService.layerDefault({
  endpoints: [openai.endpoint],
  health: "off",
  budgets: { perTenant: { dollars: 0.001, per: "1 day" } }
}).pipe(Layer.provide(ScriptedEndpoint.layer(openai)))

const program = Effect.gen(function*() {
  yield* estimate

  const relay = yield* RelayService.RelayService
  const messages = [{ role: "user", content: "x".repeat(1600) }]
  const ask = (tenant: string) => relay.chat({ model: "small", messages, max_tokens: 100 }, { tenant })

  const { meta } = yield* ask("acme")
  yield* Console.log(
    `One request cost ${Money.format(meta.cost!)}: ${meta.usage[0]!.tokens.total} tokens of ${meta.model}.`
  )

  // a tenth of a cent a day is enough for eight of them
  const calls = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.result(ask("acme")), {
    concurrency: "unbounded"
  })
  const refused = calls.flatMap((call) => call._tag === "Failure" ? [call.failure] : [])
  yield* Console.log(`Of 20 more at once ${refused.length} were not sent: ${refused[0]!.message}`)

  yield* ask("other")
  for (const [tenant, { calls, cost }] of UsageReport.by(yield* relay.usage, "tenant")) {
    yield* Console.log(`  ${tenant}: ${calls} calls, ${Money.format(cost)}`)
  }
  yield* Console.log(
    "Lesson: money is counted in whole numbers, set aside before it is spent, and told with every answer."
  )
})

await Effect.runPromise(Effect.provide(program, RelayLive))
