import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Duration, Effect, Layer, Result, Schedule, Schema } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Configuration,
  RateLimiter,
  ResponseCache,
  Retry,
  RetryBudget,
  Timeout
} from "effect-relay"

interface Kind {
  readonly rule: string
  readonly good: ReadonlyArray<unknown>
  readonly bad: ReadonlyArray<unknown>
}

const wholeFrom = (minimum: number): Kind => ({
  rule: `it has to be a whole number from ${minimum} up`,
  good: [minimum, minimum + 1, 1e6, Number.MAX_SAFE_INTEGER],
  bad: [NaN, minimum - 1, -1, minimum + 0.5, Infinity, 2 ** 53, "3", null, true, [], {}, 3n]
})

const wholeTo1000: Kind = {
  rule: "it has to be a whole number from 1 to 1000",
  good: [1, 1000],
  bad: [NaN, 0, -1, 1.5, 1001, Infinity, "3", null]
}

const openShare: Kind = {
  rule: "it has to be a number above 0 and below 1",
  good: [0.001, 0.5, 0.999],
  bad: [NaN, 0, 1, -0.1, 1.1, Infinity, "0.5", null, true]
}

const closedShare: Kind = {
  rule: "it has to be a number from 0 to 1",
  good: [0, 0.5, 1],
  bad: [NaN, -0.001, 1.001, Infinity, "0.5", null, true]
}

const noDuration = [NaN, "soon", "1s", "", null, true, {}, [], { secnds: 5 }, { seconds: NaN }, [NaN, 0], new Date(0)]

const duration: Kind = {
  rule: "it has to be a ",
  good: [1, 0.5, "1 milli", "2 weeks", Duration.seconds(3), { seconds: 3 }, [1, 0], 5n],
  bad: [...noDuration, 0, -1, "0 seconds", "-1 seconds", Infinity, "Infinity", -Infinity, Duration.zero]
}

const durationOrZero: Kind = {
  rule: "it has to be a duration",
  good: [0, "0 seconds", Duration.zero, 1, "5 minutes", Infinity, "Infinity"],
  bad: [...noDuration, -1, "-1 seconds", -Infinity, "-Infinity"]
}

const finiteDurationOrZero: Kind = {
  rule: "it has to be a duration",
  good: [0, "5 minutes"],
  bad: [...durationOrZero.bad, Infinity, "Infinity"]
}

const durationAboveZero: Kind = {
  rule: "it has to be a ",
  good: [1, "5 minutes", Infinity, "Infinity"],
  bad: [...noDuration, 0, -1]
}

const limit: Kind = {
  rule: "it has to be ",
  good: ["unlimited", 1, 1e9],
  bad: [NaN, 0, -1, 1.5, Infinity, "none", "5", null, []]
}

const flag: Kind = { rule: "it has to be ", good: [true, false], bad: ["true", 0, 1, null, NaN] }

const atLeastZero: Kind = {
  rule: "it has to be a finite number of zero or more",
  good: [0, 0.1, 3, 1e6],
  bad: [NaN, -0.001, Infinity, "3", null, true]
}

const jitter: Kind = {
  rule: "it has to be \"full\"",
  good: ["full", "equal", "none"],
  bad: [null, true, 0.2, "Full", "some", ""]
}

const scheduled = { base: duration, cap: duration, times: wholeFrom(0), jitter }

/** A rule so many joints deep. */
const nested = (depth: number): CircuitBreaker.TripPolicy =>
  depth === 0 ? CircuitBreaker.consecutive(1) : CircuitBreaker.or(nested(depth - 1))

const rules: Array<CircuitBreaker.TripPolicy> = []
const endless = CircuitBreaker.and(rules as never)
Object.assign(endless, { rules })
rules.push(endless)

type Make = (options: any) => Effect.Effect<unknown, Configuration.InvalidConfiguration>

// a schedule is a value: it throws what the others fail with
const thrown = (make: (options: any) => unknown): Make => (options) =>
  Effect.try({ try: () => make(options), catch: (error) => error as Configuration.InvalidConfiguration })

