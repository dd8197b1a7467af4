import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { RelayService } from "effect-relay"
import { Luck, SimulatedAccount, SimulatedEndpoint, SimulatedWorld, VirtualTime } from "effect-relay/testing"
import type * as RelayError from "../../src/relay/RelayError.ts"

const { make } = SimulatedEndpoint

const sure = { median: "100 millis", sigma: 0 } as const

const worldOf = (...endpoints: ReadonlyArray<SimulatedEndpoint.SimulatedEndpoint>) =>
  new SimulatedWorld.SimulatedWorld(1, endpoints)

/** What a thousand requests meet, by kind. */
const kindsOf = (world: SimulatedWorld.SimulatedWorld, at: number) => {
  const kinds: Record<string, number> = {}
  for (let request = 0; request < 1000; request++) {
    const { kind } = world.ask(0, Luck.make(request), at)
    kinds[kind] = (kinds[kind] ?? 0) + 1
  }
  return kinds
}

describe("a simulated world", () => {
  it("answers in a lognormal time, around the median", () => {
    const world = worldOf(make("a", { latency: { median: 100, sigma: 0.5 } }))
    const logs = Array.from(
      { length: 20_000 },
      (_, request) => Math.log(world.ask(0, Luck.make(request), 0).after / 100) / 0.5
    )
    const mean = logs.reduce((a, b) => a + b) / logs.length
    const deviation = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / logs.length)
    assert.closeTo(mean, 0, 0.02)
    assert.closeTo(deviation, 1, 0.02)
    assert.closeTo(logs.filter((log) => log > 1.96).length / logs.length, 0.025, 0.003)
  })

  it("has as many stragglers and failures as are said", () => {
    const world = worldOf(make("a", { latency: { ...sure, stragglers: { share: 0.1, factor: 7 } }, failures: 0.2 }))
    const verdicts = Array.from({ length: 10_000 }, (_, request) => world.ask(0, Luck.make(request), 0))
    assert.closeTo(verdicts.filter(({ after }) => after > 699).length, 1000, 100)
    assert.closeTo(verdicts.filter(({ kind }) => kind === "Error").length, 2000, 130)
  })

  it("has incidents for as long as they last, and shares of what goes wrong in them", () => {
    const world = worldOf(make("a", {
      latency: sure,
      incidents: [
        { from: 1000, lasts: 1000, silence: 0.1, failures: 0.2, hiddenErrors: 0.3, unreachable: 0.1 },
        { from: 5000, lasts: 1000, latencyFactor: 3 }
      ]
    }))
    assert.deepStrictEqual(kindsOf(world, 999), { Answer: 1000 })
    const kinds = kindsOf(world, 1000)
    const shares = { Silence: 100, Error: 200, HiddenError: 300, Unreachable: 100, Answer: 300 }
    for (const [kind, share] of Object.entries(shares)) assert.closeTo(kinds[kind]!, share, 50, kind)
    assert.deepStrictEqual(kindsOf(world, 2000), { Answer: 1000 })
    assert.strictEqual(world.ask(0, Luck.make(1), 5000).after, 300)
  })

  const both = (first: object, second: object) =>
    worldOf(make("a", {
      latency: sure,
      incidents: [{ from: 0, lasts: 2000, ...first }, { from: 1000, lasts: "Infinity", ...second }]
    }))

  it("counts both of two incidents at one time, each by a draw of its own", () => {
    const { Answer, Error } = kindsOf(both({ failures: 0.3 }, { failures: 0.3 }), 1500)
    assert.closeTo(Error!, 510, 40)
    assert.strictEqual(Answer! + Error!, 1000)
    const { Answer: rest, HiddenError, Silence } = kindsOf(both({ silence: 0.5 }, { hiddenErrors: 0.5 }), 1500)
    assert.closeTo(Silence!, 500, 50)
    assert.closeTo(HiddenError!, 250, 45)
    assert.closeTo(rest!, 250, 45)
    const failing = both({ latencyFactor: 2, failures: 1 }, { latencyFactor: 3 }).ask(0, Luck.make(1), 1500)
    assert.deepInclude(failing, { kind: "Error", after: 600 })
    assert.deepInclude(both({}, { failures: 1, failsIn: 5 }).ask(0, Luck.make(1), 1e12), { kind: "Error", after: 5 })
  })

  it("leaves what one incident does as it is, whatever comes after it", () => {
    const incident = { from: 0, lasts: 2000, failures: 0.3, silence: 0.2 }
    const alone = worldOf(make("a", { latency: sure, incidents: [incident] }))
    for (let request = 0; request < 200; request++) {
      assert.deepStrictEqual(both(incident, {}).ask(0, Luck.make(request), 500), alone.ask(0, Luck.make(request), 500))
    }
  })

  it("has luck of its own for each of a thousand attempts at each endpoint", () => {
    const world = worldOf(make("a"), make("b"), make("c"))
    const seen = new Set<number>()
    for (let place = 0; place < 3; place++) {
      for (let attempt = 0; attempt < 1000; attempt++) seen.add(world.foresee(place, 7, attempt, 0).after)
    }
    assert.strictEqual(seen.size, 3000)
  })

  it("knows accounts by their id", () => {
    const acme = () => SimulatedAccount.make("acme", { requestsPerMinute: 10, shrinkages: [] })
    const world = worldOf(
      make("a", { account: acme() }),
      make("b", { account: { id: "acme", requestsPerMinute: 10, burst: 10 } }),
      make("c", { account: SimulatedAccount.make("other", { requestsPerMinute: 10 }) })
    )
    for (let request = 0; request < 60; request++) world.ask(request % 3, Luck.make(request), 0)
    assert.deepStrictEqual(world.tallies().map(({ answered }) => answered), [5, 5, 10])
  })

  it("is the same for every client: luck belongs to the request, the endpoint and the attempt", () => {
    const endpoints = [make("a", { failures: 0.5 }), make("b", { failures: 0.5 })] as const
    const [one, other] = [worldOf(...endpoints), worldOf(...endpoints)]
    for (let request = 99; request >= 0; request--) other.ask(1, Luck.make(request), 0)
    const seen = new Set<number>()
    for (let request = 0; request < 100; request++) {
      const [mine, yours] = [Luck.make(request), Luck.make(request)]
      for (const place of [0, 1, 1]) {
        const verdict = one.ask(place, mine, 0)
        assert.deepStrictEqual(other.ask(place, yours, 0), verdict)
        assert.deepStrictEqual(one.foresee(place, request, mine.sent - 1, 0), verdict)
        seen.add(verdict.after)
      }
    }
    assert.strictEqual(seen.size, 300, "and not for two attempts")
  })

  it("works on so much at once, also on what nobody waits for", () => {
    const world = worldOf(make("a", { latency: sure, workers: 2 }))
    const after = Array.from({ length: 5 }, (_, request) => world.ask(0, Luck.make(request), 0).after)
    assert.deepStrictEqual(after, [100, 100, 200, 200, 300])
    assert.strictEqual(world.ask(0, Luck.make(9), 250).after, 100)
  })

  it("knows what it was asked, what it said, and what that costs", () => {
    const account = SimulatedAccount.make("acme", { requestsPerMinute: 60, burst: 2, retryAfter: true })
    const world = worldOf(make(
      "a",
      {
        latency: sure,
        account,
        inputTokens: 1000,
        outputTokens: 500,
        incidents: [{ from: 5000, lasts: 1, failures: 1 }]
      },
      { prices: { inputPerMillion: 2, outputPerMillion: 6 } }
    ))
    const verdicts = [0, 0, 0, 5000].map((now, request) => world.ask(0, Luck.make(request), now))
    assert.deepStrictEqual(verdicts.map(({ kind }) => kind), ["Answer", "Answer", "Limited", "Error"])
    assert.deepStrictEqual(verdicts[2], { kind: "Limited", after: 15, retryAfter: 1 })
    assert.deepStrictEqual(world.tallies(), [{ id: "a", sent: 4, answered: 2, refused: 1, failed: 1, cost: 0.01 }])
    assert.strictEqual(world.wait(0, 5000), 0)
  })
})

