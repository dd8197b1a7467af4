import { assert, describe, it } from "@effect/vitest"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { root } from "./architecture/Source.ts"
import * as Program from "./Program.ts"

const examples = readdirSync(join(root, "examples")).filter((name) => /^\d\d_.*\.ts$/.test(name)).sort()

describe("the examples", () => {
  it("are at least seven, numbered without a gap", () => {
    assert.isAtLeast(examples.length, 7)
    assert.deepStrictEqual(
      examples.map((name) => Number(name.slice(0, 2))),
      examples.map((_, index) => index + 1)
    )
  })

  it.each(examples)("%s runs to its end without a complaint", async (name) => {
    const { exitCode, stderr, stdout } = await Program.run(join("examples", name))
    assert.deepStrictEqual({ exitCode, stderr }, { exitCode: 0, stderr: "" }, stdout)
    assert.isNotEmpty(stdout)
  }, 25_000)
})
