import { assert, describe, it } from "@effect/vitest"
import { check } from "./Rules.ts"
import { read } from "./Source.ts"

const head = "/**\n * A module.\n *\n * @since 0.1.0\n */\nimport \"effect\"\n"
const doc = "/**\n * A thing.\n *\n * @category models\n * @since 0.1.0\n */\n"
const checkOne = (source: string) => check([{ path: "src/policy/A.ts", source }])

describe("the rules of src/", () => {
  it("are kept by every file", () => {
    const files = read("src")
    assert.isNotEmpty(files)
    assert.deepStrictEqual(check(files), [])
  })

  it("let through what only looks like a breach", () => {
    assert.deepStrictEqual(
      checkOne(`${head}
        import { Clock } from "effect"
        import * as Headers from "effect/http/Headers"
        import { Circuit } from "../machine/Circuit.ts"
        // Date.now() and setTimeout would break virtual time.
        const message = "uses process.env" + \`Math.random() \${"new Date()"}\`
        const parsed = [new Date(0), Date.parse("x"), this.process.id, process, Math.max(1, 2)]
      `),
      []
    )
  })

  const impure: ReadonlyArray<readonly [code: string, found: string]> = [
    ["Date.now()", "Date.now"],
    ["[1].map(Date . now)", "Date.now"],
    ["new Date()", "new Date()"],
    ["performance.now()", "performance"],
    ["`${performance.timeOrigin}`", "performance"],
    ["process.hrtime.bigint()", "hrtime"],
    ["globalThis.setTimeout(f, 1)", "setTimeout"],
    ["setInterval(f, 1)", "setInterval"],
    ["setImmediate(f)", "setImmediate"],
    ["AbortSignal.timeout(1)", "AbortSignal.timeout"],
    ["Math.random()", "Math.random"],
    ["crypto.randomUUID()", "randomUUID"],
    ["crypto.getRandomValues(bytes)", "getRandomValues"],
    ["process.env", "process."],
    ["globalThis.process.env", "process."]
  ]
  it.each(impure)("report %s", (code, found) => {
    const report = checkOne(`${head}const a = ${code}`)
    assert.isTrue(report.some((line) => line.startsWith(`src/policy/A.ts:7 uses ${found}: use `)), report.join("\n"))
  })

  it.each([
    `import { readFile } from "node:fs/promises"`,
    `import { NodeRuntime } from "@effect/platform-node"`,
    `export * from "effect-relay"`,
    `const a = await import("vitest")`
  ])("report %s", (code) => {
    const [, specifier] = /"(.*)"/.exec(code)!
    assert.deepStrictEqual(checkOne(`${head}${code}`), [
      `src/policy/A.ts:7 imports ${specifier}, but effect is the only dependency`
    ])
  })

  it.each(["TODO", "FIXME"])("report a %s, in comments as well", (note) => {
    assert.deepStrictEqual(checkOne(`${head}// ${note}: later`), [`src/policy/A.ts:7 holds a ${note}`])
  })
})

describe("the comments of src/", () => {
  it("are complete on each kind of export", () => {
    assert.deepStrictEqual(
      checkOne(`${head}
        import { a } from "./A.ts"
        ${doc} export const b = () => { const inner = { export: 1 } }
        ${doc} export function c(d: string): void
        export function c(d: number): void
        ${doc} export abstract class E {}
        ${doc} export interface F {}
        ${doc} export type G = string
        const h = 1
        export { ${doc} h as i }
        export { j } from "./B.ts"
        export * from "./B.ts"
      `),
      []
    )
  })

  it("are not asked of an index", () => {
    assert.deepStrictEqual(check([{ path: "src/index.ts", source: "export const a = 1" }]), [])
  })

  const noHead = "src/policy/A.ts:1 does not start with a module comment that has @since"
  const broken: ReadonlyArray<readonly [name: string, source: string, report: ReadonlyArray<string>]> = [
    ["a file without a module comment", `import "effect"\n`, [noHead]],
    ["a module comment without @since", `/** A module. */\nimport "effect"\n`, [noHead]],
    ["a module comment that is no TSDoc", `/* @since 0.1.0 */\nimport "effect"\n`, [noHead]],
    ["a first export whose comment stands in for the module's", `${doc}export const a = 1`, [noHead]],
    ["an export without a comment", `${head}export const a = 1`, [
      "src/policy/A.ts:7 exports a without @since and @category"
    ]],
    ["an export without @category", `${head}/** @since 0.1.0 */\nexport class A {}`, [
      "src/policy/A.ts:8 exports A without @category"
    ]],
    ["an export without @since", `${head}/** @category models */\nexport interface A {}`, [
      "src/policy/A.ts:8 exports A without @since"
    ]],
    ["a comment that is no TSDoc", `${head}// @since @category\nexport type A = 1`, [
      "src/policy/A.ts:8 exports A without @since and @category"
    ]],
    ["a symbol exported by name", `${head}const a = 1\nexport { a, ${doc} b as c }`, [
      "src/policy/A.ts:8 exports a without @since and @category"
    ]],
    ["a default export", `${head}export default 1`, [
      "src/policy/A.ts:7 exports default without @since and @category"
    ]]
  ]
  it.each(broken)("report %s", (_, source, report) => {
    assert.deepStrictEqual(checkOne(source), report)
  })
})
