/**
 * Answers of a relay as the parts that Effect's `LanguageModel` knows, at once or
 * bit by bit.
 *
 * @since 0.1.0
 */
import * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as Result from "effect/Result"
import * as ChatAnswer from "../endpoint/ChatAnswer.ts"
import * as Json from "../endpoint/Json.ts"
import type * as Attempt from "../policy/Attempt.ts"
import type * as Tokens from "../policy/Tokens.ts"
import type * as RelayService from "../relay/RelayService.ts"
import type * as StreamChunk from "../relay/StreamChunk.ts"

const reasons: Readonly<Record<string, Response.FinishReason>> = {
  stop: "stop",
  length: "length",
  max_tokens: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
  pause_turn: "pause",
  unknown: "unknown"
}

interface Ending {
  readonly reason: string
  readonly tokens: Tokens.Tokens | undefined
  readonly hasCalls: boolean
  /** What the model said to decline; empty where it did not. */
  readonly refusal: string
}

// some say that they just stopped
const reasonOf = ({ hasCalls, reason, refusal }: Ending): Response.FinishReason => {
  const word = Object.hasOwn(reasons, reason) ? reasons[reason]! : "other"
  if (word !== "stop") return word
  if (refusal !== "") return "content-filter"
  return hasCalls ? "tool-calls" : "stop"
}

type Usage = Response.FinishPartEncoded["usage"]

// what the provider did not tell apart stays untold
const inputOf = (tokens: Tokens.Tokens | undefined): Usage["inputTokens"] => {
  const { cacheRead, cacheWrite, input } = tokens ?? {}
  const isTold = input !== undefined && (cacheRead !== undefined || cacheWrite !== undefined)
  const uncached = isTold ? input - (cacheRead ?? 0) - (cacheWrite ?? 0) : undefined
  return { total: input, uncached, cacheRead, cacheWrite }
}

// some count thoughts beside the output, in the total alone
const outputOf = (tokens: Tokens.Tokens | undefined): Usage["outputTokens"] => {
  if (tokens === undefined) return { total: undefined, text: undefined, reasoning: undefined }
  const { input, output, reasoning, total } = tokens
  const all = reasoning === undefined ? output : Math.max(output, total - input)
  return { total: all, text: reasoning === undefined ? undefined : all - reasoning, reasoning }
}

const costOf = ({ cost }: { readonly cost?: number }): { readonly cost?: number } => cost === undefined ? {} : { cost }

const finishOf = (
  ending: Ending,
  meta: { readonly endpoint: string; readonly attempts: ReadonlyArray<Attempt.Attempt>; readonly cost?: number }
): Response.FinishPartEncoded => {
  const { refusal, tokens } = ending
  const attempts = meta.attempts.map((attempt) => ({ ...attempt }))
  return {
    type: "finish",
    reason: reasonOf(ending),
    usage: {
      inputTokens: inputOf(tokens),
      outputTokens: outputOf(tokens)
    },
    metadata: { relay: { endpoint: meta.endpoint, attempts, ...costOf(meta), ...(refusal === "" ? {} : { refusal }) } }
  }
}

interface Call {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

const callOf = (
  { arguments: text, id, name }: Call
): Result.Result<Response.ToolCallPartEncoded, AiError.AiErrorReason> =>
  Result.map(
    Result.try({
      try: () => text.trim() === "" ? {} : Tool.unsafeSecureJsonParse(text),
      catch: (error) =>
        new AiError.ToolParameterValidationError({
          toolName: name,
          description: error instanceof Error ? error.message : String(error)
        })
    }),
    (params) => ({ type: "tool-call", id, name, params })
  )

/** A name for calls that have none, which results are matched by. */
const idOf = (label: string, index: number, id: string | undefined): string => id ?? `call_${label}_${index}`

const textField = (body: unknown, field: string): string | undefined => {
  const value = Json.isRecord(body) ? body[field] : undefined
  return typeof value === "string" && value !== "" ? value : undefined
}

/** What a refusal is to whoever waits for an object: asking again is no use. */
const refused = (refusal: string, { attempts }: RelayService.ChatReply["meta"]): AiError.AiErrorReason =>
  new AiError.ContentPolicyError({
    description: refusal,
    metadata: { relay: { failure: "ContentRefused", attempts: attempts.map((attempt) => ({ ...attempt })) } }
  })

/**
 * The parts of an answer that came as a whole. `label` is unlike any other's.
 * Fails where a refusal came instead of an object, and where a tool is called
 * with what is no JSON.
 *
 * @category converting
 * @since 0.1.0
 */
export const parts = (
  reply: RelayService.ChatReply,
  format: "text" | "json",
  label: string
): Result.Result<Array<Response.PartEncoded>, AiError.AiErrorReason> =>
  Result.gen(function*() {
    const { body, finishReason, meta, model, refusal = "", text, toolCalls, truncated } = reply
    const tokens = ChatAnswer.counted(reply)
    if (refusal !== "" && format === "json") return yield* Result.fail(refused(refusal, meta))
    const calls = yield* Result.all(
      toolCalls.map((call, index) => callOf({ ...call, id: idOf(label, index, call.id) }))
    )
    const said = text === "" ? refusal : text
    return [
      { type: "response-metadata", id: textField(body, "id"), modelId: model },
      ...(said === "" ? [] : [{ type: "text" as const, text: said }]),
      ...calls,
      finishOf({ reason: truncated ? "length" : finishReason, tokens, hasCalls: calls.length > 0, refusal }, meta)
    ]
  })

type Part = Response.StreamPartEncoded

type Kind = "text" | "reasoning"

/**
 * Writes the parts of an answer that comes bit by bit.
 *
 * @category models
 * @since 0.1.0
 */
export class Writer {
  readonly #label: string
  readonly #calls = new Map<number, Call>()
  readonly #pending = new Map<number, string>()
  #open: { readonly kind: Kind; readonly id: string } | undefined
  #opened = 0
  #hasBegun = false
  #refusal = ""

