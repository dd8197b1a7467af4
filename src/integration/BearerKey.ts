/**
 * Whether a caller holds the key it says it holds.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"

const utf8 = new TextEncoder()

// each byte of what was presented is looked at, wherever the first difference is
const isSame = (presented: Uint8Array, key: Uint8Array): boolean => {
  let difference = presented.length ^ key.length
  for (let at = 0; at < presented.length; at++) difference |= presented[at]! ^ key[at % key.length]!
  return difference === 0
}

const scheme = /^bearer +/i

/**
 * A guard that knows an `authorization` header with one of these keys. How long
 * it takes depends on what is presented, and not on how much of it is right.
 *
 * @category guards
 * @since 0.1.0
 */
export const guard = (
  keys: ReadonlyArray<Redacted.Redacted>
): (authorization: string | undefined) => boolean => {
  const known = keys.map((key) => utf8.encode(Redacted.value(key)))
  return (authorization) => {
    const presented = utf8.encode(authorization?.replace(scheme, "") ?? "")
    let matches = 0
    for (const key of known) matches |= isSame(presented, key) ? 1 : 0
    return matches === 1 && scheme.test(authorization!)
  }
}
