/**
 * What came out of a stream, to come out again.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as StreamChunk from "./StreamChunk.ts"

/**
 * Where the chunks of a stream go.
 *
 * @category models
 * @since 0.1.0
 */
export interface Out {
  readonly say: (chunks: ReadonlyArray<StreamChunk.StreamChunk>) => Effect.Effect<void> | undefined
}

type Delta = StreamChunk.Delta

// two of a kind are one, unless the second begins another tool call
const joined = (last: Delta | undefined, next: Delta): ReadonlyArray<Delta> => {
  if (last === undefined) return [next]
  if (next._tag !== "ToolCallDelta") {
    return last._tag === next._tag ? [{ ...next, text: last.text + next.text }] : [last, next]
  }
  return last._tag === "ToolCallDelta" && last.index === next.index && next.id === undefined && next.name === undefined
    ? [{ ...last, arguments: last.arguments + next.arguments }]
    : [last, next]
}

/**
 * Writes down what it passes on. Texts are joined, so that it takes no more room than they do.
 *
 * @category models
 * @since 0.1.0
 */
export class Recording implements Out {
  readonly #out: Out
  #deltas: Array<Delta> = []
  #isOfOne = true

  constructor(out: Out) {
    this.#out = out
  }

  /** What came, in order; `undefined` if one endpoint went on where another broke off: nobody gave that answer. */
  get deltas(): ReadonlyArray<Delta> | undefined {
    return this.#isOfOne ? this.#deltas : undefined
  }

  /** Passes on, and writes down. */
  say(chunks: ReadonlyArray<StreamChunk.StreamChunk>): Effect.Effect<void> | undefined {
    for (const chunk of chunks) this.#add(chunk)
    return this.#out.say(chunks)
  }

  #add(chunk: StreamChunk.StreamChunk): void {
    switch (chunk._tag) {
      case "Start":
      case "Finish":
        return
      case "Restarted":
        this.#deltas = []
        return
      case "Continued":
        this.#isOfOne = false
        return
      default:
        this.#deltas.splice(-1, 1, ...joined(this.#deltas.at(-1), chunk))
    }
  }
}
