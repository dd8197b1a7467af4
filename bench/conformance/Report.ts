/** What was found, as `bench/conformance.json` keeps it and as people read it. */
import { Schema } from "effect"
import * as Fault from "./Fault.ts"
import * as Verdict from "./Verdict.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const Row = Schema.Struct({
  passed: count,
  partial: count,
  safe: count,
  failed: count,
  faults: Schema.Record(
    Schema.String,
    Schema.Struct({ verdict: Verdict.Verdict, attempts: count, ms: Schema.Finite })
  )
})

export const Report = Schema.Struct({ rows: Schema.Record(Schema.String, Row) })

export type Report = typeof Report.Type

/** What one client met, by fault. */
export type Findings = ReadonlyMap<Fault.Fault, Verdict.Finding>

const rowOf = (findings: Findings): typeof Row.Type => {
  const verdicts = Array.from(findings.values(), ({ verdict }) => verdict)
  const number = (wanted: Verdict.Verdict): number => verdicts.filter((verdict) => verdict === wanted).length
  return {
    passed: number("passed"),
    partial: number("partial"),
    safe: number("safe"),
    failed: number("failed"),
    faults: Object.fromEntries(
      Array.from(findings, ([{ model }, { attempts, ms, verdict }]) => [model, { verdict, attempts, ms }])
    )
  }
}

export const make = (clients: ReadonlyMap<string, Findings>): Report => ({
  rows: Object.fromEntries(Array.from(clients, ([name, findings]) => [name, rowOf(findings)]))
})

const line = (cells: ReadonlyArray<string>, width: number): string =>
  cells.map((cell, column) => column === 0 ? cell.padEnd(width) : cell.padStart(10)).join("")

/** One client's table. */
export const table = (name: string, findings: Findings): string => {
  const width = Math.max(...Fault.faults.map(({ title }) => title.length))
  const yes = (fact: boolean): string => fact ? "yes" : "no"
  const { failed, partial, passed, safe } = rowOf(findings)
  return [
    line([name, "rescued", "clean", "attempts", "ms", "verdict"], width),
    "─".repeat(width + 50),
    ...Array.from(
      findings,
      ([{ title }, { attempts, isClean, isRescued, ms, verdict }]) =>
        line([title, yes(isRescued), yes(isClean), String(attempts), String(ms), verdict], width)
    ),
    "",
    `${passed} of ${findings.size} passed, ${partial} partial, ${safe} safe, ${failed} failed`
  ].join("\n")
}
