/** The floors of `src/`: a file imports from its own floor and from those under it, and from nowhere else. */
import { posix } from "node:path"
import { importsOf, type SourceFile, tokenize } from "./Source.ts"

/** From the bottom to the top. */
export const floors = ["machine", "policy", "endpoint", "relay", "integration", "testing"] as const

const rootIndex = "src/index.ts"
const vague = new Set(["util", "utils", "common", "helper", "helpers"])

const floorOf = (path: string): number => floors.findIndex((floor) => path.startsWith(`src/${floor}/`))

/** What breaks the rules, one line each: `path:line what is wrong`. */
export const check = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> => {
  const violations: Array<string> = []
  const edges = new Map<string, Array<string>>(files.map((file) => [file.path, []]))

  for (const { path, source } of files) {
    const floor = floorOf(path)
    const report = (line: number, what: string): void => void violations.push(`${path}:${line} ${what}`)
    if (path !== rootIndex && floor === -1) report(1, "stands on no floor")
    const names = path.toLowerCase().replace(/\.ts$/, "").split("/")
    for (const name of names) if (vague.has(name)) report(1, `is named ${name}, which says nothing`)
    if (names.at(-1) === "types") report(1, "is named types, which says nothing")

    for (const { line, specifier } of importsOf(tokenize(source))) {
      if (!specifier.startsWith(".")) {
        if (path.startsWith("src/machine/")) report(line, `imports ${specifier}, but a machine is plain TypeScript`)
        continue
      }
      const target = posix.join(posix.dirname(path), specifier)
      if (!edges.has(target)) {
        report(line, `imports ${specifier}, which is no file under src/`)
        continue
      }
      edges.get(path)!.push(target)
      if (path === rootIndex) continue
      if (target === rootIndex) report(line, "imports the root index")
      else if (floorOf(target) > floor) report(line, `imports ${target}, which stands on a floor above`)
    }
  }
  return [...violations, ...cycles(edges)]
}

const cycles = (edges: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const done = new Set<string>()
  const visit = (path: string, trail: ReadonlyArray<string>): void => {
    const start = trail.indexOf(path)
    if (start !== -1) {
      found.push(`${path}:1 imports itself: ${[...trail.slice(start), path].join(" -> ")}`)
      return
    }
    if (done.has(path)) return
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return found
}
