/** The figures as tables, for a terminal. */
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"

type Figures = Report.Clients["relay"]

const percent = (value: number, digits = 2): string => `${(100 * value).toFixed(digits)} %`

const columns: ReadonlyArray<readonly [title: string, of: (figures: Figures) => string]> = [
  ["429s", ({ rate429 }) => percent(rate429, 3)],
  ["p50", ({ p50 }) => `${p50} ms`],
  ["p99", ({ p99 }) => `${p99} ms`],
  ["p99.9", ({ p999 }) => `${p999} ms`],
  ["answered", ({ availability }) => percent(availability, 3)],
  ["a month", ({ monthlyCost }) => `${monthlyCost.toFixed(0)} $`],
  ["hits", ({ hitRate }) => percent(hitRate, 1)],
  ["sent", ({ sends }) => sends.toFixed(3)]
]

const table = (title: string, rows: Readonly<Record<string, Figures>>): string => {
  const names = Object.keys(rows)
  const width = Math.max(title.length, ...names.map((name) => name.length))
  const line = (name: string, cells: ReadonlyArray<string>): string =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(11)).join("")}`
  return [
    line(title, columns.map(([title]) => title)),
    ...names.map((name) => line(name, columns.map(([, of]) => of(rows[name]!))))
  ].join("\n")
}

export const ofReport = ({ ablations, clients, days, settings, speed }: Report.Report): string =>
  [
    `every day passes ${speed} times as fast as a real one`,
    table("the article's day", clients),
    ...Object.entries(days).map(([day, clients]) => table(Scenario.title(day), clients)),
    ...Object.entries(ablations).map(([day, rows]) => table(`one policy less, ${Scenario.title(day)}`, rows)),
    ...Object.entries(settings).map(([day, rows]) => table(`other settings, ${Scenario.title(day)}`, rows))
  ].join("\n\n")
