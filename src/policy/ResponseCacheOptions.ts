/**
 * The options of a response cache.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Configuration from "./Configuration.ts"

/**
 * The options of a response cache; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many answers are kept, from 1 up. */
  readonly capacity?: number | undefined
  /** How many bytes they may take in all, about, from 1 up; what is larger than this alone is not kept. */
  readonly maxBytes?: number | undefined
  /** How long an answer is good for. */
  readonly timeToLive?: Duration.Input | undefined
  /** For so long after that it is given at once, marked as stale, while the question is asked anew. */
  readonly staleWhileRevalidate?: Duration.Input | undefined
  /** For so long after that it is given, marked as stale, to whoever would get a failure. */
  readonly staleIfError?: Duration.Input | undefined
  /** How early an answer is asked for anew, by chance and before its time is up: 0 for never, 1 is usual. */
  readonly earlyRefresh?: number | undefined
  /** For how long a failure is kept, by its tag; those that are not named are not kept at all. Any tag will do: which there are, only the calls know. */
  readonly failures?: Readonly<Record<string, Duration.Input>> | undefined
  /** Whether a relay also keeps answers to requests that leave room for chance (no `temperature` of 0). */
  readonly cacheNonDeterministic?: boolean | undefined
  /** Under which name answers are kept in the store below, where there is one. */
  readonly storeId?: string | undefined
  /** How long that store is waited for, at most. */
  readonly storeTimeout?: Duration.Input | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  capacity: 1000,
  maxBytes: 64_000_000,
  timeToLive: "5 minutes",
  staleWhileRevalidate: 0,
  staleIfError: 0,
  earlyRefresh: 0,
  failures: {},
  cacheNonDeterministic: false,
  storeId: "effect-relay",
  storeTimeout: "50 millis"
} as const satisfies Required<Options>

/**
 * The checks of these options.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  capacity: Configuration.integer(1, 10_000_000),
  maxBytes: Configuration.integer(1),
  timeToLive: Configuration.duration,
  staleWhileRevalidate: Configuration.finiteDurationOrZero,
  staleIfError: Configuration.finiteDurationOrZero,
  earlyRefresh: Configuration.atLeast(0),
  failures: Schema.Record(Schema.String, Configuration.duration),
  cacheNonDeterministic: Configuration.flag,
  storeId: Configuration.field(
    (value): value is string => typeof value === "string" && value !== "",
    "it has to be a text that is not empty"
  ),
  storeTimeout: Configuration.duration
})

/**
 * The options, decoded: durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = typeof Settings.Type