const policies: ReadonlyArray<readonly [string, Make, Record<string, Kind>]> = [
  ["CircuitBreaker", CircuitBreaker.make, {
    slowCallDuration: durationAboveZero,
    slowCallRate: openShare,
    slowCallEvidence: wholeFrom(1),
    forgetAfter: duration,
    openFor: { ...duration, good: [...duration.good, Schedule.spaced("1 minute"), Schedule.exponential(1)] },
    maxOpenFor: { ...duration, good: ["30 seconds", "2 weeks"] },
    jitter: closedShare,
    halfOpenProbes: wholeTo1000,
    successesToClose: {
      rule: wholeTo1000.rule,
      good: [...wholeTo1000.good, { ratio: 0.5, of: 10 }, { ratio: 1, of: 1 }, { ratio: 0.001, of: 1000 }],
      bad: [
        ...wholeTo1000.bad,
        {},
        [],
        { ratio: 0.5 },
        { of: 10 },
        { ratio: 0, of: 10 },
        { ratio: 1.01, of: 10 },
        { ratio: NaN, of: 10 },
        { ratio: "0.5", of: 10 },
        { ratio: 0.5, of: 0 },
        { ratio: 0.5, of: 1001 },
        { ratio: 0.5, of: 2.5 },
        { ratio: 0.5, of: 10, more: 1 }
      ]
    },
    probeLease: duration,
    rampFor: finiteDurationOrZero,
    window: duration,
    mode: {
      rule: "it has to be \"enforce\", \"observe\" or \"off\"",
      good: ["enforce", "observe", "off"],
      bad: ["Enforce", "on", "", 0, null, true, {}]
    },
    classify: {
      rule: "it has to have `tags`",
      good: ["standard", {}, { tags: {} }, { tags: { A: "Success", B: "Failure", C: "Ignored" } }, {
        error: () => undefined,
        result: () => undefined
      }],
      bad: [
        "strict",
        null,
        true,
        () => "Success",
        [],
        { tag: {} },
        { tags: { A: "Slow" } },
        { tags: { A: "success" } },
        { tags: { A: undefined } },
        { tags: ["Success"] },
        { tags: [] },
        { tags: new Map([["A", "Success"]]) },
        { tags: null },
        { tags: "A" },
        { error: "Failure" },
        { result: null }
      ]
    },
    tripPolicy: {
      rule: "it",
      good: [
        CircuitBreaker.consecutive(1),
        CircuitBreaker.failureRate(),
        CircuitBreaker.countWindow({ calls: 1 }),
        CircuitBreaker.countWindow({ calls: 100_000, rate: 1, minimumCalls: 1 }),
        CircuitBreaker.timeWindow(),
        CircuitBreaker.slowCallRate(),
        CircuitBreaker.minimumCalls(1),
        CircuitBreaker.custom("mine", () => true),
        CircuitBreaker.or(CircuitBreaker.failureRate(), CircuitBreaker.failureRate({ evidence: 50 })),
        nested(8)
      ],
      bad: [
        NaN,
        5,
        "consecutive",
        null,
        true,
        {},
        [],
        CircuitBreaker.consecutive,
        { failures: 3 },
        { _tag: "Consecutive" },
        CircuitBreaker.or(),
        CircuitBreaker.and(...Array.from({ length: 17 }, () => CircuitBreaker.consecutive(1))),
        nested(9),
        endless,
        CircuitBreaker.or(CircuitBreaker.failureRate({ rate: 0.2 }), CircuitBreaker.failureRate()),
        CircuitBreaker.custom("", () => true),
        CircuitBreaker.custom("mine", 5 as never)
      ]
    },
    maxKeys: wholeFrom(1)
  }],
  ["Bulkhead", Bulkhead.make, {
    maxConcurrent: {
      rule: "",
      good: [1, 50, [1], [3, 2, 1]],
      bad: [NaN, 0, -1, 1.5, "3", null, [], [1, 0], ["3"], {}]
    },
    maxQueued: wholeFrom(0),
    maxWait: durationOrZero,
    tier: wholeFrom(0),
    maxKeys: wholeFrom(1)
  }],
  ["RateLimiter", RateLimiter.make, {
    limit,
    tokenLimit: limit,
    window: duration,
    limits: {
      rule: "",
      good: [[], [{ of: "calls", limit: 1, window: 1 }, {
        of: "tokens",
        limit: 9,
        window: "1 day",
        burst: 1,
        algorithm: "fixedWindow"
      }]],
      bad: [
        NaN,
        null,
        {},
        [null],
        [{}],
        [{ of: "calls", limit: 1 }],
        [{ of: "calls", window: 1 }],
        [{ of: "bytes", limit: 1, window: 1 }],
        [{ of: "calls", limit: 0, window: 1 }],
        [{ of: "calls", limit: NaN, window: 1 }],
        [{ of: "calls", limit: 1, window: 0 }],
        [{ of: "calls", limit: 1, window: 1, burst: 2 }],
        [{ of: "calls", limit: 1, window: 1, algorithm: "leaky" }],
        [{ of: "calls", limit: 1, window: 1, tokens: 5 }]
      ]
    },
    algorithm: {
      rule: "it has to be one of \"gcra\"",
      good: ["gcra", "tokenBucket", "slidingWindow", "fixedWindow"],
      bad: [NaN, "leaky", "", null, 1, {}]
    },
    burst: closedShare,
    tokenBurst: closedShare,
    margin: finiteDurationOrZero,
    maxWait: durationOrZero,
    maxQueued: wholeFrom(0),
    maxPause: duration,
    backOff: {
      rule: "it has to be a number above 0 and up to 1",
      good: [0.01, 0.7, 1],
      bad: [NaN, 0, -0.5, 1.01, Infinity, "0.7", null]
    },
    maxKeys: wholeFrom(1)
  }],
  ["ResponseCache", ResponseCache.make, {
    capacity: {
      rule: "it has to be a whole number from 1 to 10000000",
      good: [1, 20_000],
      bad: [NaN, 0, -1, 1.5, 1e7 + 1, Infinity, "3", null]
    },
    maxBytes: wholeFrom(1),
    timeToLive: duration,
    staleWhileRevalidate: finiteDurationOrZero,
    staleIfError: finiteDurationOrZero,
    earlyRefresh: atLeastZero,
    cacheNonDeterministic: flag,
    storeId: { rule: "it has to be a text that is not empty", good: ["answers"], bad: ["", 3, null, {}] },
    storeTimeout: duration
  }],
  ["Retry.constant", thrown(Retry.constant), scheduled],
  ["Retry.linear", thrown(Retry.linear), scheduled],
  ["Retry.fibonacci", thrown(Retry.fibonacci), scheduled],
  ["Retry.exponential", thrown(Retry.exponential), {
    ...scheduled,
    jitter: { ...jitter, good: [...jitter.good, "decorrelated"] }
  }],
  ["Retry", Retry.make, {
    schedule: { rule: "it has to be a Schedule", good: [Retry.standard, Retry.none], bad: [null, 3, "often", {}, []] },
    budget: { rule: "it has to be a RetryBudget", good: ["unlimited"], bad: [null, 3, "none", {}, []] },
    while: { rule: "it has to be a function", good: [() => true], bad: [null, true, "CircuitOpen", {}] }
  }],
  ["RetryBudget", RetryBudget.make, {
    ratio: atLeastZero,
    ttl: duration,
    reserve: atLeastZero,
    capacity: {
      rule: "it has to be a whole number from 0 to 1000000000",
      good: [0, 1e9],
      bad: [NaN, -1, 1.5, 1e9 + 1, Infinity, "3", null]
    },
    maxKeys: wholeFrom(1)
  }],
  ["Timeout", Timeout.make, { duration }]
]

