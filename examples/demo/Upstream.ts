/** A real HTTP server that speaks OpenAI's chat API, behaves as it is told, and counts what reached it. */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, type Scope } from "effect"
import { HttpRouter, HttpServer, type HttpServerError, HttpServerRequest } from "effect/http"
import { createServer } from "node:http"
import * as Client from "./Client.ts"
import * as Reply from "./Reply.ts"

export interface Behaviour {
  readonly chat: Effect.Effect<Reply.Reply>
  /** What a health check meets. */
  readonly models: Effect.Effect<Reply.Reply>
}

/** Chat calls, and how many of them were answered with a 429. */
export interface Tally {
  received: number
  tooMany: number
}

export interface Upstream {
  readonly id: string
  readonly baseUrl: string
  readonly tally: Readonly<Tally>
}

const routes = (id: string, behaviour: Behaviour, tally: Tally) => {
  const chat = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const number = ++tally.received
    if (request.headers["authorization"] !== `Bearer ${Client.apiKey}`) {
      return yield* Reply.toResponse(request, Reply.unauthorized, undefined)
    }
    const body = yield* Effect.option(HttpServerRequest.schemaBodyJson(Reply.ChatRequest))
    if (body._tag === "None") return yield* Reply.toResponse(request, Reply.malformed, undefined)
    const reply = yield* behaviour.chat
    if (reply._tag === "Refused" && reply.status === 429) tally.tooMany++
    return yield* Reply.toResponse(request, reply, Reply.completion(`chatcmpl-${id}-${number}`, body.value))
  })

  const models = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const list = { object: "list", data: [{ id: Client.model, object: "model", created: 1_700_000_000, owned_by: id }] }
    return yield* Reply.toResponse(request, yield* behaviour.models, list)
  })

  return Layer.mergeAll(
    HttpRouter.add("POST", "/v1/chat/completions", chat),
    HttpRouter.add("GET", "/v1/models", models)
  )
}

/** Listens on a free loopback port until the scope closes. */
export const make = Effect.fnUntraced(function*(
  id: string,
  behaviour: Behaviour
): Effect.fn.Return<Upstream, HttpServerError.ServeError, Scope.Scope> {
  const tally: Tally = { received: 0, tooMany: 0 }
  const server = yield* NodeHttpServer.make(() => createServer(), {
    port: 0,
    host: "127.0.0.1",
    gracefulShutdownTimeout: "100 millis"
  })
  yield* server.serve(yield* HttpRouter.toHttpEffect(routes(id, behaviour, tally)))
  return { id, baseUrl: `${HttpServer.formatAddress(server.address)}/v1`, tally }
})
