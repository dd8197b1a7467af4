/**
 * Somebody's HTTP request to an OpenAI-compatible API, of which nothing is known
 * but that it is to reach an endpoint.
 *
 * @since 0.1.0
 */
import * as HttpMethod from "effect/http/HttpMethod"
import * as Result from "effect/Result"
import * as ChatRequest from "./ChatRequest.ts"
import * as HttpHeader from "./HttpHeader.ts"
import * as Json from "./Json.ts"
import * as ModelMember from "./ModelMember.ts"
import * as TokenEstimator from "./TokenEstimator.ts"
import * as WireError from "./WireError.ts"
import * as WireHeaders from "./WireHeaders.ts"

/**
 * The request.
 *
 * @category models
 * @since 0.1.0
 */
export interface WireRequest {
  readonly method: string
  /**
   * Below the base URL of an endpoint, from the slash on: `/chat/completions`,
   * `/models?limit=20`. A key in the query is left out.
   */
  readonly path: string
  /** Keys, cookies and what belongs to the connection are left out; the endpoint's own are sent instead. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined
  /** A text is sent as UTF-8. A JSON object is sent as JSON where `content-type` is missing or says plain text. */
  readonly body?: Uint8Array | string | undefined
}

/**
 * What a request asks for: a chat completion; another answer, which may be asked
 * for twice and is JSON; or anything else an API has.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind = "Chat" | "Answer" | "Other"

/**
 * A request that can be sent, read once for all endpoints.
 *
 * @category models
 * @since 0.1.0
 */
export interface Readable {
  readonly method: HttpMethod.HttpMethod
  readonly path: string
  /** From the question mark on; empty where there is none. */
  readonly query: string
  readonly headers: WireHeaders.WireHeaders
  readonly kind: Kind
  /** The model by the caller's name, where the body is JSON and has one. */
  readonly model: string | undefined
  /** What a refusal of this request is true of, beside the endpoint. */
  readonly scope: string
  readonly estimatedTokens: number
  /** The chat it asks for, where it does. */
  readonly chat: ChatRequest.ChatRequest | undefined
  /** Whether nothing is done twice when it is sent twice. */
  readonly idempotent: boolean
  /** What it asks for that only a chat completion as the API wrote it can hold. */
  readonly extra: string | undefined
  /** The body for an endpoint that calls the model by this name. */
  readonly body: (model: string | undefined) => Uint8Array | undefined
}

const answers = new Set(["/completions", "/embeddings", "/moderations", "/responses"])

const kindOf = (method: string, resource: string): Kind => {
  if (method !== "POST") return "Other"
  if (resource === "/chat/completions") return "Chat"
  return answers.has(resource) ? "Answer" : "Other"
}

const safe: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"])

const listOf = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : [value]

// texts, messages, and texts in a list: whatever these APIs take for a prompt
const estimate = (body: Json.Json, estimator: TokenEstimator.TokenEstimator): number => {
  const prompts = ["messages", "instructions", "input", "prompt"].flatMap((field) => listOf(body[field]))
  const messages = prompts.map((prompt) =>
    typeof prompt === "object" && prompt !== null ? prompt : { role: "user", content: prompt }
  )
  const longest = body["max_completion_tokens"] ?? body["max_output_tokens"] ?? body["max_tokens"]
  const model = typeof body["model"] === "string" ? body["model"] : ""
  return ChatRequest.estimateTokens({ model, messages, max_tokens: longest } as ChatRequest.ChatRequest, estimator)
}

const isPlain = (modality: unknown): boolean => modality === "text"

const extraOf = ({ logprobs, modalities, n }: Json.Json): string | undefined => {
  if (typeof n === "number" && n > 1) return "more than one choice"
  if (logprobs === true) return "logprobs"
  return Array.isArray(modalities) && !modalities.every(isPlain) ? "modalities other than text" : undefined
}

const utf8 = new TextEncoder()

