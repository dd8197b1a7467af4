import { assert, describe, it } from "@effect/vitest"
import { Schedule } from "effect"
import * as Relay from "effect-relay"
import { globSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
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

/** The rows under a heading, as cells, up to the next heading: of all tables that begin with an option. */
const rowsUnder = (page: string, heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const from = page.indexOf(`\n${heading}\n`)
  const section = from < 0 ? "" : page.slice(from + heading.length + 2).split(/\n## /)[0]!
  return section.split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()))
}

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
    return found.length > 0 && found.every((word) => expected.includes(word))
  }
  return expected.every((word, index) => word === found[index])
}

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

  it.each(pages.filter(([name]) => name !== "README"))("%s has all its parts", (_, page) => {
    const headings = page.split("\n").filter((line) => line.startsWith("## "))
    for (const heading of ["## About", "## Usage", "## Anti-patterns"]) assert.include(headings, heading)
  })

  it("CircuitBreaker is among them", () => {
    assert.include(told.map(([name]) => name), "CircuitBreaker")
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
