/**
 * Somebody's HTTP request as it goes to one endpoint, in the endpoint's dialect.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { Dialect } from "./dialect/Definition.ts"
import * as Message from "./dialect/Message.ts"
import { openai } from "./dialect/OpenAi.ts"
import * as Endpoint from "./Endpoint.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import type * as WireHeaders from "./WireHeaders.ts"
import type * as WireRequest from "./WireRequest.ts"

/**
 * What is sent, but for the endpoint's key and headers.
 *
 * @category models
 * @since 0.1.0
 */
export interface WireMessage {
  /** Below the base URL, query included. */
  readonly path: string
  readonly headers: WireHeaders.WireHeaders
  readonly body: Uint8Array | undefined
  /** The endpoint's name for the model, where the request has one. */
  readonly model: string | undefined
}

/**
 * Whether what a dialect answers to a chat is a chat completion as it comes.
 *
 * @category guards
 * @since 0.1.0
 */
export const answersVerbatim = ({ read }: Dialect): boolean => read === openai.read

const nameOf = (parameter: string): string => parameter.split("=", 1)[0]!

// what the dialect itself says in the query stands
const withQuery = (path: string, query: string): string => {
  const begin = path.indexOf("?")
  if (query === "" || begin < 0) return path + query
  const own = new Set(path.slice(begin + 1).split("&").map(nameOf))
  return [path, ...query.slice(1).split("&").filter((parameter) => !own.has(nameOf(parameter)))].join("&")
}

// these ask one model; everything else is an account's
const ofModel = new Set([
  "/audio/speech",
  "/audio/transcriptions",
  "/audio/translations",
  "/completions",
  "/embeddings",
  "/images/edits",
  "/images/generations"
])

const otherPathOf = ({ otherPaths, write }: Dialect, path: string, model: string | undefined): string | undefined => {
  if (otherPaths === undefined) return write === undefined ? path : undefined
  const put = (template: string): string => template.replaceAll("{path}", () => path)
  if (!ofModel.has(path)) return put(otherPaths.others)
  return model === undefined ? undefined : put(Message.pathFor(otherPaths.ofModel, model))
}

type Written = Result.Result<Pick<WireMessage, "path" | "body">, string>

const utf8 = new TextEncoder()

const writeChat = (dialect: Dialect, { body, extra, query }: WireRequest.Readable, model: string): Written => {
  if (extra !== undefined && !answersVerbatim(dialect)) return Result.fail(extra)
  if (Message.isVerbatim(dialect)) {
    return Result.succeed({ path: withQuery(Message.pathFor(dialect.chatPath, model), query), body: body(model) })
  }
  const written = Message.write(dialect, (model) => new TextDecoder().decode(body(model)), model)
  return Result.map(written, ({ path, text }) => ({
    // the query is in the words of OpenAI, as the body was
    path: dialect.write === undefined ? withQuery(path, query) : path,
    body: utf8.encode(text)
  }))
}

const writeOther = (dialect: Dialect, request: WireRequest.Readable, model: string | undefined): Written => {
  const path = otherPathOf(dialect, request.path, model)
  return path === undefined
    ? Result.fail(`${request.method} ${request.path}`)
    : Result.succeed({ path: withQuery(path, request.query), body: request.body(model) })
}

/**
 * The headers without one that goes by the name which the dialect has for its key.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withoutKey = (headers: WireHeaders.WireHeaders, { key }: Dialect): WireHeaders.WireHeaders => {
  const { [key.header.toLowerCase()]: _, ...others } = headers
  return others
}

/**
 * The request for an endpoint: its model by the endpoint's name for it, a chat as
 * its dialect says it. Otherwise the failure of an endpoint that cannot be asked
 * this.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = (
  request: WireRequest.Readable,
  endpoint: Endpoint.Endpoint
): Result.Result<WireMessage, Failure.RequestRejected> => {
  const { dialect, id } = endpoint
  const model = request.model === undefined ? undefined : Endpoint.wireModel(endpoint, request.model)
  try {
    const written = request.kind === "Chat" ? writeChat(dialect, request, model!) : writeOther(dialect, request, model)
    return Result.mapBoth(written, {
      onFailure: (what) => Fault.unsayable(id, what),
      onSuccess: (message) => ({ ...message, model, headers: withoutKey(request.headers, dialect) })
    })
  } catch {
    // a name for a model that no path can hold
    return Result.fail(Fault.unsayable(id, "this request"))
  }
}

/**
 * Writes the request for one endpoint after the other, for each but once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const writer = (request: WireRequest.Readable): (endpoint: Endpoint.Endpoint) => ReturnType<typeof write> => {
  let latest: { readonly endpoint: Endpoint.Endpoint; readonly message: ReturnType<typeof write> } | undefined
  return (endpoint) => {
    if (latest?.endpoint !== endpoint) latest = { endpoint, message: write(request, endpoint) }
    return latest.message
  }
}
