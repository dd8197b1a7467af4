import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Answer from "../bench/Answer.ts"
import * as Eviction from "../bench/cache/Eviction.ts"
import * as HitRate from "../bench/cache/HitRate.ts"
import * as Ideal from "../bench/cache/Ideal.ts"
import * as Workload from "../bench/cache/Workload.ts"
import * as Case from "../bench/Case.ts"
import * as Loop from "../bench/Loop.ts"
import * as Results from "../bench/Results.ts"
import * as Subjects from "../bench/Subjects.ts"
import { root } from "./architecture/Source.ts"

const json: unknown = JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8"))
const decode = Schema.decodeUnknownEffect(Results.Results)

const demanded = [
  "raw effect",
  "breaker closed",
  "breaker rejecting",
  "bulkhead",
  "limiter",
  "timeout",
  "retry on success",
  "all five"
]

const eachOf = Object.entries(Eviction) as ReadonlyArray<[string, Eviction.Make]>

describe("the hit rates", () => {
  it.effect("of the article's day come within two points of a cache that knows the future, at equal size", () =>
    Effect.gen(function*() {
      const { capacity, rates, timeToLive } = (yield* decode(json)).hitRates["the article's day"]!
      assert.deepStrictEqual([capacity, timeToLive], [20_000, 3600])
      assert.isAtMost(rates.ideal - rates.ours, 0.02)
      // what the article's own cache finds, by which the traffic is calibrated
      assert.closeTo(rates.lru, 0.342, 0.001)
    }))

  it.effect("are there for every kind of traffic and for nothing else, and ours is the best where there are scans", () =>
    Effect.gen(function*() {
      const { hitRates } = yield* decode(json)
      assert.sameMembers(Object.keys(hitRates), [...HitRate.names])
      const { ideal: _, ours, ...others } = hitRates["Zipf 0.9 with scans"]!.rates
      assert.isAbove(ours, Math.max(...Object.values(others)))
    }))

  it.each(HitRate.names)("of %s are the same at each run, and the ideal is above all", (name) => {
    const { rates } = HitRate.measure(name, 30_000)
    assert.deepStrictEqual(HitRate.measure(name, 30_000).rates, rates)
    for (const rate of Object.values(rates)) {
      assert.isAbove(rate, 0)
      assert.isAtMost(rate, rates.ideal)
    }
  })

  it.each(eachOf)("by %s are those of a cache that keeps no more than it may", (_, make) => {
    const { keys } = Workload.ofZipf(0.9, 20_000, 2000, 7)
    const eviction = make(50)
    const seen = new Set<number>()
    for (const key of keys) {
      if (eviction.use(key) === undefined) eviction.keep(key, 0)
      seen.add(key)
      assert.isDefined(eviction.use(key), "what was kept just now is there")
    }
    const kept = Array.from(seen).filter((key) => eviction.use(key) !== undefined)
    assert.strictEqual(kept.length, 50)
  })

  it("by last use are those of a list that is searched and sorted anew", () => {
    const { keys } = Workload.ofZipf(0.9, 5000, 500, 7)
    const eviction = Eviction.lru(50)
    let kept: ReadonlyArray<number> = []
    for (const key of keys) {
      const isThere = eviction.use(key) !== undefined
      assert.strictEqual(isThere, kept.includes(key))
      if (!isThere) eviction.keep(key, 0)
      kept = [...kept.filter((other) => other !== key), key].slice(-50)
    }
  })

  it("of the ideal are those of the best of all ways to keep two of three", () => {
    const keys = Int32Array.from([1, 2, 3, 1, 2, 3, 1, 3, 2, 1])
    const at = new Float64Array(keys.length)
    const best = (index: number, kept: ReadonlyArray<number>): number => {
      if (index === keys.length) return 0
      const key = keys[index]!
      const ways = [...kept, key].flatMap((out) => [[...new Set([...kept, key])].filter((other) => other !== out)])
      const next = [...ways, [...new Set([...kept, key])]].filter((way) => way.length <= 2)
      return (kept.includes(key) ? 1 : 0) + Math.max(...next.map((way) => best(index + 1, way)))
    }
    assert.strictEqual(Ideal.hitRate({ keys, at }, 2, Infinity) * keys.length, best(0, []))
  })
})

describe("the benchmarks", () => {
  it.effect("keep results of the shape that is promised", () =>
    Effect.gen(function*() {
      const { machine } = yield* decode(json)
      assert.includeMembers(Object.keys(machine.packages), ["effect", "cockatiel", "opossum"])
    }))

  it.effect("have a result for every case and for nothing else", () =>
    Effect.gen(function*() {
      const { cases } = yield* decode(json)
      assert.sameMembers(Object.keys(cases), [...Case.names])
      assert.includeMembers([...Case.names], demanded)
    }))

  it.effect("have a number from everyone who can do a case, and none from the others", () =>
    Effect.gen(function*() {
      const { cases } = yield* decode(json)
      for (const name of Case.names) {
        for (const subject of Case.subjects) {
          const can = yield* Effect.promise(() => Subjects.has(name, subject))
          assert.strictEqual(typeof cases[name]![subject] === "number", can, `${subject}, ${name}`)
        }
      }
    }))

  it.effect("refuse results without our own number, or with one that is not a number", () =>
    Effect.gen(function*() {
      const results = yield* decode(json)
      for (const ours of [undefined, null, Number.NaN, -1]) {
        const cases = { ...results.cases, bulkhead: { ...results.cases["bulkhead"], ours } }
        assert.strictEqual((yield* Effect.flip(decode({ ...results, cases })))._tag, "SchemaError")
      }
    }))

  it.each(Case.names.filter((name) => !name.startsWith("relay")))(
    "let everyone who can do it do \"%s\"",
    async (name) => {
      const done: Array<Case.Subject> = []
      for (const subject of Case.subjects) {
        if (!await Subjects.has(name, subject)) continue
        await (await Subjects.loopOf(name, subject))(2)
        done.push(subject)
      }
      assert.includeMembers(done, ["raw", "ours"])
    }
  )

  it.each(Case.names.filter((name) => name.startsWith("relay stream")))(
    "read answers of \"%s\" to their end, through the relay and without it, and time each",
    async (name) => {
      for (const subject of ["raw", "ours"] as const) {
        const loop = await Subjects.loopOf(name, subject)
        const times = await loop(name.endsWith("a chunk") ? 40 : 3)
        assert.strictEqual(times!.length, name.endsWith("a chunk") ? 1 : 3)
        assert.isTrue(times!.every((time) => time > 0))
      }
    }
  )

  it("spread what is asked for over answers of a thousand chunks or more, and forget none", async () => {
    const asked: Array<number> = []
    const loop = Loop.ofChunks((chunks, onText) =>
      Effect.sync(() => {
        asked.push(chunks)
        for (let chunk = 0; chunk < chunks; chunk++) onText(Answer.text)
      })
    )
    assert.strictEqual(loop.least, 1000)
    for (const chunks of [40, 1999, 2501]) await loop(chunks)
    assert.deepStrictEqual(asked, [40, 1999, 1251, 1250])
  })

  it("do not take a part of an answer for all of it", async () => {
    const loop = Loop.ofChunks((_chunks, onText) => Effect.sync(() => onText(Answer.text)))
    const failure = await loop(2).catch(String)
    assert.match(String(failure), /5 characters came instead of 10/)
  })
})
