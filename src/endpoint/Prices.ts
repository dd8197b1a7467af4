/**
 * What a model costs by the token.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Money from "../machine/Money.ts"
import * as Configuration from "../policy/Configuration.ts"
import type * as Tokens from "../policy/Tokens.ts"

/**
 * What a million tokens cost, in dollars. What is below a millionth of a dollar is rounded.
 *
 * @category models
 * @since 0.1.0
 */
export interface Prices {
  readonly inputPerMillion: number
  readonly outputPerMillion: number
  /** Of input that comes from the provider's cache. Default: as of any input. */
  readonly cacheReadPerMillion?: number | undefined
  /** Of input that is put into the provider's cache. Default: as of any input. */
  readonly cacheWritePerMillion?: number | undefined
}

/**
 * What prices have to be.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  inputPerMillion: Configuration.atLeast(0),
  outputPerMillion: Configuration.atLeast(0),
  cacheReadPerMillion: Schema.optional(Configuration.atLeast(0)),
  cacheWritePerMillion: Schema.optional(Configuration.atLeast(0))
})

// what is in the total and in neither part, such as thoughts, is no question
const answered = ({ input, output, total }: Tokens.Tokens): number => Math.max(output, total - input)

/**
 * What tokens cost, in whole nanodollars: question and answer, each rounded up.
 *
 * @category calculations
 * @since 0.1.0
 */
export const cost = (self: Prices, tokens: Tokens.Tokens): number => {
  const { inputPerMillion, outputPerMillion } = self
  const { cacheRead = 0, cacheWrite = 0, input } = tokens
  const question = cacheRead === 0 && cacheWrite === 0
    ? Money.fine(input, inputPerMillion)
    : Money.fine(input - cacheRead - cacheWrite, inputPerMillion) +
      Money.fine(cacheRead, self.cacheReadPerMillion ?? inputPerMillion) +
      Money.fine(cacheWrite, self.cacheWritePerMillion ?? inputPerMillion)
  return Money.fromFine(question) + Money.cost(answered(tokens), outputPerMillion)
}

/**
 * The most that tokens may cost, whichever of them turn out to come from a cache or to go into one.
 *
 * @category calculations
 * @since 0.1.0
 */
export const most = (self: Prices, tokens: Tokens.Tokens): number => {
  const { cacheReadPerMillion = 0, cacheWritePerMillion = 0, inputPerMillion, outputPerMillion } = self
  const dearest = Math.max(inputPerMillion, cacheReadPerMillion, cacheWritePerMillion)
  return Money.cost(tokens.input, dearest) + Money.cost(answered(tokens), outputPerMillion)
}
