/** The table at the end: what was counted, one column a client. */
import { Result } from "effect"
import type * as Trial from "./Trial.ts"

type Counts = ReadonlyMap<string, number>

export interface Column {
  readonly name: string
  readonly requests: number
  readonly answered: number
  /** Failures by tag, and answers by where they came from. */
  readonly failures: Counts
  readonly sources: Counts
  /** How long the answered calls took, in order. */
  readonly latencies: ReadonlyArray<number>
  readonly circuitTrips: number
  /** What the servers themselves counted. */
  readonly received: Counts
  readonly tooMany: Counts
}

const countBy = (names: ReadonlyArray<string>): Counts => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

export const column = (trial: Trial.Trial, circuitTrips: number): Column => {
  const { primary, backup, reserve } = trial.world
  const servers = [primary, backup, reserve]
  const answers = trial.outcomes.filter(({ result }) => Result.isSuccess(result))
  const results = trial.outcomes.map(({ result }) => result)
  return {
    name: trial.client.name,
    requests: trial.outcomes.length,
    answered: answers.length,
    failures: countBy(results.filter(Result.isFailure).map(({ failure }) => failure)),
    sources: countBy(results.filter(Result.isSuccess).map(({ success }) => success)),
    latencies: answers.map(({ latency }) => latency).toSorted((a, b) => a - b),
    circuitTrips,
    received: new Map(servers.map(({ id, tally }) => [id, tally.received])),
    tooMany: new Map(servers.map(({ id, tally }) => [id, tally.tooMany]))
  }
}

const percent = (part: number, whole: number): string => part === 0 ? "" : `${Math.round(100 * part / whole)} %`

const percentile = (sorted: ReadonlyArray<number>, share: number): string =>
  sorted.length === 0 ? "-" : `${Math.round(sorted[Math.ceil(sorted.length * share) - 1]!)} ms`

const sum = (counts: Counts): number => Array.from(counts.values()).reduce((total, count) => total + count, 0)

type Row = readonly [label: string, cell: (column: Column) => readonly [figure: string | number, note?: string]]

const rows = (columns: ReadonlyArray<Column>): ReadonlyArray<Row> => {
  const tags = new Set(columns.flatMap(({ failures }) => [...failures.keys()]).toSorted())
  const servers = columns.flatMap(({ received }) => [...received.keys()])
  const sources = new Set([...servers, ...columns.flatMap((each) => [...each.sources.keys()])])
  sources.delete("cache")
  return [
    ["requests", (each) => [each.requests]],
    ["answered", (each) => [each.answered, percent(each.answered, each.requests)]],
    ["p50 of the answered", (each) => [percentile(each.latencies, 0.5)]],
    ["p99 of the answered", (each) => [percentile(each.latencies, 0.99)]],
    ["429s seen by the caller", (each) => [each.failures.get("RateLimited") ?? 0]],
    ["failed", (each) => [sum(each.failures), percent(sum(each.failures), each.requests)]],
    ...Array.from(tags, (tag): Row => [`  ${tag}`, (each) => [each.failures.get(tag) ?? 0]]),
    ...Array.from(sources, (id): Row => [
      `answered by ${id}`,
      (each) => [each.sources.get(id) ?? 0, percent(each.sources.get(id) ?? 0, each.answered)]
    ]),
    ["cache hits", (each) => [each.sources.get("cache") ?? 0, percent(each.sources.get("cache") ?? 0, each.answered)]],
    ["circuit trips", (each) => [each.circuitTrips]],
    ["upstream calls sent", (each) => [sum(each.received)]],
    ["  refused with a 429", (each) => [sum(each.tooMany)]],
    ...Array.from(new Set(servers), (id): Row => [
      `  to ${id}`,
      (each) => [each.received.get(id) ?? 0]
    ])
  ]
}

const cell = (figure: string | number, note = ""): string => String(figure).padStart(8) + note.padStart(6) + "   "

export const render = (columns: ReadonlyArray<Column>): string => {
  const head = " ".repeat(26) + columns.map(({ name }) => cell(name)).join("")
  const rule = "-".repeat(head.length)
  const body = rows(columns).map(([label, figures]) =>
    label.padEnd(26) + columns.map((each) => cell(...figures(each))).join("")
  )
  return [head, rule, ...body].map((text) => `  ${text.trimEnd()}`).join("\n")
}
