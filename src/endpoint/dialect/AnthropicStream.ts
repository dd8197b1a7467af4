/**
 * Reads a message that Anthropic streams.
 *
 * Read by hand, since it happens for every few characters. Total: what is no
 * event of a message is told by what is wrong with it, and kinds that nobody
 * knows yet, like `ping`, say nothing.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Json from "../Json.ts"
import * as StreamPiece from "../StreamPiece.ts"
import * as WireUsage from "../WireUsage.ts"

type Pieces = ReadonlyArray<StreamPiece.StreamPiece>
type Read = Result.Result<Pieces, string>

const nothing: Read = Result.succeed(StreamPiece.none)

const countOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

// input tokens are all that was read, from the cache or not, as chat completions count them
const counted = (usage: unknown): Pieces => {
  if (!Json.isRecord(usage)) return []
  const parts = [usage["input_tokens"], usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]]
    .map(countOf)
  const input = parts[0] === undefined ? undefined : parts.reduce<number>((sum, part) => sum + (part ?? 0), 0)
  const output = countOf(usage["output_tokens"])
  return input === undefined && output === undefined
    ? []
    : [{ _tag: "Counted", input, output, ...WireUsage.parts(usage) }]
}

const begun = (event: Json.Json): Read => {
  const { message } = event
  if (!Json.isRecord(message)) return Result.fail("a message_start without a message")
  const { model, usage } = message
  const input = counted(usage).map((piece) => ({ ...piece, output: undefined }))
  return Result.succeed([
    ...(typeof model === "string" && model !== "" ? [{ _tag: "Model" as const, model }] : []),
    ...input
  ])
}

/** The tool calls of one message, by the blocks that they are. */
class Blocks {
  readonly #calls = new Map<unknown, { readonly index: number; hasInput: boolean }>()

  start(event: Json.Json): Read {
    const block = event["content_block"]
    if (!Json.isRecord(block)) return Result.fail("a content_block_start without a block")
    const { id, name, text, type } = block
    if (type === "text" && typeof text === "string" && text !== "") return Result.succeed([{ _tag: "Text", text }])
    if (type !== "tool_use") return nothing
    if (typeof name !== "string") return Result.fail("a tool_use without a name")
    const index = this.#calls.size
    this.#calls.set(event["index"], { index, hasInput: false })
    return Result.succeed([
      { _tag: "ToolCall", index, ...(typeof id === "string" ? { id } : {}), name, arguments: "" }
    ])
  }

  more(event: Json.Json): Read {
    const { delta } = event
    if (!Json.isRecord(delta)) return Result.fail("a content_block_delta without a delta")
    switch (delta["type"]) {
      case "text_delta":
        return textOf("Text", delta["text"])
      case "thinking_delta":
        return textOf("Reasoning", delta["thinking"])
      case "input_json_delta": {
        const json = delta["partial_json"]
        if (typeof json !== "string") return Result.fail("an input_json_delta without JSON")
        const call = this.#calls.get(event["index"])
        // the input of a tool that Anthropic runs by itself is no call to anybody
        if (call === undefined || json === "") return nothing
        call.hasInput = true
        return Result.succeed([{ _tag: "ToolCall", index: call.index, arguments: json }])
      }
      default:
        return nothing
    }
  }

  stop(event: Json.Json): Read {
    const call = this.#calls.get(event["index"])
    if (call === undefined || call.hasInput) return nothing
    call.hasInput = true
    return Result.succeed([{ _tag: "ToolCall", index: call.index, arguments: "{}" }])
  }
}

const textOf = (_tag: "Text" | "Reasoning", text: unknown): Read => {
  if (typeof text !== "string") return Result.fail("a delta without a text")
  return text === "" ? nothing : Result.succeed([{ _tag, text }])
}

// its counts are of the whole message so far
const changed = (event: Json.Json): Read => {
  const { delta, usage } = event
  const reason = Json.isRecord(delta) ? delta["stop_reason"] : undefined
  return Result.succeed([
    ...(typeof reason === "string" ? [{ _tag: "Stopped" as const, reason }] : []),
    ...counted(usage)
  ])
}

/**
 * A reader of the events of one message.
 *
 * @category decoding
 * @since 0.1.0
 */
export const reader = (): (event: unknown) => Read => {
  const blocks = new Blocks()
  return (event) => {
    if (!Json.isRecord(event)) return Result.fail("an event that is no object")
    switch (event["type"]) {
      case "message_start":
        return begun(event)
      case "content_block_start":
        return blocks.start(event)
      case "content_block_delta":
        return blocks.more(event)
      case "content_block_stop":
        return blocks.stop(event)
      case "message_delta":
        return changed(event)
      case "message_stop":
        return Result.succeed(StreamPiece.done)
      default:
        return nothing
    }
  }
}
