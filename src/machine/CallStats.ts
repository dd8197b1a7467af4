/**
 * What a closed circuit has counted of its calls: only what its rules ask for.
 *
 * @since 0.1.0
 */
import * as CallRing from "./CallRing.ts"
import * as CallWindow from "./CallWindow.ts"
import * as Evidence from "./Evidence.ts"

/**
 * Which counts are kept, and how. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shape {
  /** How failures are weighed. */
  readonly failures: Evidence.Rule
  /** How slow calls are weighed. */
  readonly slow: Evidence.Rule
  /** The lengths of the rings over the last calls. */
  readonly rings: ReadonlyArray<number>
  /** The length of the time window; 0 for none. */
  readonly window: number
}

/**
 * The counts, kept in place: this is written on every call.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallStats {
  /** Failures in a row. */
  streak: number
  failures: Evidence.Evidence
  slow: Evidence.Evidence
  readonly rings: ReadonlyArray<CallRing.CallRing>
  readonly window: CallWindow.CallWindow | undefined
}

const noRings: ReadonlyArray<CallRing.CallRing> = []

/**
 * Nothing counted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (shape: Shape): CallStats => ({
  streak: 0,
  failures: Evidence.none,
  slow: Evidence.none,
  rings: shape.rings.length === 0 ? noRings : shape.rings.map(CallRing.make),
  window: shape.window === 0 ? undefined : CallWindow.make(shape.window)
})

/**
 * Whether a good call would change anything: if not, nobody has to look at the clock.
 *
 * @category getters
 * @since 0.1.0
 */
export const isClean = (self: CallStats): boolean =>
  // after a failure there is a weight as well
  self.failures.weight === 0 && self.slow.weight === 0 && self.window === undefined && self.rings.length === 0

/**
 * Adds one call. A failure says nothing of speed.
 *
 * @category transitions
 * @since 0.1.0
 */
export const record = (self: CallStats, failed: boolean, slow: boolean, now: number, shape: Shape): void => {
  self.streak = failed ? self.streak + 1 : 0
  self.failures = Evidence.record(self.failures, failed, now, shape.failures)
  if (!failed) self.slow = Evidence.record(self.slow, slow, now, shape.slow)
  for (const ring of self.rings) CallRing.record(ring, failed)
  if (self.window !== undefined) CallWindow.record(self.window, failed, slow, now)
}

/**
 * The evidence, of failures or of slowness, that weighs most at `now`.
 *
 * @category getters
 * @since 0.1.0
 */
export const suspicion = (self: CallStats, now: number, shape: Shape): number =>
  Math.max(Evidence.weigh(self.failures, now, shape.failures), Evidence.weigh(self.slow, now, shape.slow))
