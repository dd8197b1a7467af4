/**
 * What a circuit ought to say, found the slow way: every answer is written down with its time,
 * and every question is answered by reading them all again. An era ends whenever the state
 * changes its name.
 */
import type * as Circuit from "../../src/machine/Circuit.ts"
import * as TripByHistory from "./TripByHistory.ts"

/** A call that was admitted. */
export interface Call {
  readonly ticket: Circuit.Ticket
  readonly era: number
  readonly leaseUntil: number
}

/** One who holds the circuit open. */
export interface Hold {
  readonly epoch: number
  readonly era: number
}

/** What the caller is to be told: `true`, or why not; either where rounding decides. */
export type Verdict = true | Circuit.Refusal | "either"

export const make = (rules: Circuit.Rules) => {
  const answers: Array<TripByHistory.Answer & { readonly era: number }> = []
  const asks: Array<{ readonly era: number; readonly share: number; readonly passed: boolean }> = []
  let era = 0
  let state: Circuit.Circuit["_tag"] = "Closed"
  let since = 0
  let until = 0
  let because: string | undefined
  let openings = 0
  let isRamping = false
  let holds = 0
  let out: Array<Call> = []

  const enter = (next: Circuit.Circuit["_tag"], now: number): void => {
    era++
    state = next
    since = now
    out = []
    because = undefined
    isRamping = false
  }
  // every healthy spell of a closed circuit makes up for one opening
  const unforgiven = (now: number): number => {
    if (state === "Isolated") return 0
    return state === "Closed" ? Math.max(0, openings - Math.floor((now - since) / rules.healthySpell)) : openings
  }
  const open = (name: string, now: number, random: number, hint: number): void => {
    const before = unforgiven(now)
    const length = rules.openFor[before] ?? rules.openFor.at(-1)!
    enter("Open", now)
    because = name
    until = now + Math.max(length * (1 - rules.jitter * random), Math.min(hint, rules.maxHint))
    openings = Math.min(before + 1, rules.openFor.length)
  }
  const close = (now: number, left: number, ramps: boolean): void => {
    enter("Closed", now)
    openings = left
    isRamping = ramps && rules.rampFor > 0
  }
  const ofThisEra = () => answers.filter((answer) => answer.era === era)
  const atWork = (now: number) => out.filter(({ leaseUntil }) => leaseUntil > now)
  const share = (now: number): number => {
    if (state !== "Closed") return 0
    return isRamping ? Math.max(0.1, Math.min(1, (now - since) / rules.rampFor)) : 1
  }
  const whatTrips = (outcome: Circuit.Outcome, now: number): string | undefined => {
    const told = ofThisEra()
    const name = TripByHistory.tripped(rules.trip, told, rules.stats.window, now)
    if (name !== undefined) return name
    const answered = told.filter((answer) => answer.outcome !== "Failure").map((answer) => answer.outcome === "Slow")
    return outcome === "Slow" && TripByHistory.worstRun(answered, rules.stats.slow.rate) >= rules.stats.slow.limit
      ? "slowCalls"
      : undefined
  }

  return {
    state: (now: number) => state === "Open" && now >= until ? "HalfOpen" : state,
    era: () => era,
    because: () => because,
    openings: unforgiven,
    share,
    ask: (now: number): Verdict => {
      if (state === "Open" && now >= until) enter("HalfOpen", now)
      if (state === "Open") return { reason: "Open", retryAfter: until - now }
      if (state === "Isolated") return { reason: "Isolated", retryAfter: undefined }
      if (state === "HalfOpen" && atWork(now).length >= rules.probes) {
        return { reason: "ProbesOut", retryAfter: undefined }
      }
      if (isRamping && now - since >= rules.rampFor) isRamping = false
      if (!isRamping) return true
      // one passes ahead of what their shares add up to
      const asked = asks.filter((ask) => ask.era === era)
      const due = asked.reduce((sum, ask) => sum + ask.share, share(now)) - asked.filter(({ passed }) => passed).length
      if (Math.abs(due) < 1e-9) return "either"
      return due > 0 || { reason: "RampingUp", retryAfter: undefined }
    },
    asked: (passed: boolean, now: number): void => {
      if (isRamping) asks.push({ era, share: share(now), passed })
    },
    started: (call: Call): void => {
      if (state === "HalfOpen") out.push(call)
    },
    finished: (call: Call, outcome: Circuit.Outcome, now: number, random: number, hint: number): void => {
      if (call.era !== era || state === "Open" || state === "Isolated") return
      if (state === "HalfOpen" && !atWork(now).includes(call)) return
      out = out.filter((other) => other !== call)
      if (outcome === "Ignored") return
      answers.push({ era, outcome, at: now })
      if (state === "HalfOpen") {
        const told = ofThisEra()
        const good = told.filter((answer) => answer.outcome === "Success").length
        if (good >= rules.successesToClose) close(now, openings, true)
        // not even if all that are left were good
        else if (good + rules.probeCalls - told.length < rules.successesToClose) {
          open(outcome === "Slow" ? "slowProbe" : "failedProbe", now, random, hint)
        }
      } else if (outcome !== "Success") {
        const name = whatTrips(outcome, now)
        if (name !== undefined) open(name, now, random, hint)
      }
    },
    isolate: (now: number): void => {
      if (state !== "Isolated") {
        enter("Isolated", now)
        holds = 0
      }
      holds++
    },
    release: (hold: Hold, now: number): void => {
      if (hold.era === era && --holds === 0) close(now, 0, true)
    },
    reset: (now: number): void => close(now, 0, false)
  }
}
