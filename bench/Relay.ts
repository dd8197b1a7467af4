/** A relay: its whole decision around an operation that answers at once, a chat from memory, and one over loopback. */
import { Bulkhead, CircuitBreaker, type Endpoint, RateLimiter, RelayService, ResponseCache } from "effect-relay"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Loop from "./Loop.ts"
import * as Loopback from "./Loopback.ts"
import * as Operation from "./Operation.ts"
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

export const chatInMemory = async (count: number): Promise<Loop.Loop> => {
  const described = endpoints(count, { baseUrl: "http://memory.invalid/v1" })
  const relay = await over(described, Layer.succeed(HttpClient.HttpClient, Transport.client))
  return Loop.timed(() => relay.chat(Transport.chat))
}

export const chatOverLoopback = async (): Promise<Loop.Loop> => {
  const relay = await over(endpoints(1, { baseUrl: await Loopback.serve() }), FetchHttpClient.layer)
  return Loop.timed(() => relay.chat(Transport.chat))
}
