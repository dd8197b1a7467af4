/**
 * What a caller says about one call, refused by name where it cannot be meant.
 *
 * @since 0.1.0
 */
import * as Failure from "../endpoint/Failure.ts"
import * as Arguments from "../policy/Arguments.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Rejection from "../policy/Rejection.ts"

/**
 * The failure of a call for the sake of one of its options.
 *
 * @category constructors
 * @since 0.1.0
 */
export const rejected = ({ argument, rule, value }: Arguments.Flaw): Failure.RequestRejected =>
  Rejection.make(Failure.RequestRejected, {
    detail: `${argument} is ${value}, but ${rule}`,
    attempts: Attempt.none
  })

/**
 * Why a call with these options is not made, if it is not.
 *
 * @category guards
 * @since 0.1.0
 */
export const refusal = (options: unknown, rules: Arguments.Rules<unknown>): Failure.RequestRejected | undefined => {
  const flaw = Arguments.flawOf("options", options, rules)
  return flaw === undefined ? undefined : rejected(flaw)
}
