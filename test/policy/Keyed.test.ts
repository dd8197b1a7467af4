import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Fiber, References } from "effect"
import { Bulkhead, CircuitBreaker, Configuration, type InvalidArgument, RateLimiter } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Keyed from "../../src/policy/Keyed.ts"
import * as Law from "../Law.ts"

interface Policy {
  readonly key: string
  holds: boolean
}

const steps = Law.list(
  Arbitrary.all({ do: Law.oneOf("at", "at", "at", "hold", "free"), key: Law.int(0, 60) }),
  200
)

/** The reference: keys in order of use; the first of the sixteen oldest that holds nothing makes room. */
const keepsWhatHoldsSomething = (make: typeof Keyed.make) =>
({ history, maxKeys }: {
  readonly maxKeys: number
  readonly history: ReadonlyArray<{ readonly do: "at" | "hold" | "free"; readonly key: number }>
}): void => {
  const create = (key: string): Policy => ({ key, holds: false })
  const keyed = make<Policy>({ create, isIdle: ({ holds }) => !holds, maxKeys })
  let used: Array<Policy> = []
  for (const step of history) {
    const key = String(step.key)
    const known = used.find((policy) => policy.key === key)
    if (known === undefined && used.length === maxKeys) {
      const first = used.findIndex(({ holds }) => !holds)
      // those that were looked at and hold something go to the back
      used = first < 0 ? used : [...used.slice(first + 1), ...used.slice(0, first)]
    }
    const policy = keyed.at(key)
    if (known !== undefined) assert.strictEqual(policy, known, "a key keeps its policy while it is remembered")
    else if (used.length === maxKeys) {
      assert.strictEqual(policy.key, "(shared)")
      assert.strictEqual(keyed.at(`${key} of a stranger`), policy, "strangers share one policy")
    }
    if (policy.key !== "(shared)") {
      used = [...used.filter((other) => other !== policy), policy]
      if (step.do !== "at") policy.holds = step.do === "hold"
    }
    assert.deepStrictEqual(keyed.keys(), used.map(({ key }) => key))
    assert.isAtMost(keyed.keys().length, maxKeys)
  }
}

describe("Keyed", () => {
  const cases = Arbitrary.all({ maxKeys: Law.int(1, 40), history: steps })

  it.prop("drops the key unused for longest that holds nothing, and never one that does", [cases], ([it]) => {
    keepsWhatHoldsSomething(Keyed.make)(it)
  }, Law.check(150))

  /** A registry in which the first `held` of its keys hold something. */
  const full = (maxKeys: number, held: number) => {
    const keyed = Keyed.make<Policy>({
      create: (key) => ({ key, holds: Number(key) < held }),
      isIdle: ({ holds }) => !holds,
      maxKeys
    })
    for (let key = 0; key < maxKeys; key++) keyed.at(String(key))
    return keyed
  }

  it("looks at many of the oldest keys for one that holds nothing, and at others the next time", () => {
    const near = full(300, 255)
    assert.strictEqual(near.at("new").key, "new")
    assert.notInclude(near.keys(), "255")
    const far = full(300, 256)
    assert.strictEqual(far.at("new").key, "(shared)")
    assert.strictEqual(far.find("(shared)"), far.at("(shared)"))
    assert.strictEqual(far.at("new").key, "new")
    assert.lengthOf(far.keys(), 300)
  })

  it("lists a policy under a key as the one used last, in place of the one that was there or of the oldest idle", () => {
    const keyed = full(3, 1)
    const [first, second] = [{ key: "2", holds: false }, { key: "new", holds: false }]
    keyed.at("1")
    keyed.at("2")
    keyed.at("0")
    keyed.set("2", first)
    assert.deepStrictEqual(keyed.keys(), ["1", "0", "2"])
    assert.strictEqual(keyed.at("2"), first)
    keyed.set("new", second)
    assert.deepStrictEqual(keyed.keys(), ["0", "2", "new"])
    assert.strictEqual(keyed.at("new"), second)
  })

  it("lists nothing where there is no room", () => {
    const keyed = full(3, 3)
    keyed.set("new", { key: "new", holds: false })
    assert.deepStrictEqual(keyed.keys(), ["0", "1", "2"])
  })

  it("deletes a policy from under its key, not one that took its place", () => {
    const keyed = full(3, 0)
    const old = keyed.at("1")
    keyed.delete("1", { ...old })
    assert.strictEqual(keyed.at("1"), old)
    keyed.delete("1", old)
    assert.deepStrictEqual(keyed.keys(), ["0", "2"])
  })

  const broken: ReadonlyArray<readonly [string, typeof Keyed.make]> = [
    ["drops whoever is oldest", (options) => Keyed.make({ ...options, isIdle: () => true })],
    ["forgets nobody", (options) => Keyed.make({ ...options, maxKeys: Infinity })],
    ["makes every policy anew", (options) => ({ ...Keyed.make(options), at: options.create })]
  ]
  it.effect.each(broken)(
    "is told from a registry that %s",
    ([, make]) => Law.isBroken(cases, keepsWhatHoldsSomething(make))
  )
})

