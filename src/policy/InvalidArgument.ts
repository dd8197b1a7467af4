/**
 * Refuses what cannot be asked of a policy that is already at work, by name.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Rejection from "./Rejection.ts"

/**
 * An argument that cannot work: which one, what it was, and the rule it breaks.
 * Nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  /** What was asked, such as `Bulkhead.resize`. */
  subject: Schema.String,
  argument: Schema.String,
  /** What it was, as text. */
  value: Schema.String,
  /** What it has to be. */
  rule: Schema.String
}) {
  override get message(): string {
    return `${this.subject}: ${this.argument} is ${this.value}, but ${this.rule}`
  }
}

/**
 * The failure of an argument.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (subject: string, argument: string, value: unknown, rule: string): InvalidArgument =>
  Rejection.make(InvalidArgument, {
    subject,
    argument,
    value: typeof value === "string" ? JSON.stringify(value) : typeof value === "object" ? typeof value : String(value),
    rule
  })
