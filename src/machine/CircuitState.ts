/**
 * The states of a circuit, what moves it, and the numbers it lives by.
 *
 * @since 0.1.0
 */
import * as CallStats from "./CallStats.ts"
import type * as TripRule from "./TripRule.ts"

/**
 * What a finished call says about the one that was called.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "Success" | "Slow" | "Failure" | "Ignored"

/**
 * The numbers a circuit lives by. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rules {
  readonly trip: TripRule.TripRule
  readonly stats: CallStats.Shape
  /** How long the first, second, … opening in close succession lasts; the last for all after it. */
  readonly openFor: ReadonlyArray<number>
  /** Share of an open duration, between 0 and 1, that chance may take off it. */
  readonly jitter: number
  /** How long a failure's own hint may keep the circuit open. */
  readonly maxHint: number
  /** A closed spell of this length makes up for one opening. */
  readonly healthySpell: number
  /** How many probes may be out at a time. */
  readonly probes: number
  readonly probeLease: number
  /** How many probes have to succeed … */
  readonly successesToClose: number
  /** … of how many. */
  readonly probeCalls: number
  /** How long after closing the share of calls that pass grows; 0 for all at once. */
  readonly rampFor: number
}

/**
 * The right to one call: which epoch gave it, and which probe it is (0: none).
 *
 * @category models
 * @since 0.1.0
 */
export interface Ticket {
  readonly epoch: number
  readonly probe: number
}

/**
 * Why a call may not pass, and how long until one may, where that is known.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refusal {
  readonly reason: "Open" | "ProbesOut" | "RampingUp" | "Isolated"
  readonly retryAfter: number | undefined
}

/**
 * Calls pass; what they tell is counted, in place.
 *
 * @category models
 * @since 0.1.0
 */
export interface Closed {
  readonly _tag: "Closed"
  readonly epoch: number
  readonly since: number
  readonly stats: CallStats.CallStats
  /** Openings that no healthy spell has made up for yet; they lengthen the next one. */
  readonly openings: number
  readonly ramp: Ramp | undefined
  readonly ticket: Ticket
}

/**
 * A circuit that has just closed lets a growing share of calls pass.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ramp {
  readonly since: number
  /** The sum of the shares of the calls that asked, less those that passed: a whole one lets one pass. */
  readonly credit: number
}

/**
 * No call passes before `until`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Open {
  readonly _tag: "Open"
  readonly epoch: number
  readonly since: number
  readonly until: number
  readonly openings: number
  /** The rule that opened it. */
  readonly because: string
}

/**
 * A few probes pass; they decide.
 *
 * @category models
 * @since 0.1.0
 */
export interface HalfOpen {
  readonly _tag: "HalfOpen"
  readonly epoch: number
  readonly since: number
  readonly openings: number
  readonly successes: number
  readonly failures: number
  readonly nextProbe: number
  readonly leases: ReadonlyArray<Lease>
}

/**
 * A probe under way: it counts until it settles or its lease ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lease {
  readonly probe: number
  readonly until: number
}

/**
 * Held open by so many hands, until the last lets go.
 *
 * @category models
 * @since 0.1.0
 */
export interface Isolated {
  readonly _tag: "Isolated"
  readonly epoch: number
  readonly since: number
  readonly holds: number
}

/**
 * The four states; each holds only what that state needs.
 *
 * @category models
 * @since 0.1.0
 */
export type Circuit = Closed | Open | HalfOpen | Isolated

/**
 * A closed circuit that has seen nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const closed = (now: number, rules: Rules, epoch = 0, openings = 0, ramp?: Ramp): Closed => ({
  _tag: "Closed",
  epoch,
  since: now,
  stats: CallStats.make(rules.stats),
  openings,
  ramp,
  ticket: { epoch, probe: 0 }
})
