/**
 * What is said when somebody names an endpoint, or an account, that is not there.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * No endpoint of the relay has this id, or none is of this account.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointNotFound extends Schema.TaggedError<EndpointNotFound>()("EndpointNotFound", {
  /** The id that was named … */
  id: Schema.optionalKey(Schema.String),
  /** … or the account. */
  account: Schema.optionalKey(Schema.String),
  /** The ids, or the accounts, that there are; at most twenty of them. */
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const known = this.known.join(", ") || "none"
    return this.account === undefined
      ? `no endpoint "${this.id}"; there are: ${known}`
      : `no endpoint of account "${this.account}"; there are accounts: ${known}`
  }
}
