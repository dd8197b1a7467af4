/** The tables of the page. */
import * as Claims from "../Claims.ts"
import type * as Plan from "../Plan.ts"
import type * as Report from "../Report.ts"
import * as Scenario from "../Scenario.ts"
import * as Html from "./Html.ts"

type Figures = Report.Clients["relay"]

const { dollars, millis, percent, table } = Html
const { claimed, promised } = Claims

const columns: ReadonlyArray<readonly [title: string, of: (figures: Figures) => string]> = [
  ["429s of all sent", ({ rate429 }) => percent(rate429, 3)],
  ["callers that got one", ({ limited }) => percent(limited, 3)],
  ["p50", ({ p50 }) => millis(p50)],
  ["p99", ({ p99 }) => millis(p99)],
  ["p99.9", ({ p999 }) => millis(p999)],
  ["answered in time", ({ availability }) => percent(availability, 3)],
  ["a month", ({ monthlyCost }) => dollars(monthlyCost)],
  ["from the cache", ({ hitRate }) => percent(hitRate, 1)],
  ["sent a request", ({ sends }) => sends.toFixed(2)]
]

/** The article says nothing of some. */
const claims: ReadonlyArray<ReadonlyArray<string>> = [
  [
    "<em>the article, without</em>",
    percent(claimed.rate429, 3),
    "",
    millis(claimed.p50),
    millis(claimed.p99),
    "",
    percent(claimed.availability, 3),
    dollars(Claims.claimedCost),
    "",
    ""
  ],
  [
    "<em>the article, with</em>",
    percent(promised.rate429, 3),
    "",
    millis(promised.p50),
    millis(promised.p99),
    "",
    percent(promised.availability, 3),
    dollars(promised.monthlyCost),
    percent(promised.hitRate, 1),
    ""
  ]
]

export const ofDay = (caption: string, rows: Readonly<Record<string, Figures>>, isClaimed = false): string =>
  table(caption, ["", ...columns.map(([title]) => title)], [
    ...(isClaimed ? claims : []),
    ...Object.entries(rows).map(([name, figures]) => [name, ...columns.map(([, of]) => of(figures))])
  ])

export const ofVariations = (title: string, days: Report.Report["ablations"], { speed }: Report.Report): string =>
  Object.entries(days).map(([day, rows]) => ofDay(`${title}, ${Scenario.title(day)}, ${speed} times as fast`, rows))
    .join("")

const seconds = (value: number | null): string => value === null ? "never" : `${value} s`

export const ofStudy = ([name, { about, clients }]: [string, Plan.Outcome["report"]["studies"][string]]): string => {
  const all = Object.entries(clients)
  const isNoticed = all.some(([, { noticed }]) => noticed !== null)
  const titles = ["answered before", "meanwhile", "after", "p99 meanwhile", "recovered after", "most sent a request"]
  return `<h3>${name}</h3><p>${about}.</p>` + table(
    name,
    ["", ...titles, "429s of all sent", ...(isNoticed ? ["noticed after"] : [])],
    all.map(([client, found]) => [
      client,
      percent(found.before, 2),
      percent(found.during, 2),
      percent(found.after, 2),
      millis(found.p99During),
      seconds(found.recovery),
      found.peak.toFixed(2),
      percent(found.rate429, 3),
      ...(isNoticed ? [seconds(found.noticed)] : [])
    ])
  )
}

const range = (values: ReadonlyArray<number>, show: (value: number) => string): string =>
  `${show(Math.min(...values))} to ${show(Math.max(...values))}`

export const ofSpread = ({ speed, spread: { days, seeds } }: Report.Report): string =>
  Object.entries(days).map(([day, clients]) =>
    table(
      `${seeds.length} seeds, ${Scenario.title(day)}, ${speed} times as fast`,
      ["", "429s of all sent", "p50", "p99", "answered in time", "a month"],
      Object.entries(clients).map(([name, all]) => [
        name,
        range(all.map(({ rate429 }) => rate429), (value) => percent(value, 3)),
        range(all.map(({ p50 }) => p50), millis),
        range(all.map(({ p99 }) => p99), millis),
        range(all.map(({ availability }) => availability), (value) => percent(value, 3)),
        range(all.map(({ monthlyCost }) => monthlyCost), dollars)
      ])
    )
  ).join("")

/** What was set out to be reached, of the days that were lived through. */
export const ofTargets = (report: Report.Report): string =>
  table(
    "What was set out to be reached",
    ["", "asked", "relay", "worst of all seeds", "oracle", ""],
    Claims.reached(report).map(({ asked, oracle, relay, status, what, worst }) => [
      what,
      asked,
      relay,
      worst,
      oracle,
      status
    ])
  )
