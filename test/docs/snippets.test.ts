import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { join, sep } from "node:path"
import { read, root } from "../architecture/Source.ts"
import { fromMarkdown, fromSource, verify } from "./Snippets.ts"

const markdown = (): ReadonlyArray<string> => [
  ...["README.md"].filter((path) => existsSync(join(root, path))),
  ...globSync("docs/**/*.md", { cwd: root })
    .map((path) => path.split(sep).join("/"))
    .filter((path) => !path.startsWith("docs/decisions/"))
    .sort()
]

describe("the examples in the documentation", () => {
  it("type-check and run", async () => {
    const snippets = [
      ...markdown().flatMap((path) => fromMarkdown({ path, source: readFileSync(join(root, path), "utf8") })),
      ...read("src").flatMap(fromSource)
    ]
    assert.strictEqual((await verify(snippets)).join("\n\n"), "")
  }, 300_000)
})

describe("checking the documentation", () => {
  const lines = (...text: ReadonlyArray<string>): string => text.join("\n")

  it("finds the fences of Markdown with their lines", () => {
    const source = lines(
      "# Title",
      "```ts",
      "const a = 1",
      "```",
      "- in a list",
      "  ~~~ts no-run",
      "  if (a) {",
      "    b()",
      "  ~~~",
      "```sh",
      "npm test",
      "```",
      "```ts sig",
      "c(): void",
      "```",
      "````md",
      "```ts",
      "inside another fence",
      "```",
      "````"
    )
    assert.deepStrictEqual(fromMarkdown({ path: "README.md", source }), [
      { path: "README.md", line: 2, code: "const a = 1\n", runs: true },
      { path: "README.md", line: 6, code: "if (a) {\n  b()\n", runs: false }
    ])
  })

  it("finds the fences of TSDoc comments, and no others", () => {
    const source = lines(
      "/**",
      " * A thing.",
      " *",
      " * ```ts",
      " * const a = 2 *",
      " *   3",
      " * ```",
      " *",
      " * @since 0.1.0",
      " */",
      "export const a = `",
      "/**",
      " * ```ts",
      " * const b = 1",
      " * ```",
      " */`",
      "// ```ts",
      "/* ```ts",
      "const c = 1",
      "``` */",
      "export const b = 1"
    )
    assert.deepStrictEqual(fromSource({ path: "src/relay/A.ts", source }), [
      { path: "src/relay/A.ts", line: 4, code: "const a = 2 *\n  3\n", runs: true }
    ])
  })

  it("reports what does not type-check and what does not run, and nothing else", async () => {
    const source = lines(
      "```ts",
      "import { Effect } from \"effect\"",
      "console.log(await Effect.runPromise(Effect.succeed(1)))",
      "```",
      "```ts",
      "export const fine = 1",
      "const wrong: string = fine",
      "```",
      "```ts",
      "throw new Error(\"out of luck\")",
      "```",
      "```ts no-run",
      "throw new Error(\"never run\")",
      "```",
      "```ts no-run",
      "undeclared()",
      "```"
    )
    const reports = await verify(fromMarkdown({ path: "docs/fixture.md", source }))
    assert.deepStrictEqual(reports.map((report) => report.split("\n")[0]), [
      "docs/fixture.md:15 does not type-check",
      "docs/fixture.md:5 does not type-check",
      "docs/fixture.md:9 ends with 1"
    ])
    assert.include(reports[0], "docs/fixture.md:16:1 error TS2304: Cannot find name 'undeclared'")
    assert.include(reports[1], "docs/fixture.md:7:7 error TS2322: Type 'number' is not assignable to type 'string'")
    assert.include(reports[2], "out of luck")
  }, 60_000)
})
