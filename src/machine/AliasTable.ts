/**
 * Draws one of many by weight in one step, however many there are.
 *
 * Source: A. J. Walker (1977), in the form of M. D. Vose, "A Linear Algorithm
 * for Generating Random Numbers with a Given Distribution" (1991).
 *
 * @since 0.1.0
 */

/**
 * Columns of equal height: each belongs to its own index up to `share`, and above that to another.
 *
 * @category models
 * @since 0.1.0
 */
export interface AliasTable {
  readonly share: Float64Array
  readonly other: Uint32Array
}

/**
 * A table over these weights, each above zero.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (weights: ReadonlyArray<number>): AliasTable => {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const share = Float64Array.from(weights, (weight) => weight * weights.length / total)
  const other = new Uint32Array(weights.length)
  const small: Array<number> = []
  const large: Array<number> = []
  share.forEach((height, index) => (height < 1 ? small : large).push(index))
  while (small.length > 0 && large.length > 0) {
    const low = small.pop()!
    const high = large.pop()!
    other[low] = high
    share[high] = share[high]! + share[low]! - 1
    ;(share[high] < 1 ? small : large).push(high)
  }
  // what is left over differs from a whole column by rounding only
  for (const index of small) share[index] = 1
  for (const index of large) share[index] = 1
  return { share, other }
}

/**
 * The index that a random number, from 0 to below 1, falls on.
 *
 * @category getters
 * @since 0.1.0
 */
export const draw = (self: AliasTable, random: number): number => {
  const place = random * self.share.length
  const column = Math.floor(place)
  return place - column < self.share[column]! ? column : self.other[column]!
}
