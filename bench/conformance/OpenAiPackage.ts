/** The openai package as it comes, with its own timeout and retries, pointed at the primary. */
import { Effect } from "effect"
import OpenAI, { APIError } from "openai"
import * as Client from "./Client.ts"

const ask = async (openai: OpenAI, model: string, signal: AbortSignal): Promise<Client.Answer> => {
  const stream = await openai.chat.completions.create(
    { model, messages: Client.question, stream: true, stream_options: { include_usage: true } },
    { signal }
  )
  let answer: Client.Answer = { text: "", model: undefined, inputTokens: undefined, outputTokens: undefined }
  for await (const { choices, model, usage } of stream) {
    answer = {
      text: answer.text + (choices[0]?.delta.content ?? ""),
      model,
      inputTokens: usage?.prompt_tokens ?? answer.inputTokens,
      outputTokens: usage?.completion_tokens ?? answer.outputTokens
    }
  }
  return answer
}

const refusalOf = (error: unknown): Client.Refusal =>
  new Client.Refusal({
    what: error instanceof Error ? error.constructor.name : String(error),
    isContent: error instanceof APIError && error.code === "content_policy_violation"
  })

export const openAiPackage: Client.Client = {
  name: "openai",
  connect: ({ primary }) =>
    Effect.sync(() => {
      const openai = new OpenAI({ apiKey: "none", baseURL: primary.url, logLevel: "off" })
      return (model) => Effect.tryPromise({ try: (signal) => ask(openai, model, signal), catch: refusalOf })
    })
}
