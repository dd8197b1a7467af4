/** The whole set of endpoints, changed in one step, and who changed what and why. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random, Redacted, References } from "effect"
import { type Balance, CircuitBreaker, type Endpoint, type EndpointStatus, type RelayEvent, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, make, status } = ScriptedEndpoint

const once = { retry: Retry.none }
const state = (id: string) => Effect.map(Trial.status(id), ({ state }) => state)
const ids = Effect.flatMap(Trial.relay, ({ status }) => Effect.map(status, (all) => all.map(({ id }) => id)))

// described anew each time, as when it is read from a file again
const described = (id: string, options?: Omit<Endpoint.Options, "id" | "baseUrl">): Endpoint.Options =>
  make(id, [answer(id)], {
    apiKey: Redacted.make(`key-of-${id}`),
    models: { any: `${id}-large` },
    limits: { requestsPerMinute: 600 },
    headers: { "x-team": "relay", "x-secret": Redacted.make("hush") },
    circuitBreaker: { openFor: "1 hour", tripPolicy: CircuitBreaker.consecutive(1) },
    ...options
  }).endpoint
const scripted = (id: string, options?: Omit<Endpoint.Options, "id" | "baseUrl">) => ({
  id,
  script: [answer(id)] as const,
  endpoint: described(id, options)
})
const three = [scripted("a"), scripted("b"), scripted("c")]
const all = () => three.map(({ id }) => described(id))

describe("a new set of endpoints", () => {
  it.effect("adds what is new, removes what is missing, replaces what is described differently, in its order", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("c")
      yield* endpoints.set([described("c"), described("b", { tier: 2 })])
      assert.deepStrictEqual(yield* ids, ["c", "b"])
      assert.strictEqual((yield* Trial.status("b")).tier, 2)
      assert.strictEqual((yield* Trial.chat()).text, "c")
    }).pipe(Effect.provide(Trial.over(three, once))))

  it.effect("is told change by change, and says nothing of what stays", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("c")
      const heard = yield* Trial.listen
      yield* endpoints.set([described("a"), described("b", { tier: 2 }), described("c")], { by: "ops", reason: "v2" })
      yield* endpoints.set([described("a")], "scaled down")
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, [
        { _tag: "EndpointChanged", at: 0, endpoint: "b", change: "Replaced", by: "ops", reason: "v2" },
        { _tag: "EndpointChanged", at: 0, endpoint: "c", change: "Added", by: "ops", reason: "v2" },
        { _tag: "EndpointChanged", at: 0, endpoint: "b", change: "Removed", reason: "scaled down" },
        { _tag: "EndpointChanged", at: 0, endpoint: "c", change: "Removed", reason: "scaled down" }
      ])
    }).pipe(Effect.provide(Trial.over(three, once))))

  const troubles: ReadonlyArray<readonly [EndpointStatus.State, ScriptedEndpoint.Step]> = [
    ["Open", status(503)],
    ["Exhausted", status(402)],
    ["Exhausted", status(401)],
    ["Paused", status(429, { retryAfter: 60 })]
  ]
  it.effect.each(troubles)(
    "leaves an endpoint with the same description as it is: %s",
    ([expected, trouble]) =>
      Effect.gen(function*() {
        const { endpoints } = yield* Trial.relay
        for (const { id } of three) yield* Trial.play(id, trouble)
        yield* Trial.failure()
        const before = yield* Trial.status("a")
        assert.deepInclude(before, { state: expected, failed: 1 })
        yield* endpoints.set(all())
        assert.deepStrictEqual(yield* Trial.status("a"), before)
        yield* endpoints.replace(described("a"))
        assert.deepStrictEqual(yield* Trial.status("a"), before)
      }).pipe(Effect.provide(Trial.over(three, once)))
  )

  it.effect("leaves what is known of an endpoint beside its peers, how fast it is, and how warm", () => {
    const seen = new Map<string, Pick<Balance.Candidate, "latency" | "load" | "mayBeAsked">>()
    let next: string | undefined
    // sends calls anywhere, and takes a note of what it is shown where it is only asked
    const balance: Balance.Choose = (candidates, { isRehearsal, random }) => {
      for (const { id, latency, load, mayBeAsked } of isRehearsal ? candidates : []) {
        seen.set(id, { latency, load, mayBeAsked })
      }
      return candidates.find(({ id }) => id === next) ?? candidates[Math.floor(random() * candidates.length)]
    }
    const known = Effect.map(
      Effect.flatMap(Trial.relay, ({ explain }) => explain(Trial.hi)),
      () => Object.fromEntries(seen)
    )
    const callNew = Effect.suspend(() => {
      next = "new"
      return Trial.start(Effect.flatMap(Trial.relay, ({ execute }) => execute(() => Effect.never)))
    })
    const slow = { ...scripted("slow"), script: [answer("late", { delay: "9 seconds" })] as const }
    const same = () => ["a", "b", "slow", "new"].map((id) => described(id))
    return Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (let second = 0; second < 60; second++) {
        for (let call = 0; call < 6; call++) yield* Trial.start(Trial.chat())
        yield* Trial.pass("1 second")
      }
      yield* endpoints.add(described("new"))
      yield* callNew
      yield* Trial.pass("20 seconds")
      const before = yield* known
      assert.strictEqual(yield* state("slow"), "Degraded")
      assert.deepInclude(before["slow"], { mayBeAsked: false })
      yield* endpoints.set(same())
      assert.deepStrictEqual(yield* known, before)
      // one that is new has to warm up
      yield* endpoints.set([...same().slice(0, 3), described("new", { headers: { "x-team": "another" } })])
      yield* callNew
      assert.isAbove((yield* known)["new"]!.load, 5 * before["new"]!.load)
      yield* Trial.pass("10 seconds")
      yield* endpoints.set(same().slice(0, 3))
      assert.strictEqual(yield* state("slow"), "Degraded")
    }).pipe(
      Effect.provide(Trial.over([scripted("a"), scripted("b"), slow], {
        ...once,
        balance,
        slowFactor: 1000,
        outliers: { degradedFor: "10 minutes" },
        bulkhead: { maxConcurrent: 1000 }
      })),
      Random.withSeed("set")
    )
  })

  it.effect("holds for the next call: what nobody could take, somebody can", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const request = { ...Trial.hi, tools: [{ type: "function", function: { name: "f" } }] }
      assert.strictEqual((yield* Trial.failure({}, request))._tag, "RequestRejected")
      yield* endpoints.set([described("a", { capabilities: { tools: false } }), described("b")])
      assert.strictEqual((yield* Trial.chat({}, request)).text, "b")
    }).pipe(Effect.provide(Trial.over(three.map(({ id }) => scripted(id, { capabilities: { tools: false } })), once))))

  it.effect("leaves what somebody has taken in hand: isolated stays isolated, draining stays draining", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("a")
      yield* endpoints.drain("b")
      yield* endpoints.set(all())
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b", "c"], state), ["Isolated", "Draining", "Healthy"])
      yield* endpoints.replace(described("a"))
      assert.strictEqual(yield* state("a"), "Isolated")
    }).pipe(Effect.provide(Trial.over(three, once))))

  const changes: ReadonlyArray<readonly [string, Omit<Endpoint.Options, "id" | "baseUrl">]> = [
    ["the key", { apiKey: Redacted.make("another") }],
    ["a secret header", { headers: { "x-team": "relay", "x-secret": Redacted.make("another") } }],
    ["a model", { models: { any: "another" } }],
    ["an option of its circuit", { circuitBreaker: { openFor: "2 hours", tripPolicy: CircuitBreaker.consecutive(1) } }],
    ["the tier", { tier: 1 }],
    ["the account", { account: "another" }],
    ["how it is checked", { health: { check: "off" } }],
    ["the weight", { weight: 2 }],
    ["what it can", { capabilities: { any: { tools: true, contextWindow: 1000 } } }]
  ]
  it.effect.each(changes)(
    "gives an endpoint a clean slate when this is described differently: %s",
    ([, change]) =>
      Effect.gen(function*() {
        const { endpoints } = yield* Trial.relay
        yield* Trial.play("a", status(503))
        yield* Trial.failure()
        yield* endpoints.set([described("a", change)])
        assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", failed: 0 })
      }).pipe(Effect.provide(Trial.over(three.slice(0, 1), once)))
  )

  it.effect("sees what its owner has changed in a description that was given before", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const circuitBreaker = { openFor: 1000, tripPolicy: CircuitBreaker.consecutive(1) }
      yield* endpoints.set([described("a", { circuitBreaker })])
      yield* Trial.play("a", status(503))
      yield* Trial.failure()
      circuitBreaker.openFor = 2000
      yield* endpoints.set([described("a", { circuitBreaker })])
      assert.strictEqual(yield* state("a"), "Healthy")
    }).pipe(Effect.provide(Trial.over(three, once))))

  it.effect("lets calls under way finish where they are, and sends no new ones there", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* Trial.play("a", answer("finished", { delay: "5 seconds" }))
      const call = yield* Trial.start(Trial.chat())
      yield* endpoints.set([described("b")])
      assert.strictEqual((yield* Trial.chat()).text, "b")
      yield* Trial.pass("5 seconds")
      assert.strictEqual((yield* Fiber.join(call)).text, "finished")
      assert.strictEqual(yield* Trial.count("a"), 1)
    }).pipe(Effect.provide(Trial.over([scripted("a"), scripted("b", { tier: 1 })], once))))

  it.effect("wakes a call that waits in line for the old set", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.remove("b")
      yield* Trial.play("a", ScriptedEndpoint.fault("silence"))
      yield* Trial.start(Effect.exit(Trial.chat()))
      const call = yield* Trial.start(Trial.chat())
      yield* endpoints.set([described("a", { limits: { concurrency: 1 } }), described("b", { tier: 1 })])
      assert.strictEqual((yield* Fiber.join(call)).text, "b")
    }).pipe(Effect.provide(
      Trial.over([scripted("a", { limits: { concurrency: 1 } }), scripted("b", { tier: 1 })], once)
    )))

  it.effect("is what was asked for, whenever others change something while it is made ready", () =>
    Effect.gen(function*() {
      const more = ["d", "e", "f", "g"].map((id) => described(id))
      let turns = 0
      for (let turn = 0; turn <= turns; turn++) {
        yield* Effect.gen(function*() {
          const { endpoints } = yield* Trial.relay
          const change = yield* endpoints.set([...all(), ...more]).pipe(
            // yields to others again and again
            Effect.provideService(References.MaxOpsBeforeYield, 10),
            Trial.start
          )
          for (let other = 0; other < turn; other++) yield* Effect.yieldNow
          if (!Trial.hasEnded(change)) turns++
          yield* endpoints.remove("a")
          yield* endpoints.replace(described("b", { tier: 3 }))
          const wasFirst = !Trial.hasEnded(change)
          yield* Fiber.join(change)
          assert.deepStrictEqual(yield* ids, [
            ...(wasFirst ? ["a"] : []),
            "b",
            "c",
            ...more.map(({ id }) => id)
          ])
          assert.strictEqual((yield* Trial.status("b")).tier, wasFirst ? 0 : 3)
        }).pipe(Effect.provide(Trial.over(three, once)))
      }
      assert.isAbove(turns, 5)
    }))

  const bad: ReadonlyArray<readonly [string, Array<Endpoint.Options>, object]> = [
    ["an option that cannot work", [described("new", { tier: -1 })], { field: "tier" }],
    ["an option of a policy that cannot work", [described("new", { bulkhead: { maxConcurrent: 0 } })], {
      field: "bulkhead.maxConcurrent"
    }],
    ["an id that stands there twice", [described("a"), described("a")], { field: "id", value: "\"a\"" }],
    ["no endpoint at all", [], { field: "length", value: "0" }],
    ["more than ten thousand", Array.from({ length: 10_001 }, (_, index) => ({ id: `e${index}` })), {
      field: "length",
      value: "10001"
    }]
  ]
  it.effect.each(bad)(
    "is refused as a whole for one entry, and the old one stays: %s",
    ([, list, expected]) =>
      Effect.gen(function*() {
        const { endpoints } = yield* Trial.relay
        const breaker = yield* CircuitBreaker.CircuitBreaker
        const kept = yield* breaker.keys
        const heard = yield* Trial.listen
        yield* Trial.play("a", status(503))
        yield* Trial.whatever(Trial.chat())
        const good = list.length > 0 && list.length < 10 ? [described("b", { tier: 4 }), described("d")] : []
        const failure = yield* Effect.flip(endpoints.set([...good, ...list], "a mistake"))
        assert.deepInclude(failure, { _tag: "InvalidConfiguration", ...expected })
        assert.deepStrictEqual(yield* ids, ["a", "b"])
        assert.strictEqual(yield* state("a"), "Open")
        assert.strictEqual((yield* Trial.status("b")).tier, 1)
        assert.deepStrictEqual(yield* breaker.keys, kept)
        assert.isEmpty(heard.filter(({ _tag }) => _tag === "EndpointChanged"))
      }).pipe(Effect.provide(Trial.over([scripted("a"), scripted("b", { tier: 1 })], once)))
  )

  const noLists: ReadonlyArray<readonly [unknown, string]> = [
    [null, "null"],
    [undefined, "undefined"],
    ["a", "\"a\""],
    [{ a: described("a") }, "object"]
  ]
  it.effect.each(noLists)("has to be a list: %j", ([endpoints, value]) =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      assert.deepInclude(yield* Effect.flip(relay.endpoints.set(endpoints as ReadonlyArray<Endpoint.Options>)), {
        _tag: "InvalidConfiguration",
        subject: "Endpoints",
        field: "endpoints",
        value,
        rule: "it has to be a list of endpoints"
      })
      assert.deepStrictEqual(yield* ids, ["a", "b", "c"])
    }).pipe(Effect.provide(Trial.over(three, once))))

  it.effect("may be ten thousand, over and over, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      const breaker = yield* CircuitBreaker.CircuitBreaker
      const many = (account: string) => Array.from({ length: 10_000 }, (_, id) => ({ id: `e${id}`, account }))
      const before = yield* breaker.keys
      yield* endpoints.set(many("one"))
      yield* endpoints.set(many("one"))
      yield* endpoints.set(many("another"))
      assert.lengthOf(yield* ids, 10_000)
      const failure = yield* Effect.flip(endpoints.drain({ account: "one" }))
      assert.deepInclude(failure, { account: "one", known: ["another"] })
      yield* endpoints.set([described("a")])
      assert.sameMembers([...(yield* breaker.keys)], [...before])
    }).pipe(Effect.provide(Trial.over(three.slice(0, 1), once))))
})

describe("a hand on endpoints", () => {
  const acme = (id: string, tier: number) => make(id, [answer(id)], { account: "acme", tier })
  const fleet = [acme("a", 0), acme("b", 1), make("other", [answer("other")], { tier: 2 })]
  const changes = (heard: ReadonlyArray<RelayEvent.RelayEvent>) =>
    heard.flatMap((event) =>
      event._tag === "EndpointChanged" ? [[event.endpoint, event.change, event.by, event.reason]] : []
    )

  it.effect("isolates all that an account has, and resets them, and nothing else", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate({ account: "acme" }, { by: "ops", reason: "the invoice is open" })
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b", "other"], state), ["Isolated", "Isolated", "Healthy"])
      assert.strictEqual((yield* Trial.chat()).text, "other")
      yield* endpoints.reset({ account: "acme" })
      assert.strictEqual((yield* Trial.chat()).text, "a")
    }).pipe(Effect.provide(Trial.over(fleet, once))))

  it.effect("drains all that an account has, and ends with the last call of all", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      yield* endpoints.isolate("a")
      yield* Trial.play("b", answer("b", { delay: "5 seconds" }))
      const call = yield* Trial.start(Trial.chat())
      const drain = yield* Trial.start(endpoints.drain({ account: "acme" }))
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b", "other"], state), ["Draining", "Draining", "Healthy"])
      assert.strictEqual((yield* Trial.chat()).text, "other")
      yield* Trial.pass("4999 millis")
      assert.isFalse(Trial.hasEnded(drain))
      yield* Trial.pass("1 milli")
      yield* Fiber.join(drain)
      assert.strictEqual((yield* Fiber.join(call)).text, "b")
    }).pipe(Effect.provide(Trial.over(fleet, once))))

  it.effect("signs every change: who and why, or why alone, or neither", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { endpoints } = yield* Trial.relay
      const signature = { by: "ops", reason: "moving" }
      yield* endpoints.add({ id: "new" }, signature)
      yield* endpoints.replace({ id: "new", tier: 4 }, { by: "ops" })
      yield* endpoints.replace({ id: "new", tier: 4 }, "nothing is new")
      yield* endpoints.drain("new", { reason: "moving" })
      yield* endpoints.remove("new", "moving")
      yield* endpoints.isolate({ account: "acme" }, signature)
      yield* endpoints.reset("a")
      yield* Effect.yieldNow
      assert.deepStrictEqual(changes(heard), [
        ["new", "Added", "ops", "moving"],
        ["new", "Replaced", "ops", undefined],
        ["new", "Draining", undefined, "moving"],
        ["new", "Removed", undefined, "moving"],
        ["a", "Isolated", "ops", "moving"],
        ["b", "Isolated", "ops", "moving"],
        ["a", "Reset", undefined, undefined]
      ])
    }).pipe(Effect.provide(Trial.over(fleet, once))))

  it.effect("finds no account that has no endpoint, and says which there are", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* Trial.relay
      for (const name of ["isolate", "reset", "drain"] as const) {
        const failure = yield* Effect.flip(endpoints[name]({ account: "umbrella" }))
        assert.deepInclude(failure, { _tag: "EndpointNotFound", account: "umbrella", known: ["acme", "other"] })
        assert.strictEqual(failure.message, "no endpoint of account \"umbrella\"; there are accounts: acme, other")
      }
    }).pipe(Effect.provide(Trial.over(fleet, once))))
})
