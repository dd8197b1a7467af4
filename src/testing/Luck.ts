/**
 * Chance that belongs to a request, and not to the order in which requests happen to come: whoever sends the same request
 * to the same endpoint for the n-th time meets the same luck, whatever client they are.
 *
 * Two clients can so be compared on the very same day. Counter-based draws, as in Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3" (SC 2011), with the finalizer of MurmurHash3 for the mixing.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * Whose luck it is: the number of the request, and how often it was sent so far.
 *
 * @category models
 * @since 0.1.0
 */
export interface Luck {
  readonly request: number
  sent: number
}

/**
 * The luck of the request that is being made. Without one, simulated endpoints number requests as they come.
 *
 * @category references
 * @since 0.1.0
 */
export const Current: Context.Reference<Luck | undefined> = Context.Reference<Luck | undefined>(
  "effect-relay/testing/Luck/Current",
  { defaultValue: () => undefined }
)

/**
 * The luck of the request with this number.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (request: number): Luck => ({ request, sent: 0 })

const mix = (hash: number): number => {
  let mixed = hash ^ (hash >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

// of two numbers that differ in one bit, half of the bits of what comes out differ
const join = (hash: number, word: number): number => mix(Math.imul(hash, 5) + (word | 0) + 0x9e3779b9)

/**
 * A number from 0 up to 1 that is as good as drawn by lot, and always the same for the same four words: whole numbers, of
 * which the lowest 32 bits count.
 *
 * @category drawing
 * @since 0.1.0
 */
export const draw = (seed: number, a: number, b: number, c: number): number =>
  (join(join(join(join(0, seed), a), b), c) >>> 0) / 4_294_967_296

/**
 * The same, normally distributed around 0 with a deviation of 1 (Box and Muller).
 *
 * @category drawing
 * @since 0.1.0
 */
export const drawNormal = (seed: number, a: number, b: number, c: number): number => {
  const radius = Math.sqrt(-2 * Math.log(1 - draw(seed, a, b, 2 * c)))
  return radius * Math.cos(2 * Math.PI * draw(seed, a, b, 2 * c + 1))
}
