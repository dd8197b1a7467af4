/**
 * What a circuit breaker says when it refuses a call.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"

/**
 * The call was not made: the circuit is open, its probes are out, or it is held
 * open by hand.
 *
 * @category errors
 * @since 0.1.0
 */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  /** Which circuit. */
  key: Schema.String,
  reason: Schema.Literals(["Open", "ProbesOut", "Isolated"]),
  /** When a call may pass, exact to the millisecond; absent where nobody can know. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return `circuit "${this.key}" ${reasons[this.reason]}${
      this.retryAfter === undefined ? "" : `, try again in ${Duration.format(this.retryAfter)}`
    }`
  }
}

const reasons = {
  Open: "is open",
  ProbesOut: "is half-open and all its probes are out",
  Isolated: "is held open by hand"
} as const
