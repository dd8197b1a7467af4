/**
 * A chat request as it goes to one endpoint: where to, and what it says there.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatRequest from "../ChatRequest.ts"
import type { Dialect } from "./Definition.ts"

/**
 * What is posted, and below which base URL.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  readonly path: string
  readonly text: string
}

/**
 * Whether a dialect takes a request as it was written, byte for byte.
 *
 * @category guards
 * @since 0.1.0
 */
export const isVerbatim = ({ defaults, write }: Dialect): boolean => write === undefined && hasNone(defaults)

/**
 * Whether a dialect says whatever there is to say, so that nothing has to be
 * written to know. A path with the model in it may be one that no URL holds.
 *
 * @category guards
 * @since 0.1.0
 */
export const saysAll = (dialect: Dialect): boolean => isVerbatim(dialect) && !dialect.chatPath.includes("{model}")

/**
 * A path of a dialect, for a model by the endpoint's name for it.
 *
 * @category getters
 * @since 0.1.0
 */
export const pathFor = (template: string, model: string): string =>
  template.includes("{model}") ? template.replaceAll("{model}", () => encodeURIComponent(model)) : template

const hasNone = (fields: object): boolean => {
  for (const _ in fields) return false
  return true
}

const textOf = (dialect: Dialect, body: ChatRequest.Body, model: string): Result.Result<string, string> => {
  const { defaults, write } = dialect
  // most endpoints take a request as it was written, once for all of them
  if (isVerbatim(dialect)) return Result.succeed(body(model))
  const request: ChatRequest.ChatRequest = { ...defaults, ...JSON.parse(body(model)) }
  const written = write === undefined ? Result.succeed(request) : write(request)
  return Result.flatMap(written, (value) => {
    const text: string | undefined = JSON.stringify(value)
    return text === undefined ? Result.fail("this request") : Result.succeed(text)
  })
}

/**
 * A message with more fields in its body: the last of a name is what counts.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withFields = ({ path, text }: Message, fields: Readonly<Record<string, unknown>>): Message =>
  hasNone(fields) ? { path, text } : { path, text: `${text.slice(0, -1)},${JSON.stringify(fields).slice(1)}` }

/**
 * The request in a dialect, or what of it the dialect cannot say. Total: a
 * dialect that throws cannot say the request.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = (dialect: Dialect, body: ChatRequest.Body, model: string): Result.Result<Message, string> => {
  try {
    return Result.map(textOf(dialect, body, model), (text) => ({ path: pathFor(dialect.chatPath, model), text }))
  } catch {
    return Result.fail("this request")
  }
}
