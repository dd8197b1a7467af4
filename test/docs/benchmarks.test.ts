import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Case from "../../bench/Case.ts"
import type { Results } from "../../bench/Results.ts"
import { root } from "../architecture/Source.ts"

const { cases }: Results = JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8"))
const readme = readFileSync(join(root, "README.md"), "utf8")

/** Microseconds in two digits, or more where there are more before the point. */
const micros = (nanos: number | null): string => {
  if (nanos === null) return "–"
  return nanos < 10_000 ? (nanos / 1000).toPrecision(2) : String(Math.round(nanos / 1000))
}

const table = [
  "| µs of CPU a call | effect-relay | cockatiel | opossum | Effect's own |",
  "|---|--:|--:|--:|--:|",
  ...Case.names.filter((name) => !/^(?:raw|relay) /.test(name)).map((name) => {
    const { cockatiel, effect, opossum, ours } = cases[name]!
    return `| ${[name, micros(ours), micros(cockatiel), micros(opossum), micros(effect)].join(" | ")} |`
  })
].join("\n")

describe("the benchmarks in the README", () => {
  it("are those of bench/results.json", () => {
    const found = readme.split("\n\n").find((block) => block.startsWith("| µs of CPU a call"))
    assert.strictEqual(found?.trim(), table)
  })

  it("are rounded to two digits", () => {
    const nanos = [76, 970.9, 999, 6334.8, 9960, 10_872.6, null]
    assert.deepStrictEqual(nanos.map(micros), ["0.076", "0.97", "1.0", "6.3", "10", "11", "–"])
  })
})
