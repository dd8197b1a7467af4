/** The plots of a day. */
import * as Lines from "../charts/Lines.ts"
import * as Shares from "../charts/Shares.ts"
import * as Strips from "../charts/Strips.ts"
import * as Clients from "../Clients.ts"
import * as Course from "../Course.ts"
import * as Endpoints from "../Endpoints.ts"

export type Courses = Readonly<Record<string, Course.Course>>

type Values = ReadonlyArray<number>

const ratio = (part: Values, whole: Values): Values =>
  part.map((value, index) => whole[index] === 0 ? 0 : value / whole[index]!)

const sum = (lists: ReadonlyArray<Values>): Values =>
  lists[0]!.map((_, index) => lists.reduce((total, list) => total + list[index]!, 0))

const percents = (shares: Values): Values => shares.map((share) => 100 * share)

const answeredIn = ({ answered, failed, hits, limited }: Course.Steps): Values =>
  percents(ratio(sum([answered, hits]), sum([answered, hits, limited, failed])))

const compare = (courses: Courses, names: ReadonlyArray<string>, of: (steps: Course.Steps) => Values) =>
  names.map((name) => ({ name, values: of(courses[name]!.overview) }))

export const answered = (day: string, courses: Courses, names: ReadonlyArray<string>): string =>
  Lines.draw({
    title: `Answered in time, ${day} day`,
    unit: "%",
    max: 100,
    series: compare(courses, names, answeredIn)
  })

export const latency = (day: string, courses: Courses, names: ReadonlyArray<string>): string =>
  Lines.draw({
    title: `p99 of the answered, ${day} day`,
    unit: "ms",
    logFrom: 10,
    max: 30_000,
    series: compare(courses, names, ({ p99 }) => p99)
  })

/** All clients in one plot, in steps of ten minutes. */
const overview = (day: string, courses: Courses): ReadonlyArray<string> => {
  const names = Clients.names
  return [
    answered(day, courses, names),
    latency(day, courses, names),
    Lines.draw({
      title: `429s of all sent, ${day} day`,
      unit: "%",
      max: 100,
      series: compare(
        courses,
        names.filter((name) => name !== "oracle"),
        ({ refused, sent }) => percents(ratio(sum(refused), sum(sent)))
      )
    }),
    Lines.draw({
      title: `Cost, ${day} day`,
      unit: `dollars in ${Course.overviewStep} minutes`,
      series: compare(courses, names, ({ cost }) => cost)
    })
  ]
}

const outcomes = (day: string, name: string, { answered, failed, hits, limited }: Course.Steps): string =>
  Shares.draw({
    title: `${name}, ${day} day: what became of requests`,
    parts: [
      { look: "answered", name: "answered", values: answered },
      { look: "cached", name: "from the cache", values: hits },
      { look: "limited", name: "limited", values: limited },
      { look: "failed", name: "failed", values: failed }
    ]
  })

const quantiles = (day: string, name: string, { p50, p99 }: Course.Steps): string =>
  Lines.draw({
    title: `${name}, ${day} day: latency by minute`,
    unit: "ms",
    logFrom: 10,
    max: 30_000,
    series: [{ name: "p99", values: p99 }, { name: "p50", values: p50 }]
  })

/** Each step of the overview as so many minutes. */
const minutes = (values: Values): Values => values.flatMap((value) => Array<number>(Course.overviewStep).fill(value))

const sentTo = (day: string, name: string, { sent }: Course.Steps): string =>
  Shares.draw({
    title: `${name}, ${day} day: whom it asks`,
    parts: Endpoints.names.map((endpoint, place) => ({
      look: endpoint,
      name: endpoint,
      values: minutes(sent[place]!)
    }))
  })

const states = (day: string, name: string, { states }: Course.Steps): ReadonlyArray<string> =>
  states[0]!.length === 0
    ? []
    : [Strips.draw({ title: `${name}, ${day} day: what it takes endpoints for`, names: Endpoints.names, states })]

/** Who asks several endpoints. */
const choosy = new Set(["plan", "article", "relay", "oracle"])

/** On these days other endpoints than A go bad: who asks A alone lives through the article's day, and the oracle avoids them. */
const onOthers = new Set(["silent", "failing", "rough"])
const exposed = new Set(["plan", "article", "relay"])

/** What belongs together: all clients, then each of them. */
export const ofDay = (day: string, courses: Courses): ReadonlyArray<ReadonlyArray<string>> => {
  const names = Clients.names.filter((name) => exposed.has(name) || !onOthers.has(day))
  return [
    overview(day, courses),
    ...names.map((name) => {
      const { byMinute, overview } = courses[name]!
      return [
        outcomes(day, name, byMinute),
        quantiles(day, name, byMinute),
        ...(choosy.has(name) ? [sentTo(day, name, overview)] : []),
        ...states(day, name, byMinute)
      ]
    })
  ]
}
