/**
 * The circuit breaker's state machine: `(state, now) -> verdict, state`.
 *
 * Every admission is fenced by the epoch it was made in, so a late answer never
 * moves a later state, and every probe holds a lease, so a probe that never
 * returns does not wedge the circuit. Nothing here runs a timer: an open circuit
 * turns half-open when the first caller after `until` asks. A state is a value,
 * but for the counts of a closed circuit, which are kept in place.
 *
 * Source: M. Nygard, "Release It!" (2007); fencing and leases as in Gray and
 * Cheriton, "Leases" (SOSP 1989); the ramp as Envoy's slow start.
 *
 * @since 0.1.0
 */
import * as CallStats from "./CallStats.ts"
import type {
  Circuit,
  Closed,
  HalfOpen,
  Isolated,
  Open,
  Outcome,
  Ramp,
  Refusal,
  Rules,
  Ticket
} from "./CircuitState.ts"
import { closed } from "./CircuitState.ts"
import * as TripRule from "./TripRule.ts"

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
      return self.ramp === undefined ? [self.ticket, self] : admitOnRamp(self, self.ramp, now, rules)
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
 * end of an opening so that a fleet does not come back in step; `hint` is how
 * long the failure itself asks to wait, 0 for no such wish.
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
  rules: Rules,
  hint = 0
): Circuit => {
  if (ticket.epoch !== self.epoch) return self
  switch (self._tag) {
    case "Closed":
      return outcome === "Ignored" ? self : settleClosed(self, outcome, now, random, rules, hint)
    case "HalfOpen":
      return settleProbe(self, ticket, outcome, now, random, rules, hint)
    case "Open":
    case "Isolated":
      return self
  }
}

/**
 * Holds the circuit open, whatever it is doing now, until as many `release` it or one resets it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const isolate = (self: Circuit, now: number): Isolated =>
  self._tag === "Isolated"
    ? { ...self, holds: self.holds + 1 }
    : { _tag: "Isolated", epoch: self.epoch + 1, since: now, holds: 1 }

/**
 * Lets go of a circuit that was isolated in `epoch`; it closes, on the ramp, when nobody else holds it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const release = (self: Circuit, epoch: number, now: number, rules: Rules): Circuit => {
  if (self._tag !== "Isolated" || self.epoch !== epoch) return self
  return self.holds > 1
    ? { ...self, holds: self.holds - 1 }
    : closed(now, rules, self.epoch + 1, 0, rampAt(now, rules))
}

/**
 * Closes the circuit at once, whatever holds it, and forgets what was held against it.
 *
 * @category transitions
 * @since 0.1.0
 */
export const reset = (self: Circuit, now: number, rules: Rules): Circuit => closed(now, rules, self.epoch + 1)

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
 * The evidence, of failures or of slowness, that weighs most against a closed circuit.
 *
 * @category getters
 * @since 0.1.0
 */
export const suspicion = (self: Circuit, now: number, rules: Rules): number =>
  self._tag === "Closed" ? CallStats.suspicion(self.stats, now, rules.stats) : 0

/**
 * The share of calls that pass, from 0 to 1.
 *
 * @category getters
 * @since 0.1.0
 */
export const share = (self: Circuit, now: number, rules: Rules): number => {
  if (self._tag !== "Closed") return 0
  return self.ramp === undefined ? 1 : shareOf(self.ramp, now, rules)
}

/**
 * The openings that no healthy spell has made up for by `now`.
 *
 * @category getters
 * @since 0.1.0
 */
export const openings = (self: Circuit, now: number, rules: Rules): number => {
  if (self._tag === "Isolated") return 0
  if (self._tag !== "Closed" || self.openings === 0) return self.openings
  return Math.max(0, self.openings - Math.floor((now - self.since) / rules.healthySpell))
}

// even at the very start some have to pass, or nothing would be learned
const leastShare = 0.1

const shareOf = (ramp: Ramp, now: number, rules: Rules): number =>
  Math.min(1, Math.max(leastShare, (now - ramp.since) / rules.rampFor))

const rampAt = (now: number, rules: Rules): Ramp | undefined =>
  rules.rampFor === 0 ? undefined : { since: now, credit: 1 }

const admitOnRamp = (
  self: Closed,
  ramp: Ramp,
  now: number,
  rules: Rules
): readonly [Ticket | Refusal, Circuit] => {
  if (now - ramp.since >= rules.rampFor) return [self.ticket, { ...self, ramp: undefined }]
  const credit = ramp.credit + shareOf(ramp, now, rules)
  return credit >= 1
    ? [self.ticket, { ...self, ramp: { ...ramp, credit: credit - 1 } }]
    : [{ reason: "RampingUp", retryAfter: undefined }, { ...self, ramp: { ...ramp, credit } }]
}

const halfOpen = (self: Open, now: number): HalfOpen => ({
  _tag: "HalfOpen",
  epoch: self.epoch + 1,
  since: now,
  openings: self.openings,
  successes: 0,
  failures: 0,
  nextProbe: 1,
  leases: []
})

const open = (
  self: Closed | HalfOpen,
  because: string,
  now: number,
  random: number,
  rules: Rules,
  hint: number
): Open => {
  const before = openings(self, now, rules)
  const last = rules.openFor.length - 1
  const length = rules.openFor[Math.min(before, last)]! * (1 - rules.jitter * random)
  return {
    _tag: "Open",
    epoch: self.epoch + 1,
    since: now,
    until: now + Math.max(length, Math.min(hint, rules.maxHint)),
    openings: Math.min(before + 1, last + 1),
    because
  }
}

const settleClosed = (
  self: Closed,
  outcome: Exclude<Outcome, "Ignored">,
  now: number,
  random: number,
  rules: Rules,
  hint: number
): Circuit => {
  const { stats } = self
  CallStats.record(stats, outcome === "Failure", outcome === "Slow", now, rules.stats)
  if (outcome !== "Success") {
    const because = TripRule.tripped(rules.trip, stats) ??
      (outcome === "Slow" && stats.slow.weight >= rules.stats.slow.limit ? "slowCalls" : undefined)
    if (because !== undefined) return open(self, because, now, random, rules, hint)
  }
  const left = openings(self, now, rules)
  return left === self.openings ? self : {
    ...self,
    openings: left,
    since: self.since + (self.openings - left) * rules.healthySpell
  }
}

const settleProbe = (
  self: HalfOpen,
  ticket: Ticket,
  outcome: Outcome,
  now: number,
  random: number,
  rules: Rules,
  hint: number
): Circuit => {
  const lease = self.leases.find((lease) => lease.probe === ticket.probe)
  // a probe that outlived its lease was already given up
  if (lease === undefined || lease.until <= now) return self
  const leases = self.leases.filter((other) => other !== lease)
  switch (outcome) {
    case "Ignored":
      return { ...self, leases }
    case "Failure":
    case "Slow":
      // enough successes are out of reach
      return self.failures + 1 > rules.probeCalls - rules.successesToClose
        ? open(self, outcome === "Slow" ? "slowProbe" : "failedProbe", now, random, rules, hint)
        : { ...self, leases, failures: self.failures + 1 }
    case "Success":
      return self.successes + 1 >= rules.successesToClose
        ? closed(now, rules, self.epoch + 1, self.openings, rampAt(now, rules))
        : { ...self, leases, successes: self.successes + 1 }
  }
}
