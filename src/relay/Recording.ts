/**
 * What came out of a stream, to come out again.
 *
 * @since 0.1.0
 */
import type * as StreamChunk from "./StreamChunk.ts"

type Chunk = StreamChunk.StreamChunk
type Delta = StreamChunk.Delta

const isDelta = (chunk: Chunk): chunk is Delta =>
  chunk._tag !== "Start" && chunk._tag !== "Restarted" && chunk._tag !== "Continued" && chunk._tag !== "Finish"

/** A chunk with what was added to it: in pieces, since a text that was added up piece by piece takes many times the room. */
interface Entry {
  readonly chunk: Chunk
  readonly more: Array<string>
}

// two of a kind are one, unless the second begins another tool call
const moreOf = (last: Chunk, next: Delta): string | undefined => {
  if (next._tag !== "ToolCallDelta") return last._tag === next._tag ? next.text : undefined
  return last._tag === "ToolCallDelta" && last.index === next.index && next.id === undefined && next.name === undefined
    ? next.arguments
    : undefined
}

const whole = ({ chunk, more }: Entry): Chunk => {
  if (more.length === 0) return chunk
  if ("text" in chunk) return Object.freeze({ ...chunk, text: chunk.text + more.join("") })
  return chunk._tag === "ToolCallDelta"
    ? Object.freeze({ ...chunk, arguments: chunk.arguments + more.join("") })
    : chunk
}

/**
 * Writes down chunks. Texts are joined, so that it takes no more room than they do, and what is void is left out.
 *
 * @category models
 * @since 0.1.0
 */
export class Recording {
  #entries: Array<Entry> = []
  #isOfOne = true

  /** All that holds of what came, in order, for whoever comes late: without a `Finish`. */
  get chunks(): ReadonlyArray<Chunk> {
    return this.#entries.map(whole)
  }

  /** What of it says something; `undefined` if one endpoint went on where another broke off: nobody gave that answer. */
  get deltas(): ReadonlyArray<Delta> | undefined {
    return this.#isOfOne ? this.chunks.filter(isDelta) : undefined
  }

  /** Writes down. */
  add(chunks: ReadonlyArray<Chunk>): void {
    for (const chunk of chunks) this.#add(chunk)
  }

  #add(chunk: Chunk): void {
    if (chunk._tag === "Finish") return
    if (chunk._tag === "Restarted") {
      this.#entries = []
      this.#isOfOne = true
      return
    }
    if (chunk._tag === "Continued") this.#isOfOne = false
    const last = this.#entries.at(-1)
    const more = last !== undefined && isDelta(chunk) ? moreOf(last.chunk, chunk) : undefined
    if (more === undefined) this.#entries.push({ chunk, more: [] })
    else last!.more.push(more)
  }
}
