/**
 * Routing: who is asked, among endpoints that differ in what they can, what they cost and how they are.
 *
 * Tiers come first, degraded endpoints last, and inside a tier the relay's `balance` decides: by expected wait unless told
 * otherwise. What an endpoint says it cannot do, it is not asked.
 */
import { Console, Effect, Layer } from "effect"
import { type Balance, type ChatRequest, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const { answer, make } = ScriptedEndpoint

const swift = make("swift", [answer("Swift.", { delay: "5 millis" })], {
  prices: { inputPerMillion: 4, outputPerMillion: 12 }
})
const cheap = make("cheap", [answer("Cheap.", { delay: "15 millis" })], {
  prices: { inputPerMillion: 1, outputPerMillion: 2 },
  capabilities: { tools: false, contextWindow: 4_000 }
})
const spare = make("spare", [answer("Spare.")], { tier: 1 })

const ask = Effect.fnUntraced(function*(more: object, options?: RelayService.ChatOptions) {
  const relay = yield* RelayService.RelayService
  const request: ChatRequest.ChatRequest = { model: "any", messages: [{ role: "user", content: "Who?" }], ...more }
  return yield* relay.chat(request, options).pipe(
    Effect.map(({ meta }) => meta.endpoint),
    Effect.catch((failure) => Effect.succeed(`nobody: ${failure.message}`))
  )
})

/** How many of twenty calls, four at a time, go to each. */
const shares = Effect.gen(function*() {
  const asked = yield* Effect.all(Array.from({ length: 20 }, () => ask({})), { concurrency: 4 })
  return ["swift", "cheap", "spare"].map((id) => `${id} ${asked.filter((one) => one === id).length}`).join(", ")
})

/** Runs a program over a relay that shares calls in this way, with endpoints that begin anew. */
const by = <A>(balance: Balance.Balance, program: Effect.Effect<A, never, RelayService.RelayService>) =>
  program.pipe(Effect.provide(
    RelayService.layerDefault({
      endpoints: [swift.endpoint, cheap.endpoint, spare.endpoint],
      health: "off",
      balance
    }).pipe(Layer.provide(ScriptedEndpoint.layer(swift, cheap, spare)))
  ))

const program = Effect.gen(function*() {
  yield* Console.log(`by expected wait: ${yield* by("peakEwma", shares)}`)
  yield* Console.log(`one after the other: ${yield* by("roundRobin", shares)}`)
  yield* Console.log(`by price: ${yield* by("cheapest", shares)}`)
  yield* Console.log(
    `by affinity: ${yield* by("sticky", Effect.forEach([1, 2, 3], () => ask({}, { affinity: "Ada" })))}`
  )
  yield* Console.log(`of my own: ${yield* by((candidates) => candidates.find(({ id }) => id === "swift"), shares)}`)

  const tools = [{ type: "function", function: { name: "now" } }]
  yield* Console.log(`with tools, by price: ${yield* by("cheapest", ask({ tools }))}`)
  yield* Console.log(`with room for a book, by price: ${yield* by("cheapest", ask({ max_tokens: 50_000 }))}`)
  const onlyCheap = Effect.gen(function*() {
    const { endpoints } = yield* RelayService.RelayService
    yield* Effect.orDie(Effect.andThen(endpoints.remove("swift"), endpoints.remove("spare")))
    return yield* ask({ tools })
  })
  yield* Console.log(`with tools, where nobody takes them: ${yield* by("cheapest", onlyCheap)}`)
  yield* Console.log(
    "Lesson: say what endpoints can, cost and weigh; who is asked follows, and each choice is as cheap as any."
  )
})

await Effect.runPromise(program)