const ask = Effect.gen(function*() {
  const relay = yield* RelayService.RelayService
  return yield* relay.chat({ model: "any", messages: [{ role: "user", content: "Hi" }] })
})

const over = <A, E>(
  program: Effect.Effect<A, E, RelayService.RelayService | SimulatedWorld.SimulatedWorld>,
  endpoints: ReadonlyArray<SimulatedEndpoint.SimulatedEndpoint>,
  options?: Partial<RelayService.Options>
) =>
  VirtualTime.run(Effect.provide(
    program,
    RelayService.layerDefault({ endpoints: endpoints.map(({ endpoint }) => endpoint), ...options }).pipe(
      Layer.provideMerge(SimulatedEndpoint.layer(endpoints, { seed: 1 }))
    )
  ))

const failing = (incident: Omit<SimulatedEndpoint.Incident, "from" | "lasts">) =>
  make("a", { latency: sure, incidents: [{ ...incident, from: 0, lasts: "1 day" }] })

describe("a relay over simulated endpoints", () => {
  it.effect("is answered after the time it takes, with the tokens it takes", () =>
    Effect.gen(function*() {
      const { meta, text } = yield* over(ask, [make("a", { latency: sure, inputTokens: 7, outputTokens: 3 })])
      assert.strictEqual(text, "Answered by a.")
      assert.deepInclude(meta, { endpoint: "a", latency: 100 })
      assert.deepInclude(meta.tokens, { input: 7, output: 3 })
    }))

  const ways: ReadonlyArray<readonly [string, SimulatedEndpoint.SimulatedEndpoint, RelayError.RelayError["_tag"]]> = [
    ["HTTP 500", failing({ failures: 1 }), "EndpointUnavailable"],
    ["a server error in a 200", failing({ hiddenErrors: 1 }), "EndpointUnavailable"],
    ["no connection", failing({ unreachable: 1 }), "EndpointUnavailable"],
    ["silence", failing({ silence: 1 }), "EndpointUnavailable"],
    [
      "a used-up quota",
      make("a", {
        account: SimulatedAccount.make("poor", { emptyDuring: [{ from: 0, lasts: "1 day" }] })
      }),
      "QuotaExceeded"
    ],
    [
      "a limit",
      make("a", {
        account: SimulatedAccount.make("small", {
          requestsPerMinute: 0.001,
          shrinkages: [{ from: 0, lasts: "Infinity", to: 0.5 }]
        })
      }),
      "RateLimited"
    ]
  ]
  it.effect.each(ways)("meets %s, and knows it for what it is", ([, endpoint, tag]) =>
    Effect.gen(function*() {
      const failure = yield* over(Effect.flip(ask), [endpoint], { maxWait: 0 })
      assert.strictEqual(failure._tag, tag)
    }))

  it.effect("sees by its checks what is wrong, before anybody calls", () =>
    over(
      Effect.gen(function*() {
        const relay = yield* RelayService.RelayService
        yield* Effect.sleep("10 minutes")
        assert.deepStrictEqual((yield* relay.status).map(({ state }) => state === "Healthy"), [false, true])
        assert.isAtLeast(yield* Clock.currentTimeMillis, 600_000)
      }),
      [failing({ unreachable: 1 }), make("b", { latency: sure })]
    ))

  it.effect("knows no others", () =>
    Effect.gen(function*() {
      const stranger = make("stranger").endpoint
      const failure = yield* VirtualTime.run(Effect.provide(
        Effect.flip(ask),
        RelayService.layerDefault({ endpoints: [stranger] }).pipe(Layer.provide(SimulatedEndpoint.layer([make("a")])))
      ))
      assert.deepInclude(failure, { _tag: "EndpointUnavailable" })
    }))
})
