/**
 * A stream of a relay as a `Response` of the Web, whose body comes as it is
 * taken.
 *
 * The response is there with the first chunk: until then a failure is a
 * response of its own, and after that an event in the body.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import * as Label from "../endpoint/Label.ts"
import type * as RelayError from "../relay/RelayError.ts"
import type * as RelayService from "../relay/RelayService.ts"
import type * as StreamChunk from "../relay/StreamChunk.ts"
import * as CompletionEvents from "./CompletionEvents.ts"
import * as RelayResponse from "./RelayResponse.ts"
import type * as StreamedRequest from "./StreamedRequest.ts"

const utf8 = new TextEncoder()

/** Hands bytes to whoever reads the body, when they want some. */
class Outlet {
  readonly body: ReadableStream<Uint8Array>
  readonly #demand = Latch.makeUnsafe(false)
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #taken: (() => void) | undefined
  #isOpen = true

  constructor(onCancel: () => Promise<void>) {
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      pull: () =>
        new Promise((taken) => {
          this.#taken = taken
          this.#demand.openUnsafe()
        }),
      cancel: () => {
        this.#isOpen = false
        return onCancel()
      }
    })
  }

  /** Succeeds when the reader has asked for more and got this. */
  give(text: string): Effect.Effect<void> {
    if (text === "") return Effect.void
    return Effect.map(this.#demand.await, () => {
      this.#demand.closeUnsafe()
      this.#put(text)
      this.#taken?.()
    })
  }

  /** Ends the body, with some last words. */
  close(text: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (text !== "") this.#controller?.enqueue(utf8.encode(text))
    this.#controller?.close()
    this.#taken?.()
  }

  /** Ends the body in an error. */
  abort(reason: unknown): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#controller?.error(reason)
    this.#taken?.()
  }

  #put(text: string): void {
    if (this.#isOpen) this.#controller?.enqueue(utf8.encode(text))
  }
}

/**
 * The headers of a stream that has begun.
 *
 * @category getters
 * @since 0.1.0
 */
export const headersOf = ({ attempts, endpoint }: Extract<StreamChunk.StreamChunk, { readonly _tag: "Start" }>) => ({
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-relay-endpoint": encodeURIComponent(endpoint),
  "x-relay-attempts": String(attempts)
})

const reasonOf = (signal: AbortSignal | undefined): unknown =>
  // clients take an AbortError that they did not ask for as a good end
  signal?.aborted === true ? signal.reason : new Error("the stream was interrupted")

/**
 * Runs a stream for as long as its body is read. `onResponse` is told the
 * response as soon as there is one, and once. When `signal` interrupts this, the
 * body ends with its reason.
 *
 * @category running
 * @since 0.1.0
 */
export const serve = (
  relay: Pick<RelayService.RelayService, "stream">,
  { includesUsage, request }: StreamedRequest.StreamedRequest,
  options: RelayService.StreamOptions,
  onResponse: (response: Response) => void,
  signal: AbortSignal | undefined
): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    Effect.gen(function*() {
      const writer = new CompletionEvents.Writer({
        label: yield* Label.make,
        now: yield* Clock.currentTimeMillis,
        includesUsage
      })
      const outlet = new Outlet(() =>
        new Promise((resolve) => {
          fiber.addObserver(() => resolve())
          fiber.interruptUnsafe()
        })
      )
      let hasResponse = false
      const said = Stream.runForEachArray(
        // clients of OpenAI have no word for an answer that begins anew; the cache has no part in any request of theirs
        relay.stream(request, { ...options, restart: false, cache: false }),
        (chunks) => {
          const [first] = chunks
          if (!hasResponse && first._tag === "Start") {
            hasResponse = true
            onResponse(new Response(outlet.body, { status: 200, headers: headersOf(first) }))
          }
          return outlet.give(chunks.map((chunk) => writer.write(chunk)).join(""))
        }
      )
      yield* Effect.onExit(said, (exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) return outlet.close("")
          const failure = exit.cause.reasons.find(Cause.isFailReason)?.error
          if (failure !== undefined) {
            if (hasResponse) return outlet.close(CompletionEvents.failure(failure))
            // before anything has come out, no stream was interrupted
            return onResponse(RelayResponse.fromFailure(failure as RelayError.RelayError))
          }
          outlet.abort(Cause.hasInterruptsOnly(exit.cause) ? reasonOf(signal) : Cause.squash(exit.cause))
        })).pipe(Effect.catch(() => Effect.void))
    })
  )

/**
 * The response of a stream that goes on in a fiber of its own, until its body is
 * read or left, or the signal says that nobody has it any more.
 *
 * @category running
 * @since 0.1.0
 */
export const open = (
  relay: Pick<RelayService.RelayService, "stream">,
  request: StreamedRequest.StreamedRequest,
  options: RelayService.StreamOptions,
  signal: AbortSignal
): Effect.Effect<Response> =>
  Effect.withFiber((parent) =>
    Effect.callback<Response>((resume) => {
      const serving = serve(relay, request, options, (response) => resume(Effect.succeed(response)), signal)
      const fiber = Effect.runForkWith(parent.context as Context.Context<never>)(serving)
      const onAbort = () => fiber.interruptUnsafe()
      signal.addEventListener("abort", onAbort, { once: true })
      fiber.addObserver((exit) => {
        signal.removeEventListener("abort", onAbort)
        // without a response it died, or was interrupted
        resume(Exit.isFailure(exit) ? Exit.failCause(exit.cause) : Effect.interrupt)
      })
      return Fiber.interrupt(fiber)
    })
  )
