/**
 * DeepSeek: OpenAI's chat completions, with a queue before them.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Definition.ts"
import { openai } from "./OpenAi.ts"

/**
 * DeepSeek. Base URL: `https://api.deepseek.com`. A request that waits in its
 * queue is kept alive with blank lines, which may last longer than the attempt
 * timeout; an answer that breaks off for lack of resources is none.
 *
 * @category dialects
 * @since 0.1.0
 */
export const deepseek: Dialect = {
  ...openai,
  name: "deepseek",
  stream: { ...openai.stream!, prefill: { prefix: true } },
  finishReasons: { insufficient_system_resource: "error" }
}
