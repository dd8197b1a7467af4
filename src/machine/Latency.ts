/**
 * How fast an endpoint answers now, and how fast it usually does.
 *
 * Now: a peak-sensitive moving average in time, which jumps up with a slow
 * answer, comes down with fast ones and fades in silence, so that a slow
 * endpoint is tried again. Usually: a running median in five numbers.
 *
 * Source: peak EWMA as in Finagle and Linkerd; the median by stochastic
 * gradient on the logarithm (Robbins and Monro 1951).
 *
 * @since 0.1.0
 */

/**
 * The constants of one endpoint's clockwork. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** Time constant of the moving average. */
  readonly decay: number
  /** An answer is slow above this many times the usual latency … */
  readonly slowFactor: number
  /** … and never below this. */
  readonly slowFloor: number
  /** Answers before the usual latency means anything. */
  readonly warmup: number
}

/**
 * The measurements, kept in place: this is written on every call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latency {
  average: number
  at: number
  logMedian: number
  samples: number
}

/**
 * Nothing measured yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Latency => ({ average: 0, at: 0, logMedian: 0, samples: 0 })

/**
 * Whether an answer that took `millis` is slow against the endpoint's own past.
 *
 * @category getters
 * @since 0.1.0
 */
export const isSlow = (self: Latency, millis: number, rule: Rule): boolean =>
  self.samples >= rule.warmup && millis > Math.max(rule.slowFloor, rule.slowFactor * Math.exp(self.logMedian))

/**
 * Takes in one answer.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (self: Latency, millis: number, now: number, rule: Rule): void => {
  penalize(self, millis, now, rule)
  const log = Math.log(Math.max(millis, 0.001))
  self.samples++
  // big steps until warm; small ones after, so that a slow spell is not the new normal at once
  const step = self.samples < rule.warmup ? Math.abs(log - self.logMedian) / self.samples : 0.02
  self.logMedian = self.samples === 1 ? log : self.logMedian + Math.sign(log - self.logMedian) * step
}

/**
 * Makes the endpoint look as slow as `millis` without a measurement: for a failure, however fast it came.
 *
 * @category transitions
 * @since 0.1.0
 */
export const penalize = (self: Latency, millis: number, now: number, rule: Rule): void => {
  const weight = Math.exp(-(now - self.at) / rule.decay)
  // against the peak, not what is left of it: a faster answer never makes for a slower average
  self.average = millis > self.average ? millis : self.average * weight + millis * (1 - weight)
  self.at = now
}

/**
 * The moving average as it stands at `now`, 0 when nothing was measured.
 *
 * @category getters
 * @since 0.1.0
 */
export const current = (self: Latency, now: number, rule: Rule): number =>
  self.average === 0 ? 0 : self.average * Math.exp(-Math.max(0, now - self.at) / rule.decay)

/**
 * The usual latency in milliseconds, `undefined` while too few answers came.
 *
 * @category getters
 * @since 0.1.0
 */
export const usual = (self: Latency, rule: Rule): number | undefined =>
  self.samples >= rule.warmup ? Math.exp(self.logMedian) : undefined

/**
 * What it takes when it is asked, 0 when nothing was measured: silence makes nobody faster, and a single slow answer is over
 * when it has faded.
 *
 * @category getters
 * @since 0.1.0
 */
export const steady = (self: Latency, now: number, rule: Rule): number =>
  self.samples === 0
    ? self.average
    : Math.max(current(self, now, rule), Math.min(self.average, Math.exp(self.logMedian)))

// silence takes this many times as long to wear off what is usual as it takes for the average
const patience = 6

/**
 * What one more answer is expected to take, 0 when nothing was measured. In
 * silence the average fades first, to half of what it was or is usual; then
 * that fades too, more slowly: who was slow is tried again, the more rarely the
 * slower, and who has become fast is taken for fast at once.
 *
 * @category getters
 * @since 0.1.0
 */
export const expected = (self: Latency, now: number, rule: Rule): number => {
  const lately = current(self, now, rule)
  if (self.samples < rule.warmup) return lately
  const silence = Math.max(0, now - self.at)
  const lasting = Math.min(self.average, Math.exp(self.logMedian))
  return Math.max(lately, lasting / 2 * Math.exp(-silence / (patience * rule.decay)))
}
