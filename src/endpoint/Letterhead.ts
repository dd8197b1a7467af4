/**
 * What all requests to an endpoint have in common, put together with the first
 * of them: its headers with the key, and what of them is a secret.
 *
 * @since 0.1.0
 */
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import type * as Endpoint from "./Endpoint.ts"

/**
 * The letterhead of an endpoint. It holds the key in the open, so it stays with whoever writes requests.
 *
 * @category models
 * @since 0.1.0
 */
export interface Letterhead {
  /** Those of its dialect, its own, and its key: whatever a request has of these names, these are sent. */
  readonly headers: Headers.Headers
  /** The same, over those that a chat has. */
  readonly ofChat: Headers.Headers
  /** What is to be repeated nowhere. */
  readonly secrets: ReadonlyArray<string>
  /** Names of headers, in lower case, that tracers take for no secret unless they are told. */
  readonly secretNames: ReadonlyArray<string>
}

// what every tracer knows for a secret, unless it was told otherwise
const knownSecret = "authorization"

const openly = (value: string | Redacted.Redacted): string => Redacted.isRedacted(value) ? Redacted.value(value) : value

const make = ({ apiKey, dialect, headers }: Endpoint.Endpoint): Letterhead => {
  const { header, scheme } = dialect.key
  const own = Object.entries(headers)
  const secret = own.filter((entry): entry is [string, Redacted.Redacted] => Redacted.isRedacted(entry[1]))
  const names = secret.map(([name]) => name.toLowerCase())
  if (apiKey !== undefined && header.toLowerCase() !== knownSecret) names.push(header.toLowerCase())
  const key = apiKey && Redacted.value(apiKey)
  const written = [
    ...Object.entries(dialect.headers),
    ...own.map(([name, value]) => [name, openly(value)] as const),
    ...(key === undefined ? [] : [[header, scheme === undefined ? key : `${scheme} ${key}`] as const])
  ]
  return {
    headers: Headers.fromInput(written),
    ofChat: Headers.fromInput([["accept", "application/json"], ["content-type", "application/json"], ...written]),
    secrets: [...(key === undefined ? [] : [key]), ...secret.map(([, value]) => Redacted.value(value))],
    secretNames: names
  }
}

// an endpoint that nobody calls has none
const letterheads = new WeakMap<Endpoint.Endpoint, Letterhead>()

/**
 * The letterhead of an endpoint.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (endpoint: Endpoint.Endpoint): Letterhead => {
  let letterhead = letterheads.get(endpoint)
  if (letterhead === undefined) letterheads.set(endpoint, letterhead = make(endpoint))
  return letterhead
}
