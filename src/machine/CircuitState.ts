/**
 * The states of a circuit, what moves it, and the numbers it lives by.
 *
 * @since 0.1.0
 */
import * as Evidence from "./Evidence.ts"

/**
 * What a finished call says about the one that was called.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "Success" | "Slow" | "Failure" | "Ignored"

/**
 * When a closed circuit opens.
 *
 * @category models
 * @since 0.1.0
 */
export type Trip =
  | { readonly _tag: "Consecutive"; readonly failures: number }
  | { readonly _tag: "Evidence"; readonly rule: Evidence.Rule }

/**
 * The numbers a circuit lives by. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rules {
  readonly trip: Trip
  readonly slow: Evidence.Rule
  readonly openFor: number
  readonly maxOpenFor: number
  /** Share of an open duration, between 0 and 1, that chance may take off it. */
  readonly jitter: number
  readonly probes: number
  readonly successesToClose: number
  readonly probeLease: number
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
  readonly reason: "Open" | "ProbesOut" | "Isolated"
  readonly retryAfter: number | undefined
}

/**
 * Calls pass; what they tell is weighed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Closed {
  readonly _tag: "Closed"
  readonly epoch: number
  readonly since: number
  readonly streak: number
  readonly failures: Evidence.Evidence
  readonly slow: Evidence.Evidence
  /** Openings that a healthy spell has not yet paid off; they lengthen the next one. */
  readonly openings: number
  readonly ticket: Ticket
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
  readonly because: "Failures" | "SlowCalls"
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
 * Held open by hand until released by hand.
 *
 * @category models
 * @since 0.1.0
 */
export interface Isolated {
  readonly _tag: "Isolated"
  readonly epoch: number
  readonly since: number
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
export const closed = (now: number, epoch = 0, openings = 0): Closed => ({
  _tag: "Closed",
  epoch,
  since: now,
  streak: 0,
  failures: Evidence.none,
  slow: Evidence.none,
  openings,
  ticket: { epoch, probe: 0 }
})
