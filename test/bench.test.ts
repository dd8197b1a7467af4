import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Answer from "../bench/Answer.ts"
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
