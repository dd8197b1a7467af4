import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { SimulatedAccount, SimulatedEndpoint, SimulatedWorld, Traffic, VirtualTime } from "effect-relay/testing"
import * as Law from "../Law.ts"

/** What code without types may say. */
type Options = any

type Row = readonly [options: Options, field: string, value: string]

const sure = { median: 1, sigma: 0 }
const incident = (said: object) => ({ incidents: [{ from: 0, lasts: 1, ...said }] })
const bursts = (said: object) => ({ bursts: { factor: 2, last: 1000, every: 1000, ...said } })
const { make } = SimulatedEndpoint
const acme = (options?: SimulatedAccount.Options) => SimulatedAccount.make("acme", options)

const traffic: ReadonlyArray<Row> = [
  [{ perDay: NaN }, "perDay", "NaN"],
  [{ perDay: -5 }, "perDay", "-5"],
  [{ perDay: Infinity }, "perDay", "Infinity"],
  [{ perDay: 1e9 }, "perDay", "1000000000"],
  [{ day: 0, lasts: "1 day" }, "day", "0"],
  [{ day: "1 fortnight" }, "day", "\"1 fortnight\""],
  [{ lasts: Infinity }, "lasts", "Infinity"],
  [{ lasts: NaN }, "lasts", "NaN"],
  [{ swing: NaN }, "swing", "NaN"],
  [{ swing: 5 }, "swing", "5"],
  [{ peakAt: 15 }, "peakAt", "15"],
  [{ unique: 2 }, "unique", "2"],
  [{ questions: 0 }, "questions", "0"],
  [{ questions: 1.5 }, "questions", "1.5"],
  [{ exponent: NaN }, "exponent", "NaN"],
  [{ seed: "one" }, "seed", "\"one\""],
  [{ seed: NaN }, "seed", "NaN"],
  [{ seed: 1.5 }, "seed", "1.5"],
  [bursts({ last: 0, every: 0 }), "bursts.last", "0"],
  [bursts({ every: NaN }), "bursts.every", "NaN"],
  [bursts({ last: "1 nano", every: "1 nano" }), "bursts.every", "0.000001"],
  [bursts({ factor: 0.5 }), "bursts.factor", "0.5"],
  [bursts({ factor: 1e9 }), "bursts.factor", "1000000000"],
  [bursts({ factor: undefined }), "bursts.factor", "undefined"],
  [bursts({ until: 5 }), "bursts.until", "5"],
  [{ bursts: "of" }, "bursts", "\"of\""],
  [{ perday: 5 }, "perday", "5"],
  [5, "options", "number"]
]

const accounts: ReadonlyArray<Row> = [
  [{ requestsPerMinute: -10 }, "requestsPerMinute", "-10"],
  [{ requestsPerMinute: 0 }, "requestsPerMinute", "0"],
  [{ requestsPerMinute: NaN }, "requestsPerMinute", "NaN"],
  [{ tokensPerMinute: NaN }, "tokensPerMinute", "NaN"],
  [{ requestsPerMinute: 60, burst: 0.5 }, "burst", "0.5"],
  [{ requestsPerMinute: 60, burst: Infinity }, "burst", "Infinity"],
  [{ burst: 5 }, "burst", "5"],
  [{ retryAfter: "no" }, "retryAfter", "\"no\""],
  [{ refusesIn: NaN }, "refusesIn", "NaN"],
  [{ shrinkages: [{ from: 0, lasts: 1, to: 5 }] }, "shrinkages.0.to", "5"],
  [{ shrinkages: [{ from: 0, lasts: 1, to: 0 }] }, "shrinkages.0.to", "0"],
  [{ shrinkages: [{ from: 0, to: 0.5 }] }, "shrinkages.0.lasts", "undefined"],
  [{ emptyDuring: [{ from: 0, lasts: 1 }, { from: -1, lasts: 1 }] }, "emptyDuring.1.from", "-1"],
  [{ emptyDuring: [{ from: 0, lasts: NaN }] }, "emptyDuring.0.lasts", "NaN"],
  [{ requestPerMinute: 60 }, "requestPerMinute", "60"],
  [null, "options", "null"]
]

