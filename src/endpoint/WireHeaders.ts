/**
 * Which headers pass through a relay, and which belong to one of its sides.
 *
 * Source: RFC 9110, section 7.6.1, for what belongs to one connection.
 *
 * @since 0.1.0
 */

/**
 * Headers by their names in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export type WireHeaders = Readonly<Record<string, string>>

const ofConnection = [
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
]

const retryCount = "x-stainless-retry-count"

// whose account it is, what the transport can decode, and what is said to the relay
const ofCaller = new Set([
  ...ofConnection,
  "accept-encoding",
  "forwarded",
  "openai-organization",
  "openai-project",
  "origin",
  "referer",
  retryCount
])

// keys go by many names, and the caller's is not to reach an endpoint under any of them
const secret = /auth|cookie|credential|api-?key|subscription-key|secret|signature|token|^x-forwarded-/

// the body that is passed on has been decoded
const ofEndpoint = new Set([...ofConnection, "content-encoding", "set-cookie", "set-cookie2"])

const without = (
  headers: Readonly<Record<string, string | undefined>>,
  isDropped: (name: string) => boolean
): WireHeaders => {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  const connection = entries.find(([name]) => name === "connection")?.[1] ?? ""
  const named = new Set(connection.toLowerCase().split(",").map((name) => name.trim()))
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] =>
      entry[1] !== undefined && !named.has(entry[0]) && !isDropped(entry[0])
    )
  )
}

/**
 * What an endpoint is told of a caller's headers: nothing of who the caller is.
 *
 * @category getters
 * @since 0.1.0
 */
export const toEndpoint = (headers: Readonly<Record<string, string | undefined>>): WireHeaders =>
  without(headers, (name) => ofCaller.has(name) || secret.test(name))

/**
 * What a caller is told of an endpoint's headers.
 *
 * @category getters
 * @since 0.1.0
 */
export const toCaller = (headers: Readonly<Record<string, string | undefined>>): WireHeaders =>
  without(headers, (name) => ofEndpoint.has(name))

/**
 * Which retry of the caller's own a request is, 0 for the first try, as the
 * clients of OpenAI and Anthropic count them.
 *
 * @category getters
 * @since 0.1.0
 */
export const callersRetry = (headers: Readonly<Record<string, string | undefined>>): number => {
  const name = Object.keys(headers).find((name) => name.toLowerCase() === retryCount)
  const value = name === undefined ? undefined : headers[name]
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : 0
}
