/**
 * What a stream fails with once something of it has come out.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Attempt from "../policy/Attempt.ts"
import * as Tokens from "../policy/Tokens.ts"

/**
 * Tokens of a streamed answer.
 *
 * @category models
 * @since 0.1.0
 */
export const Usage = Schema.Struct({
  ...Tokens.Tokens.fields,
  /** Whether nobody counted them, as of a stream that was cut: then they are reckoned from the characters. */
  isEstimated: Schema.Boolean
})

/**
 * A stream broke after its commit point: what came out is a part of an answer.
 *
 * @category errors
 * @since 0.1.0
 */
export class StreamInterrupted extends Schema.TaggedError<StreamInterrupted>()("StreamInterrupted", {
  /** Whose answer it was. */
  endpoint: Schema.String,
  /** The text so far, that of the answer which was broken off. */
  text: Schema.String,
  /** The tag of the failure that broke it off first, whatever became of the attempts to go on. */
  because: Schema.String,
  /** What that failure says. */
  detail: Schema.String,
  /** How long that failure asked to be left alone, where it did. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  tokens: Usage,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const { length } = this.text
    const came = length === 1 ? "1 character" : `${length} characters`
    return `the answer of endpoint "${this.endpoint}" was broken off after ${came}: ${this.detail}`
  }
}
