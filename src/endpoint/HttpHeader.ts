/**
 * What may stand in a header, which otherwise is found out only when the first
 * request cannot be sent; and headers as they are read.
 *
 * @since 0.1.0
 */
import * as Headers from "effect/http/Headers"
import * as Json from "./Json.ts"

/**
 * Whether a text can be the name of a header.
 *
 * @category guards
 * @since 0.1.0
 */
export const isName = (name: unknown): name is string =>
  typeof name === "string" && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)

/**
 * What the name of a header has to be.
 *
 * @category constants
 * @since 0.1.0
 */
export const nameRule = "it has to be a header name"

/**
 * Whether a value can be the value of a header.
 *
 * @category guards
 * @since 0.1.0
 */
export const isValue = (value: unknown): value is string =>
  typeof value === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

/**
 * Headers by their names in lower case. Of anything else than texts, numbers
 * become texts, lists their last element, and what is left goes.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toTexts = (headers: unknown): Readonly<Record<string, string>> => {
  if (!Json.isRecord(headers)) return {}
  try {
    return Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) => {
        const last: unknown = Array.isArray(value) ? value.at(-1) : value
        return typeof last === "string" || typeof last === "number" ? [[name.toLowerCase(), String(last)]] : []
      })
    )
  } catch {
    return {}
  }
}

/**
 * The same, at no cost for those of an `HttpClient`, which are so already.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (headers: unknown): Readonly<Record<string, string | undefined>> =>
  Headers.isHeaders(headers) ? headers : toTexts(headers)
