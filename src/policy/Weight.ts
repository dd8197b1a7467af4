/**
 * How heavy one call is, and what no call can weigh.
 *
 * @since 0.1.0
 */
import * as Limit from "../machine/Limit.ts"
import * as Limits from "../machine/Limits.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as RateLimiterOptions from "./RateLimiterOptions.ts"

/**
 * What one call uses of the limits, in whole numbers from 0 up.
 *
 * @category models
 * @since 0.1.0
 */
export interface Weight {
  /** One where none is given; of an actual weight, as many as were reserved. */
  readonly calls?: number | undefined
  /** None where none are given; of an actual weight, as many as were reserved. */
  readonly tokens?: number | undefined
}

const units: ReadonlyArray<Limit.Unit> = ["calls", "tokens"]

/**
 * The cost that a weight names, with `otherwise` for what it leaves out; or what is wrong with it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toCost = (
  subject: string,
  weight: Weight,
  otherwise: Limits.Cost
): Limits.Cost | InvalidArgument.InvalidArgument => {
  if (typeof weight !== "object" || weight === null) {
    return InvalidArgument.make(subject, "weight", weight, "it has to be an object with calls or tokens")
  }
  for (const name in weight) {
    if (name !== "calls" && name !== "tokens") {
      return InvalidArgument.make(subject, name, weight[name as Limit.Unit], "a weight has only calls and tokens")
    }
  }
  const { calls = otherwise.calls, tokens = otherwise.tokens } = weight
  if (!isCount(calls)) return InvalidArgument.make(subject, "calls", calls, countRule)
  if (!isCount(tokens)) return InvalidArgument.make(subject, "tokens", tokens, countRule)
  return { calls, tokens }
}

/**
 * Whether a value counts something: a whole number from 0 up.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/**
 * The rule for whatever is counted.
 *
 * @category constants
 * @since 0.1.0
 */
export const countRule = "it has to be a whole number from 0 up"

/**
 * What of a cost is more than a limit could ever let pass, if anything is.
 *
 * @category decoding
 * @since 0.1.0
 */
export const excess = (
  subject: string,
  cost: Limits.Cost,
  limits: Limits.Limits
): InvalidArgument.InvalidArgument | undefined => {
  for (const of of units) {
    const limit = limits.all.find(({ spec }) =>
      spec.of === of && Limit.isExact(spec) && Limits.unitsOf(cost, of) > spec.limit
    )
    if (limit === undefined) continue
    const shown = RateLimiterOptions.show(limit.spec)
    return InvalidArgument.make(subject, of, Limits.unitsOf(cost, of), `more than ${shown} can never pass`)
  }
  return undefined
}
