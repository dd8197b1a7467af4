/**
 * The name under which an answer is kept: whose it is, and the digest of what was asked.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Sha256 from "../machine/Sha256.ts"
import * as CanonicalJson from "./CanonicalJson.ts"

/**
 * The question cannot be a cache key: it holds something that JSON cannot say.
 *
 * @category errors
 * @since 0.1.0
 */
export class Uncacheable extends Schema.TaggedError<Uncacheable>()("Uncacheable", {
  /** Where in the question. */
  path: Schema.String,
  rule: Schema.String
}) {
  override get message(): string {
    return `no cache key for this request: at ${this.path}, ${this.rule}`
  }
}

/**
 * Who asks, and what: tenants never share an answer, and everything in the
 * request counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question {
  readonly tenant: string
  /** Any JSON value. The order of its keys does not matter. */
  readonly request: unknown
}

declare const Kept: unique symbol

/**
 * A key: a tenant, a colon, and 64 hexadecimal digits. Nothing of the request can be read in it.
 *
 * @category models
 * @since 0.1.0
 */
export type CacheKey = string & { readonly [Kept]: true }

/**
 * The key of a question. The digest has a fixed length and comes last, so no two tenants have a key in common, whatever
 * they are called.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = ({ request, tenant }: Question): Result.Result<CacheKey, Uncacheable> => {
  const text = CanonicalJson.stringify(request)
  if (Result.isSuccess(text)) return Result.succeed(`${tenant}:${Sha256.hex(text.success)}` as CacheKey)
  const { path, rule } = text.failure
  return Result.fail(new Uncacheable({ path: path === CanonicalJson.whole ? "request" : `request.${path}`, rule }))
}
