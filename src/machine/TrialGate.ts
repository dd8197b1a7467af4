/**
 * A gate that a refusal closes for a time and that one trial opens again.
 *
 * While it is open, everybody passes. When it is closed, nobody does until its
 * time has come, and from then on one call at a time, as a trial: an answer opens
 * the gate, another refusal closes it for longer, and a trial that says neither
 * gives its place to the next. A trial holds a lease, so that one that never
 * returns keeps nobody out for ever. What was sent before the last change of the
 * gate says nothing against it.
 *
 * Source: leases as in Gray and Cheriton, "Leases" (SOSP 1989).
 *
 * @since 0.1.0
 */

/**
 * The gate, kept in place: it is looked at on every call. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrialGate {
  isOpen: boolean
  /** Nobody passes a closed gate before; of an open one it says nothing. */
  until: number
  /** When it was closed: an answer to a call sent before says nothing for it. */
  closedAt: number
  /** When the call was sent that opened it: a refusal of a call sent before says nothing against it. */
  openedBy: number
  /** Who is on trial; anything that is only itself. */
  trial: object | undefined
  leaseUntil: number
}

/**
 * A gate that is open.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): TrialGate => ({
  isOpen: true,
  until: 0,
  closedAt: 0,
  openedBy: -Infinity,
  trial: undefined,
  leaseUntil: 0
})

/**
 * Whether a call may pass at `now`; asking takes nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const mayPass = (self: TrialGate, now: number): boolean =>
  self.isOpen || (now >= self.until && (self.trial === undefined || now >= self.leaseUntil))

/**
 * Milliseconds until the next trial at a closed gate; `undefined` where nobody knows, since one is under way.
 *
 * @category getters
 * @since 0.1.0
 */
export const remaining = (self: TrialGate, now: number): number | undefined =>
  !self.isOpen && now < self.until ? self.until - now : undefined

/**
 * Lets a call pass that may; at a closed gate it is the trial, for at most `lease`.
 *
 * @category transitions
 * @since 0.1.0
 */
export const pass = (self: TrialGate, call: object, now: number, lease: number): void => {
  if (self.isOpen) return
  self.trial = call
  self.leaseUntil = now + lease
}

/**
 * A call that passed has ended, however: if it was the trial, the next may be.
 *
 * @category transitions
 * @since 0.1.0
 */
export const leave = (self: TrialGate, call: object): void => {
  if (self.trial === call) self.trial = undefined
}

/**
 * A call sent at `sentAt` was answered, before it leaves.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (self: TrialGate, call: object, sentAt: number): void => {
  if (!self.isOpen && (self.trial === call || sentAt > self.closedAt)) open(self, sentAt)
}

/**
 * A call sent at `sentAt` was refused: nobody passes before `until`, nor before the time that was
 * known already. `false` if it came too late to say anything.
 *
 * @category transitions
 * @since 0.1.0
 */
export const refused = (self: TrialGate, sentAt: number, until: number, now: number): boolean => {
  if (sentAt < self.openedBy) return false
  self.until = self.isOpen ? until : Math.max(self.until, until)
  self.isOpen = false
  self.closedAt = now
  return true
}

/**
 * Opens the gate for a reason that lies outside: refusals of calls sent before `now` no longer count.
 *
 * @category transitions
 * @since 0.1.0
 */
export const open = (self: TrialGate, now: number): void => {
  self.isOpen = true
  self.openedBy = now
  self.trial = undefined
}
