/**
 * How latencies were spread over the last while: counts in buckets that are
 * narrow where values are small, kept for a sliding window.
 *
 * The exponent and the first five bits of a float's mantissa are its bucket, so
 * no logarithm is taken, and what a quantile says is off by less than 1.6 %.
 *
 * Source: log-linear buckets as in HdrHistogram (G. Tene) and circllhist
 * (H. Hartmann and T. Schlossnagle, 2020), read off the float as in DDSketch's
 * fast mappings (C. Masson, J. Rim and H. Lee, 2019).
 *
 * @since 0.1.0
 */

/**
 * How long a value counts, in milliseconds, and in how many steps the window moves on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly window: number
  readonly slices: number
}

/**
 * The counts of one step of time. `at` is which step, `total` the sum of all
 * counts, `low` and `high` the first and the last bucket that has any.
 *
 * @category models
 * @since 0.1.0
 */
export interface Slice {
  at: number
  total: number
  low: number
  high: number
  counts: Uint16Array | Uint32Array
}

/**
 * The counts, kept in place: this is written on every call. A slice is there once it was needed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Histogram {
  readonly width: number
  readonly slices: Array<Slice | undefined>
}

// five bits: 32 buckets between a number and its double
const bits = 20 - 5
// a microsecond and nearly five hours; what lies beyond counts with the last that fits
const lowest = 2 ** -10
const highest = 2 ** 24
const size = 34 * 32

const float = new DataView(new ArrayBuffer(8))

const prefix = (value: number): number => {
  float.setFloat64(0, value)
  return float.getUint32(0) >>> bits
}

const base = prefix(lowest)

const bucketOf = (value: number): number => value < lowest ? 0 : Math.min(size - 1, prefix(value) - base)

// the middle between the bounds of a bucket; zero and its neighbours are zero
const valueOf = (bucket: number): number => {
  if (bucket === 0) return 0
  float.setUint32(0, (bucket + base) << bits)
  float.setUint32(4, 0)
  const from = float.getFloat64(0)
  float.setUint32(0, (bucket + base + 1) << bits)
  return (from + float.getFloat64(0)) / 2
}

/**
 * The smallest and the largest value that are told from those beyond them.
 *
 * @category constants
 * @since 0.1.0
 */
export const range = { lowest: lowest * (1 + 1 / 32), highest } as const

/**
 * Nothing measured yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (rule: Rule): Histogram => ({
  width: rule.window / rule.slices,
  slices: Array.from({ length: rule.slices }, () => undefined)
})

/**
 * Takes in one value. What is no duration (negative, endless, not a number) is left out.
 *
 * @category transitions
 * @since 0.1.0
 */
export const add = (self: Histogram, value: number, now: number): void => {
  if (!(value >= 0 && value < Infinity)) return
  const slice = sliceAt(self, now)
  const bucket = bucketOf(value)
  const count = slice.counts[bucket]!
  if (count === 0xffff && slice.counts instanceof Uint16Array) slice.counts = Uint32Array.from(slice.counts)
  else if (count === 0xffffffff) return
  slice.counts[bucket] = count + 1
  slice.total++
  slice.low = Math.min(slice.low, bucket)
  slice.high = Math.max(slice.high, bucket)
}

const sliceAt = (self: Histogram, now: number): Slice => {
  const at = Math.floor(now / self.width)
  const place = modulo(at, self.slices.length)
  const slice = self.slices[place]
  if (slice === undefined) {
    return self.slices[place] = { at, total: 0, low: size, high: 0, counts: new Uint16Array(size) }
  }
  if (slice.at !== at) {
    slice.at = at
    slice.total = 0
    slice.low = size
    slice.high = 0
    slice.counts.fill(0)
  }
  return slice
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by

/**
 * How many values the window holds.
 *
 * @category getters
 * @since 0.1.0
 */
export const count = (self: Histogram, now: number): number => {
  const oldest = oldestLive(self, now)
  let sum = 0
  for (const slice of self.slices) if (slice !== undefined && slice.at >= oldest) sum += slice.total
  return sum
}

const oldestLive = (self: Histogram, now: number): number => Math.floor(now / self.width) - self.slices.length + 1

// the sums of a query; empty between queries
const sums = new Float64Array(size)

/**
 * The value that a share `q` of all in the window does not exceed, give or take
 * 1.6 %; `undefined` when it holds none.
 *
 * @category getters
 * @since 0.1.0
 */
export const quantile = (self: Histogram, q: number, now: number): number | undefined => {
  const oldest = oldestLive(self, now)
  let total = 0
  let low = size
  let high = 0
  for (const slice of self.slices) {
    if (slice === undefined || slice.at < oldest) continue
    const { counts } = slice
    for (let bucket = slice.low; bucket <= slice.high; bucket++) sums[bucket]! += counts[bucket]!
    total += slice.total
    low = Math.min(low, slice.low)
    high = Math.max(high, slice.high)
  }
  if (total === 0) return undefined
  let left = Math.min(total, Math.max(1, Math.ceil(q * total)))
  let bucket = low
  while (left > sums[bucket]!) left -= sums[bucket++]!
  sums.fill(0, low, high + 1)
  return valueOf(bucket)
}
