/**
 * Checks what code without types may say, field by field, in a few nanoseconds:
 * for what is asked with every call. Configuration, which is asked once, has
 * schemas.
 *
 * @since 0.1.0
 */
import * as Configuration from "./Configuration.ts"

/**
 * What a field has to be.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly holds: (value: unknown) => boolean
  /** In words, as in "it has to be a text". */
  readonly rule: string
}

/**
 * A rule for each field that there is; a field without one is a type error.
 *
 * @category models
 * @since 0.1.0
 */
export type Rules<Fields> = { readonly [Name in keyof Fields]-?: Rule }

/**
 * What is wrong, in the terms of an `InvalidArgument`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Flaw {
  readonly argument: string
  /** What it was, as text. */
  readonly value: string
  readonly rule: string
}

/**
 * A text, also an empty one.
 *
 * @category rules
 * @since 0.1.0
 */
export const text: Rule = { holds: (value) => typeof value === "string", rule: "it has to be a text" }

/**
 * Yes or no.
 *
 * @category rules
 * @since 0.1.0
 */
export const flag: Rule = { holds: (value) => typeof value === "boolean", rule: "it has to be true or false" }

/**
 * A whole number of zero or more.
 *
 * @category rules
 * @since 0.1.0
 */
export const count: Rule = {
  holds: (value) => Configuration.isInteger(value, 0),
  rule: "it has to be a whole number from 0 up"
}

/**
 * A function.
 *
 * @category rules
 * @since 0.1.0
 */
export const fn: Rule = { holds: (value) => typeof value === "function", rule: "it has to be a function" }

/**
 * Something that is checked where it is read.
 *
 * @category rules
 * @since 0.1.0
 */
export const anything: Rule = { holds: () => true, rule: "" }

const longest = 80

const shorten = (value: string): string => value.length > longest ? `${value.slice(0, longest)}…` : value

/**
 * A value in a refusal: as it is where it is short and plain, otherwise its kind.
 *
 * @category rendering
 * @since 0.1.0
 */
export const show = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(shorten(value))
    case "object":
      return value === null ? "null" : Array.isArray(value) ? "array" : "object"
    case "function":
    case "symbol":
      return typeof value
    default:
      return shorten(String(value))
  }
}

// nobody knows what stands under a name that nobody knows
const showStranger = (value: unknown): string =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : "not shown here"

/**
 * The first thing that is wrong with an object of optional fields, which may be missing as a whole; `undefined` where
 * nothing is. `name` is what the whole is called.
 *
 * @category guards
 * @since 0.1.0
 */
export const flawOf = (name: string, given: unknown, rules: Rules<unknown>): Flaw | undefined => {
  if (given === undefined) return undefined
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return { argument: name, value: show(given), rule: "it has to be an object" }
  }
  const known = rules as Readonly<Record<string, Rule>>
  // what it inherits will be read as well
  for (const field in given) {
    const value: unknown = given[field as never]
    if (value === undefined) continue
    const rule = known[field]
    // what every object has, such as `toString`, is no rule
    if (rule?.holds === undefined) {
      return { argument: shorten(field), value: showStranger(value), rule: "there is no such option" }
    }
    if (!rule.holds(value)) return { argument: field, value: show(value), rule: rule.rule }
  }
  return undefined
}
