import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"
import * as Report from "./Report.ts"
import { survivors } from "./Survivors.ts"

const mutant = (fate: Report.Mutant["fate"], was = "a < b"): Report.Mutant => ({
  file: "src/machine/A.ts",
  line: `if (${was}) return`,
  was,
  becomes: "false",
  fate
})

const explained = (was?: string, why = "it is the same"): Report.Survivor => {
  const { fate: _, ...rest } = mutant("survived", was)
  return { ...rest, why }
}

describe("the mutation report", () => {
  it("asks for the reason of each survivor, and only of those", () => {
    const mutants = [mutant("survived"), mutant("killed", "c"), mutant("timed out", "d"), mutant("refused", "e")]
    assert.deepStrictEqual(Report.compare(mutants, []), { unexplained: [mutants[0]!], stale: [] })
    assert.deepStrictEqual(Report.compare(mutants, [explained()]), { unexplained: [], stale: [] })
  })

  it("takes an explanation for one survivor, not for two that look alike", () => {
    const mutants = [mutant("survived"), mutant("survived")]
    assert.lengthOf(Report.compare(mutants, [explained()]).unexplained, 1)
    assert.lengthOf(Report.compare(mutants, [explained(), explained()]).unexplained, 0)
  })

  it("finds an explanation stale when its mutant is killed, or is there no more", () => {
    assert.deepStrictEqual(Report.compare([mutant("killed")], [explained()]).stale, [explained()])
    assert.deepStrictEqual(Report.compare([], [explained()]).stale, [explained()])
  })

  it("takes no empty reason", () => {
    assert.lengthOf(Report.compare([mutant("survived")], [explained("a < b", " ")]).unexplained, 1)
  })

  it("reads back the scores it wrote", () => {
    const fates = ["killed", "killed", "timed out", "refused", "survived"] as const
    const mutants = fates.map((fate) => mutant(fate))
    const score = Report.scoreOf("src/machine/A.ts", "0a1b2c3d", mutants)
    const text = Report.table([score])
    assert.include(text, "| `src/machine/A.ts` | 5 | 2 | 1 | 1 | 1 | 75.0% | `0a1b2c3d` |")
    assert.include(text, "| all | 5 | 2 | 1 | 1 | 1 | 75.0% |")
    assert.deepStrictEqual(Report.scoresIn(text), [score])
  })

  it("keeps the cells of a table apart, whatever code stands in them", () => {
    const text = Report.list([explained("a || `b`")])
    assert.include(text, "| `` a \\|\\| `b` `` | `false` | `` if (a \\|\\| `b`) return `` | it is the same |")
  })

  it("fills its places and leaves the rest alone", () => {
    const page = "head\n<!-- x -->\nold\n<!-- end of x -->\ntail"
    const filled = "head\n<!-- x -->\n\nnew\n\n<!-- end of x -->\ntail"
    assert.strictEqual(Report.fill(page, "x", "new"), filled)
    assert.strictEqual(Report.fill(filled, "x", "new"), filled)
    assert.throws(() => Report.fill(page, "y", "new"), "no place for y")
  })

  it("lists the survivors that are explained, and explains nothing in files that are gone", () => {
    const page = readFileSync(join(root, "docs/mutation.md"), "utf8")
    assert.strictEqual(Report.fill(page, "survivors", Report.list(survivors)), page)
    for (const { file, why } of survivors) {
      assert.isTrue(existsSync(join(root, file)), file)
      assert.isNotEmpty(why.trim())
    }
  })
})
