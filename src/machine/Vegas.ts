/**
 * A limit that keeps a few calls waiting at the other side, and no more: of the
 * calls under way, those are waiting that the fastest time ever seen does not
 * explain.
 *
 * What the fastest time is, is asked anew after every thirty limits' worth of
 * samples, since a service may have become slower for good.
 *
 * Source: L. Brakmo and L. Peterson, IEEE JSAC 13 (1995); for concurrency,
 * Netflix concurrency-limits, whose constants these are.
 *
 * @since 0.1.0
 */
import * as ConcurrencyLimit from "./ConcurrencyLimit.ts"

/**
 * The limit, the fastest time, and the samples since it was last asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Vegas extends ConcurrencyLimit.Learned {
  fastest: number
  samples: number
}

// samples for each call that may run, until the fastest time is asked for anew
const probeEvery = 30

// a call that takes no time at all cannot be told from one that waits
const leastRtt = 0.001

/**
 * Begins with this limit.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (limit: number): Vegas => ({ limit, fastest: Infinity, samples: 0 })

/**
 * Takes in how one call went.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (
  self: Vegas,
  sample: ConcurrencyLimit.Sample,
  _now: number,
  bounds: ConcurrencyLimit.Bounds
): void => {
  if (!ConcurrencyLimit.isSound(sample)) return
  const { limit } = self
  const step = Math.max(1, Math.log10(limit))
  if (sample.isDropped) return ConcurrencyLimit.move(self, limit - step, bounds)
  const rtt = Math.max(leastRtt, sample.rtt)
  self.samples++
  if (rtt < self.fastest || self.samples > probeEvery * limit) {
    if (self.samples > probeEvery * limit) self.samples = 0
    self.fastest = rtt
    return
  }
  if (!ConcurrencyLimit.isTried(self, sample.inFlight)) return
  const waiting = Math.ceil(limit * (1 - self.fastest / rtt))
  if (waiting <= step) ConcurrencyLimit.move(self, limit + 6 * step, bounds)
  else if (waiting < 3 * step) ConcurrencyLimit.move(self, limit + step, bounds)
  else if (waiting > 6 * step) ConcurrencyLimit.move(self, limit - step, bounds)
}
