/**
 * Changes the code of the machines and policies in every small way a slip could, and looks whether a test notices.
 *
 * `npm run mutation` for all of them, `npm run mutation -- src/machine/Gcra.ts …` for some files or folders. Fails when a mutant
 * survives that `Survivors.ts` does not explain, and when an explanation has no survivor any more.
 */
import { Stryker } from "@stryker-mutator/core"
import { createHash } from "node:crypto"
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import * as Compiler from "./Compiler.ts"
import * as Report from "./Report.ts"
import { survivors } from "./Survivors.ts"

const root = join(import.meta.dirname, "../..")
process.chdir(root)

const all = globSync("src/{machine,policy}/*.ts").map((file) => file.replaceAll("\\", "/")).toSorted()
const asked = process.argv.slice(2).map((file) => relative(root, file).replaceAll("\\", "/"))
const isPartOf = (file: string, path: string): boolean => file === path || file.startsWith(`${path}/`)
const unknown = asked.filter((path) => !all.some((file) => isPartOf(file, path)))
if (unknown.length > 0) throw new Error(`nothing of src/machine/ or src/policy/: ${unknown.join(", ")}`)
const files = all.filter((file) => asked.length === 0 || asked.some((path) => isPartOf(file, path)))

const textOf = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]))

const results = await new Stryker({
  mutate: files,
  testRunner: "warm",
  plugins: ["./test/mutation/WarmRunner.ts"],
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  coverageAnalysis: "perTest",
  concurrency: 2,
  // the runner ends what takes too long by itself
  timeoutMS: 60_000,
  timeoutFactor: 100,
  dryRunTimeoutMinutes: 30,
  // Stryker asks the compiler to rewrite this file, which the compiler no longer does; nothing here needs it rewritten
  tsconfigFile: "none",
  cleanTempDir: "always",
  tempDirName: "reports/mutation/sandbox",
  reporters: ["progress-append-only", "html", "json"],
  warnings: false
}).runMutationTest()

const oneLine = (text: string): string => {
  const words = text.trim().replace(/\s+/g, " ")
  return words.length > 110 ? `${words.slice(0, 70)} … ${words.slice(-30)}` : words
}

const compiler = Compiler.make(root)
if (!await compiler.builds()) throw new Error("the code cannot be built as it is")

const mutants: Array<Report.Mutant> = []
for (const { fileName, location, replacement, status, statusReason } of results) {
  const file = relative(root, fileName).replaceAll("\\", "/")
  const text = textOf.get(file)!
  const lines = text.split("\n")
  const [start, end] = [location.start, location.end].map(({ column, line }) =>
    lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, column - 1)
  )
  const isRefused = async () => compiler.refuses(file, text, text.slice(0, start) + replacement + text.slice(end))
  mutants.push({
    file,
    line: oneLine(lines[location.start.line - 1]!),
    was: oneLine(text.slice(start, end)),
    becomes: oneLine(replacement),
    fate: status === "Timeout" || statusReason?.includes("Test timed out in") === true
      ? "timed out"
      // code that cannot be loaded turns the tests red as well
      : status === "Killed" || status === "RuntimeError"
      ? "killed"
      : await isRefused()
      ? "refused"
      : "survived"
  })
}

const digestOf = (file: string): string =>
  createHash("sha256").update(textOf.get(file) ?? readFileSync(join(root, file))).digest("hex").slice(0, 8)

const page = "docs/mutation.md"
const before = readFileSync(join(root, page), "utf8")
const scores = [
  ...Report.scoresIn(before).filter(({ file }) => existsSync(join(root, file)) && !files.includes(file)),
  ...files.map((file) => Report.scoreOf(file, digestOf(file), mutants))
].toSorted((a, b) => a.file < b.file ? -1 : 1)

const { stale, unexplained } = Report.compare(
  mutants,
  survivors.filter(({ file }) => files.includes(file) || !all.includes(file))
)

console.log(Report.table(scores.filter(({ file }) => files.includes(file))))
const outdated = [
  ...all.filter((file) => !scores.some((score) => score.file === file)).map((file) => `\`${file}\` (never measured)`),
  ...scores.filter(({ digest, file }) => digest !== digestOf(file)).map(({ file }) => `\`${file}\` (changed since)`)
]

writeFileSync(
  join(root, page),
  [
    ["scores", Report.table(scores)],
    ["outdated", outdated.length === 0 ? "None." : outdated.map((file) => `- ${file}`).join("\n")],
    ["survivors", Report.list(survivors)]
  ].reduce((text, [name, part]) => Report.fill(text, name!, part!), before)
)

// a machine under load makes such mutants as well
for (const { becomes, file, was } of mutants.filter(({ fate }) => fate === "timed out")) {
  console.log(`timed out: ${file}: ${was} → ${becomes}`)
}
for (const { becomes, file, line, was } of unexplained) {
  console.log(`\nunexplained: ${JSON.stringify({ file, line, was, becomes, why: "" }, undefined, 2)}`)
}
for (const { becomes, file, was } of stale) {
  console.log(`\nstale: ${file}: ${was} → ${becomes} is explained, but does not survive`)
}
console.log(
  `\n${unexplained.length} unexplained, ${stale.length} stale; ${page} is rewritten, the code with its mutants is in reports/mutation/`
)
if (unexplained.length + stale.length > 0) process.exitCode = 1
