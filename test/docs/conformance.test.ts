import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Fault from "../../bench/conformance/Fault.ts"
import type { Report } from "../../bench/conformance/Report.ts"
import { root } from "../architecture/Source.ts"

const read = (path: string): string => readFileSync(join(root, path), "utf8")

const { rows }: Report = JSON.parse(read("bench/conformance.json"))

const clients = Object.keys(rows)

const sums = [
  "| | passed | partial | safe | failed |",
  "|---|--:|--:|--:|--:|",
  ...Object.entries(rows).map(([name, { failed, partial, passed, safe }]) =>
    `| ${name} | ${[passed, partial, safe, failed].join(" | ")} |`
  )
].join("\n")

const byFault = [
  `| verdict, attempts | ${clients.join(" | ")} |`,
  `|---|${clients.map(() => "---|").join("")}`,
  ...Fault.faults.map(({ model, title }) => {
    const cells = Object.values(rows).map(({ faults }) => `${faults[model]!.verdict}, ${faults[model]!.attempts}`)
    return `| ${title} | ${cells.join(" | ")} |`
  })
].join("\n")

const blockOf = (page: string, head: string): string | undefined =>
  page.split("\n\n").find((block) => block.startsWith(head))?.trim()

describe("the conformance in the documentation", () => {
  it("is that of bench/conformance.json, summed up in the README", () => {
    assert.strictEqual(blockOf(read("README.md"), "| | passed |"), sums)
  })

  it("is that of bench/conformance.json, fault by fault in bench/README.md", () => {
    assert.strictEqual(blockOf(read("bench/README.md"), "| verdict, attempts"), byFault)
  })
})
