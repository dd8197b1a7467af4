/** Real servers on loopback: one for HTTP, and one that sends any bytes. They end with the scope that started them. */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net"

export interface Received {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Server {
  /** The base URL of its API. */
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** Connections opened so far, and how many of them are open. */
  readonly connections: () => { readonly opened: number; readonly open: number }
  /** Succeeds once the condition holds; looks again whenever something happens at the server. */
  readonly until: (condition: () => boolean) => Effect.Effect<void>
}

export type Handler = (response: ServerResponse, request: IncomingMessage) => void

interface Watch {
  readonly sockets: Set<Socket>
  opened: number
  readonly wake: Set<() => void>
}

const notice = (watch: Watch): void => {
  for (const wake of watch.wake) wake()
}

const watchSocket = (watch: Watch, socket: Socket): void => {
  watch.opened++
  watch.sockets.add(socket)
  socket.on("error", () => {})
  socket.on("close", () => {
    watch.sockets.delete(socket)
    notice(watch)
  })
}

const until = (watch: Watch, condition: () => boolean): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const look = () => {
      if (condition()) resume(Effect.void)
    }
    watch.wake.add(look)
    look()
    return Effect.sync(() => watch.wake.delete(look))
  })

interface Listening {
  readonly listen: (port: number, host: string, listening: () => void) => unknown
  readonly address: () => AddressInfo | string | null
  readonly close: (closed: () => void) => unknown
}

const run = (
  server: Listening,
  watch: Watch,
  received: ReadonlyArray<Received>
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}/v1`,
          received,
          connections: () => ({ opened: watch.opened, open: watch.sockets.size }),
          until: (condition) => until(watch, condition)
        }))
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        for (const socket of watch.sockets) socket.destroy()
        server.close(() => resume(Effect.void))
      })
  )

/** A server that reads each request to its end and then lets `handler` answer. */
export const http = (handler: Handler): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.suspend(() => {
    const watch: Watch = { sockets: new Set(), opened: 0, wake: new Set() }
    const received: Array<Received> = []
    const server = createServer((request, response) => {
      response.on("error", () => {})
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method, url } = request
        received.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() })
        handler(response, request)
        notice(watch)
      })
    })
    server.on("connection", (socket) => watchSocket(watch, socket))
    return run(server, watch, received)
  })

/** A server that lets `respond` write to the socket whatever it likes, once a request has begun to come. */
export const raw = (respond: (socket: Socket) => void): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.suspend(() => {
    const watch: Watch = { sockets: new Set(), opened: 0, wake: new Set() }
    const server = createRawServer((socket) => {
      watchSocket(watch, socket)
      socket.once("data", () => respond(socket))
    })
    return run(server, watch, [])
  })

/** The base URL of an API that nobody serves any more. */
export const gone: Effect.Effect<string> = Effect.scoped(Effect.map(http(() => {}), (server) => server.url))

/** Answers with this JSON value. */
export const json = (value: unknown, status = 200): Handler => (response) => {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
}

/** A chat completion that says `content`. */
export const completion = (content: string) => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
})
