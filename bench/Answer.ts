/** A chat whose answer comes bit by bit: what is asked, and what goes over the wire. */
import * as Transport from "./Transport.ts"

/** A request for an answer of so many chunks with text, which is what the servers here take `max_tokens` for. */
export const chatOf = (chunks: number) => ({ ...Transport.chat, max_tokens: chunks })

/** How many chunks an answer has of which only the first counts. */
export const short = 4

export type Chat = ReturnType<typeof chatOf>

/** As it is sent where no relay sends it. */
export const bodyOf = (chat: Chat): string =>
  JSON.stringify({ ...chat, stream: true, stream_options: { include_usage: true } })

/** How many chunks a body asks for. */
export const chunksIn = (body: string): number => (JSON.parse(body) as Chat).max_tokens

const common = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_800_000_000, model: "small" }

const event = (fields: object): string => `data: ${JSON.stringify({ ...common, ...fields })}\n\n`

const chunk = (delta: object, finishReason: string | null = null): string =>
  event({ choices: [{ index: 0, delta, finish_reason: finishReason }] })

const utf8 = new TextEncoder()

/** What each chunk says. */
export const text = " Bern"

/** Each is one packet. */
export const opening = utf8.encode(chunk({ role: "assistant", content: "" }))
export const token = utf8.encode(chunk({ content: text }))

export const endingOf = (chunks: number): Uint8Array<ArrayBuffer> => {
  const usage = { prompt_tokens: 14, completion_tokens: chunks, total_tokens: 14 + chunks }
  return utf8.encode(`${chunk({}, "stop")}${event({ choices: [], usage })}data: [DONE]\n\n`)
}