describe("a family", () => {
  interface Size {
    readonly size: number
  }
  interface Member extends Keyed.Member<Size> {
    readonly key: string
    readonly size: number
    readonly family: Keyed.Family<Member, Size, Size>
  }
  const make = Keyed.makeFamily<Member, Size, Size & { readonly maxKeys: number }, Size>(
    {
      subject: "Size",
      options: undefined,
      decode: (options) => Effect.succeed({ size: 0, maxKeys: 3, ...options }),
      build: (key, { size }, family) => ({ key, size, family, state: Effect.succeed({ size }), reset: Effect.void }),
      isIdle: () => true
    }
  )

  it.effect("remembers the options of as many keys as it may, those that were set last", () =>
    Effect.gen(function*() {
      const { family } = yield* make
      const sizes = (...keys: ReadonlyArray<string>) => {
        for (const stranger of ["x", "y", "z"]) family.at(stranger)
        return keys.map((key) => family.at(key).size)
      }
      for (const [key, size] of [["a", 1], ["b", 2], ["c", 3], ["b", 4]] as const) {
        yield* family.configure(key, { size })
      }
      assert.deepStrictEqual(sizes("a", "b", "c"), [1, 4, 3])
      yield* family.configure("d", { size: 5 })
      assert.deepStrictEqual(sizes("a", "b", "c", "d"), [0, 4, 3, 5])
    }))

  it.effect("gives everyone the policy that was made for a key, and one that was derived only when it is adopted", () =>
    Effect.gen(function*() {
      const { family } = yield* make
      const configured = yield* family.configure("k", { size: 1 })
      assert.strictEqual(family.at("k"), configured)
      const derived = yield* family.derive("k", { size: 2 })
      assert.deepInclude(derived, { key: "k", size: 2 })
      assert.strictEqual(family.at("k"), configured)
      family.adoptUnsafe("k", derived)
      assert.strictEqual(family.at("k"), derived)
      family.forgetUnsafe("k", configured)
      assert.strictEqual(family.at("k"), derived)
      family.forgetUnsafe("k", derived)
      assert.deepStrictEqual(yield* family.keys, ["default"])
      assert.strictEqual(family.at("k").size, 1)
    }))
})

