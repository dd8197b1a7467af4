import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Circuit from "../../src/machine/Circuit.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Circuit, "admit">

/** A circuit that closed at 0 and lets a growing share of the calls pass. */
const ramping = (rampFor: number): readonly [Circuit.Circuit, Circuit.Rules] => {
  const never = { rate: 0.5, limit: Infinity, forgetAfter: 1000 }
  const rules: Circuit.Rules = {
    trip: { _tag: "Consecutive", failures: 1 },
    stats: { failures: never, slow: never, rings: [], window: 0 },
    openFor: [20],
    jitter: 0,
    maxHint: 0,
    healthySpell: 20,
    probes: 1,
    probeLease: 10,
    successesToClose: 1,
    probeCalls: 1,
    rampFor
  }
  return [Circuit.release(Circuit.isolate(Circuit.closed(0, rules), 0), 1, 0, rules), rules]
}

interface Asks {
  readonly rampFor: number
  readonly gaps: ReadonlyArray<number>
}

/** Asks at these times, and looks at every run of them. */
const letsTheirSharePass = (machine: Machine) => ({ gaps, rampFor }: Asks): void => {
  const [start, rules] = ramping(rampFor)
  let circuit = start
  let now = 0
  // for every ask so far: what was due by then, and what had passed
  const due = [0]
  const passed = [0]
  for (const gap of gaps) {
    now += gap
    const share = now >= rampFor ? 1 : Math.max(0.1, now / rampFor)
    assert.strictEqual(Circuit.share(circuit, now, rules), share)
    const [verdict, next] = machine.admit(circuit, now, rules)
    circuit = next
    due.push(due.at(-1)! + share)
    passed.push(passed.at(-1)! + (Circuit.isTicket(verdict) ? 1 : 0))
    if (now >= rampFor) assert.isTrue(Circuit.isTicket(verdict), "all pass when the ramp is over")
    for (let from = 0; from < due.length; from++) {
      assert.isAtMost(Math.abs(passed.at(-1)! - passed[from]! - (due.at(-1)! - due[from]!)), 1 + 1e-9)
    }
  }
  if (gaps.length > 0) assert.strictEqual(passed[1], 1, "the first passes")
}

describe("the ramp of a circuit", () => {
  const ramps = Arbitrary.all({ rampFor: Law.oneOf(1, 30, 1000), gaps: Law.list(Law.int(0, 40), 60) })

  it.prop("lets of any run of calls the share pass that has grown by then, within one", [ramps], ([it]) => {
    letsTheirSharePass(Circuit)(it)
  }, Law.check(300))

  it("passes in the moment in which the shares add up to a whole call", () => {
    const [start, rules] = ramping(10)
    let circuit = start
    // a half at each of these: half of the credit of the start, one, a half, one
    const passes = [5, 5, 5, 5].map((now) => {
      const [verdict, next] = Circuit.admit(circuit, now, rules)
      circuit = next
      return Circuit.isTicket(verdict)
    })
    assert.deepStrictEqual(passes, [true, true, false, true])
  })

  const unfair: ReadonlyArray<readonly [string, Machine]> = [
    ["lets everybody pass", { admit: (self, now, rules) => Circuit.admit(self, now, { ...rules, rampFor: 0 }) }],
    ["takes twice as long", {
      admit: (self, now, rules) => Circuit.admit(self, now, { ...rules, rampFor: 2 * rules.rampFor })
    }],
    ["forgets whom it refused", {
      admit: (self, now, rules) => {
        const [verdict, next] = Circuit.admit(self, now, rules)
        return [verdict, Circuit.isTicket(verdict) ? next : self]
      }
    }],
    ["makes the first one wait", {
      admit: (self, now, rules) =>
        Circuit.admit(
          self._tag === "Closed" && self.ramp?.credit === 1 ? { ...self, ramp: { ...self.ramp, credit: 0 } } : self,
          now,
          rules
        )
    }]
  ]
  it.effect.each(unfair)(
    "is told from a ramp that %s",
    ([, machine]) => Law.isBroken(ramps, letsTheirSharePass(machine))
  )
})
