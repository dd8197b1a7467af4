/** Servers that stream: a chat completion in chunks, written as slowly as a test wants. */
import type { ServerResponse } from "node:http"
import type * as Server from "./Server.ts"

export const event = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`

export const chunk = (delta: object, reason: string | null = null): string =>
  event({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    model: "m-1",
    choices: [{ index: 0, delta, finish_reason: reason }]
  })

export const usage = event({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  model: "m-1",
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
})

/** What comes after the last word of an answer. */
export const end: ReadonlyArray<string> = [chunk({}, "stop"), usage, "data: [DONE]\n\n"]

export const begin = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { "content-type": "text/event-stream" })

/** Sends these, and then ends the body, resets the connection, or does nothing more. */
export const send =
  (parts: ReadonlyArray<string>, then: "end" | "reset" | "silence" = "end"): Server.Handler => (response) => {
    begin(response)
    const next = (at: number): void => {
      const part = parts[at]
      if (part !== undefined) return void response.write(part, () => setImmediate(next, at + 1))
      if (then === "end") response.end()
      if (then === "reset") response.destroy()
    }
    next(0)
  }

/** Streams these words as a whole answer. */
export const says = (...words: ReadonlyArray<string>): Server.Handler =>
  send([chunk({ role: "assistant", content: "" }), ...words.map((content) => chunk({ content })), ...end])
