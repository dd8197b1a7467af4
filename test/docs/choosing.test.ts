import { assert, describe, it } from "@effect/vitest"
import { Balance, Capabilities, RelayService } from "effect-relay"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Choice from "../../src/relay/Choice.ts"
import { root } from "../architecture/Source.ts"

const page = readFileSync(join(root, "docs/relay/choosing.md"), "utf8")

/** The cells of the rows of the table that begins with this text. */
const rowsOf = (head: string): ReadonlyArray<ReadonlyArray<string>> => {
  const table = page.split("\n\n").find((block) => block.startsWith(head)) ?? ""
  return table.split("\n").slice(2).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
}

describe("the page on choosing", () => {
  it("tells the defaults of outliers as they are, and of each why", () => {
    const rows = rowsOf("| Option of `outliers` |")
    const defaults = Object.entries(RelayService.defaults.outliers).map((
      [name, value]
    ) => [`\`${name}\``, String(value)])
    assert.deepStrictEqual(rows.map(([name, value]) => [name, value]), defaults)
    assert.isTrue(rows.every(([, , why]) => why !== undefined && why.length > 20))
  })

  it("tells of every strategy", () => {
    const told = rowsOf("| `balance` |").map(([name]) => name)
    assert.sameMembers(told, [...Balance.names.map((name) => `\`"${name}"\``), "a function"])
  })

  it("tells of every capability", () => {
    const told = rowsOf("| Capability |").map(([name]) => name)
    assert.sameMembers(told, [...Object.keys(Capabilities.names), "contextWindow"].map((name) => `\`${name}\``))
  })

  it("tells how many are looked at", () => {
    assert.include(page, `ends at ${Choice.maxLooks} a tier`)
  })
})
