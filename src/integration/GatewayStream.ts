/**
 * A stream of a relay as what a gateway answers: server-sent events in OpenAI's
 * shape, whichever dialect answered.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as Label from "../endpoint/Label.ts"
import type * as RelayError from "../relay/RelayError.ts"
import type * as RelayService from "../relay/RelayService.ts"
import type * as StreamChunk from "../relay/StreamChunk.ts"
import * as CompletionEvents from "./CompletionEvents.ts"
import * as GatewayReply from "./GatewayReply.ts"
import type * as StreamedRequest from "./StreamedRequest.ts"
import * as StreamedResponse from "./StreamedResponse.ts"

const utf8 = new TextEncoder()

const events = (
  chunks: Stream.Stream<StreamChunk.StreamChunk, RelayError.StreamError>,
  writer: CompletionEvents.Writer
): Stream.Stream<Uint8Array> =>
  chunks.pipe(
    Stream.mapArray((chunks) => [utf8.encode(chunks.map((chunk) => writer.write(chunk)).join(""))]),
    Stream.catch((failure) => Stream.succeed(utf8.encode(CompletionEvents.failure(failure)))),
    Stream.filter(({ byteLength }) => byteLength > 0)
  )

/**
 * Answers with the first chunk; a failure before it is a reply of its own, and
 * one after it the last event. The stream lives as long as the request's scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = (
  relay: Pick<RelayService.RelayService, "stream">,
  { includesUsage, request }: StreamedRequest.StreamedRequest,
  options: RelayService.StreamOptions
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Scope.Scope> =>
  Effect.gen(function*() {
    const writer = new CompletionEvents.Writer({
      label: yield* Label.make,
      now: yield* Clock.currentTimeMillis,
      includesUsage
    })
    // clients of OpenAI have no word for an answer that begins anew; the cache has no part in any request of theirs
    const chunks = relay.stream(request, { ...options, restart: false, cache: false })
    const [first, rest] = yield* Stream.peel(chunks, Sink.head<StreamChunk.StreamChunk>())
    const start = Option.getOrUndefined(first)
    if (start?._tag !== "Start") return yield* Effect.die(new Error("a stream has to begin with its start"))
    return HttpServerResponse.stream(events(Stream.prepend(rest, [start]), writer), {
      headers: StreamedResponse.headersOf(start)
    })
  }).pipe(Effect.catch((failure) =>
    // before anything has come out, no stream was interrupted
    Effect.succeed(GatewayReply.fromFailure(failure as RelayError.RelayError))
  ))
