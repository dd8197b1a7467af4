/**
 * What an endpoint shows of itself.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Bulkhead from "../policy/Bulkhead.ts"
import * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as RateLimiter from "../policy/RateLimiter.ts"

/**
 * How an endpoint is, from best to worst, derived from its policies:
 *
 * - `Healthy`
 * - `Degraded`: alive, but slower or failing more than it used to, or than its peers; asked last
 * - `Recovering`: its circuit is half-open, or its quota or key is being looked at again
 * - `Paused`: a service asked for patience, for all its models or for some
 * - `Open`: its circuit is open
 * - `Exhausted`: its account has no quota, or its key is refused
 * - `Isolated`: its circuit is held open by hand
 * - `Draining`: on its way out, no new calls
 *
 * @category models
 * @since 0.1.0
 */
export const State = Schema.Literals([
  "Healthy",
  "Degraded",
  "Recovering",
  "Paused",
  "Open",
  "Exhausted",
  "Isolated",
  "Draining"
])

/**
 * How an endpoint is.
 *
 * @category models
 * @since 0.1.0
 */
export type State = typeof State.Type

/**
 * What an endpoint shows of itself. Latencies are milliseconds; no secrets.
 *
 * @category models
 * @since 0.1.0
 */
export const EndpointStatus = Schema.Struct({
  id: Schema.String,
  account: Schema.String,
  tier: Schema.Int,
  /** The models it serves, by the names that callers use; absent where it serves any. */
  models: Schema.optionalKey(Schema.Array(Schema.String)),
  state: State,
  /** Milliseconds until a state that ends by itself ends: `Paused`, `Open`, `Exhausted`. */
  retryAfter: Schema.optionalKey(Schema.Number),
  inFlight: Schema.Int,
  /** Attempts that ended in an answer, and in a failure, since it was added. */
  answered: Schema.Int,
  failed: Schema.Int,
  /** Moving average, 0 when nothing was measured lately. */
  latency: Schema.Number,
  /** Median of its own past; absent until enough answers came. */
  usualLatency: Schema.optionalKey(Schema.Number),
  /** Moving average of how long the first tokens of streamed answers took; absent when none was streamed lately. */
  firstToken: Schema.optionalKey(Schema.Number),
  /** The tag of its last failure. */
  lastFailure: Schema.optionalKey(Schema.String),
  circuit: CircuitBreaker.Snapshot,
  bulkhead: Bulkhead.Snapshot,
  limiter: RateLimiter.Snapshot,
  /** What it shares with the others of its account; absent where that has no limits of its own. */
  accountLimiter: Schema.optionalKey(RateLimiter.Snapshot)
})

/**
 * What an endpoint shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type EndpointStatus = typeof EndpointStatus.Type
