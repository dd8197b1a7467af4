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

// deeper than any request, shallower than any stack
const maxDepth = 64

/**
 * The canonical text of a JSON value. Object members that are `undefined` count
 * as absent; what JSON cannot say (NaN, functions, cycles) is refused.
 *
 * @category encoding
 * @since 0.1.0
 */
export const stringify = (value: unknown): Result.Result<string, Refusal> => {
  let refusal: Refusal | undefined
  const refuse = (path: string, rule: string): string => {
    refusal ??= { path: path === "" ? "(the whole)" : path.slice(1), rule }
    return ""
  }
  const write = (value: unknown, path: string, depth: number): string => {
    if (refusal !== undefined) return ""
    if (depth > maxDepth) return refuse(path, `it is nested deeper than ${maxDepth} levels, or in a cycle`)
    switch (typeof value) {
      case "string":
      case "boolean":
        return JSON.stringify(value)
      case "number":
        return Number.isFinite(value) ? JSON.stringify(value) : refuse(path, `${value} is not a JSON number`)
      case "object": {
        if (value === null) return "null"
        if (Array.isArray(value)) {
          return `[${Array.from(value, (item, index) => write(item, `${path}.${index}`, depth + 1)).join(",")}]`
        }
        const prototype = Object.getPrototypeOf(value)
        if (prototype !== Object.prototype && prototype !== null) return refuse(path, "it is not a plain object")
        const members = Object.keys(value).toSorted().flatMap((key) => {
          const member = (value as Record<string, unknown>)[key]
          return member === undefined ? [] : [`${JSON.stringify(key)}:${write(member, `${path}.${key}`, depth + 1)}`]
        })
        return `{${members.join(",")}}`
      }
      default:
        return refuse(path, `a ${typeof value} is not JSON`)
    }
  }
  const text = write(value, "", 0)
  return refusal === undefined ? Result.succeed(text) : Result.fail(refusal)
}
