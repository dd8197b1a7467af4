/** The results as people read them. */
import * as Case from "./Case.ts"
import type * as Results from "./Results.ts"

type Line = ReadonlyArray<string>

const lay = (head: Line, lines: ReadonlyArray<Line>): string => {
  const all = [head, head.map(() => ""), ...lines]
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]!.length)))
  const rule = widths.map((width) => "─".repeat(width))
  return all
    .map((line, index) =>
      (index === 1 ? rule : line).map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
      ).join("  ").trimEnd()
    )
    .join("\n")
}

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en").replaceAll(",", " ")

const verdictOf = (name: Case.Name, row: Results.Row): string => {
  const { budget, budgetAtMedian, budgetInAll } = Case.cases[name]
  const verdict = (spent: number, limit: number, of: string): string =>
    `${spent <= limit ? "within" : "over"} ${count(limit)} ${of}`
  if (budget !== undefined) return verdict(row.ours - row.raw, budget, "above raw")
  if (budgetAtMedian !== undefined) return verdict(row.p50! - row.rawP50!, budgetAtMedian, "above raw's median")
  return budgetInAll === undefined ? "" : verdict(row.p50 ?? row.ours, budgetInAll, "in all")
}

/** Nanoseconds a call. */
export const ofCases = (cases: Readonly<Record<string, Results.Row>>): string => {
  const names = Case.names.filter((name) => cases[name] !== undefined)
  const lines = names.map((name) => {
    const row = cases[name]!
    return [name, ...Case.subjects.map((subject) => count(row[subject])), verdictOf(name, row)]
  })
  const told = new Set(
    names.flatMap((name) =>
      Object.entries(Case.cases[name].notes ?? {}).map(([subject, note]) => `${name}: ${subject} ${note}`)
    )
  )
  const spread = names.flatMap((name) => {
    const { p50, p99, rawP50, rawP99 } = cases[name]!
    if (p50 === undefined) return []
    const raw = rawP50 === undefined ? "" : `; raw ${count(rawP50)} and ${count(rawP99)}`
    return [`${name}: of single calls, wall time: median ${count(p50)}, p99 ${count(p99)}${raw}`]
  })
  return [lay(["ns a call", ...Case.subjects, "budget"], lines), "", ...spread, ...told].join("\n")
}

/** The policies, in the order in which they are shown. */
export const evictions = {
  fifo: "FIFO",
  lru: "LRU",
  sieve: "SIEVE",
  s3fifo: "S3-FIFO",
  tinyLfu: "W-TinyLFU",
  ours: "ours",
  ideal: "ideal"
} as const

export const percent = (share: number): string => (share * 100).toFixed(1)

/** Percent of the requests. */
export const ofHitRates = (hitRates: Results.Results["hitRates"]): string => {
  const policies = Object.keys(evictions) as ReadonlyArray<keyof typeof evictions>
  const lines = Object.entries(hitRates).map(([name, { rates }]) => [name, ...policies.map((it) => percent(rates[it]))])
  return lay(["% hits", ...Object.values(evictions)], lines)
}

/** Bytes. */
export const ofMemory = (memory: Results.Memory): string => {
  const { bytesPerKey, growthAfterCalls, growthAfterKeys } = memory
  const libraries = ["ours", "cockatiel", "opossum", "effect"] as const
  const kinds = ["breaker", "bulkhead", "limiter"] as const
  const line = (name: string, of: (library: (typeof libraries)[number]) => number | null | undefined): Line => [
    name,
    ...libraries.map((library) => count(of(library)))
  ]
  const lines = [
    ...kinds.map((kind) => line(`a key, ${kind}`, (library) => bytesPerKey[kind][library])),
    line(`grown by ${count(growthAfterCalls.calls)} calls`, (library) => growthAfterCalls[library]),
    line(`grown by ${count(growthAfterKeys.keys / 2)} keys`, (library) => growthAfterKeys[library]?.half),
    line(`grown by ${count(growthAfterKeys.keys)} keys`, (library) => growthAfterKeys[library]?.all)
  ]
  const endpoint = `an idle endpoint: ${
    count(memory.bytesPerIdleEndpoint)
  } bytes, ${memory.timersPerIdleEndpoint} timers`
  return [lay(["bytes", ...libraries], lines), "", endpoint].join("\n")
}
