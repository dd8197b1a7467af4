/**
 * A limit that follows the ratio of the usual time of a call to the time it
 * takes now, window by window.
 *
 * A drop counts as the steepest gradient there is: it cuts the limit at once,
 * at most once a window, and the limit does not grow in that window.
 *
 * Source: Netflix concurrency-limits, whose constants these are; that a drop
 * counts at all is ours.
 *
 * @since 0.1.0
 */
import * as ConcurrencyLimit from "./ConcurrencyLimit.ts"

/**
 * `tolerance` is how many times the usual a call may take before the limit
 * shrinks, from 1 up; `window` milliseconds, and at least ten samples, are
 * averaged.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule extends ConcurrencyLimit.Bounds {
  readonly tolerance: number
  readonly window: number
}

/**
 * The limit, the usual time over so many windows, and the window that is open.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gradient2 extends ConcurrencyLimit.Learned {
  usual: number
  windows: number
  /** When the open window began; `Infinity` before the first sample. */
  since: number
  sum: number
  samples: number
  inFlight: number
  cutAt: number
}

const leastSamples = 10

// until the usual time is known it is the plain mean, then a moving average over so many windows
const warmup = 10
const memory = 600

// calls that may wait at the other side, so that there is growth to learn from
const headroom = 4
const smoothing = 0.2
const steepest = 0.5

/**
 * Begins with this limit.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (limit: number): Gradient2 => ({
  limit,
  usual: 0,
  windows: 0,
  since: Infinity,
  sum: 0,
  samples: 0,
  inFlight: 0,
  cutAt: -Infinity
})

/**
 * Takes in how one call went.
 *
 * @category transitions
 * @since 0.1.0
 */
export const observe = (self: Gradient2, sample: ConcurrencyLimit.Sample, now: number, rule: Rule): void => {
  if (!ConcurrencyLimit.isSound(sample)) return
  if (self.since === Infinity) self.since = now
  if (sample.isDropped) {
    if (now - self.cutAt < rule.window) return
    self.cutAt = now
    return ConcurrencyLimit.move(self, blend(self.limit, self.limit * steepest), rule)
  }
  self.sum += sample.rtt
  self.samples++
  self.inFlight = Math.max(self.inFlight, sample.inFlight)
  if (now - self.since < rule.window || self.samples < leastSamples) return
  close(self, now, rule)
}

const blend = (old: number, fresh: number): number => old * (1 - smoothing) + fresh * smoothing

const close = (self: Gradient2, now: number, rule: Rule): void => {
  const took = self.sum / self.samples
  const wasTried = ConcurrencyLimit.isTried(self, self.inFlight)
  const wasCut = self.cutAt >= self.since
  self.windows++
  const weight = self.windows <= warmup ? 1 / self.windows : 2 / (memory + 1)
  self.usual = self.usual * (1 - weight) + took * weight
  // what is now twice as fast is not slow by the standard of before
  if (self.usual > 2 * took) self.usual *= 0.95
  self.since = now
  self.sum = self.samples = self.inFlight = 0
  if (!wasTried) return
  const gradient = took === 0 ? 1 : Math.min(1, Math.max(steepest, rule.tolerance * self.usual / took))
  const limit = blend(self.limit, self.limit * gradient + headroom)
  ConcurrencyLimit.move(self, wasCut ? Math.min(self.limit, limit) : limit, rule)
}
