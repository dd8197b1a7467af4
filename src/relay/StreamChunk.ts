/**
 * What comes out of a stream.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Attempt from "../policy/Attempt.ts"
import * as Charge from "./Charge.ts"
import * as Meta from "./Meta.ts"
import { Usage } from "./StreamInterrupted.ts"

/**
 * A chunk that says something of the answer.
 *
 * @category models
 * @since 0.1.0
 */
export const Delta = Schema.Union([
  Schema.TaggedStruct("TextDelta", { text: Schema.String }),
  Schema.TaggedStruct("ReasoningDelta", { text: Schema.String }),
  Schema.TaggedStruct("RefusalDelta", { text: Schema.String }),
  Schema.TaggedStruct("ToolCallDelta", {
    /** Tells calls apart, from 0. */
    index: Schema.Int,
    id: Schema.optionalKey(Schema.String),
    name: Schema.optionalKey(Schema.String),
    /** More of its arguments, which are JSON text once they are whole. */
    arguments: Schema.String
  })
])

/**
 * A chunk that says something of the answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Delta = typeof Delta.Type

/**
 * One chunk.
 *
 * - `Start`: who answers from here on; once, unless an answer was broken off
 * - `TextDelta`, `ReasoningDelta`, `RefusalDelta`: more of what the model says, thinks, or says to decline
 * - `ToolCallDelta`: more of a tool call
 * - `Restarted`: what came so far is void; the answer begins anew, with a `Start`
 * - `Continued`: what came so far stands; whoever is named in the next `Start` goes on from there
 * - `Finish`: the answer is whole; always the last, and without it the stream fails
 *
 * @category models
 * @since 0.1.0
 */
export const StreamChunk = Schema.Union([
  Schema.TaggedStruct("Start", {
    endpoint: Schema.String,
    /** The model that answers, by the endpoint's name for it. */
    model: Schema.String,
    /** How often the request was sent so far, copies included. */
    attempts: Schema.Int
  }),
  ...Delta.members,
  Schema.TaggedStruct("Restarted", {
    /** Whose answer was broken off … */
    endpoint: Schema.String,
    /** … and the tag of the failure. */
    because: Schema.String
  }),
  Schema.TaggedStruct("Continued", { endpoint: Schema.String, because: Schema.String }),
  Schema.TaggedStruct("Finish", {
    /** Why the model stopped: `stop`, `length`, `tool_calls`, `content_filter`, or a word of the provider's own. */
    reason: Schema.String,
    /** Whether the answer was cut at the token limit. */
    truncated: Schema.Boolean,
    /** As the endpoint that finished counted them. */
    tokens: Usage,
    meta: Schema.Struct({
      /** The endpoint that finished, and the model by its name for it. */
      endpoint: Schema.String,
      model: Schema.String,
      /** Milliseconds from the call to the first chunk that came out, and to the last. */
      firstChunk: Schema.Number,
      latency: Schema.Number,
      /** Every try of this call, the successful one last. */
      attempts: Schema.Array(Attempt.Attempt),
      /** What the call cost in whole nanodollars, failed attempts included; absent where somebody's prices are not known. */
      cost: Schema.optionalKey(Schema.Int),
      /** What that is made of, by endpoint and model. */
      usage: Schema.Array(Charge.Charge),
      cache: Meta.Cached,
      /** Why the cache was bypassed, if it was. */
      bypass: Schema.optionalKey(Meta.Bypass)
    })
  })
])

/**
 * One chunk.
 *
 * @category models
 * @since 0.1.0
 */
export type StreamChunk = typeof StreamChunk.Type
