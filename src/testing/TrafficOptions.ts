/**
 * What is said of traffic: its options, their defaults and their bounds.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"
import * as Seed from "./Seed.ts"

/**
 * Times of so many times the rate.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bursts {
  /** 1 or more. */
  readonly factor: number
  /** How long they last, on average. */
  readonly last: Duration.Input
  /** How long it is from the end of one to the next, on average. */
  readonly every: Duration.Input
}

/**
 * The options of traffic; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What all chance comes from, a whole number. */
  readonly seed?: number | undefined
  /** How many requests a day has on average, from 0 up; a hundred million at most while it lasts. */
  readonly perDay?: number | undefined
  /** How long a day is; a short one has all its hours, and they pass quickly. */
  readonly day?: Duration.Input | undefined
  /** How long it goes on, from midnight. Default: one day. */
  readonly lasts?: Duration.Input | undefined
  /** By how much of the average the peak is above it, and the trough below; 0 to 1. */
  readonly swing?: number | undefined
  /** When in the day the peak is, as a share of it, 0 to 1: 0 for midnight, 0.5 for noon. */
  readonly peakAt?: number | undefined
  /** Times of more, or `"off"`. What comes on average stays. */
  readonly bursts?: Bursts | "off" | undefined
  /** The share of questions that are asked once, 0 to 1. */
  readonly unique?: number | undefined
  /** How many other questions there are, a whole number from 1 to a hundred million. */
  readonly questions?: number | undefined
  /** How unevenly they are asked, from 0 up: the n-th is asked n to the power of this less often than the first. */
  readonly exponent?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  seed: 0,
  perDay: 100_000,
  day: "1 day",
  swing: 0.6,
  peakAt: 15 / 24,
  bursts: { factor: 1.8, last: "15 seconds", every: "10 minutes" },
  unique: 0.25,
  questions: 20_000,
  exponent: 0.9
} as const satisfies Required<Omit<Options, "lasts">>

const BurstSettings = Schema.Struct({
  factor: Configuration.atLeast(1),
  last: Configuration.duration,
  every: Configuration.duration
})

const Settings = Schema.Struct({
  seed: Seed.field,
  perDay: Configuration.atLeast(0),
  day: Configuration.duration,
  lasts: Schema.optional(Configuration.duration),
  swing: Configuration.share("closed"),
  peakAt: Configuration.field(
    (value): value is number => typeof value === "number" && value >= 0 && value <= 1,
    "it has to be a share of the day, from 0 to 1"
  ),
  bursts: Schema.optional(BurstSettings),
  unique: Configuration.share("closed"),
  questions: Configuration.integer(1, 100_000_000),
  exponent: Configuration.atLeast(0)
})

/**
 * The options within their bounds. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings extends Omit<typeof Settings.Type, "lasts" | "bursts"> {
  readonly lasts: number
  /** None where they change nothing. */
  readonly bursts: typeof BurstSettings.Type | undefined
}

// an array of more does not fit into memory, and more draws nobody waits for
const mostRequests = 100_000_000
const mostDraws = 1_000_000_000

const refuse = (field: string, value: number | string, rule: string) =>
  Result.fail(new Configuration.InvalidConfiguration({ subject: "Traffic", field, value: String(value), rule }))

/**
 * The options within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Result.Result<Settings, Configuration.InvalidConfiguration> => {
  const isOff = options?.bursts === "off"
  if (!isOff && !["object", "undefined"].includes(typeof options?.bursts)) {
    return refuse("bursts", JSON.stringify(options?.bursts), "they have to be an object, or \"off\"")
  }
  return Result.flatMap(
    Configuration.decodeResult(
      "Traffic",
      Settings,
      isOff ? { ...options, bursts: undefined } : options,
      isOff ? { ...defaults, bursts: undefined } : defaults
    ),
    ({ bursts: said, lasts: until, ...settings }) => {
      const lasts = until ?? settings.day
      // bursts of the usual rate are none
      const bursts = said?.factor === 1 ? undefined : said
      const requests = lasts / settings.day * settings.perDay
      if (requests > mostRequests) {
        return refuse("perDay", settings.perDay, "it has to make a hundred million requests at most while it lasts")
      }
      if (bursts !== undefined && requests * (1 + settings.swing) * bursts.factor > mostDraws) {
        return refuse("bursts.factor", bursts.factor, "with so many requests it has to be less")
      }
      if (bursts !== undefined && lasts > mostDraws * (bursts.last + bursts.every)) {
        return refuse("bursts.every", bursts.every, "there have to be a billion bursts at most while it lasts")
      }
      return Result.succeed({ ...settings, lasts, bursts })
    }
  )
}
