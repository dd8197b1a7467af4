/** The shape of `simulation.json`. */
import * as Schema from "effect/Schema"

const number = Schema.Finite

/** See `Recorder.Figures`; shares are of 1, latencies milliseconds, money dollars. */
export const Figures = Schema.Struct({
  requests: Schema.Int,
  rate429: number,
  limited: number,
  p50: number,
  p99: number,
  p999: number,
  availability: number,
  upMinutes: number,
  monthlyCost: number,
  hitRate: number,
  sends: number
})

const Clients = Schema.Struct({
  naive: Figures,
  retry: Figures,
  plan: Figures,
  article: Figures,
  relay: Figures,
  oracle: Figures
})

const Reached = Schema.Struct({ rate429: number, p50: number, p99: number, availability: number, hitRate: number })

/** See `Study.Findings`. */
export const Findings = Schema.Struct({
  before: number,
  during: number,
  after: number,
  recovery: Schema.NullOr(number),
  peak: number,
  noticed: Schema.NullOr(number),
  rate429: number,
  p50: number,
  p99: number,
  p99During: number
})

const Knobs = Schema.Struct({ limit: number, median: number, slowdown: number, silence: number, unique: number })

const Study = Schema.Struct({ about: Schema.String, clients: Schema.Record(Schema.String, Findings) })

export const Report = Schema.Struct({
  seed: Schema.Int,
  /** How many times as fast every day passed, also those of ablations, settings and spread. */
  speed: number,
  requests: Schema.Int,
  calibration: Schema.Struct({
    knobs: Knobs,
    claimed: Reached,
    reached: Reached,
    rounds: Schema.Int
  }),
  /** The article's day. */
  clients: Clients,
  /** The other days. */
  days: Schema.Record(Schema.String, Clients),
  /** The relay as it is, and with one policy less, by day. */
  ablations: Schema.Record(Schema.String, Schema.Record(Schema.String, Figures)),
  /** The relay as it is, and with other settings, by day. */
  settings: Schema.Record(Schema.String, Schema.Record(Schema.String, Figures)),
  studies: Schema.Record(Schema.String, Study),
  /** Days with several seeds, that of the others first, each calibrated for itself; by day and client. */
  spread: Schema.Struct({
    seeds: Schema.Array(Schema.Struct({ seed: Schema.Int, knobs: Knobs })),
    days: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Array(Figures)))
  })
})

export type Report = typeof Report.Type
export type Clients = typeof Clients.Type

/** As it is written: the same figures are the same bytes. */
export const print = (report: Report): string => `${JSON.stringify(report, undefined, 2)}\n`
