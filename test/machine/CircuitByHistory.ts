/**
 * What a circuit ought to say, found the slow way: every answer is written down, and
 * every question is answered by reading them all again. An era ends whenever the state
 * changes its name.
 */
import type * as Circuit from "../../src/machine/Circuit.ts"

/** A call that was admitted. */
export interface Call {
  readonly ticket: Circuit.Ticket
  readonly era: number
  readonly leaseUntil: number
}

const balance = (answers: ReadonlyArray<Circuit.Outcome>): number =>
  answers.reduce((sum, outcome) => sum + (outcome === "Slow" ? 1 : -1), 0)

export const make = (rules: Circuit.Rules) => {
  const outcomes: Array<{ readonly era: number; readonly outcome: Circuit.Outcome }> = []
  let era = 0
  let state: Circuit.Circuit["_tag"] = "Closed"
  let since = 0
  let until = 0
  let openings = 0
  let out: Array<Call> = []
  const enter = (next: Circuit.Circuit["_tag"], now: number): void => {
    era++
    state = next
    since = now
    out = []
  }
  const makeUp = (now: number): void => {
    while (openings > 0 && now - since >= rules.healthySpell) {
      openings--
      since += rules.healthySpell
    }
  }
  const open = (now: number, random: number): void => {
    if (state === "Closed") makeUp(now)
    enter("Open", now)
    until = now + rules.openFor[Math.min(openings, 3)]! * (1 - rules.jitter * random)
    openings = Math.min(openings + 1, 4)
  }
  const ofThisEra = () => outcomes.filter((other) => other.era === era).map(({ outcome }) => outcome)
  const atWork = (now: number) => out.filter(({ leaseUntil }) => leaseUntil > now)
  return {
    state: (now: number) => state === "Open" && now >= until ? "HalfOpen" : state,
    era: () => era,
    /** What the caller is to be told: `true`, or why not. */
    ask: (now: number): true | Circuit.Refusal => {
      if (state === "Open" && now >= until) enter("HalfOpen", now)
      if (state === "Open") return { reason: "Open", retryAfter: until - now }
      if (state === "Isolated") return { reason: "Isolated", retryAfter: undefined }
      if (state === "HalfOpen" && atWork(now).length >= rules.probes) {
        return { reason: "ProbesOut", retryAfter: undefined }
      }
      return true
    },
    started: (call: Call): void => {
      if (state === "HalfOpen") out.push(call)
    },
    finished: (call: Call, outcome: Circuit.Outcome, now: number, random: number): void => {
      if (call.era !== era || state === "Open" || state === "Isolated") return
      if (state === "HalfOpen" && !atWork(now).includes(call)) return
      out = out.filter((other) => other !== call)
      if (outcome === "Ignored") return
      outcomes.push({ era, outcome })
      const told = ofThisEra()
      if (state === "HalfOpen") {
        if (outcome !== "Success") open(now, random)
        else if (told.length === rules.successesToClose) enter("Closed", now)
      } else if (rules.trip._tag === "Consecutive") {
        const last = told.slice(-rules.trip.failures)
        const failing = last.length === rules.trip.failures && last.every((outcome) => outcome === "Failure")
        const answers = told.filter((outcome) => outcome !== "Failure")
        const slow = outcome !== "Failure" &&
          answers.some((_, from) => balance(answers.slice(from)) >= rules.stats.slow.limit)
        if (failing || slow) open(now, random)
        else makeUp(now)
      }
    },
    isolate: (now: number) => state === "Isolated" || enter("Isolated", now),
    reset: (now: number): void => {
      enter("Closed", now)
      openings = 0
    }
  }
}
