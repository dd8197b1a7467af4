/** APIs that answer any request in virtual time, one to an endpoint, and a relay over them. */
import { Context, type Duration, Effect, Layer } from "effect"
import { type Configuration, type Endpoint, RelayService } from "effect-relay"
import { HttpClient, type HttpClientRequest, HttpClientResponse } from "effect/http"

export interface Received {
  readonly endpoint: string
  readonly method: string
  /** Below the host, query included. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly after?: Duration.Input
}

export interface Api {
  readonly answer: (received: Received) => Answer
  readonly options?: Omit<Endpoint.Options, "id">
}

export class Log extends Context.Service<Log, Array<Received>>()("test/relay/Api/Log") {}

const textOf = ({ body }: HttpClientRequest.HttpClientRequest): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""

/** JSON with 200, or the status given. */
export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(value)
})

export const error = (code: string, status: number, headers?: Record<string, string>): Answer =>
  json({ error: { message: `This is ${code}.`, code } }, status, headers)

/** A relay over APIs by their ids, each a tier after the one before it, without checks. */
export const over = (
  apis: Readonly<Record<string, Api>>,
  options?: Partial<RelayService.Options>
): Layer.Layer<RelayService.RelayService | Log, Configuration.InvalidConfiguration> => {
  const log: Array<Received> = []
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const [endpoint = ""] = url.hostname.split(".")
      const received = {
        endpoint,
        method: request.method,
        path: url.pathname + url.search,
        headers: { ...request.headers },
        body: textOf(request)
      }
      log.push(received)
      const { after, body = "", headers = {}, status = 200 } = apis[endpoint]!.answer(received)
      const response = new Response(status === 204 ? null : body, { status, headers })
      return Effect.as(
        after === undefined ? Effect.void : Effect.sleep(after),
        HttpClientResponse.fromWeb(request, response)
      )
    })
  )
  return RelayService.layerDefault({
    health: "off",
    ...options,
    endpoints: Object.entries(apis).map(([id, api], tier) => ({
      baseUrl: `http://${id}.test/v1`,
      tier,
      ...api.options,
      id
    }))
  }).pipe(
    Layer.provide(Layer.succeed(HttpClient.HttpClient, client)),
    Layer.merge(Layer.succeed(Log, log))
  )
}
