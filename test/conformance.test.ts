import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type * as Client from "../bench/conformance/Client.ts"
import { effectRelay } from "../bench/conformance/EffectRelay.ts"
import * as Fault from "../bench/conformance/Fault.ts"
import { naiveFetch } from "../bench/conformance/NaiveFetch.ts"
import { openAiPackage } from "../bench/conformance/OpenAiPackage.ts"
import { profiles } from "../bench/conformance/Profile.ts"
import * as Report from "../bench/conformance/Report.ts"
import * as Trial from "../bench/conformance/Trial.ts"
import * as Verdict from "../bench/conformance/Verdict.ts"
import { root } from "./architecture/Source.ts"

const models = Fault.faults.map(({ model }) => model)

describe("what the conformance run has found", () => {
  const json: unknown = JSON.parse(readFileSync(join(root, "bench/conformance.json"), "utf8"))
  const decode = Schema.decodeUnknownEffect(Report.Report)

  it.effect("is of each client and each of sixteen faults, and the sums are right", () =>
    Effect.gen(function*() {
      const { rows } = yield* decode(json)
      assert.lengthOf(models, 16)
      assert.sameMembers(Object.keys(rows), [naiveFetch, openAiPackage, effectRelay].map(({ name }) => name))
      for (const { faults, ...sums } of Object.values(rows)) {
        assert.deepStrictEqual(Object.keys(faults), models)
        const verdicts = Object.values(faults).map(({ verdict }) => verdict)
        for (const verdict of Verdict.Verdict.literals) {
          assert.strictEqual(sums[verdict], verdicts.filter((other) => other === verdict).length, verdict)
        }
      }
    }))

  it.effect("is that the relay passes them all", () =>
    Effect.gen(function*() {
      const { rows } = yield* decode(json)
      const { failed, partial, passed, safe } = rows["effect-relay"]!
      assert.deepStrictEqual({ passed, partial, safe, failed }, { passed: 16, partial: 0, safe: 0, failed: 0 })
    }))
})

describe("a conformance run", () => {
  const meet = (client: Client.Client, model: string) => {
    const fault = Fault.faults.find((fault) => fault.model === model)
    return fault === undefined ? assert.fail(model) : Trial.run(client, fault, profiles.fast)
  }

  const passing = ["429-once", "reset-before-headers", "cut-after-40", "one-malformed", "content-refused", "accounting"]
  for (const model of passing) {
    it.live(`passes the relay for ${model}`, () =>
      Effect.map(
        meet(effectRelay, model),
        (finding) => assert.deepInclude(finding, { verdict: "passed", isRescued: true, isClean: true })
      ))
  }

  const others = [
    [naiveFetch, "500-once", "safe"],
    [naiveFetch, "no-done", "passed"],
    [naiveFetch, "cut-after-40", "partial"],
    [naiveFetch, "content-refused", "safe"],
    [naiveFetch, "silent-after-20", "failed"],
    [openAiPackage, "429-once", "passed"],
    [openAiPackage, "cut-after-40", "partial"],
    [openAiPackage, "content-refused", "passed"],
    [openAiPackage, "accounting", "safe"]
  ] as const
  for (const [client, model, verdict] of others) {
    it.live(`finds ${client.name} ${verdict} for ${model}`, () =>
      Effect.map(meet(client, model), (finding) => assert.strictEqual(finding.verdict, verdict)))
  }

  it("takes half an answer for partial whatever else is right, and a hang, a storm or damage for a failure", () => {
    const counted = { attempts: 1, ms: 1 }
    const verdictOf = (isRescued: boolean, isPartial: boolean, isOrderly: boolean) =>
      Verdict.make({ isRescued, isPartial, isOrderly }, counted).verdict
    assert.strictEqual(verdictOf(true, false, true), "passed")
    assert.strictEqual(verdictOf(false, false, true), "safe")
    assert.strictEqual(verdictOf(false, true, true), "partial")
    assert.strictEqual(verdictOf(false, true, false), "partial")
    assert.strictEqual(verdictOf(true, false, false), "failed")
    assert.strictEqual(verdictOf(false, false, false), "failed")
  })
})
