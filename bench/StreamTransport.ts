/** An HTTP client that streams a chat at once, from memory, a packet for each chunk; and streams by Effect's own means. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Answer from "./Answer.ts"
import type * as Loop from "./Loop.ts"
import * as Reading from "./Reading.ts"

const decoder = new TextDecoder()

const chunksIn = ({ body }: HttpClientRequest.HttpClientRequest): number => {
  if (body._tag !== "Uint8Array") throw new Error(`a chat has bytes for a body, not ${body._tag}`)
  return Answer.chunksIn(decoder.decode(body.body))
}

const opening = [Answer.opening]
const token = [Answer.token]

// what a relay reads of a response, and no more
const responseTo = (request: HttpClientRequest.HttpClientRequest): HttpClientResponse.HttpClientResponse => {
  const chunks = chunksIn(request)
  const packets = [opening, ...Array.from({ length: chunks }, () => token), [Answer.endingOf(chunks)]]
  return {
    status: 200,
    headers: { "content-type": "text/event-stream" },
    stream: Stream.fromArrays(...packets)
  } as unknown as HttpClientResponse.HttpClientResponse
}

export const client = HttpClient.makeWith(
  (request: Effect.Effect<HttpClientRequest.HttpClientRequest>) => Effect.map(request, responseTo),
  (request: HttpClientRequest.HttpClientRequest) => Effect.succeed(request)
) as unknown as HttpClient.HttpClient

/** Reads an answer of so many chunks from whoever this client reaches there. */
export const readBy = (client: HttpClient.HttpClient, baseUrl: string): Loop.Read => (chunks, onText) =>
  HttpClientRequest.post(`${baseUrl}/chat/completions`).pipe(
    HttpClientRequest.bodyText(Answer.bodyOf(Answer.chatOf(chunks)), "application/json"),
    client.execute,
    Effect.flatMap(({ stream }) => {
      const take = Reading.make(onText)
      return Stream.runForEachArray(stream, (packets) => Effect.sync(() => packets.forEach(take)))
    })
  )

export const read = readBy(client, "http://memory.invalid/v1")
