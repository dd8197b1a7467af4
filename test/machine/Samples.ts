/** Histories of calls for machines that learn a limit, and what holds for each of them. */
import { assert } from "@effect/vitest"
import { Arbitrary } from "effect"
import type * as ConcurrencyLimit from "../../src/machine/ConcurrencyLimit.ts"
import * as Law from "../Law.ts"

/** A call that ended so long after the one before. */
export interface Ended extends ConcurrencyLimit.Sample {
  readonly after: number
}

export interface Case extends ConcurrencyLimit.Bounds {
  readonly start: number
  readonly origin: number
  readonly history: ReadonlyArray<Ended>
}

/** Mostly busy calls of like times, some slow, some dropped, and some that a clock made nonsense of. */
export const cases: Arbitrary.Arbitrary<Case> = Arbitrary.map(
  Arbitrary.all({
    min: Law.oneOf(1, 2, 5),
    over: Law.oneOf(0, 3, 20, 200),
    start: Law.int(0, 100),
    origin: Law.oneOf(0, 1e9),
    history: Law.list(
      Arbitrary.all({
        after: Law.oneOf(0, 1, 5, 30, 100),
        rtt: Law.oneOf(0, 1, 8, 10, 10, 11, 13, 25, 100, 400, NaN, -5, Infinity),
        inFlight: Law.oneOf(1, 3, 20, 100, 500),
        isDropped: Law.oneOf(true, false, false, false, false, false)
      }),
      200
    )
  }),
  ({ history, min, origin, over, start }) => ({
    min,
    max: min + over,
    start: Math.min(min + over, Math.max(min, start)),
    origin,
    history
  })
)

/** Each limit that the reference finds is the machine's, after every sample. */
export const follows = <Rule extends ConcurrencyLimit.Bounds, State extends ConcurrencyLimit.Learned>(
  ruleOf: (bounds: ConcurrencyLimit.Bounds) => Rule,
  reference: (ended: ReadonlyArray<Ended & { readonly at: number }>, start: number, rule: Rule) => number
) =>
(machine: ConcurrencyLimit.ConcurrencyLimit<Rule, State>) =>
({ history, max, min, origin, start }: Case): void => {
  const rule = ruleOf({ min, max })
  const state = machine.make(start)
  const ended: Array<Ended & { readonly at: number }> = []
  let now = origin
  for (const one of history) {
    now += one.after
    const before = { ...state }
    machine.observe(state, one, now, rule)
    if (!(one.rtt >= 0 && one.rtt < Infinity)) {
      assert.deepStrictEqual(state, before, "what is no time is no sample")
      continue
    }
    ended.push({ ...one, at: now })
    assert.closeTo(state.limit, reference(ended, start, rule), 1e-6)
    assert.isAtLeast(state.limit, min)
    assert.isAtMost(state.limit, max)
    if (one.isDropped) assert.isAtMost(state.limit, before.limit, "a drop raises nothing")
  }
}

/** Where no more calls run than half of the lowest limit, none is raised. */
export const growsOnlyWhenTried = <Rule extends ConcurrencyLimit.Bounds, State extends ConcurrencyLimit.Learned>(
  machine: ConcurrencyLimit.ConcurrencyLimit<Rule, State>,
  rule: Rule,
  { history, start }: Case
): void => {
  const state = machine.make(start + 10)
  let now = 0
  for (const one of history) {
    now += one.after
    const { limit } = state
    machine.observe(
      state,
      { ...one, inFlight: Math.min(one.inFlight, Math.ceil(Math.floor(limit) / 2) - 1) },
      now,
      rule
    )
    assert.isAtMost(state.limit, limit)
  }
}
