/** One endpoint of any dialect over a client of the test's own, and what reached it. */
import { Effect, Layer, Redacted } from "effect"
import { type ChatRequest, type Endpoint, RelayService, Retry } from "effect-relay"
import { HttpClient, HttpClientResponse } from "effect/http"

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The decoded JSON body. */
  readonly body: unknown
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
}

export const key = "sk-of-the-test"

const bodyOf = (body: unknown): string => typeof body === "string" ? body : JSON.stringify(body)

/** A client that answers each request with the next reply, and with the last for ever. */
export const client = (received: Array<Received>, replies: readonly [Reply, ...Array<Reply>]) => {
  let next = 0
  return Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request, url) =>
      Effect.sync(() => {
        const written = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : "null"
        received.push({
          method: request.method,
          url: url.href,
          headers: request.headers,
          body: JSON.parse(written)
        })
        const { body, headers = {}, status = 200 } = replies[Math.min(next++, replies.length - 1)]!
        return HttpClientResponse.fromWeb(request, new Response(bodyOf(body), { status, headers }))
      })
    )
  )
}

/** Runs this over a relay whose only endpoint is described so and answers so. */
export const over = <A, E>(
  endpoint: Partial<Endpoint.Options>,
  replies: readonly [Reply, ...Array<Reply>],
  run: (relay: RelayService.RelayService, received: ReadonlyArray<Received>) => Effect.Effect<A, E>,
  options?: Partial<RelayService.Options>
) =>
  Effect.suspend(() => {
    const received: Array<Received> = []
    const described = { id: "primary", baseUrl: "https://api.test/v1", apiKey: Redacted.make(key), ...endpoint }
    const layer = RelayService.layerDefault({ health: "off", retry: Retry.none, ...options, endpoints: [described] })
    return Effect.flatMap(RelayService.RelayService, (relay) => run(relay, received)).pipe(
      Effect.provide(Layer.provide(layer, client(received, replies)))
    )
  })

/** What reached the endpoint when this was asked. */
export const sent = (
  endpoint: Partial<Endpoint.Options>,
  reply: Reply,
  request: ChatRequest.ChatRequest
) =>
  over(
    endpoint,
    [reply],
    (relay, received) =>
      Effect.map(Effect.exit(relay.chat(request)), (exit) => {
        if (received.length !== 1) throw new Error(`${received.length} requests were sent: ${exit}`)
        return received[0]!
      })
  )
