/**
 * Anthropic's messages.
 *
 * @since 0.1.0
 */
import * as WireError from "../WireError.ts"
import * as AnthropicAnswer from "./AnthropicAnswer.ts"
import * as AnthropicRequest from "./AnthropicRequest.ts"
import * as AnthropicStream from "./AnthropicStream.ts"
import type { Dialect, Headers } from "./Definition.ts"

/**
 * Anthropic. Base URL: `https://api.anthropic.com/v1`.
 *
 * A request goes out without what Anthropic does not know and an answer can do
 * without, such as `seed`; what would make it another request, such as a
 * `response_format` of JSON, makes it a `RequestRejected` that other endpoints
 * may still answer.
 *
 * @category dialects
 * @since 0.1.0
 */
export const anthropic = (options?: {
  /** What is sent as `anthropic-version`. Default: `2023-06-01`. */
  readonly version?: string | undefined
  /** Tokens that an answer may have where the request sets no limit, since there has to be one. From 1 up, default 4096. */
  readonly maxTokens?: number | undefined
}): Dialect => ({
  name: "anthropic",
  chatPath: "/messages",
  key: { header: "x-api-key" },
  headers: { "anthropic-version": options?.version ?? "2023-06-01" },
  defaults: { max_tokens: options?.maxTokens ?? 4096 },
  write: AnthropicRequest.write,
  read: AnthropicAnswer.read,
  error: WireError.fromBody,
  stream: { fields: { stream: true }, reader: AnthropicStream.reader },
  words,
  finishReasons,
  limitScope
})

const words = { not_found_error: "Model" } as const

const finishReasons = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "content_filter"
}

// limits are an organisation's, and so are those of a plan; one that names a model holds for that alone
const limitScope = (error: WireError.WireError | undefined, headers: Headers) => {
  const isPlan = headers["anthropic-ratelimit-unified-status"] === "rejected"
  const namesModel = /\bmodel: ?[\w.-]+/.test(error?.message.slice(0, 2000) ?? "")
  return namesModel && !isPlan ? undefined : "Account" as const
}
