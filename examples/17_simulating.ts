/**
 * Simulating: a set-up of your own lives through a day before it has to, in a second or two.
 *
 * Nothing of the relay is mocked. The endpoints below it are slow, limited and broken by chance, time is virtual, and every
 * draw belongs to a request: two configurations meet the very same day, so what differs is what they differ by.
 */
import { Console, Effect, Layer } from "effect"
import { RelayService } from "effect-relay"
import { SimulatedAccount, SimulatedEndpoint, Traffic, VirtualTime } from "effect-relay/testing"
import assert from "node:assert/strict"

// --- what you know, or fear, of your endpoints: this one answers everything in the early afternoon, and slowly
const swift = SimulatedEndpoint.make("swift", {
  account: SimulatedAccount.make("acme", { requestsPerMinute: 60, burst: 10 }),
  latency: { median: "400 millis", sigma: 0.4 },
  incidents: [{ from: "12 hours", lasts: "2 hours", latencyFactor: 15 }]
}, { limits: { requestsPerMinute: 60 }, prices: { inputPerMillion: 1, outputPerMillion: 2 } })

const dear = SimulatedEndpoint.make("dear", {
  latency: { median: "900 millis", sigma: 0.4, stragglers: { share: 0.01, factor: 5 } }
}, { tier: 1, prices: { inputPerMillion: 5, outputPerMillion: 15 } })

// --- who asks, and what
const traffic = Traffic.make({ seed: 1, perDay: 4_000, unique: 0.5, questions: 1_000 })

/** A day with a relay that is set up like this. */
const live = (options: Partial<RelayService.Options>) =>
  Effect.gen(function*() {
    const relay = yield* RelayService.RelayService
    const world = yield* SimulatedEndpoint.World
    const latencies: Array<number> = []
    let failed = 0
    yield* Traffic.play(traffic, ({ question }) =>
      relay.chat(
        { model: "small", temperature: 0, messages: [{ role: "user", content: `Question ${question}` }] },
        { tenant: "acme", deadline: "30 seconds" }
      ).pipe(
        Effect.match({
          onSuccess: ({ meta }) => latencies.push(meta.latency),
          onFailure: () => failed++
        })
      ))
    const [cheap, costly] = world.tallies()
    latencies.sort((a, b) => a - b)
    const quantile = (share: number): number => Math.round(latencies[Math.floor(share * latencies.length)]!)
    return {
      failed,
      p50: quantile(0.5),
      p99: quantile(0.99),
      elsewhere: costly!.sent,
      dollars: Number((cheap!.cost + costly!.cost).toFixed(2))
    }
  }).pipe(
    Effect.provide(
      RelayService.layerDefault({ endpoints: [swift.endpoint, dear.endpoint], ...options }).pipe(
        Layer.provideMerge(SimulatedEndpoint.layer([swift, dear], { seed: 1 }))
      )
    ),
    (day) => VirtualTime.run(day, { seed: 1, promises: false })
  )

const program = Effect.gen(function*() {
  yield* Console.log(`${traffic.times.length} requests in a day`)
  const asItIs = yield* live({})
  yield* Console.log("as it is: ", asItIs)

  // few calls a minute: what is held against an endpoint has to be remembered longer than from one call to the next
  const forgetful = yield* live({
    endpoints: [{ ...swift.endpoint, circuitBreaker: { forgetAfter: "15 seconds" } }, dear.endpoint]
  })
  yield* Console.log("forgetting sooner: ", forgetful)

  assert.ok(asItIs.p99 < forgetful.p99)
  yield* Console.log("Lesson: let a configuration live through a bad day of your own before you ship it.")
})

await Effect.runPromise(program)
