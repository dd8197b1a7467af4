/**
 * What can be said about a rate limiter when it is built.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Limit from "../machine/Limit.ts"
import * as Configuration from "./Configuration.ts"

/**
 * A limit beside `limit` and `tokenLimit`, with a window of its own.
 *
 * @category models
 * @since 0.1.0
 */
export interface LimitOptions {
  /** What is counted. */
  readonly of: Limit.Unit
  /** How many in any window, from 1 up. */
  readonly limit: number
  readonly window: Duration.Input
  /** Share of `limit`, 0 to 1, that may be used at once; the limiter's `burst` or `tokenBurst` where none is given. */
  readonly burst?: number | undefined
  /** How it is counted; as the limiter's other limits where none is given. */
  readonly algorithm?: Limit.Algorithm | undefined
}

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
  /** Further limits, each over a window of its own; a call passes when all of them let it, and is charged to all. */
  readonly limits?: ReadonlyArray<LimitOptions> | undefined
  /**
   * How the limits are counted. What a window may hold at most, wherever it starts: `gcra` the limit, in a
   * burst and then steadily; `slidingWindow` the limit, all at once if it comes so; `tokenBucket` the limit and
   * one burst; `fixedWindow` twice the limit.
   */
  readonly algorithm?: Limit.Algorithm | undefined
  /**
   * Share of `limit`, 0 to 1, that may be used at once; at least one call. The rest is spread over the window.
   * The windows that are counted exactly have no burst: all of the limit may come at once.
   */
  readonly burst?: number | undefined
  /** Share of `tokenLimit`, 0 to 1, that may be used at once. A call of more waits until nothing is owed, and pays afterwards. */
  readonly tokenBurst?: number | undefined
  /** Added to every window, for what a network may push together that was sent apart. */
  readonly margin?: Duration.Input | undefined
  /** How long a call may wait for its turn; zero to be refused at once. A relay goes by its own `maxWait`. */
  readonly maxWait?: Duration.Input | undefined
  /** How many calls may wait, from 0 up. */
  readonly maxQueued?: number | undefined
  /** The longest pause that a hint may ask for; a longer one is cut to this. */
  readonly maxPause?: Duration.Input | undefined
  /** What `slowDown` leaves of the share of the limits that is used, above 0 and up to 1; 1 for no slowing down. */
  readonly backOff?: number | undefined
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
  limits: [],
  algorithm: "gcra",
  burst: 0.02,
  tokenBurst: 0.1,
  margin: 0,
  maxWait: 0,
  maxQueued: 1000,
  maxPause: "5 minutes",
  backOff: 0.7,
  maxKeys: 10_000
} as const satisfies Required<Options>

const limitField = Configuration.field(
  (value): value is number | "unlimited" => value === "unlimited" || Configuration.isInteger(value, 1),
  "it has to be a whole number from 1 up, or \"unlimited\""
)

const algorithm = Configuration.field(
  (value): value is Limit.Algorithm => Limit.names.some((name) => name === value),
  `it has to be one of ${Limit.names.map((name) => `"${name}"`).join(", ")}`
)

const backOff = Configuration.field(
  (value): value is number => typeof value === "number" && value > 0 && value <= 1,
  "it has to be a number above 0 and up to 1"
)

const LimitSettings = Schema.Struct({
  of: Configuration.field(
    (value): value is Limit.Unit => value === "calls" || value === "tokens",
    "it has to be \"calls\" or \"tokens\""
  ),
  limit: Configuration.integer(1),
  window: Configuration.duration,
  burst: Schema.optional(Configuration.share("closed")),
  algorithm: Schema.optional(algorithm)
})

const Decoded = Schema.Struct({
  limit: limitField,
  tokenLimit: limitField,
  window: Configuration.duration,
  limits: Schema.Array(LimitSettings),
  algorithm,
  burst: Configuration.share("closed"),
  tokenBurst: Configuration.share("closed"),
  margin: Configuration.finiteDurationOrZero,
  maxWait: Configuration.durationOrZero,
  maxQueued: Configuration.integer(0),
  maxPause: Configuration.duration,
  backOff,
  maxKeys: Configuration.integer(1)
})

/**
 * What is made of the options: durations are milliseconds, and every limit is spelled out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  /** What was given. */
  readonly options: Options | undefined
  readonly specs: ReadonlyArray<Limit.Spec>
  readonly maxWait: number
  readonly maxQueued: number
  readonly maxPause: number
  readonly backOff: number
  readonly maxKeys: number
}

/**
 * Lays options over the defaults and checks the whole.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (options: Options | undefined): Effect.Effect<Settings, Configuration.InvalidConfiguration> =>
  Effect.map(Configuration.decode("RateLimiter", Decoded, options, defaults), (decoded) => {
    const { backOff, maxKeys, maxPause, maxQueued, maxWait } = decoded
    return { options, specs: toSpecs(decoded), maxWait, maxQueued, maxPause, backOff, maxKeys }
  })

const toSpecs = (
  { algorithm, burst, limit, limits, margin, tokenBurst, tokenLimit, window }: typeof Decoded.Type
): ReadonlyArray<Limit.Spec> => {
  const specs: Array<Limit.Spec> = []
  if (limit !== "unlimited") specs.push({ of: "calls", limit, window, margin, burst, algorithm })
  if (tokenLimit !== "unlimited") {
    specs.push({ of: "tokens", limit: tokenLimit, window, margin, burst: tokenBurst, algorithm })
  }
  for (const one of limits) {
    specs.push({
      of: one.of,
      limit: one.limit,
      window: one.window,
      margin,
      burst: one.burst ?? (one.of === "calls" ? burst : tokenBurst),
      algorithm: one.algorithm ?? algorithm
    })
  }
  return specs
}

/**
 * A limit in words, such as "60 calls per 1m".
 *
 * @category formatting
 * @since 0.1.0
 */
export const show = ({ limit, of, window }: Limit.Spec): string =>
  `${limit} ${of} per ${Duration.format(Duration.millis(window))}`
