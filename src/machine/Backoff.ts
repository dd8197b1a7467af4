/**
 * How long to wait before each retry: a shape that grows to a cap, and chance
 * that keeps callers who failed together from coming back together.
 *
 * Sources: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog
 * (2015), for full, equal and decorrelated jitter. There, decorrelated delays
 * above the cap become the cap, and most callers fall into step; here they are
 * spread over the upper half of what the cap allows.
 *
 * @since 0.1.0
 */

/**
 * Durations are milliseconds, above zero and finite. `decorrelated` grows by
 * itself, whatever the shape, and needs a cap above the base.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly shape: "constant" | "linear" | "exponential" | "fibonacci"
  readonly jitter: "full" | "equal" | "decorrelated" | "none"
  readonly base: number
  readonly cap: number
}

/**
 * Where a row of delays has come to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Backoff {
  /** How many delays there were. */
  readonly count: number
  /** The latest, in milliseconds. */
  readonly delay: number
  /** The latest without jitter, and the one before it. */
  readonly nominal: number
  readonly before: number
}

/**
 * Before the first delay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start: Backoff = { count: 0, delay: 0, nominal: 0, before: 0 }

// no power is taken and nothing grows past the cap, so nothing overflows, however long the row
const grow = ({ before, count, nominal }: Backoff, { base, cap, shape }: Rule): number => {
  switch (shape) {
    case "constant":
      return Math.min(cap, base)
    case "linear":
      return Math.min(cap, base * (count + 1))
    case "exponential":
      return Math.min(cap, count === 0 ? base : nominal * 2)
    case "fibonacci":
      return Math.min(cap, count === 0 ? base : nominal + before)
  }
}

const spread = (nominal: number, previous: number, { base, cap, jitter }: Rule, random: number): number => {
  switch (jitter) {
    case "full":
      return nominal * random
    case "equal":
      return nominal / 2 + nominal / 2 * random
    case "decorrelated": {
      const longest = Math.min(3 * previous, Number.MAX_VALUE)
      const drawn = base + (longest - base) * random
      if (drawn <= cap) return drawn
      const half = Math.max(base, cap / 2)
      return half + (cap - half) * (drawn - cap) / (longest - cap)
    }
    case "none":
      return nominal
  }
}

/**
 * The row with one more delay, by a number drawn evenly from [0, 1).
 *
 * @category transitions
 * @since 0.1.0
 */
export const next = (self: Backoff, rule: Rule, random: number): Backoff => {
  const nominal = grow(self, rule)
  const previous = self.count === 0 ? rule.base : self.delay
  return {
    count: self.count + 1,
    delay: spread(nominal, previous, rule, random),
    nominal,
    before: self.nominal
  }
}

// the sum of the whole numbers after the first to the last
const sum = (first: number, last: number): number => (last * (last + 1) - first * (first + 1)) / 2

/**
 * The most that so many delays can add up to, when none is taken for shorter than `atLeast`.
 *
 * @category getters
 * @since 0.1.0
 */
export const longestTotal = (rule: Rule, times: number, atLeast: number): number => {
  const { base, cap, jitter, shape } = rule
  if (times === 0) return 0
  if (atLeast >= cap) return times * atLeast
  const isTripling = jitter === "decorrelated"
  if (!isTripling && shape === "constant") return times * Math.max(atLeast, Math.min(cap, base))
  if (!isTripling && shape === "linear") {
    const rising = Math.min(times, Math.ceil(cap / base) - 1)
    const lifted = Math.min(rising, Math.floor(atLeast / base))
    return lifted * atLeast + base * sum(lifted, rising) + (times - rising) * cap
  }
  let total = 0
  let row = start
  for (let left = times; left > 0; left--) {
    row = isTripling ? { ...row, nominal: 3 * (row.nominal || base) } : next(row, { ...rule, jitter: "none" }, 0)
    if (row.nominal >= cap) return total + left * cap
    total += Math.max(atLeast, row.nominal)
  }
  return total
}