describe("what a family makes of options", () => {
  interface Settings {
    readonly maxKeys: number
  }
  interface Member extends Keyed.Member<object> {
    readonly settings: Settings
    readonly family: Keyed.Family<Member, object, object>
  }
  const make = Keyed.makeFamily<Member, object, Settings, object>({
    subject: "Thing",
    options: undefined,
    decode: (options) =>
      options === undefined || Object(options) === options
        ? Effect.sync(() => ({ maxKeys: 9 }))
        : Effect.fail(
          new Configuration.InvalidConfiguration({ subject: "Thing", field: "", value: "", rule: "it is no object" })
        ),
    build: (_, settings, family) => ({ settings, family, state: Effect.succeed({}), reset: Effect.void }),
    isIdle: () => true
  })
  /** Whether keys with these options share what was made of them. */
  const share = (family: Member["family"], one: object, other: object) =>
    Effect.map(
      Effect.forEach([one, other], (options) => family.derive("k", options)),
      ([one, other]) => one!.settings === other!.settings
    )

  it.effect.each<readonly [object, object]>([
    [{ a: 1, b: "x", c: true }, { c: true, b: "x", a: 1 }],
    [{ a: 1 }, { a: 1, b: undefined }],
    [{ a: false }, { a: false }],
    [{}, { a: undefined }]
  ])("is one thing where they are the same plain values: %o and %o", ([one, other]) =>
    Effect.gen(function*() {
      const { family } = yield* make
      assert.isTrue(yield* share(family, one, other))
    }))

  const list = [1]
  it.effect.each<readonly [object, object]>([
    [{ a: 1 }, { a: "1" }],
    [{ a: true }, { a: "true" }],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, {}],
    [{ a: NaN }, { a: NaN }],
    [{ a: list }, { a: list }],
    [{ a: list, b: 1 }, { a: list, b: 1 }],
    [{ a: make }, { a: make }]
  ])(
    "is another where they differ, or hold what cannot be compared: %o and %o",
    ([one, other]) =>
      Effect.gen(function*() {
        const { family } = yield* make
        assert.isFalse(yield* share(family, one, other))
      })
  )

  it.effect("is what the family was made of itself where none are given, and nothing where they are none", () =>
    Effect.gen(function*() {
      const { family, settings } = yield* make
      assert.strictEqual((yield* family.derive("one", {})).settings, settings)
      assert.strictEqual((yield* Effect.flip(family.derive("one", 5 as never))).rule, "it is no object")
    }))

  it.effect("is kept of 64 kinds at most, the family's own among them", () =>
    Effect.gen(function*() {
      const { family } = yield* make
      for (let n = 1; n <= 65; n++) yield* family.derive("one", { n })
      const kept = yield* Effect.forEach([1, 63, 64, 65], (n) => share(family, { n }, { n }))
      assert.deepStrictEqual(kept, [true, true, false, false])
    }))
})