const endpoints: ReadonlyArray<Row> = [
  [{ latency: { ...sure, median: NaN } }, "latency.median", "NaN"],
  [{ latency: { ...sure, median: -5 } }, "latency.median", "-5"],
  [{ latency: { median: 1 } }, "latency.sigma", "undefined"],
  [{ latency: { ...sure, sigma: NaN } }, "latency.sigma", "NaN"],
  [{ latency: { ...sure, sigma: 11 } }, "latency.sigma", "11"],
  [{ latency: { ...sure, stragglers: { share: 3, factor: 2 } } }, "latency.stragglers.share", "3"],
  [{ latency: { ...sure, stragglers: { share: 0.1 } } }, "latency.stragglers.factor", "undefined"],
  [{ failures: NaN }, "failures", "NaN"],
  [{ failures: -1 }, "failures", "-1"],
  [{ failures: 1.5 }, "failures", "1.5"],
  [incident({ lasts: NaN }), "incidents.0.lasts", "NaN"],
  [incident({ lasts: undefined }), "incidents.0.lasts", "undefined"],
  [incident({ from: "1s" }), "incidents.0.from", "\"1s\""],
  [incident({ failsIn: NaN }), "incidents.0.failsIn", "NaN"],
  [incident({ latencyFactor: -1 }), "incidents.0.latencyFactor", "-1"],
  [incident({ silence: 1.5 }), "incidents.0.silence", "1.5"],
  [incident({ silence: 0.6, failures: 0.7 }), "incidents.0", "silence 0.6, failures 0.7"],
  [incident({ failure: 1 }), "incidents.0.failure", "1"],
  [{ workers: 0 }, "workers", "0"],
  [{ workers: 1.5 }, "workers", "1.5"],
  [{ workers: -1 }, "workers", "-1"],
  [{ inputTokens: -1 }, "inputTokens", "-1"],
  [{ outputTokens: NaN }, "outputTokens", "NaN"],
  [{ account: acme({ tokensPerMinute: 749 }) }, "account.tokensPerMinute", "749"],
  [{ account: "acme" }, "account", "\"acme\""],
  [{ failure: 1 }, "failure", "1"],
  [null, "options", "null"]
]

const times: ReadonlyArray<Row> = [
  [{ seed: NaN }, "seed", "NaN"],
  [{ seed: 1.5 }, "seed", "1.5"],
  [{ startAt: NaN }, "startAt", "NaN"],
  [{ startAt: 1e16 }, "startAt", "10000000000000000"],
  [{ promises: "no" }, "promises", "\"no\""],
  [{ promise: false }, "promise", "false"],
  [false, "options", "boolean"]
]

const layers: ReadonlyArray<Row> = [
  [{ seed: "1" }, "seed", "\"1\""],
  [{ seeds: 1 }, "seeds", "1"]
]

const worlds: ReadonlyArray<Row> = [
  [[], "endpoints.length", "0"],
  [make("a"), "endpoints", "object"],
  [["a"], "endpoints.0", "string"],
  [[make("a"), make("b"), make("a")], "endpoints.2.id", "\"a\""],
  [
    [make("a", { account: acme({ requestsPerMinute: 10 }) }), make("b", { account: acme({ requestsPerMinute: 11 }) })],
    "endpoints.1.account",
    "\"acme\""
  ],
  [[make("acme"), make("b", { account: acme({ retryAfter: false }) })], "endpoints.1.account", "\"acme\""],
  [[{ ...make("a"), behaviour: { latency: sure, failures: 2 } }], "failures", "2"]
]

