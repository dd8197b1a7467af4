/**
 * A chat request taken to pieces, for dialects that say it in words of their own.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatRequest from "../ChatRequest.ts"
import * as Json from "../Json.ts"
import * as Tooling from "./Tooling.ts"

/**
 * A piece of what somebody says.
 *
 * @category models
 * @since 0.1.0
 */
export type Part =
  | { readonly _tag: "Text"; readonly text: string }
  /** `data` is base64. */
  | { readonly _tag: "Image"; readonly mediaType: string; readonly data: string }
  | { readonly _tag: "ImageUrl"; readonly url: string }

/**
 * What somebody says, or what a tool found.
 *
 * @category models
 * @since 0.1.0
 */
export type Turn =
  | { readonly _tag: "User"; readonly parts: ReadonlyArray<Part> }
  | {
    readonly _tag: "Assistant"
    readonly parts: ReadonlyArray<Part>
    readonly calls: ReadonlyArray<Tooling.Call>
  }
  | { readonly _tag: "Tool"; readonly id: string; readonly name: string; readonly parts: ReadonlyArray<Part> }

/**
 * What an answer has to look like: any text, any JSON, or JSON by a schema.
 *
 * @category models
 * @since 0.1.0
 */
export type Format =
  | { readonly _tag: "Text" }
  | { readonly _tag: "Json"; readonly schema: unknown }

/**
 * A request by what it means. Numbers are as they were given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Conversation {
  readonly system: ReadonlyArray<string>
  readonly turns: ReadonlyArray<Turn>
  readonly tools: ReadonlyArray<Tooling.Tool>
  readonly toolChoice: Tooling.Choice | undefined
  /** Whether the model may call several tools at once. */
  readonly isParallel: boolean
  readonly stop: ReadonlyArray<unknown>
  readonly maxTokens: unknown
  readonly format: Format
  /** The fields that chat completions do not have: the dialect's own, which go as they are. */
  readonly others: Readonly<Record<string, unknown>>
}

// what chat completions know: read above, or without a meaning elsewhere
const known = new Set([
  "model",
  "messages",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "stop",
  "max_tokens",
  "max_completion_tokens",
  "response_format",
  "temperature",
  "top_p",
  "n",
  "seed",
  "presence_penalty",
  "frequency_penalty",
  "user",
  "stream",
  "stream_options",
  "modalities",
  "logit_bias",
  "logprobs",
  "top_logprobs",
  "metadata",
  "store",
  "prediction",
  "service_tier",
  "reasoning_effort",
  "verbosity",
  "prompt_cache_key",
  "safety_identifier"
])

// what changes the answer so much that to leave it out would be another request
const unsayable = ["functions", "function_call", "audio", "web_search_options"]

const dataUrl = /^data:([\w.+-]+\/[\w.+-]+);base64,(.*)$/s

const partOf = (part: unknown): Result.Result<ReadonlyArray<Part>, string> => {
  if (!Json.isRecord(part)) return Result.fail("a part of a message that is no object")
  const { image_url: image, refusal, text, type } = part
  if (type === "text" && typeof text === "string") return Result.succeed(text === "" ? [] : [{ _tag: "Text", text }])
  if (type === "refusal" && typeof refusal === "string") return Result.succeed([{ _tag: "Text", text: refusal }])
  const url = Json.isRecord(image) ? image["url"] : image
  if (type !== "image_url" || typeof url !== "string") {
    return Result.fail(`a part of a message of the type ${JSON.stringify(type)}`)
  }
  const [, mediaType, data] = dataUrl.exec(url) ?? []
  return Result.succeed([
    mediaType === undefined ? { _tag: "ImageUrl", url } : { _tag: "Image", mediaType, data: data! }
  ])
}

const partsOf = (content: unknown): Result.Result<ReadonlyArray<Part>, string> => {
  if (content === undefined || content === null || content === "") return Result.succeed([])
  if (typeof content === "string") return Result.succeed([{ _tag: "Text", text: content }])
  if (!Array.isArray(content)) return Result.fail("a content that is neither a text nor a list of parts")
  return Result.map(Result.all(content.map(partOf)), (parts) => parts.flat())
}

/**
 * The texts among the parts.
 *
 * @category getters
 * @since 0.1.0
 */
export const textOf = (parts: ReadonlyArray<Part>): string =>
  parts.map((part) => part._tag === "Text" ? part.text : "").join("")

const formatOf = (format: unknown): Result.Result<Format, string> => {
  if (format === undefined || format === null) return Result.succeed({ _tag: "Text" })
  const { json_schema: named, type } = Json.isRecord(format) ? format : {}
  if (type === "text") return Result.succeed({ _tag: "Text" })
  if (type === "json_object") return Result.succeed({ _tag: "Json", schema: undefined })
  return type === "json_schema" && Json.isRecord(named)
    ? Result.succeed({ _tag: "Json", schema: named["schema"] })
    : Result.fail(`a response_format of the type ${JSON.stringify(type)}`)
}

const listOf = (value: unknown): ReadonlyArray<unknown> => {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value]
}

/**
 * What a request means, or what of it nobody else could say.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (request: ChatRequest.ChatRequest): Result.Result<Conversation, string> =>
  Result.gen(function*() {
    const stranger = unsayable.find((field) => request[field] !== undefined && request[field] !== null)
    if (stranger !== undefined) return yield* Result.fail(stranger)
    if (listOf(request["modalities"]).some((modality) => modality !== "text")) {
      return yield* Result.fail("modalities other than text")
    }

    const system: Array<string> = []
    const turns: Array<Turn> = []
    const names = new Map<string, string>()
    for (const message of request.messages) {
      if (!Json.isRecord(message)) return yield* Result.fail("a message that is no object")
      const parts = yield* partsOf(message["content"])
      switch (message["role"]) {
        case "system":
        case "developer":
          system.push(textOf(parts))
          break
        case "user":
          turns.push({ _tag: "User", parts })
          break
        case "assistant": {
          const calls = yield* Tooling.callsOf(message)
          for (const { id, name } of calls) names.set(id, name)
          turns.push({ _tag: "Assistant", parts, calls })
          break
        }
        case "tool": {
          const id = message["tool_call_id"]
          if (typeof id !== "string") return yield* Result.fail("the result of a tool without a tool_call_id")
          turns.push({ _tag: "Tool", id, name: names.get(id) ?? id, parts })
          break
        }
        default:
          return yield* Result.fail(`a message of the role ${JSON.stringify(message["role"])}`)
      }
    }

    return {
      system: system.filter((text) => text !== ""),
      turns,
      tools: yield* Tooling.toolsOf(request["tools"]),
      toolChoice: yield* Tooling.choiceOf(request["tool_choice"]),
      isParallel: request["parallel_tool_calls"] !== false,
      stop: listOf(request["stop"]),
      maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      format: yield* formatOf(request["response_format"]),
      others: Object.fromEntries(Object.entries(request).filter(([field]) => !known.has(field)))
    }
  })
