/**
 * Which requests ask for a stream.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatRequest from "../endpoint/ChatRequest.ts"
import * as Json from "../endpoint/Json.ts"

/**
 * A chat that is to be streamed.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamedRequest {
  readonly request: ChatRequest.ChatRequest
  /** Whether the caller asked for the count of tokens. */
  readonly includesUsage: boolean
}

const isChat = (method: string, path: string): boolean =>
  method.toUpperCase() === "POST" && path.split("?", 1)[0]!.replace(/\/+$/, "") === "/chat/completions"

/**
 * The chat that a request asks to be streamed; `undefined` for any other request.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (method: string, path: string, body: Uint8Array | undefined): StreamedRequest | undefined => {
  if (body === undefined || !isChat(method, path)) return undefined
  const text = new TextDecoder().decode(body)
  // most requests are read once, by the relay
  if (!text.includes("\"stream\"")) return undefined
  const json = Json.parse(text)
  if (Result.isFailure(json) || !Json.isRecord(json.success) || json.success["stream"] !== true) return undefined
  const options = json.success["stream_options"]
  return {
    request: json.success as unknown as ChatRequest.ChatRequest,
    includesUsage: Json.isRecord(options) && options["include_usage"] === true
  }
}
