/**
 * A key, as far as it was seen to be good: what a service says of it is true
 * wherever its account uses it.
 *
 * @since 0.1.0
 */
import * as TrialGate from "../machine/TrialGate.ts"

/**
 * A key's standing, shared by the endpoints of one account that send the same
 * one. The key itself is not in here.
 *
 * @category models
 * @since 0.1.0
 */
export interface Key {
  /** Closed while the key is refused; most keys never need it. */
  gate: TrialGate.TrialGate | undefined
  refusedBy: "Call" | "Check"
  /** Whether a call was ever answered with it. */
  isProven: boolean
  /** How many endpoints send it. */
  users: number
}

/**
 * A key that nothing is known of.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Key => ({ gate: undefined, refusedBy: "Call", isProven: false, users: 0 })

/**
 * A call sent at `sentAt` was refused with it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const refused = (self: Key, sentAt: number, until: number, now: number): void => {
  if (TrialGate.refused(self.gate ??= TrialGate.make(), sentAt, until, now)) self.refusedBy = "Call"
}

/**
 * A call was answered with it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (self: Key, call: object, sentAt: number): void => {
  self.isProven = true
  if (self.gate !== undefined) TrialGate.answered(self.gate, call, sentAt)
}

/**
 * What a health check says of it. It takes back only its own refusal: a call may need more rights.
 *
 * @category transitions
 * @since 0.1.0
 */
export const checked = (self: Key, isRefused: boolean, until: number, now: number): void => {
  if (!isRefused) {
    if (self.refusedBy === "Check" && self.gate !== undefined) TrialGate.open(self.gate, now)
  } else if (!self.isProven) {
    // a key that calls are answered with may not be allowed to list models; and a
    // check does not take over what a call has found: it could give the key back too soon
    const gate = self.gate ??= TrialGate.make()
    if (TrialGate.remaining(gate, now) === undefined) self.refusedBy = "Check"
    TrialGate.refused(gate, now, until, now)
  }
}

/**
 * Forgets what was held against it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const clear = (self: Key, now: number): void => {
  // made if there is none: it remembers when it was opened
  TrialGate.open(self.gate ??= TrialGate.make(), now)
}
