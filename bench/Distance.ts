/** How far the results are from the budgets: the table in README.md, where what is over is bold. */
import * as Case from "./Case.ts"
import type * as Results from "./Results.ts"
import { count } from "./Table.ts"

type Row = Partial<Results.Row>
type Line = readonly [what: string, budget: string, found: string]

const mark = (text: string, isOver: boolean): string => isOver ? `**${text}**` : text

const within = (value: number | undefined, limit: number): string =>
  mark(count(value), value !== undefined && value > limit)

const spread = (values: ReadonlyArray<number>, limit: number): string =>
  values.length === 0
    ? "–"
    : mark(`${count(Math.min(...values))} to ${count(Math.max(...values))}`, Math.max(...values) > limit)

const over = (value: number | undefined, than: number | undefined): number | undefined =>
  value === undefined || than === undefined ? undefined : value - than

const times = (value: number | undefined, of: number | undefined, limit: number): string =>
  value === undefined || of === undefined ? "–" : mark(`${(value / of).toFixed(2)} times`, value / of > limit)

// what the design allows beside the budgets of the cases
const atWorst = 100_000
const failureBySuccess = 2
const bytesIdle = 2048
const ofStore = 600

const ofPolicies = (row: (name: Case.Name) => Row): ReadonlyArray<Line> => {
  const closed = row("breaker closed")
  const five = row("all five")
  const { budget: ofClosed } = Case.cases["breaker closed"]
  const { budget: ofRefusal } = Case.cases["breaker rejecting"]
  const { budgetInAll: ofFive } = Case.cases["all five"]
  const refusals = (["breaker", "bulkhead", "limiter"] as const).map((policy) =>
    `${within(row(`${policy} rejecting`).ours, ofRefusal!)} ${policy}`
  )
  return [
    ["a closed breaker, above the bare effect", count(ofClosed), within(over(closed.ours, closed.raw), ofClosed!)],
    ["a typed refusal, with the `Effect.exit` around it", count(ofRefusal), refusals.join(", ")],
    [
      "all five around a promise, with the promise",
      count(ofFive),
      `${within(five.ours, ofFive!)}, best round ${count(five.best?.["ours"])}`
    ],
    [
      "a failure through all five against a success",
      "twice",
      times(row("failure through all five").ours, five.ours, failureBySuccess)
    ]
  ]
}

const ofRelay = (row: (name: Case.Name) => Row): ReadonlyArray<Line> => {
  const { budgetInAll: inAll } = Case.cases["relay decision, 1 endpoint"]
  const one = row("relay decision, 1 endpoint")
  const thousand = row("relay decision, 1000 endpoints")
  const most = row("relay decision, 10000 endpoints")
  const grown = ({ p50 }: Row): string => `${within(p50, inAll!)}, ${times(p50, one.p50, Infinity)} that of 1`
  const chats = Case.names.filter((name) => name.startsWith("relay chat in memory")).map(row)
  const each = (key: "p50" | "p99"): ReadonlyArray<number> =>
    chats.map((chat) => chat[key]).filter((value) => value !== undefined)
  const chat = row("relay chat over loopback")
  return [
    ["the relay's decision at the median, 1 endpoint", count(inAll), within(one.p50, inAll!)],
    ["… 1 000 endpoints", `${count(inAll)}, flat`, grown(thousand)],
    ["… 10 000 endpoints", `${count(inAll)}, flat`, grown(most)],
    ["… at p99, 10 000 endpoints", count(atWorst), within(most.p99, atWorst)],
    ["a chat from memory at the median, 1 to 10 000 endpoints", count(inAll), spread(each("p50"), inAll!)],
    ["… at p99", count(atWorst), spread(each("p99"), atWorst)],
    [
      "a chat over loopback, above a bare `fetch`",
      "–",
      `${count(over(chat.ours, chat.raw))}, the \`fetch\` ${count(chat.raw)}`
    ]
  ]
}

const ofStreams = (row: (name: Case.Name) => Row): ReadonlyArray<Line> => {
  const first = row("relay stream over loopback, first token")
  const near = row("relay stream in memory, a chunk")
  const far = row("relay stream over loopback, a chunk")
  const { budgetAtMedian: ofFirst } = Case.cases["relay stream over loopback, first token"]
  const { budget: ofChunk } = Case.cases["relay stream in memory, a chunk"]
  return [
    [
      "the first token of a stream over loopback, at the median, above a bare `fetch`",
      count(ofFirst),
      within(over(first.p50, first.rawP50), ofFirst!)
    ],
    [
      "a chunk of a stream from memory, above bare reading",
      count(ofChunk),
      within(over(near.ours, near.raw), ofChunk!)
    ],
    ["… over loopback, above a bare `fetch`", count(ofChunk), within(over(far.ours, far.raw), ofChunk!)]
  ]
}

const ofCache = (row: (name: Case.Name) => Row): ReadonlyArray<Line> => {
  const key = row("cache key, 500 B")
  const { budgetInAll: ofKey } = Case.cases["cache key, 500 B"]
  const hit = row("cache hit")
  return [
    ["a cache key of 500 bytes", count(ofKey), within(key.ours, ofKey!)],
    [
      "a look into the cache's store, and what a miss does to it",
      count(ofStore),
      within(row("cache miss").oursAlone ?? undefined, ofStore)
    ],
    ["a hit, above the bare effect", "–", count(over(hit.ours, hit.raw))]
  ]
}

const ofMemory = ({ bytesPerIdleEndpoint, timersPerIdleEndpoint: timers }: Results.Memory): Line => [
  "bytes an idle endpoint holds",
  count(bytesIdle),
  `${within(bytesPerIdleEndpoint, bytesIdle)}, ${timers === 0 ? "no timer" : mark(`${timers} timers`, true)}`
]

/** Markdown; what was not measured is a dash. */
export const ofResults = ({ cases, memory }: Pick<Results.Results, "cases" | "memory">): string => {
  const row = (name: Case.Name): Row => cases[name] ?? {}
  const lines = [...ofPolicies(row), ...ofRelay(row), ...ofStreams(row), ...ofCache(row), ofMemory(memory)]
  return ["| | budget | found |", "|---|--:|--:|", ...lines.map((line) => `| ${line.join(" | ")} |`)].join("\n")
}
