import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Tally from "../../src/machine/Tally.ts"
import * as Law from "../Law.ts"

const decay = 100

interface Call {
  readonly of: number
  readonly after: number
  readonly failed: boolean
  readonly log: number
  readonly excess: number
}

const calls: Arbitrary.Arbitrary<ReadonlyArray<Call>> = Law.list(
  Arbitrary.all({
    of: Law.int(0, 1),
    after: Law.int(0, 80),
    failed: Law.oneOf(true, false),
    log: Law.int(1, 9),
    excess: Law.int(-3, 3)
  }),
  20
)

/** Two tallies of their own calls, and when the last of them was. */
const play = (calls: ReadonlyArray<Call>) => {
  const tallies = [Tally.make(), Tally.make()] as const
  let now = 0
  for (const { after, excess, failed, log, of } of calls) {
    now += after
    if (failed) Tally.failed(tallies[of]!, now, decay)
    else Tally.answered(tallies[of]!, log, excess, now, decay)
  }
  return { tallies, now }
}

/** Each call again, with what time has left of it. */
const sums = (calls: ReadonlyArray<Call>, at: number) => {
  let now = 0
  const sum = { calls: 0, failures: 0, logs: 0, excess: 0 }
  for (const { after, excess, failed, log } of calls) {
    now += after
    const left = Math.exp((now - at) / decay)
    sum.calls += left
    if (failed) sum.failures += left
    else {
      sum.logs += left * log
      sum.excess += left * excess
    }
  }
  return sum
}

const isAbout = (tally: Tally.Tally, expected: ReturnType<typeof sums>): void => {
  for (const field of ["calls", "failures", "logs", "excess"] as const) {
    assert.closeTo(tally[field], expected[field], 1e-9, field)
  }
}

describe("Tally", () => {
  it.prop(
    "is what is left of its calls, and two are what is left of all",
    [calls, Law.int(0, 50)],
    ([calls, later]) => {
      const { now, tallies: [one, other] } = play(calls)
      Tally.add(one, other, now + later, decay)
      isAbout(one, sums(calls, now + later))
    },
    Law.check(200)
  )

  it.prop("without one that was counted in is as if that had never been", [calls, Law.int(0, 50)], ([calls, later]) => {
    const { now, tallies: [one, other] } = play(calls)
    Tally.add(one, other, now, decay)
    Tally.subtract(one, other, now + later, decay)
    const without = calls.map((call) => ({ ...call, isIn: call.of === 0 }))
    let at = 0
    const left = without.flatMap(({ isIn, ...call }) => {
      at += call.after
      return isIn ? [{ ...call, after: at }] : []
    })
    const timed = left.map((call, index) => ({ ...call, after: call.after - (left[index - 1]?.after ?? 0) }))
    isAbout(one, sums(timed, now + later))
  }, Law.check(200))

  it("never holds less than no calls, however much is taken out", () => {
    const [one, other] = [Tally.make(), Tally.make()]
    Tally.failed(other, 0, decay)
    Tally.subtract(one, other, 0, decay)
    assert.include(one, { calls: 0, failures: 0 })
  })

  it("knows what is typical from a tenth of an answer on", () => {
    const answers = (calls: number): number =>
      Tally.typical({ calls, failures: 0, logs: calls * Math.log(7), excess: 0, at: 0 })
    assert.closeTo(answers(0.1), 7, 1e-9)
    assert.strictEqual(answers(0.09), 0)
  })
})
