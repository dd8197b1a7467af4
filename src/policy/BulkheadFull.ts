/**
 * What a bulkhead says when it refuses a call.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"

/**
 * The call was not made:
 *
 * - `Full`: every slot and every place in the queue is taken
 * - `WaitedTooLong`: its wait was over before its turn came
 * - `TooLate`: its turn, as things stand, would come too late for its deadline,
 *   or the deadline passed while it waited
 *
 * @category errors
 * @since 0.1.0
 */
export class BulkheadFull extends Schema.TaggedError<BulkheadFull>()("BulkheadFull", {
  /** Which bulkhead. */
  key: Schema.String,
  reason: Schema.Literals(["Full", "WaitedTooLong", "TooLate"]),
  /** How many might run at once then. */
  maxConcurrent: Schema.Int,
  maxQueued: Schema.Int,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    switch (this.reason) {
      case "Full":
        return `bulkhead "${this.key}" is full: ${this.maxConcurrent} running, ${this.maxQueued} allowed to wait`
      case "WaitedTooLong":
        return `bulkhead "${this.key}" had no free slot in time: ${this.maxConcurrent} may run at once`
      case "TooLate":
        return `bulkhead "${this.key}" has no free slot before the deadline: ${this.maxConcurrent} may run at once`
    }
  }
}
