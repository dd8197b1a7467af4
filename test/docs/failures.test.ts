import { assert, describe, it } from "@effect/vitest"
import { RelayError, Verdict } from "effect-relay"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"

const readme = readFileSync(join(root, "README.md"), "utf8")

/** The rows of the table under a heading, as cells. */
const rowsUnder = (heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = readme.split("\n")
  const table = lines.slice(lines.indexOf(heading) + 1)
  const begin = table.findIndex((line) => line.startsWith("|"))
  const length = table.slice(begin).findIndex((line) => !line.startsWith("|"))
  return table.slice(begin + 2, begin + length).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
}

const yesOrNo = (value: boolean): string => value ? "yes" : "no"

describe("the failures in the README", () => {
  const rows = rowsUnder("## How a call fails")

  it("are all there are, each once", () => {
    const tags = RelayError.StreamError.members.map((failure) => failure.identifier)
    assert.deepStrictEqual(rows.map(([tag]) => tag).toSorted(), tags.map((tag) => `\`${tag}\``).toSorted())
  })

  it.each(Object.entries(Verdict.byTag))("say of %s what the policies do", (tag, verdict) => {
    const row = rows.find(([cell]) => cell === `\`${tag}\``)
    assert.deepStrictEqual(row?.slice(2), [
      yesOrNo(verdict.elsewhere),
      yesOrNo(verdict.again),
      yesOrNo(verdict.breaker === "Failure")
    ])
  })
})
