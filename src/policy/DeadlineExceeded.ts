/**
 * What a call says when its deadline leaves it no time.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"

/**
 * The caller's deadline passed, or would pass before an attempt or a wait could end.
 *
 * @category errors
 * @since 0.1.0
 */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  /** How long the caller was ready to wait. */
  deadline: Schema.DurationFromMillis,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const trail = this.attempts.length === 0 ? "" : Attempt.trail(this.attempts)
    return `no answer within the deadline of ${Duration.format(this.deadline)}${trail}`
  }
}