  /** `label` is unlike any other's. */
  constructor(label: string) {
    this.#label = label
  }

  /** The parts for a chunk, or why there can be no more. */
  write(chunk: StreamChunk.StreamChunk): Result.Result<ReadonlyArray<Part>, AiError.AiErrorReason> {
    switch (chunk._tag) {
      case "Start": {
        if (this.#hasBegun) return Result.succeed([])
        this.#hasBegun = true
        return Result.succeed([{ type: "response-metadata", modelId: chunk.model }])
      }
      case "RefusalDelta":
        this.#refusal += chunk.text
        return Result.succeed(this.#say("text", chunk.text))
      case "TextDelta":
        return Result.succeed(this.#say("text", chunk.text))
      case "ReasoningDelta":
        return Result.succeed(this.#say("reasoning", chunk.text))
      case "ToolCallDelta":
        return Result.succeed(this.#call(chunk))
      case "Continued":
        return Result.succeed([])
      case "Restarted":
        // there is no word for parts that were said and do not count
        return Result.fail(
          new AiError.InternalProviderError({ description: `the answer was broken off: ${chunk.because}` })
        )
      case "Finish":
        return this.#finish(chunk)
    }
  }

  #say(kind: Kind, delta: string): ReadonlyArray<Part> {
    if (this.#open?.kind === kind) return [{ type: `${kind}-delta`, id: this.#open.id, delta }]
    const ended = this.#end()
    const id = String(this.#opened++)
    this.#open = { kind, id }
    return [...ended, { type: `${kind}-start`, id }, { type: `${kind}-delta`, id, delta }]
  }

  #end(): ReadonlyArray<Part> {
    const open = this.#open
    this.#open = undefined
    return open === undefined ? [] : [{ type: `${open.kind}-end`, id: open.id }]
  }

  #call(
    { arguments: delta, id, index, name }: Extract<StreamChunk.StreamChunk, { readonly _tag: "ToolCallDelta" }>
  ): ReadonlyArray<Part> {
    const call = this.#calls.get(index)
    if (call !== undefined) {
      this.#calls.set(index, { ...call, arguments: call.arguments + delta })
      return delta === "" ? [] : [{ type: "tool-params-delta", id: call.id, delta }]
    }
    const before = (this.#pending.get(index) ?? "") + delta
    // nobody can begin with a tool that has no name yet
    if (name === undefined) {
      this.#pending.set(index, before)
      return []
    }
    const begun = { id: idOf(this.#label, index, id), name, arguments: before }
    this.#calls.set(index, begun)
    return [
      ...this.#end(),
      { type: "tool-params-start", id: begun.id, name },
      ...(before === "" ? [] : [{ type: "tool-params-delta" as const, id: begun.id, delta: before }])
    ]
  }

  #finish(
    { meta, reason, tokens, truncated }: Extract<StreamChunk.StreamChunk, { readonly _tag: "Finish" }>
  ): Result.Result<ReadonlyArray<Part>, AiError.AiErrorReason> {
    const calls = Array.from(this.#calls.values())
    return Result.map(Result.all(calls.map(callOf)), (called) => [
      ...this.#end(),
      ...calls.flatMap(({ id }, at): ReadonlyArray<Part> => [{ type: "tool-params-end", id }, called[at]!]),
      finishOf({
        reason: truncated ? "length" : reason,
        // what was reckoned is no count
        tokens: tokens.isEstimated ? undefined : tokens,
        hasCalls: calls.length > 0,
        refusal: this.#refusal
      }, meta)
    ])
  }
}
