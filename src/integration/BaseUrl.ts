/**
 * What of a caller's URL is the API's, and what only says where the caller
 * believes it to be.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"

/**
 * The option that says where the caller believes the API to be.
 *
 * @category decoding
 * @since 0.1.0
 */
export const field = Schema.optional(Configuration.field(
  (value): value is string => typeof value === "string" && /^https?:$/.test(schemeOf(value)),
  "it has to be a URL that begins with http:// or https://"
))

const schemeOf = (url: string): string => URL.canParse(url) ? new URL(url).protocol : ""

// https://api.openai.com/v1, https://generativelanguage.googleapis.com/v1beta
const version = /^(?:\/[^/]+)*?\/v\d+[a-z0-9]*(?=\/|$)/

/**
 * The path below the base URL, query included. Without a base URL the path
 * begins behind the first part of it that is a version, such as `/v1`, or is all
 * of it. `undefined` for a URL that is not below the base URL.
 *
 * @category getters
 * @since 0.1.0
 */
export const below = (url: URL, baseUrl: string | undefined): string | undefined => {
  if (baseUrl === undefined) return `${url.pathname.replace(version, "") || "/"}${url.search}`
  const base = new URL(baseUrl)
  const prefix = base.pathname.replace(/\/+$/, "")
  return url.origin === base.origin && url.pathname.startsWith(`${prefix}/`)
    ? `${url.pathname.slice(prefix.length)}${url.search}`
    : undefined
}
