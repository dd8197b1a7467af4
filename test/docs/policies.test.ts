import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Relay from "effect-relay"
import { existsSync, globSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { root } from "../architecture/Source.ts"

/** The pages, by the name of the module each is about. */
const pages = globSync("docs/policies/*.md", { cwd: root }).toSorted().map((path) => {
  const name = basename(path, ".md").replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
  return [name, readFileSync(join(root, path), "utf8")] as const
})

const defaultsOf = (name: string): object | undefined => {
  const module: unknown = Object.entries(Relay).find(([key]) => key === name)?.[1]
  return typeof module === "object" && module !== null && "defaults" in module ? Object(module.defaults) : undefined
}

/** The text under a heading, up to the next of its kind. */
const sectionOf = (page: string, heading: string): string => {
  const from = page.indexOf(`\n${heading}\n`)
  return from < 0 ? "" : page.slice(from + heading.length + 2).split(/\n## /)[0]!
}

/** The rows under a heading, as cells: of all tables that begin with an option. */
const rowsUnder = (page: string, heading: string): ReadonlyArray<ReadonlyArray<string>> =>
  sectionOf(page, heading).split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()))

const show = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return String(value)
  return Object.entries(value)
    .map(([name, part]) => Array.isArray(value) || name === "_tag" ? show(part) : `${name} ${show(part)}`)
    .join(" ")
}

/** What a value says, however it is set: its words and numbers. */
const words = (text: string): ReadonlyArray<string> =>
  text.toLowerCase().replace(/(?<=\d)[_,](?=\d{3})/g, "").match(/[a-z]+|[\d.]*\d/g) ?? []

/** Whether a cell tells a value: a word more may follow, such as a unit; of an object a part may do, but nothing else. */
const tells = (cell: string, value: unknown): boolean => {
  // what has no words is told in prose
  if (value === undefined || typeof value === "function" || Schedule.isSchedule(value)) return cell !== ""
  const expected = words(show(value))
  const found = words(cell)
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    if (expected.length === 0) return found[0] === "none"
    return found.length > 0 && found.every((word) => expected.includes(word))
  }
  return expected.every((word, index) => word === found[index])
}

const allParts = [
  "## About",
  "## Usage",
  "## Defaults",
  "## State diagram",
  "## What it adds to the error channel",
  "## Anti-patterns"
]

const told = pages.flatMap(([name, page]) => {
  const defaults = defaultsOf(name)
  return defaults === undefined ? [] : [[name, { defaults, rows: rowsUnder(page, "## Defaults") }] as const]
})

