/** A connection of a client's, byte by byte. It ends with the scope that opened it. */
import { Effect, type Scope } from "effect"
import { connect } from "node:net"

export interface Connection {
  readonly write: (bytes: string) => void
  /** What has come so far. */
  readonly text: () => string
  /** Succeeds once what has come holds this. */
  readonly until: (pattern: RegExp) => Effect.Effect<void>
  /** Succeeds once it is closed, by whichever side. */
  readonly closed: Effect.Effect<void>
}

/** Connects, and sends bytes at once. */
export const open = (port: number, bytes: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Connection & { readonly destroy: () => void }>((resume) => {
        let text = ""
        const socket = connect(port, "127.0.0.1", () => {
          socket.write(bytes)
          resume(Effect.succeed({
            write: (bytes) => void socket.write(bytes),
            text: () => text,
            until: (pattern) =>
              Effect.callback<void>((resume) => {
                const look = () => {
                  if (pattern.test(text)) resume(Effect.void)
                }
                socket.on("data", look)
                look()
                return Effect.sync(() => socket.off("data", look))
              }),
            closed: Effect.promise(() => closed),
            destroy: () => socket.destroy()
          }))
        })
        const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()))
        socket.setEncoding("utf8").on("error", () => {}).on("data", (piece: string) => {
          text += piece
        })
      }),
      ({ destroy }) => Effect.sync(destroy)
    ),
    (connection): Connection => connection
  )
