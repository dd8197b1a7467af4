/**
 * The name under which an answer is kept: a digest of whose it is and what was asked.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Sha256 from "../machine/Sha256.ts"
import * as CanonicalJson from "./CanonicalJson.ts"

/**
 * The question cannot be a cache key: it is nobody's, or holds something that JSON cannot say.
 *
 * @category errors
 * @since 0.1.0
 */
export class Uncacheable extends Schema.TaggedError<Uncacheable>()("Uncacheable", {
  /** Where in the question: `tenant`, `request`, or a place in that. */
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
  /** Any text that is not empty. */
  readonly tenant: string
  /** Any JSON value. The order of its keys does not matter. */
  readonly request: unknown
}

declare const Kept: unique symbol

/**
 * A key: 64 hexadecimal digits, small letters. Nothing of tenant or request can be read in it, and any store takes it for a
 * name, also one that folds case, bounds length or knows ASCII alone.
 *
 * @category models
 * @since 0.1.0
 */
export type CacheKey = string & { readonly [Kept]: true }

/**
 * The key of a question. The tenant is written as JSON before the request, so where it ends is certain and no two questions
 * are one text, whatever the tenants are called.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = ({ request, tenant }: Question): Result.Result<CacheKey, Uncacheable> => {
  if (typeof tenant !== "string" || tenant === "") {
    return Result.fail(new Uncacheable({ path: "tenant", rule: "it has to be a text that is not empty" }))
  }
  const text = CanonicalJson.stringify(request)
  // JSON escapes half a surrogate pair, which UTF-8 cannot tell from another
  if (Result.isSuccess(text)) return Result.succeed(Sha256.hex(`${JSON.stringify(tenant)}:${text.success}`) as CacheKey)
  const { path, rule } = text.failure
  return Result.fail(new Uncacheable({ path: path === CanonicalJson.whole ? "request" : `request.${path}`, rule }))
}