describe("the keys of a policy", () => {
  it.effect("are bounded, and a circuit that is open stays until it has closed", () =>
    Effect.gen(function*() {
      const family = yield* CircuitBreaker.make({ maxKeys: 10, tripPolicy: CircuitBreaker.consecutive(1) })
      yield* Effect.exit(family.at("bad").protect(Effect.fail("down")))
      yield* family.at("held").isolate
      for (let n = 0; n < 1000; n++) yield* family.at(`k${n}`).protect(Effect.void)
      const keys = yield* family.keys
      assert.lengthOf(keys, 10)
      assert.includeMembers([...keys], ["bad", "held"])
      assert.strictEqual((yield* Effect.flip(family.at("bad").protect(Effect.void))).reason, "Open")
      assert.strictEqual((yield* Effect.flip(family.at("held").protect(Effect.void))).reason, "Isolated")
    }))

  it.effect("keep a bulkhead that is in use, and a limiter that is at its limit", () =>
    Effect.gen(function*() {
      const bulkheads = yield* Bulkhead.make({ maxKeys: 3, maxConcurrent: 1, maxQueued: 0 })
      const fiber = yield* Effect.forkChild(bulkheads.at("busy").protect(Effect.never), { startImmediately: true })
      const limiters = yield* RateLimiter.make({ maxKeys: 3, limit: 1, window: "1 minute" })
      yield* limiters.at("busy").protect(Effect.void)
      for (let n = 0; n < 50; n++) {
        bulkheads.at(`k${n}`)
        limiters.at(`k${n}`)
      }
      assert.strictEqual((yield* Effect.flip(bulkheads.at("busy").protect(Effect.void)))._tag, "BulkheadFull")
      assert.strictEqual((yield* Effect.flip(limiters.at("busy").protect(Effect.void)))._tag, "RateLimited")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      limiters.at("other").snapshotUnsafe(60_000)
      for (let n = 0; n < 50; n++) {
        bulkheads.at(`k${n}`)
        limiters.at(`k${n}`)
      }
      assert.notInclude([...yield* bulkheads.keys, ...yield* limiters.keys], "busy")
    }))

  it.effect("always include the family's own, idle as it may be: somebody holds it", () =>
    Effect.gen(function*() {
      const family = yield* CircuitBreaker.make({ maxKeys: 3 })
      for (let n = 0; n < 50; n++) family.at(`k${n}`)
      assert.strictEqual(family.at("default"), family)
      assert.include([...yield* family.keys], "default")
      yield* family.isolate
      assert.strictEqual((yield* family.stateOf("default")).state, "Isolated")
    }))

  it.effect("with the same options share what was made of them, and no others do", () =>
    Effect.gen(function*() {
      const family = yield* Bulkhead.make({ maxQueued: 7 })
      const one = yield* family.configure("a", { maxConcurrent: 2 })
      const two = yield* family.configure("b", { maxConcurrent: 2, maxWait: undefined })
      const other = yield* family.configure("c", { maxConcurrent: 3 })
      const plain = yield* family.configure("d", {})
      const limits = [one, two, other, plain].map((bulkhead) => bulkhead.snapshotUnsafe())
      assert.deepStrictEqual(limits.map(({ maxConcurrent, maxQueued }) => [maxConcurrent, maxQueued]), [
        [2, 7],
        [2, 7],
        [3, 7],
        [20, 7]
      ])
      yield* one.protect(Effect.void)
      const refused = yield* Effect.flip(family.configure("e", { maxConcurrent: 0 }))
      assert.strictEqual(refused._tag, "InvalidConfiguration")
      assert.strictEqual((yield* Effect.flip(family.configure("e", { maxConcurrent: 0 }))).field, "maxConcurrent")
    }))

  it.effect("keep what they hold when somebody would configure them anew", () =>
    Effect.gen(function*() {
      const family = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1) })
      yield* Effect.exit(family.at("bad").protect(Effect.fail("down")))
      const refused = yield* Effect.flip(family.configure("bad", { openFor: "1 second" }))
      assert.deepInclude({ ...refused }, { subject: "CircuitBreaker", field: "key", value: "\"bad\"" })
      assert.strictEqual((yield* family.stateOf("bad")).state, "Open")
      assert.strictEqual(refused.rule, "it holds calls or a verdict: configure it before it is used, or reset it first")
      const own = yield* Effect.flip(family.configure("default", {}))
      assert.deepStrictEqual([own.field, own.rule], ["key", "its options are those that the policy was made with"])
      yield* family.resetKey("bad")
      yield* family.configure("bad", { openFor: "1 second" })
    }))

  it.effect("share one policy when all are held, so that the bound lets no stranger through unguarded", () =>
    Effect.gen(function*() {
      const family = yield* RateLimiter.make({ maxKeys: 2, limit: 1, window: "1 minute" })
      for (const key of ["default", "a"]) yield* family.at(key).protect(Effect.void)
      yield* family.at("b").protect(Effect.void)
      assert.strictEqual((yield* Effect.flip(family.at("c").protect(Effect.void))).key, "(shared)")
      assert.lengthOf(yield* family.keys, 2)
    }))

  it.effect("are shown, inspected and reset, each by its name, and no others", () =>
    Effect.gen(function*() {
      const family = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1) })
      yield* Effect.exit(family.at("eu").protect(Effect.fail("down")))
      yield* family.at("us").protect(Effect.void)
      const states = yield* family.states
      assert.deepStrictEqual(states.map(({ key, state }) => [key, state]), [
        ["default", "Closed"],
        ["eu", "Open"],
        ["us", "Closed"]
      ])
      assert.deepStrictEqual(yield* family.stateOf("eu"), states[1])
      yield* family.resetKey("eu")
      assert.strictEqual((yield* family.stateOf("eu")).state, "Closed")
      for (const [method, ask] of [["stateOf", family.stateOf], ["resetKey", family.resetKey]] as const) {
        const error = yield* Effect.flip<unknown, InvalidArgument.InvalidArgument, never>(ask("asia"))
        assert.strictEqual(
          error.message,
          `CircuitBreaker.${method}: key is "asia", but it has to be a key in use; \`keys\` lists them`
        )
      }
      assert.deepStrictEqual(yield* family.keys, ["default", "eu", "us"])
    }))

  it.effect("can be shown while keys come and go", () =>
    Effect.gen(function*() {
      const family = yield* CircuitBreaker.make({ maxKeys: 100 })
      for (let n = 0; n < 100; n++) family.at(`k${n}`)
      const shown = yield* Effect.forkChild(
        Effect.provideService(family.states, References.MaxOpsBeforeYield, 8),
        { startImmediately: true }
      )
      for (let n = 100; n < 200; n++) family.at(`k${n}`)
      assert.lengthOf(yield* Fiber.join(shown), 100)
    }))

  const verdicts: ReadonlyArray<
    readonly [string, (breaker: CircuitBreaker.CircuitBreaker) => Effect.Effect<unknown, unknown>]
  > = [
    ["is open", (breaker) => Effect.exit(breaker.protect(Effect.fail("down")))],
    ["is half-open with its probes out", (breaker) =>
      Effect.exit(breaker.protect(Effect.fail("down"))).pipe(
        Effect.andThen(TestClock.adjust(1000)),
        Effect.andThen(Effect.forkDetach(breaker.protect(Effect.never), { startImmediately: true }))
      )],
    ["is held open by hand", (breaker) => breaker.isolate],
    ["lets a share of the calls pass", (breaker) => Effect.flatMap(breaker.isolate, (hold) => hold.release)],
    ["only observes, by somebody's will", (breaker) => breaker.observe],
    ["has opened a short while ago", (breaker) =>
      Effect.exit(breaker.protect(Effect.fail("down"))).pipe(
        Effect.andThen(TestClock.adjust(1000)),
        Effect.andThen(breaker.protect(Effect.void)),
        Effect.andThen(TestClock.adjust(500))
      )]
  ]
  it.effect.each(verdicts)("keep a circuit that %s, and go when that is over", ([, bring]) =>
    Effect.gen(function*() {
      const family = yield* CircuitBreaker.make({
        maxKeys: 3,
        tripPolicy: CircuitBreaker.consecutive(1),
        openFor: 1000,
        jitter: 0,
        successesToClose: 1,
        halfOpenProbes: 1,
        rampFor: 100
      })
      const kept = family.at("kept")
      yield* bring(kept)
      const crowd = () => {
        for (let n = 0; n < 20; n++) family.at(`k${n}`)
      }
      crowd()
      assert.strictEqual(family.at("kept"), kept)
      yield* kept.reset
      yield* kept.enforce
      yield* TestClock.adjust(2000)
      crowd()
      assert.notInclude(yield* family.keys, "kept")
    }))

  it.effect("are bounded also where each has options of its own", () =>
    Effect.gen(function*() {
      const family = yield* Bulkhead.make({ maxKeys: 10 })
      for (let n = 0; n < 100; n++) yield* family.configure(`k${n}`, { maxConcurrent: 1 })
      assert.isAtMost((yield* family.keys).length, 10)
    }))

  it.effect("keep the options of their own when the policy has to make room for a while", () =>
    Effect.gen(function*() {
      const family = yield* Bulkhead.make({ maxKeys: 3 })
      yield* family.configure("small", { maxConcurrent: 1 })
      for (let n = 0; n < 10; n++) family.at(`k${n}`)
      assert.strictEqual(family.at("small").snapshotUnsafe().maxConcurrent, 1)
    }))
})
