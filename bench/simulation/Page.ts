/** All of a run on one page that needs nothing else: tables, and plots of each day. */
import * as Frame from "./charts/Frame.ts"
import * as Palette from "./charts/Palette.ts"
import * as Sheet from "./charts/Sheet.ts"
import * as Html from "./page/Html.ts"
import * as Plots from "./page/Plots.ts"
import * as Tables from "./page/Tables.ts"
import type * as Plan from "./Plan.ts"
import type * as Report from "./Report.ts"
import * as Scenario from "./Scenario.ts"

const { millis, percent } = Html

const css = `
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2rem auto;padding:0 1rem;background:#fff;color:#1a1a1a}
nav a{margin-right:1rem}
a{color:#0b3d91}
.wide{overflow-x:auto;margin:1rem 0;--paper:#fff;--shade:#0004;
background:linear-gradient(to right,var(--paper),transparent) left/2rem 100% no-repeat local,
linear-gradient(to left,var(--paper) 50%,transparent) right/2rem 100% no-repeat local,
linear-gradient(to left,var(--shade),transparent) right/.8rem 100% no-repeat}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{padding:.25rem .5rem;border-bottom:1px solid #ddd;text-align:right}
td{white-space:nowrap}
thead th{vertical-align:bottom;font-weight:600}
tbody th{text-align:left;font-weight:600;min-width:7rem}
em{font-weight:400}
.plots{margin-bottom:.75rem;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:.75rem}
.plots svg{width:100%;height:auto;break-inside:avoid}
@media (prefers-color-scheme:dark){body{background:#161b22;color:#e6e6e6}th,td{border-color:#333b45}a{color:#8ab8ff}
.wide{--paper:#161b22;--shade:#fff5}}
@media print{
body{background:#fff;color:#000;max-width:none;margin:0;font-size:9pt}
h2{break-before:page}nav+h2{break-before:auto}nav{display:none}.wide{overflow:visible;background:none}tr{break-inside:avoid}
table{font-size:8pt}th,td{border-color:#ccc;padding:.15rem .3rem}tbody th{min-width:0}
.plots{grid-template-columns:1fr 1fr}
}
${Palette.style}`

interface Part {
  readonly id: string
  readonly title: string
  readonly body: string
}

const titleOf = (day: string): string => Scenario.title(day).replace(/^t/, "T")

const ofDay = (day: string, speed: number, clients: Report.Clients, courses: Plots.Courses): Part => ({
  id: day,
  title: titleOf(day),
  body: [
    Tables.ofDay(`${titleOf(day)}, ${speed} times as fast`, clients, day === "article"),
    ...Plots.ofDay(day, courses).map((plots) => `<div class="plots">${plots.join("\n")}</div>`)
  ].join("\n")
})

const partsOf = ({ courses, report }: Plan.Outcome): ReadonlyArray<Part> => {
  const { ablations, clients, days, settings, speed, studies } = report
  return [
    ofDay("article", speed, clients, courses["article"]!),
    ...Object.entries(days).map(([day, clients]) => ofDay(day, speed, clients, courses[day]!)),
    { id: "targets", title: "What was asked", body: Tables.ofTargets(report) },
    { id: "ablations", title: "One policy less", body: Tables.ofVariations("One policy less", ablations, report) },
    { id: "settings", title: "Other settings", body: Tables.ofVariations("Other settings", settings, report) },
    {
      id: "studies",
      title: "One thing at a time",
      body: Object.entries(studies).map(Tables.ofStudy).join("\n")
    },
    { id: "seeds", title: "Other seeds", body: Tables.ofSpread(report) }
  ].filter(({ body }) => body !== "")
}

const calibrated = ({ calibration: { knobs, reached, rounds } }: Report.Report): string =>
  `Calibrated in ${rounds} rounds so that the naive client meets what the article says of a day without its relay:
${percent(reached.rate429, 2)} of 429s, p50 ${millis(reached.p50)}, p99 ${millis(reached.p99)},
${percent(reached.availability, 2)} answered, and a cache that keeps what was used last its hit rate,
${percent(reached.hitRate, 1)}. That takes a limit of ${knobs.limit.toFixed(0)} requests a minute, a median of
${millis(knobs.median)}, answers ${knobs.slowdown.toFixed(2)} times as slow for 47 minutes,
${percent(knobs.silence, 1)} of silence meanwhile, and ${percent(knobs.unique, 1)} of questions that nobody asks twice.`

export const print = (outcome: Plan.Outcome): string => {
  const { report } = outcome
  const { requests, seed, speed } = report
  const parts = partsOf(outcome)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>A production day in virtual time</title>
<style>${css}</style>
<svg width="0" height="0" style="position:absolute" aria-hidden="true">${Frame.hatching}</svg>
<h1>A production day in virtual time</h1>
<p>${
    requests.toLocaleString("en")
  } requests a day. Every day here, also with one policy less, with other settings and with
other seeds, passes ${speed} times as fast as a real one; what goes wrong one thing at a time has the pace of a real day. Seed
${seed}. All clients meet the same requests, the same endpoints and the same luck. <code>docs/simulation.md</code> says how.
Plots of all clients together have steps of ten minutes of the day, those of one client steps of a minute.</p>
<p>${calibrated(report)}</p>
<nav aria-label="Contents">${parts.map(({ id, title }) => `<a href="#${id}">${title}</a>`).join(" ")}</nav>
${parts.map(({ body, id, title }) => `<h2 id="${id}">${title}</h2>\n${body}`).join("\n")}
</html>
`
}

/** The plot of the README: where the clients differ most. */
export const plot = ({ courses }: Plan.Outcome): string => {
  const names = ["naive", "plan", "article", "relay", "oracle"]
  return Sheet.print([
    Plots.answered("storm", courses["storm"]!, names),
    Plots.latency("tight", courses["tight"]!, names)
  ])
}
