/**
 * What the attempts of a call took at an endpoint, by model.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Tokens from "../policy/Tokens.ts"

/**
 * All that one call took of one model of one endpoint, failed attempts included.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Charge = Schema.Struct({
  endpoint: Schema.String,
  /** By the endpoint's name for it; absent for a request that has none. */
  model: Schema.optionalKey(Schema.String),
  tokens: Tokens.Tokens,
  /** Whole nanodollars; absent where the endpoint has no prices for it. */
  cost: Schema.optionalKey(Schema.Int),
  /** Whether some of it was reckoned, because nobody counted. */
  isEstimated: Schema.Boolean
})

/**
 * All that one call took of one model of one endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export type Charge = typeof Charge.Type

const isFor = (a: Charge, b: Charge): boolean => a.endpoint === b.endpoint && a.model === b.model

const together = ({ cost: before, ...a }: Charge, { cost, isEstimated, tokens }: Charge): Charge => ({
  ...a,
  tokens: Tokens.add(a.tokens, tokens),
  ...(before === undefined || cost === undefined ? {} : { cost: before + cost }),
  isEstimated: a.isEstimated || isEstimated
})

/**
 * A charge for what an attempt took.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  endpoint: string,
  model: string | undefined,
  tokens: Tokens.Tokens,
  cost: number | undefined,
  isEstimated: boolean
): Charge => {
  // nearly all have both, and every call makes one
  if (model !== undefined && cost !== undefined) return { endpoint, model, tokens, cost, isEstimated }
  return {
    endpoint,
    ...(model === undefined ? {} : { model }),
    tokens,
    ...(cost === undefined ? {} : { cost }),
    isEstimated
  }
}

/**
 * Adds one to those of a call, which has one for each endpoint and model.
 *
 * @category combinators
 * @since 0.1.0
 */
export const add = (charges: Array<Charge>, charge: Charge): void => {
  const place = charges.length === 0 ? -1 : charges.findIndex((other) => isFor(other, charge))
  if (place === -1) charges.push(charge)
  else charges[place] = together(charges[place]!, charge)
}

/**
 * What all of them cost in whole nanodollars; `undefined` where somebody's prices are not known.
 *
 * @category getters
 * @since 0.1.0
 */
export const costOf = (charges: ReadonlyArray<Charge>): number | undefined => {
  let sum = 0
  for (const { cost } of charges) {
    if (cost === undefined) return undefined
    sum += cost
  }
  return sum
}
