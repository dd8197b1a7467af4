/**
 * The usage that stands in an answer: the parts of it that are priced by
 * themselves, in every form in which services tell them.
 *
 * OpenAI, xAI and OpenRouter: `prompt_tokens_details` (`input_tokens_details` of responses) with `cached_tokens` and
 * `cache_write_tokens`, `completion_tokens_details` (`output_tokens_details`) with `reasoning_tokens`. DeepSeek:
 * `prompt_cache_hit_tokens`. Moonshot: `cached_tokens`. Anthropic: `cache_read_input_tokens` and
 * `cache_creation_input_tokens`. Gemini: `cachedContentTokenCount` and `thoughtsTokenCount`.
 *
 * Total, and nothing that would make an answer invalid: a part that is no number is a part that nobody told.
 *
 * @since 0.1.0
 */
import type * as Tokens from "../policy/Tokens.ts"
import * as Json from "./Json.ts"

/**
 * The parts, where they are told.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parts {
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: number | undefined
  readonly reasoning?: number | undefined
}

const countOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

const within = (details: unknown, field: string): number | undefined =>
  Json.isRecord(details) ? countOf(details[field]) : undefined

const nothing: Parts = Object.freeze({})

/**
 * The parts that a usage tells.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parts = (usage: unknown): Parts => {
  if (!Json.isRecord(usage)) return nothing
  const ofInput = usage["prompt_tokens_details"] ?? usage["input_tokens_details"]
  const ofOutput = usage["completion_tokens_details"] ?? usage["output_tokens_details"]
  const cacheRead = within(ofInput, "cached_tokens") ??
    countOf(
      usage["cache_read_input_tokens"] ?? usage["prompt_cache_hit_tokens"] ?? usage["cached_tokens"] ??
        usage["cachedContentTokenCount"]
    )
  const cacheWrite = within(ofInput, "cache_write_tokens") ?? countOf(usage["cache_creation_input_tokens"])
  const reasoning = within(ofOutput, "reasoning_tokens") ?? countOf(usage["thoughtsTokenCount"])
  return cacheRead === undefined && cacheWrite === undefined && reasoning === undefined
    ? nothing
    : { cacheRead, cacheWrite, reasoning }
}

/**
 * The tokens of a draft, with the parts that a usage tells; no object is copied where it tells none, as most do.
 *
 * @category decoding
 * @since 0.1.0
 */
export const drafted = (
  usage: unknown,
  input: number,
  output: number,
  total: number | undefined
): Parts & { readonly input: number; readonly output: number; readonly total: number | undefined } => {
  const told = parts(usage)
  return told === nothing ? { input, output, total } : { input, output, total, ...told }
}

/**
 * Tokens as chat completions tell them.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = ({ cacheRead, cacheWrite, input, output, reasoning, total }: Tokens.Tokens): Json.Json => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: total,
  ...(cacheRead === undefined && cacheWrite === undefined ? {} : {
    prompt_tokens_details: {
      cached_tokens: cacheRead ?? 0,
      ...(cacheWrite === undefined ? {} : { cache_write_tokens: cacheWrite })
    }
  }),
  ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning } })
})
