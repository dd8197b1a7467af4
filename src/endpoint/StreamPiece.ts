/**
 * What one event of a streamed answer says, whatever API it came through.
 *
 * @since 0.1.0
 */

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
  }
  | { readonly _tag: "Done" }

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
