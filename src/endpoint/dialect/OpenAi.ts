/**
 * OpenAI's chat completions, and everybody's who took them over.
 *
 * @since 0.1.0
 */
import * as ChatCompletion from "../ChatCompletion.ts"
import * as ChatCompletionChunk from "../ChatCompletionChunk.ts"
import * as WireError from "../WireError.ts"
import type { Dialect } from "./Definition.ts"

/**
 * OpenAI, and any API that is compatible with it. Base URL: `https://api.openai.com/v1`.
 *
 * @category dialects
 * @since 0.1.0
 */
export const openai: Dialect = {
  name: "openai",
  chatPath: "/chat/completions",
  key: { header: "authorization", scheme: "Bearer" },
  headers: {},
  defaults: {},
  read: ChatCompletion.read,
  error: WireError.fromBody,
  stream: { fields: { stream: true, stream_options: { include_usage: true } }, reader: ChatCompletionChunk.reader },
  words: {},
  finishReasons: {}
}
