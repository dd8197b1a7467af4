/**
 * Why a value from outside is not what it has to be.
 *
 * The checks look at a value where it is and copy nothing: one that fits costs
 * no more than looking at it, and the words for one that does not are made only
 * then. They are those of `Schema`, and the first that it would find.
 *
 * @since 0.1.0
 */
import * as Json from "./Json.ts"

/**
 * What does not fit, and where in the value it stands.
 *
 * @category models
 * @since 0.1.0
 */
export interface Misfit {
  readonly what: string
  readonly at: string
}

/**
 * A check: `undefined` for what fits.
 *
 * @category models
 * @since 0.1.0
 */
export type Check = (value: unknown) => Misfit | undefined

const expected = (what: string): Misfit => ({ what: `Expected ${what}`, at: "" })

const missing: Misfit = { what: "Missing key", at: "" }

/**
 * The misfit of a part, as one of the whole.
 *
 * @category combinators
 * @since 0.1.0
 */
export const at = (place: string | number, misfit: Misfit | undefined): Misfit | undefined =>
  misfit && { what: misfit.what, at: `[${JSON.stringify(place)}]${misfit.at}` }

/**
 * What an API may leave out, or write as null.
 *
 * @category models
 * @since 0.1.0
 */
export type Nullish<A> = A | null | undefined

/**
 * A text, or nothing.
 *
 * @category checks
 * @since 0.1.0
 */
export const text: Check = (value) =>
  typeof value === "string" || value === undefined || value === null
    ? undefined
    : expected("string | null | undefined")

/**
 * A text.
 *
 * @category checks
 * @since 0.1.0
 */
export const requiredText: Check = (value) => {
  if (typeof value === "string") return undefined
  return value === undefined ? missing : expected("string")
}

/**
 * True, false, or nothing.
 *
 * @category checks
 * @since 0.1.0
 */
export const flag: Check = (value) =>
  typeof value === "boolean" || value === undefined || value === null
    ? undefined
    : expected("boolean | null | undefined")

/**
 * A number that is finite, or nothing.
 *
 * @category checks
 * @since 0.1.0
 */
export const count: Check = (value) => {
  if (value === undefined || value === null || Number.isFinite(value)) return undefined
  return expected(typeof value === "number" ? "a finite number" : "number | null | undefined")
}

/**
 * A whole number, or nothing.
 *
 * @category checks
 * @since 0.1.0
 */
export const whole: Check = (value) => {
  if (value === undefined || value === null || Number.isSafeInteger(value)) return undefined
  return expected(typeof value === "number" ? "an integer" : "number | null | undefined")
}

/**
 * An object of which the check is true.
 *
 * @category combinators
 * @since 0.1.0
 */
export const object = (value: unknown, check: (fields: Json.Json) => Misfit | undefined): Misfit | undefined => {
  if (Json.isRecord(value)) return check(value)
  return value === undefined ? missing : expected("object")
}

/**
 * The same, or nothing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const optionalObject = (
  value: unknown,
  check: (fields: Json.Json) => Misfit | undefined
): Misfit | undefined => {
  if (value === undefined || value === null) return undefined
  return Json.isRecord(value) ? check(value) : expected("object | null | undefined")
}

const inOrder = (values: ReadonlyArray<unknown>, check: Check): Misfit | undefined => {
  for (let index = 0; index < values.length; index++) {
    const misfit = check(values[index])
    if (misfit !== undefined) return at(index, misfit)
  }
  return undefined
}

/**
 * A list, of each item of which the check is true.
 *
 * @category combinators
 * @since 0.1.0
 */
export const list = (value: unknown, check: Check): Misfit | undefined => {
  if (Array.isArray(value)) return inOrder(value, check)
  return value === undefined ? missing : expected("array")
}

/**
 * The same, or nothing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const optionalList = (value: unknown, check: Check): Misfit | undefined => {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? inOrder(value, check) : expected("array | null | undefined")
}

/**
 * A text, a list of anything, or nothing.
 *
 * @category checks
 * @since 0.1.0
 */
export const textOrList: Check = (value) =>
  typeof value === "string" || value === undefined || value === null || Array.isArray(value)
    ? undefined
    : expected("string | array | null | undefined")

/**
 * The misfit in words: what was expected, and where.
 *
 * @category getters
 * @since 0.1.0
 */
export const describe = ({ at, what }: Misfit): string => at === "" ? what : `${what}\n  at ${at}`
