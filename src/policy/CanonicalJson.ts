/**
 * One text for equal JSON values, whatever the order of their keys.
 *
 * Source: RFC 8785, JSON Canonicalization Scheme.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"

/**
 * Why a value has no canonical text, and where in it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refusal {
  readonly path: string
  readonly rule: string
}

/**
 * The path of a value that is refused as a whole.
 *
 * @category constants
 * @since 0.1.0
 */
export const whole = "(the whole)"

// deeper than any request, shallower than any stack
const maxDepth = 64

// where the refusal is, from the inside out
interface Refused {
  readonly path: Array<string>
  readonly rule: string
}

const write = (value: unknown, depth: number): string | Refused => {
  if (depth > maxDepth) return { path: [], rule: `it is nested deeper than ${maxDepth} levels, or in a cycle` }
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "boolean":
      return value ? "true" : "false"
    case "number":
      return Number.isFinite(value) ? JSON.stringify(value) : { path: [], rule: `${value} is not a JSON number` }
    case "object":
      if (value === null) return "null"
      return Array.isArray(value) ? writeList(value, depth + 1) : writeObject(value, depth + 1)
    default:
      return { path: [], rule: `a ${typeof value} is not JSON` }
  }
}

const writeList = (list: ReadonlyArray<unknown>, depth: number): string | Refused => {
  // what is sent would be something else
  if ("toJSON" in list) return { path: [], rule: "it is a list that says otherwise as JSON" }
  let text = "["
  for (let index = 0; index < list.length; index++) {
    const item = write(list[index], depth)
    if (typeof item !== "string") {
      item.path.push(String(index))
      return item
    }
    text += index === 0 ? item : `,${item}`
  }
  return `${text}]`
}

const writeObject = (object: object, depth: number): string | Refused => {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return { path: [], rule: "it is not a plain object" }
  let text = "{"
  // by code units, which is how texts compare
  for (const key of Object.keys(object).sort()) {
    const value: unknown = object[key as never]
    if (value === undefined) continue
    const member = write(value, depth)
    if (typeof member !== "string") {
      member.path.push(key)
      return member
    }
    text += `${text === "{" ? "" : ","}${JSON.stringify(key)}:${member}`
  }
  return `${text}}`
}

/**
 * The canonical text of a JSON value. Object members that are `undefined` count
 * as absent; what JSON cannot say (NaN, functions, cycles) is refused.
 *
 * @category encoding
 * @since 0.1.0
 */
export const stringify = (value: unknown): Result.Result<string, Refusal> => {
  const text = write(value, 0)
  if (typeof text === "string") return Result.succeed(text)
  const { path, rule } = text
  return Result.fail({ path: path.length === 0 ? whole : path.toReversed().join("."), rule })
}
