/**
 * Gemini's `generateContent`.
 *
 * @since 0.1.0
 */
import type * as WireError from "../WireError.ts"
import type { Dialect } from "./Definition.ts"
import * as GeminiAnswer from "./GeminiAnswer.ts"
import * as GeminiRequest from "./GeminiRequest.ts"

// the names of quotas say what they are of, as in GenerateRequestsPerMinutePerProjectPerModel-FreeTier
const limitScope = (error: WireError.WireError | undefined) => {
  const words = error?.words ?? []
  if (words.some((word) => word.includes("permodel"))) return "Model"
  return words.some((word) => word.includes("perproject")) ? "Account" : undefined
}

/**
 * Gemini. Base URL: `https://generativelanguage.googleapis.com/v1beta`. (Google
 * also serves it as chat completions, for which the dialect is `openai`.)
 *
 * It cannot be told to call one tool at a time: a request that offers tools with
 * `parallel_tool_calls: false` is a `RequestRejected` that other endpoints may
 * still answer.
 *
 * @category dialects
 * @since 0.1.0
 */
export const gemini: Dialect = {
  name: "gemini",
  chatPath: "/models/{model}:generateContent",
  key: { header: "x-goog-api-key" },
  headers: {},
  defaults: {},
  write: GeminiRequest.write,
  read: GeminiAnswer.read,
  error: GeminiAnswer.error,
  // where the API is not offered, or not without a bill
  words: { failed_precondition: "Unauthorized" },
  finishReasons: {
    STOP: "stop",
    MAX_TOKENS: "length",
    SAFETY: "content_filter",
    RECITATION: "content_filter",
    BLOCKLIST: "content_filter",
    PROHIBITED_CONTENT: "content_filter",
    SPII: "content_filter",
    IMAGE_SAFETY: "content_filter",
    MALFORMED_FUNCTION_CALL: "error",
    UNEXPECTED_TOOL_CALL: "error"
  },
  limitScope
}
