/** The tables of the README. */
import * as Calibration from "./Calibration.ts"
import type * as Clients from "./Clients.ts"
import * as Page from "./Page.ts"
import type * as Report from "./Report.ts"

type Figures = Report.Clients["relay"]

const percent = (value: number, digits: number): string => `${(100 * value).toFixed(digits)} %`

const millis = (value: number): string => `${value.toFixed(0)} ms`

const titles: ReadonlyArray<readonly [title: string, client: Clients.Name]> = [
  ["an SDK with its two retries", "naive"],
  ["three tries by hand", "retry"],
  ["fallback in order", "plan"],
  ["the article's own design", "article"],
  ["**effect-relay**", "relay"],
  ["an oracle that knows the future", "oracle"]
]

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`

const { availability, p50, p99, rate429 } = Calibration.claimed
const { promised } = Page

const figuresOf = ({ availability, hitRate, monthlyCost, p50, p99, rate429 }: Figures): ReadonlyArray<string> => [
  percent(rate429, 2),
  millis(p50),
  millis(p99),
  percent(availability, 2),
  `$ ${monthlyCost.toFixed(0)}`,
  percent(hitRate, 1)
]

/** The article's day, with what the article says. */
export const articlesDay = ({ clients }: Report.Report): string =>
  [
    row(["the article's day", "429s", "p50", "p99", "answered", "a month", "from the cache"]),
    "|---|--:|--:|--:|--:|--:|--:|",
    row([
      "*claimed without a relay*",
      percent(rate429, 2),
      millis(p50),
      millis(p99),
      percent(availability, 2),
      "$ 4850",
      "–"
    ]),
    row([
      "*claimed with one*",
      percent(promised.rate429, 2),
      millis(promised.p50),
      millis(promised.p99),
      percent(promised.availability, 2),
      `$ ${promised.monthlyCost}`,
      percent(promised.hitRate, 1)
    ]),
    ...titles.map(([title, client]) => row([title, ...figuresOf(clients[client])]))
  ].join("\n")

/** The days that tell clients apart. */
export const otherDays = ({ days }: Report.Report): string => {
  const [tight, storm] = [days["tight"]!, days["storm"]!]
  const of = ({ availability, p99, rate429 }: Figures): ReadonlyArray<string> => [
    percent(rate429, 2),
    millis(p99),
    percent(availability, 2)
  ]
  return [
    row(["", "tight: 429s", "p99", "answered", "storm: 429s", "p99", "answered"]),
    "|---|--:|--:|--:|--:|--:|--:|",
    ...titles.map(([title, client]) => row([title, ...of(tight[client]), ...of(storm[client])]))
  ].join("\n")
}
