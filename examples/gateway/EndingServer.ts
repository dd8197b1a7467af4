/**
 * Node's server, but once it is told to close it takes no new call: what is idle is closed at once, a connection with a
 * call under way when that is done, and what still comes over it is sent elsewhere.
 */
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"

const ending = HttpServerResponse.jsonUnsafe({
  error: {
    message: "this gateway is about to end: send the request again, over another connection",
    type: "server_error",
    param: null,
    code: "shutting_down"
  }
}, { status: 503, headers: { connection: "close" } })

export class EndingServer extends Server {
  // Node's own list does not tell a connection that has sent nothing yet from one with a call under way
  readonly #underWay = new Map<Socket, Set<ServerResponse>>()

  constructor() {
    super()
    this.on("connection", (socket) => {
      this.#underWay.set(socket, new Set())
      socket.once("close", () => this.#underWay.delete(socket))
    })
    this.on("request", ({ socket }, response) => {
      const responses = this.#underWay.get(socket)
      responses?.add(response)
      response.once("close", () => {
        responses?.delete(response)
        if (!this.listening) this.#leave(socket)
      })
    })
  }

  override close(callback?: (error?: Error) => void): this {
    super.close(callback)
    for (const [socket, responses] of this.#underWay) {
      // Node says so where the head of the response is still to come
      for (const response of responses) response.shouldKeepAlive = false
      this.#leave(socket)
    }
    return this
  }

  #leave(socket: Socket): void {
    // what was written last goes out before
    if (this.#underWay.get(socket)?.size === 0) socket.destroySoon()
  }

  /** Serves calls that come before the server is told to close. */
  readonly middleware = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
    Effect.suspend(() => this.listening ? app : Effect.succeed(ending))
}
