/** One thing that goes wrong, who lives through it, and what is looked at. */
import * as Effect from "effect/Effect"
import type * as Client from "./Client.ts"
import * as Course from "./Course.ts"
import * as Day from "./Day.ts"
import * as Recorder from "./Recorder.ts"
import type * as Setting from "./Setting.ts"

export interface Study {
  /** What goes wrong, and what to look at. */
  readonly about: string
  readonly setting: (seed: number) => Setting.Setting
  /** When it goes wrong, milliseconds. */
  readonly from: number
  readonly until: number
  /** The place of the endpoint that has it, where only one has. */
  readonly place?: number
  /** Whose requests are counted, where it is not everybody's. */
  readonly counts?: (question: number) => boolean
  readonly clients: Readonly<
    Record<string, Client.Make | { readonly make: Client.Make; readonly shifts: Setting.Setting["shifts"] }>
  >
}

/** Shares are of 1, times seconds; `null` for never. */
export interface Findings {
  /** Answered in time, before it went wrong, meanwhile, and after. */
  readonly before: number
  readonly during: number
  readonly after: number
  /** From when it was over until all but one of a hundred were answered in time, and it stayed so. */
  readonly recovery: number | null
  /** The most that was sent for one request that came, over one note. */
  readonly peak: number
  /** From when it went wrong until the endpoint that has it was asked half as often as before, or less. */
  readonly noticed: number | null
  readonly rate429: number
  readonly p50: number
  readonly p99: number
  /** Of those who came while it went wrong. */
  readonly p99During: number
}

const ratio = (part: number, whole: number): number => whole === 0 ? 1 : Number((part / whole).toPrecision(5))

const sum = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0)

/** The share that was answered in time of what came in a while. */
const answering = ({ counts = () => true }: Study, { ends, setting, times }: Recorder.Recorder) => {
  const isCounted = Array.from(setting.traffic.questions, counts)
  return (from: number, until: number): number => {
    let [came, answered] = [0, 0]
    times.forEach((at, request) => {
      if (at < from || at >= until || !isCounted[request]) return
      came++
      if (ends[request]! < 2) answered++
    })
    return ratio(answered, came)
  }
}

/** p99 of those who came in a while and were answered. */
const slowest = ({ counts = () => true }: Study, recorder: Recorder.Recorder, from: number, until: number): number => {
  const { latencies, setting, times } = recorder
  const { questions } = setting.traffic
  const sorted = latencies.filter((_, request) => {
    const at = times[request]!
    return at >= from && at < until && counts(questions[request]!) && Recorder.isAnswered(recorder, request)
  }).sort()
  return Recorder.round(Recorder.quantile(sorted, 0.99), 4)
}

/** From when on an endpoint was asked half as often as before, or less. */
const noticed = ({ from, place, until }: Study, sent: ReadonlyArray<ReadonlyArray<number>>, every: number) => {
  if (place === undefined) return null
  const shares = sent[place]!.map((count, note) => ratio(count, sum(sent.map((counts) => counts[note]!))))
  const before = shares.slice(0, Math.floor(from / every))
  const usual = sum(before) / before.length
  const note = shares.findIndex((share, note) => note * every >= from && note * every < until && share <= usual / 2)
  return note === -1 ? null : ((note + 1) * every - from) / 1000
}

const find = (study: Study, recorder: Recorder.Recorder, { p50, p99, rate429 }: Recorder.Figures): Findings => {
  const { every, notes } = recorder.setting
  const { from, until } = study
  const end = notes * every
  const answeredIn = answering(study, recorder)
  const { answered, failed, hits, limited, sent } = Course.steps(recorder, 1)
  const came = answered.map((count, note) => count + hits[note]! + limited[note]! + failed[note]!)
  const peaks = came.map((count, note) => count === 0 ? 0 : sum(sent.map((counts) => counts[note]!)) / count)
  const lastBad = came.findLastIndex((_, note) =>
    note * every >= until && answeredIn(note * every, (note + 1) * every) < 0.99
  )
  const wellFrom = lastBad === -1 ? until : (lastBad + 1) * every
  return {
    before: answeredIn(0, from),
    during: answeredIn(from, until),
    after: answeredIn(until, end),
    recovery: wellFrom >= end ? null : (wellFrom - until) / 1000,
    peak: Number(Math.max(...peaks).toPrecision(3)),
    noticed: noticed(study, sent, every),
    rate429,
    p50,
    p99,
    p99During: slowest(study, recorder, from, until)
  }
}

/** `client` is one of the study; `onShare` is told of the share of time that has passed. */
export const run = (
  study: Study,
  client: string,
  seed: number,
  onShare?: (share: number) => void
): Effect.Effect<Findings, unknown> => {
  const subject = study.clients[client]!
  const { make, shifts } = typeof subject === "function" ? { make: subject, shifts: [] } : subject
  return Effect.map(
    Day.live({ ...study.setting(seed), shifts }, make, onShare),
    ({ figures, recorder }) => find(study, recorder, figures)
  )
}
