import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Case from "../../bench/Case.ts"
import * as Distance from "../../bench/Distance.ts"
import type { Results } from "../../bench/Results.ts"
import { root } from "../architecture/Source.ts"

const results: Results = JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8"))
const { cases, memory } = results

const blockOf = (page: string, head: string): string | undefined =>
  readFileSync(join(root, page), "utf8").split("\n\n").find((block) => block.startsWith(head))?.trim()

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
    assert.strictEqual(blockOf("README.md", "| µs of CPU a call"), table)
  })

  it("are rounded to two digits", () => {
    const nanos = [76, 970.9, 999, 6334.8, 9960, 10_872.6, null]
    assert.deepStrictEqual(nanos.map(micros), ["0.076", "0.97", "1.0", "6.3", "10", "11", "–"])
  })
})

describe("the distance to the budgets", () => {
  it("is told in bench/README.md as bench/results.json has it", () => {
    assert.strictEqual(blockOf("bench/README.md", "| | budget | found |"), Distance.ofResults(results))
  })

  const found = (name: Case.Name, change: Partial<Results["cases"][string]>): ReadonlyArray<string> => {
    const row = { ...cases["relay chat over loopback"]!, ...change }
    const told = Distance.ofResults({ cases: { [name]: row }, memory }).split("\n")
    return told.flatMap((line) => /^\| (.*) \| .* \| (.*\d.*) \|$/.exec(line)?.slice(1).join(": ") ?? [])
  }

  it("of a first token is the difference of the medians", () => {
    const text = "the first token of a stream over loopback, at the median, above a bare `fetch`"
    const name = "relay stream over loopback, first token"
    assert.include(found(name, { p50: 1_400_000, rawP50: 400_000, ours: 0, raw: 0 }), `${text}: 1 000 000`)
    assert.include(found(name, { p50: 1_400_001, rawP50: 400_000, ours: 0, raw: 0 }), `${text}: **1 000 001**`)
  })

  it("of a chunk is the CPU time beyond that of direct reading", () => {
    const text = "a chunk of a stream from memory, above bare reading"
    const name = "relay stream in memory, a chunk"
    assert.include(found(name, { ours: 25_000, raw: 5000, p50: 0, rawP50: 0 }), `${text}: 20 000`)
    assert.include(found(name, { ours: 25_001, raw: 5000, p50: 0, rawP50: 0 }), `${text}: **20 001**`)
  })
})
