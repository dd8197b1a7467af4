/** What somebody hears of a stream, and how it ended. */
import { Effect, Exit, type Fiber, Stream } from "effect"
import { type ChatRequest, type RelayError, RelayService, type StreamChunk } from "effect-relay"
import * as Trial from "./Trial.ts"

export interface Heard {
  readonly chunks: ReadonlyArray<StreamChunk.StreamChunk>
  readonly exit: Exit.Exit<void, RelayError.StreamError>
}

/** Listens to the end. */
export const whole = (
  options?: RelayService.StreamOptions,
  request: ChatRequest.ChatRequest = Trial.hi
): Effect.Effect<Heard, never, RelayService.RelayService> =>
  Effect.suspend(() => {
    const chunks: Array<StreamChunk.StreamChunk> = []
    return Effect.map(
      Effect.exit(Effect.flatMap(RelayService.RelayService, (relay) =>
        Stream.runForEach(relay.stream(request, options), (chunk) =>
          Effect.sync(() => {
            chunks.push(chunk)
          })))),
      (exit) => ({ chunks, exit })
    )
  })

/** Listens in a fiber; the chunks are there as they come. */
export const begin = Effect.fnUntraced(function*(
  options?: RelayService.StreamOptions,
  request: ChatRequest.ChatRequest = Trial.hi
) {
  const relay = yield* RelayService.RelayService
  const chunks: Array<StreamChunk.StreamChunk> = []
  const fiber: Fiber.Fiber<void, RelayError.StreamError> = yield* Trial.start(
    Stream.runForEach(relay.stream(request, options), (chunk) =>
      Effect.sync(() => {
        chunks.push(chunk)
      }))
  )
  return { chunks, fiber }
})

/** The text that came last, from the last `Restarted` on. */
export const textOf = (chunks: ReadonlyArray<StreamChunk.StreamChunk>): string =>
  chunks.reduce((text, chunk) => {
    if (chunk._tag === "Restarted") return ""
    return chunk._tag === "TextDelta" ? text + chunk.text : text
  }, "")

/** The chunks in short: tags, with texts in their place. */
export const brief = ({ chunks }: Pick<Heard, "chunks">): ReadonlyArray<string> =>
  chunks.map((chunk) => {
    if ("text" in chunk) return chunk._tag === "TextDelta" ? chunk.text : `${chunk._tag} ${chunk.text}`
    return "endpoint" in chunk ? `${chunk._tag} ${chunk.endpoint}` : chunk._tag
  })

/** The failure of a stream that failed. */
export const failureOf = ({ exit }: Pick<Heard, "exit">): RelayError.StreamError => {
  const failure = Exit.findErrorOption(exit)
  if (failure._tag === "None") throw new Error(`it did not fail: ${JSON.stringify(exit)}`)
  return failure.value
}

/** The failure of one that broke after its commit point. */
export const interruptionOf = (heard: Pick<Heard, "exit">): RelayError.StreamInterrupted => {
  const failure = failureOf(heard)
  if (failure._tag !== "StreamInterrupted") throw new Error(`it failed with ${failure._tag}: ${failure.message}`)
  return failure
}

/** The last chunk of a stream that came to its end. */
export const finishOf = ({ chunks, exit }: Heard): Extract<StreamChunk.StreamChunk, { readonly _tag: "Finish" }> => {
  const last = chunks.at(-1)
  if (Exit.isFailure(exit) || last?._tag !== "Finish") throw new Error(`no end: ${JSON.stringify({ chunks, exit })}`)
  return last
}
