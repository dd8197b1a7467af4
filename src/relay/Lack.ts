/**
 * Why no endpoint can take a request, though some serve its model.
 *
 * @since 0.1.0
 */
import * as Capabilities from "../endpoint/Capabilities.ts"
import * as Failure from "../endpoint/Failure.ts"
import type * as Registry from "../endpoint/Registry.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Rejection from "../policy/Rejection.ts"

const list = new Intl.ListFormat("en")

/**
 * What is lacking, if anything is: room where only room is, otherwise what no endpoint can, or none can together.
 *
 * @category constructors
 * @since 0.1.0
 */
export const find = (
  registry: Registry.Registry,
  model: string,
  needs: Capabilities.Needs
): Failure.ContextTooLong | Failure.RequestRejected | undefined => {
  const hasSome = (bits: number, tokens: number): boolean => registry.candidates(model, { bits, tokens }).length > 0
  if (hasSome(needs.bits, needs.tokens) || !hasSome(0, 0)) return undefined
  if (hasSome(needs.bits, 0)) {
    return Rejection.make(Failure.ContextTooLong, {
      model,
      detail: `it takes about ${needs.tokens} tokens, its longest answer included`,
      attempts: Attempt.none
    })
  }
  const needed = Capabilities.each(needs.bits)
  const missing = needed.filter((bit) => !hasSome(bit, 0))
  const bits = (missing.length > 0 ? missing : needed).reduce((all, bit) => all | bit, 0)
  const detail = `no endpoint that serves model "${model}" takes ${list.format(Capabilities.words(bits))}`
  return Rejection.make(Failure.RequestRejected, {
    detail: missing.length > 0 ? detail : `${detail} together`,
    attempts: Attempt.none
  })
}
