import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Expiry from "../../src/machine/Expiry.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Expiry, "make" | "set" | "drop" | "earliest" | "ring">

const cases = Law.list(
  Arbitrary.all({
    do: Law.oneOf("set", "set", "set", "drop", "drop", "ring", "wait"),
    after: Law.int(0, 30),
    who: Law.int(0, 1000)
  }),
  150
)

interface Step {
  readonly do: "set" | "drop" | "ring" | "wait"
  readonly after: number
  readonly who: number
}

/** The reference: an array, sorted anew for every question. */
const behavesAsSorted = (machine: Machine) => (history: ReadonlyArray<Step>): void => {
  const expiry = machine.make<number>()
  const entries: Array<Expiry.Entry<number>> = []
  let times: Array<{ readonly who: number; readonly at: number }> = []
  let now = 0
  for (const { after, do: action, who } of history) {
    const [first] = times.toSorted((a, b) => a.at - b.at || a.who - b.who)
    assert.strictEqual(machine.earliest(expiry), first === undefined ? Infinity : first.at)
    if (action === "set") {
      times.push({ who: entries.length, at: now + after })
      entries.push(machine.set(expiry, now + after, entries.length))
    } else if (action === "drop" && entries.length > 0) {
      const gone = who % entries.length
      machine.drop(expiry, entries[gone]!)
      times = times.filter((other) => other.who !== gone)
    } else if (action === "ring") {
      const due = first !== undefined && first.at <= now ? first.who : undefined
      assert.strictEqual(machine.ring(expiry, now), due)
      times = times.filter((other) => other.who !== due)
    } else if (action === "wait") {
      now += after
    }
    assert.strictEqual(expiry.dropped, expiry.heap.length - times.length, "it knows how many have gone")
    assert.isAtMost(expiry.heap.length, 2 * times.length, "whoever went is swept away")
    const held = expiry.heap.flatMap(({ value }) => value === undefined ? [] : [value])
    assert.deepStrictEqual(held.toSorted((a, b) => a - b), times.map(({ who }) => who), "nobody is lost or held")
  }
}

describe("Expiry", () => {
  it.prop("is an array, sorted by time and then by who came first", [cases], ([history]) => {
    behavesAsSorted(Expiry)(history)
  }, Law.check(300))

  it("looks at all of them only when more than half have gone", () => {
    const expiry = Expiry.make<number>()
    const entries = [1, 2, 3, 4].map((at) => Expiry.set(expiry, at, at))
    const { heap } = expiry
    for (const entry of entries.slice(0, 2)) Expiry.drop(expiry, entry)
    assert.strictEqual(expiry.heap, heap)
    Expiry.drop(expiry, entries[2]!)
    assert.deepStrictEqual(expiry.heap, [entries[3]!])
  })

  it("rings for nobody where nobody waits, even at the end of time", () => {
    assert.isUndefined(Expiry.ring(Expiry.make(), Infinity))
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["rings too early", { ...Expiry, ring: (expiry, now) => Expiry.ring(expiry, now + 1) }],
    ["rings for those who went", { ...Expiry, drop: () => {} }],
    ["never sweeps", {
      ...Expiry,
      drop: (expiry, entry) => {
        if (entry.value === undefined) return
        entry.value = undefined
        expiry.dropped++
      }
    }],
    ["knows not who came first", {
      ...Expiry,
      set: (expiry, at, value) => {
        expiry.entries -= 2
        return Expiry.set(expiry, at, value)
      }
    }],
    ["appends only", {
      ...Expiry,
      set: (expiry, at, value) => {
        const entry = { at, number: expiry.entries++, value }
        expiry.heap.push(entry)
        return entry
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, machine]) => Law.isBroken(cases, behavesAsSorted(machine))
  )
})