describe("the page of a policy", () => {
  it.each(told)("%s tells all defaults, as they are", (_, { defaults, rows }) => {
    for (const [name, value] of Object.entries(defaults)) {
      const row = rows.find((row) => row[0]!.split("`")[1] === name)
      assert(row !== undefined, `there is no row for ${name}`)
      assert(tells(row[1]!, value), `${name} is ${show(value)}, not ${row[1]}`)
    }
  })

  it.each(told)("%s tells of no option twice, and of each why", (_, { rows }) => {
    const options = rows.map(([option]) => option)
    assert.deepStrictEqual(options, Array.from(new Set(options)))
    for (const row of rows) assert(row.every((cell) => cell !== ""), row.join(" | "))
  })

  it.each(pages.filter(([name]) => name !== "README"))("%s has all its parts, in their order", (name, page) => {
    const parts = page.split("\n").filter((line) => line.startsWith("## "))
    // a policy without options has no defaults to tell
    const isOptional = (part: string): boolean => part === "## Defaults" && defaultsOf(name) === undefined
    assert.deepStrictEqual(parts, allParts.filter((part) => parts.includes(part) || !isOptional(part)))
    for (const part of parts) assert.isNotEmpty(sectionOf(page, part).trim(), part)
    assert.match(sectionOf(page, "## Usage"), /^```ts\n/m)
    assert.match(sectionOf(page, "## State diagram"), /^```mermaid\n(?:stateDiagram-v2|flowchart \w+)\n[^]+^```$/m)
    const pitfalls = sectionOf(page, "## Anti-patterns")
    assert.match(pitfalls, /\bDon't\b/)
    assert.match(pitfalls, /\bDo\b(?!n't)/)
  })

  it("is there for every module that has defaults; those of relay and gateway stand elsewhere", () => {
    const elsewhere = new Set(["RelayService", "RelayGateway"])
    const modules = Object.keys(Relay).filter((name) => defaultsOf(name) !== undefined && !elsewhere.has(name))
    assert.sameMembers(told.map(([name]) => name), modules)
  })

  it("may tell a default in any words that mean the same, and in no others", () => {
    const same: ReadonlyArray<readonly [string, unknown]> = [
      ["`10_000`", 10_000],
      ["10,000", 10_000],
      ["1 a second", 1],
      ["`failureRate({ rate: 0.5, evidence: 13 })`", Relay.CircuitBreaker.failureRate()],
      ["FailureRate (rate 0.5, evidence 13)", Relay.CircuitBreaker.failureRate()],
      ["`failureRate()`", Relay.CircuitBreaker.failureRate()],
      ["20 / 15 / 10", [20, 15, 10]],
      ["`[20, 15, 10]`", [20, 15, 10]],
      ["`\"30 seconds\"`", "30 seconds"],
      ["`Infinity`", Infinity],
      ["that of `standard`", Schedule.spaced(1)]
    ]
    for (const [cell, value] of same) assert.isTrue(tells(cell, value), cell)
    const other: ReadonlyArray<readonly [string, unknown]> = [
      ["0.25", 0.2],
      ["30 seconds", "3 seconds"],
      ["30 seconds", "30 minutes"],
      ["5", 0.5],
      ["", 5],
      ["20 / 15", [20, 15, 10]],
      ["`failureRate({ rate: 0.2 })`", Relay.CircuitBreaker.failureRate()],
      ["", Relay.CircuitBreaker.failureRate()]
    ]
    for (const [cell, value] of other) assert.isFalse(tells(cell, value), cell)
  })
})

describe("the index of the policies", () => {
  const index = pages.find(([name]) => name === "README")![1]

  it("links every page", () => {
    const linked = new Set(Array.from(index.matchAll(/\]\(([\w-]+\.md)\)/g), ([, file]) => file!))
    const files = globSync("docs/policies/*.md", { cwd: root }).map((path) => basename(path))
    assert.sameMembers(Array.from(linked), files.filter((file) => file !== "README.md"))
  })

  it.effect("shows what Policy.explain says of its stack", () =>
    Effect.gen(function*() {
      const { Bulkhead, CircuitBreaker, Deadline, Fallback, Hedge, Idempotent, Policy } = Relay
      const stack = [
        (yield* Relay.Timeout.make({ duration: "2 seconds" })).protect,
        (yield* Bulkhead.make({ maxConcurrent: 8 })).protect,
        (yield* Relay.RateLimiter.make({ limit: 600 })).protect,
        (yield* CircuitBreaker.make()).protect,
        (yield* Hedge.make()).protect,
        Idempotent.mark,
        (yield* Relay.Retry.make()).protect,
        Deadline.within("20 seconds"),
        yield* Relay.ResponseCache.make(),
        Fallback.value("no rows")
      ]
      const shown = /```text\n(Outermost first\n[^]*?)\n```/.exec(index)?.[1]
      assert.strictEqual(shown, Policy.explain(stack))
    }))
})

describe("the links between the documents", () => {
  it.each(["README.md", "bench/README.md", ...globSync("docs/**/*.md", { cwd: root })])(
    "of %s lead somewhere",
    (path) => {
      const text = readFileSync(join(root, path), "utf8")
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
        assert(existsSync(join(root, dirname(path), target!)), `${path} links ${target}, which is not there`)
      }
    }
  )
})
