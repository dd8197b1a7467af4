/**
 * An SDK client as it comes, pointed at the primary: openai-node's two retries, its backoff (half a second doubled up
 * to eight, less up to a quarter), `Retry-After` obeyed up to a minute, and the caller's own timeout around it all.
 */
import { Data, Duration, Effect, Random, Schedule } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import * as Client from "./Client.ts"
import type * as World from "./World.ts"

class RateLimited extends Data.TaggedError("RateLimited")<{ readonly retryAfter: number }> {}
class EndpointUnavailable extends Data.TaggedError("EndpointUnavailable")<{ readonly retryAfter: number }> {}
class InvalidResponse extends Data.TaggedError("InvalidResponse")<{}> {}
class RequestRejected extends Data.TaggedError("RequestRejected")<{ readonly status: number }> {}
class DeadlineExceeded extends Data.TaggedError("DeadlineExceeded")<{}> {}

type Fault = RateLimited | EndpointUnavailable | InvalidResponse | RequestRejected

const retries = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("8 seconds")]).pipe(
  Schedule.setInputType<Fault>(),
  Schedule.modifyDelay(({ duration, input }) =>
    "retryAfter" in input && input.retryAfter > 0 && input.retryAfter < 60
      ? Effect.succeed(Duration.seconds(input.retryAfter))
      : Effect.map(Random.next, (chance) => Duration.times(duration, 1 - chance / 4))
  ),
  Schedule.while(({ input }) => input._tag === "RateLimited" || input._tag === "EndpointUnavailable"),
  Schedule.upTo({ times: 2 })
)

const accept = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<typeof Client.Completion.Type, Fault | HttpClientError.HttpClientError> => {
  const { status } = response
  const retryAfter = Number(response.headers["retry-after"] ?? 0)
  if (status === 429) return Effect.fail(new RateLimited({ retryAfter }))
  if (status === 408 || status === 409 || status >= 500) return Effect.fail(new EndpointUnavailable({ retryAfter }))
  if (status >= 400) return Effect.fail(new RequestRejected({ status }))
  return Effect.catchTag(
    HttpClientResponse.schemaBodyJson(Client.Completion)(response),
    "SchemaError",
    () => Effect.fail(new InvalidResponse())
  )
}

export const make = (world: World.World): Effect.Effect<Client.Client, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (http) => {
    const base = HttpClientRequest.post(`${world.primary.baseUrl}/chat/completions`).pipe(
      HttpClientRequest.bearerToken(Client.apiKey)
    )
    const send = (prompt: string) =>
      http.execute(
        HttpClientRequest.bodyJsonUnsafe(base, {
          model: Client.model,
          temperature: 0,
          messages: [{ role: "user", content: prompt }]
        })
      ).pipe(
        Effect.flatMap(accept),
        Effect.catchTag("HttpClientError", () => Effect.fail(new EndpointUnavailable({ retryAfter: 0 }))),
        Effect.retry(retries),
        Effect.timeoutOrElse({ duration: Client.patience, orElse: () => Effect.fail(new DeadlineExceeded()) }),
        Effect.map((completion) => ({ text: completion.choices[0].message.content, from: world.primary.id }))
      )
    return { name: "naive", send, circuitTrips: Effect.succeed(0) }
  })
