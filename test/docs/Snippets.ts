/** Finds the TypeScript examples in prose and comments, type-checks them in one go, and runs each. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { join, relative } from "node:path"
import { root, type SourceFile, tokenize } from "../architecture/Source.ts"
import * as Program from "../Program.ts"

export interface Snippet {
  readonly path: string
  /** The line of the fence that opens it. */
  readonly line: number
  readonly code: string
  /** False behind a fence that says `ts no-run`: the snippet is type-checked and no more. */
  readonly runs: boolean
}

/** The fences `ts` and `ts no-run` of a Markdown text; all others are left alone. */
export const fromMarkdown = ({ path, source }: SourceFile): ReadonlyArray<Snippet> => {
  const snippets: Array<Snippet> = []
  const lines = source.split("\n")
  for (let index = 0; index < lines.length; index++) {
    const open = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(lines[index]!)
    if (open === null) continue
    const [, indent, fence, info] = open as unknown as [string, string, string, string]
    const line = index + 1
    const code: Array<string> = []
    while (++index < lines.length) {
      const text = lines[index]!
      const close = text.trim()
      if (close.startsWith(fence) && close === fence[0]!.repeat(close.length)) break
      code.push(text.startsWith(indent) ? text.slice(indent.length) : text.trimStart())
    }
    if (info === "ts" || info === "ts no-run") {
      snippets.push({ path, line, code: code.join("\n") + "\n", runs: info === "ts" })
    }
  }
  return snippets
}

/** The same fences in the TSDoc comments of a TypeScript file. */
export const fromSource = ({ path, source }: SourceFile): ReadonlyArray<Snippet> =>
  tokenize(source).flatMap((token) => token.comments).filter(({ text }) => text.startsWith("/**")).flatMap(
    (comment) => {
      const prose = comment.text.split("\n").map((text) => text.replace(/^\s*\*(?!\/) ?/, "")).join("\n")
      return fromMarkdown({ path, source: prose })
        .map((snippet) => ({ ...snippet, line: snippet.line + comment.line - 1 }))
    }
  )

/** What is wrong with the snippets, one entry for each that does not type-check or does not run to its end. */
export const verify = async (snippets: ReadonlyArray<Snippet>): Promise<ReadonlyArray<string>> => {
  if (snippets.length === 0) return []
  // Inside the package, so that `effect` and `effect-relay` resolve as they do in the examples.
  const parent = join(root, "test/docs/.snippets")
  await mkdir(parent, { recursive: true })
  const directory = await mkdtemp(join(parent, "run-"))
  try {
    const files = new Map(snippets.map((snippet) => [nameOf(snippet), snippet]))
    await Promise.all(Array.from(files, ([name, { code }]) => writeFile(join(directory, name), code)))
    const ill = await typeCheck(directory, files)
    const sound = Array.from(files).filter(([name, { runs }]) => runs && !ill.has(name))
    const alone = async ([name, snippet]: readonly [string, Snippet]): Promise<ReadonlyArray<string>> => {
      const { exitCode, stderr, stdout } = await Program.run(join(directory, name))
      return exitCode === 0 ? [] : [`${at(snippet)} ends with ${exitCode ?? "a timeout"}\n${stdout}${stderr}`.trim()]
    }
    // Most of the time goes into starting a process, so some share one; who is at fault is found alone.
    const failed = await inParallel(batches(sound), async (batch, number) => {
      const together = join(directory, `together-${number}.ts`)
      await writeFile(together, batch.map(([name]) => `await import("./${name}")\n`).join(""))
      if ((await Program.run(together)).exitCode === 0) return []
      const findings: Array<string> = []
      for (const one of batch) findings.push(...await alone(one))
      return findings
    })
    return [...ill.values(), ...failed.flat()]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const batchSize = 8

const batches = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from(
    { length: Math.ceil(items.length / batchSize) },
    (_, index) => items.slice(index * batchSize, (index + 1) * batchSize)
  )

const at = ({ line, path }: Snippet): string => `${path}:${line}`

const nameOf = ({ line, path }: Snippet): string => `${path.replace(/\W+/g, "_")}_L${line}.ts`

const typeCheck = async (
  directory: string,
  files: ReadonlyMap<string, Snippet>
): Promise<ReadonlyMap<string, string>> => {
  const config = {
    extends: relative(directory, join(root, "tsconfig.json")),
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: ["*.ts"]
  }
  await writeFile(join(directory, "tsconfig.json"), JSON.stringify(config))
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const { exitCode, stderr, stdout } = await Program.node([tsc, "--noEmit", "--pretty", "false", "-p", "."], directory)
  const reports = new Map<string, string>()
  if (exitCode === 0) return reports

  // A line that names no place goes on with the message before it.
  let current = "tsc"
  for (const text of `${stdout}${stderr}`.trim().split("\n")) {
    const place = /^(\S+?)\((\d+),(\d+)\): (.*)$/.exec(text)
    if (place !== null) current = place[1]!
    const snippet = files.get(current)
    const message = snippet === undefined || place === null
      ? text
      : `${snippet.path}:${snippet.line + Number(place[2])}:${place[3]} ${place[4]}`
    const title = snippet === undefined ? `${current} does not type-check` : `${at(snippet)} does not type-check`
    reports.set(current, `${reports.get(current) ?? title}\n${message}`)
  }
  return reports
}

const inParallel = async <A, B>(
  items: ReadonlyArray<A>,
  task: (item: A, index: number) => Promise<B>
): Promise<ReadonlyArray<B>> => {
  const results: Array<B> = []
  const queue = items.entries()
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    for (const [index, item] of queue) results[index] = await task(item, index)
  }))
  return results
}
