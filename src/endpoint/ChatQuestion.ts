/**
 * What of a chat request decides on its answer, in one form for requests that mean the same.
 *
 * @since 0.1.0
 */
import type * as ChatRequest from "./ChatRequest.ts"

/**
 * Fields that no model sees and no answer shows: how the answer comes, who asks, under which label it is filed. Everything
 * else counts, whatever it is.
 *
 * @category constants
 * @since 0.1.0
 */
export const leftOut: ReadonlyArray<string> = [
  "stream",
  "stream_options",
  "user",
  "safety_identifier",
  "metadata",
  "prompt_cache_key",
  "prompt_cache_retention"
]

/**
 * What a field says that is not there, as OpenAI documents it. So does `null`, of these fields.
 *
 * @category constants
 * @since 0.1.0
 */
export const assumed: Readonly<Record<string, unknown>> = {
  temperature: 1,
  top_p: 1,
  n: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  logit_bias: {},
  logprobs: false,
  modalities: ["text"],
  parallel_tool_calls: true,
  response_format: { type: "text" },
  service_tier: "auto",
  store: false,
  tool_choice: "auto"
}

// unset where they are null; what they say then is for the model to know
const nullable = new Set(["max_tokens", "max_completion_tokens", "seed", "stop", ...Object.keys(assumed)])

// these have few members, and objects among them one
const isAssumed = (field: string, value: unknown): boolean =>
  Object.hasOwn(assumed, field) &&
  (value === assumed[field] || (typeof value === "object" && JSON.stringify(value) === JSON.stringify(assumed[field])))

// a stream says all that a whole answer to these says, and the other way round
const alike = new Set([
  "model",
  "messages",
  "temperature",
  "top_p",
  "n",
  "max_tokens",
  "max_completion_tokens",
  "stop",
  "seed",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
  "reasoning_effort"
])

/**
 * The question that a request asks: equal for requests that get the same answer. `form` is part of it where one form of
 * answer may say what the other does not, such as the likelihood of its tokens.
 *
 * @category conversions
 * @since 0.1.0
 */
export const of = (request: ChatRequest.ChatRequest, form: "whole" | "stream"): Record<string, unknown> => {
  // a field may have any name, also one that sets a prototype
  const chat: Record<string, unknown> = Object.create(null)
  let isAlike = true
  for (const [field, value] of Object.entries(request)) {
    if (value === undefined || leftOut.includes(field) || isAssumed(field, value)) continue
    if (value === null && nullable.has(field)) continue
    chat[field] = value
    isAlike &&= alike.has(field)
  }
  return isAlike ? { chat } : { chat, form }
}
