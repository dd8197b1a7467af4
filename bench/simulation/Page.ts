/** All of a run on one page that needs nothing else: tables, and plots of each day. */
import * as Calibration from "./Calibration.ts"
import * as Chart from "./Chart.ts"
import * as Clients from "./Clients.ts"
import type * as Plan from "./Plan.ts"
import type * as Recorder from "./Recorder.ts"
import type * as Report from "./Report.ts"

type Figures = Report.Clients["relay"]
type Courses = Readonly<Record<string, Recorder.Course>>

/** What the article says of its relay. */
export const promised = { rate429: 0.0002, p50: 67, p99: 145, availability: 0.9997, monthlyCost: 890, hitRate: 0.342 }

const looks: Readonly<Record<string, number>> = Object.fromEntries(Clients.names.map((name, look) => [name, look]))

const endpoints = ["B", "C", "D", "A"]

const stateLooks = { Healthy: 5, Recovering: 3, Degraded: 1, Paused: 2, Open: 0, Exhausted: 7 }

const percent = (value: number, digits: number): string => `${(100 * value).toFixed(digits)} %`

const columns: ReadonlyArray<readonly [title: string, of: (figures: Figures) => string]> = [
  ["429s of all sent", ({ rate429 }) => percent(rate429, 3)],
  ["p50", ({ p50 }) => `${p50.toFixed(0)} ms`],
  ["p99", ({ p99 }) => `${p99.toFixed(0)} ms`],
  ["p99.9", ({ p999 }) => `${p999.toFixed(0)} ms`],
  ["answered in time", ({ availability }) => percent(availability, 3)],
  ["a month", ({ monthlyCost }) => `$ ${monthlyCost.toFixed(0)}`],
  ["from the cache", ({ hitRate }) => percent(hitRate, 1)],
  ["sent a request", ({ sends }) => sends.toFixed(2)]
]

const row = (cells: ReadonlyArray<string>, tag = "td"): string =>
  `<tr>${
    cells.map((cell, index) => `<${index === 0 ? "th" : tag}>${cell}</${index === 0 ? "th" : tag}>`).join("")
  }</tr>`

const table = (rows: Readonly<Record<string, Figures>>, more: ReadonlyArray<string> = []): string =>
  `<table>${row(["", ...columns.map(([title]) => title)], "th")}${more.join("")}${
    Object.entries(rows).map(([name, figures]) => row([name, ...columns.map(([, of]) => of(figures))])).join("")
  }</table>`

const { availability, p50, p99, rate429 } = Calibration.claimed

const claims: ReadonlyArray<string> = [
  row([
    "<em>the article, without</em>",
    percent(rate429, 3),
    `${p50} ms`,
    `${p99} ms`,
    "",
    percent(availability, 3),
    "$ 4850",
    "",
    ""
  ]),
  row([
    "<em>the article, with</em>",
    percent(promised.rate429, 3),
    `${promised.p50} ms`,
    `${promised.p99} ms`,
    "",
    percent(promised.availability, 3),
    `$ ${promised.monthlyCost}`,
    percent(promised.hitRate, 1),
    ""
  ])
]

const ratio = (part: ReadonlyArray<number>, whole: ReadonlyArray<number>): ReadonlyArray<number> =>
  part.map((value, index) => whole[index] === 0 ? 0 : value / whole[index]!)

