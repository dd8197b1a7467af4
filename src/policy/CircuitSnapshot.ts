/**
 * What a circuit shows of itself, and tells of its changes.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type * as Circuit from "../machine/Circuit.ts"

/**
 * What a circuit shows of itself. Durations are milliseconds from now.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  state: Schema.Literals(["Closed", "Open", "HalfOpen", "Isolated"]),
  /** Whether calls are refused, only observed, or not even counted. */
  mode: Schema.Literals(["enforce", "observe", "off"]),
  /** Bad calls held against a closed circuit, of the `evidence` that would open it. */
  suspicion: Schema.Number,
  /** Share of calls that a closed circuit lets pass: below 1 while it ramps up. */
  share: Schema.Number,
  /** The rule that opened an open circuit. */
  because: Schema.optionalKey(Schema.String),
  /** Milliseconds until an open circuit lets a probe out. */
  retryAfter: Schema.optionalKey(Schema.Number),
  /** How often it opened since it was made. */
  openings: Schema.Int,
  /** How many calls it would have refused, had it not only observed. */
  spared: Schema.Int
})

/**
 * What a circuit shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A change of state, as told to whoever watches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transition {
  readonly key: string
  readonly from: Circuit.Circuit["_tag"]
  readonly to: Circuit.Circuit["_tag"]
  /** The rule that opened it, where it opened. */
  readonly because?: string
  /** Whether nothing was refused: in mode `observe` it only would have opened. */
  readonly observed: boolean
}
