import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Results } from "../../bench/Results.ts"
import * as Table from "../../bench/Table.ts"
import * as ChatQuestion from "../../src/endpoint/ChatQuestion.ts"
import * as Meta from "../../src/relay/Meta.ts"
import { root } from "../architecture/Source.ts"

const page = readFileSync(join(root, "docs/cache.md"), "utf8")
const { hitRates }: Results = JSON.parse(readFileSync(join(root, "bench/results.json"), "utf8"))

/** The cells of the table that begins with this text, without its head. */
const rowsOf = (head: string): ReadonlyArray<ReadonlyArray<string>> => {
  const table = page.split("\n\n").find((block) => block.startsWith(head)) ?? ""
  return table.trim().split("\n").slice(2).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
}

describe("the page of the cache", () => {
  it("lists what is left out of a key", () => {
    assert.deepStrictEqual(
      rowsOf("| Left out |").map(([field]) => field),
      ChatQuestion.leftOut.map((it) => `\`${it}\``)
    )
  })

  it("lists what is taken for absent", () => {
    const rows = Object.entries(ChatQuestion.assumed).map(([field, value]) => [
      `\`${field}\``,
      `\`${JSON.stringify(value)}\``
    ])
    assert.deepStrictEqual(rowsOf("| Field | Default |"), rows)
  })

  it("says of each reason to bypass the cache what it means", () => {
    for (const reason of Meta.Bypass.literals) assert.include(page, `- \`${reason}\`: `)
  })

  it("has the hit rates of bench/results.json", () => {
    const policies = Object.keys(Table.evictions) as ReadonlyArray<keyof typeof Table.evictions>
    const rows = Object.entries(hitRates).map(([name, { rates }]) => [
      name,
      ...policies.map((policy) => Table.percent(rates[policy]))
    ])
    assert.deepStrictEqual(rowsOf(`| % hits | ${Object.values(Table.evictions).join(" | ")} |`), rows)
  })
})
