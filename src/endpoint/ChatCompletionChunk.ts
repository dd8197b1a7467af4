/**
 * The chunks in which OpenAI-compatible APIs stream a chat completion: how to
 * read them.
 *
 * Read by hand, since it happens for every few characters. Total: what is no
 * chunk is told by what is wrong with it.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Json from "./Json.ts"
import type * as StreamPiece from "./StreamPiece.ts"
import * as WireUsage from "./WireUsage.ts"

type Read = Result.Result<ReadonlyArray<StreamPiece.StreamPiece>, string>

const isNothing = (value: unknown): value is null | undefined | "" =>
  value === undefined || value === null || value === ""

const countOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

// some send a list of parts, in which what the model thinks is one as well
const addParts = (pieces: Array<StreamPiece.StreamPiece>, content: ReadonlyArray<unknown>): void => {
  for (const part of Json.recordsOf(content)) {
    const { text, thinking, type } = part
    if (typeof text === "string" && text !== "") pieces.push({ _tag: "Text", text })
    if (type !== "thinking") continue
    for (const { text } of Json.recordsOf(thinking)) {
      if (typeof text === "string" && text !== "") pieces.push({ _tag: "Reasoning", text })
    }
  }
}

const callOf = (call: unknown, position: number): StreamPiece.StreamPiece | string => {
  if (!Json.isRecord(call)) return "a tool call that is no object"
  const { function: named, id, index } = call
  const { arguments: text, name } = Json.isRecord(named) ? named : {}
  const more = Json.isRecord(text) ? JSON.stringify(text) : text ?? ""
  if (typeof more !== "string") return "arguments of a tool call that are no text"
  return {
    _tag: "ToolCall",
    index: typeof index === "number" && Number.isSafeInteger(index) ? index : position,
    ...(typeof id === "string" && id !== "" ? { id } : {}),
    ...(typeof name === "string" && name !== "" ? { name } : {}),
    arguments: more
  }
}

const addDelta = (pieces: Array<StreamPiece.StreamPiece>, delta: Json.Json): string | undefined => {
  const { content, function_call: legacy, reasoning, reasoning_content, refusal, tool_calls: calls } = delta
  const thought = reasoning_content ?? reasoning
  if (typeof thought === "string" && thought !== "") pieces.push({ _tag: "Reasoning", text: thought })
  if (typeof content === "string") {
    if (content !== "") pieces.push({ _tag: "Text", text: content })
  } else if (Array.isArray(content)) addParts(pieces, content)
  else if (!isNothing(content)) return "content that is no text"
  if (typeof refusal === "string") {
    if (refusal !== "") pieces.push({ _tag: "Refusal", text: refusal })
  } else if (!isNothing(refusal)) return "a refusal that is no text"
  if (isNothing(calls) && isNothing(legacy)) return undefined
  const all: unknown = isNothing(calls) ? [{ function: legacy }] : calls
  if (!Array.isArray(all)) return "tool_calls that are no list"
  for (let position = 0; position < all.length; position++) {
    const call = callOf(all[position], position)
    if (typeof call === "string") return call
    pieces.push(call)
  }
  return undefined
}

const addChoice = (pieces: Array<StreamPiece.StreamPiece>, choice: unknown): string | undefined => {
  if (!Json.isRecord(choice)) return "a choice that is no object"
  const { delta, finish_reason: reason, index } = choice
  // only the first choice is the answer
  if (index !== 0 && !isNothing(index)) return undefined
  if (!isNothing(delta)) {
    if (!Json.isRecord(delta)) return "a delta that is no object"
    const flaw = addDelta(pieces, delta)
    if (flaw !== undefined) return flaw
  }
  if (isNothing(reason)) return undefined
  if (typeof reason !== "string") return "a finish_reason that is no text"
  pieces.push({ _tag: "Stopped", reason })
  return undefined
}

const addUsage = (pieces: Array<StreamPiece.StreamPiece>, usage: unknown): void => {
  if (!Json.isRecord(usage)) return
  const input = countOf(usage["prompt_tokens"])
  const output = countOf(usage["completion_tokens"])
  const total = countOf(usage["total_tokens"])
  if (input !== undefined || output !== undefined || total !== undefined) {
    pieces.push({ _tag: "Counted", input, output, total, ...WireUsage.parts(usage) })
  }
}

/**
 * A reader of the chunks of one completion. A chunk without choices, such as one
 * that only counts or annotates, says nothing of the answer; and the model is
 * told but once.
 *
 * @category decoding
 * @since 0.1.0
 */
export const reader = (): (event: unknown) => Read => {
  let hasModel = false
  return (event) => {
    if (!Json.isRecord(event)) return Result.fail("an event that is no object")
    const { choices, model, usage } = event
    const pieces: Array<StreamPiece.StreamPiece> = []
    if (!hasModel && typeof model === "string" && model !== "") {
      hasModel = true
      pieces.push({ _tag: "Model", model })
    }
    if (!isNothing(choices)) {
      if (!Array.isArray(choices)) return Result.fail("choices that are no list")
      for (const choice of choices) {
        const flaw = addChoice(pieces, choice)
        if (flaw !== undefined) return Result.fail(flaw)
      }
    }
    if (!isNothing(usage)) addUsage(pieces, usage)
    return Result.succeed(pieces)
  }
}
