/**
 * What a streamed answer has said so far.
 *
 * @since 0.1.0
 */
import type * as Tokens from "../policy/Tokens.ts"
import * as ChatAnswer from "./ChatAnswer.ts"
import * as StreamPiece from "./StreamPiece.ts"
import type * as WireUsage from "./WireUsage.ts"

/**
 * Tokens of a streamed answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Usage extends Tokens.Tokens {
  /** Whether nobody counted them, as of a stream that was cut: then they are reckoned from the characters. */
  readonly isEstimated: boolean
}

// about what tokenizers make of English
const charactersPerToken = 4

/**
 * Tokens reckoned from characters, where nobody counted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const estimate = (input: number, characters: number): Usage => {
  const output = Math.ceil(characters / charactersPerToken)
  return { input, output, total: input + output, isEstimated: true }
}

interface Call {
  id: string | undefined
  name: string
  arguments: string
}

/**
 * One transcript, which begins with what somebody else said before.
 *
 * @category models
 * @since 0.1.0
 */
export class Transcript {
  readonly #calls = new Map<number, Call>()
  #text: string
  #refusal = ""
  #stopped: string | undefined
  #model: string | undefined
  #input: number | undefined
  #output: number | undefined
  #total: number | undefined
  #parts: WireUsage.Parts = {}
  #isDone = false
  /** Characters of all it says, tools and thoughts included. */
  characters = 0

  constructor(before: string) {
    this.#text = before
  }

  /** The model that answers, as soon as it says so. */
  get model(): string | undefined {
    return this.#model
  }

  /** Whether the model has said why it stopped: without that no answer is whole. */
  get hasStopped(): boolean {
    return this.#stopped !== undefined
  }

  /** Whether it said that nothing comes any more. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Takes down one piece more. */
  add(piece: StreamPiece.StreamPiece): void {
    this.characters += StreamPiece.sizeOf(piece)
    switch (piece._tag) {
      case "Model":
        this.#model ??= piece.model
        return
      case "Text":
        this.#text += piece.text
        return
      case "Refusal":
        this.#refusal += piece.text
        return
      case "ToolCall":
        return this.#call(piece)
      case "Stopped":
        this.#stopped ??= piece.reason
        return
      case "Counted":
        this.#input = piece.input ?? this.#input
        this.#output = piece.output ?? this.#output
        this.#total = piece.total ?? this.#total
        this.#parts = {
          cacheRead: piece.cacheRead ?? this.#parts.cacheRead,
          cacheWrite: piece.cacheWrite ?? this.#parts.cacheWrite,
          reasoning: piece.reasoning ?? this.#parts.reasoning
        }
        return
      case "Done":
        this.#isDone = true
    }
  }

  #call({ arguments: more, id, index, name }: Extract<StreamPiece.StreamPiece, { readonly _tag: "ToolCall" }>): void {
    const call = this.#calls.get(index)
    if (call === undefined) {
      this.#calls.set(index, { id, name: name ?? "", arguments: more })
      return
    }
    call.id ??= id
    if (call.name === "") call.name = name ?? ""
    call.arguments += more
  }

  /** All of it, to be judged as any other answer. */
  toDraft(): ChatAnswer.Draft {
    return {
      text: this.#text,
      finishReason: this.#stopped,
      toolCalls: Array.from(this.#calls.values(), (call) => ({ ...call })),
      refusal: this.#refusal === "" ? undefined : this.#refusal,
      model: this.#model,
      tokens: { input: this.#input ?? 0, output: this.#output ?? 0, total: this.#total, ...this.#parts },
      hasMore: false
    }
  }

  /** Tokens as they were counted, of an answer that was judged; reckoned where they were not. */
  usage(counted: Tokens.Tokens, input: number): Usage {
    return this.#output === undefined && this.#total === undefined
      ? estimate(this.#input ?? input, this.characters)
      : { ...counted, isEstimated: false }
  }

  /** Tokens of what came, should no more come; `undefined` if nothing did. */
  soFar(input: number): Usage | undefined {
    if (this.characters === 0 && this.#output === undefined) return undefined
    if (this.hasStopped && this.#output !== undefined) {
      return { ...ChatAnswer.tokensOf(this.toDraft()), isEstimated: false }
    }
    const reckoned = estimate(this.#input ?? input, this.characters)
    // what is counted on the way may have been counted long before
    const output = Math.max(this.#output ?? 0, reckoned.output)
    const tokens = { input: reckoned.input, output, total: reckoned.input + output }
    return { ...ChatAnswer.tokensOf({ tokens: { ...tokens, ...this.#parts } }), isEstimated: true }
  }
}