const options = policies.flatMap(([policy, make, kinds]) =>
  Object.entries(kinds).map(([option, kind]) => [`${policy}: ${option}`, { policy, make, option, kind }] as const)
)

describe("InvalidConfiguration", () => {
  it.effect.each(options)("refuses every %s that cannot work, by its name, its value and the rule", (
    [, { kind, make, option, policy }]
  ) =>
    Effect.gen(function*() {
      const wrong: Array<readonly [value: unknown, what: string]> = []
      for (const value of kind.bad) {
        const result = yield* Effect.result(make({ [option]: value }))
        if (result._tag === "Success") {
          wrong.push([value, "is accepted"])
          continue
        }
        const error = result.failure
        assert.instanceOf(error, Configuration.InvalidConfiguration)
        assert.strictEqual(error.message, `${policy}: ${error.field} is ${error.value}, but ${error.rule}`)
        assert.strictEqual(error.field.split(".")[0], option)
        if (error.field === option && typeof value === "number") assert.strictEqual(error.value, String(value))
        if (!error.rule.startsWith(kind.rule)) wrong.push([value, error.rule])
      }
      assert.deepStrictEqual(wrong, [])
    }))

  it.effect.each(options)("lets every %s pass that works", ([, { kind, make, option }]) =>
    Effect.gen(function*() {
      for (const value of [...kind.good, undefined]) yield* make({ [option]: value })
    }))

  const relations: ReadonlyArray<
    readonly [string, Make, object, readonly [string, string | undefined, string | undefined]]
  > = [
    ["a cap below what it caps", CircuitBreaker.make, { openFor: "30 seconds", maxOpenFor: "29 seconds" }, [
      "maxOpenFor",
      `"29 seconds"`,
      "it has to be at least openFor"
    ]],
    ["an option nobody knows", Bulkhead.make, { maxConcurent: 5 }, [
      "maxConcurent",
      undefined,
      "there is no such option"
    ]],
    ["a trip rule that cannot trip", CircuitBreaker.make, { tripPolicy: CircuitBreaker.consecutive(0) }, [
      "tripPolicy.failures",
      "0",
      "it has to be a whole number from 1 up"
    ]],
    ["a rate of one", CircuitBreaker.make, { tripPolicy: CircuitBreaker.failureRate({ rate: 1 }) }, [
      "tripPolicy.rate",
      "1",
      "it has to be a number above 0 and below 1"
    ]],
    ["half a piece of evidence", CircuitBreaker.make, { tripPolicy: CircuitBreaker.failureRate({ evidence: 0.5 }) }, [
      "tripPolicy.evidence",
      "0.5",
      "it has to be a whole number from 1 up"
    ]],
    ["a switch that is no number", Bulkhead.make, { maxQueued: true }, [
      "maxQueued",
      "true",
      "it has to be a whole number from 0 up"
    ]],
    ["a trip policy nobody knows", CircuitBreaker.make, { tripPolicy: { _tag: "Sometimes" } }, [
      "tripPolicy",
      "object",
      "it has to be a rule such as consecutive(5), joined with `or` and `and` at most 8 deep"
    ]],
    ["a joined rule by its place", CircuitBreaker.make, {
      tripPolicy: CircuitBreaker.or(
        CircuitBreaker.consecutive(1),
        CircuitBreaker.and(CircuitBreaker.timeWindow({ rate: 2 }))
      )
    }, ["tripPolicy.rules.1.rules.0.rate", "2", "it has to be a number above 0 and at most 1"]],
    ["a rule with more to it", CircuitBreaker.make, { tripPolicy: { ...CircuitBreaker.consecutive(3), more: 1 } }, [
      "tripPolicy.more",
      "1",
      "there is no such option"
    ]],
    ["a rate that is no number", CircuitBreaker.make, {
      tripPolicy: CircuitBreaker.timeWindow({ rate: "0.5" as never })
    }, ["tripPolicy.rate", "\"0.5\"", "it has to be a number above 0 and at most 1"]],
    ["a name that is no text", CircuitBreaker.make, {
      tripPolicy: CircuitBreaker.custom(["mine"] as never, () => true)
    }, ["tripPolicy.name", "[\"mine\"]", "it has to be a text that is not empty"]],
    ["a join that is no list", CircuitBreaker.make, { tripPolicy: { _tag: "Or", rules: "all" } }, [
      "tripPolicy.rules",
      "\"all\"",
      "it has to have 1 to 16 rules"
    ]],
    ["a join of nothing", CircuitBreaker.make, { tripPolicy: CircuitBreaker.or() }, [
      "tripPolicy.rules",
      "[]",
      "it has to have 1 to 16 rules"
    ]],
    ["two prices of a failure", CircuitBreaker.make, {
      tripPolicy: CircuitBreaker.or(CircuitBreaker.failureRate({ rate: 0.2 }), CircuitBreaker.failureRate())
    }, ["tripPolicy", "object", "its failureRate rules have to be of the same rate"]],
    ["more calls than a ring holds", CircuitBreaker.make, {
      tripPolicy: CircuitBreaker.countWindow({ calls: 10, minimumCalls: 11 })
    }, ["tripPolicy.minimumCalls", "11", "it has to be at most calls"]],
    ["a ring beyond its bound", CircuitBreaker.make, {
      tripPolicy: CircuitBreaker.countWindow({ calls: 100_001 })
    }, ["tripPolicy.calls", "100001", "it has to be a whole number from 1 to 100000"]]
  ]
  it.effect.each(relations)("refuses %s", ([, make, options, [field, value, rule]]) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(make(options))
      assert.deepStrictEqual([error.field, error.value, error.rule], [field, value ?? error.value, rule ?? error.rule])
      if (rule === undefined) assert.match(error.rule, /^it has to be /)
    }))

  it.effect("is refused for one key as for all", () =>
    Effect.gen(function*() {
      const bulkhead = yield* Bulkhead.make()
      assert.strictEqual((yield* Effect.flip(bulkhead.configure("k", { maxQueued: -1 }))).field, "maxQueued")
    }))

  it.effect("crosses a wire and comes back as it was", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Bulkhead.make({ maxQueued: NaN }))
      const json = JSON.parse(JSON.stringify(yield* Schema.encodeEffect(Configuration.InvalidConfiguration)(error)))
      const back = yield* Schema.decodeUnknownEffect(Configuration.InvalidConfiguration)(json)
      assert.instanceOf(back, Configuration.InvalidConfiguration)
      assert.strictEqual(back.message, "Bulkhead: maxQueued is NaN, but it has to be a whole number from 0 up")
    }))
})