const made: Readonly<Record<string, readonly [make: (options: Options) => unknown, rows: ReadonlyArray<Row>]>> = {
  "Traffic": [Traffic.make, traffic],
  "SimulatedAccount": [acme, accounts],
  "SimulatedEndpoint": [(options) => make("a", options), endpoints],
  "VirtualTime": [VirtualTime.layer, times],
  "VirtualTime, to run an effect": [(options) => VirtualTime.run(Effect.void, options), times],
  "SimulatedEndpoint.layer": [(options) => SimulatedEndpoint.layer([make("a")], options), layers],
  "SimulatedEndpoint.layer, endpoints": [SimulatedEndpoint.layer, worlds],
  "SimulatedWorld": [(endpoints) => new SimulatedWorld.SimulatedWorld(0, endpoints), worlds]
}

const refusal = (build: () => unknown): unknown => {
  try {
    return `made ${JSON.stringify(build())}`
  } catch (error) {
    return error
  }
}

describe.each(Object.entries(made))("%s", (_, [build, rows]) => {
  it.each(rows)("refuses %j: %s is %s", (options, field, value) => {
    assert.deepInclude(refusal(() => build(options)), { _tag: "InvalidConfiguration", field, value })
  })
})

describe("names, seeds and shifts of the clock", () => {
  const others: ReadonlyArray<readonly [string, () => unknown, string, string]> = [
    ["an endpoint without a name", () => make(""), "id", "\"\""],
    ["an account without a name", () => SimulatedAccount.make(" "), "id", "\" \""],
    [
      "a price that is no number",
      () => make("a", {}, { prices: { inputPerMillion: NaN, outputPerMillion: 1 } }),
      "prices.inputPerMillion",
      "NaN"
    ],
    ["a world with half a seed", () => new SimulatedWorld.SimulatedWorld(0.5, [make("a")]), "seed", "0.5"]
  ]
  it.each(others)("refuse %s", (_, build, field, value) => {
    assert.deepInclude(refusal(build), { _tag: "InvalidConfiguration", field, value })
  })

  it.effect("refuse a shift that has no end, or no number", () =>
    VirtualTime.run(Effect.gen(function*() {
      const { shiftWallClock } = yield* VirtualTime.VirtualTime
      for (const by of [NaN, Infinity, "-Infinity", "soon"]) {
        assert.deepInclude(refusal(() => shiftWallClock(by as any)), { _tag: "InvalidConfiguration", field: "by" })
      }
    })))
})

/** Any number that somebody may get wrong, or most often none. */
const wrong = [NaN, -Infinity, -1, 0, 1e-300, 0.3, 1, 1.5, 40, 1000, 1e300, Infinity]
const perhaps = Law.oneOf<string | number>(...Array<string>(8).fill("not"), ...wrong)

const given = (said: object): object => Object.fromEntries(Object.entries(said).filter(([, value]) => value !== "not"))

const described = Arbitrary.all({
  perDay: perhaps,
  day: perhaps,
  lasts: perhaps,
  swing: perhaps,
  peakAt: perhaps,
  unique: perhaps,
  exponent: perhaps,
  bursts: Arbitrary.map(Arbitrary.all({ factor: perhaps, last: perhaps, every: perhaps }), (said) => ({
    ...Traffic.defaults.bursts,
    ...given(said)
  }))
})

describe("traffic of any description", () => {
  it.prop("is refused, or comes in order and ends in time", [described], ([said]) => {
    const options: Options = { perDay: 1000, ...given(said) }
    let made: Traffic.Traffic
    try {
      made = Traffic.make(options)
    } catch (error) {
      assert.deepInclude(error, { _tag: "InvalidConfiguration", subject: "Traffic" })
      return
    }
    const until = options.lasts ?? options.day ?? 86_400_000
    assert.isTrue(made.times.every((at, index) => at >= (made.times[index - 1] ?? 0) && at < until))
    assert.isTrue(made.questions.every((question) => question >= 0))
  }, Law.check(1000))
})
