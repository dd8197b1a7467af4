/** An HTTP client that answers a chat at once, from memory, and does nothing else. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"

export const chat = { model: "small", messages: [{ role: "user", content: "What is the capital of Switzerland?" }] }

export const answer = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_800_000_000,
  model: "small",
  choices: [{ index: 0, message: { role: "assistant", content: "Bern." }, finish_reason: "stop" }],
  usage: { prompt_tokens: 14, completion_tokens: 2, total_tokens: 16 }
})

const bytes = new TextEncoder().encode(answer)
const body = Effect.succeed(bytes.buffer)
const headers = { "content-type": "application/json", "content-length": String(bytes.byteLength) }

// what a relay reads of a response: a real one is made of streams, which cost more than all the rest
const response = { status: 200, headers, arrayBuffer: body } as unknown as HttpClientResponse.HttpClientResponse

export const client = HttpClient.makeWith(
  (request: Effect.Effect<HttpClientRequest.HttpClientRequest>) => Effect.map(request, () => response),
  (request: HttpClientRequest.HttpClientRequest) => Effect.succeed(request)
) as unknown as HttpClient.HttpClient

const decoder = new TextDecoder()

/** The same request and the same answer without a relay. */
export const exchange = (): Effect.Effect<unknown, unknown> =>
  HttpClientRequest.post("http://memory.invalid/v1/chat/completions").pipe(
    HttpClientRequest.bodyText(JSON.stringify(chat), "application/json"),
    client.execute,
    Effect.flatMap(({ arrayBuffer }) => arrayBuffer),
    Effect.map((bytes): unknown => JSON.parse(decoder.decode(bytes)))
  )
