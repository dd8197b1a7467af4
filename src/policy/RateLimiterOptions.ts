/**
 * What can be said about a rate limiter when it is built.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Gcra from "../machine/Gcra.ts"
import * as Configuration from "./Configuration.ts"

/**
 * The options of a rate limiter; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Calls in any window, from 1 up; `"unlimited"` for no such limit. */
  readonly limit?: number | "unlimited" | undefined
  /** Tokens in any window, from 1 up; `"unlimited"` for no such limit. */
  readonly tokenLimit?: number | "unlimited" | undefined
  /** The window that both limits speak of. */
  readonly window?: Duration.Input | undefined
  /** Share of `limit`, 0 to 1, that may be used at once; at least one call. The rest is spread over the window. */
  readonly burst?: number | undefined
  /** Share of `tokenLimit`, 0 to 1, that may be used at once. A call of more waits until nothing is owed, and pays afterwards. */
  readonly tokenBurst?: number | undefined
  /** Added to the window, for what a network may push together that was sent apart. */
  readonly margin?: Duration.Input | undefined
  /** How long a call may wait for its turn; zero to be refused at once. A relay goes by its own `maxWait`. */
  readonly maxWait?: Duration.Input | undefined
  /** How many calls may wait, from 0 up. */
  readonly maxQueued?: number | undefined
  /** How many keys `at` remembers, from 1 up. */
  readonly maxKeys?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  limit: "unlimited",
  tokenLimit: "unlimited",
  window: "1 minute",
  burst: 0.02,
  tokenBurst: 0.1,
  margin: 0,
  maxWait: 0,
  maxQueued: 1000,
  maxKeys: 10_000
} as const satisfies Required<Options>

const limitField = Configuration.field(
  (value): value is number | "unlimited" => value === "unlimited" || Configuration.isInteger(value, 1),
  "it has to be a whole number from 1 up, or \"unlimited\""
)

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  limit: limitField,
  tokenLimit: limitField,
  window: Configuration.duration,
  burst: Configuration.share("closed"),
  tokenBurst: Configuration.share("closed"),
  margin: Configuration.finiteDurationOrZero,
  maxWait: Configuration.durationOrZero,
  maxQueued: Configuration.integer(0),
  maxKeys: Configuration.integer(1)
})

/**
 * The options within their bounds; durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export type Settings = typeof Settings.Type

/**
 * Lays options over the defaults and checks the whole.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Effect.Effect<Settings, Configuration.InvalidConfiguration> =>
  Configuration.decode("RateLimiter", Settings, options, defaults)

/**
 * What the machine makes of one of the limits, of which `burst` may be used at
 * once; `undefined` for none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toRule = (
  limit: number | "unlimited",
  burst: number,
  { margin, window }: Settings
): Gcra.Rule | undefined =>
  limit === "unlimited" ? undefined : Gcra.rule(limit, window + margin, Math.max(1, Math.floor(limit * burst)))
