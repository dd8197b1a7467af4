/** A day, by name: what kind of day it is, how fast it passes, and what it is calibrated to. */

/** What is set so that the naive client meets the article's "without" column; see `Calibration.ts`. */
export interface Knobs {
  /** Requests a minute of the account that the naive client has. */
  readonly limit: number
  /** The latency of its endpoint. */
  readonly median: number
  /** How many times as long its answers take during the incident. */
  readonly slowdown: number
  /** The share that is never answered meanwhile. */
  readonly silence: number
  /** The share of questions that are asked once. */
  readonly unique: number
}

/** What a reference implementation in plain JavaScript was calibrated to, for all of the day; where calibration begins. */
export const reference: Knobs = { limit: 3030, median: 313, slowdown: 4.2, silence: 0.16, unique: 0.258 }

/** See `Incidents.ts` and `Accounts.ts` for what each is like. */
export const names = ["article", "tight", "storm", "silent", "failing", "rough"] as const

export type Name = typeof names[number]

/** What it is called in a sentence. */
export const title = (name: string): string => name === "article" ? "the article's day" : `the ${name} day`

export interface Scenario {
  readonly name: Name
  readonly seed: number
  /**
   * How many times as fast the day passes. Its hours, its incidents, its questions and its cache are so many times
   * shorter and smaller; rates, limits, latencies and patience are those of the whole day.
   */
  readonly speed: number
  readonly knobs: Knobs
}

/** Requests of a whole day. */
export const perDay = 2_300_000

export const minutes = 1440

/** So many hours of the day, in milliseconds that pass. */
export const hours = ({ speed }: Scenario, count: number): number => count * 3_600_000 / speed
