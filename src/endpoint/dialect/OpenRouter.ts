/**
 * OpenRouter: a router over many providers, which quotes their errors.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Definition.ts"
import { openai } from "./OpenAi.ts"

/**
 * OpenRouter. Base URL: `https://openrouter.ai/api/v1`. A 402 for what is under
 * way passes with time, unlike one for credit that is used up; a limit of the
 * router itself is the account's.
 *
 * @category dialects
 * @since 0.1.0
 */
export const openrouter: Dialect = {
  ...openai,
  name: "openrouter",
  // its list of models asks for no key, and so says nothing of one
  healthPath: "/key",
  words: { openrouter_in_flight_budget: "Rate" },
  limitScope: (error) => error?.words.some((word) => word.startsWith("openrouter")) ? "Account" : undefined
}