describe("decode", () => {
  /** What is said of one option, or its value where nothing is wrong. */
  const decode = (schema: Schema.Codec<unknown, unknown>, options: unknown, secrets?: ReadonlyArray<string>) =>
    Result.match(
      Configuration.decodeResult(
        "Thing",
        Schema.Struct({ option: schema }),
        options as object,
        { option: undefined },
        secrets
      ),
      { onSuccess: ({ option }): unknown => option, onFailure: ({ field, rule, value }) => [field, value, rule] }
    )

  const day = 24 * 60 * 60 * 1000
  const rules: ReadonlyArray<readonly [Schema.Codec<unknown, unknown>, ReadonlyArray<unknown>, string]> = [
    [Configuration.duration, [0, Infinity], "it has to be a finite duration above zero"],
    [Configuration.duration, ["soon", {}], "it has to be a duration such as \"5 seconds\""],
    [Configuration.durationOrForever, [0, -1], "it has to be a duration above zero"],
    [Configuration.durationOrZero, [-1], "it has to be a duration of zero or more"],
    [Configuration.finiteDurationOrZero, [-1, Infinity], "it has to be a duration of zero or more that ends"],
    [Configuration.integer(2), [1, 2.5], "it has to be a whole number from 2 up"],
    [Configuration.integer(2, 4), [1, 5], "it has to be a whole number from 2 to 4"],
    [Configuration.share("closed"), [-0.1, 1.1], "it has to be a number from 0 to 1"],
    [Configuration.share("open"), [0, 1], "it has to be a number above 0 and below 1"],
    [Configuration.atLeast(0), [-1, Infinity], "it has to be a finite number of zero or more"],
    [Configuration.atLeast(2), [1.9, "3", NaN], "it has to be a finite number of 2 or more"],
    [Configuration.flag, [0, "true"], "it has to be true or false"],
    [Schema.Struct({ inner: Configuration.flag }), [5], "it has to be an object"],
    [Schema.Literals(["a", "b"]), ["c"], "it has to be \"a\" | \"b\""],
    [Schema.String.check(Schema.makeFilter(() => "Not as Expected here")), [""], "Not as Expected here"]
  ]
  it.each(rules)("says what an option has to be: $2", (schema, values, rule) => {
    for (const option of values) {
      assert.strictEqual((decode(schema, { option }) as ReadonlyArray<unknown>)[2], rule)
    }
  })

  it("takes numbers to their bounds", () => {
    const good: ReadonlyArray<readonly [Schema.Codec<unknown, unknown>, ReadonlyArray<number>]> = [
      [Configuration.integer(2, 4), [2, 3, 4]],
      [Configuration.atLeast(2), [2, 2.5, Number.MAX_VALUE]]
    ]
    for (const [schema, values] of good) {
      for (const option of values) assert.strictEqual(decode(schema, { option }), option)
    }
  })

  it("reads a duration in every unit, and in seconds and nanoseconds", () => {
    const good: ReadonlyArray<readonly [Duration.Input, number]> = [
      [{ weeks: 1 }, 7 * day],
      [{ days: 1 }, day],
      [{ hours: 1, minutes: 1 }, day / 24 + 60_000],
      [{ seconds: 1, milliseconds: 1 }, 1001],
      [{ microseconds: 1 }, 0.001],
      [{ nanoseconds: 1 }, 0.000_001],
      [[1, 5e6], 1005]
    ]
    for (const [option, millis] of good) assert.strictEqual(decode(Configuration.duration, { option }), millis)
  })

  it("writes a duration as the milliseconds it was read as", () => {
    assert.strictEqual(Result.getOrThrow(Schema.encodeResult(Configuration.duration)(1500)), 1500)
  })

  it("takes nothing for a duration that only looks like one", () => {
    class Seconds {
      readonly seconds = 1
    }
    const wrong = [
      [1],
      [1, 2, 3],
      [1, NaN],
      [Infinity, 0],
      { seconds: Infinity },
      { seconds: "1" },
      { seconds: 1, secs: 1 },
      Object.create({ seconds: 1 }),
      new Seconds(),
      Symbol.iterator
    ]
    for (const option of wrong) {
      const [, , rule] = decode(Configuration.duration, { option }) as ReadonlyArray<unknown>
      assert.strictEqual(rule, "it has to be a duration such as \"5 seconds\"")
    }
  })

  const shown: ReadonlyArray<readonly [unknown, string]> = [
    ["a text", "\"a text\""],
    [null, "null"],
    [3n, "3"],
    [true, "true"],
    [[1, "a", [null, undefined]], "[1, \"a\", [null, undefined]]"],
    [{}, "object"],
    [() => 1, "function"],
    [Symbol.iterator, "symbol"],
    [Duration.millis(-1500), "-1s 500ms"],
    ["https://user:password@host/path/a@b?key=1\nmore", "\"https://…@host/path/a@b?…\""],
    [["https://user:password@host"], "[\"https://…@host\"]"],
    ["https://host/a@b", "\"https://host/a@b\""]
  ]
  it.each(shown)("shows what was given, without what may be secret in it: $1", (option, value) => {
    const rule = "it has to be a whole number from 1 up"
    assert.deepStrictEqual(decode(Configuration.integer(1), { option }), ["option", value, rule])
  })

  it("names an option inside of an option with dots, and says when it is missing", () => {
    const schema = Schema.Struct({ inner: Schema.Array(Configuration.flag) })
    assert.deepStrictEqual(decode(schema, { option: { inner: [true, 5] } }), [
      "option.inner.1",
      "5",
      "it has to be true or false"
    ])
    assert.deepStrictEqual(decode(schema, { option: {} }), ["option.inner", "undefined", "it is required"])
  })

  it("shows neither what is secret nor what stands under a name that nobody knows, unless it is a number or a switch", () => {
    const rule = "it has to be true or false"
    assert.deepStrictEqual(decode(Configuration.flag, { option: "key" }, ["option"]), [
      "option",
      "not shown here",
      rule
    ])
    assert.deepStrictEqual(decode(Configuration.flag, { option: "key" }, ["other"]), ["option", "\"key\"", rule])
    for (const [value, text] of [[5, "5"], [true, "true"], ["key", "not shown here"], [{ a: 1 }, "not shown here"]]) {
      assert.deepStrictEqual(decode(Configuration.flag, { option: true, other: value }), [
        "other",
        text,
        "there is no such option"
      ])
    }
  })

  it.effect("lays what is given over the defaults, and takes undefined for not given", () =>
    Effect.gen(function*() {
      const schema = Schema.Struct({ a: Configuration.flag, b: Configuration.integer(0) })
      for (const given of [undefined, {}, { a: undefined, b: undefined }]) {
        assert.deepStrictEqual(yield* Configuration.decode("Thing", schema, given, { a: true, b: 1 }), {
          a: true,
          b: 1
        })
      }
      const over = yield* Configuration.decode("Thing", schema, { b: 2 }, { a: true, b: 1 })
      assert.deepStrictEqual(over, { a: true, b: 2 })
      const error = yield* Effect.flip(Configuration.decode("Thing", schema, { b: "x" }, { a: true }, ["b"]))
      assert.strictEqual(error.message, "Thing: b is not shown here, but it has to be a whole number from 0 up")
    }))
})

