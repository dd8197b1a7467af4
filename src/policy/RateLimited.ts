/**
 * What a rate limiter says when it refuses a call, and a service when it asks to wait.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"

/**
 * Too many calls: our limiter refused this one, or the service answered 429 of
 * the kind that passes with time.
 *
 * @category errors
 * @since 0.1.0
 */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  /** Which limiter, or which endpoint. */
  key: Schema.String,
  /** Who said no. */
  source: Schema.Literals(["Limiter", "Upstream"]),
  /** What is limited, where that is known. */
  scope: Schema.optionalKey(Schema.Literals(["Account", "Endpoint", "Model"])),
  /** When a call may pass; exact to the millisecond for our limiter, the hint of the service otherwise. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  /** The HTTP status it said so with. */
  status: Schema.optionalKey(Schema.Int),
  /** What the service said. */
  detail: Schema.optionalKey(Schema.String),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const who = this.source === "Limiter" ? `rate limiter "${this.key}" is at its limit` : `"${this.key}" asks to wait`
    return [
      who,
      ...(this.retryAfter === undefined ? [] : [`try again in ${Duration.format(this.retryAfter)}`]),
      ...(this.detail === undefined ? [] : [this.detail])
    ].join(", ")
  }
}
