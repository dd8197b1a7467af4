/**
 * Values from outside, of which nothing is known.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"

/**
 * An object of which nothing is known.
 *
 * @category models
 * @since 0.1.0
 */
export type Json = Readonly<Record<string, unknown>>

/**
 * Whether a value is an object, and no list.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * The objects in a list; none where there is no list.
 *
 * @category getters
 * @since 0.1.0
 */
export const recordsOf = (value: unknown): ReadonlyArray<Json> => Array.isArray(value) ? value.filter(isRecord) : []

/**
 * The value of a JSON text.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<unknown, void> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(undefined)
  }
}
