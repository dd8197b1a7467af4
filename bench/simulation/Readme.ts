/** What stands in the README and in docs/simulation.md between marks, so that figures are filled in and not copied. */
import * as Claims from "./Claims.ts"
import type * as Clients from "./Clients.ts"
import { dollars, millis, percent } from "./page/Html.ts"
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"

type Figures = Report.Clients["relay"]

/** The pages that have such places. */
export const pages = ["README.md", "docs/simulation.md"] as const

const titles: ReadonlyArray<readonly [title: string, client: Clients.Name]> = [
  ["an SDK with its two retries", "naive"],
  ["three tries by hand", "retry"],
  ["fallback in order", "plan"],
  ["the article's own design", "article"],
  ["**effect-relay**", "relay"],
  ["an oracle that knows the future", "oracle"]
]

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(head), `|---|${"--:|".repeat(head.length - 1)}`, ...rows.map(row)].join("\n")

const { claimed, promised } = Claims

const figuresOf = ({ availability, hitRate, limited, monthlyCost, p50, p99, rate429 }: Figures) => [
  percent(rate429, 2),
  percent(limited, 2),
  millis(p50),
  millis(p99),
  percent(availability, 2),
  dollars(monthlyCost),
  percent(hitRate, 1)
]

/** The article's day, with what the article says. */
const articlesDay = ({ clients }: Report.Report): string =>
  table(
    ["the article's day", "429s, of all sent", "of callers", "p50", "p99", "answered", "a month", "from the cache"],
    [
      [
        "*claimed without a relay*",
        percent(claimed.rate429, 2),
        "–",
        millis(claimed.p50),
        millis(claimed.p99),
        percent(claimed.availability, 2),
        dollars(Claims.claimedCost),
        "–"
      ],
      [
        "*claimed with one*",
        percent(promised.rate429, 2),
        "–",
        millis(promised.p50),
        millis(promised.p99),
        percent(promised.availability, 2),
        dollars(promised.monthlyCost),
        percent(promised.hitRate, 1)
      ],
      ...titles.map(([title, client]) => [title, ...figuresOf(clients[client])])
    ]
  )

/** The days that tell clients apart. */
const otherDays = ({ days }: Report.Report): string => {
  const of = ({ availability, p99, rate429 }: Figures): ReadonlyArray<string> => [
    percent(rate429, 2),
    millis(p99),
    percent(availability, 2)
  ]
  return table(
    ["", "tight: 429s", "p99", "answered", "storm: 429s", "p99", "answered"],
    titles.map(([title, client]) => [title, ...of(days["tight"]![client]), ...of(days["storm"]![client])])
  )
}

const range = (
  all: ReadonlyArray<Figures>,
  of: (figures: Figures) => number,
  show: (value: number) => string
): string => {
  const values = all.map(of)
  const [least, most] = [show(Math.min(...values)), show(Math.max(...values))]
  return least === most ? least : `${least} to ${most}`
}

/** What five seeds make of the relay's figures. */
const seeds = ({ spread: { days, seeds } }: Report.Report): string =>
  table(
    [`the relay with ${seeds.length} seeds`, "429s, of all sent", "p50", "p99", "answered", "a month"],
    Object.entries(days).map(([day, clients]) => {
      const all = clients["relay"]!
      return [
        Scenario.title(day),
        range(all, ({ rate429 }) => rate429, (value) => percent(value, 3)),
        range(all, ({ p50 }) => p50, millis),
        range(all, ({ p99 }) => p99, millis),
        range(all, ({ availability }) => availability, (value) => percent(value, 3)),
        range(all, ({ monthlyCost }) => monthlyCost, dollars)
      ]
    })
  )

const targets = (report: Report.Report): string =>
  table(
    ["", "asked", "relay", "worst of all seeds", "oracle", ""],
    Claims.reached(report).map(({ asked, oracle, relay, status, what, worst }) => [
      what,
      asked,
      relay,
      worst,
      oracle,
      status === "met" ? status : `**${status}**`
    ])
  )

/** The same in a sentence. */
const missed = (report: Report.Report): string => {
  const all = Claims.reached(report)
  const missed = all.filter(({ status }) => status !== "met").map(({ asked, status, what, worst, relay }) =>
    status === "missed" ? `${what}, ${relay} and not ${asked}` : `${what}, ${worst} with one seed and not ${asked}`
  )
  const count = `Of ${all.length} figures that were set out to be reached, ${all.length - missed.length} are: ${
    all.filter(({ worst }) => worst !== "–").length
  } of them tried with all seeds, the others with one`
  return missed.length === 0 ? `${count}.` : `${count}. Not so: ${missed.join("; ")}.`
}

const seconds = (value: number | null): string => value === null ? "never" : `${value.toFixed(0)} s`

const studies = ({ studies }: Report.Report): string =>
  Object.entries(studies).map(([name, { clients }]) =>
    table(
      [name, "answered meanwhile", "after", "p99 meanwhile", "recovered after", "noticed after"],
      Object.entries(clients).map(([client, { after, during, noticed, p99During, recovery }]) => [
        client,
        percent(during, 2),
        percent(after, 2),
        during === 0 ? "–" : millis(p99During),
        seconds(recovery),
        noticed === null ? "–" : seconds(noticed)
      ])
    )
  ).join("\n\n")

/** A few lines of a day, the relay's own first. */
const changes = (of: (report: Report.Report) => Report.Report["ablations"]) => (report: Report.Report): string =>
  Object.entries(of(report)).map(([day, rows]) =>
    table(
      [Scenario.title(day), "429s, of all sent", "p50", "p99", "p99.9", "answered", "a month"],
      Object.entries(rows).map(([name, { availability, monthlyCost, p50, p99, p999, rate429 }]) => [
        name,
        percent(rate429, 3),
        millis(p50),
        millis(p99),
        millis(p999),
        percent(availability, 3),
        dollars(monthlyCost)
      ])
    )
  ).join("\n\n")

const speed = ({ calibration: { knobs }, requests, seed, speed }: Report.Report): string =>
  `Seed ${seed}, ${requests.toLocaleString("en")} requests a day, which passes ${speed} times as fast as a real one. ` +
  `Calibrated to a limit of ${knobs.limit.toFixed(0)} requests a minute and a median of ${millis(knobs.median)}.`

/** What stands between `<!-- simulation NAME -->` and `<!-- simulation end -->`. */
export const places: Readonly<Record<string, (report: Report.Report) => string>> = {
  "article": articlesDay,
  "days": otherDays,
  seeds,
  targets,
  missed,
  studies,
  speed,
  "ablations": changes(({ ablations }) => ablations),
  "settings": changes(({ settings }) => settings)
}

const marked = /<!-- simulation (\w+) -->\n[^]*?<!-- simulation end -->/g

/** A page with its places filled in. */
export const filled = (page: string, report: Report.Report): string =>
  page.replace(
    marked,
    (_, name: string) => `<!-- simulation ${name} -->\n${places[name]!(report)}\n<!-- simulation end -->`
  )
