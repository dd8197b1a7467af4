/**
 * One try at answering a call: whom it went to, what came of it, when, how long.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Tokens from "./Tokens.ts"

/**
 * The record of one try. Refusals by our own policies are tries that were not sent.
 *
 * @category models
 * @since 0.1.0
 */
export const Attempt = Schema.Struct({
  endpoint: Schema.String,
  /** `"Success"`, `"Interrupted"` or the tag of the failure. */
  outcome: Schema.String,
  /** Whether anything left this process. */
  sent: Schema.Boolean,
  /** Which round over the candidates it belongs to, from 0. */
  round: Schema.Int,
  /** Wall clock, epoch milliseconds. */
  at: Schema.Number,
  /** Milliseconds, on the monotonic clock. */
  duration: Schema.Number,
  status: Schema.optionalKey(Schema.Int),
  detail: Schema.optionalKey(Schema.String),
  /** What it took, of a failure as well; absent where nothing is known to have come. */
  tokens: Schema.optionalKey(Tokens.Tokens),
  /** What that costs in whole nanodollars; absent where the endpoint has no prices. */
  cost: Schema.optionalKey(Schema.Int),
  /** There if the tokens were reckoned, because nobody counted them. */
  isEstimated: Schema.optionalKey(Schema.Literal(true))
})

/**
 * The record of one try.
 *
 * @category models
 * @since 0.1.0
 */
export type Attempt = typeof Attempt.Type

/**
 * The field `attempts` that every failure carries: empty for a policy used alone.
 *
 * @category models
 * @since 0.1.0
 */
export const attempts = Schema.Array(Attempt).pipe(
  Schema.withConstructorDefault(Effect.succeed<ReadonlyArray<Attempt>>([]))
)

/**
 * No tries. It is one for everybody, so nobody can write to it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const none: ReadonlyArray<Attempt> = Object.freeze([])

/**
 * What tries cost in whole nanodollars, as far as it is known.
 *
 * @category getters
 * @since 0.1.0
 */
export const costOf = (attempts: ReadonlyArray<Attempt>): number =>
  attempts.reduce((sum, { cost = 0 }) => sum + cost, 0)

/**
 * The tries in words, for the message of a failure.
 *
 * @category getters
 * @since 0.1.0
 */
export const trail = (attempts: ReadonlyArray<Attempt>): string =>
  attempts.length === 0
    ? ", none was asked"
    : `: ${
      attempts.map(({ endpoint, outcome, status }) =>
        `${endpoint} ${outcome}${status === undefined ? "" : ` (HTTP ${status})`}`
      ).join(", ")
    }`