/**
 * Reads a request, or says what is wrong with it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (request: WireRequest, estimator = TokenEstimator.builtIn): Result.Result<Readable, string> => {
  if (typeof request !== "object" || request === null) return Result.fail("the request has to be an object")
  const method = String(request.method).toUpperCase()
  if (!HttpMethod.isHttpMethod(method)) return Result.fail(`there is no method ${JSON.stringify(request.method)}`)
  const address = addressOf(request.path)
  if (address === undefined) {
    return Result.fail("path has to begin with one slash, and to stay below the base URL of the endpoint")
  }
  const { headers = {} } = request
  if (request.body !== undefined && typeof request.body !== "string" && !(request.body instanceof Uint8Array)) {
    return Result.fail("body has to be a text or bytes")
  }
  const passedOn = WireHeaders.toEndpoint(headers)
  const unsendable = Object.entries(passedOn).find(([name, value]) =>
    !HttpHeader.isName(name) || !HttpHeader.isValue(value)
  )
  if (unsendable !== undefined) return Result.fail(`no header can be ${JSON.stringify(unsendable.join(": "))}`)
  const bytes = typeof request.body === "string" ? utf8.encode(request.body) : request.body
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1]
  const resource = address.pathname.slice(base.length).replace(/\/+$/, "")
  const kind = kindOf(method, resource)

  // text/plain is what a fetch says of a text that nobody says more of
  const isText = bytes !== undefined && (type === undefined || /json|^text\/plain/i.test(type))
  const text = isText ? new TextDecoder().decode(bytes) : ""
  const parsed = isText ? WireError.parse(text) : Result.fail(undefined)
  const json = Result.isSuccess(parsed) ? parsed.success : undefined
  const stream = Json.isRecord(json) ? json["stream"] ?? false : false
  if (kind !== "Other" && typeof stream !== "boolean") return Result.fail("stream has to be true or false")
  if (stream === true) {
    return Result.fail("stream has to be left out: this is passed on as a whole, and only chats are streamed")
  }
  const flaw = kind === "Chat" ? ChatRequest.flaw(json as ChatRequest.ChatRequest) : undefined
  if (flaw !== undefined) return Result.fail(flaw)

  const named = Json.isRecord(json) ? json["model"] : undefined
  const model = typeof named === "string" && named !== "" ? named : undefined
  return Result.succeed({
    method,
    path: address.pathname.slice(base.length),
    query: address.search,
    headers: {
      ...passedOn,
      ...(Json.isRecord(json) && !/json/i.test(type ?? "") ? { "content-type": "application/json" } : {})
    },
    kind,
    model,
    // an endpoint that has no embeddings may well serve the same model in a chat
    scope: kind === "Chat" ? model! : `${model ?? "*"} /${resource.split("/")[1] ?? ""}`,
    estimatedTokens: Json.isRecord(json) && kind !== "Other" ? estimate(json, estimator) : 0,
    chat: kind === "Chat" ? json as ChatRequest.ChatRequest : undefined,
    idempotent: kind !== "Other" || safe.has(method),
    extra: Json.isRecord(json) ? extraOf(json) : undefined,
    body: (name) =>
      name === undefined || name === model || model === undefined
        ? bytes
        : utf8.encode(ModelMember.replace(text, name))
  })
}

const base = "/base"

// no path leads out of the API that the endpoint names, neither by dots nor by what a URL takes for dots
const addressOf = (path: unknown): URL | undefined => {
  if (typeof path !== "string" || !/^\/(?![/\\])/.test(path) || leadsOut(path)) return undefined
  const whole = `http://relay.invalid${base}${path}`
  const address = URL.canParse(whole) ? new URL(whole) : undefined
  if (address?.pathname.startsWith(`${base}/`) !== true) return undefined
  for (const name of Array.from(address.searchParams.keys())) {
    if (secret.test(name)) address.searchParams.delete(name)
  }
  return address
}

// a gateway may take an escaped slash for one, and what follows a semicolon for nothing
const leadsOut = (path: string): boolean =>
  path.split(/[?#]/, 1)[0]!
    .replace(/%2f|%5c|\\/gi, "/")
    .replace(/%2e/gi, ".")
    .replace(/(?:;|%3b)[^/]*/gi, "")
    .split("/")
    .some((segment) => segment === "." || segment === "..")

// some APIs take the key in the query; a page token is none
const secret = /^(?:access_token|api[-_]?key|auth|authorization|client_secret|key|sig|signature|token)$/i
