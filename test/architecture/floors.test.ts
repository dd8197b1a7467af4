import { assert, describe, it } from "@effect/vitest"
import { check } from "./Floors.ts"
import { importsOf, read, type SourceFile, tokenize } from "./Source.ts"

const file = (path: string, source = "") => ({ path, source })

describe("the floors of src/", () => {
  it("are kept by every file", () => {
    const files = read("src")
    assert.isNotEmpty(files)
    assert.deepStrictEqual(check(files), [])
  })

  it("let a file import from its own floor, from those under it, and the root index from all", () => {
    assert.deepStrictEqual(
      check([
        file("src/machine/Circuit.ts", `import { push } from "./Window.ts"`),
        file("src/machine/Window.ts"),
        file(
          "src/policy/Breaker.ts",
          `import * as Circuit from "../machine/Circuit.ts"\nimport { Effect } from "effect"`
        ),
        file("src/policy/index.ts", `export * as Breaker from "./Breaker.ts"`),
        file("src/relay/Relay.ts", `import { Breaker } from "../policy/index.ts"`),
        file("src/testing/Script.ts", `import type { Relay } from "../relay/Relay.ts"`),
        file("src/index.ts", `export * from "./policy/index.ts"\nexport * as Relay from "./relay/Relay.ts"`)
      ]),
      []
    )
  })

  const broken: ReadonlyArray<
    readonly [name: string, files: ReadonlyArray<SourceFile>, report: ReadonlyArray<string>]
  > = [
    [
      "an import from a floor above",
      [file("src/machine/A.ts", `\nimport type { B } from "../policy/B.ts"`), file("src/policy/B.ts")],
      ["src/machine/A.ts:2 imports src/policy/B.ts, which stands on a floor above"]
    ],
    [
      "a re-export from a floor above",
      [file("src/relay/A.ts", `export { type B } from "../testing/index.ts"`), file("src/testing/index.ts")],
      ["src/relay/A.ts:1 imports src/testing/index.ts, which stands on a floor above"]
    ],
    [
      "a dynamic import from a floor above",
      [file("src/policy/A.ts", `const b = await import("../endpoint/B.ts")`), file("src/endpoint/B.ts")],
      ["src/policy/A.ts:1 imports src/endpoint/B.ts, which stands on a floor above"]
    ],
    [
      "a machine that imports a package",
      [file("src/machine/A.ts", `import type { Duration } from "effect"`)],
      ["src/machine/A.ts:1 imports effect, but a machine is plain TypeScript"]
    ],
    [
      "an import of the root index",
      [file("src/testing/A.ts", `import { B } from "../index.ts"`), file("src/index.ts")],
      ["src/testing/A.ts:1 imports the root index"]
    ],
    [
      "an import that leaves src/",
      [file("src/testing/A.ts", `import "../../test/B.ts"`)],
      ["src/testing/A.ts:1 imports ../../test/B.ts, which is no file under src/"]
    ],
    ["a file beside the floors", [file("src/Retry.ts")], ["src/Retry.ts:1 stands on no floor"]],
    ["a folder beside the floors", [file("src/cache/Lru.ts")], ["src/cache/Lru.ts:1 stands on no floor"]],
    [
      "a folder whose name says nothing",
      [file("src/policy/utils/A.ts"), file("src/policy/common/A.ts"), file("src/policy/Helpers.ts")],
      [
        "src/policy/utils/A.ts:1 is named utils, which says nothing",
        "src/policy/common/A.ts:1 is named common, which says nothing",
        "src/policy/Helpers.ts:1 is named helpers, which says nothing"
      ]
    ],
    ["a types.ts", [file("src/relay/types.ts")], ["src/relay/types.ts:1 is named types, which says nothing"]],
    [
      "a cycle between files",
      [
        file("src/relay/A.ts", `import { b } from "./B.ts"`),
        file("src/relay/B.ts", `import { c } from "./C.ts"`),
        file("src/relay/C.ts", `import type { A } from "./A.ts"`)
      ],
      ["src/relay/A.ts:1 imports itself: src/relay/A.ts -> src/relay/B.ts -> src/relay/C.ts -> src/relay/A.ts"]
    ]
  ]
  it.each(broken)("report %s", (_, files, report) => {
    assert.deepStrictEqual(check(files), report)
  })
})

describe("reading imports", () => {
  const specifiers = (source: string) => importsOf(tokenize(source)).map(({ specifier }) => specifier)

  it("finds every form", () => {
    assert.deepStrictEqual(
      specifiers(`
        import a, { type b, "c-d" as c } from "1"
        import type * as e from '2'
        import "3"
        export * from "4"
        export * as f from "5"
        export type { g } from "6"
        export { h as from } from "7"
        type I = typeof import("8")
        const j = \`\${await import("9")}\`
        const k = await import(name)
      `),
      ["1", "2", "3", "4", "5", "6", "7", "8", "9", "(computed)"]
    )
  })

  it("passes over comments, strings, templates, regular expressions and other exports", () => {
    assert.deepStrictEqual(
      specifiers(`
        // import a from "1"
        /* export * from "2" */
        const b = 'import "3"' + "export * from '4'"
        const c = \`import d from "5" \${"}"} import "6"\`
        const e = /["'\`/*]/.test(c) || 4 / 2 / 1
        export const f = import.meta.url
        export { b }
        export const g = { from: "7", import: "8" }
        Array.from("9")
      `),
      []
    )
  })
})
