import { assert, describe, it, vi } from "@effect/vitest"
import { Effect, Layer, Random } from "effect"
import { Balance, Bulkhead, CircuitBreaker, type Endpoint, RateLimiter } from "effect-relay"
import { Fitness } from "../../src/endpoint/Fitness.ts"
import { GuardedEndpoint } from "../../src/endpoint/GuardedEndpoint.ts"
import * as Registry from "../../src/endpoint/Registry.ts"
import * as Choice from "../../src/relay/Choice.ts"
import * as Route from "../../src/relay/Route.ts"

const policies = Layer.mergeAll(
  CircuitBreaker.layer({ maxKeys: 20_000 }),
  Bulkhead.layer({ maxKeys: 20_000 }),
  RateLimiter.layer({ maxKeys: 20_000 })
)

const over = Effect.fnUntraced(function*(endpoints: ReadonlyArray<Endpoint.Options>) {
  const registry = Registry.make({
    accounts: new Map(),
    policies: {
      breaker: yield* CircuitBreaker.CircuitBreaker,
      bulkhead: yield* Bulkhead.Bulkhead,
      limiter: yield* RateLimiter.RateLimiter
    },
    fitness: { latency: { decay: 10_000, slowFactor: 3, slowFloor: 1000, warmup: 20 }, slowStart: 30_000 },
    peers: {
      decay: 30_000,
      verdicts: {
        outlier: { evidence: 20, failureGap: 0.2, latencyFactor: 5, latencyFloor: 1000 },
        demotion: { lasts: 30_000, maxShare: 0.5, panicBelow: 0.5 }
      }
    },
    onChange: () => {}
  })
  for (const endpoint of endpoints) yield* registry.add(endpoint)
  return registry
})

/** Which endpoints anything is asked of, while `whether` says if each is degraded. */
const watch = (whether: boolean) => {
  const looked = new Set<Fitness>()
  const note = <A>(value: A) =>
    function(this: Fitness): A {
      looked.add(this)
      return value
    }
  const spies = [
    vi.spyOn(GuardedEndpoint.prototype, "isDegraded").mockImplementation(function(this: GuardedEndpoint) {
      looked.add(this.fitness)
      return whether
    }),
    vi.spyOn(Fitness.prototype, "load").mockImplementation(note(1)),
    vi.spyOn(Fitness.prototype, "crowd").mockImplementation(note(1)),
    vi.spyOn(Fitness.prototype, "latency").mockImplementation(note(1)),
    vi.spyOn(Fitness.prototype, "warmth").mockImplementation(note(0.5)),
    vi.spyOn(Fitness.prototype, "inFlight", "get").mockImplementation(note(0))
  ]
  return { looked, stop: () => spies.forEach((spy) => spy.mockRestore()) }
}

/** The most endpoints that one of fifty choices looks at. */
const mostLooks = (
  registry: Registry.Registry,
  balance: Balance.Balance,
  isDegraded: boolean,
  tried: ReadonlySet<GuardedEndpoint>
) =>
  Effect.map(Random.Random, (random) => {
    const strategy = Balance.toStrategy(balance)
    const { looked, stop } = watch(isDegraded)
    let most = 0
    try {
      for (let call = 0; call < 50; call++) {
        const wish: Choice.Wish = { ...Choice.noWish, affinity: `call ${call}`, input: call * 10, output: 500 }
        looked.clear()
        const target = Route.next(registry.candidates(undefined), tried, call, random, strategy, wish)
        assert.strictEqual(target === undefined, tried.size > 0)
        most = Math.max(most, looked.size)
      }
    } finally {
      stop()
    }
    return most
  })

const first: Balance.Choose = ([candidate]) => candidate

const ways: ReadonlyArray<readonly [string, Balance.Balance]> = [
  ...Balance.names.map((name) => [name, name] as const),
  ["the cheapest that is fast enough", { cheapest: { maxAddedLatency: "1 second" } }],
  ["a function", first]
]

const described = (index: number): Endpoint.Options => ({
  id: `endpoint-${index}`,
  weight: 1 + index % 7,
  prices: { inputPerMillion: 1 + index % 90, outputPerMillion: 1 + index % 110 }
})

describe("a choice among ten thousand", () => {
  it.effect("looks at a few endpoints, whatever the strategy; at a bounded number when all are degraded or tried", () =>
    Effect.gen(function*() {
      const registry = yield* over(Array.from({ length: 10_000 }, (_, index) => described(index)))
      const [tier] = registry.candidates(undefined)
      for (const [name, balance] of ways) {
        const few = yield* mostLooks(registry, balance, false, new Set())
        assert.isAtMost(few, 12, `${name}, all well`)
        const bounded = yield* mostLooks(registry, balance, true, new Set())
        // one pass over those that are not degraded, and a few more looks in the one over the rest
        assert.isAtMost(bounded, Choice.maxLooks + 20, `${name}, all degraded`)
        const none = yield* mostLooks(registry, balance, false, new Set(tier))
        assert.isAtMost(none, 2 * Choice.maxLooks + 40, `${name}, all tried`)
      }
    }).pipe(Effect.provide(policies), Random.withSeed("looks")))

  it.effect("goes through the endpoints once for what many calls need, and not again", () =>
    Effect.gen(function*() {
      const registry = yield* over(Array.from({ length: 50 }, (_, index) => ({
        id: `endpoint-${index}`,
        baseUrl: "http://host/v1",
        capabilities: { contextWindow: 1000 * (1 + index % 3), tools: index % 2 === 0 }
      })))
      const draining = vi.spyOn(GuardedEndpoint.prototype, "isDraining", "get")
      const ask = (bits: number, tokens: number) => registry.candidates("m", { bits, tokens })
      const found = [ask(0, 10), ask(0, 1500), ask(1, 10), ask(1, 2500), ask(1, 9999)]
      const before = draining.mock.calls.length
      assert.strictEqual(ask(0, 999), found[0])
      assert.strictEqual(ask(0, 1001), found[1])
      assert.strictEqual(ask(0, 2000), found[1])
      assert.strictEqual(ask(1, 1000), found[2])
      assert.strictEqual(ask(1, 3000), found[3])
      assert.strictEqual(ask(1, 3001), found[4])
      assert.strictEqual(draining.mock.calls.length, before)
      draining.mockRestore()
      assert.deepStrictEqual(found.map((tiers) => tiers[0]?.length ?? 0), [50, 33, 25, 8, 0])
    }).pipe(Effect.provide(policies)))
})
