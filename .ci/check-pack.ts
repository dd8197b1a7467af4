/** Packs the package, looks at what is inside, and uses it from an empty project as its users would. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, posix } from "node:path"

const root = join(import.meta.dirname, "..")
const project = mkdtempSync(join(tmpdir(), "effect-relay-pack-"))
const isWindows = process.platform === "win32"

// A script run by npm inherits settings of this package that the empty project must not see.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local)_/.test(name))
)

const run = (cwd: string, command: string, args: ReadonlyArray<string>): string =>
  execFileSync(command, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: isWindows && command === "npm"
  })

const manifestOf = (directory: string): { readonly version: string; readonly exports?: Record<string, unknown> } =>
  JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))

const expectedFiles = (): ReadonlyArray<string> => [
  "AGENTS.md",
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "package.json",
  ...globSync(["docs/{cache,cost,relay,simulation}.md", "docs/{policies,relay}/*.md"], { cwd: root }).map((file) =>
    file.replaceAll("\\", "/")
  ),
  ...globSync("src/**/*.ts", { cwd: root }).flatMap((file) => {
    const source = file.replaceAll("\\", "/")
    const built = source.replace(/^src\//, "dist/").replace(/\.ts$/, "")
    return [source, ...[".js", ".js.map", ".d.ts", ".d.ts.map"].map((extension) => built + extension)]
  })
]

/** Links of the pages that ship to what does not. */
const brokenLinks = (files: ReadonlyArray<string>): ReadonlyArray<string> =>
  files.filter((file) => /^docs\/.*\.md$/.test(file)).flatMap((file) =>
    Array.from(readFileSync(join(root, file), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g), ([, target]) => target!)
      .filter((target) => !files.includes(posix.join(posix.dirname(file), target)))
      .map((target) => `${file} links ${target}`)
  )

try {
  const [packed] = JSON.parse(
    run(root, "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project])
  ) as [{ readonly filename: string; readonly files: ReadonlyArray<{ readonly path: string }>; readonly size: number }]
  const expected = expectedFiles()
  const actual = packed.files.map(({ path }) => path)
  const missing = expected.filter((path) => !actual.includes(path))
  const unexpected = actual.filter((path) => !expected.includes(path))
  assert.deepEqual({ missing, unexpected }, { missing: [], unexpected: [] })
  assert.deepEqual(brokenLinks(actual), [])
  console.log(`${packed.filename}: ${packed.files.length} files, ${Math.ceil(packed.size / 1024)} KB`)

  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2023",
        lib: ["ES2023", "DOM"],
        types: [],
        module: "NodeNext",
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true
      }
    })
  )
  cpSync(join(root, ".ci/consumer/main.ts"), join(project, "main.ts"))

  const peers = ["effect", "typescript"].map((name) =>
    `${name}@${manifestOf(join(root, "node_modules", name)).version}`
  )
  run(project, "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", `./${packed.filename}`, ...peers])
  run(project, process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."])
  console.log("main.ts type-checks")
  console.log(run(project, process.execPath, ["main.ts"]).trimEnd())

  for (const entry of Object.keys(manifestOf(root).exports ?? {}).filter((entry) => !entry.endsWith(".json"))) {
    const specifier = entry.replace(/^\./, "effect-relay")
    run(project, process.execPath, ["--input-type=module", "--eval", `await import("${specifier}")`])
    console.log(`${specifier} can be imported`)
  }
} catch (error) {
  // What tsc found stands on its standard output.
  if (error instanceof Error && "stdout" in error) console.error(error.stdout)
  throw error
} finally {
  rmSync(project, { recursive: true, force: true })
}
