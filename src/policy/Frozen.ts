/**
 * Makes sure that nobody changes what many are given.
 *
 * @since 0.1.0
 */

const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

// V8 keeps a text in bytes if it can, and in twice as many if one character is beyond them
const isWide = /[^\0-\xff]/

// about what V8 takes for an object, and for a member of one
const perObject = 24
const perMember = 16

/**
 * Freezes lists and plain objects, all the way down, and says about how many bytes the whole takes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const freeze = (value: unknown): number => {
  const seen = new Set<object>()
  // without recursion: an answer may be nested deeper than the stack
  const left: Array<unknown> = [value]
  let bytes = 0
  while (left.length > 0) {
    const next = left.pop()
    bytes += perMember
    if (typeof next === "string") bytes += isWide.test(next) ? 2 * next.length : next.length
    if (ArrayBuffer.isView(next)) bytes += next.byteLength
    if (typeof next !== "object" || next === null || !isPlain(next) || seen.has(next)) continue
    bytes += perObject
    seen.add(Object.freeze(next))
    for (const key in next) left.push(next[key as never])
  }
  return bytes
}
