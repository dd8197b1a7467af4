import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./architecture/Source.ts"

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const { "./package.json": _manifest, ...entries }: Record<string, Record<string, string>> = manifest.exports

describe("the package", () => {
  it("depends on effect alone, and lets its user choose the copy", () => {
    assert.deepStrictEqual(Object.keys(manifest.peerDependencies), ["effect"])
    for (const field of ["dependencies", "optionalDependencies", "bundledDependencies"]) {
      assert.notProperty(manifest, field)
    }
  })

  it.each(Object.entries(entries))("names the source, the types and the code of %s", (_, targets) => {
    const source = targets["effect-relay-source"]!
    assert.isTrue(existsSync(join(root, source)), source)
    const built = source.replace("./src/", "./dist/").replace(/\.ts$/, "")
    // The first condition that matches wins, so the order counts.
    assert.deepStrictEqual(Object.entries(targets), [
      ["effect-relay-source", source],
      ["types", `${built}.d.ts`],
      ["default", `${built}.js`]
    ])
  })

  it.each(Object.entries(entries))("gives tests one copy of %s, by name and by path", async (entry, targets) => {
    const byName = await import(entry.replace(".", "effect-relay"))
    const byPath = await import(join(root, targets["effect-relay-source"]!))
    assert.strictEqual(byName, byPath)
  })
})
