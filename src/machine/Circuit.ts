/**
 * The circuit breaker's state machine: `(state, now) -> verdict, state`.
 *
 * Every admission is fenced by the epoch it was made in, so a late answer never
 * moves a later state, and every probe holds a lease, so a probe that never
 * returns does not wedge the circuit. Nothing here runs a timer: an open circuit
 * turns half-open when the first caller after `until` asks.
 *
 * Source: M. Nygard, "Release It!" (2007); fencing and leases as in Gray and
 * Cheriton, "Leases" (SOSP 1989).
 *
 * @since 0.1.0
 */
import type { Circuit, Closed, HalfOpen, Open, Outcome, Refusal, Rules, Ticket } from "./CircuitState.ts"
import { closed } from "./CircuitState.ts"
import * as Evidence from "./Evidence.ts"

export * from "./CircuitState.ts"

/**
 * Whether a verdict of `admit` lets the call pass.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTicket = (verdict: Ticket | Refusal): verdict is Ticket => "epoch" in verdict

/**
 * Asks for one call.
 *
 * @category transitions
 * @since 0.1.0
 */
export const admit = (self: Circuit, now: number, rules: Rules): readonly [Ticket | Refusal, Circuit] => {
  switch (self._tag) {
    case "Closed":
      return [self.ticket, self]
    case "Open":
      return now < self.until
        ? [{ reason: "Open", retryAfter: self.until - now }, self]
        : admit(halfOpen(self, now), now, rules)
    case "HalfOpen": {
      const leases = self.leases.filter((lease) => lease.until > now)
      if (leases.length >= rules.probes) return [{ reason: "ProbesOut", retryAfter: undefined }, { ...self, leases }]
      const probe = self.nextProbe
      return [
        { epoch: self.epoch, probe },
        { ...self, nextProbe: probe + 1, leases: [...leases, { probe, until: now + rules.probeLease }] }
      ]
    }
    case "Isolated":
      return [{ reason: "Isolated", retryAfter: undefined }, self]
  }
}

/**
 * Tells how an admitted call ended. `random`, from 0 to below 1, spreads the
 * end of an opening so that a fleet does not come back in step.
 *
 * @category transitions
 * @since 0.1.0
 */
export const settle = (
  self: Circuit,
  ticket: Ticket,
  outcome: Outcome,
  now: number,
  random: number,
  rules: Rules
): Circuit => {
  if (ticket.epoch !== self.epoch) return self
  switch (self._tag) {
    case "Closed":
      return outcome === "Ignored" ? self : settleClosed(self, outcome, now, random, rules)
    case "HalfOpen":
      return settleProbe(self, ticket, outcome, now, random, rules)
    case "Open":
    case "Isolated":
      return self
  }
}

/**
 * Holds the circuit open until `reset`, whatever it is doing now.
 *
 * @category transitions
 * @since 0.1.0
 */
export const isolate = (self: Circuit, now: number): Circuit =>
  self._tag === "Isolated" ? self : { _tag: "Isolated", epoch: self.epoch + 1, since: now }

/**
 * Closes the circuit and forgets what was held against it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const reset = (self: Circuit, now: number): Circuit => closed(now, self.epoch + 1)

/**
 * The state as a caller would meet it at `now`: an opening that has run out
 * counts as half-open.
 *
 * @category getters
 * @since 0.1.0
 */
export const current = (self: Circuit, now: number): Circuit["_tag"] =>
  self._tag === "Open" && now >= self.until ? "HalfOpen" : self._tag

/**
 * The evidence, failures or slowness, that weighs most against a closed circuit.
 *
 * @category getters
 * @since 0.1.0
 */
export const suspicion = (self: Circuit, now: number, rules: Rules): number => {
  if (self._tag !== "Closed") return 0
  const failures = rules.trip._tag === "Evidence" ? Evidence.weigh(self.failures, now, rules.trip.rule) : self.streak
  return Math.max(failures, Evidence.weigh(self.slow, now, rules.slow))
}

const halfOpen = (self: Open, now: number): HalfOpen => ({
  _tag: "HalfOpen",
  epoch: self.epoch + 1,
  since: now,
  openings: self.openings,
  successes: 0,
  nextProbe: 1,
  leases: []
})

const open = (
  self: Closed | HalfOpen,
  because: Open["because"],
  now: number,
  random: number,
  rules: Rules
): Open => ({
  _tag: "Open",
  epoch: self.epoch + 1,
  since: now,
  until: now + Math.min(rules.maxOpenFor, rules.openFor * 2 ** self.openings) * (1 - rules.jitter * random),
  // beyond 30 doublings the cap has long taken over; a bound keeps 2 ** n finite
  openings: Math.min(30, self.openings + 1),
  because
})

const settleClosed = (
  self: Closed,
  outcome: Exclude<Outcome, "Ignored">,
  now: number,
  random: number,
  rules: Rules
): Circuit => {
  const failed = outcome === "Failure"
  const slow = failed ? self.slow : Evidence.record(self.slow, outcome === "Slow", now, rules.slow)
  const failures = rules.trip._tag === "Evidence"
    ? Evidence.record(self.failures, failed, now, rules.trip.rule)
    : self.failures
  const streak = failed ? self.streak + 1 : 0
  const tripped = rules.trip._tag === "Evidence"
    ? failed && Evidence.convicts(failures, rules.trip.rule)
    : streak >= rules.trip.failures
  if (tripped) return open(self, "Failures", now, random, rules)
  if (Evidence.convicts(slow, rules.slow)) return open(self, "SlowCalls", now, random, rules)
  const healthySpell = self.openings > 0 && now - self.since >= rules.openFor
  return failures === self.failures && slow === self.slow && streak === self.streak && !healthySpell
    ? self
    : {
      ...self,
      failures,
      slow,
      streak,
      openings: healthySpell ? self.openings - 1 : self.openings,
      since: healthySpell ? now : self.since
    }
}

const settleProbe = (
  self: HalfOpen,
  ticket: Ticket,
  outcome: Outcome,
  now: number,
  random: number,
  rules: Rules
): Circuit => {
  const lease = self.leases.find((lease) => lease.probe === ticket.probe)
  // a probe that outlived its lease was already given up
  if (lease === undefined || lease.until <= now) return self
  const leases = self.leases.filter((other) => other !== lease)
  switch (outcome) {
    case "Ignored":
      return { ...self, leases }
    case "Failure":
      return open(self, "Failures", now, random, rules)
    case "Slow":
      return open(self, "SlowCalls", now, random, rules)
    case "Success":
      return self.successes + 1 >= rules.successesToClose
        ? closed(now, self.epoch + 1, self.openings)
        : { ...self, leases, successes: self.successes + 1 }
  }
}
