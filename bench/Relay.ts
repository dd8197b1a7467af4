/** The whole decision of a relay: route, admit, classify, settle, around an operation that answers at once. */
import { Bulkhead, CircuitBreaker, RateLimiter, RelayService, ResponseCache } from "effect-relay"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Loop from "./Loop.ts"
import * as Operation from "./Operation.ts"

/** A relay over so many endpoints that serve any operation; it stays for as long as the process. */
export const make = (endpoints: number): Promise<RelayService.RelayService> => {
  const maxKeys = 2 * endpoints
  const layer = RelayService.layer({
    endpoints: Array.from({ length: endpoints }, (_, index) => ({ id: `endpoint-${index}` })),
    health: "off"
  }).pipe(
    Layer.provide([
      CircuitBreaker.layer({ maxKeys }),
      Bulkhead.layer({ maxKeys }),
      RateLimiter.layer({ maxKeys }),
      ResponseCache.layer()
    ]),
    Layer.provide(FetchHttpClient.layer)
  )
  return Effect.runPromise(RelayService.RelayService.pipe(
    Effect.provide(layer),
    Effect.provideService(Scope.Scope, Scope.makeUnsafe())
  ))
}

export const decision = async (endpoints: number): Promise<Loop.Loop> => {
  const relay = await make(endpoints)
  return Loop.timed(() => relay.execute(() => Operation.value))
}
