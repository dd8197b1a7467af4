/**
 * Reads the body of a stream: bytes into pieces of an answer, up to the first
 * that says that there is none.
 *
 * Total: whatever the bytes, each ends in pieces or in a failure. An event that
 * cannot be read is a failure: left out, it would leave a hole in the answer.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Sse from "../machine/Sse.ts"
import * as Classifier from "./Classifier.ts"
import type { Streaming } from "./dialect/Definition.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"
import * as Json from "./Json.ts"
import * as ReplyFailure from "./ReplyFailure.ts"
import * as StreamPiece from "./StreamPiece.ts"

/**
 * Status and headers of the response whose body is read.
 *
 * @category models
 * @since 0.1.0
 */
export type Head = Pick<Classifier.Reply, "status" | "headers">

// one event of an answer is a few hundred bytes, or one whole tool call
const longestEvent = 1024 * 1024

/**
 * The reader of one body.
 *
 * @category models
 * @since 0.1.0
 */
export class EventReader {
  readonly #head: Head
  readonly #subject: Classifier.Subject
  readonly #sse: Sse.Sse
  readonly #streaming: Streaming
  #read: ReturnType<Streaming["reader"]> | undefined
  #failure: Failure.Answered | undefined
  #isDone = false

  constructor(head: Head, subject: Classifier.Subject, streaming: Streaming, maxBytes: number) {
    this.#head = head
    this.#subject = subject
    this.#sse = Sse.make(Math.min(longestEvent, maxBytes))
    this.#streaming = streaming
  }

  /** Why there is no answer; what came before it was said all the same. */
  get failure(): Failure.Answered | undefined {
    return this.#failure
  }

  /** What these bytes say. */
  read(bytes: Uint8Array): ReadonlyArray<StreamPiece.StreamPiece> {
    if (this.#isOver) return StreamPiece.none
    const events = Sse.read(this.#sse, bytes)
    let pieces = StreamPiece.none
    for (let at = 0; at < events.length && !this.#isOver; at++) {
      const said = this.#readEvent(events[at]!)
      this.#isDone = said.at(-1)?._tag === "Done"
      pieces = pieces.length === 0 ? said : [...pieces, ...said]
    }
    if (this.#sse.isOver && !this.#isOver) {
      const { status } = this.#head
      const fault = { _tag: "TooLarge", status, maxBytes: this.#sse.maxEvent } as const
      this.#failure = Fault.failureOf(fault, this.#subject.endpoint)
    }
    return pieces
  }

  // what comes after the end is nobody's
  get #isOver(): boolean {
    return this.#isDone || this.#failure !== undefined
  }

  #readEvent({ data, type }: Sse.Event): ReadonlyArray<StreamPiece.StreamPiece> {
    const word = data.trim()
    if (word === "[DONE]") return StreamPiece.done
    if (word === "") return StreamPiece.none
    const json = Json.parse(data)
    const reply = { _tag: "Reply" as const, ...this.#head, text: data }
    if (Result.isFailure(json)) {
      const error = type === "error" ? "ErrorInBody" : "NotJson"
      return this.#fail(Classifier.failureIn(reply, this.#subject) ?? this.#invalid(error, data))
    }
    const failure = Classifier.failureInEvent(reply, json.success, this.#subject)
    if (failure !== undefined) return this.#fail(failure)
    if (type === "error") return this.#fail(this.#invalid("ErrorInBody", data))
    return this.#piecesOf(json.success)
  }

  #piecesOf(json: unknown): ReadonlyArray<StreamPiece.StreamPiece> {
    try {
      this.#read ??= this.#streaming.reader()
      const pieces = this.#read(json)
      if (Result.isFailure(pieces)) return this.#fail(this.#invalid("Malformed", String(pieces.failure)))
      // a dialect may be anybody's
      if (pieces.success.every(StreamPiece.isStreamPiece)) return pieces.success
      return this.#fail(this.#invalid("Malformed", "the dialect makes something else of it than pieces of an answer"))
    } catch {
      return this.#fail(this.#invalid("Malformed", "the dialect cannot read it"))
    }
  }

  #invalid(reason: Failure.InvalidResponse["reason"], detail: string): Failure.Answered {
    return ReplyFailure.invalid(this.#subject, this.#head, reason, detail)
  }

  #fail(failure: Failure.Answered): ReadonlyArray<StreamPiece.StreamPiece> {
    this.#failure = failure
    return StreamPiece.none
  }
}
