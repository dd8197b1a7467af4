/**
 * What of the attempts of one call comes out, and when.
 *
 * Each attempt is a voice. What it says is kept back up to the commit point;
 * from there on it is heard, and nobody else is, unless it breaks off and
 * another may take over.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Failure from "../endpoint/Failure.ts"
import type * as StreamPiece from "../endpoint/StreamPiece.ts"
import * as Transcript from "../endpoint/Transcript.ts"
import * as Rejection from "../policy/Rejection.ts"
import type { Outlet } from "./Outlet.ts"
import type * as RelayError from "./RelayError.ts"
import type * as StreamChunk from "./StreamChunk.ts"
import { StreamInterrupted } from "./StreamInterrupted.ts"
import type * as StreamOptions from "./StreamOptions.ts"

type Chunk = StreamChunk.StreamChunk
type Out = Pick<Outlet<Chunk, RelayError.StreamError>, "say">

/** One attempt, as far as anybody hears it. */
class Voice {
  readonly endpoint: string
  readonly lead: () => boolean
  /** Spaces that the text before ended in and that were not sent along: they may come again. */
  seam: string
  isHeard = false
  held: Array<Chunk> = []
  characters = 0
  model = ""

  constructor(endpoint: string, lead: () => boolean, seam: string) {
    this.endpoint = endpoint
    this.lead = lead
    this.seam = seam
  }

  /** What is not said twice of the beginning of a text that goes on from another. */
  sew(text: string): string {
    if (this.seam === "") return text
    let length = 0
    while (length < this.seam.length && length < text.length && this.seam[length] === text[length]) length++
    this.seam = length === text.length ? this.seam.slice(length) : ""
    return text.slice(length)
  }
}

export type {
  /**
   * One attempt, as far as anybody hears it.
   *
   * @category models
   * @since 0.1.0
   */
  Voice
}

const isText = (chunk: Chunk | undefined, tag: Chunk["_tag"]): chunk is Extract<Chunk, { readonly text: string }> =>
  chunk !== undefined && "text" in chunk && chunk._tag === tag

interface Break {
  readonly endpoint: string
  readonly because: string
  readonly detail: string
  readonly retryAfter?: Duration.Duration
}

const hintOf = (failure: RelayError.RelayError): Pick<Break, "retryAfter"> =>
  "retryAfter" in failure && failure.retryAfter !== undefined ? { retryAfter: failure.retryAfter } : {}

/**
 * The deliveries of one call.
 *
 * @category models
 * @since 0.1.0
 */
export class Delivery {
  readonly #out: Out
  readonly #settings: StreamOptions.Settings
  readonly #input: number
  readonly #now: () => number
  #text = ""
  #characters = 0
  // of an answer that was broken off and is gone on from
  #before = 0
  #hasCalls = false
  #endpoint = ""
  #begun = 0
  #break: Break | undefined
  #marker: Extract<Chunk, { readonly because: string }> | undefined
  #committedAt: number | undefined

  constructor(out: Out, settings: StreamOptions.Settings, input: number, now: () => number) {
    this.#out = out
    this.#settings = settings
    this.#input = input
    this.#now = now
  }

  /** When the first chunk came out; `undefined` while nothing has: then no failure leaves a trace. */
  get committedAt(): number | undefined {
    return this.#committedAt
  }

  /** Whose answer comes out. */
  get endpoint(): string {
    return this.#endpoint
  }

  /** Whether somebody is to go on from what came out. */
  get isContinuing(): boolean {
    return this.#marker?._tag === "Continued"
  }

  /** What whoever goes on has to begin with. Some endpoints refuse a text that ends in spaces. */
  get before(): string {
    return this.isContinuing ? this.#text.trimEnd() : ""
  }

  /** Whether somebody could go on: a tool call, or nothing at all, is nothing to go on from. */
  get canContinue(): boolean {
    return this.#settings.afterCommit === "continue" && !this.#hasCalls && this.before !== ""
  }

