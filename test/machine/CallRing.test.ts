import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as CallRing from "../../src/machine/CallRing.ts"
import * as Law from "../Law.ts"
import * as TripByHistory from "./TripByHistory.ts"

describe("CallRing", () => {
  type Machine = Pick<typeof CallRing, "make" | "record">
  const cases = Arbitrary.all({ size: Law.int(1, 12), history: TripByHistory.histories })
  const countsTheLast =
    (machine: Machine) => ({ history, size }: { size: number; history: TripByHistory.History }): void => {
      const ring = machine.make(size)
      TripByHistory.read(history, 0, (answers, { outcome }) => {
        machine.record(ring, outcome === "Failure")
        const last = answers.slice(-size)
        assert.strictEqual(ring.calls, last.length)
        assert.strictEqual(ring.failures, last.filter(({ outcome }) => outcome === "Failure").length)
      })
    }

  it.prop("counts the failures of the last calls", [cases], ([it]) => countsTheLast(CallRing)(it), Law.check(200))

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["is one call too long", { ...CallRing, make: (size) => CallRing.make(size + 1) }],
    ["forgets nothing", { ...CallRing, make: () => CallRing.make(1000) }],
    ["holds only failures", { ...CallRing, record: (ring, failed) => failed && CallRing.record(ring, failed) }]
  ]
  it.effect.each(broken)("is told from a ring that %s", ([, machine]) => Law.isBroken(cases, countsTheLast(machine)))
})
