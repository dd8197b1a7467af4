/**
 * What a model read and wrote, in tokens.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))

/**
 * Tokens as they were counted, whole and from zero up. What is priced by itself is told apart where the endpoint tells it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Tokens = Schema.Struct({
  /** All that was read, from a cache of the provider's or not. */
  input: count,
  /** All that was written, thoughts included where the provider counts them there. */
  output: count,
  total: count,
  /** Of the input, what came from the provider's cache. */
  cacheRead: Schema.optionalKey(count),
  /** Of the input, what was put into it. */
  cacheWrite: Schema.optionalKey(count),
  /** Of what is no input, what the model thought. */
  reasoning: Schema.optionalKey(count)
})

/**
 * Tokens as they were counted.
 *
 * @category models
 * @since 0.1.0
 */
export type Tokens = typeof Tokens.Type

/**
 * No tokens.
 *
 * @category constants
 * @since 0.1.0
 */
export const none: Tokens = { input: 0, output: 0, total: 0 }

const both = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : a + b

/**
 * The sum of two.
 *
 * @category combinators
 * @since 0.1.0
 */
export const add = (a: Tokens, b: Tokens): Tokens =>
  withDetails(
    { input: a.input + b.input, output: a.output + b.output, total: a.total + b.total },
    both(a.cacheRead, b.cacheRead),
    both(a.cacheWrite, b.cacheWrite),
    both(a.reasoning, b.reasoning)
  )

/**
 * Tokens, with those parts that are known.
 *
 * @category constructors
 * @since 0.1.0
 */
export const withDetails = (
  tokens: Tokens,
  cacheRead: number | undefined,
  cacheWrite: number | undefined,
  reasoning: number | undefined
): Tokens =>
  cacheRead === undefined && cacheWrite === undefined && reasoning === undefined ? tokens : {
    ...tokens,
    ...(cacheRead === undefined ? {} : { cacheRead }),
    ...(cacheWrite === undefined ? {} : { cacheWrite }),
    ...(reasoning === undefined ? {} : { reasoning })
  }
