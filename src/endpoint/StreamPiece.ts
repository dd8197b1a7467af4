/**
 * What one event of a streamed answer says, whatever API it came through.
 *
 * @since 0.1.0
 */
import * as Json from "./Json.ts"

/**
 * One thing that an event says.
 *
 * - `Model`: who answers, by the endpoint's name for it
 * - `Text`, `Reasoning`, `Refusal`: more of what the model says, thinks, or says to decline
 * - `ToolCall`: more of a tool call; `index` tells calls apart
 * - `Stopped`: why the model stopped, by the provider's own word
 * - `Counted`: tokens as counted so far; each number takes the place of the one before
 * - `Done`: nothing comes after this
 *
 * @category models
 * @since 0.1.0
 */
export type StreamPiece =
  | { readonly _tag: "Model"; readonly model: string }
  | { readonly _tag: "Text" | "Reasoning" | "Refusal"; readonly text: string }
  | {
    readonly _tag: "ToolCall"
    readonly index: number
    readonly id?: string | undefined
    readonly name?: string | undefined
    /** More of its arguments, which are JSON text once they are whole. */
    readonly arguments: string
  }
  | { readonly _tag: "Stopped"; readonly reason: string }
  | {
    readonly _tag: "Counted"
    readonly input?: number | undefined
    readonly output?: number | undefined
    readonly total?: number | undefined
    /** Of the input, what came from the provider's cache and what was put into it; of the output, thoughts. */
    readonly cacheRead?: number | undefined
    readonly cacheWrite?: number | undefined
    readonly reasoning?: number | undefined
  }
  | { readonly _tag: "Done" }

const isText = (value: unknown): boolean => typeof value === "string"

const isTextOrNothing = (value: unknown): boolean => value === undefined || isText(value)

const isCount = (value: unknown): boolean => value === undefined || typeof value === "number"

const counts = ["input", "output", "total", "cacheRead", "cacheWrite", "reasoning"]

/**
 * Whether a value is a piece: the reader of a dialect may be anybody's.
 *
 * @category guards
 * @since 0.1.0
 */
export const isStreamPiece = (value: unknown): value is StreamPiece => {
  if (!Json.isRecord(value)) return false
  switch (value["_tag"]) {
    case "Text":
    case "Reasoning":
    case "Refusal":
      return isText(value["text"])
    case "ToolCall":
      return Number.isSafeInteger(value["index"]) && isText(value["arguments"]) &&
        isTextOrNothing(value["id"]) && isTextOrNothing(value["name"])
    case "Counted":
      return counts.every((field) => isCount(value[field]))
    case "Stopped":
      return isText(value["reason"])
    case "Model":
      return isText(value["model"])
    default:
      return value["_tag"] === "Done"
  }
}

/**
 * How much of an answer a piece is, in characters; 0 for one that only tells of the answer.
 *
 * @category getters
 * @since 0.1.0
 */
export const sizeOf = (piece: StreamPiece): number => {
  switch (piece._tag) {
    case "Text":
    case "Reasoning":
    case "Refusal":
      return piece.text.length
    case "ToolCall":
      // one that says nothing yet tells which tool it is, and takes room
      return 1 + (piece.id?.length ?? 0) + (piece.name?.length ?? 0) + piece.arguments.length
    default:
      return 0
  }
}

/**
 * Nothing to say.
 *
 * @category constants
 * @since 0.1.0
 */
export const none: ReadonlyArray<StreamPiece> = []

/**
 * The last piece of a stream.
 *
 * @category constants
 * @since 0.1.0
 */
export const done: ReadonlyArray<StreamPiece> = [{ _tag: "Done" }]
