/** A gateway on a port of its own, over a relay over the servers it is given. It ends with the scope that started it. */
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Redacted, type Scope } from "effect"
import { type Endpoint, RelayGateway, RelayService, Retry } from "effect-relay"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import OpenAI from "openai"
import type * as Server from "../wire/Server.ts"

export interface Options {
  readonly gateway?: RelayGateway.Options
  readonly relay?: Partial<RelayService.Options>
  readonly endpoint?: Partial<Endpoint.Options>
}

export interface Gateway {
  /** Without `/v1`. */
  readonly url: string
  readonly port: number
  readonly relay: RelayService.RelayService
  readonly client: OpenAI
}

/** Each server is a tier after the one before it. */
export const over = Effect.fnUntraced(function*(servers: ReadonlyArray<Server.Server>, options: Options = {}) {
  const RelayLive = RelayService.layerDefault({
    health: "off",
    retry: Retry.none,
    ...options.relay,
    endpoints: servers.map(({ url }, tier) => ({
      id: `server-${tier}`,
      baseUrl: url,
      apiKey: Redacted.make(`key-of-server-${tier}`),
      tier,
      ...options.endpoint
    }))
  }).pipe(Layer.provide(FetchHttpClient.layer))
  const context = yield* HttpRouter.serve(RelayGateway.layer(options.gateway), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(
    Layer.provideMerge(RelayLive),
    Layer.provideMerge(NodeHttpServer.layerServer(createServer, { host: "127.0.0.1", port: 0 })),
    Layer.build
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  const port = address._tag === "UnixPathAddress" ? 0 : address.port
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    port,
    relay: Context.get(context, RelayService.RelayService),
    client: new OpenAI({ apiKey: "key-of-the-caller", baseURL: `${url}/v1`, logLevel: "off" })
  }
})

/** Sends bytes, and reads what comes until the gateway hangs up. */
export const raw = (port: number, bytes: string): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    let text = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes))
    socket.setEncoding("utf8")
    socket.on("data", (piece: string) => {
      text += piece
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

/** Opens a connection and sends bytes; it is the test's to end it. */
export const open = (port: number, bytes: string): Effect.Effect<Socket, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.write(bytes)
        resume(Effect.succeed(socket))
      })
      socket.on("error", () => {})
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
