/**
 * Prices of models, as they were listed on a day.
 *
 * Prices change, and differ by region, service tier and contract: a table is a starting point, and what you pay is on your bill.
 * Nothing is priced by one unless an endpoint names it as its `prices`.
 *
 * @since 0.1.0
 */
import type * as Prices from "./Prices.ts"

/**
 * A table of prices.
 *
 * @category models
 * @since 0.1.0
 */
export interface PriceTable {
  /** The day on which they were looked up, such as `2026-11-28`. */
  readonly asOf: string
  /** By the names that the services themselves have for their models, exactly. */
  readonly models: Readonly<Record<string, Prices.Prices>>
}

const prices = (
  inputPerMillion: number,
  outputPerMillion: number,
  cacheReadPerMillion: number,
  cacheWritePerMillion = inputPerMillion
): Prices.Prices => ({ inputPerMillion, outputPerMillion, cacheReadPerMillion, cacheWritePerMillion })

/**
 * Models in use when this was written, at the list prices of their makers, in US dollars for a million tokens, without
 * discounts for batches.
 *
 * - OpenAI: https://developers.openai.com/api/docs/pricing, by copies of it of 2026; cached input is half of input for
 *   GPT-4o, a quarter for GPT-4.1, a tenth for GPT-5
 * - Anthropic: https://platform.claude.com/docs/en/about-claude/pricing; writing to the cache as for five minutes
 * - Google: https://ai.google.dev/gemini-api/docs/pricing, by copies of it of 2026; prompts of up to 200,000 tokens, longer
 *   ones cost up to twice as much
 * - DeepSeek: https://api-docs.deepseek.com/quick_start/pricing, by a copy of 2026-10-27; at peak hours, others cost half
 *
 * @category constants
 * @since 0.1.0
 */
export const listed: PriceTable = {
  asOf: "2026-11-28",
  models: {
    "gpt-4o": prices(2.5, 10, 1.25),
    "gpt-4o-mini": prices(0.15, 0.6, 0.075),
    "gpt-4.1": prices(2, 8, 0.5),
    "gpt-4.1-mini": prices(0.4, 1.6, 0.1),
    "gpt-4.1-nano": prices(0.1, 0.4, 0.025),
    "gpt-5": prices(1.25, 10, 0.125),
    "gpt-5-mini": prices(0.25, 2, 0.025),
    "gpt-5-nano": prices(0.05, 0.4, 0.005),
    "claude-opus-4-5": prices(5, 25, 0.5, 6.25),
    "claude-sonnet-4-5": prices(3, 15, 0.3, 3.75),
    "claude-haiku-4-5": prices(1, 5, 0.1, 1.25),
    "gemini-2.5-pro": prices(1.25, 10, 0.125),
    "gemini-2.5-flash": prices(0.3, 2.5, 0.03),
    "gemini-2.5-flash-lite": prices(0.1, 0.4, 0.01),
    "deepseek-v4-pro": prices(1.32, 3.96, 0.044),
    "deepseek-flash": prices(0.3, 1.2, 0.006)
  }
}

/**
 * The same table with other prices over its own, looked up on a day of yours.
 *
 * ```ts
 * import { PriceTable } from "effect-relay"
 *
 * const mine = PriceTable.extend(PriceTable.listed, "2027-01-04", {
 *   "gpt-4o": { inputPerMillion: 2, outputPerMillion: 8, cacheReadPerMillion: 1 },
 *   "gpt-4o-2024-08-06": PriceTable.listed.models["gpt-4o"]!
 * })
 * console.log(mine.asOf, Object.keys(mine.models).length)
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const extend = (
  self: PriceTable,
  asOf: string,
  models: Readonly<Record<string, Prices.Prices>>
): PriceTable => ({ asOf, models: { ...self.models, ...models } })
