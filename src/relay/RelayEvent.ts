/**
 * What happens inside a relay, told to whoever listens.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Attempt from "../policy/Attempt.ts"

/** Wall clock, epoch milliseconds. */
const at = Schema.Number

const circuitState = Schema.Literals(["Closed", "Open", "HalfOpen", "Isolated"])

/**
 * One event.
 *
 * - `AttemptEnded`: a try, answered or not, sent or refused by a policy
 * - `WaitBegan`: every candidate failed; the relay waits before the next round
 * - `CallFailed`: the caller got a failure
 * - `CacheHit`: the answer was there, or somebody else's call brought it
 * - `CacheStoreFailed`: the store below the cache was of no use
 * - `CallerRetried`: a request came again, by whoever stands above the relay
 * - `CircuitChanged`, `HealthChecked`: of one endpoint
 * - `EndpointChanged`: the set of endpoints changed, or somebody took one in hand
 *
 * @category models
 * @since 0.1.0
 */
export const RelayEvent = Schema.Union([
  Schema.TaggedStruct("AttemptEnded", { at, attempt: Attempt.Attempt }),
  Schema.TaggedStruct("WaitBegan", {
    at,
    /** The round that begins after the wait, from 1. */
    round: Schema.Int,
    /** Milliseconds. */
    delay: Schema.Number,
    because: Schema.String
  }),
  Schema.TaggedStruct("CallFailed", { at, failure: Schema.String, attempts: Schema.Array(Attempt.Attempt) }),
  Schema.TaggedStruct("CacheHit", {
    at,
    model: Schema.String,
    /** Whether it is older than its time to live. */
    stale: Schema.Boolean
  }),
  Schema.TaggedStruct("CacheStoreFailed", {
    at,
    operation: Schema.Literals(["get", "set", "clear"]),
    because: Schema.Literals(["Failed", "Late", "Busy", "Unreadable"])
  }),
  Schema.TaggedStruct("CallerRetried", {
    at,
    path: Schema.String,
    /** Which retry it is, from 1. */
    retry: Schema.Int
  }),
  Schema.TaggedStruct("CircuitChanged", {
    at,
    endpoint: Schema.String,
    from: circuitState,
    to: circuitState,
    /** The rule that opened it, where it opened. */
    because: Schema.optionalKey(Schema.String)
  }),
  Schema.TaggedStruct("HealthChecked", {
    at,
    endpoint: Schema.String,
    healthy: Schema.Boolean,
    /** Milliseconds. */
    duration: Schema.Number
  }),
  Schema.TaggedStruct("EndpointChanged", {
    at,
    endpoint: Schema.String,
    change: Schema.Literals(["Added", "Replaced", "Draining", "Removed", "Isolated", "Reset"]),
    /** Who changed it … */
    by: Schema.optionalKey(Schema.String),
    /** … and why, in their own words. */
    reason: Schema.optionalKey(Schema.String)
  })
])

/**
 * One event.
 *
 * @category models
 * @since 0.1.0
 */
export type RelayEvent = typeof RelayEvent.Type

type Untimed<E> = E extends unknown ? Omit<E, "at"> : never

/**
 * An event before it is stamped.
 *
 * @category models
 * @since 0.1.0
 */
export type Untold = Untimed<RelayEvent>