const sum = (lists: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  lists[0]!.map((_, index) => lists.reduce((total, list) => total + list[index]!, 0))

const answeredIn = ({ answered, failed, hits, limited }: Recorder.Course): ReadonlyArray<number> =>
  ratio(sum([answered, hits]), sum([answered, hits, limited, failed]))

const compare = (
  courses: Courses,
  names: ReadonlyArray<string>,
  of: (course: Recorder.Course) => ReadonlyArray<number>
) => names.map((name) => ({ name, look: looks[name]!, values: of(courses[name]!) }))

export const answered = (day: string, courses: Courses, names: ReadonlyArray<string>): string =>
  Chart.lines({
    title: `Answered in time, ${day} day`,
    unit: "%",
    max: 100,
    series: compare(courses, names, (course) => answeredIn(course).map((share) => 100 * share))
  })

export const latency = (day: string, courses: Courses, names: ReadonlyArray<string>): string =>
  Chart.lines({
    title: `p99 of the answered, ${day} day`,
    unit: "ms",
    logFrom: 10,
    max: 30_000,
    series: compare(courses, names, ({ p99 }) => p99)
  })

const outcomes = (day: string, name: string, { answered, failed, hits, limited }: Recorder.Course): string =>
  Chart.shares({
    title: `${name}, ${day} day`,
    series: [
      { name: "answered", look: 5, values: answered },
      { name: "from cache", look: 3, values: hits },
      { name: "limited", look: 1, values: limited },
      { name: "failed", look: 0, values: failed }
    ]
  })

const sentTo = (day: string, name: string, { sent }: Recorder.Course): string =>
  Chart.shares({
    title: `${name}: whom it asks, ${day} day`,
    series: endpoints.map((endpoint, place) => ({ name: endpoint, look: [4, 3, 5, 0][place]!, values: sent[place]! }))
  })

const ofDay = (day: string, clients: Report.Clients, courses: Courses): string => {
  const others = Clients.names
  return [
    `<h2>The ${day} day</h2>`,
    table(clients, day === "article" ? claims : []),
    answered(day, courses, others),
    Chart.lines({
      title: `p50 of the answered, ${day} day`,
      unit: "ms",
      logFrom: 10,
      max: 10_000,
      series: compare(courses, others, ({ p50 }) => p50)
    }),
    latency(day, courses, others),
    Chart.lines({
      title: `429s, ${day} day`,
      unit: "% of all sent",
      max: 100,
      series: compare(
        courses,
        others.filter((name) => name !== "oracle"),
        ({ refused, sent }) => ratio(sum(refused), sum(sent)).map((share) => 100 * share)
      )
    }),
    Chart.lines({
      title: `Cost, ${day} day`,
      unit: "dollars in ten minutes",
      series: compare(courses, others, ({ cost }) => cost)
    }),
    outcomes(day, "naive", courses["naive"]!),
    outcomes(day, "relay", courses["relay"]!),
    sentTo(day, "plan", courses["plan"]!),
    sentTo(day, "relay", courses["relay"]!),
    sentTo(day, "oracle", courses["oracle"]!),
    Chart.strips(`States, ${day} day`, endpoints, courses["relay"]!.states, stateLooks)
  ].join("\n")
}

const css = `
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;background:#fff;color:#1a1a1a}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:1rem 0;display:block;overflow-x:auto}
th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
tr>th:first-child{text-align:left;font-weight:600}
em{font-weight:400}
body>svg{width:100%;height:auto;margin:.5rem 0;break-inside:avoid}
@media (prefers-color-scheme:dark){body{background:#161b22;color:#e6e6e6}th,td{border-color:#333b45}}
@media print{body{background:#fff;color:#000;max-width:none}h2{break-before:page}th,td{border-color:#ccc}}
${Chart.style}`

const variations = (title: string, days: Report.Report["ablations"]): string =>
  Object.keys(days).length === 0
    ? ""
    : `<h2>${title}</h2>${Object.entries(days).map(([day, rows]) => `<h3>The ${day} day</h3>${table(rows)}`).join("")}`

const seconds = (value: number | null): string => value === null ? "never" : `${value} s`

const study = ([name, { about, clients }]: [string, Report.Report["studies"][string]]): string =>
  `<h3>${name}</h3><p>${about}.</p><table>${
    row([
      "",
      "answered before",
      "meanwhile",
      "after",
      "recovered after",
      "most sent a request",
      "noticed after",
      "429s",
      "p99"
    ], "th")
  }${
    Object.entries(clients).map(([client, found]) =>
      row([
        client,
        percent(found.before, 2),
        percent(found.during, 2),
        percent(found.after, 2),
        seconds(found.recovery),
        found.peak.toFixed(2),
        found.noticed === null ? "" : seconds(found.noticed),
        percent(found.rate429, 3),
        `${found.p99.toFixed(0)} ms`
      ])
    ).join("")
  }</table>`

const range = (values: ReadonlyArray<number>, show: (value: number) => string): string =>
  `${show(Math.min(...values))} to ${show(Math.max(...values))}`

const spread = (days: Report.Report["spread"]): string =>
  Object.entries(days).map(([day, clients]) =>
    `<h3>The ${day} day</h3><table>${row(["", "429s", "p50", "p99", "answered", "a month"], "th")}${
      Object.entries(clients).filter(([, seeds]) => seeds.length > 0).map(([name, seeds]) =>
        row([
          name,
          range(seeds.map(({ rate429 }) => rate429), (value) => percent(value, 3)),
          range(seeds.map(({ p50 }) => p50), (value) => `${value.toFixed(0)} ms`),
          range(seeds.map(({ p99 }) => p99), (value) => `${value.toFixed(0)} ms`),
          range(seeds.map(({ availability }) => availability), (value) => percent(value, 3)),
          range(seeds.map(({ monthlyCost }) => monthlyCost), (value) => `$ ${value.toFixed(0)}`)
        ])
      ).join("")
    }</table>`
  ).join("")

const isEmpty = (days: Report.Report["spread"]): boolean =>
  Object.values(days).every((clients) => Object.values(clients).every((seeds) => seeds.length === 0))

export const print = ({ courses, report }: Plan.Outcome): string => {
  const { calibration, clients, days, requests, seed, speed } = report
  const { knobs, reached, rounds } = calibration
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>A production day in virtual time</title>
<style>${css}</style>
<h1>A production day in virtual time</h1>
<p>${
    requests.toLocaleString("en")
  } requests a day, which passes ${speed} times as fast as a real one; seed ${seed}. All clients
meet the same requests, the same endpoints and the same luck. <code>docs/simulation.md</code> says how.</p>
<p>Calibrated in ${rounds} rounds so that the naive client meets what the article says of a day without its relay:
${percent(reached.rate429, 2)} of 429s, p50 ${reached.p50.toFixed(0)} ms, p99 ${reached.p99.toFixed(0)} ms,
${percent(reached.availability, 2)} answered, and a cache that keeps what was used last its hit rate,
${percent(reached.hitRate, 1)}. That takes a limit of ${knobs.limit.toFixed(0)} requests a minute, a median of
${knobs.median.toFixed(0)} ms, answers ${knobs.slowdown.toFixed(2)} times as slow for 47 minutes,
${percent(knobs.silence, 1)} of silence meanwhile, and ${
    percent(knobs.unique, 1)
  } of questions that nobody asks twice.</p>
${ofDay("article", clients, courses["article"]!)}
${Object.entries(days).map(([day, clients]) => ofDay(day, clients, courses[day]!)).join("\n")}
${variations("One policy less", report.ablations)}
${variations("Other settings", report.settings)}
<h2>One thing at a time</h2>
${Object.entries(report.studies).map(study).join("\n")}
${isEmpty(report.spread) ? "" : `<h2>Other seeds</h2>${spread(report.spread)}`}
</html>
`
}

/** The plot of the README: where the clients differ most. */
export const plot = ({ courses }: Plan.Outcome): string => {
  const names = ["naive", "plan", "relay", "oracle"]
  return Chart.file([
    answered("storm", courses["storm"]!, names),
    latency("tight", courses["tight"]!, names)
  ])
}
