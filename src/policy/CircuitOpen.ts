/**
 * What a circuit breaker says when it refuses a call.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"

/**
 * The call was not made: the circuit is open, its probes are out, it has just
 * closed and this call is not of the share that may pass, or it is held open by hand.
 *
 * @category errors
 * @since 0.1.0
 */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  /** Which circuit. */
  key: Schema.String,
  reason: Schema.Literals(["Open", "ProbesOut", "RampingUp", "Isolated"]),
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
  RampingUp: "has just closed and lets only a share of the calls pass",
  Isolated: "is held open by hand"
} as const