describe("layerConfig", () => {
  const bulkhead = Bulkhead.layerConfig({
    maxConcurrent: Config.Int("MAX_CONCURRENT"),
    maxWait: Config.Duration("MAX_WAIT").pipe(Config.withDefault(Duration.seconds(2)))
  })
  const build = <A, E>(layer: Layer.Layer<A, E>, provider: ConfigProvider.ConfigProvider) =>
    Effect.provideService(Layer.build(layer), ConfigProvider.ConfigProvider, provider)

  it.effect("reads options from the environment", () =>
    Effect.gen(function*() {
      const state = Bulkhead.Bulkhead.use((bulkhead) => bulkhead.state)
      const context = yield* build(bulkhead, ConfigProvider.fromEnvRecord({ MAX_CONCURRENT: "7" }))
      assert.include(yield* Effect.provide(state, context), { maxConcurrent: 7, maxQueued: 20 })
    }))

  it.effect("reads options from any record, for every policy", () =>
    Effect.gen(function*() {
      const provider = ConfigProvider.fromUnknown({ limit: 5, open: "9 seconds", keep: 3, wait: "1 minute" })
      const all = Layer.mergeAll(
        CircuitBreaker.layerConfig({ openFor: Config.Duration("open") }),
        RateLimiter.layerConfig({ limit: Config.Int("limit"), maxWait: Config.Duration("wait") }),
        ResponseCache.layerConfig({ capacity: Config.Int("keep") })
      )
      const context = yield* build(all, provider)
      const state = Effect.all([
        ResponseCache.ResponseCache.use((cache) => cache.state),
        RateLimiter.RateLimiter.use((limiter) => limiter.state),
        CircuitBreaker.CircuitBreaker.use((breaker) => breaker.state)
      ])
      const [cache, limiter, breaker] = yield* Effect.provide(state, context)
      assert.deepStrictEqual([cache.capacity, limiter.queued, breaker.state], [3, 0, "Closed"])
    }))

  it.effect("refuses what is missing or cannot be read", () =>
    Effect.gen(function*() {
      for (const env of [{}, { MAX_CONCURRENT: "many" }, { MAX_CONCURRENT: "7", MAX_WAIT: "soon" }]) {
        const error = yield* Effect.flip(build(bulkhead, ConfigProvider.fromEnvRecord(env as Record<string, string>)))
        assert.strictEqual(error._tag, "ConfigError")
      }
    }))

  it.effect("refuses what can be read and cannot work", () =>
    Effect.gen(function*() {
      for (const env of [{ MAX_CONCURRENT: "0" }, { MAX_CONCURRENT: "-3" }]) {
        const error = yield* Effect.flip(build(bulkhead, ConfigProvider.fromEnvRecord(env)))
        assert.strictEqual(error._tag, "InvalidConfiguration")
      }
    }))

  const makes: ReadonlyArray<readonly [string, Make]> = [
    ["CircuitBreaker", CircuitBreaker.make],
    ["Bulkhead", Bulkhead.make],
    ["RateLimiter", RateLimiter.make],
    ["Timeout", Timeout.make],
    ["RetryBudget", RetryBudget.make],
    ["Retry", Retry.make]
  ]
  it.effect.each(makes)("refuses options of %s that are no object", ([subject, make]) =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [unknown, string]> = [
        [5, "number"],
        [null, "null"],
        [[], "[]"],
        [() => 1, "function"],
        ["2 s", "string"]
      ]
      for (const [options, value] of wrong) {
        const { field, rule, ...refused } = yield* Effect.flip(make(options))
        assert.deepInclude(refused, { subject, value })
        assert.deepStrictEqual([field, rule], ["options", "it has to be an object"])
      }
    }))

  it.effect("refuses what a rule of a breaker does not know", () =>
    Effect.gen(function*() {
      const { failureRate, countWindow, slowCallRate, timeWindow } = CircuitBreaker
      for (const rule of [failureRate, countWindow, slowCallRate, timeWindow]) {
        const misspelled = (rule as (options: object) => CircuitBreaker.TripPolicy)({ minCalls: 2 })
        const refused = yield* Effect.flip(CircuitBreaker.make({ tripPolicy: misspelled }))
        assert.match(refused.field, /^tripPolicy/)
      }
    }))
})