  /** Tokens of an answer, with those of the one it goes on from. */
  usage(usage: Transcript.Usage): Transcript.Usage {
    if (this.#before === 0) return usage
    const { output } = Transcript.estimate(0, this.#before)
    return { ...usage, output: usage.output + output, total: usage.total + output, isEstimated: true }
  }

  /** A new attempt. */
  begin(endpoint: string, lead: () => boolean): Voice {
    this.#begun++
    return new Voice(endpoint, lead, this.isContinuing ? this.#text.slice(this.before.length) : "")
  }

  /** Takes what a voice says: an effect where that takes time. */
  take(voice: Voice, pieces: ReadonlyArray<StreamPiece.StreamPiece>, model: string): Effect.Effect<void> | undefined {
    voice.model = model
    const chunks = this.#chunksOf(voice, pieces)
    if (chunks.length === 0) return undefined
    if (voice.isHeard) return this.#say(chunks)
    // another copy has won: to be interrupted is all that is left
    if (!voice.lead()) return Effect.never
    for (const chunk of chunks) this.#keep(voice, chunk)
    return voice.characters < this.#settings.commit ? undefined : this.#commit(voice)
  }

  /** A voice has said all it had to say. */
  end(voice: Voice): Effect.Effect<void> | undefined {
    if (voice.isHeard) return undefined
    return voice.lead() ? this.#commit(voice) : Effect.never
  }

  /** A voice has broken off. */
  broke(voice: Voice, failure: Failure.Answered): void {
    if (!voice.isHeard) return
    const { _tag: because, message: detail } = failure
    const { endpoint } = voice
    this.#break = { endpoint, because, detail, ...hintOf(failure) }
    const _tag = this.#settings.afterCommit === "continue" ? "Continued" : "Restarted"
    this.#marker = { _tag, endpoint, because }
  }

  /** What the call fails with: what broke off the answer that came out, whatever those said who did not go on from it. */
  failure(failure: RelayError.RelayError): RelayError.StreamError {
    if (this.#committedAt === undefined) return failure
    const { _tag, attempts, message } = failure
    return Rejection.make(StreamInterrupted, {
      ...(this.#break ?? { endpoint: this.#endpoint, because: _tag, detail: message, ...hintOf(failure) }),
      text: this.#text,
      tokens: Transcript.estimate(this.#input, this.#characters),
      attempts
    })
  }

  #chunksOf(voice: Voice, pieces: ReadonlyArray<StreamPiece.StreamPiece>): Array<Chunk> {
    const chunks: Array<Chunk> = []
    for (const piece of pieces) {
      switch (piece._tag) {
        case "Text": {
          const text = voice.sew(piece.text)
          if (text !== "") chunks.push({ _tag: "TextDelta", text })
          break
        }
        case "Reasoning":
          chunks.push({ _tag: "ReasoningDelta", text: piece.text })
          break
        case "Refusal":
          chunks.push({ _tag: "RefusalDelta", text: piece.text })
          break
        case "ToolCall": {
          const { arguments: more, id, index, name } = piece
          chunks.push({
            _tag: "ToolCallDelta",
            index,
            ...(id === undefined ? {} : { id }),
            ...(name === undefined ? {} : { name }),
            arguments: more
          })
        }
      }
    }
    return chunks
  }

  // what is kept back may be long: texts are joined, so that it takes no more room than they do
  #keep(voice: Voice, chunk: Chunk): void {
    voice.characters += sizeOf(chunk)
    const last = voice.held.at(-1)
    if ("text" in chunk && isText(last, chunk._tag)) {
      voice.held[voice.held.length - 1] = { _tag: chunk._tag, text: last.text + chunk.text } as Chunk
    } else voice.held.push(chunk)
  }

  #commit(voice: Voice): Effect.Effect<void> | undefined {
    const { endpoint, held, model } = voice
    voice.isHeard = true
    voice.held = []
    this.#committedAt ??= this.#now()
    this.#endpoint = endpoint
    const marker = this.#marker
    this.#marker = undefined
    this.#break = undefined
    if (marker?._tag === "Restarted") {
      this.#text = ""
      this.#characters = 0
      this.#hasCalls = false
    }
    if (marker?._tag === "Continued") this.#before = this.#characters
    return this.#say([...(marker === undefined ? [] : [marker]), {
      _tag: "Start",
      endpoint,
      model,
      attempts: this.#begun
    }, ...held])
  }

  #say(chunks: Array<Chunk>): Effect.Effect<void> | undefined {
    for (const chunk of chunks) {
      this.#characters += sizeOf(chunk)
      if (chunk._tag === "TextDelta") this.#text += chunk.text
      else if (chunk._tag === "ToolCallDelta") this.#hasCalls = true
    }
    return this.#out.say(chunks)
  }
}

const sizeOf = (chunk: Chunk): number => {
  if ("text" in chunk) return chunk.text.length
  return chunk._tag === "ToolCallDelta" ? 1 + chunk.arguments.length : 0
}
