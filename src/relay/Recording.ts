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

// two of a kind are one, unless the second begins another tool call
const joined = (last: Chunk, next: Delta): Delta | undefined => {
  if (next._tag !== "ToolCallDelta") {
    return last._tag === next._tag
      ? { ...next, text: last.text + next.text }
      : undefined
  }
  return last._tag === "ToolCallDelta" && last.index === next.index && next.id === undefined && next.name === undefined
    ? { ...last, arguments: last.arguments + next.arguments }
    : undefined
}

/**
 * Writes down chunks. Texts are joined, so that it takes no more room than they do, and what is void is left out.
 *
 * @category models
 * @since 0.1.0
 */
export class Recording {
  #chunks: Array<Chunk> = []
  #isOfOne = true

  /** All that holds of what came, in order, for whoever comes late: without a `Finish`. */
  get chunks(): ReadonlyArray<Chunk> {
    return this.#chunks
  }

  /** What of it says something; `undefined` if one endpoint went on where another broke off: nobody gave that answer. */
  get deltas(): ReadonlyArray<Delta> | undefined {
    return this.#isOfOne ? this.#chunks.filter(isDelta) : undefined
  }

  /** Writes down. */
  add(chunks: ReadonlyArray<Chunk>): void {
    for (const chunk of chunks) this.#add(chunk)
  }

  #add(chunk: Chunk): void {
    if (chunk._tag === "Finish") return
    if (chunk._tag === "Restarted") {
      this.#chunks = []
      this.#isOfOne = true
      return
    }
    if (chunk._tag === "Continued") this.#isOfOne = false
    const last = this.#chunks.at(-1)
    const both = last !== undefined && isDelta(chunk) ? joined(last, chunk) : undefined
    if (both === undefined) this.#chunks.push(chunk)
    else this.#chunks[this.#chunks.length - 1] = both
  }
}
