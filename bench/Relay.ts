/** A relay: its whole decision around an operation that answers at once; chats and streams from memory and over loopback. */
import { Bulkhead, CircuitBreaker, type Endpoint, RateLimiter, RelayService, ResponseCache } from "effect-relay"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Answer from "./Answer.ts"
import * as Loop from "./Loop.ts"
import * as Loopback from "./Loopback.ts"
import * as Operation from "./Operation.ts"
import * as StreamTransport from "./StreamTransport.ts"
import * as Transport from "./Transport.ts"

const over = (
  endpoints: ReadonlyArray<Endpoint.Options>,
  client: Layer.Layer<HttpClient.HttpClient>
): Promise<RelayService.RelayService> => {
  const maxKeys = 2 * endpoints.length
  const layer = RelayService.layer({ endpoints, health: "off" }).pipe(
    Layer.provide([
      CircuitBreaker.layer({ maxKeys }),
      Bulkhead.layer({ maxKeys }),
      RateLimiter.layer({ maxKeys }),
      ResponseCache.layer()
    ]),
    Layer.provide(client)
  )
  return Effect.runPromise(RelayService.RelayService.pipe(
    Effect.provide(layer),
    Effect.provideService(Scope.Scope, Scope.makeUnsafe())
  ))
}

const endpoints = (count: number, options?: Partial<Endpoint.Options>): ReadonlyArray<Endpoint.Options> =>
  Array.from({ length: count }, (_, index) => ({ id: `endpoint-${index}`, ...options }))

/** A relay over so many endpoints that serve any operation; it stays for as long as the process. */
export const make = (count: number): Promise<RelayService.RelayService> => over(endpoints(count), FetchHttpClient.layer)

export const decision = async (count: number): Promise<Loop.Loop> => {
  const relay = await make(count)
  return Loop.timed(() => relay.execute(() => Operation.value))
}

const overMemory = (count: number, client: HttpClient.HttpClient): Promise<RelayService.RelayService> =>
  over(endpoints(count, { baseUrl: "http://memory.invalid/v1" }), Layer.succeed(HttpClient.HttpClient, client))

export const chatInMemory = async (count: number): Promise<Loop.Loop> => {
  const relay = await overMemory(count, Transport.client)
  return Loop.timed(() => relay.chat(Transport.chat))
}

const overLoopback = async (...server: Parameters<typeof Loopback.serve>): Promise<RelayService.RelayService> =>
  over(endpoints(1, { baseUrl: await Loopback.serve(...server) }), FetchHttpClient.layer)

export const chatOverLoopback = async (): Promise<Loop.Loop> => {
  const relay = await overLoopback("LoopbackProcess.ts")
  return Loop.timed(() => relay.chat(Transport.chat))
}

const reading = (relay: RelayService.RelayService): Loop.Read => (chunks, onText) =>
  Stream.runForEach(relay.stream(Answer.chatOf(chunks)), (chunk) =>
    Effect.sync(() => {
      if (chunk._tag === "TextDelta") onText(chunk.text)
    }))

export const streamInMemory = async (): Promise<Loop.Read> => reading(await overMemory(1, StreamTransport.client))

export const streamOverLoopback = async (): Promise<Loop.Read> => reading(await overLoopback("StreamProcess.ts"))
