/** What a server may do with a call, and how OpenAI's API puts it on the wire. */
import { NodeHttpServerRequest } from "@effect/platform-node"
import { Effect, Schema } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"

type Headers = Readonly<Record<string, string>>

export interface Accepted {
  readonly _tag: "Accepted"
  readonly headers: Headers
}

export interface Refused {
  readonly _tag: "Refused"
  readonly status: number
  readonly error: { readonly message: string; readonly type: string; readonly code: string }
  readonly headers: Headers
}

/** The connection breaks, as when the process behind it dies. */
export interface Broken {
  readonly _tag: "Broken"
}

export type Reply = Accepted | Refused | Broken

export const accepted = (headers: Headers = {}): Reply => ({ _tag: "Accepted", headers })

export const broken: Reply = { _tag: "Broken" }

export const refused = (status: number, error: Refused["error"], headers: Headers = {}): Refused => ({
  _tag: "Refused",
  status,
  error,
  headers
})

/** `Retry-After` counts whole seconds, so a wait is rounded up. */
export const retryAfter = (millis: number): Headers => ({
  "retry-after": String(Math.max(1, Math.ceil(millis / 1_000)))
})

export const unauthorized = refused(401, {
  message: "Incorrect API key provided.",
  type: "invalid_request_error",
  code: "invalid_api_key"
})

export const malformed = refused(400, {
  message: "We could not parse the JSON body of your request.",
  type: "invalid_request_error",
  code: "invalid_request_error"
})

/** The response to `request`; `body` is what an accepted call gets. */
export const toResponse = (
  request: HttpServerRequest.HttpServerRequest,
  reply: Reply,
  body: unknown
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  switch (reply._tag) {
    case "Accepted":
      return Effect.succeed(HttpServerResponse.jsonUnsafe(body, { headers: reply.headers }))
    case "Refused":
      return Effect.succeed(
        HttpServerResponse.jsonUnsafe({ error: { ...reply.error, param: null } }, {
          status: reply.status,
          headers: reply.headers
        })
      )
    case "Broken":
      return Effect.suspend(() => {
        NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
        // the closed socket interrupts the handler
        return Effect.never
      })
  }
}

export const ChatRequest = Schema.Struct({
  model: Schema.String,
  messages: Schema.NonEmptyArray(Schema.Struct({ role: Schema.String, content: Schema.String }))
})

/** An answer names its prompt, so that a trial can tell whether a caller got its own. */
export const textFor = (prompt: string): string => `An answer to: ${prompt}`

const tokens = (text: string): number => Math.ceil(text.length / 4)

export const completion = (id: string, request: typeof ChatRequest.Type) => {
  const prompt = request.messages[request.messages.length - 1]!.content
  const text = textFor(prompt)
  return {
    id,
    object: "chat.completion",
    created: 1_700_000_000,
    model: request.model,
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: {
      prompt_tokens: tokens(prompt),
      completion_tokens: tokens(text),
      total_tokens: tokens(prompt) + tokens(text)
    }
  }
}
