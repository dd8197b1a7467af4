/**
 * A stream of a relay as the server-sent events in which OpenAI streams a chat
 * completion, whichever dialect answered.
 *
 * Clients of OpenAI append what comes to what came: they have no word for an
 * answer that begins anew. So where one does, they are told that this one broke
 * off, and nothing follows.
 *
 * @since 0.1.0
 */
import * as WireUsage from "../endpoint/WireUsage.ts"
import type * as RelayError from "../relay/RelayError.ts"
import type * as StreamChunk from "../relay/StreamChunk.ts"
import * as ErrorReply from "./ErrorReply.ts"

/**
 * What the events have in common.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Unlike any other's: the completion, and tool calls without an id, are named by it. */
  readonly label: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Whether the caller asked for the count of tokens. */
  readonly includesUsage: boolean
}

const eventOf = (json: unknown): string => `data: ${JSON.stringify(json)}\n\n`

// as an error of their own: they decide by its code
const broken = (because: string): string =>
  eventOf({
    error: {
      message: `the answer was broken off: ${because}`,
      type: "server_error",
      param: null,
      code: "stream_interrupted"
    }
  })

/**
 * The event by which clients of OpenAI know that a stream has failed.
 *
 * @category encoding
 * @since 0.1.0
 */
export const failure = (failure: RelayError.StreamError): string => `data: ${ErrorReply.make(failure).body}\n\n`

/**
 * Writes the chunks of one stream.
 *
 * @category models
 * @since 0.1.0
 */
export class Writer {
  readonly #options: Options
  readonly #named = new Set<number>()
  #model = ""
  #hasBegun = false
  #isOver = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Whether nothing is written any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** The events for a chunk; empty where there is nothing to say. */
  write(chunk: StreamChunk.StreamChunk): string {
    if (this.#isOver) return ""
    switch (chunk._tag) {
      case "Start":
        this.#model = chunk.model
        if (this.#hasBegun) return ""
        this.#hasBegun = true
        return this.#delta({ role: "assistant", content: "" })
      case "TextDelta":
        return this.#delta({ content: chunk.text })
      case "ReasoningDelta":
        return this.#delta({ reasoning_content: chunk.text })
      case "RefusalDelta":
        return this.#delta({ refusal: chunk.text })
      case "ToolCallDelta":
        return this.#delta({ tool_calls: [this.#call(chunk)] })
      case "Continued":
        return ""
      case "Restarted":
        this.#isOver = true
        return broken(chunk.because)
      case "Finish":
        this.#isOver = true
        return `${this.#finish(chunk)}data: [DONE]\n\n`
    }
  }

  #call({ arguments: more, id, index, name }: Extract<StreamChunk.StreamChunk, { readonly _tag: "ToolCallDelta" }>) {
    const isFirst = !this.#named.has(index)
    this.#named.add(index)
    return {
      index,
      ...(isFirst ? { id: id ?? `call_${this.#options.label}_${index}`, type: "function" } : {}),
      function: { ...(name === undefined ? {} : { name }), arguments: more }
    }
  }

  #finish({ reason, tokens, truncated }: Extract<StreamChunk.StreamChunk, { readonly _tag: "Finish" }>): string {
    const word = truncated ? "length" : reason === "stop" && this.#named.size > 0 ? "tool_calls" : reason
    const usage = WireUsage.write(tokens)
    // what was reckoned is no count
    const isCounted = this.#options.includesUsage && !tokens.isEstimated
    return this.#delta({}, word) + (isCounted ? this.#event([], { usage }) : "")
  }

  #delta(delta: object, reason: string | null = null): string {
    return this.#event([{ index: 0, delta, logprobs: null, finish_reason: reason }])
  }

  #event(choices: ReadonlyArray<object>, more?: object): string {
    const { includesUsage, label, now } = this.#options
    return eventOf({
      id: `chatcmpl-${label}`,
      object: "chat.completion.chunk",
      created: Math.floor(now / 1000),
      model: this.#model,
      choices,
      // the others say that they do not count
      ...(includesUsage ? { usage: null } : {}),
      ...more
    })
  }
}
