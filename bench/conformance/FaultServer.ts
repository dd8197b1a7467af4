/** A local server whose faults are chosen by the model that is asked for. It ends with the scope that started it. */
import { Effect, Schema, type Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Fault from "./Fault.ts"
import type * as Profile from "./Profile.ts"
import type * as Turn from "./Turn.ts"

/** One chat that was asked for. */
export interface Seen {
  readonly model: string
  readonly at: number
  /** Whether its answer was sent to the end. */
  readonly isAnswered: boolean
}

export interface FaultServer {
  /** The base URL of its API. */
  readonly url: string
  readonly seen: (model: string) => ReadonlyArray<Seen>
}

const Body = Schema.fromJsonString(Schema.Struct({
  model: Schema.String,
  messages: Schema.NonEmptyArray(Schema.Struct({ role: Schema.String }))
}))

const decodeBody = Schema.decodeUnknownSync(Body)

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const piece of request.setEncoding("utf8")) text += piece
  return text
}

class Log {
  readonly #entries = new Map<string, Array<Seen>>()

  of(model: string): ReadonlyArray<Seen> {
    return this.#entries.get(model) ?? []
  }

  /** Notes a request; the function says that it was answered. */
  add(model: string): () => void {
    const entries = this.#entries.get(model) ?? []
    this.#entries.set(model, entries)
    const index = entries.push({ model, at: performance.now(), isAnswered: false }) - 1
    return () => {
      entries[index] = { ...entries[index]!, isAnswered: true }
    }
  }
}

const serve = async (
  log: Log,
  role: Turn.Turn["role"],
  profile: Profile.Profile,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> => {
  const { messages, model } = decodeBody(await textOf(request))
  const noteAnswer = log.add(model)
  response.on("finish", () => {
    if (response.statusCode === 200) noteAnswer()
  })
  const seen = log.of(model)
  await Fault.behaviourOf(model, role)({
    role,
    profile,
    response,
    count: seen.length,
    elapsed: seen.at(-1)!.at - seen[0]!.at,
    isPrefilled: messages.at(-1)!.role === "assistant"
  })
}

export const start = (
  role: Turn.Turn["role"],
  profile: Profile.Profile
): Effect.Effect<FaultServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: ReturnType<typeof createServer>; readonly log: Log }>((resume) => {
        const log = new Log()
        const server = createServer((request, response) => {
          response.on("error", () => {})
          // a caller that hangs up in the middle of its request is no matter of the server's
          serve(log, role, profile, request, response).catch(() => response.destroy())
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, log })))
      }),
      ({ server }) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    ({ log, server }) => ({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
      seen: (model) => log.of(model)
    })
  )
