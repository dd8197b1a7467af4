/**
 * What a bulkhead shows of itself.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What a bulkhead shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  /** Calls that run, and the slots they hold. */
  running: Schema.Int,
  weight: Schema.Int,
  /** Calls that wait, in all and by priority. */
  queued: Schema.Int,
  queuedBy: Schema.Struct({ high: Schema.Int, normal: Schema.Int, low: Schema.Int, background: Schema.Int }),
  /** How many may run as it was built or resized, … */
  maxConcurrent: Schema.Int,
  /** … and as it has learned, which is the same unless it is adaptive. */
  limit: Schema.Int,
  maxQueued: Schema.Int,
  /** In which order those of one priority are served now. */
  order: Schema.Literals(["fifo", "lifo"]),
  /** Milliseconds that a call of normal priority would wait for a slot: 0 for one that is free, absent while unknown. */
  expectedWait: Schema.optionalKey(Schema.Number)
})

/**
 * What a bulkhead shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type
