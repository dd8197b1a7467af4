/**
 * What is usual for each kind of call, so that unlike calls can be compared: a
 * large model is not slow for being slower than a small one.
 *
 * @since 0.1.0
 */

/**
 * The usual logarithm of the latency of one kind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Usual {
  mean: number
  samples: number
}

/**
 * By kind, kept in place: this is written on every call.
 *
 * @category models
 * @since 0.1.0
 */
export type Baseline = Map<string, Usual>

// names come from callers: the one that came first makes room
const maxKinds = 256

// the mean follows the last fifty or so
const leastStep = 0.02

/**
 * How far an answer is above what is usual for its kind, which it becomes part of.
 *
 * @category transitions
 * @since 0.1.0
 */
export const excess = (self: Baseline, kind: string, log: number): number => {
  let usual = self.get(kind)
  if (usual === undefined) {
    if (self.size >= maxKinds) self.delete(self.keys().next().value!)
    usual = { mean: 0, samples: 0 }
    self.set(kind, usual)
  }
  usual.samples++
  usual.mean += (log - usual.mean) * Math.max(1 / usual.samples, leastStep)
  return log - usual.mean
}
