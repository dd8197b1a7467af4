/** Fetch and a loop, as code around LLMs is often written: reads the stream, and takes what it gets. */
import { Effect } from "effect"
import * as Client from "./Client.ts"

interface Chunk {
  readonly model?: string
  readonly choices?: ReadonlyArray<{ readonly delta?: { readonly content?: string } }>
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null
}

const parse = (line: string): Chunk | undefined => {
  if (!line.startsWith("data: ") || line === "data: [DONE]") return undefined
  try {
    return JSON.parse(line.slice("data: ".length)) as Chunk
  } catch {
    return undefined
  }
}

const read = async (response: Response): Promise<Client.Answer> => {
  let answer: Client.Answer = { text: "", model: undefined, inputTokens: undefined, outputTokens: undefined }
  const decoder = new TextDecoder()
  let rest = ""
  try {
    for await (const bytes of response.body!) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n")
      rest = lines.pop()!
      for (const chunk of lines.map(parse)) {
        if (chunk === undefined) continue
        answer = {
          text: answer.text + (chunk.choices?.[0]?.delta?.content ?? ""),
          model: chunk.model ?? answer.model,
          inputTokens: chunk.usage?.prompt_tokens ?? answer.inputTokens,
          outputTokens: chunk.usage?.completion_tokens ?? answer.outputTokens
        }
      }
    }
  } catch {
    // the connection broke, and what came is shown
  }
  return answer
}

const ask = async (url: string, model: string, signal: AbortSignal): Promise<Client.Answer> => {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      messages: Client.question,
      stream: true,
      stream_options: { include_usage: true }
    }),
    signal
  })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  return read(response)
}

export const naiveFetch: Client.Client = {
  name: "fetch",
  connect: ({ primary }) =>
    Effect.succeed((model) =>
      Effect.tryPromise({
        try: (signal) => ask(primary.url, model, signal),
        catch: (error) => new Client.Refusal({ what: String(error), isContent: false })
      })
    )
}
